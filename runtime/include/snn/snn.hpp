// The runtime for C++20: owning handles, std::span and exceptions over snn/runtime.h, in a header alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a function means, and who may call what at the same time, is what snn/runtime.h says of the function of C with
// its name. A failure is an snn::Error with the sentence and the code, for one of making an object a code of the kind
// of object; destructors never throw. Handles can be moved, not copied; one that was moved from may only be destroyed
// or assigned to.
//
// Arrays are contiguous, in row-major order of the shape in the model's table, with the call's number of samples and of
// time steps for SNN_EXTENT_BATCH and SNN_EXTENT_TIME. Their element type is that of the table (float, double, uint8_t,
// int64_t); types and sizes are checked where an array is given. Nothing is copied: arrays outlive the Batch.
#ifndef SNN_SNN_HPP
#define SNN_SNN_HPP

#include "snn/runtime.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// The namespace inside keeps these names apart from those within the library.
namespace snn::inline cpp {

/// A failure of the runtime: a code of enum snn_status or enum snn_runtime_error.
class Error : public std::runtime_error {
public:
  Error(int32_t code, const std::string &message) : std::runtime_error(message), number(code) {}
  int32_t code() const noexcept { return number; }

private:
  int32_t number;
};

namespace detail {

inline void check(int32_t code) {
  if (code != SNN_OK)
    throw Error(code, snn_last_error());
}

/// `code`: what it is if there is no object.
template <typename Object> Object *checked(Object *object, int32_t code) {
  if (!object)
    throw Error(code, snn_last_error());
  return object;
}

struct Deleter {
  void operator()(snn_library *library) const noexcept { snn_library_close(library); }
  void operator()(snn_pool *pool) const noexcept { snn_pool_destroy(pool); }
  void operator()(snn_instance *instance) const noexcept { snn_instance_destroy(instance); }
  void operator()(snn_tensors *tensors) const noexcept { snn_tensors_close(tensors); }
};

template <typename Element> constexpr uint32_t dtypeOf() {
  using Plain = std::remove_cv_t<Element>;
  static_assert(std::is_same_v<Plain, float> || std::is_same_v<Plain, double> || std::is_same_v<Plain, uint8_t> ||
                    std::is_same_v<Plain, int64_t>,
                "models have elements of float, double, uint8_t and int64_t");
  return std::is_same_v<Plain, float>     ? SNN_DTYPE_F32
         : std::is_same_v<Plain, double>  ? SNN_DTYPE_F64
         : std::is_same_v<Plain, uint8_t> ? SNN_DTYPE_U8
                                          : SNN_DTYPE_I64;
}

inline uint64_t elements(const snn_tensor_info &tensor, uint64_t batch, uint64_t steps) {
  uint64_t count = 1;
  for (int64_t extent : std::span(tensor.shape, tensor.rank))
    count *= extent == SNN_EXTENT_BATCH ? batch : extent == SNN_EXTENT_TIME ? steps : uint64_t(extent);
  return count;
}

/// The place of a name in one of the table's lists.
inline size_t find(std::span<const snn_tensor_info> tensors, const char *kind, std::string_view name) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (name == tensors[i].name)
      return i;
  throw Error(SNN_ERROR_NAME, "the model has no " + std::string(kind) + " \"" + std::string(name) + "\"");
}

template <typename Element>
void requireFit(const snn_tensor_info &tensor, const char *kind, uint64_t expected, uint64_t found) {
  const std::string name = std::string(kind) + " \"" + tensor.name + "\"";
  if (dtypeOf<Element>() != tensor.dtype)
    throw Error(SNN_ERROR_ARGUMENT, name + " has another element type than the array for it");
  if (expected != found)
    throw Error(SNN_ERROR_SIZE,
                name + " has " + std::to_string(expected) + " elements, the array for it has " + std::to_string(found));
}

} // namespace detail

/// An array that is not a temporary: an lvalue of a container or an array, or a span.
template <typename Range>
concept Array =
    std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> && std::ranges::borrowed_range<Range>;

/// A model's code. It outlives its instances.
class Library {
public:
  /// Opens a file, which is code and is trusted like a program.
  static Library open(const std::string &path) {
    return Library(detail::checked(snn_library_open(path.c_str()), SNN_ERROR_LIBRARY));
  }
  /// A model that is linked into the program: `<model>_snn_query`.
  static Library linked(snn_query_fn query) {
    return Library(detail::checked(snn_library_from_query(query), SNN_ERROR_LIBRARY));
  }

  const snn_model_table &table() const { return *snn_library_table(handle.get()); }
  const snn_library *get() const noexcept { return handle.get(); }

private:
  explicit Library(snn_library *library) : handle(library) {}
  std::unique_ptr<snn_library, detail::Deleter> handle;
};

/// Threads. It outlives the instances that were made with it.
class Pool {
public:
  /// 0 workers: as many as this process has CPUs.
  explicit Pool(uint64_t workers = 0) : handle(detail::checked(snn_pool_create(workers), SNN_ERROR_MEMORY)) {}

