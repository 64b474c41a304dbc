// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// core-split-groups: convolutions of groups of channels as one for each group.

#include "compiler/Model/Passes.h"
#include "compiler/Remarks/Remarks.h"
#include "dialect/core/CoreDialect.h"
#include "dialect/core/Maps.h"

using namespace mlir;
using namespace snn::core;

namespace snn {
#define GEN_PASS_DEF_SPLITGROUPS
#include "compiler/Model/Passes.h.inc"

namespace {

ArrayType typeOf(Value value) { return cast<ArrayType>(value.getType()); }

ArrayType withExtent(ArrayType type, unsigned index, int64_t extent) {
  SmallVector<int64_t> shape(type.getShape());
  shape[index] = extent;
  return ArrayType::get(type.getContext(), shape, type.getElementType());
}

/// The only position of the map that depends on a dim; none if several do.
std::optional<unsigned> positionOf(AffineMap map, unsigned dim) {
  std::optional<unsigned> found;
  for (auto [index, position] : llvm::enumerate(map.getResults()))
    if (position.isFunctionOfDim(dim)) {
      if (found)
        return std::nullopt;
      found = index;
    }
  return found;
}

/// A contract whose output channels o, a dim, read the image's channel (o floordiv outputs) * inputs + i.
struct Groups {
  int64_t count = 0, inputs = 0, outputs = 0;
  unsigned image = 0;                                ///< which factor that is
  unsigned channel = 0;                              ///< o
  AffineExpr own;                                    ///< i
  unsigned ofImage = 0, ofWeights = 0, ofResult = 0; ///< where channels stand in the arrays

  static std::optional<Groups> of(ContractOp op);
};

std::optional<Groups> Groups::of(ContractOp op) {
  ArrayRef<int64_t> domain = op.getDomain();
  SmallVector<AffineMap> reads = op.getReadMaps();
  MLIRContext *context = op.getContext();
  for (unsigned image : {0u, 1u})
    for (unsigned dim = 0; dim < domain.size(); ++dim) {
      if (domain[dim] <= 0 || llvm::is_contained(op.getAlong(), int64_t(dim)))
        continue;
      std::optional<unsigned> ofImage = positionOf(reads[image], dim), ofWeights = positionOf(reads[1 - image], dim),
                              ofResult = positionOf(op.getWrite(), dim);
      AffineExpr plain = getAffineDimExpr(dim, context);
      if (!ofImage || !ofWeights || !ofResult || reads[1 - image].getResult(*ofWeights) != plain ||
          op.getWrite().getResult(*ofResult) != plain)
        continue;
      Groups groups{
          .image = image, .channel = dim, .ofImage = *ofImage, .ofWeights = *ofWeights, .ofResult = *ofResult};
      AffineExpr position = reads[image].getResult(*ofImage);
      position.walk([&](AffineExpr part) {
        auto divided = dyn_cast<AffineBinaryOpExpr>(part);
        if (divided && divided.getKind() == AffineExprKind::FloorDiv && divided.getLHS() == plain)
          if (auto by = dyn_cast<AffineConstantExpr>(divided.getRHS()))
            groups.outputs = by.getValue();
      });
      if (groups.outputs < 2 || domain[dim] % groups.outputs != 0)
        continue;
      groups.count = domain[dim] / groups.outputs;
      auto at = [&](int64_t channel) {
        return simplifyAffineExpr(position.replace(plain, getAffineConstantExpr(channel, context)), domain.size(), 0);
      };
      groups.own = at(0);
      auto own = dyn_cast<AffineDimExpr>(groups.own);
      if (!own || domain[own.getPosition()] < 1)
        continue;
      groups.inputs = domain[own.getPosition()];
      bool fits = groups.inputs * groups.count == typeOf(op->getOperand(image)).getShape()[*ofImage];
      // Whatever else the position does with o must come to the same.
      for (int64_t channel = 0; fits && channel < domain[dim]; ++channel)
        fits = at(channel) == groups.own + channel / groups.outputs * groups.inputs;
      if (fits)
        return groups;
    }
  return std::nullopt;
}

class SplitGroups : public impl::SplitGroupsBase<SplitGroups> {
public:
  using SplitGroupsBase::SplitGroupsBase;

private:
  void runOnOperation() override {
    getOperation().walk([&](ContractOp op) {
      std::optional<Groups> groups = Groups::of(op);
      if (!groups || groups->count < 2 || groups->count > mostGroups || groups->outputs < leastChannels ||
          groups->inputs < leastChannels)
        return;
      if (auto remark = remarks::chosen(op, remarks::kWindows, "groups"))
        remark << remark::add("a convolution for each of {0} groups", groups->count)
               << remarks::because("each has weights of its own, and one product has the same for all channels");
      split(op, *groups);
    });
  }

