// Libraries, pools, arenas and calls.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Library.h"

#include "frontends/python/bindings/Arrays.h"
#include "frontends/python/bindings/Outside.h"
#include "frontends/python/bindings/Threads.h"
#include "frontends/python/bindings/Weights.h"
#include "runtime/core/Table.h"
#include "runtime/train/Shuffle.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace snn::python {

Arena::Use::Use(Arena &arena, uint64_t bytes) : lock(arena.mutex), arena(arena) {
  if (arena.memory && arena.memory->bytes() >= bytes)
    return;
  arena.memory.reset();
  arena.memory = std::make_unique<Mapping>(std::max<uint64_t>(bytes, SNN_ALIGNMENT), /*sparse=*/false);
}

bool Arena::Use::bring(uint64_t content) {
  const bool isOther = content == 0 || content != arena.content;
  arena.content = content;
  return isOther;
}

uint64_t Arena::bytes() const {
  std::lock_guard lock(mutex);
  return memory ? memory->bytes() : 0;
}

namespace {

/// An entry of one of the table's lists: a copy, which may outlive the library.
struct Tensor {
  explicit Tensor(const snn_tensor_info &info)
      : name(info.name), dtype(dtypeName(info.dtype)), text(dtype + tableShapeText(info) + " \"" + name + "\""),
        offset(info.offset), low(info.init_low), high(info.init_high), flags(info.flags), strides(nb::none()) {
    nb::list extents, steps;
    for (uint32_t d = 0; d < info.rank; ++d) {
      if (info.shape[d] < 0)
        extents.append(info.shape[d] == SNN_EXTENT_TIME ? "T" : "B");
      else
        extents.append(info.shape[d]);
      if (info.strides)
        steps.append(info.strides[d]);
    }
    shape = nb::tuple(extents);
    if (info.strides || info.rank == 0)
      strides = nb::tuple(steps);
  }

  std::string name, dtype, text;
  uint64_t offset;
  double low, high;
  uint32_t flags;
  nb::tuple shape;
  nb::object strides; ///< a tuple, or None
};

struct Hyper {
  explicit Hyper(const snn_hyper_info &info)
      : name(info.name), value(info.value), low(info.low), high(info.high),
        belowHigh((info.flags & SNN_HYPER_BELOW_HIGH) != 0) {}

  std::string name;
  double value, low, high;
  bool belowHigh;
};

template <typename Entry, typename Info> nb::tuple entriesOf(const Info *infos, uint64_t count) {
  nb::list entries;
  for (uint64_t i = 0; i < count; ++i)
    entries.append(nb::cast(Entry{infos[i]}));
  return nb::tuple(entries);
}

class Library {
public:
  explicit Library(const std::string &path) : handle(snn_library_open(path.c_str())) {
    if (!handle)
      throw ModelFailure(SNN_ERROR_LIBRARY);
    const snn_model_table &t = table();
    parameters = entriesOf<Tensor>(t.parameters, t.parameter_count);
    buffers = entriesOf<Tensor>(t.buffers, t.buffer_count);
    constants = entriesOf<Tensor>(t.constants, t.constant_count);
    inputs = entriesOf<Tensor>(t.inputs, t.input_count);
    outputs = entriesOf<Tensor>(t.outputs, t.output_count);
    states = entriesOf<Tensor>(t.states, t.state_count);
    hyper = entriesOf<Hyper>(t.hyper, t.hyper_count);
  }

  const snn_model_table &table() const { return *snn_library_table(handle.get()); }
  const snn_library *get() const { return handle.get(); }

