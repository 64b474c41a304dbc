// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Verifiers of declarations. Constraint labels are those of the dialect's README.

#include "dialect/SnnDialect.h"

#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;

#define GET_OP_CLASSES
#include "dialect/SnnOps.cpp.inc"

namespace snn {
namespace {

/// Names of declarations stand in tables, comments of headers and checkpoints: as in a state_dict, "1.weight".
LogicalResult verifyName(Operation *op, StringRef name) {
  auto isNamePart = [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; };
  if (!name.empty() && llvm::all_of(name, isNamePart))
    return success();
  return op->emitOpError("has a name that is not made of letters, digits, '_' and '.' [name_c1]");
}

/// The declared array if it is one, with no more than kMaxElements elements of a sample and step, or null.
core::ArrayType arrayOf(Type type) {
  auto array = dyn_cast<core::ArrayType>(type);
  if (!array)
    return {};
  SmallVector<int64_t> fixed =
      llvm::to_vector(llvm::make_filter_range(array.getShape(), [](int64_t extent) { return extent >= 0; }));
  return hasBoundedExtents(fixed) ? array : core::ArrayType();
}
bool isReal(core::ArrayType type) { return isa<FloatType>(type.getElementType()); }

} // namespace

LogicalResult InputOp::verify() {
  core::ArrayType array = arrayOf(getType());
  const bool isLabel = array && array.getElementType().isSignlessInteger(64) && array.getRank() == 1;
  if (!array || array.sampleDim() < 0 || !(isReal(array) || array.getElementType().isUnsignedInteger(8) || isLabel))
    return emitOpError() << "has type " << getType()
                         << ", but expected samples of reals or ui8, or one i64 for each [input_c1]";
  return verifyName(*this, getSymName());
}

LogicalResult OutputOp::verify() {
  core::ArrayType array = arrayOf(getType());
  if (!array ||
      !(array.getRank() == 0 ? array.getElementType().isF64()
                             : array.sampleDim() >= 0 && (isReal(array) || array.getElementType().isInteger(1))))
    return emitOpError() << "has type " << getType()
                         << ", but expected samples of reals or spikes, or one f64 [output_c1]";
  return verifyName(*this, getSymName());
}

LogicalResult StateOp::verify() {
  core::ArrayType array = arrayOf(getType());
  if (!array || array.sampleDim() != 0 || array.timeDim() >= 0 || array.getRank() < 2 ||
      !(isReal(array) || array.getElementType().isInteger(1)))
    return emitOpError() << "has type " << getType()
                         << ", but expected reals or spikes of each sample at one step [state_c1]";
  return verifyName(*this, getSymName());
}

LogicalResult ParameterOp::verify() {
  core::ArrayType array = arrayOf(getType());
  if (!array || array.sampleDim() >= 0 || array.timeDim() >= 0 || !isReal(array))
    return emitOpError() << "has type " << getType() << ", but expected fixed extents of reals [parameter_c1]";
  if (!isa<UniformAttr, FillAttr>(getInit()))
    return emitOpError() << "starts as " << getInit() << ", but expected #snn.uniform or #snn.fill [parameter_c2]";
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

} // namespace snn
