// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Verifiers of the layer and model ops. Constraint labels are those of the dialect's README.

#include "dialect/SnnDialect.h"

#include "dialect/core/CoreDialect.h"

#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;

#define GET_OP_CLASSES
#include "dialect/SnnOps.cpp.inc"

namespace snn {
namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The last extent; 0, which fits nothing, if there is none.
int64_t width(Value value) { return tensorOf(value).getRank() == 0 ? 0 : tensorOf(value).getShape().back(); }

/// All extents but the last.
ArrayRef<int64_t> outer(Value value) {
  return tensorOf(value).getShape().slice(0, std::max<int64_t>(tensorOf(value).getRank() - 1, 0));
}

/// Spikes as bits, 16 neurons a word: what snn-pack-spikes makes of tensor<..xi1>.
bool isPacked(Value value) { return tensorOf(value).getElementType().isInteger(16); }

/// x feeds a layer of `neurons` inputs: its last extent is that number, or as many words if it is packed.
LogicalResult matchWidth(Operation *op, Value x, int64_t neurons, StringRef label) {
  int64_t found = width(x), expected = isPacked(x) ? paddedWidth(neurons) / kLanes : neurons;
  if (found == expected)
    return success();
  return op->emitOpError() << "last extent of " << x.getType() << " does not fit, expected " << expected << " ["
                           << label << "]";
}

LogicalResult matchOuter(Operation *op, Value a, Value b, StringRef label) {
  if (tensorOf(a).getRank() > 0 && tensorOf(b).getRank() > 0 && outer(a) == outer(b))
    return success();
  return op->emitOpError() << "time and sample extents of " << a.getType() << " and " << b.getType() << " differ ["
                           << label << "]";
}

LogicalResult verifyMatrix(Operation *op, Value weight, StringRef label) {
  if (tensorOf(weight).getRank() == 2)
    return success();
  return op->emitOpError() << "weight has type " << weight.getType() << ", but expected [out, in] [" << label << "]";
}

LogicalResult verifySurrogate(Operation *op, Attribute surrogate, StringRef label) {
  if (isa<SurrogateAttrInterface>(surrogate))
    return success();
  return op->emitOpError() << "expected a surrogate, but got " << surrogate << " [" << label << "]";
}

/// Names of declarations stand in tables, comments of headers and checkpoints: as in a state_dict, "1.weight".
LogicalResult verifyName(Operation *op, StringRef name) {
  auto isNamePart = [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; };
  if (!name.empty() && llvm::all_of(name, isNamePart))
    return success();
  return op->emitOpError("has a name that is not made of letters, digits, '_' and '.' [name_c1]");
}

/// [samples, ...] of a boundary tensor, with time before the samples if it varies.
LogicalResult verifyBoundary(Operation *op, Type type, bool overTime, StringRef label) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  size_t outer = overTime ? 2 : 1;
  if (!tensor || tensor.getShape().size() < outer || !ShapedType::isDynamic(tensor.getDimSize(outer - 1)) ||
      !hasBoundedExtents(tensor.getShape().drop_front(outer)))
    return op->emitOpError() << "has type " << type << ", but expected a tensor with extents "
                             << (overTime ? "[time, ?, ...]" : "[?, ...]") << " [" << label << "]";
  return success();
}

/// An array of the core. Those that hold something for each sample have a sample extent; the type says what time is.
core::ArrayType arrayOf(Type type) { return dyn_cast<core::ArrayType>(type); }
bool isReal(core::ArrayType type) { return isa<FloatType>(type.getElementType()); }

} // namespace

LogicalResult InputOp::verify() {
  if (auto array = arrayOf(getType())) {
    Type element = array.getElementType();
    const bool label = element.isSignlessInteger(64) && array.getRank() == 1;
    if (array.sampleDim() < 0 || getOverTime() || !(isReal(array) || element.isUnsignedInteger(8) || label))
      return emitOpError() << "has type " << array
                           << ", but expected samples of reals or ui8, or one i64 for each [input_c3]";
    return verifyName(*this, getSymName());
  }
  if (failed(verifyName(*this, getSymName())) || failed(verifyBoundary(*this, getType(), getOverTime(), "input_c1")))
    return failure();
  Type element = cast<RankedTensorType>(getType()).getElementType();
  if (isa<Float32Type, Float64Type>(element) || element.isUnsignedInteger(8))
    return success();
  if (element.isSignlessInteger(64) && !getOverTime() && cast<RankedTensorType>(getType()).getRank() == 1)
    return success();
  return emitOpError() << "has type " << getType()
                       << ", but expected reals, ui8, or one i64 for each sample [input_c2]";
}

