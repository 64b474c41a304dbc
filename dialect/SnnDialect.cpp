// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registration of the dialect and the small functions that all of its users share.

#include "dialect/SnnDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialect/SnnDialect.cpp.inc"
#include "dialect/SnnEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/SnnAttributes.cpp.inc"

namespace snn {

void SnnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/SnnAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/SnnOps.cpp.inc"
      >();
}

bool isModelName(llvm::StringRef name) {
  auto isWordCharacter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  return !name.empty() && name.size() <= kMaxModelName && !llvm::isDigit(name.front()) &&
         llvm::all_of(name, isWordCharacter);
}

bool hasBoundedExtents(llvm::ArrayRef<int64_t> extents) {
  int64_t product = 1;
  for (int64_t extent : extents) {
    if (extent < 1 || extent > kMaxElements / product)
      return false;
    product *= extent;
  }
  return true;
}

ModelOp getModel(ModuleOp module) {
  auto models = module.getOps<ModelOp>();
  return models.empty() ? ModelOp() : *models.begin();
}

} // namespace snn