  /// Made once: each call looks at them.
  nb::tuple parameters, buffers, constants, inputs, outputs, states, hyper;

private:
  LibraryHandle handle;
};

nb::ndarray<nb::numpy, int64_t, nb::ndim<1>> numbersOf(std::vector<uint64_t> numbers) {
  auto kept = std::make_unique<std::vector<uint64_t>>(std::move(numbers));
  auto *data = reinterpret_cast<int64_t *>(kept->data());
  const size_t count = kept->size();
  nb::capsule owner(kept.release(), [](void *p) noexcept { delete static_cast<std::vector<uint64_t> *>(p); });
  return {data, {count}, owner};
}

void check(int32_t code) {
  if (code != SNN_OK)
    throw ModelFailure(code);
}

/// The numbers of a call, of Python's keywords.
struct Numbers {
  uint64_t batch = 1, steps = 1, firstStep = 0;
  uint64_t update = 1, updates = 0, epoch = 0, epochs = 0, seed = 0;
};

/// Everything that a call refers to is kept by the caller's arguments while it runs. `given` are put into buffers
/// before it, and into parameters unless these hold them already, as the number `content` says if it is not 0; `taken`
/// become gradients and buffers behind it.
double call(const Library &library, uint32_t which, Arena &arena, Threads *threads, const Numbers &numbers,
            nb::handle parameters, nb::handle gradients, nb::handle optimizer, nb::handle buffers, nb::handle stateIn,
            nb::handle stateOut, nb::handle inputs, nb::handle outputs, nb::handle outputGradients, nb::handle hyper,
            nb::handle sampleIds, nb::handle given, uint64_t content, nb::handle taken) {
  const snn_model_table &table = library.table();
  const uint64_t steps = which == SNN_ENTRY_STEP ? 1 : numbers.steps;
  double loss = 0;
  uint64_t faultRow = 0;
  snn_call call = {};
  call.struct_size = sizeof(call);
  call.batch = numbers.batch;
  call.steps = steps;
  call.first_step = numbers.firstStep;
  call.workers = threads ? threads->workers() : 1;
  call.parameters = span(parameters, "parameters", table.parameter_bytes);
  call.gradients = span(gradients, "gradients", table.parameter_bytes);
  call.optimizer = span(optimizer, "optimizer", table.optimizer_bytes);
  call.buffers = span(buffers, "buffers", table.buffer_bytes);
  if (table.state_bytes > 0 && numbers.batch > SNN_MAX_BATCH)
    throw nb::value_error("batch: at most 16777216 samples are possible");
  call.state_in = readSpan(stateIn, "state", numbers.batch * table.state_bytes);
  call.state_out = span(stateOut, "state", numbers.batch * table.state_bytes);

  std::vector<InputArray> arrays;
  std::vector<snn_view> views(table.input_count);
  std::vector<void *> results(table.output_count);
  std::vector<const void *> seeds(table.output_count);
  checkLength(inputs, "inputs", table.input_count);
  checkLength(outputs, "outputs", table.output_count);
  checkLength(outputGradients, "gradients of outputs", table.output_count);
  arrays.reserve(table.input_count);
  for (uint64_t i = 0; i < table.input_count; ++i)
    if (nb::handle array = listEntry(inputs, i); !array.is_none())
      views[i] = arrays.emplace_back(array, table.inputs[i], steps, numbers.batch).view();
  for (uint64_t i = 0; i < table.output_count; ++i) {
    const snn_tensor_info &info = table.outputs[i];
    if (nb::handle array = listEntry(outputs, i); !array.is_none())
      results[i] = writeContiguous(array, info, steps, numbers.batch);
    if (nb::handle array = listEntry(outputGradients, i); !array.is_none())
      seeds[i] = readContiguous(array, "gradient of", info, table.precision, steps, numbers.batch);
  }
  call.inputs = views.data();
  call.outputs = results.data();
  call.output_gradients = outputGradients.is_none() ? nullptr : seeds.data();
  call.loss = &loss;
  call.fault_row = &faultRow;

  const int64_t hyperCount = int64_t(table.hyper_count), batch = SNN_EXTENT_BATCH;
  const snn_tensor_info numbersInfo = {"hyper", SNN_DTYPE_F64, 1, &hyperCount, nullptr, 0, 0, 0, 0, 0};
  const snn_tensor_info idsInfo = {"sample_ids", SNN_DTYPE_I64, 1, &batch, nullptr, 0, 0, 0, 0, 0};
  if (!hyper.is_none())
    call.hyper = static_cast<const double *>(readContiguous(hyper, "numbers", numbersInfo, SNN_DTYPE_F64, 0, 0));
  if (!sampleIds.is_none())
    call.sample_ids =
        static_cast<const uint64_t *>(readContiguous(sampleIds, "numbers", idsInfo, SNN_DTYPE_I64, 0, numbers.batch));
  const Outside<const void> before(given, "parameter", table);
  const Outside<void> behind(taken, "gradients and buffers", table);
  call.optimizer_step = numbers.update;
  call.updates = numbers.updates;
  call.epoch = numbers.epoch;
  call.epochs = numbers.epochs;
  call.seed = numbers.seed;
  call.parallel_for = threads ? threads->parallelFor() : nullptr;
  call.pool = threads ? threads->pool() : nullptr;

  // Another thread of Python may wait for the arena, so nobody waits for it with the interpreter's lock.
  nb::gil_scoped_release released;
  const uint64_t bytes = table.arena_size(call.batch, call.steps, call.workers);
  Arena::Use use(arena, bytes == UINT64_MAX ? 0 : bytes);
  call.arena = use.data();
  call.arena_size = use.bytes();
  // Calls change buffers, so these are brought each time.
  before.copy(use.bring(content) ? call.parameters : nullptr, call.buffers, threads);
  check(snn_library_call(library.get(), which, &call));
  behind.copy(call.gradients, call.buffers, threads);
  return loss;
}

} // namespace

