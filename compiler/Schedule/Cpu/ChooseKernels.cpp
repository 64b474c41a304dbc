// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How each contract is computed, and weights in the form that its kernel reads.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSEKERNELS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Whether samples are what the host gives, perhaps element by element through maps such as `/ 255`: events and images
/// are mostly zero. Whether these are (and whether the map keeps zeros) the code finds out, for little beside a
/// product.
bool isGiven(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp()) && cast<ArrayType>(value.getType()).sampleDim() >= 0;
  auto map = value.getDefiningOp<MapOp>();
  return map && map.getInputs().size() == 1 && isGiven(map.getInputs().front());
}

class ChooseKernels : public impl::ChooseKernelsBase<ChooseKernels> {
public:
  using ChooseKernelsBase::ChooseKernelsBase;

private:
  void runOnOperation() override {
    getOperation().walk([&](ContractOp op) {
      std::optional<MatrixProduct> product = matchProduct(op);
      op->setAttr(kKernelAttr, KernelAttr::get(&getContext(), chosenFor(op, product)));
      if (product && !product->oriented)
        orient(op, *product);
    });
    // Copies of weights that are the same at each step come before the scan.
    RewritePatternSet patterns(&getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }

  /// Within a scan there are too few rows at a time to look for zeros.
  Kernel chosenFor(ContractOp op, const std::optional<MatrixProduct> &product) {
    if (product && sparseColumns > 0 && product->columns >= sparseColumns && !isa<ScanOp>(op->getParentOp()) &&
        isGiven(product->a))
      if (std::optional<Kernel> sparse = product->sparseKernel())
        return *sparse;
    return kernelFor(op);
  }

  /// Reads a row-major copy, of which the columns are the last extent.
  void orient(ContractOp op, const MatrixProduct &product) {
    unsigned operand = product.swapped ? 0 : 1;
    AffineMap read = op.getReadMaps()[operand], identity = AffineMap::getMultiDimIdentityMap(2, &getContext());
    auto type = cast<ArrayType>(product.b.getType());
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<AffineExpr> positions(read.getResults());
    const bool turned = read.getDimPosition(1) != product.columnDim;
    if (turned) {
      std::swap(shape[0], shape[1]);
      std::swap(positions[0], positions[1]);
    }
    AffineMap write = turned ? AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, &getContext()) : identity;
    OpBuilder builder(op);
    auto copy =
        MapOp::create(builder, op.getLoc(), ArrayType::get(&getContext(), shape, type.getElementType()), product.b,
                      type.getShape(), identity, write, ArrayAttr(),
                      [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
    op->setOperand(operand, copy.getResult(0));
    SmallVector<Attribute> reads(op.getReads().getValue());
    reads[operand] = AffineMapAttr::get(AffineMap::get(read.getNumDims(), 0, positions, &getContext()));
    op.setReadsAttr(builder.getArrayAttr(reads));
  }
};

} // namespace
} // namespace snn::core
