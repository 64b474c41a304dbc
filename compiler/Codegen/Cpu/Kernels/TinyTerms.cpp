// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See TinyTerms.h.
//
// With a factor 2^96 on one side of all products a chain has normal numbers, but rounds its sums to 24 digits where the
// chain itself rounds to multiples of 2^-149. In units of that (`ulp`, scaled up), a sum below 2^23 is rounded right if
// it is computed on top of a number that brings it between 2^23 and 2^24. There are two ways to do it:
//
// * If all sums stay below 2^22 units, one such number, 1.5 * 2^23, is where the chain starts. Whether they did can be
//   seen by their exponents.
// * Else each term is added twice, with and without a number of that kind. This one, of a sign other than that of the
//   sum so far, has 2^24 or 2^23 units, so that it is added to the sum so far without rounding, and so that the new sum
//   comes to lie where it has to. If the sum so far is above 2^47 units and the new one is small, then the latter is
//   exact as it is: a product of two numbers of 24 digits that nearly cancels has no digits below one unit.
//
// Sums are whole units from the start on. The numbers on top of which they are computed have an even number of units,
// so what lies half way goes the same way. A factor or sum that is too large to be scaled becomes infinite or no
// number, and stays so: then the chain itself is computed at the end.

#include "compiler/Codegen/Cpu/Kernels/TinyTerms.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <bit>
#include <limits>

using namespace mlir;

namespace snn::kernels {
namespace {

constexpr float kScale = 0x1p96F;
constexpr float kUlp = 0x1p-149F * kScale;
/// Of so many rows one of some is looked at: rows side by side are steps, over which errors vanish. And about so many
/// at most: places of images do not differ by so much.
constexpr int64_t kManyRows = 16, kEvery = 4, kMostRows = 1024;
constexpr float kTiny = 0x1p-122F, kVerySmall = 0x1p-124F;

Type bitsType(Emitter &e, Type of) { return cast<VectorType>(of).clone(e.b.getI32Type()); }

Value toBits(Emitter &e, Value x) { return arith::BitcastOp::create(e.b, bitsType(e, x.getType()), x); }
Value fromBits(Emitter &e, Value bits) {
  return arith::BitcastOp::create(e.b, cast<VectorType>(bits.getType()).clone(e.b.getF32Type()), bits);
}

Value splatBits(Emitter &e, Type like, uint32_t bits) {
  return arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<ShapedType>(bitsType(e, like)), int32_t(bits)));
}
Value splatBits(Emitter &e, Type like, float of) { return splatBits(e, like, std::bit_cast<uint32_t>(of)); }

Value magnitude(Emitter &e, Value x) { return e.both(toBits(e, x), splatBits(e, x.getType(), 0x7fffffffU)); }

/// The first `count` (index) of kLanes.
Value firstLanes(Emitter &e, Value count) {
  auto lanes = llvm::to_vector(llvm::seq<int32_t>(0, kLanes));
  Value numbers =
      arith::ConstantOp::create(e.b, DenseElementsAttr::get(e.vector(kLanes, e.b.getI32Type()), ArrayRef(lanes)));
  Value limit = e.b.createOrFold<arith::IndexCastOp>(e.b.getI32Type(), count);
  return e.below(numbers, e.splat(limit, kLanes));
}

Value anyLane(Emitter &e, ArrayRef<Value> lanes) {
  Value any = lanes.front();
  for (Value more : lanes.drop_front())
    any = e.either(any, more);
  return vector::ReductionOp::create(e.b, vector::CombiningKind::OR, any);
}

Value scaleBy(Emitter &e, Value x, double factor) {
  Type wide = e.b.getF64Type();
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    wide = vector.clone(wide);
  Value product = arith::MulFOp::create(e.b, arith::ExtFOp::create(e.b, wide, x), e.constant(wide, factor));
  // LLVM knows that f32 would do for a power of two.
  auto fence = e.b.getStringAttr("llvm.arithmetic.fence");
  product = LLVM::CallIntrinsicOp::create(e.b, wide, fence, product).getResult(0);
  return arith::TruncFOp::create(e.b, x.getType(), product);
}

