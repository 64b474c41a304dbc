// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with reals of which many are zero: a term that is zero may be left out (docs/summation.md, rule 9).

#include "compiler/Codegen/Cpu/Kernels/GradientBody.h"
#include "compiler/Codegen/Cpu/Kernels/TinyGradient.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// A chain over the bits of `word` (i64) of fused multiply-adds of a factor and a strip of `rows`.
Strip gatherTerms(Emitter &e, Value word, int64_t vectors, Memory factors, Memory rows,
                  function_ref<std::pair<Value, Value>(Value bit)> at) {
  return forEachBit(e, word, zeros(e, vectors), [&](Value bit, ValueRange chain) {
    auto [factorAt, rowAt] = at(e.toIndex(bit));
    Value factor = splatFactor(e, factors, factorAt);
    Strip row = loadStrip(e, rows, rowAt, vectors), next;
    for (auto [value, sum] : llvm::zip_equal(row, chain))
      next.push_back(e.fma(factor, value, sum));
    return next;
  });
}

/// Strip by strip, block by block, all rows: what a block reads of B stays near.
class SparseBody {
public:
  SparseBody(Emitter &e, const Product &kernel, const Matrix &bits)
      : e(e), kernel(kernel), bits(bits),
        totals(e, kernel, e.view(kernel.scratch.bytes, kernel.scratch.offset, e.real)) {}

  void emit() {
    forStrips(e, kernel.columns, gatherVectors(e, kernel.columns), [&](Value column, int64_t vectors) {
      walkLevels(e, kernel.depth,
                 {[&](Value start, int64_t count, Value first) {
                    auto addRows = [&](bool isFirst) {
                      e.loop(kernel.rows, [&](Value row) { addRow(row, start, count, column, vectors, isFirst); });
                    };
                    e.when(first, [&] { addRows(true); }, [&] { addRows(false); });
                  },
                  [&](int64_t level, Value first) {
                    e.loop(kernel.rows, [&](Value row) { totals.raise(level, row, row, column, vectors, first); });
                  }});
    });
  }

private:
  void addRow(Value row, Value start, int64_t count, Value column, int64_t vectors, bool first) {
    Value at = e.add(e.mul(row, bits.stride), e.div(start, kLanes));
    Value word = loadWord(e, bits.at, at, llvm::divideCeil(count, kLanes));
    auto add = [&] {
      Strip chain = gatherTerms(e, word, vectors, kernel.a.at, kernel.b.at, [&](Value bit) {
        Value k = e.add(start, bit);
        return std::pair(e.add(e.mul(row, kernel.a.stride), k), e.add(e.mul(k, kernel.b.stride), column));
      });
      totals.add(0, row, row, column, chain, e.truth(first));
    };
    first ? add() : e.when(e.differs(word, e.i64(0)), add);
  }

  Emitter &e;
  const Product &kernel;
  const Matrix &bits;
  Totals totals;
};

class SparseGradientBody : GradientBody {
public:
  SparseGradientBody(Emitter &e, const Gradient &kernel, Memory transposed) : GradientBody(e, kernel, transposed) {}

  void emit() {
    forStripsAndBlocks(gatherVectors(e, kernel.columns), [&](Value column, int64_t vectors) {
      return [this, column, vectors](Value block, Value from, Value) {
        forInputs([&](Value k) {
          Value word = wordOf(block, k);
          e.when(e.differs(word, e.i64(0)), [&] {
            addToC(k, column, gatherTerms(e, word, vectors, kernel.a.at, kernel.d.at, [&](Value bit) {
                     Value row = rowOf(e.add(from, bit));
                     return std::pair(e.add(e.mul(row, kernel.a.stride), k),
                                      e.add(e.mul(row, kernel.d.stride), column));
                   }));
          });
        });
      };
    });
  }
};

} // namespace