LogicalResult OutputOp::verify() {
  if (auto array = arrayOf(getType())) {
    if (getOverTime() ||
        !(array.getRank() == 0 ? array.getElementType().isF64()
                               : array.sampleDim() >= 0 && (isReal(array) || array.getElementType().isInteger(1))))
      return emitOpError() << "has type " << array
                           << ", but expected samples of reals or spikes, or one f64 [output_c3]";
    return verifyName(*this, getSymName());
  }
  if (failed(verifyName(*this, getSymName())) || failed(verifyBoundary(*this, getType(), getOverTime(), "output_c1")))
    return failure();
  if (isa<Float32Type, Float64Type>(cast<RankedTensorType>(getType()).getElementType()))
    return success();
  return emitOpError() << "has type " << getType() << ", but expected reals [output_c2]";
}

LogicalResult StateOp::verify() {
  if (auto array = arrayOf(getType())) {
    if (array.sampleDim() != 0 || array.timeDim() >= 0 || array.getRank() < 2 ||
        !(isReal(array) || array.getElementType().isInteger(1)))
      return emitOpError() << "has type " << array
                           << ", but expected reals or spikes of each sample at one step [state_c2]";
    return verifyName(*this, getSymName());
  }
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || type.getRank() != 1 || !hasBoundedExtents(type.getShape()) || !isa<FloatType>(type.getElementType()))
    return emitOpError() << "has type " << getType() << ", but expected one real for each neuron [state_c1]";
  return verifyName(*this, getSymName());
}

LogicalResult FixedOp::verify() { return verifyName(*this, getSymName()); }

LogicalResult ModelOp::verify() {
  if (!isa<Float32Type, Float64Type>(getReal()))
    return emitOpError() << "real is " << getReal() << ", but expected f32 or f64 [model_c1]";
  if (getMaxSteps() < 1 || getMaxSteps() > uint64_t(kMaxSteps) || (getSteps() && getSteps() != getMaxSteps()))
    return emitOpError() << "max_steps must be from 1 to " << kMaxSteps
                         << ", and equal to steps if these are fixed [model_c2]";
  if (int64_t(getClasses()) < 1 || int64_t(getBatch()) < 1 || int64_t(getEpochs()) < 0)
    return emitOpError("classes and batch must be at least 1 and epochs at least 0 [model_c3]");
  if (!isModelName(getSymName()))
    return emitOpError() << "has a name of " << getSymName().size()
                         << " characters, but expected a C identifier of at most " << kMaxModelName << " [model_c4]";
  return success();
}

LogicalResult ParameterOp::verify() {
  if (auto array = arrayOf(getType())) {
    if (array.sampleDim() >= 0 || array.timeDim() >= 0 || !isReal(array))
      return emitOpError() << "has type " << array << ", but expected fixed extents of reals [parameter_c3]";
    if (!isa<UniformAttr, FillAttr>(getInit()))
      return emitOpError() << "starts as " << getInit() << ", but expected #snn.uniform or #snn.fill [parameter_c2]";
    return verifyName(*this, getSymName());
  }
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !hasBoundedExtents(type.getShape()) || type.getRank() > 2 || !isa<FloatType>(type.getElementType()))
    return emitOpError() << "has type " << getType()
                         << ", but expected up to two fixed extents of reals [parameter_c1]";
  if (!isa<UniformAttr, FillAttr>(getInit()))
    return emitOpError() << "starts as " << getInit() << ", but expected #snn.uniform or #snn.fill [parameter_c2]";
  return verifyName(*this, getSymName());
}

LogicalResult RangeAttr::verify(function_ref<InFlightDiagnostic()> emitError, FloatAttr from, FloatAttr to,
                                FloatAttr below) {
  if (to && below)
    return emitError() << "a range ends at " << to << " and below " << below
                       << ", but expected one of the two [range_c1]";
  return success();
}

bool RangeAttr::contains(double value) const {
  return std::isfinite(value) && value >= getFrom().getValueAsDouble() &&
         (!getTo() || value <= getTo().getValueAsDouble()) && (!getBelow() || value < getBelow().getValueAsDouble());
}

LogicalResult HyperOp::verify() {
  if (getRange() && !getRange()->contains(getValue().convertToDouble()))
    return emitOpError() << "is " << getValueAttr() << ", but expected a value in " << *getRange() << " [hyper_c1]";
  return verifyName(*this, getSymName());
}