/// A loop over terms: next(factor, row, carried).
Strip forTerms(Emitter &e, Value from, Value to, ValueRange start, const Terms &terms,
               const std::function<Strip(Value factor, ValueRange row, ValueRange carried)> &next) {
  return e.loop(from, to, 1, start, [&](Value i, ValueRange carried) {
    auto change = [&] {
      auto [factor, row] = terms.at(i);
      return next(factor, row, carried);
    };
    return terms.counts ? e.changedIf(terms.counts(i), carried, change) : change();
  });
}

/// Sums, from `start` on, of terms all of which are very small, scaled up: {whether they are right (i1), sums...}.
Strip sumsInUnits(Emitter &e, Value from, Value to, ValueRange start, const Terms &terms) {
  constexpr float kOrigin = 0x1.8p23F * kUlp;
  const auto vectors = int64_t(start.size());
  Type type = start.front().getType();
  Value origin = e.constant(type, kOrigin), originBits = splatBits(e, type, kOrigin);
  // Bits that have ever differed: of exponents, where a sum was too large.
  auto differing = [&](Value sum) -> Value { return arith::XOrIOp::create(e.b, toBits(e, sum), originBits); };
  Strip state;
  for (Value sum : start)
    state.push_back(arith::AddFOp::create(e.b, origin, sum));
  for (int64_t v = 0; v < vectors; ++v)
    state.push_back(differing(state[v]));
  state = forTerms(e, from, to, state, terms, [&](Value factor, ValueRange row, ValueRange carried) {
    Strip next;
    for (int64_t v = 0; v < vectors; ++v)
      next.push_back(e.fma(factor, row[v], carried[v]));
    for (int64_t v = 0; v < vectors; ++v)
      next.push_back(e.either(carried[vectors + v], differing(next[v])));
    return next;
  });
  SmallVector<Value> left;
  Strip sums;
  for (int64_t v = 0; v < vectors; ++v) {
    Value exponents = e.both(state[vectors + v], splatBits(e, type, 0xff800000U));
    left.push_back(e.differs(exponents, splatBits(e, type, 0U)));
    sums.push_back(arith::SubFOp::create(e.b, state[v], origin));
  }
  sums.insert(sums.begin(), arith::XOrIOp::create(e.b, anyLane(e, left), e.truth(true)));
  return sums;
}

/// The next sum, scaled up, where it or some of its lanes are below 2^23 units.
Value addTiny(Emitter &e, Value factor, Value row, Value sum, Value plain) {
  Type type = sum.getType();
  Value oldBits = toBits(e, sum), newBits = toBits(e, plain);
  Value changes =
      e.compare(arith::CmpIPredicate::slt, arith::XOrIOp::create(e.b, oldBits, newBits), splatBits(e, type, 0U));
  Value size = e.select(changes, splatBits(e, type, 0x1p23F * kUlp), splatBits(e, type, 0x1p24F * kUlp));
  Value sign = e.both(arith::XOrIOp::create(e.b, oldBits, splatBits(e, type, ~0U)), splatBits(e, type, 0x80000000U));
  Value origin = fromBits(e, e.either(size, sign));
  Value onTop = e.fma(factor, row, arith::AddFOp::create(e.b, sum, origin));
  Value rounded = arith::SubFOp::create(e.b, onTop, origin);
  Value large = e.compare(arith::CmpIPredicate::sge, magnitude(e, plain), splatBits(e, type, 0x1p23F * kUlp));
  Value cancels = e.compare(arith::CmpIPredicate::sgt, magnitude(e, sum), splatBits(e, type, 0x1p47F * kUlp));
  return e.select(e.either(large, cancels), plain, rounded);
}

Strip sumsScaledUp(Emitter &e, Value from, Value to, ValueRange start, const Terms &terms) {
  const auto vectors = int64_t(start.size());
  Type type = start.front().getType();
  return forTerms(e, from, to, start, terms, [&](Value factor, ValueRange row, ValueRange sums) {
    Strip plain;
    SmallVector<Value> small;
    for (int64_t v = 0; v < vectors; ++v) {
      plain.push_back(e.fma(factor, row[v], sums[v]));
      small.push_back(e.compare(arith::CmpIPredicate::slt, magnitude(e, plain[v]), splatBits(e, type, 0x1p23F * kUlp)));
    }
    return e.changedIf(anyLane(e, small), plain, [&] {
      Strip next;
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(addTiny(e, factor, row[v], sums[v], plain[v]));
      return next;
    });
  });
}

} // namespace

