// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Verifiers of what no constraint of the .td files says. Labels are those of the dialect's README.

#include "dialect/SnnDialect.h"

#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;

#define GET_OP_CLASSES
#include "dialect/SnnOps.cpp.inc"

namespace snn {

bool isModelName(StringRef name) {
  auto isWordCharacter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  return !name.empty() && name.size() <= kMaxModelName && !llvm::isDigit(name.front()) &&
         llvm::all_of(name, isWordCharacter);
}

bool isDeclarationName(StringRef name) {
  auto isNamePart = [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; };
  return !name.empty() && llvm::all_of(name, isNamePart);
}

LogicalResult ModelOp::verify() {
  if (getMaxSteps() < 1 || getMaxSteps() > uint64_t(kMaxSteps) || (getSteps() && getSteps() != getMaxSteps()))
    return emitOpError() << "max_steps must be from 1 to " << kMaxSteps
                         << ", and equal to steps if these are fixed [model_c2]";
  if (getWindow() && (*getWindow() < 1 || *getWindow() > getMaxSteps()))
    return emitOpError() << "window must be from 1 to max_steps [model_c4]";
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
  if (getOf().has_value() != getLabel().has_value())
    return emitOpError() << "says of which number it is and at which label, or neither [hyper_c2]";
  return success();
}

} // namespace snn
