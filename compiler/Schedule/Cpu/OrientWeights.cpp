// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights that a kernel reads across their rows get a copy in which it reads along them.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_ORIENTWEIGHTS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class OrientWeights : public impl::OrientWeightsBase<OrientWeights> {
  void runOnOperation() override {
    for (auto &map : copies)
      map.clear();
    entered.clear();
    SmallVector<ContractOp> contracts;
    getOperation().walk([&](ContractOp op) { contracts.push_back(op); });
    for (ContractOp op : contracts) {
      auto kernel = op->getAttrOfType<KernelAttr>(kKernelAttr);
      if (!kernel || kernel.getValue() == Kernel::Loops)
        continue;
      std::optional<MatrixProduct> product = matchProduct(op);
      if (!product) {
        op.emitOpError() << "has the kernel " << kernel << ", but is no product of matrices of rows";
        return signalPassFailure();
      }
      if (!product->oriented)
        orient(op, *product);
    }
  }

  /// Row-major, the columns are to be the last extent.
  void orient(ContractOp op, const MatrixProduct &product) {
    unsigned operand = product.swapped ? 0 : 1;
    AffineMap read = op.getReadMaps()[operand];
    bool turned = read.getDimPosition(1) != product.columnDim;
    Value copy = enter(copyOf(ownerOf(product.b), turned), op->getParentRegion(), product.b);
    op->setOperand(operand, copy);
    if (turned) {
      AffineExpr positions[] = {read.getResult(1), read.getResult(0)};
      read = AffineMap::get(read.getNumDims(), 0, positions, &getContext());
      SmallVector<Attribute> reads(op.getReads().getValue());
      reads[operand] = AffineMapAttr::get(read);
      op.setReadsAttr(ArrayAttr::get(&getContext(), reads));
    }
  }

  /// The operand of the phase or scan that an argument stands for, as long as it is the same at each step.
  static Value outer(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return {};
    Operation *parent = argument.getOwner()->getParentOp();
    auto scan = dyn_cast<ScanOp>(parent);
    if (isa<BatchMapOp>(parent) || (scan && llvm::is_contained(scan.getInvariantArgs(), argument)))
      return parent->getOperand(argument.getArgNumber());
    return {};
  }

  static Value ownerOf(Value value) {
    while (Value next = outer(value))
      value = next;
    return value;
  }

  Value copyOf(Value weight, bool turned) {
    Value &copy = copies[turned][weight];
    if (copy)
      return copy;
    auto type = cast<ArrayType>(weight.getType());
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfterValue(weight);
    AffineMap identity = AffineMap::getMultiDimIdentityMap(2, &getContext()), write = identity;
    if (turned) {
      write = AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, &getContext());
      type = ArrayType::get(&getContext(), {type.getShape()[1], type.getShape()[0]}, type.getElementType());
    }
    auto map =
        MapOp::create(builder, weight.getLoc(), TypeRange(type), weight, cast<ArrayType>(weight.getType()).getShape(),
                      ArrayRef<AffineMap>{identity}, ArrayRef<AffineMap>{write}, ArrayAttr(),
                      [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
    return copy = map.getResult(0);
  }

  /// Makes `copy`, a copy of what `original` stands for, available in `region`.
  Value enter(Value copy, Region *region, Value original) {
    if (!outer(original))
      return copy;
    Operation *parent = region->getParentOp();
    Value outside = enter(copy, parent->getParentRegion(), outer(original));
    Value &inside = entered[{outside, region}];
    if (inside)
      return inside;
    Block &block = region->front();
    if (auto phase = dyn_cast<BatchMapOp>(parent)) {
      phase.getInvariantMutable().append(outside);
      return inside = block.addArgument(outside.getType(), outside.getLoc());
    }
    auto scan = cast<ScanOp>(parent);
    unsigned index = scan.getSliced().size() + scan.getInvariant().size();
    scan.getInvariantMutable().append(outside);
    return inside = block.insertArgument(index, outside.getType(), outside.getLoc());
  }

  llvm::DenseMap<Value, Value> copies[2]; ///< as they are, and turned
  llvm::DenseMap<std::pair<Value, Region *>, Value> entered;
};

} // namespace
} // namespace snn::core
