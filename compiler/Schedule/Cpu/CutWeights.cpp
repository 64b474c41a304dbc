// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts with a part of the weights, as of inputs and states that share a matrix, get that part for themselves.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Passes.h"

#include <optional>

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CUTWEIGHTS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// A box of an array, with an extent for each of the array's: the first one last, as outputs are contiguous in
/// parameters and kernels read and write them so.
struct Part {
  ArrayType type;
  AffineMap shift; ///< from the part to the array
  AffineMap plain; ///< where an op reads or writes the part
};

/// Which part of `array` lies at `map`, for an op over `domain`; nothing if that is all of it, or no box.
std::optional<Part> partAt(ArrayType array, AffineMap map, ArrayRef<int64_t> domain) {
  MLIRContext *context = array.getContext();
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> shift, plain;
  llvm::SmallDenseSet<unsigned> seen;
  for (auto [number, position] : llvm::enumerate(map.getResults())) {
    AffineExpr dim = position;
    int64_t start = 0;
    if (auto sum = dyn_cast<AffineBinaryOpExpr>(position); sum && sum.getKind() == AffineExprKind::Add)
      if (auto constant = dyn_cast<AffineConstantExpr>(sum.getRHS())) {
        dim = sum.getLHS();
        start = constant.getValue();
      }
    auto found = dyn_cast<AffineDimExpr>(dim);
    if (!found || !seen.insert(found.getPosition()).second)
      return std::nullopt;
    int64_t extent = domain[found.getPosition()];
    if (extent <= 0 || start < 0 || start + extent > array.getShape()[number])
      return std::nullopt;
    shape.push_back(extent);
    shift.push_back(getAffineDimExpr(number == 0 ? map.getNumResults() - 1 : number - 1, context) + start);
    plain.push_back(found);
  }
  if (ArrayRef<int64_t>(shape) == array.getShape())
    return std::nullopt;
  std::rotate(shape.begin(), shape.begin() + 1, shape.end());
  std::rotate(plain.begin(), plain.begin() + 1, plain.end());
  return Part{ArrayType::get(context, shape, array.getElementType()), AffineMap::get(shape.size(), 0, shift, context),
              AffineMap::get(domain.size(), 0, plain, context)};
}

MapOp move(OpBuilder &builder, Location loc, Value from, const Part &part, bool cut, ArrayType to) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(part.type.getRank(), builder.getContext());
  return MapOp::create(builder, loc, to, from, part.type.getShape(), cut ? part.shift : identity,
                       cut ? identity : part.shift, ArrayAttr(),
                       [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
}

class CutWeights : public impl::CutWeightsBase<CutWeights> {
  void runOnOperation() override {
    getOperation().walk([&](ContractOp op) {
      if (llvm::any_of(op.getDomain(), [](int64_t extent) { return extent < 0; }))
        cut(op);
    });
  }

  /// What has samples or steps is never a part: others are read or written whole as well.
  static void cut(ContractOp op) {
    OpBuilder builder(op);
    SmallVector<Attribute> reads(op.getReads().getValue());
    for (OpOperand &factor : op->getOpOperands()) {
      AffineMap read = op.getReadMaps()[factor.getOperandNumber()];
      std::optional<Part> part = partAt(cast<ArrayType>(factor.get().getType()), read, op.getDomain());
      if (!part)
        continue;
      if (auto remark = remarks::chosen(op, remarks::kKernels, "part"))
        remark << "a copy of a part of a factor is made" << remarks::because("kernels take whole matrices");
      factor.set(move(builder, op.getLoc(), factor.get(), *part, /*cut=*/true, part->type).getResult(0));
      reads[factor.getOperandNumber()] = AffineMapAttr::get(part->plain);
    }
    op.setReadsAttr(builder.getArrayAttr(reads));
    auto whole = cast<ArrayType>(op.getResult().getType());
    std::optional<Part> part = partAt(whole, op.getWrite(), op.getDomain());
    if (!part)
      return;
    op.getResult().setType(part->type);
    op.setWriteAttr(AffineMapAttr::get(part->plain));
    builder.setInsertionPointAfter(op);
    MapOp back = move(builder, op.getLoc(), op.getResult(), *part, /*cut=*/false, whole);
    op.getResult().replaceAllUsesExcept(back.getResult(0), back);
  }
};

} // namespace
} // namespace snn::core