bool hasTinyTerms(const Emitter &e) { return e.real.isF32() && e.target.hasVectors() && e.target.x86; }

Value noMagnitude(Emitter &e) { return splatBits(e, e.vector(kLanes, e.real), ~0U); }

Value leastMagnitude(Emitter &e, Value least, Value vector) {
  // Twice the magnitude, less two: that of zero is above all others.
  Type type = vector.getType();
  Value twice = arith::ShLIOp::create(e.b, toBits(e, vector), splatBits(e, type, 1U));
  Value lessTwo = arith::SubIOp::create(e.b, twice, splatBits(e, type, 2U));
  return arith::MinUIOp::create(e.b, least, lessTwo);
}

Value isTiny(Emitter &e, Value least) {
  return anyLane(e, e.below(least, splatBits(e, least.getType(), 2 * std::bit_cast<uint32_t>(kTiny) - 2)));
}

Strip noTally(Emitter &e) { return Strip(2, splatBits(e, e.vector(kLanes, e.real), 0U)); }

Strip tallied(Emitter &e, ValueRange tally, Value vector) {
  Type type = vector.getType();
  Value size = magnitude(e, vector), zero = splatBits(e, type, 0U), one = splatBits(e, type, 1U);
  Value tiny = e.below(arith::SubIOp::create(e.b, size, one), splatBits(e, type, std::bit_cast<uint32_t>(kTiny) - 1));
  auto more = [&](Value count, Value lanes) { return e.add(count, e.select(lanes, one, zero)); };
  return {more(tally[0], tiny), more(tally[1], e.differs(size, zero))};
}

Value isMuch(Emitter &e, ValueRange tally, int64_t share) {
  auto total = [&](Value counts) {
    return e.toIndex(vector::ReductionOp::create(e.b, vector::CombiningKind::ADD, counts));
  };
  Value tiny = total(tally[0]);
  return e.both(e.differs(tiny, e.index(0)), e.compare(arith::CmpIPredicate::uge, e.mul(tiny, share), total(tally[1])));
}

Value mostMagnitude(Emitter &e, Value most, Value vector) {
  Value next = magnitude(e, vector);
  return most ? Value(arith::MaxUIOp::create(e.b, most, next)) : next;
}

Value isVerySmall(Emitter &e, Value most) {
  Value large = e.compare(arith::CmpIPredicate::uge, most, splatBits(e, most.getType(), kVerySmall));
  return arith::XOrIOp::create(e.b, anyLane(e, large), e.truth(true));
}

Matrix rowOf(Emitter &e, Matrix matrix, Value row) {
  matrix.at.offset = e.add(matrix.at.offset, e.mul(row, matrix.stride));
  return matrix;
}

Value loadElement(Emitter &e, const Matrix &row, Value at) {
  return e.load(row.at, row.offsets.base ? e.toIndex(e.load(row.offsets, at)) : at);
}

/// The first `count` of kLanes elements, and zeros; none is read behind them.
static Value loadFirst(Emitter &e, const Matrix &row, Value at, Value count) {
  Value mask = firstLanes(e, count);
  return row.offsets.base ? e.gather(row.at, e.index(0), e.loadMasked(row.offsets, at, mask), mask)
                          : e.loadMasked(row.at, at, mask);
}

Strip tallyOfBlock(Emitter &e, ValueRange tally, const Matrix &row, Value from, Value to) {
  Strip next(tally);
  for (int64_t lane = 0; lane < kBlock; lane += kLanes) {
    Value at = e.minimum(e.add(from, lane), to);
    next = tallied(e, next, loadFirst(e, row, at, e.sub(to, at)));
  }
  return next;
}