  /// The array from `first` of an extent on, of which it keeps `count`.
  static Value slice(OpBuilder &b, Location loc, Value from, unsigned index, int64_t first, int64_t count) {
    ArrayType type = withExtent(typeOf(from), index, count);
    AffineMap identity = b.getMultiDimIdentityMap(type.getShape().size());
    SmallVector<AffineExpr> read(identity.getResults());
    read[index] = read[index] + first;
    return MapOp::create(b, loc, type, from, type.getShape(),
                         AffineMap::get(identity.getNumDims(), 0, read, b.getContext()), identity, ArrayAttr(),
                         [](ImplicitLocOpBuilder &, ValueRange values) { return SmallVector<Value>(values); })
        .getResult(0);
  }

  static void split(ContractOp op, const Groups &groups) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    ArrayType whole = typeOf(op.getResult());
    const unsigned other = 1 - groups.image;
    SmallVector<AffineMap> reads = op.getReadMaps();
    SmallVector<AffineExpr> ofImage(reads[groups.image].getResults());
    ofImage[groups.ofImage] = groups.own;
    reads[groups.image] = AffineMap::get(op.getDomain().size(), 0, ofImage, b.getContext());
    SmallVector<int64_t> domain(op.getDomain());
    domain[groups.channel] = groups.outputs;
    AffineMap identity = b.getMultiDimIdentityMap(whole.getShape().size());
    SmallVector<Value> parts;
    SmallVector<AffineMap> ofParts;
    for (int64_t group = 0; group < groups.count; ++group) {
      Value factors[2];
      factors[groups.image] =
          slice(b, loc, op->getOperand(groups.image), groups.ofImage, group * groups.inputs, groups.inputs);
      factors[other] = slice(b, loc, op->getOperand(other), groups.ofWeights, group * groups.outputs, groups.outputs);
      parts.push_back(ContractOp::create(b, loc, withExtent(whole, groups.ofResult, groups.outputs), factors[0],
                                         factors[1], domain, op.getAlong(), reads[0], reads[1], op.getWrite()));
      SmallVector<AffineExpr> read(identity.getResults());
      read[groups.ofResult] = read[groups.ofResult] - group * groups.outputs;
      ofParts.push_back(AffineMap::get(identity.getNumDims(), 0, read, b.getContext()));
    }
    // A total is never -0, so adding the zeros of absent groups changes none.
    SmallVector<Attribute> absent(parts.size(), b.getZeroAttr(whole.scalarType()));
    auto joined = MapOp::create(b, loc, whole, parts, whole.getShape(), ofParts, identity, b.getArrayAttr(absent),
                                [](ImplicitLocOpBuilder &inner, ValueRange values) -> SmallVector<Value> {
                                  Value sum = values.front();
                                  for (Value value : values.drop_front())
                                    sum = arith::AddFOp::create(inner, sum, value);
                                  return {sum};
                                });
    op.getResult().replaceAllUsesWith(joined.getResult(0));
    op.erase();
  }
};

} // namespace
} // namespace snn