  uint64_t workers() const noexcept { return snn_pool_workers(handle.get()); }
  snn_pool *get() const noexcept { return handle.get(); }

private:
  std::unique_ptr<snn_pool, detail::Deleter> handle;
};

/// The tensors of a .safetensors file.
class Tensors {
public:
  static Tensors open(const std::string &path) {
    return Tensors(detail::checked(snn_tensors_open(path.c_str()), SNN_ERROR_DATA));
  }
  /// Of a file's bytes, which outlive it.
  static Tensors fromMemory(std::span<const std::byte> bytes) {
    return Tensors(detail::checked(snn_tensors_from_memory(bytes.data(), bytes.size()), SNN_ERROR_DATA));
  }

  /// In the order of their names.
  uint64_t size() const noexcept { return snn_tensors_count(handle.get()); }
  snn_tensor operator[](uint64_t index) const {
    snn_tensor tensor = {};
    detail::check(snn_tensors_at(handle.get(), index, &tensor));
    return tensor;
  }
  snn_tensor find(const std::string &name) const {
    snn_tensor tensor = {};
    detail::check(snn_tensors_find(handle.get(), name.c_str(), &tensor));
    return tensor;
  }
  const snn_tensors *get() const noexcept { return handle.get(); }

private:
  explicit Tensors(snn_tensors *tensors) : handle(tensors) {}
  std::unique_ptr<snn_tensors, detail::Deleter> handle;
};

class Instance;

/// The data of one call, of any instance of the model. Inputs that the call needs must be given, outputs may be.
class Batch {
public:
  /// `steps` 0: as many as the instance was made for. A Batch for step() has one.
  explicit Batch(const Instance &instance, uint64_t samples, uint64_t steps = 0);

  template <Array Range> Batch &input(std::string_view name, Range &&data) {
    const std::span array(std::ranges::data(data), std::ranges::size(data));
    views[placeOf({table->inputs, table->input_count}, "input", name, array)] = {array.data(), nullptr};
    return *this;
  }

  template <Array Range> Batch &output(std::string_view name, Range &&data) {
    const std::span array(std::ranges::data(data), std::ranges::size(data));
    outputs[placeOf({table->outputs, table->output_count}, "output", name, array)] = array.data();
    return *this;
  }

  /// The loss's derivative by an output, for backward().
  template <Array Range> Batch &outputGradient(std::string_view name, Range &&data) {
    const std::span array(std::ranges::data(data), std::ranges::size(data));
    gradients[placeOf({table->outputs, table->output_count}, "output", name, array)] = array.data();
    return *this;
  }

  /// One number per sample, which random operations depend on.
  Batch &sampleIds(std::span<const uint64_t> ids) {
    if (ids.size() != call.batch)
      throw Error(SNN_ERROR_SIZE, "there are " + std::to_string(ids.size()) + " sample ids for " +
                                      std::to_string(call.batch) + " samples");
    call.sample_ids = ids.data();
    return *this;
  }

  Batch &epoch(uint64_t number) {
    call.epoch = number;
    return *this;
  }

private:
  friend class Instance;

  /// Where the tensor of this name stands; its elements must be as many as the array's and of its type.
  template <typename Element>
  size_t placeOf(std::span<const snn_tensor_info> tensors, const char *kind, std::string_view name,
                 std::span<Element> array) const {
    const size_t place = detail::find(tensors, kind, name);
    detail::requireFit<Element>(tensors[place], kind, detail::elements(tensors[place], call.batch, call.steps),
                                array.size());
    return place;
  }

  const snn_model_table *table;
  snn_batch call = {};
  std::vector<snn_view> views;
  std::vector<void *> outputs;
  std::vector<const void *> gradients;
};

/// One trainable copy of a model.
class Instance {
public:
  /// `batch` and `steps` are the most that a call may ask for; 0: the model's.
  explicit Instance(const Library &library, uint64_t batch = 0, uint64_t steps = 0)
      : Instance(library, nullptr, batch, steps) {}
  Instance(const Library &library, const Pool &pool, uint64_t batch = 0, uint64_t steps = 0)
      : Instance(library, pool.get(), batch, steps) {}

  const snn_model_table &table() const noexcept { return *shared; }
  uint64_t steps() const noexcept { return most; }

  void init(uint64_t seed) { detail::check(snn_instance_init(get(), seed)); }
  void resetState() { detail::check(snn_instance_reset_state(get())); }

  void load(const std::string &path) { detail::check(snn_instance_load(get(), path.c_str())); }
  void load(const Tensors &tensors) { detail::check(snn_instance_load_tensors(get(), tensors.get())); }
  void save(const std::string &path) const { detail::check(snn_instance_save(get(), path.c_str())); }
  void loadState(uint64_t batch, const std::string &path) {
    detail::check(snn_instance_load_state(get(), batch, path.c_str()));
  }
  void saveState(uint64_t batch, const std::string &path) const {
    detail::check(snn_instance_save_state(get(), batch, path.c_str()));
  }

