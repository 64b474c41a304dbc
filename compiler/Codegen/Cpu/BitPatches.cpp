// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps that copy windows of spikes into rows of bits: a line of places at a time, each in a lane of 64 bits.

#include "compiler/Codegen/Cpu/BitAccess.h"
#include "compiler/Codegen/Cpu/OpEmitter.h"

#include "compiler/Schedule/Cpu/Layout.h"

using namespace mlir;

namespace snn::core {
namespace {

constexpr int64_t kMostRuns = 512; ///< that are written out
constexpr int64_t kPlaces = 8;     ///< lanes

/// What moves: for each place, the bits of its window.
struct Patches {
  /// Of all dims that are neither samples nor time: those of places, then those of windows. Strides of the read, in
  /// bits.
  SmallVector<int64_t> extents, strides;
  int64_t origin = 0;
  unsigned places = 0;  ///< number of dims of places
  int64_t rowWords = 0; ///< of the result, for each place

  static std::optional<Patches> of(MapOp op, const Buffer &from, const Buffer &to);
  int64_t windowBits() const {
    int64_t product = 1;
    for (int64_t extent : ArrayRef(extents).drop_front(places))
      product *= extent;
    return product;
  }
  /// Bits of a window that are together in the image, along its last dim.
  int64_t run() const { return strides.back() == 1 ? std::min<int64_t>(extents.back(), 16) : 1; }
  int64_t channels() const { return extents[places]; } ///< of the windows' first dim
  int64_t runsOfChannel() const {
    return windowBits() / channels() / extents.back() * llvm::divideCeil(extents.back(), run());
  }
  /// Channels after which a word ends.
  int64_t channelsOfWords() const { return kLanes / std::gcd(kLanes, windowBits() / channels()); }
};

std::optional<Patches> Patches::of(MapOp op, const Buffer &from, const Buffer &to) {
  if (!from.isBits() || !to.isBits() || to.wanted || from.scalar)
    return std::nullopt;
  auto indexed = cast<IndexedOpInterface>(op.getOperation());
  AffineMap read = indexed.getReadMaps()[0], write = indexed.getWriteMaps()[0];
  ArrayRef<int64_t> domain = op.getDomain(), shape = to.type.getShape();
  MLIRContext *context = op.getContext();
  if (shape.empty() || shape.back() < 0 || shape.back() % kLanes != 0 || !to.isRow())
    return std::nullopt;

  // The result has the same dims as the domain, and one for all that is left, counted through.
  const unsigned rank = domain.size(), kept = shape.size() - 1;
  Patches patches;
  AffineExpr number = getAffineConstantExpr(0, context);
  AffineExpr offset = innerOffset(from, read), origin = offset;
  for (unsigned dim = 0; dim < rank; ++dim) {
    AffineExpr position = getAffineDimExpr(dim, context);
    if (dim < kept && (write.getResult(dim) != position || shape[dim] != domain[dim]))
      return std::nullopt;
    if (dim >= kept)
      number = number * domain[dim] + position;
    origin = origin.replace(position, getAffineConstantExpr(0, context));
    if (domain[dim] < 0)
      continue;
    auto stride =
        dyn_cast<AffineConstantExpr>(simplifyAffineExpr(offset.replace(position, position + 1) - offset, rank, 0));
    if (!stride || stride.getValue() < 0)
      return std::nullopt;
    patches.extents.push_back(domain[dim]);
    patches.strides.push_back(stride.getValue());
    patches.places += dim < kept;
  }
  auto constant = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(origin, rank, 0));
  if (!constant || kept >= rank || domain.back() < 0 || patches.places == 0 ||
      simplifyAffineExpr(write.getResult(kept) - number, rank, 0) != getAffineConstantExpr(0, context))
    return std::nullopt;
  patches.origin = constant.getValue();
  patches.rowWords = shape.back() / kLanes;
  const bool fits = (kPlaces - 1) * patches.strides[patches.places - 1] + patches.run() <= BitAccess::kWindow;
  const bool tight = patches.rowWords == int64_t(llvm::divideCeil(patches.windowBits(), kLanes));
  // Windows of very many runs would be very much code.
  const bool few = patches.runsOfChannel() * patches.channelsOfWords() <= kMostRuns;
  return few && fits && tight && from.rowElements >= 4 ? std::optional(patches) : std::nullopt;
}

/// One line of windows.
class LineWriter {
public:
  LineWriter(Emitter &e, const Patches &patches, const Buffer &from, const Buffer &to)
      : e(e), patches(patches), from(from), to(to), lanes(std::min(kPlaces, patches.extents[patches.places - 1])) {}