LogicalResult NeuronDefOp::verify() {
  Block &block = getBody().front();
  size_t expected = 1 + getParameterNames().size() + getStateNames().size();
  if (block.getNumArguments() != expected)
    return emitOpError() << "has " << block.getNumArguments() << " block arguments, but expected " << expected
                         << ": the input, the parameters, the states [neuron_def_c1]";
  if (getRest().size() != getStateNames().size())
    return emitOpError() << "has " << getRest().size() << " values at rest for " << getStateNames().size()
                         << " states [neuron_def_c2]";
  auto end = dyn_cast<NeuronReturnOp>(block.getTerminator());
  if (!end || end.getNext().size() != getStateNames().size())
    return emitOpError("must end in snn.neuron_return with one next value for each state [neuron_def_c3]");
  for (BlockArgument argument : block.getArguments())
    if (auto type = dyn_cast<RankedTensorType>(argument.getType());
        !type || type.getRank() != 2 || type.getNumDynamicDims() != 2 || !isa<FloatType>(type.getElementType()))
      return emitOpError() << "block argument #" << argument.getArgNumber() << " has type " << argument.getType()
                           << ", but expected samples by neurons, 'tensor<?x?xreal>' [neuron_def_c4]";
  return success();
}

LogicalResult NeuronOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto definition = symbols.lookupNearestSymbolFrom<NeuronDefOp>(*this, getCalleeAttr());
  if (!definition)
    return emitOpError() << "refers to " << getCalleeAttr() << ", which is no snn.neuron_def [neuron_c1]";
  if (getParams().size() != definition.getParameterNames().size() ||
      getInit().size() != definition.getStateNames().size())
    return emitOpError() << "has " << getParams().size() << " parameters and " << getInit().size()
                         << " states, but the definition has " << definition.getParameterNames().size() << " and "
                         << definition.getStateNames().size() << " [neuron_c2]";
  if (getStates().size() != getInit().size() || getFinals().size() != getInit().size())
    return emitOpError("must have one result after each step and one at the end for each state [neuron_c3]");
  return success();
}

LogicalResult CastOp::verify() {
  if (getDivisor().convertToDouble() == 0)
    return emitOpError("divides by zero [cast_c1]");
  if (isPacked(getInput()))
    return failure(failed(matchWidth(*this, getInput(), width(getResult()), "cast_c3")) ||
                   failed(matchOuter(*this, getInput(), getResult(), "cast_c3")));
  if (tensorOf(getInput()).getShape() == tensorOf(getResult()).getShape())
    return success();
  return emitOpError() << "changes the shape of " << getInput().getType() << " [cast_c2]";
}

LogicalResult FlattenOp::verify() {
  RankedTensorType from = tensorOf(getInput()), to = tensorOf(getResult());
  auto elements = [](RankedTensorType type) {
    int64_t product = 1;
    for (int64_t extent : type.getShape())
      if (!ShapedType::isDynamic(extent))
        product *= extent;
    return product;
  };
  if (from.getElementType() != to.getElementType() || elements(from) != elements(to))
    return emitOpError() << "turns " << from << " into " << to << ", which has other elements [flatten_c1]";
  // Up to the sample dimension, the last one that is not known.
  auto samples = [](RankedTensorType type) {
    ArrayRef<int64_t> shape = type.getShape();
    while (!shape.empty() && !ShapedType::isDynamic(shape.back()))
      shape = shape.drop_back();
    return shape;
  };
  if (samples(from) != samples(to))
    return emitOpError() << "time and sample extents of " << from << " and " << to << " differ [flatten_c2]";
  return success();
}

LogicalResult LinearOp::verify() {
  if (failed(verifyMatrix(*this, getWeight(), "linear_c1")) ||
      failed(matchWidth(*this, getInput(), width(getWeight()), "linear_c2")) ||
      failed(matchOuter(*this, getInput(), getResult(), "linear_c3")))
    return failure();
  if (width(getResult()) != tensorOf(getWeight()).getDimSize(0))
    return emitOpError() << "gives " << getResult().getType() << " from weight " << getWeight().getType()
                         << " [linear_c4]";
  if (getBias() && tensorOf(getBias()).getShape() != tensorOf(getResult()).getShape().take_back())
    return emitOpError() << "bias has type " << getBias().getType() << ", but expected one value for each of "
                         << width(getResult()) << " outputs [linear_c5]";
  return success();
}

LogicalResult LinearInputGradOp::verify() {
  if (failed(verifyMatrix(*this, getWeight(), "linear_input_grad_c1")) ||
      failed(matchOuter(*this, getGrad(), getResult(), "linear_input_grad_c2")))
    return failure();
  auto weight = tensorOf(getWeight()).getShape();
  if (width(getGrad()) == weight[0] && width(getResult()) == weight[1])
    return success();
  return emitOpError() << "weight " << getWeight().getType() << " does not lead from " << getGrad().getType()
                       << " back to " << getResult().getType() << " [linear_input_grad_c3]";
}