Value isNotZero(Emitter &e, Value element) {
  Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(element.getType()));
  return isa<IntegerType>(element.getType()) ? e.differs(element, zero)
                                             : arith::CmpFOp::create(e.b, arith::CmpFPredicate::UNE, element, zero);
}

Value firstNotVerySmall(Emitter &e, const Matrix &row, Value from, Value to) {
  Value found = e.i64(0);
  for (int64_t lane = 0; lane < kBlock; lane += kLanes) {
    Value at = e.minimum(e.add(from, lane), to), some = loadFirst(e, row, at, e.sub(to, at));
    Value large = e.compare(arith::CmpIPredicate::sge, magnitude(e, some), splatBits(e, some.getType(), kVerySmall));
    Value bits = arith::ExtUIOp::create(e.b, e.b.getI64Type(), e.bitsToWord(large));
    found = e.either(found, arith::ShLIOp::create(e.b, bits, e.i64(lane)));
  }
  Value first = e.toIndex(math::CountTrailingZerosOp::create(e.b, found));
  return e.minimum(e.add(from, first), to);
}

/// Calls next(carried, vector) for all vectors of some of the rows.
static Strip lookThrough(Emitter &e, const Matrix &a, const SomeRows &rows, Value stride, Value depth, ValueRange start,
                         const std::function<Strip(ValueRange carried, Value vector)> &next) {
  Value number = e.sub(rows.to, rows.from);
  Value step =
      e.select(e.below(number, e.index(kManyRows)), e.index(1), e.maximum(e.index(kEvery), e.div(number, kMostRows)));
  return e.loop(e.index(0), e.div(e.sub(e.add(number, step), e.index(1)), step), 1, start,
                [&](Value i, ValueRange carried) {
                  Value position = e.add(rows.from, e.mul(i, step));
                  if (rows.order.base)
                    position = e.toIndex(e.load(rows.order, position));
                  Matrix row = a;
                  row.at.offset = e.add(row.at.offset, e.mul(position, stride));
                  Value whole = row.offsets.base ? e.index(0) : e.mul(e.div(depth, kLanes), kLanes);
                  Strip found = e.loop(e.index(0), whole, kLanes, carried, [&](Value at, ValueRange carried) {
                    return next(carried, e.loadVector(row.at, at, kLanes));
                  });
                  return e.loop(whole, depth, kLanes, found, [&](Value at, ValueRange carried) {
                    return next(carried, loadFirst(e, row, at, e.sub(depth, at)));
                  });
                });
}

static std::string nameFor(Emitter &e, StringRef what, const Matrix &a, const SomeRows &rows,
                           ArrayRef<int64_t> numbers) {
  StringRef form = rows.order.base ? "ordered_rows_" : a.offsets.base ? "windows_" : "rows_";
  return shapeName(e, (form + what).str(), numbers);
}

Value emitSeemTiny(Emitter &e, ModuleOp module, const Matrix &a, const SomeRows &rows, int64_t depth) {
  auto make = [](Emitter &in, const Matrix &a, const SomeRows &rows, Value stride, Value depth) {
    Strip least = lookThrough(in, a, rows, stride, depth, noMagnitude(in), [&](ValueRange least, Value vector) {
      return Strip{leastMagnitude(in, least[0], vector)};
    });
    return Strip{isTiny(in, least[0])};
  };
  return e
      .call(module, nameFor(e, "tiny", a, rows, {}), e.b.getI1Type(), make, a, rows, e.index(a.stride), e.index(depth))
      .getResult(0);
}

Value emitSeemMuchTiny(Emitter &e, ModuleOp module, const Matrix &a, const SomeRows &rows, int64_t depth,
                       int64_t share) {
  auto make = [=](Emitter &in, const Matrix &a, const SomeRows &rows, Value stride, Value depth) {
    Strip tally = lookThrough(in, a, rows, stride, depth, noTally(in),
                              [&](ValueRange tally, Value vector) { return tallied(in, tally, vector); });
    return Strip{isMuch(in, tally, share)};
  };
  return e
      .call(module, nameFor(e, "much_tiny", a, rows, {share}), e.b.getI1Type(), make, a, rows, e.index(a.stride),
            e.index(depth))
      .getResult(0);
}

