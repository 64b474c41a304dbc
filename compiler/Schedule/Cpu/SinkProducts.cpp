// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of few terms come into the scan that reads them.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/StepValues.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_SINKPRODUCTS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// With fewer steps a lane reads all weights for little.
constexpr int64_t kFewestSteps = 4;

class SinkProducts : public impl::SinkProductsBase<SinkProducts> {
public:
  using SinkProductsBase::SinkProductsBase;

private:
  void runOnOperation() override {
    if (CallSize::of(getOperation(), batch, steps).steps < kFewestSteps)
      return;
    SmallVector<ContractOp> products;
    getOperation().walk([&](ContractOp op) { products.push_back(op); });
    for (ContractOp op : products)
      if (OpOperand *slice = sliceOf(op)) {
        if (auto remark = remarks::chosen(op, remarks::kKernels, stringifyKernel(Kernel::Lanes)))
          remark << "lanes: each lane of the scan that reads the product adds up its own sum"
                 << remarks::because("so few terms take less time than to write the sums and to read them");
        sink(op, cast<ScanOp>(slice->getOwner()), slice->getOperandNumber());
      }
  }

  /// Where a scan reads such a product; null if none does, or others too.
  OpOperand *sliceOf(ContractOp op) const {
    if (kernelOf(op) != Kernel::Dense || !op.getResult().hasOneUse() || op.getDomain().front() != ArrayType::kTime)
      return nullptr;
    std::optional<MatrixProduct> product = matchProduct(op);
    OpOperand &use = *op.getResult().use_begin();
    auto scan = dyn_cast<ScanOp>(use.getOwner());
    const bool fits = product && product->fitsLanes() && product->oriented && product->depth <= mostTerms && scan &&
                      scan->getBlock() == op->getBlock() && llvm::is_contained(scan.getSliced(), op.getResult()) &&
                      isPointwise(scan);
    return fits ? &use : nullptr;
  }

  /// Slice `number` of the scan becomes the factor of the product that has steps.
  static void sink(ContractOp op, ScanOp scan, unsigned number) {
    MLIRContext *context = op.getContext();
    std::optional<MatrixProduct> product = matchProduct(op);
    auto typeAtStep = [](Value value) { return cast<ArrayType>(value.getType()).atOneStep(); };
    BlockArgument argument = scan.getBody().front().getArgument(number);
    const unsigned first = product->swapped ? 1 : 0;
    Value factors[2];
    AffineMap reads[2];
    scan->setOperand(number, product->a);
    argument.setType(typeAtStep(product->a));
    factors[first] = argument;
    factors[1 - first] = scan.getBody().front().insertArgument(scan.getSliced().size() + scan.getInvariant().size(),
                                                               product->b.getType(), op.getLoc());
    scan.getInvariantMutable().append(product->b);
    for (unsigned factor : {0, 1})
      reads[factor] = atOneStep(op.getReadMaps()[factor], factor == first);
    SmallVector<int64_t> along;
    for (int64_t dim : op.getAlong())
      along.push_back(dim - 1);
    auto builder = OpBuilder::atBlockBegin(&scan.getBody().front());
    auto inner =
        ContractOp::create(builder, op.getLoc(), typeAtStep(op.getResult()), factors[0], factors[1],
                           op.getDomain().drop_front(), along, reads[0], reads[1], atOneStep(op.getWrite(), true));
    inner.setOrderAttr(op.getOrderAttr());
    inner->setAttr(kKernelAttr, KernelAttr::get(context, Kernel::Lanes));
    argument.replaceAllUsesExcept(inner.getResult(), inner);
    op.erase();
  }
};

} // namespace
} // namespace snn::core
