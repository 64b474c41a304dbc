// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Remarks.h.

#include "compiler/Remarks/Remarks.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace snn::remarks {
namespace {

using Emitter = Remark (*)(Location, remark::RemarkOpts);

Remark emit(Emitter emitter, Operation *op, StringRef category, StringRef name) {
  if (!op->getContext()->getRemarkEngine())
    return {};
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    function = op->getParentOfType<FunctionOpInterface>();
  auto options = remark::RemarkOpts::name(name).category(category);
  return emitter(op->getLoc(), function ? options.function(function.getName()) : options);
}

} // namespace

Remark chosen(Operation *op, StringRef category, StringRef name) { return emit(remark::passed, op, category, name); }
Remark missed(Operation *op, StringRef category, StringRef name) { return emit(remark::missed, op, category, name); }
Remark noted(Operation *op, StringRef category, StringRef name) { return emit(remark::analysis, op, category, name); }

std::string lineOf(Location location) {
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    return "line " + std::to_string(file.getLine());
  std::string text;
  llvm::raw_string_ostream(text) << location;
  return text;
}

std::string counted(int64_t number, StringRef noun) {
  return withCommas(number) + " " + noun.str() + (number == 1 ? "" : "s");
}

std::string withCommas(int64_t number) { return llvm::formatv("{0:N}", number); }

} // namespace snn::remarks
