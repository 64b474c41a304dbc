// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps that turn rows of spikes round: what lay side by side (channels, say) lies apart, and what lay apart (places)
// side by side. A word of each of 16 places is a lane of a vector, and each of its bits gives a word of one channel.

#include "compiler/Codegen/Cpu/OpEmitter.h"

using namespace mlir;

namespace snn::core {
namespace {

/// A matrix of bits with `places` rows of `channels` bits, which becomes one of `channels` rows of `places` bits.
struct Turn {
  int64_t places, channels;

  static std::optional<Turn> of(MapOp op, const Buffer &from, const Buffer &to);
};

std::optional<Turn> Turn::of(MapOp op, const Buffer &from, const Buffer &to) {
  if (!from.isBits() || !to.isBits() || from.scalar || to.wanted || !from.isRow() || !to.isRow())
    return std::nullopt;
  auto indexed = cast<IndexedOpInterface>(op.getOperation());
  AffineMap read = indexed.getReadMaps()[0];
  ArrayRef<int64_t> domain = op.getDomain();
  if (!indexed.getWriteMaps()[0].isIdentity() || to.type.getShape() != domain || from.width() != to.width())
    return std::nullopt;
  // Dims that lie one behind the other in both are one.
  struct Dim {
    int64_t extent, stride;
  };
  SmallVector<Dim> dims;
  AffineExpr offset = innerOffset(from, read), zero = getAffineConstantExpr(0, op.getContext());
  SmallVector<AffineExpr> origin(domain.size(), zero);
  if (offset.replaceDims(origin) != zero)
    return std::nullopt;
  for (auto [number, extent] : llvm::enumerate(domain)) {
    if (extent < 0 || extent == 1)
      continue;
    AffineExpr dim = getAffineDimExpr(number, op.getContext());
    auto stride =
        dyn_cast<AffineConstantExpr>(simplifyAffineExpr(offset.replace(dim, dim + 1) - offset, domain.size(), 0));
    if (!stride)
      return std::nullopt;
    if (!dims.empty() && dims.back().stride == extent * stride.getValue())
      dims.back() = {dims.back().extent * extent, stride.getValue()};
    else
      dims.push_back({extent, stride.getValue()});
  }
  if (dims.size() != 2 || dims[0].stride != 1 || dims[1].stride != dims[0].extent)
    return std::nullopt;
  return Turn{dims[1].extent, dims[0].extent};
}

class RowTurner {
public:
  RowTurner(Emitter &e, const Turn &turn, const Buffer &from, const Buffer &to)
      : e(e), turn(turn), from(from), to(to), whole(turn.places % kLanes == 0) {}

  /// A row of each, from word `source` and `target` on.
  void emit(Value source, Value target) {
    if (!whole)
      e.loop(e.index(to.rowElements),
             [&](Value i) { e.store(arith::ConstantIntOp::create(e.b, i16(), 0), to.memory, e.add(target, i)); });
    const int64_t full = turn.places / kLanes * kLanes;
    e.loop(e.index(0), e.index(full), kLanes, [&](Value place) { emitPlaces(source, target, place, kLanes); });
    if (full < turn.places)
      emitPlaces(source, target, e.index(full), turn.places - full);
  }

private:
  Type i16() { return e.b.getI16Type(); }
  Type i32() { return e.b.getI32Type(); }

  /// `count` places from a multiple of kLanes on, which begins a word.
  void emitPlaces(Value source, Value target, Value place, int64_t count) {
    Value at = e.add(source, e.div(e.mul(place, turn.channels), kLanes));
    const int64_t full = turn.channels / kLanes * kLanes;
    e.loop(e.index(0), e.index(full), kLanes,
           [&](Value channel) { emitChannels(at, target, place, count, channel, kLanes); });
    if (full < turn.channels)
      emitChannels(at, target, place, count, e.index(full), turn.channels - full);
  }

  void emitChannels(Value at, Value target, Value place, int64_t count, Value channel, int64_t channels) {
    auto constant = [&](ArrayRef<int32_t> values) -> Value {
      return arith::ConstantOp::create(e.b, DenseElementsAttr::get(i32Vector(), values));
    };
    const SmallVector<int32_t> zeros(kLanes, 0);
    Value lanes = constant(zeros), first = e.add(at, e.div(channel, kLanes));
    SmallVector<int32_t> shifts(zeros);
    for (int64_t lane = 0; lane < count; ++lane) {
      const int64_t bit = lane * turn.channels;
      shifts[lane] = bit % kLanes;
      Value word = e.load(from.memory, e.add(first, bit / kLanes));
      Value bits = arith::ExtUIOp::create(e.b, i32(), word);
      if (shifts[lane] + channels > kLanes) {
        Value next = e.load(from.memory, e.add(first, bit / kLanes + 1));
        Value high = arith::ShLIOp::create(e.b, arith::ExtUIOp::create(e.b, i32(), next),
                                           arith::ConstantIntOp::create(e.b, i32(), kLanes));
        bits = e.either(bits, high);
      }
      lanes = vector::InsertOp::create(e.b, bits, lanes, lane);
    }
    lanes = arith::ShRUIOp::create(e.b, lanes, constant(shifts));
    for (int64_t bit = 0; bit < channels; ++bit) {
      Value set = e.both(lanes, constant(SmallVector<int32_t>(kLanes, 1 << bit)));
      Value word = e.bitsToWord(arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, set, constant(zeros)));
      storeWord(word, target, e.add(e.mul(e.add(channel, bit), turn.places), place), count);
    }
  }

  /// The `count` lowest bits of a word, at any bit behind `target`.
  void storeWord(Value word, Value target, Value at, int64_t count) {
    Value number = e.add(target, e.div(at, kLanes));
    if (whole)
      return e.store(word, to.memory, number);
    auto add = [&](Value bits, Value number) {
      e.store(e.either(e.load(to.memory, number), arith::TruncIOp::create(e.b, i16(), bits)), to.memory, number);
    };
    Value inside = e.b.createOrFold<arith::RemUIOp>(at, e.index(kLanes));
    Value bits = arith::ShLIOp::create(e.b, arith::ExtUIOp::create(e.b, i32(), word),
                                       e.b.createOrFold<arith::IndexCastOp>(i32(), inside));
    add(bits, number);
    e.when(e.below(e.index(kLanes), e.add(inside, count)), [&] {
      Value high = arith::ShRUIOp::create(e.b, bits, arith::ConstantIntOp::create(e.b, i32(), kLanes));
      add(high, e.add(number, 1));
    });
  }

  VectorType i32Vector() { return e.vector(kLanes, i32()); }

  Emitter &e;
  const Turn &turn;
  const Buffer &from, &to;
  bool whole; ///< each channel has whole words
};

} // namespace

bool OpEmitter::emitBitTurn(MapOp op) {
  if (!op.onlyMoves())
    return false;
  auto given = buffers.find(op.getInputs()[0]), made = buffers.find(op.getOutputs()[0]);
  if (given == buffers.end() || made == buffers.end())
    return false;
  const Buffer &from = given->second, &to = made->second;
  std::optional<Turn> turn = Turn::of(op, from, to);
  if (!turn)
    return false;
  RowTurner turner(e, *turn, from, to);
  forEachRow(op.getDomain(), [&](SmallVectorImpl<LaneIndex> &dims) {
    turner.emit(from.rowAt(e, op.getDomain(), dims), to.rowAt(e, op.getDomain(), dims));
  });
  return true;
}

} // namespace snn::core
