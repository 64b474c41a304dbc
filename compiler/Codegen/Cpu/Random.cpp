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
  func::FuncOp kernel =
      e.kernel(module, "snn_random_key", {seed.getType(), word, word}, {word, word},
               [&](Emitter &in, Block::BlockArgListType arguments) {
                 Value upper = arith::ShRUIOp::create(in.b, arguments[0], in.i64(32));
                 RandomKey seedWords{arith::TruncIOp::create(in.b, word, arguments[0]),
                                     arith::TruncIOp::create(in.b, word, upper)};
                 // The 2 keeps this block apart from those that the host draws with the seed itself.
                 Value zero = constantLike(in, arguments[1], 0), two = constantLike(in, arguments[1], 2);
                 std::array<Value, 4> block = philox(in, {arguments[2], arguments[1], zero, two}, seedWords);
                 func::ReturnOp::create(in.b, ValueRange{block[0], block[1]});
               });
  auto call = func::CallOp::create(e.b, kernel, ValueRange{seed, purpose, epoch});
  return {call.getResult(0), call.getResult(1)};
}

Value randomUnits(Emitter &e, ModuleOp module, Type real, RandomKey key, const RandomPlaces &places) {
  Type word = e.b.getI32Type(), words = e.vector(kLanes, word);
  func::FuncOp kernel =
      e.kernel(module, real.isF32() ? "snn_random_f32" : "snn_random_f64", {word, word, words, word, word, word},
               {e.vector(kLanes, real)}, [&](Emitter &in, Block::BlockArgListType arguments) {
                 auto spread = [&](unsigned index) { return in.splat(arguments[index], kLanes); };
                 std::array<Value, 4> counter = {arguments[2], spread(3), spread(4), spread(5)};
                 func::ReturnOp::create(in.b, unit(in, real, philox(in, counter, {arguments[0], arguments[1]})));
               });
  return func::CallOp::create(
             e.b, kernel,
             ValueRange{key.low, key.high, places.elements, places.sampleLow, places.sampleHigh, places.step})
      .getResult(0);
}

} // namespace snn
