// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels give the bits of the order of summation, whatever the shape, the width of vectors and the chunks of a batch,
// and write nothing else.

#include "compiler/Codegen/Cpu/Kernels/Kernels.h"
#include "test/oracle/Sums.h"
#include "test/unit/compiler/NativeCode.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

using namespace snn;
using namespace snn::kernels;

namespace {

using Random = std::mt19937;

int64_t draw(Random &random, int64_t from, int64_t to) {
  return std::uniform_int_distribution<int64_t>(from, to)(random);
}

/// Memory whose end is watched.
template <typename T> class Buffer {
public:
  explicit Buffer(int64_t count) : count(count), memory(count * sizeof(T) + 2 * kGuard, kFill) {}
  ~Buffer() {
    for (int64_t i = 0; i < kGuard; ++i) {
      EXPECT_EQ(memory[i], kFill) << "written before the start";
      EXPECT_EQ(memory[memory.size() - 1 - i], kFill) << "written behind the end";
    }
  }
  T *data() { return reinterpret_cast<T *>(memory.data() + kGuard); }
  T &operator[](int64_t i) { return data()[i]; }
  void clear() { std::fill(data(), data() + count, T(0)); }

  int64_t count;

private:
  static constexpr int64_t kGuard = 64;
  static constexpr unsigned char kFill = 0xff; // not a number, where it is read as one
  std::vector<unsigned char> memory;
};

/// Where scratch memory goes on behind the first part of it.
mlir::Value behind(Emitter &e, Footprint bytes, mlir::Value rows) {
  return e.alignUp(e.add(e.mul(rows, bytes.perRow), bytes.constant), 64);
}
Footprint aligned(Footprint bytes) { return {bytes.constant + 64, bytes.perRow}; }

/// The same rows in whole vectors, with anything behind them.
template <typename Real> Buffer<Real> wholeRows(Buffer<Real> &from, int64_t stride, int64_t columns) {
  const int64_t wide = paddedWidth(columns), rows = from.count / stride;
  Buffer<Real> to(rows * wide);
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(&from[row * stride], columns, &to[row * wide]);
  return to;
}

template <typename Real> void fill(Buffer<Real> &reals, Random &random) {
  std::uniform_real_distribution<Real> value(-1, 1);
  for (int64_t i = 0; i < reals.count; ++i) {
    int64_t kind = draw(random, 0, 15);
    reals[i] = kind == 0   ? Real(-0.0)
               : kind == 1 ? Real(0)
               : kind == 2 ? std::numeric_limits<Real>::denorm_min()
                           : value(random);
  }
}

/// Elements as those of errors that vanish: magnitudes within some powers of two, of rows or parts of them, that reach
/// down to the smallest one. Some elements are the opposite of the one before. `weights`: of factors that are not tiny,
/// some rows of which are equal, so that terms cancel.
template <typename Real> void fillTiny(Buffer<Real> &reals, int64_t stride, Random &random, bool weights) {
  int lowest = 0, highest = 0;
  for (int64_t i = 0; i < reals.count; ++i) {
    const bool first = i % stride == 0;
    if (weights && first && i > 0 && draw(random, 0, 2) == 0) {
      std::copy_n(&reals[i - stride], stride, &reals[i]);
      i += stride - 1;
      continue;
    }
    if (first || draw(random, 0, 200) == 0) {
      lowest = int(weights ? draw(random, -30, 0) : draw(random, -149, -130));
      highest = int(draw(random, lowest, lowest + (weights ? 8 : 60)));
    }
    Real digits = Real(1) + Real(draw(random, 0, (1 << 23) - 1)) / (1 << 23);
    Real value = std::ldexp(draw(random, 0, 1) ? digits : -digits, int(draw(random, lowest, highest)));
    reals[i] = draw(random, 0, 9) == 0 ? Real(0) : !first && draw(random, 0, 4) == 0 ? -reals[i - 1] : value;
  }
}

/// All but some become zero.
template <typename Real> void thin(Buffer<Real> &reals, Random &random) {
  const int64_t kept = draw(random, 0, 2);
  for (int64_t i = 0; i < reals.count; ++i)
    if (kept < 2 && draw(random, 0, 99) >= (kept ? 40 : 3))
      reals[i] = 0;
}

/// Bits of `columns` and padding of 0.
Buffer<uint16_t> drawBits(int64_t rows, int64_t words, int64_t columns, Random &random) {
  Buffer<uint16_t> bits(rows * words);
  bits.clear();
  const int density[] = {2, 10, 50, 95};
  int64_t percent = density[draw(random, 0, 3)];
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < columns; ++k)
      if (draw(random, 0, 99) < percent)
        bits[r * words + k / 16] |= 1 << (k % 16);
  return bits;
}

