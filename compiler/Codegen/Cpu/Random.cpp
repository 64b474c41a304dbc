// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Random.h.

#include "compiler/Codegen/Cpu/Random.h"

using namespace mlir;

namespace snn {
namespace {

Value constantLike(Emitter &e, Value like, int64_t value) {
  auto element = IntegerAttr::get(e.b.getI32Type(), APInt(32, value, /*isSigned=*/false, /*implicitTrunc=*/true));
  if (auto shaped = dyn_cast<VectorType>(like.getType()))
    return arith::ConstantOp::create(e.b, DenseElementsAttr::get(shaped, element));
  return arith::ConstantOp::create(e.b, element);
}

/// Philox4x32-10 on scalars, or on vectors with one key for all lanes. Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3", SC 2011.
std::array<Value, 4> philox(Emitter &e, std::array<Value, 4> counter, RandomKey key) {
  auto mixed = [&](Value product, Value word, Value key) {
    if (auto shaped = dyn_cast<VectorType>(word.getType()))
      key = e.splat(key, shaped.getNumElements());
    return Value(arith::XOrIOp::create(e.b, arith::XOrIOp::create(e.b, product, word), key));
  };
  for (int round = 0; round < 10; ++round) {
    auto [c0, c1, c2, c3] = counter;
    auto first = arith::MulUIExtendedOp::create(e.b, c0, constantLike(e, c0, 0xD2511F53));
    auto second = arith::MulUIExtendedOp::create(e.b, c2, constantLike(e, c2, 0xCD9E8D57));
    counter = {mixed(second.getHigh(), c1, key.low), second.getLow(), mixed(first.getHigh(), c3, key.high),
               first.getLow()};
    key = {e.add(key.low, constantLike(e, key.low, 0x9E3779B9)),
           e.add(key.high, constantLike(e, key.high, 0xBB67AE85))};
  }
  return counter;
}

/// The upper 24 bits of the first word, or the upper 53 of the first two: exact, from conversions of 32 bits, which are
/// vectors on all machines.
Value unit(Emitter &e, Type real, const std::array<Value, 4> &words) {
  auto type = VectorType::get({kLanes}, real);
  auto upper = [&](Value word, int64_t unused, double scale) {
    Value bits = arith::ShRUIOp::create(e.b, word, constantLike(e, word, unused));
    return Value(arith::MulFOp::create(e.b, arith::UIToFPOp::create(e.b, type, bits), e.constant(type, scale)));
  };
  if (real.isF32())
    return upper(words[0], 8, 0x1p-24);
  return arith::AddFOp::create(e.b, upper(words[0], 0, 0x1p-32), upper(words[1], 11, 0x1p-53));
}

} // namespace

RandomKey randomKey(Emitter &e, ModuleOp module, Value seed, Value purpose, Value epoch) {
  Type word = e.b.getI32Type();
  auto make = [](Emitter &in, Value seed, Value purpose, Value epoch) {
    Type word = in.b.getI32Type();
    Value upper = arith::ShRUIOp::create(in.b, seed, in.i64(32));
    RandomKey seedWords{arith::TruncIOp::create(in.b, word, seed), arith::TruncIOp::create(in.b, word, upper)};
    // The 2 keeps this block apart from those that the host draws with the seed itself.
    Value zero = constantLike(in, purpose, 0), two = constantLike(in, purpose, 2);
    std::array<Value, 4> block = philox(in, {epoch, purpose, zero, two}, seedWords);
    return SmallVector<Value>{block[0], block[1]};
  };
  auto call = e.call(module, "snn_random_key", {word, word}, make, seed, purpose, epoch);
  return {call.getResult(0), call.getResult(1)};
}

Value randomUnits(Emitter &e, ModuleOp module, Type real, RandomKey key, const RandomPlaces &places) {
  auto make = [&](Emitter &in, Value low, Value high, Value elements, Value sampleLow, Value sampleHigh, Value step) {
    std::array<Value, 4> counter = {elements, in.splat(sampleLow, kLanes), in.splat(sampleHigh, kLanes),
                                    in.splat(step, kLanes)};
    return SmallVector<Value>{unit(in, real, philox(in, counter, {low, high}))};
  };
  return e
      .call(module, real.isF32() ? "snn_random_f32" : "snn_random_f64", e.vector(kLanes, real), make, key.low, key.high,
            places.elements, places.sampleLow, places.sampleHigh, places.step)
      .getResult(0);
}

} // namespace snn