LogicalResult LinearWeightGradOp::verify() {
  if (failed(verifyMatrix(*this, getResult(), "linear_weight_grad_c1")) ||
      failed(matchOuter(*this, getInput(), getGrad(), "linear_weight_grad_c2")) ||
      failed(matchWidth(*this, getInput(), width(getResult()), "linear_weight_grad_c3")) ||
      failed(matchWidth(*this, getGrad(), tensorOf(getResult()).getDimSize(0), "linear_weight_grad_c3")))
    return failure();
  return success();
}

LogicalResult SumToOp::verify() {
  auto to = tensorOf(getResult());
  if (to.getRank() == 0 || (to.getRank() == 1 && to.getDimSize(0) == width(getInput())))
    return success();
  return emitOpError() << "sums " << getInput().getType() << " to " << to
                       << ", but expected one value for each neuron or one in all [sum_to_c1]";
}

LogicalResult FireOp::verify() {
  Type element = tensorOf(getResult()).getElementType();
  if (tensorOf(getInput()).getShape() != tensorOf(getResult()).getShape() ||
      (!element.isInteger(1) && element != tensorOf(getInput()).getElementType()))
    return emitOpError() << "makes " << getResult().getType() << " of " << getInput().getType() << " [fire_c1]";
  return verifySurrogate(*this, getSurrogate(), "fire_c2");
}

LogicalResult SurrogateGradOp::verify() { return verifySurrogate(*this, getSurrogate(), "surrogate_grad_c1"); }

LogicalResult PopulationCountOp::verify() {
  int64_t classes = width(getCount()), neurons = getNeurons();
  if (classes < 1 || neurons % classes != 0)
    return emitOpError() << neurons << " neurons do not divide into " << classes << " classes [population_count_c1]";
  if (tensorOf(getCount()).getRank() != 2 || tensorOf(getSpikes()).getRank() < 2 ||
      outer(getSpikes()).back() != outer(getCount()).back())
    return emitOpError() << "counts " << getSpikes().getType() << " as " << getCount().getType()
                         << ", but expected one number for each sample and class [population_count_c3]";
  return matchWidth(*this, getSpikes(), neurons, "population_count_c2");
}

LogicalResult PopulationCountGradOp::verify() {
  if (tensorOf(getGrad()).getRank() != 2 || tensorOf(getResult()).getRank() != 2)
    return emitOpError() << "turns " << getGrad().getType() << " into " << getResult().getType()
                         << ", but expected [samples, classes] and [samples, neurons] [population_count_grad_c2]";
  if (width(getGrad()) > 0 && width(getResult()) > 0 && width(getResult()) % width(getGrad()) == 0)
    return success();
  return emitOpError() << width(getResult()) << " neurons do not divide into " << width(getGrad())
                       << " classes [population_count_grad_c1]";
}

LogicalResult TransposeOp::verify() {
  ArrayRef<int64_t> from = tensorOf(getInput()).getShape(), to = tensorOf(getResult()).getShape();
  if (from[0] == to[1] && from[1] == to[0])
    return success();
  return emitOpError() << "turns " << getInput().getType() << " into " << getResult().getType() << " [transpose_c1]";
}

/// Counts [samples, classes] and values that each sample has one of.
static LogicalResult verifyCounts(Operation *op, Value counts, ValueRange ofSample, int64_t population,
                                  StringRef label1, StringRef label2) {
  RankedTensorType count = tensorOf(counts);
  for (Value value : ofSample)
    if (count.getRank() != 2 || tensorOf(value).getShape() != count.getShape().drop_back())
      return op->emitOpError() << "has counts " << count << " and " << value.getType()
                               << ", but expected counts [samples, classes] and one value per sample [" << label1
                               << "]";
  if (population < 1)
    return op->emitOpError() << "has " << population << " neurons per class [" << label2 << "]";
  return success();
}

LogicalResult MseCountLossOp::verify() {
  return verifyCounts(*this, getCount(), {getLabels(), getLoss()}, getPopulation(), "mse_count_loss_c1",
                      "mse_count_loss_c2");
}

LogicalResult MseCountLossGradOp::verify() {
  return verifyCounts(*this, getCount(), {getLabels(), getSeed()}, getPopulation(), "mse_count_loss_grad_c1",
                      "mse_count_loss_grad_c2");
}

} // namespace snn