bool bitOf(Buffer<uint16_t> &bits, int64_t words, int64_t row, int64_t k) {
  return bits[row * words + k / 16] >> (k % 16) & 1;
}

interpreter::Order orderOf(bool spikes, bool samples) {
  interpreter::Order order;
  order.group = spikes ? 4 : 1;
  order.block = 64;
  order.level = 64;
  if (samples)
    order.run = 64, order.descending = true;
  return order;
}

template <typename Real>
void expectSame(const std::vector<Real> &expected, Buffer<Real> &actual, int64_t stride, int64_t columns,
                const std::string &what) {
  using Word = std::conditional_t<sizeof(Real) == 4, uint32_t, uint64_t>;
  for (size_t i = 0; i < expected.size(); ++i) {
    Real found = actual[i / columns * stride + i % columns];
    ASSERT_EQ(std::bit_cast<Word>(found), std::bit_cast<Word>(expected[i]))
        << what << ": row " << i / columns << ", column " << i % columns << " is " << found << ", expected "
        << expected[i];
  }
}

struct Case {
  Target target;
  bool f64;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Target &target : hostTargets()) {
    for (bool f64 : {false, true}) {
      all.push_back({target, f64});
      if (target.vectorBits == 256) {
        Target narrow = target;
        narrow.vectorBits = 128;
        all.push_back({narrow, f64});
      }
    }
  }
  return all;
}

class KernelTest : public testing::TestWithParam<Case> {
protected:
  template <typename Real> void products(uint32_t seed, int64_t depth, int64_t columns);
  template <typename Real> void gradients(uint32_t seed, int64_t inputs, int64_t columns);

  void forReal(const std::function<void()> &f32, const std::function<void()> &f64) { GetParam().f64 ? f64() : f32(); }
};