Nonzero emitNonzero(Emitter &e, ModuleOp module, const Matrix &a, Value rows, int64_t depth, Range inputs,
                    Scratch scratch, int64_t percent) {
  const int64_t words = llvm::divideCeil(depth, kLanes);
  if (!inputs.from)
    inputs = {e.index(0), e.index(depth)};
  Matrix bits{e.view(scratch.bytes, scratch.offset, e.b.getI16Type()), words};
  auto make = [&](Emitter &in, const Matrix &a, const Matrix &bits, Value rows, Value firstInput, Value endInput) {
    Value from = in.div(firstInput, kLanes), to = in.ceilDiv(endInput, kLanes);
    // Sets some words and counts their bits. `present`: not all lanes are of the row.
    auto mark = [&](Value row, Value word, int64_t words, Value present) {
      Value at = in.add(in.mul(row, a.stride), in.mul(word, kLanes));
      Value some = in.loadVector(a.at, at, words * kLanes);
      Value zero = arith::ConstantOp::create(in.b, in.b.getZeroAttr(some.getType()));
      Value set = isa<IntegerType>(a.at.element) ? in.differs(some, zero)
                                                 : arith::CmpFOp::create(in.b, arith::CmpFPredicate::UNE, some, zero);
      Value found = in.packBits(present ? in.both(set, present) : set);
      in.storeVector(found, bits.at, in.add(in.mul(row, bits.stride), word));
      Value whole = vector::BitCastOp::create(in.b, in.vector(1, in.b.getIntegerType(words * kLanes)), found);
      Value number = vector::ExtractOp::create(in.b, whole, 0);
      if (words * kLanes < 64)
        number = arith::ExtUIOp::create(in.b, in.b.getI64Type(), number);
      return in.toIndex(math::CtPopOp::create(in.b, number));
    };
    // Bytes go four words at a time: as many of them as reals of f32 of one word are loaded at once.
    const int64_t several = isa<IntegerType>(a.at.element) ? 4 : 1;
    return in.loop(in.index(0), rows, 1, {in.index(0)}, [&](Value row, ValueRange count) {
      Strip sum(count);
      Value next = from;
      for (int64_t words = several; words >= 1; words /= 4) {
        // `from` is the first word of a block.
        Value end = in.minimum(to, in.index(depth / (words * kLanes) * words));
        if (words > 1)
          end = in.mul(in.div(end, words), words);
        sum = in.loop(next, end, words, sum,
                      [&](Value word, ValueRange sum) { return Strip{in.add(sum[0], mark(row, word, words, {}))}; });
        next = in.maximum(next, end);
      }
      if (depth % kLanes == 0)
        return sum;
      // Behind a row there may be anything.
      return in.loop(next, to, 1, sum, [&](Value word, ValueRange sum) {
        return Strip{in.add(sum[0], mark(row, word, 1, in.laneMask(depth % kLanes)))};
      });
    });
  };
  Value count = e.call(module, shapeName(e, nameFor("nonzero", a), {depth, a.stride}), e.b.getIndexType(), make, a,
                       bits, rows, inputs.from, inputs.to)
                    .getResult(0);
  Value all = e.mul(rows, e.sub(inputs.to, inputs.from));
  return {bits, e.below(e.mul(count, 100), e.mul(all, percent))};
}

void emitSparse(Emitter &e, ModuleOp module, const Product &kernel, const Nonzero &nonzero) {
  std::string name =
      shapeName(e, nameFor("sparse", kernel.a),
                {kernel.depth, kernel.columns, kernel.a.stride, nonzero.bits.stride, kernel.b.stride, kernel.c.stride});
  auto make = [](Emitter &in, const Product &kernel, const Matrix &bits) {
    SparseBody(in, kernel, bits).emit();
    return Strip();
  };
  e.when(
      nonzero.few, [&] { e.call(module, name, {}, make, kernel, nonzero.bits); },
      [&] { emitDense(e, module, kernel); });
}

void emitSparseGradient(Emitter &e, ModuleOp module, const Gradient &kernel, const Nonzero &nonzero) {
  std::string name = shapeName(e, nameFor("sparse_gradient", kernel.a),
                               {kernel.columns, kernel.a.stride, kernel.d.stride, kernel.c.stride});
  auto make = [](Emitter &in, const Gradient &kernel, Memory transposed) {
    SparseGradientBody(in, kernel, transposed).emit();
    return Strip();
  };
  auto emitFew = [&](const Gradient &kernel) {
    Memory square = e.view(kernel.scratch.bytes, kernel.scratch.offset, e.b.getI64Type());
    Value at = e.add(kernel.scratch.offset, 64 * sizeof(int64_t));
    Memory transposed = e.view(kernel.scratch.bytes, at, e.b.getI64Type());
    Gradient ofBits = kernel;
    ofBits.a = nonzero.bits;
    emitTranspose(e, module, ofBits, square, transposed);
    e.call(module, name, {}, make, kernel, transposed);
  };
  e.when(
      nonzero.few, [&] { emitGradientOrTiny(e, module, kernel, emitFew); },
      [&] { emitDenseGradient(e, module, kernel); });
}

} // namespace snn::kernels