  /// Places side by side, from bit `base` of the row at word `row` on, into rows from word `target` on.
  void emit(Value row, Value base, Value target) {
    const int64_t channels = patches.channels(), ofChannel = patches.windowBits() / channels;
    const int64_t together = patches.channelsOfWords();
    if (channels <= 2 * together && channels * patches.runsOfChannel() <= kMostRuns)
      return emitChannels(row, base, target, channels);
    Value stride = e.index(patches.strides[patches.places]), words = e.index(together * ofChannel / kLanes);
    const int64_t groups = channels / together;
    e.loop(e.index(groups), [&](Value group) {
      emitChannels(row, e.add(base, e.mul(e.mul(group, together), stride)), e.add(target, e.mul(group, words)),
                   together);
    });
    if (channels % together)
      emitChannels(row, e.add(base, groups * together * patches.strides[patches.places]),
                   e.add(target, e.mul(words, groups)), channels % together);
  }

private:
  Type lanesType() { return e.vector(kPlaces, e.b.getI64Type()); }
  Value splat(int64_t value) {
    return arith::ConstantOp::create(
        e.b, DenseElementsAttr::get(cast<VectorType>(lanesType()), e.b.getI64IntegerAttr(value)));
  }

  /// The bits from `bit` on, in each lane those of its place.
  Value window(Value row, Value bit) {
    Value bits = BitAccess(e).window(from, row, bit);
    SmallVector<int64_t> shifts;
    for (int64_t lane = 0; lane < kPlaces; ++lane)
      shifts.push_back(lane * patches.strides[patches.places - 1]);
    Value apart =
        arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<VectorType>(lanesType()), ArrayRef(shifts)));
    return arith::ShRUIOp::create(e.b, vector::BroadcastOp::create(e.b, lanesType(), bits), apart);
  }

  void store(Value bits, Value target, int64_t words) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value one =
          vector::BroadcastOp::create(e.b, e.vector(1, e.b.getI64Type()), vector::ExtractOp::create(e.b, bits, lane));
      Value four = vector::BitCastOp::create(e.b, e.vector(4, e.b.getI16Type()), one),
            at = e.add(target, lane * patches.rowWords);
      if (words == 4) {
        e.storeVector(four, to.memory, at);
        continue;
      }
      for (int64_t word = 0; word < words; ++word)
        e.store(vector::ExtractOp::create(e.b, four, word), to.memory, e.add(at, word));
    }
  }

  void emitChannels(Value row, Value base, Value target, int64_t channels) {
    SmallVector<int64_t> extents(ArrayRef(patches.extents).drop_front(patches.places)),
        strides(ArrayRef(patches.strides).drop_front(patches.places));
    extents[0] = channels;
    Value sum = splat(0);
    int64_t filled = 0, written = 0;
    auto append = [&](int64_t offset, int64_t count) {
      Value bits = arith::AndIOp::create(e.b, window(row, e.add(base, offset)), splat((int64_t(1) << count) - 1));
      sum = arith::OrIOp::create(e.b, sum, arith::ShLIOp::create(e.b, bits, splat(filled)));
      filled += count;
      if (filled < 64)
        return;
      store(sum, e.add(target, written), 4);
      written += 4;
      filled -= 64;
      sum = filled ? Value(arith::ShRUIOp::create(e.b, bits, splat(count - filled))) : splat(0);
    };
    std::function<void(size_t, int64_t)> nest = [&](size_t depth, int64_t offset) {
      const bool last = depth + 1 == extents.size();
      const int64_t step = last ? patches.run() : 1;
      for (int64_t i = 0; i < extents[depth]; i += step) {
        if (last)
          append(offset + i * strides[depth], std::min(step, extents[depth] - i));
        else
          nest(depth + 1, offset + i * strides[depth]);
      }
    };
    nest(0, 0);
    if (filled)
      store(sum, e.add(target, written), llvm::divideCeil(filled, kLanes));
  }

  Emitter &e;
  const Patches &patches;
  const Buffer &from, &to;
  int64_t lanes; ///< that are stored
};

} // namespace

bool OpEmitter::emitBitPatches(MapOp op, const Buffer &from, const Buffer &to) {
  std::optional<Patches> patches = Patches::of(op, from, to);
  if (!patches)
    return false;
  LineWriter line(e, *patches, from, to);
  const unsigned across = patches->places - 1; // the dim that lanes are of
  const int64_t width = patches->extents[across], stride = patches->strides[across];
  forEachRow(op.getDomain(), [&](SmallVectorImpl<LaneIndex> &dims) {
    Value row = from.rowAt(e, op.getDomain(), dims), target = to.rowAt(e, op.getDomain(), dims);
    std::function<void(unsigned, Value, Value)> nest = [&](unsigned depth, Value base, Value place) {
      if (depth < across) {
        e.loop(e.index(patches->extents[depth]), [&](Value i) {
          nest(depth + 1, e.add(base, e.mul(i, patches->strides[depth])),
               e.add(e.mul(place, patches->extents[depth]), i));
        });
        return;
      }
      auto places = [&](Value first) {
        Value number = e.add(e.mul(place, width), first);
        line.emit(row, e.add(base, e.mul(first, stride)), e.add(target, e.mul(number, patches->rowWords)));
      };
      e.loop(e.index(0), e.index(width / kPlaces * kPlaces), kPlaces, places);
      // What is left once more together with what came before.
      if (width % kPlaces)
        places(e.index(std::max<int64_t>(0, width - kPlaces)));
    };
    nest(0, e.index(patches->origin), e.index(0));
  });
  return true;
}

} // namespace snn::core