/// C of each kernel.
template <typename Real> void KernelTest::products(uint32_t seed, int64_t depth, int64_t columns) {
  Random random(seed);
  int64_t rows = draw(random, depth > 2000 ? 9 : 1, depth > 2000 ? 13 : 40), padded = paddedWidth(columns),
          words = paddedWidth(depth) / 16;
  int64_t aRow = depth + draw(random, 0, 3), bRow = padded + 16 * draw(random, 0, 1),
          cRow = padded + 16 * draw(random, 0, 1);
  SCOPED_TRACE(testing::Message() << rows << " x " << depth << " x " << columns << ", seed " << seed);
  const Footprint spikes = spikeScratch(depth, padded, sizeof(Real));

  NativeCode code(GetParam().target, GetParam().f64);
  auto product = [&](Emitter &e, NativeCode::Words in, Matrix a, int64_t line = 0) {
    Scratch scratch{in.memory(4, e.b.getI8Type()).base, e.index(0)};
    return Product{a,   {in.reals(1), bRow}, {in.reals(2), cRow}, in.number(3), depth, padded, scratch, Tiny::Always,
                   line};
  };
  code.add("dense", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    emitDense(e, module, product(e, in, {in.reals(0), aRow}));
    return mlir::Value();
  });
  code.add("line", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    emitDense(e, module, product(e, in, {in.reals(0), aRow}, rows));
    return mlir::Value();
  });
  const bool hasOneLevel = levelsOf(depth) == 1;
  if (hasOneLevel)
    code.add("panels", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
      Product kernel = product(e, in, {in.reals(0), aRow});
      kernel.panels = true;
      emitDense(e, module, kernel);
      return mlir::Value();
    });
  const int64_t wholeRow = paddedWidth(depth);
  code.add("sparse", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    Product kernel = product(e, in, {in.reals(0), wholeRow});
    Nonzero nonzero = emitNonzero(e, module, kernel.a, kernel.rows, depth, {}, kernel.scratch);
    nonzero.few = e.truth(true);
    kernel.scratch.offset = behind(e, nonzeroScratch(words), kernel.rows);
    emitSparse(e, module, kernel, nonzero);
    return mlir::Value();
  });
  for (auto [form, name] : {std::pair(SpikeForm::ByDensity, "spikes"), std::pair(SpikeForm::Tables, "tables"),
                            std::pair(SpikeForm::Few, "few"), std::pair(SpikeForm::Gather, "gather")})
    code.add(name, [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
      emitSpikes(e, module, product(e, in, {in.memory(0, e.b.getI16Type()), words}), form);
      return mlir::Value();
    });
  if (hasOneLevel)
    code.add("held", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
      Product kernel = product(e, in, {in.memory(0, e.b.getI16Type()), words});
      Scratch held{kernel.scratch.bytes, e.index(llvm::alignTo(spikes.constant, 64))};
      forgetHeldTables(e, held);
      // The second time the tables are there.
      emitHeldSpikes(e, module, kernel, held);
      emitHeldSpikes(e, module, kernel, held);
      return mlir::Value();
    });
  code.compile();

  Buffer<Real> a(rows * aRow), b(depth * bRow), c(rows * cRow);
  fill(a, random);
  thin(a, random);
  fill(b, random);
  Buffer<uint16_t> bits = drawBits(rows, words, depth, random);
  auto check = [&](const char *name, void *factor, Footprint footprint, const std::vector<Real> &expected) {
    Buffer<char> scratch(footprint.constant + footprint.perRow * rows);
    c.clear();
    code.call(name, factor, b.data(), c.data(), rows, scratch.data());
    expectSame(expected, c, cRow, columns, name);
  };
  auto reference = [&](bool spikes) {
    interpreter::Sums<Real> sums(rows * columns, orderOf(spikes, false));
    for (int64_t k = 0; k < depth; ++k, sums.endPosition())
      for (int64_t m = 0; m < rows; ++m)
        for (int64_t n = 0; n < columns; ++n)
          if (!spikes)
            sums.addProduct(m * columns + n, a[m * aRow + k], b[k * bRow + n]);
          else if (bitOf(bits, words, m, k))
            sums.add(m * columns + n, b[k * bRow + n]);
    return sums.takeTotals();
  };
  std::vector<Real> ofReals = reference(false);
  check("dense", a.data(), denseScratch(depth, false), ofReals);
  check("line", a.data(), denseScratch(depth, false), ofReals);
  if (hasOneLevel)
    check("panels", a.data(), denseScratch(depth, true), ofReals);
  Buffer<Real> whole = wholeRows(a, aRow, depth);
  check("sparse", whole.data(), aligned(nonzeroScratch(words)) + sparseScratch(depth, false), ofReals);
  for (int round = 0; round < 3; ++round) {
    fillTiny(a, aRow, random, false);
    fillTiny(b, bRow, random, true);
    if (round == 2) // beyond what can be scaled up, and not finite
      for (Real large : {std::numeric_limits<Real>::max(), Real(1e30), std::numeric_limits<Real>::min()})
        a[draw(random, 0, a.count - 1)] = large;
    check("dense", a.data(), denseScratch(depth, false), reference(false));
    if (hasOneLevel)
      check("panels", a.data(), denseScratch(depth, true), reference(false));
  }
  fill(b, random);
  std::vector<Real> ofSpikes = reference(true);
  for (const char *name : {"spikes", "tables", "few", "gather"})
    check(name, bits.data(), spikes, ofSpikes);
  if (hasOneLevel)
    check("held", bits.data(), aligned(spikes) + Footprint{heldBytes(depth, padded, sizeof(Real)), 0}, ofSpikes);
}

