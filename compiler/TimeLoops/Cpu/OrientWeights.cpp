// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// dx = dy W as a product with the transposed weight, which is made once for the whole batch.

#include "compiler/TimeLoops/Cpu/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_ORIENTWEIGHTS
#include "compiler/TimeLoops/Cpu/Passes.h.inc"

namespace {

class OrientWeights : public impl::OrientWeightsBase<OrientWeights> {
  void runOnOperation() override {
    SmallVector<LinearInputGradOp> products;
    getOperation().walk([&](LinearInputGradOp op) { products.push_back(op); });
    for (LinearInputGradOp product : products)
      if (failed(orient(product)))
        return signalPassFailure();
  }

  static LogicalResult orient(LinearInputGradOp product) {
    auto map = dyn_cast<BatchMapOp>(product->getParentOp());
    auto argument = dyn_cast<BlockArgument>(product.getWeight());
    if (!map || !argument || argument.getArgNumber() < map.getSharded().size())
      return product.emitOpError("expected an invariant operand of a snn.batch_map as its weight");
    Value weight = map.getOperand(argument.getArgNumber());
    auto type = cast<RankedTensorType>(weight.getType());
    auto turned = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
    OpBuilder outside(map);
    map.getInvariantMutable().append(TransposeOp::create(outside, product.getLoc(), turned, weight).getResult());
    Value inside = map.getBody().front().addArgument(turned, product.getLoc());
    OpBuilder builder(product);
    Value linear = LinearOp::create(builder, product.getLoc(), product.getType(), product.getGrad(), inside, Value());
    product.replaceAllUsesWith(linear);
    product.erase();
    return success();
  }
};

} // namespace
} // namespace snn
