// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps that only move spikes. Turning a row round puts side by side what lay apart (places) and the other way round
// (channels): a word of each of 16 places is a lane of a vector, and each of its bits gives a word of one channel.
// Otherwise runs of bits that stay side by side are moved a word at a time.

#include "compiler/Codegen/Cpu/BitAccess.h"
#include "compiler/Codegen/Cpu/OpEmitter.h"
#include "dialect/core/Maps.h"

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
      : whole(turn.places % kLanes == 0), e(e), turn(turn), from(from), to(to) {}

  const bool whole; ///< each channel has whole words: nothing needs to be 0 before

  /// A row of each, from word `source` and `target` on.
  void emit(Value source, Value target) {
    const int64_t full = turn.places / kLanes * kLanes;
    e.loop(e.index(0), e.index(full), kLanes, [&](Value place) { emitPlaces(source, target, place, kLanes); });
    if (full < turn.places)
      emitPlaces(source, target, e.index(full), turn.places - full);
  }

private:
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
      Value at = e.add(e.mul(e.add(channel, bit), turn.places), place);
      if (whole)
        e.store(word, to.memory, e.add(target, e.div(at, kLanes)));
      else
        BitAccess(e).add(to, target, at, arith::ExtUIOp::create(e.b, i32(), word), count);
    }
  }

  VectorType i32Vector() { return e.vector(kLanes, i32()); }

  Emitter &e;
  const Turn &turn;
  const Buffer &from, &to;
};

} // namespace

bool OpEmitter::emitBitTurn(MapOp op, const Buffer &from, const Buffer &to) {
  std::optional<Turn> turn = Turn::of(op, from, to);
  if (!turn)
    return false;
  RowTurner turner(e, *turn, from, to);
  if (!turner.whole)
    fillZero(to);
  forEachRow(op.getDomain(), [&](SmallVectorImpl<LaneIndex> &dims) {
    turner.emit(from.rowAt(e, op.getDomain(), dims), to.rowAt(e, op.getDomain(), dims));
  });
  return true;
}

/// The last dim is a run in both.
bool OpEmitter::emitBitRuns(MapOp op, const Buffer &from, const Buffer &to) {
  auto indexed = cast<IndexedOpInterface>(op.getOperation());
  AffineMap read = indexed.getReadMaps()[0], write = indexed.getWriteMaps()[0];
  ArrayRef<int64_t> domain = op.getDomain();
  if (!from.isBits() || !to.isBits() || from.scalar || to.wanted || domain.empty() || domain.back() < 2 ||
      !core::isInside(read, domain, from.type.getShape()) || !core::isInside(write, domain, to.type.getShape()))
    return false;
  AffineExpr last = getAffineDimExpr(domain.size() - 1, op.getContext());
  AffineExpr source = innerOffset(from, read), target = innerOffset(to, write);
  auto isRun = [&](AffineExpr offset) {
    return simplifyAffineExpr(offset.replace(last, last + 1) - offset, domain.size(), 0) == 1;
  };
  auto rowsAreDims = [](const Buffer &buffer, AffineMap map) {
    return llvm::all_of(llvm::zip_equal(buffer.type.getShape(), map.getResults()),
                        [](auto pair) { return std::get<0>(pair) > 0 || isa<AffineDimExpr>(std::get<1>(pair)); });
  };
  if (!isRun(source) || !isRun(target) || !rowsAreDims(from, read) || !rowsAreDims(to, write))
    return false;
  fillZero(to);
  AffineExpr zero = getAffineConstantExpr(0, op.getContext());
  source = source.replace(last, zero);
  target = target.replace(last, zero);
  // The run has one point in this.
  SmallVector<int64_t> runs(domain);
  runs.back() = 1;
  forEachPoint(runs, [&](SmallVectorImpl<LaneIndex> &dims) {
    Value sourceRow = from.rowAt(e, domain, dims), targetRow = to.rowAt(e, domain, dims);
    Value readAt = math.of(source, dims, domain).base, writeAt = math.of(target, dims, domain).base;
    auto run = [&](Value first, int64_t count) {
      BitAccess access(e);
      access.add(to, targetRow, e.add(writeAt, first), access.load(from, sourceRow, e.add(readAt, first), count),
                 count);
    };
    const int64_t whole = domain.back() / kLanes * kLanes;
    e.loop(e.index(0), e.index(whole), kLanes, [&](Value first) { run(first, kLanes); });
    if (whole < domain.back())
      run(e.index(whole), domain.back() - whole);
  });
  return true;
}

bool OpEmitter::emitBitMoves(MapOp op) {
  if (!op.onlyMoves())
    return false;
  auto given = buffers.find(op.getInputs()[0]), made = buffers.find(op.getOutputs()[0]);
  if (given == buffers.end() || made == buffers.end())
    return false;
  const Buffer &from = given->second, &to = made->second;
  return emitBitPatches(op, from, to) || emitBitTurn(op, from, to) || emitBitRuns(op, from, to);
}

} // namespace snn::core