TEST_P(KernelTest, Products) {
  const int64_t shapes[][2] = {{1, 1}, {3, 17}, {64, 16}, {65, 33}, {8200, 20}, {4100, 40}, {1100, 70}};
  uint32_t seed = 1;
  for (auto [depth, columns] : shapes)
    forReal([&] { products<float>(++seed, depth, columns); }, [&] { products<double>(++seed, depth, columns); });
  Random random(5);
  for (int i = 0; i < 6; ++i) {
    int64_t depth = draw(random, 1, 500), columns = draw(random, 1, i % 3 == 0 ? 300 : 40);
    forReal([&] { products<float>(++seed, depth, columns); }, [&] { products<double>(++seed, depth, columns); });
  }
}

/// C of each kernel over a batch in chunks, with levels as a caller keeps them.
template <typename Real> void KernelTest::gradients(uint32_t seed, int64_t inputs, int64_t columns) {
  Random random(seed);
  int64_t padded = paddedWidth(columns), words = paddedWidth(inputs) / 16;
  int64_t aRow = paddedWidth(inputs), dRow = padded + 16 * draw(random, 0, 1), cRow = padded + 16 * draw(random, 0, 1);
  NativeCode code(GetParam().target, GetParam().f64);
  auto orderAt = [](Emitter &e, NativeCode::Words in, int64_t i) {
    return placeRowOrder(e, {in.memory(i, e.b.getI8Type()).base, e.index(0)}, in.number(i + 1));
  };
  code.add("order", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    return emitRowOrder(e, module, in.number(2), in.number(3), in.number(4), orderAt(e, in, 0));
  });
  code.add("level_up", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    emitLevelUp(e, module, in.reals(0), in.reals(1), in.number(2), e.equal(in.number(3), e.index(1)));
    return mlir::Value();
  });
  auto gradient = [&](Emitter &e, NativeCode::Words in, Matrix a, int64_t line = 0) {
    return Gradient{a,
                    {in.reals(1), dRow},
                    {in.reals(2), cRow},
                    orderAt(e, in, 3),
                    in.number(5),
                    in.number(6),
                    padded,
                    {in.number(7), in.number(8)},
                    e.equal(in.number(9), e.index(1)),
                    {in.memory(10, e.b.getI8Type()).base, e.index(0)},
                    Tiny::Always,
                    columns,
                    line};
  };
  code.add("dense", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    emitDenseGradient(e, module, gradient(e, in, {in.reals(0), aRow}));
    return mlir::Value();
  });
  code.add("line", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    emitDenseGradient(e, module, gradient(e, in, {in.reals(0), aRow}, inputs));
    return mlir::Value();
  });
  code.add("sparse", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
    Gradient kernel = gradient(e, in, {in.reals(0), aRow});
    mlir::Value rows = in.number(4);
    Nonzero nonzero = emitNonzero(e, module, kernel.a, rows, inputs, {}, kernel.scratch);
    nonzero.few = e.truth(true);
    kernel.scratch.offset = behind(e, nonzeroScratch(words), rows);
    emitSparseGradient(e, module, kernel, nonzero);
    return mlir::Value();
  });
  for (auto [form, name] : {std::pair(SpikeForm::ByDensity, "spikes"), std::pair(SpikeForm::Tables, "tables"),
                            std::pair(SpikeForm::Few, "few"), std::pair(SpikeForm::Gather, "gather")})
    code.add(name, [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
      emitSpikeGradient(e, module, gradient(e, in, {in.memory(0, e.b.getI16Type()), words}), form);
      return mlir::Value();
    });
  code.compile();

  for (int64_t steps : {1, 3, 25, 64, 100}) {
    int64_t perRun = 1;
    while (perRun * steps < kRun)
      perRun *= 2;
    // More than 64 blocks, where that is cheap.
    int64_t batch = draw(random, 1, 3 * perRun) + (columns <= 20 && steps == 100 ? 40 : 0);
    SCOPED_TRACE(testing::Message() << batch << " samples of " << steps << " steps, " << inputs << " x " << columns
                                    << ", seed " << seed);
    int64_t rows = batch * steps;
    Buffer<Real> a(rows * aRow), d(rows * dRow), c(inputs * cRow), upper(inputs * cRow);
    fill(a, random);
    thin(a, random);
    fill(d, random);
    Buffer<uint16_t> bits = drawBits(rows, words, inputs, random);
    auto reference = [&](bool spikes) {
      const int64_t domain[] = {core::ArrayType::kSample, core::ArrayType::kTime}, extents[] = {batch, steps},
                    along[] = {0, 1};
      int64_t point[2] = {0, 0};
      return interpreter::sumInOrder<Real>(orderOf(spikes, true), domain, extents, along, inputs * columns, point,
                                           [&](interpreter::Sums<Real> &sums) {
                                             int64_t r = point[0] * steps + point[1];
                                             for (int64_t k = 0; k < inputs; ++k)
                                               for (int64_t n = 0; n < columns; ++n)
                                                 if (!spikes)
                                                   sums.addProduct(k * columns + n, a[r * aRow + k], d[r * dRow + n]);
                                                 else if (bitOf(bits, words, r, k))
                                                   sums.add(k * columns + n, d[r * dRow + n]);
                                           });
    };
    auto check = [&](const char *name, bool spikes, int64_t chunk, const std::vector<Real> &expected) {
      bool fresh = true, freshUpper = true;
      int64_t blocksOfLevel = 0;
      for (int64_t first = 0; first < batch; first += chunk) {
        int64_t samples = std::min(chunk, batch - first), count = samples * steps;
        Footprint ofOrder = rowOrderScratch(),
                  ofKernel =
                      aligned(nonzeroScratch(words)) + spikeGradientScratch(words, paddedWidth(columns), sizeof(Real));
        Buffer<char> order(ofOrder.constant + ofOrder.perRow * count),
            scratch(ofKernel.constant + ofKernel.perRow * count);
        int64_t blocks = code.call("order", order.data(), count, samples, steps, perRun);
        void *factor = spikes ? static_cast<void *>(&bits[first * steps * words]) : &a[first * steps * aRow];
        for (int64_t block = 0; block < blocks;) {
          int64_t end = std::min(blocks, block + kLevel - blocksOfLevel), middle = draw(random, 0, inputs);
          for (auto [from, to] : {std::pair(middle, inputs), std::pair(int64_t(0), middle)})
            code.call(name, factor, &d[first * steps * dRow], c.data(), order.data(), count, block, end, from, to,
                      fresh, scratch.data());
          fresh = false;
          blocksOfLevel += end - block;
          block = end;
          if (blocksOfLevel == kLevel) {
            code.call("level_up", upper.data(), c.data(), c.count, freshUpper);
            freshUpper = false;
            blocksOfLevel = 0;
          }
        }
      }
      if (!freshUpper)
        code.call("level_up", upper.data(), c.data(), c.count, false);
      expectSame(expected, freshUpper ? c : upper, cRow, columns,
                 std::string(name) + ", chunks of " + std::to_string(chunk));
    };
    std::vector<Real> real = reference(false), ofSpikes = reference(true);
    for (int64_t chunk : {perRun, 2 * perRun, batch}) {
      chunk = (chunk + perRun - 1) / perRun * perRun;
      check("dense", false, chunk, real);
      check("line", false, chunk, real);
      check("sparse", false, chunk, real);
      for (const char *name : {"spikes", "tables", "few", "gather"})
        check(name, true, chunk, ofSpikes);
    }
    // Factors and errors of few powers of two, some rows of which are tiny.
    fillTiny(a, aRow, random, true);
    fillTiny(d, dRow, random, false);
    if (columns == 33)
      d[draw(random, 0, d.count - 1)] = Real(1e30); // beyond what can be scaled up
    real = reference(false);
    for (const char *name : {"dense", "sparse"})
      check(name, false, perRun, real);
  }
}

