// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The adjoints of the layer ops. Each reads dL/d(result) and adds to dL/d(operand).

#include "dialect/SnnDialect.h"

using namespace mlir;

namespace snn {
namespace {

/// The real type that gradients of `value` have; the adjoint at hand says which reals these are.
RankedTensorType gradientType(Value value, Value adjoint) {
  return withElementType(value.getType(), cast<RankedTensorType>(adjoint.getType()).getElementType());
}

} // namespace

LogicalResult CastOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  Value grad = adjoints.lookup(getResult());
  if (!adjoints.isActive(getInput()))
    return success();
  if (getDivisor().convertToDouble() != 1.0)
    grad = CastOp::create(builder, getLoc(), grad.getType(), grad, getDivisorAttr());
  adjoints.add(builder, getInput(), grad);
  return success();
}

LogicalResult FlattenOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  Value grad = adjoints.lookup(getResult());
  if (adjoints.isActive(getInput()))
    adjoints.add(builder, getInput(), FlattenOp::create(builder, getLoc(), gradientType(getInput(), grad), grad));
  return success();
}

LogicalResult LinearOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  Value grad = adjoints.lookup(getResult());
  if (grad.getType() != getResult().getType())
    return emitOpError("has a gradient that is the same at each time step, which only a scan can take");
  if (adjoints.isActive(getWeight()))
    adjoints.add(builder, getWeight(),
                 LinearWeightGradOp::create(builder, getLoc(), getWeight().getType(), getInput(), grad));
  if (getBias() && adjoints.isActive(getBias()))
    adjoints.add(builder, getBias(), SumToOp::create(builder, getLoc(), getBias().getType(), grad));
  if (adjoints.isActive(getInput()))
    adjoints.add(builder, getInput(),
                 LinearInputGradOp::create(builder, getLoc(), gradientType(getInput(), grad), grad, getWeight()));
  return success();
}

LogicalResult FireOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  Value grad = adjoints.lookup(getResult());
  if (!adjoints.isActive(getInput()))
    return success();
  Value slope = SurrogateGradOp::create(builder, getLoc(), getInput().getType(), getInput(), getSurrogate());
  adjoints.add(builder, getInput(), arith::MulFOp::create(builder, getLoc(), grad, slope));
  return success();
}

LogicalResult PopulationCountOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  Value grad = adjoints.lookup(getCount());
  auto count = cast<RankedTensorType>(grad.getType());
  auto type = RankedTensorType::get({count.getDimSize(0), static_cast<int64_t>(getNeurons())}, count.getElementType());
  adjoints.add(builder, getSpikes(), PopulationCountGradOp::create(builder, getLoc(), type, grad));
  return success();
}

LogicalResult MseCountLossOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  Value seed = adjoints.lookup(getLoss());
  adjoints.add(builder, getCount(),
               MseCountLossGradOp::create(builder, getLoc(), getCount().getType(), getCount(), getLabels(),
                                          getCorrect(), getIncorrect(), seed, getPopulationAttr()));
  return success();
}

} // namespace snn
