// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A function of a model's module, whose arguments and results are bound to symbols.

#ifndef SNN_FRONTENDS_SNN_BOUNDFUNCTION_H
#define SNN_FRONTENDS_SNN_BOUNDFUNCTION_H

#include "dialect/SnnDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::frontend {

/// Where a value of @update lies; for others all fields stay as they are.
struct Place {
  std::optional<Span> span = std::nullopt;
  int64_t copy = 0; ///< of the span of the optimizer
};

/// Arguments and results come in the order in which they are asked for. The body is written at `builder`, between
/// construction and `finish`.
class BoundFunction {
public:
  BoundFunction(mlir::OpBuilder &builder, mlir::Location location, llvm::StringRef name)
      : builder(builder), location(location), after(builder.saveInsertionPoint()),
        function(mlir::func::FuncOp::create(builder, location, name, builder.getFunctionType({}, {}))),
        block(function.addEntryBlock()) {
    after = builder.saveInsertionPoint();
    builder.setInsertionPointToEnd(block);
  }

  mlir::Value argument(llvm::StringRef symbol, mlir::Type type, Place place = {}) {
    argAttrs.push_back(binding(symbol, place));
    return block->addArgument(type, location);
  }
  void result(llvm::StringRef symbol, mlir::Value value, Place place = {}) {
    resultAttrs.push_back(binding(symbol, place));
    results.push_back(value);
  }

  void finish() {
    mlir::func::ReturnOp::create(builder, location, results);
    function.setFunctionType(
        builder.getFunctionType(block->getArgumentTypes(), mlir::TypeRange(mlir::ValueRange(results))));
    function.setAllArgAttrs(argAttrs);
    function.setAllResultAttrs(resultAttrs);
    builder.restoreInsertionPoint(after);
  }

private:
  mlir::DictionaryAttr binding(llvm::StringRef symbol, const Place &place) {
    return bindingTo(builder.getContext(), symbol, place.span, place.copy);
  }

  mlir::OpBuilder &builder;
  mlir::Location location;
  mlir::OpBuilder::InsertPoint after;
  mlir::func::FuncOp function;
  mlir::Block *block;
  llvm::SmallVector<mlir::Value> results;
  llvm::SmallVector<mlir::DictionaryAttr> argAttrs, resultAttrs;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_BOUNDFUNCTION_H