TEST_P(KernelTest, Gradients) {
  const int64_t shapes[][2] = {{1, 1}, {20, 10}, {48, 33}, {63, 100}, {130, 70}};
  uint32_t seed = 100;
  for (auto [inputs, columns] : shapes)
    forReal([&] { gradients<float>(++seed, inputs, columns); }, [&] { gradients<double>(++seed, inputs, columns); });
}

/// Rows of several places: blocks begin anew with each run, and each row knows where its window is.
TEST_P(KernelTest, RowOrderOfPlaces) {
  for (auto [steps, stepsPerRun, perRun] :
       {std::tuple(int64_t(7), int64_t(8), int64_t(1)), std::tuple(int64_t(17), int64_t(8), int64_t(1)),
        std::tuple(int64_t(2), int64_t(8), int64_t(4))}) {
    const int64_t samples = 5, width = 3, height = 5, count = width * height, step = 1000;
    RowPlaces places{{{height, 20}, {width, 2}}, step, stepsPerRun};
    NativeCode code(GetParam().target, GetParam().f64);
    auto orderAt = [&](Emitter &e, NativeCode::Words in) {
      return placeRowOrder(e, {in.memory(0, e.b.getI8Type()).base, e.index(0)}, in.number(1), true);
    };
    code.add("order", [&](Emitter &e, mlir::ModuleOp module, NativeCode::Words in) {
      return emitRowOrder(e, module, in.number(2), in.number(3), in.number(4), orderAt(e, in), places);
    });
    code.add("read", [&](Emitter &e, mlir::ModuleOp, NativeCode::Words in) {
      RowOrder order = orderAt(e, in);
      mlir::Value which = in.number(3), at = in.number(2);
      mlir::Value row = e.toIndex(e.load(order.rows, at)), source = e.toIndex(e.load(order.sources, at));
      mlir::Value start = e.toIndex(e.load(order.starts, at));
      return e.select(e.equal(which, e.index(0)), row, e.select(e.equal(which, e.index(1)), source, start));
    });
    code.compile();
    std::vector<int64_t> rows, sources, starts;
    int64_t taken = 0;
    for (int64_t s = 0; s < samples; ++s)
      for (int64_t t = 0; t < steps; ++t) {
        if (t == 0 ? s % perRun == 0 : perRun == 1 && t % stepsPerRun == 0)
          taken = 0;
        for (int64_t place = 0; place < count; ++place, ++taken) {
          if (taken % kBlock == 0)
            starts.push_back(rows.size());
          int64_t row = (s + 1) * steps - 1 - t;
          rows.push_back(row * count + place);
          sources.push_back(row * step + place / width * 20 + place % width * 2);
        }
      }
    starts.push_back(rows.size());
    Footprint footprint = rowOrderScratch(true);
    Buffer<char> memory(footprint.constant + footprint.perRow * rows.size());
    int64_t blocks = code.call("order", memory.data(), int64_t(rows.size()), samples, steps, perRun);
    ASSERT_EQ(blocks + 1, int64_t(starts.size())) << steps << " steps";
    for (int64_t i = 0; i < int64_t(rows.size()); ++i) {
      ASSERT_EQ(code.call("read", memory.data(), int64_t(rows.size()), i, 0), rows[i]) << i;
      ASSERT_EQ(code.call("read", memory.data(), int64_t(rows.size()), i, 1), sources[i]) << i;
    }
    for (int64_t i = 0; i < int64_t(starts.size()); ++i)
      ASSERT_EQ(code.call("read", memory.data(), int64_t(rows.size()), i, 2), starts[i]) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, KernelTest, testing::ValuesIn(cases()), [](const auto &info) {
  return (info.param.f64 ? "f64_" : "f32_") + std::to_string(info.param.target.vectorBits);
});

} // namespace
