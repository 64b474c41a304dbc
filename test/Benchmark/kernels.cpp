// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Time of the kernels behind matrix products.
//
//   kernels [VECTOR_BITS [ROWS INPUTS COLUMNS STEPS]]

#include "compiler/Codegen/Cpu/Kernels/Kernels.h"
#include "test/unit/compiler/NativeCode.h"

#include <ctime>
#include <random>

using namespace snn;
using namespace snn::kernels;
using mlir::ModuleOp;
using mlir::Value;

namespace {

struct Shape {
  int64_t rows, inputs, columns, steps;
};

template <typename T> std::vector<T, std::allocator<T>> filled(size_t count, std::function<T()> value) {
  std::vector<T> all(count);
  std::generate(all.begin(), all.end(), value);
  return all;
}

/// Of the thread, so that others on the machine count less.
double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

struct Entry {
  std::string name;
  std::function<void()> run;
  double best = 1e9;
};

/// Runs all in turn and prints the smallest time of each, and the factor of the first one's.
void race(const std::string &title, std::vector<Entry> entries, double flops) {
  for (int round = 0; round < 30; ++round)
    for (Entry &entry : entries) {
      double start = now();
      entry.run();
      entry.best = std::min(entry.best, now() - start);
    }
  std::printf("%s\n", title.c_str());
  for (const Entry &entry : entries)
    std::printf("  %-10s %9.1f us %7.3f %8.1f GFLOP/s\n", entry.name.c_str(), entry.best * 1e6,
                entry.best / entries.front().best, flops / entry.best * 1e-9);
  std::fflush(stdout);
}

/// Words of a call: A, B or D, C, rows, scratch, order, blocks.
void write(NativeCode &code, Shape shape) {
  int64_t words = paddedWidth(shape.inputs) / 16, aRow = words * 16, columns = paddedWidth(shape.columns);
  auto scratch = [](Emitter &e, NativeCode::Words in) {
    return Scratch{in.memory(4, e.b.getI8Type()).base, e.index(0)};
  };
  auto product = [&](Emitter &e, NativeCode::Words in, Matrix a) {
    return Product{a,       {in.reals(1), columns}, {in.reals(2), columns}, in.number(3), shape.inputs,
                   columns, scratch(e, in)};
  };
  auto orderAt = [&](Emitter &e, NativeCode::Words in) {
    return placeRowOrder(e, {in.memory(5, e.b.getI8Type()).base, e.index(0)}, in.number(3));
  };
  auto gradient = [&](Emitter &e, NativeCode::Words in, Matrix a) {
    return Gradient{a,
                    {in.reals(1), columns},
                    {in.reals(2), columns},
                    orderAt(e, in),
                    e.index(0),
                    in.number(6),
                    columns,
                    {e.index(0), e.index(shape.inputs)},
                    e.equal(in.number(3), e.index(0)),
                    scratch(e, in)};
  };
  int64_t perRun = 1;
  while (perRun * shape.steps < kRun)
    perRun *= 2;
  code.add("order", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    return emitRowOrder(e, module, e.div(in.number(3), shape.steps), e.index(shape.steps), e.index(perRun),
                        orderAt(e, in));
  });
  code.add("dense", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    emitDense(e, module, product(e, in, {in.reals(0), aRow}));
    return Value();
  });
  code.add("dense_gradient", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    emitDenseGradient(e, module, gradient(e, in, {in.reals(0), aRow}));
    return Value();
  });
  for (auto [form, name] : {std::pair(SpikeForm::ByDensity, "new"), std::pair(SpikeForm::Tables, "tables"),
                            std::pair(SpikeForm::Gather, "gather")}) {
    code.add(name, [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
      emitSpikes(e, module, product(e, in, {in.memory(0, e.b.getI16Type()), words}), form);
      return Value();
    });
    code.add(std::string(name) + "_gradient", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
      emitSpikeGradient(e, module, gradient(e, in, {in.memory(0, e.b.getI16Type()), words}), form);
      return Value();
    });
  }
}

void measure(const Target &target, Shape shape) {
  NativeCode code(target, /*f64=*/false);
  write(code, shape);
  code.compile();

  int64_t width = paddedWidth(shape.inputs), columns = paddedWidth(shape.columns), most = std::max(shape.rows, width);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> real(-1, 1), unit(0, 1);
  auto value = [&] { return real(random); };
  std::vector<float> a = filled<float>(shape.rows * width, value), b = filled<float>(most * columns, value),
                     c(most * columns);
  std::vector<int64_t> scratch(shape.rows * width + 100000), order(shape.rows * 2 + 1000);
  auto align = [](auto &memory) { return llvm::alignAddr(memory.data(), llvm::Align(64)); };
  auto pointer = [&](auto &memory) { return int64_t(align(memory)); };
  for (auto *memory : {&a, &b, &c})
    memory->resize(memory->size() + 16);
  auto run = [&](const char *name, int64_t factor, int64_t blocks) {
    return code.call(name, factor, pointer(b), pointer(c), shape.rows, pointer(scratch), pointer(order), blocks);
  };
  int64_t blocks = run("order", 0, 0);
  std::string dimensions = std::to_string(shape.rows) + " x " + std::to_string(shape.inputs) + " x " +
                           std::to_string(shape.columns) + ", " + std::to_string(target.vectorBits) + " bits";
  double flops = 2.0 * shape.rows * shape.inputs * shape.columns;
  for (std::string suffix : {"", "_gradient"}) {
    std::vector<Entry> entries;
    for (const char *name : {"dense"})
      entries.push_back({name, [&, called = name + suffix] { run(called.c_str(), pointer(a), blocks); }});
    race("dense" + suffix + " " + dimensions, entries, flops);
  }
  for (double density : {0.02, 0.05, 0.1, 0.15, 0.25, 0.5}) {
    std::vector<uint16_t> bits(shape.rows * width / 16 + 64);
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t k = 0; k < shape.inputs; ++k)
        bits[(r * width + k) / 16] |= (unit(random) < density) << (k % 16);
    for (std::string suffix : {"", "_gradient"}) {
      std::vector<Entry> entries;
      for (const char *name : {"new", "tables", "gather"})
        entries.push_back({name, [&, called = name + suffix] { run(called.c_str(), int64_t(bits.data()), blocks); }});
      race("spikes" + suffix + " " + dimensions + ", " + std::to_string(int(100 * density)) + " % set", entries, flops);
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  Target target = *hostTarget();
  if (argc > 1) {
    int64_t bits = std::atoi(argv[1]);
    if (bits < target.vectorBits)
      target = *targetByName("x86-64-v3");
    target.vectorBits = bits;
  }
  if (argc == 6)
    return measure(target, {std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])}), 0;
  for (int64_t rows : {800, 3200})
    for (Shape shape : {Shape{rows, 784, 128, 25}, Shape{rows, 128, 512, 25}, Shape{rows, 912, 128, 25}})
      measure(target, shape);
}
