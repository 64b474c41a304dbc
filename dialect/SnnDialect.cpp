// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registration of the dialect and the small functions that all of its users share.

#include "dialect/SnnDialect.h"

#include "mlir/IR/DialectImplementation.h"
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

int64_t classesOf(InputOp labels) {
  return labels.getClasses().value_or(getModel(labels->getParentOfType<ModuleOp>()).getClasses());
}

ModelOp getModel(ModuleOp module) {
  auto models = module.getOps<ModelOp>();
  return models.empty() ? ModelOp() : *models.begin();
}

bool isStreaming(ModuleOp module) {
  ModelOp model = getModel(module);
  return model && model.getMode() == RunMode::Stream;
}

StringRef boundName(DictionaryAttr attributes) {
  auto bind = attributes ? attributes.getAs<FlatSymbolRefAttr>(SnnDialect::bindAttrName()) : FlatSymbolRefAttr();
  return bind ? bind.getValue() : StringRef();
}

DictionaryAttr bindingTo(MLIRContext *context, StringRef name, std::optional<Span> span, int64_t copy) {
  Builder builder(context);
  SmallVector<NamedAttribute> attrs{
      builder.getNamedAttr(SnnDialect::bindAttrName(), FlatSymbolRefAttr::get(context, name))};
  if (span)
    attrs.push_back(builder.getNamedAttr(SnnDialect::spanAttrName(), SpanAttr::get(context, *span)));
  if (span == Span::Optimizer)
    attrs.push_back(builder.getNamedAttr(SnnDialect::copyAttrName(), builder.getI64IntegerAttr(copy)));
  return builder.getDictionaryAttr(attrs);
}

} // namespace snn
