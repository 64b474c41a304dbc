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

class ChooseKernels : public impl::ChooseKernelsBase<ChooseKernels> {
  void runOnOperation() override {
    getOperation().walk([&](ContractOp op) {
      std::optional<MatrixProduct> product = matchProduct(op);
      op->setAttr(kKernelAttr, KernelAttr::get(&getContext(), kernelFor(op)));
      if (product && !product->oriented)
        orient(op, *product);
    });
    // Copies of weights that are the same at each step come before the scan.
    RewritePatternSet patterns(&getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
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