Value emitTakesLong(Emitter &e, ModuleOp module, Tiny form, Value tiny) {
  if (form == Tiny::Always)
    return tiny;
  auto make = [](Emitter &in) {
    // Cycles of eight products, one after the other, of a subnormal number: 32 of normal ones.
    constexpr StringLiteral text = "lfence\n\trdtsc\n\tmovl %eax, $0\n\tlfence\n\tvmovaps $1, %xmm15\n\t"
                                   ".rept 8\n\tvmulss $2, %xmm15, %xmm15\n\t.endr\n\t"
                                   "lfence\n\trdtsc\n\tsubl $0, %eax\n\tmovl %eax, $0";
    constexpr StringLiteral constraints = "=&r,x,x,~{eax},~{edx},~{xmm15},~{flags}";
    constexpr int64_t kMany = 400;
    Type i32 = in.b.getI32Type(), f32 = in.b.getF32Type();
    Value cycles = LLVM::InlineAsmOp::create(
                       in.b, i32, ValueRange{in.constant(f32, 0x1p-140), in.constant(f32, 1)}, text, constraints,
                       /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                       LLVM::AsmDialectAttr::get(in.b.getContext(), LLVM::AsmDialect::AD_ATT), ArrayAttr())
                       .getResult(0);
    Value many = arith::ConstantIntOp::create(in.b, i32, kMany);
    return Strip{in.compare(arith::CmpIPredicate::ugt, cycles, many)};
  };
  return e.choose(
      tiny, [&] { return e.call(module, "snn_subnormals_take_long", e.b.getI1Type(), make).getResult(0); },
      [&] { return e.truth(false); }, e.b.getI1Type());
}

void forWideStrips(Emitter &e, Value columns, const std::function<void(Value column, int64_t vectors)> &emit) {
  const int64_t narrow = kLanes / e.machineLanes(), wide = std::max<int64_t>(4, narrow);
  auto strips = [&](Value from, Value to, int64_t vectors) {
    e.loop(from, to, vectors * e.machineLanes(), [&](Value column) { emit(column, vectors); });
  };
  Value all = e.mul(e.div(columns, wide * e.machineLanes()), wide * e.machineLanes());
  strips(e.index(0), all, wide);
  if (narrow < wide)
    strips(all, columns, narrow);
}

Value scaleUp(Emitter &e, Value x) { return scaleBy(e, x, kScale); }

Strip chainOf(Emitter &e, Value from, Value to, ValueRange start, const Terms &terms) {
  return forTerms(e, from, to, start, terms, [&](Value factor, ValueRange row, ValueRange sums) {
    Strip next;
    for (auto [element, sum] : llvm::zip_equal(row, sums))
      next.push_back(e.fma(factor, element, sum));
    return next;
  });
}

Strip chainOfTiny(Emitter &e, Value from, Value firstLarge, Value to, ValueRange start, const Terms &scaled,
                  const Terms &plain) {
  Strip origin;
  for (Value sum : start)
    origin.push_back(matchPattern(sum, m_AnyZeroFloat()) ? sum : scaleUp(e, sum));
  Strip inUnits = sumsInUnits(e, from, firstLarge, origin, scaled);
  Value right = inUnits.front();
  Strip next;
  for (auto [sum, old] : llvm::zip(ArrayRef(inUnits).drop_front(), origin))
    next.push_back(e.select(right, sum, old));
  Strip sums = sumsScaledUp(e, e.select(right, firstLarge, from), to, next, scaled);
  SmallVector<Value> beyond;
  for (Value sum : sums) {
    Value infinity = splatBits(e, sum.getType(), std::numeric_limits<float>::infinity());
    beyond.push_back(e.compare(arith::CmpIPredicate::sge, magnitude(e, sum), infinity));
  }
  auto back = [&] {
    Strip back;
    for (Value sum : sums)
      back.push_back(scaleBy(e, sum, 1 / double(kScale)));
    return back;
  };
  return e.choose(anyLane(e, beyond), [&] { return chainOf(e, from, to, start, plain); }, back, start.getTypes());
}

} // namespace snn::kernels
