// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Time of the kernels behind matrix products, as shares of what the machine can do in one thread.
//
//   kernels [--benchmark_...] [VECTOR_BITS [ROWS INPUTS COLUMNS STEPS]]
//
// `of_peak` counts the operations of the dense product, whatever the density of spikes: it may be above 1.
// `of_bandwidth` counts each operand once, and is above 1 where caches hold what is read again.

#include "compiler/Codegen/Cpu/Kernels/Kernels.h"
#include "test/Benchmark/Peak.h"
#include "test/unit/compiler/NativeCode.h"

#include <benchmark/benchmark.h>
#include <functional>
#include <list>
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

struct Peaks {
  double flops, bytes; // a second
};

/// Whether tables of all weights may be held, as in a scan's steps.
bool holds(Shape shape) { return levelsOf(shape.inputs) == 1; }

/// Words of a call: A, B or D, C, rows, scratch, order, blocks, held tables.
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
  code.add("panels", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    Product kernel = product(e, in, {in.reals(0), aRow});
    kernel.panels = true;
    emitDense(e, module, kernel);
    return Value();
  });
  // As at the steps of a scan, which have the same rows each.
  code.add("lines", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    Product kernel = product(e, in, {in.reals(0), aRow});
    kernel.line = shape.rows;
    emitDense(e, module, kernel);
    return Value();
  });
  code.add("dense_gradient", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    emitDenseGradient(e, module, gradient(e, in, {in.reals(0), aRow}));
    return Value();
  });
  // By what is not zero, however much that is.
  auto nonzero = [&](Emitter &e, ModuleOp module, const Matrix &a, Value rows, Scratch &scratch) {
    Nonzero found = emitNonzero(e, module, a, rows, shape.inputs, {}, scratch);
    found.few = e.truth(true);
    Footprint bytes = nonzeroScratch(words);
    scratch.offset = e.alignUp(e.add(e.mul(rows, bytes.perRow), bytes.constant), 64);
    return found;
  };
  code.add("sparse", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    Product kernel = product(e, in, {in.reals(0), aRow});
    Nonzero found = nonzero(e, module, kernel.a, kernel.rows, kernel.scratch);
    emitSparse(e, module, kernel, found);
    return Value();
  });
  code.add("sparse_gradient", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
    Gradient kernel = gradient(e, in, {in.reals(0), aRow});
    Nonzero found = nonzero(e, module, kernel.a, in.number(3), kernel.scratch);
    emitSparseGradient(e, module, kernel, found);
    return Value();
  });
  if (holds(shape))
    code.add("held", [&](Emitter &e, ModuleOp module, NativeCode::Words in) {
      Product kernel = product(e, in, {in.memory(0, e.b.getI16Type()), words});
      emitHeldSpikes(e, module, kernel, {in.memory(7, e.b.getI8Type()).base, e.index(0)});
      return Value();
    });
  for (auto [form, name] : {std::pair(SpikeForm::ByDensity, "by_density"), std::pair(SpikeForm::Tables, "tables"),
                            std::pair(SpikeForm::Few, "few"), std::pair(SpikeForm::Gather, "gather")}) {
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

/// Kernels of one shape with their operands. It must outlive the benchmarks that it registers.
class Bench {
public:
  Bench(const Target &target, Shape shape, Peaks peaks)
      : code(target, /*f64=*/false), shape(shape), peaks(peaks), vectorBits(target.vectorBits) {
    write(code, shape);
    code.compile();
    std::uniform_real_distribution<float> real(-1, 1);
    auto value = [&] { return real(random); };
    int64_t most = std::max(shape.rows, width);
    a = filled<float>(shape.rows * width, value), b = filled<float>(most * columns, value);
    c.resize(most * columns), scratch.resize(shape.rows * width + 100000), order.resize(shape.rows * 2 + 1000);
    if (holds(shape))
      held.resize(heldBytes(shape.inputs, columns, sizeof(float)) / sizeof(int64_t) + 8); // none are made yet
    for (auto *memory : {&a, &b, &c})
      memory->resize(memory->size() + 16);
    blocks = run("order", 0);
  }

  void add() {
    for (const char *name : {"dense", "panels", "lines", "dense_gradient"})
      add(name, "", [this] { return pointer(a); }, 4.0 * shape.rows * shape.inputs);
    for (int64_t percent : {2, 20, 40, 50, 60, 70, 80}) {
      reals.push_back(a);
      std::uniform_int_distribution<int64_t> die(0, 99);
      for (float &number : reals.back())
        if (die(random) >= percent)
          number = 0;
      for (const char *suffix : {"", "_gradient"})
        add(
            std::string("sparse") + suffix, "/" + std::to_string(percent) + "%",
            [&data = reals.back()] { return pointer(data); }, 4.0 * shape.rows * shape.inputs);
    }
    for (double density : {0.02, 0.05, 0.1, 0.15, 0.25, 0.5}) {
      spikes.push_back(std::vector<uint16_t>(shape.rows * width / 16 + 64));
      std::uniform_real_distribution<float> unit(0, 1);
      for (int64_t r = 0; r < shape.rows; ++r)
        for (int64_t k = 0; k < shape.inputs; ++k)
          spikes.back()[(r * width + k) / 16] |= (unit(random) < density) << (k % 16);
      std::string percent = "/" + std::to_string(int(100 * density)) + "%";
      for (const char *suffix : {"", "_gradient"})
        for (const char *name : {"by_density", "tables", "few", "gather"})
          add(
              std::string(name) + suffix, percent, [data = spikes.back().data()] { return int64_t(data); },
              shape.rows * shape.inputs / 8.0);
      if (holds(shape))
        add("held", percent, [data = spikes.back().data()] { return int64_t(data); }, shape.rows * shape.inputs / 8.0);
    }
  }

private:
  template <typename Memory> static int64_t pointer(Memory &memory) {
    return int64_t(llvm::alignAddr(memory.data(), llvm::Align(64)));
  }

  int64_t run(const char *name, int64_t factor) {
    return code.call(name, factor, pointer(b), pointer(c), shape.rows, pointer(scratch), pointer(order), blocks,
                     pointer(held));
  }

  void add(std::string kernel, std::string percent, std::function<int64_t()> factor, double factorBytes) {
    std::string title = kernel + percent + "/" + std::to_string(shape.rows) + "x" + std::to_string(shape.inputs) + "x" +
                        std::to_string(shape.columns) + "/" + std::to_string(vectorBits);
    double flops = 2.0 * shape.rows * shape.inputs * shape.columns;
    double bytes = factorBytes + 4.0 * (shape.inputs + shape.rows) * shape.columns;
    benchmark::RegisterBenchmark(title.c_str(), [=, this](benchmark::State &state) {
      for (auto _ : state)
        run(kernel.c_str(), factor());
      auto rate = [](double value) { return benchmark::Counter(value, benchmark::Counter::kIsIterationInvariantRate); };
      state.counters["FLOP/s"] = rate(flops);
      state.counters["of_peak"] = rate(flops / peaks.flops);
      state.counters["of_bandwidth"] = rate(bytes / peaks.bytes);
    })->Unit(benchmark::kMicrosecond);
  }

  NativeCode code;
  Shape shape;
  Peaks peaks;
  int64_t vectorBits, blocks = 0;
  int64_t width = paddedWidth(shape.inputs), columns = paddedWidth(shape.columns);
  std::mt19937 random{1};
  std::vector<float> a, b, c;
  std::vector<int64_t> scratch, order, held;
  std::list<std::vector<uint16_t>> spikes;
  std::list<std::vector<float>> reals;
};

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  Target target = *hostTarget();
  if (argc > 1) {
    int64_t bits = std::atoi(argv[1]);
    if (bits < target.vectorBits)
      target = *targetByName("x86-64-v3");
    target.vectorBits = bits;
  }
  std::vector<Shape> shapes;
  if (argc == 6)
    shapes.push_back({std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])});
  else
    for (int64_t rows : {800, 3200})
      for (Shape shape : {Shape{rows, 784, 128, 25}, Shape{rows, 128, 512, 25}, Shape{rows, 912, 128, 25}})
        shapes.push_back(shape);
  Peaks peaks = {peak::flopRate(int(target.vectorBits)), peak::bandwidth()};
  std::list<Bench> benches;
  for (Shape shape : shapes)
    benches.emplace_back(target, shape, peaks).add();
  benchmark::RunSpecifiedBenchmarks();
}