  void setHyper(const std::string &name, double value) {
    detail::check(snn_instance_set_hyper(get(), name.c_str(), value));
  }
  double hyper(const std::string &name) const {
    double value = 0;
    detail::check(snn_instance_get_hyper(get(), name.c_str(), &value));
    return value;
  }
  void setTraining(uint64_t updates, uint64_t epochs) {
    detail::check(snn_instance_set_training(get(), updates, epochs));
  }

  void forward(const Batch &batch) { run(snn_instance_forward, batch); }
  void step(const Batch &batch) {
    if (batch.call.steps != 1)
      throw Error(SNN_ERROR_STEPS,
                  "step() takes a Batch of one time step, this one has " + std::to_string(batch.call.steps));
    run(snn_instance_step, batch);
  }
  void backward(const Batch &batch) { run(snn_instance_backward, batch); }
  /// These return the mean loss of the batch.
  double evaluate(const Batch &batch) { return run(snn_instance_evaluate, batch); }
  double lossAndGradient(const Batch &batch) { return run(snn_instance_loss_and_gradient, batch); }
  double trainStep(const Batch &batch) { return run(snn_instance_train_step, batch); }
  void update() { detail::check(snn_instance_update(get())); }

  /// Copies; `Element` is the model's precision, for buffers the table's type.
  template <typename Element> std::vector<Element> parameter(const std::string &name) const {
    return copy<Element>(snn_instance_get_parameter, {shared->parameters, shared->parameter_count}, "parameter", name);
  }
  template <typename Element> std::vector<Element> gradient(const std::string &name) const {
    return copy<Element>(snn_instance_get_gradient, {shared->parameters, shared->parameter_count}, "parameter", name);
  }
  template <typename Element> std::vector<Element> buffer(const std::string &name) const {
    return copy<Element>(snn_instance_get_buffer, {shared->buffers, shared->buffer_count}, "buffer", name);
  }
  template <Array Range> void setParameter(const std::string &name, Range &&data) {
    const std::span array(std::ranges::data(data), std::ranges::size(data));
    const std::span<const snn_tensor_info> all(shared->parameters, shared->parameter_count);
    const snn_tensor_info &tensor = all[detail::find(all, "parameter", name)];
    detail::requireFit<typename decltype(array)::element_type>(tensor, "parameter", detail::elements(tensor, 0, 0),
                                                               array.size());
    detail::check(snn_instance_set_parameter(get(), name.c_str(), array.data(), array.size_bytes()));
  }

  /// The memory itself, laid out as the table says.
  std::span<std::byte> span(snn_span which) {
    uint64_t bytes = 0;
    void *start = snn_instance_span(get(), which, &bytes);
    return {static_cast<std::byte *>(start), size_t(bytes)};
  }

  snn_instance *get() const noexcept { return handle.get(); }

private:
  Instance(const Library &library, snn_pool *pool, uint64_t batch, uint64_t steps)
      : handle(detail::checked(snn_instance_create(library.get(), batch, steps, pool), SNN_ERROR_ARGUMENT)),
        shared(&library.table()),
        most(steps != 0 ? steps : uint64_t(shared->steps > 0 ? shared->steps : shared->max_steps)) {}

  double run(int32_t (*entry)(snn_instance *, const snn_batch *), const Batch &batch) {
    if (batch.table->model_hash != shared->model_hash) // whose lists of arrays are others
      throw Error(SNN_ERROR_ARGUMENT, std::string("the Batch is one of model \"") + batch.table->name +
                                          "\", the Instance is one of model \"" + shared->name + "\"");
    snn_batch call = batch.call;
    double loss = 0;
    call.inputs = batch.views.data();
    call.outputs = batch.outputs.data();
    call.output_gradients = batch.gradients.data();
    call.loss = &loss;
    detail::check(entry(get(), &call));
    return loss;
  }

  template <typename Element, typename Get>
  std::vector<Element> copy(Get take, std::span<const snn_tensor_info> tensors, const char *kind,
                            const std::string &name) const {
    const snn_tensor_info &tensor = tensors[detail::find(tensors, kind, name)];
    std::vector<Element> result(size_t(detail::elements(tensor, 0, 0)));
    detail::requireFit<Element>(tensor, kind, result.size(), result.size());
    detail::check(take(get(), name.c_str(), result.data(), result.size() * sizeof(Element)));
    return result;
  }

  std::unique_ptr<snn_instance, detail::Deleter> handle;
  const snn_model_table *shared;
  uint64_t most;
};

inline Batch::Batch(const Instance &instance, uint64_t samples, uint64_t steps)
    : table(&instance.table()), views(size_t(table->input_count)), outputs(size_t(table->output_count)),
      gradients(size_t(table->output_count)) {
  call.struct_size = sizeof(call);
  call.batch = samples;
  call.steps = steps != 0 ? steps : instance.steps();
}

} // namespace snn::inline cpp

#endif // SNN_SNN_HPP
