// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of what a scan is given leave it: all of time at once.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_LIFTPRODUCTS
#include "compiler/Schedule/Passes.h.inc"

using namespace core;

namespace {

struct LiftProduct : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    for (auto contract : op.getBody().front().getOps<ContractOp>())
      if (std::optional<unsigned> sliced = slicedFactor(contract, op)) {
        lift(contract, *sliced, op, rewriter);
        return success();
      }
    return failure();
  }

private:
  /// The factor that is a slice, if the other one is weights and the product keeps its samples. More results than
  /// weights, as of a convolution, would take more memory over time than a step has reason to share.
  static std::optional<unsigned> slicedFactor(ContractOp contract, ScanOp op) {
    auto elements = [](ArrayType type) {
      int64_t count = 1;
      for (int64_t extent : type.getShape())
        count *= std::max<int64_t>(extent, 1);
      return count;
    };
    auto result = cast<ArrayType>(contract.getResult().getType());
    for (unsigned factor : {0, 1}) {
      Value other = contract->getOperand(1 - factor);
      auto weights = cast<ArrayType>(other.getType());
      if (llvm::is_contained(op.getSlicedArgs(), contract->getOperand(factor)) &&
          llvm::is_contained(op.getInvariantArgs(), other) && weights.sampleDim() < 0 && result.sampleDim() >= 0 &&
          elements(result) <= elements(weights))
        return factor;
    }
    return std::nullopt;
  }

  static void lift(ContractOp contract, unsigned sliced, ScanOp op, PatternRewriter &rewriter) {
    MLIRContext *context = op.getContext();
    SmallVector<int64_t> domain{ArrayType::kTime}, along;
    llvm::append_range(domain, contract.getDomain());
    for (int64_t dim : contract.getAlong())
      along.push_back(dim + 1);
    auto overTime = [&](AffineMap map) { return map.shiftDims(1).insertResult(getAffineDimExpr(0, context), 0); };
    Value factors[2];
    AffineMap reads[2];
    for (unsigned factor : {0, 1}) {
      auto argument = cast<BlockArgument>(contract->getOperand(factor));
      factors[factor] = op->getOperand(argument.getArgNumber());
      AffineMap read = contract.getReadMaps()[factor];
      reads[factor] = factor == sliced ? overTime(read) : read.shiftDims(1);
    }
    rewriter.setInsertionPoint(op);
    auto type = cast<ArrayType>(contract.getResult().getType());
    auto lifted = ContractOp::create(rewriter, contract.getLoc(), type.overTime(), factors[0], factors[1], domain,
                                     along, reads[0], reads[1], overTime(contract.getWrite()));
    lifted.setOrderAttr(contract.getOrderAttr());
    rewriter.modifyOpInPlace(op, [&] {
      unsigned position = op.getSliced().size();
      op.getSlicedMutable().append(lifted.getResult());
      Value slice = op.getBody().front().insertArgument(position, type, contract.getLoc());
      rewriter.replaceAllUsesWith(contract.getResult(), slice);
    });
    if (auto remark = remarks::chosen(contract, remarks::kScans, "lift"))
      remark << "a product leaves the scan: all steps share its weights"
             << remarks::because("it needs nothing of the step before");
    rewriter.eraseOp(contract);
  }
};

class LiftProducts : public impl::LiftProductsBase<LiftProducts> {
  void runOnOperation() override {
    // What is the same at each step leaves scans first.
    RewritePatternSet patterns(&getContext());
    patterns.add<LiftProduct>(&getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace snn