void bindLibrary(nb::module_ &module) {
  nb::class_<Tensor>(module, "Tensor", "What a model's table says of one tensor.")
      .def_ro("name", &Tensor::name)
      .def_ro("dtype", &Tensor::dtype, "\"f32\", \"f64\", \"u8\" or \"i64\".")
      .def_ro("shape", &Tensor::shape, "Extents; \"T\" and \"B\" stand for time and batch.")
      .def_ro("strides", &Tensor::strides, "In elements, of parameters, buffers and states; else None.")
      .def_ro("offset", &Tensor::offset, "In bytes, into its span.")
      .def_ro("value", &Tensor::low, "Of constants the value, of states that at rest.")
      .def_prop_ro(
          "classes", [](const Tensor &t) { return int64_t(t.high); },
          "Of labels what they are below; 0: the model's classes.")
      .def_prop_ro("differentiable", [](const Tensor &t) { return (t.flags & SNN_TENSOR_DIFFERENTIABLE) != 0; })
      .def("__repr__", [](const Tensor &t) { return t.text; });

  nb::class_<Hyper>(module, "Hyper", "A number of the loss or the optimizer.")
      .def_ro("name", &Hyper::name)
      .def_ro("value", &Hyper::value, "What the model's text says.")
      .def_ro("low", &Hyper::low)
      .def_ro("high", &Hyper::high)
      .def_ro("below_high", &Hyper::belowHigh);

  nb::class_<Threads>(module, "Threads", "Threads that calls are spread over; the results are the same bits.")
      .def_static(
          "own",
          [](uint64_t workers) {
            std::unique_ptr<Threads> threads = Threads::own(workers);
            if (!threads)
              throw ModelFailure(SNN_ERROR_MEMORY);
            return threads;
          },
          "workers"_a = 0, "Of the runtime; 0 workers: one for each CPU of this process.")
      .def_static("openmp", &Threads::ofOpenMp, "workers"_a,
                  "Those of the OpenMP library that this process has loaded, or None.")
      .def_prop_ro("workers", &Threads::workers);

  nb::class_<Arena>(module, "Arena", "Scratch memory of calls, one at a time.")
      .def(nb::init<>())
      .def_prop_ro("bytes", &Arena::bytes)
      .def("number", &Arena::number, "For `content` of a call: another one each time.");

  nb::class_<Numbers>(module, "Numbers", "The numbers of a call; names as in snn/abi.h.")
      .def(
          "__init__",
          [](Numbers *self, uint64_t batch, uint64_t steps, uint64_t firstStep, uint64_t update, uint64_t updates,
             uint64_t epoch, uint64_t epochs,
             uint64_t seed) { new (self) Numbers{batch, steps, firstStep, update, updates, epoch, epochs, seed}; },
          "batch"_a, "steps"_a, "first_step"_a = 0, "update"_a = 1, "updates"_a = 0, "epoch"_a = 0, "epochs"_a = 0,
          "seed"_a = 0);

  nb::class_<Library>(module, "Library", "A compiled model. Opening one runs its code: trust it like a program.")
      .def(nb::init<const std::string &>(), "path"_a)
      .def_prop_ro("name", [](const Library &l) { return l.table().name; })
      .def_prop_ro("compiler", [](const Library &l) { return l.table().compiler; })
      .def_prop_ro("target", [](const Library &l) { return l.table().target; })
      .def_prop_ro("precision", [](const Library &l) { return dtypeName(l.table().precision); })
      .def_prop_ro("model_hash", [](const Library &l) { return l.table().model_hash; })
      .def_prop_ro(
          "steps", [](const Library &l) { return l.table().steps; }, "-1: the call says.")
      .def_prop_ro("max_steps", [](const Library &l) { return l.table().max_steps; })
      .def_prop_ro("classes", [](const Library &l) { return l.table().classes; })
      .def_prop_ro("default_batch", [](const Library &l) { return l.table().default_batch; })
      .def_prop_ro("default_epochs", [](const Library &l) { return l.table().default_epochs; })
      .def_prop_ro("parameter_bytes", [](const Library &l) { return l.table().parameter_bytes; })
      .def_prop_ro("buffer_bytes", [](const Library &l) { return l.table().buffer_bytes; })
      .def_prop_ro("optimizer_bytes", [](const Library &l) { return l.table().optimizer_bytes; })
      .def_prop_ro(
          "state_bytes", [](const Library &l) { return l.table().state_bytes; }, "Of one sample.")
      .def_prop_ro(
          "window", [](const Library &l) { return windowOf(l.table()); },
          "Most steps of a call that trains; 0: as forward.")
      .def_prop_ro(
          "trains_apart", [](const Library &l) { return trainsApart(l.table()); },
          "Whether the network is another one when it trains.")
      .def_prop_ro(
          "random", [](const Library &l) { return drawsRandom(l.table()); },
          "Whether the network draws random numbers.")
      .def_prop_ro("trains", [](const Library &l) { return l.table().train_step != nullptr; })
      .def_ro("parameters", &Library::parameters)
      .def_ro("buffers", &Library::buffers)
      .def_ro("constants", &Library::constants)
      .def_ro("inputs", &Library::inputs)
      .def_ro("outputs", &Library::outputs)
      .def_ro("states", &Library::states)
      .def_ro("hyper", &Library::hyper)
      .def(
          "arena_size",
          [](const Library &l, uint64_t batch, uint64_t steps, uint64_t workers) {
            return l.table().arena_size(batch, steps, workers);
          },
          "batch"_a, "steps"_a, "workers"_a)
      .def(
          "initial",
          [](const Library &l, uint64_t seed, nb::handle parameters, nb::handle buffers) {
            check(snn_library_init(l.get(), seed, span(parameters, "parameters", l.table().parameter_bytes),
                                   span(buffers, "buffers", l.table().buffer_bytes)));
          },
          "seed"_a, "parameters"_a.none(), "buffers"_a.none())
      .def(
          "weights",
          [](const Library &l, const nb::dict &tensors, const std::string &what, bool strict) {
            return weightsOf(l.table(), tensors, what, strict);
          },
          "tensors"_a, "what"_a, "strict"_a, "Parameters and buffers in the model's types, from arrays by name.")
      .def(
          "read_weights",
          [](const Library &l, const std::string &path, bool strict) { return readWeights(l.table(), path, strict); },
          "path"_a, "strict"_a, "The same from a safetensors file.")
      .def(
          "check_constants",
          [](const Library &l, const nb::dict &tensors, const std::string &what) {
            checkConstants(l.table(), tensors, what);
          },
          "tensors"_a, "what"_a, "FileError if one of the tensors is a constant, and is not what is compiled in.")
      .def("call", &call, "entry"_a, "arena"_a, "threads"_a.none(), "numbers"_a, "parameters"_a.none(),
           "gradients"_a.none(), "optimizer"_a.none(), "buffers"_a.none(), "state_in"_a.none(), "state_out"_a.none(),
           "inputs"_a.none(), "outputs"_a.none(), "output_gradients"_a.none(), "hyper"_a.none(), "sample_ids"_a.none(),
           "given"_a.none() = nb::none(), "content"_a = 0, "taken"_a.none() = nb::none());

  module.attr("ENTRIES") = nb::dict();
  nb::dict entries = nb::cast<nb::dict>(module.attr("ENTRIES"));
  entries["forward"] = int(SNN_ENTRY_FORWARD);
  entries["step"] = int(SNN_ENTRY_STEP);
  entries["evaluate"] = int(SNN_ENTRY_EVALUATE);
  entries["loss_and_gradient"] = int(SNN_ENTRY_LOSS_AND_GRADIENT);
  entries["backward"] = int(SNN_ENTRY_BACKWARD);
  entries["update"] = int(SNN_ENTRY_UPDATE);
  entries["train_step"] = int(SNN_ENTRY_TRAIN_STEP);
  entries["forward_training"] = int(SNN_ENTRY_FORWARD_TRAINING);

  module.def("allocate", &allocate, "bytes"_a, "Zeroed memory, aligned as spans are.");
  module.def(
      "shuffled_order",
      [](uint64_t seed, uint64_t epoch, uint64_t count) { return numbersOf(shuffledOrder(seed, epoch, count)); },
      "seed"_a, "epoch"_a, "count"_a, "The order in which training goes through samples, as snn-train has it.");
  module.def(
      "held_out",
      [](uint64_t seed, uint64_t count, uint64_t held) {
        std::vector<uint64_t> order = shuffledOrder(seed, 0, count, RandomPurpose::Validation);
        order.resize(std::min(held, count));
        return numbersOf(std::move(order));
      },
      "seed"_a, "count"_a, "held"_a, "Which of so many samples snn-train would put aside, in no order.");
}

} // namespace snn::python
