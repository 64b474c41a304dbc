// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading snn_call in generated code. The layout is that of runtime/include/snn/abi.h, taken from the header itself.

#ifndef SNN_COMPILER_CODEGEN_HOST_CALLFRAME_H
#define SNN_COMPILER_CODEGEN_HOST_CALLFRAME_H

#include "compiler/Codegen/Host/ScalarEmitter.h"
#include "dialect/SnnDialect.h"
#include "snn/abi.h"

#include <optional>

namespace snn {

class CallFrame {
public:
  CallFrame(ScalarEmitter &e, mlir::Value call, mlir::ModuleOp module)
      : call(call), e(e), isStreaming(snn::isStreaming(module)), module(module) {}

  mlir::Value call; // !llvm.ptr to snn_call
  ScalarEmitter &e;
  /// The call is one of StreamEntry.h: its numbers are known.
  const bool isStreaming;

  mlir::Value word(size_t offset);    ///< a 64-bit field as index
  mlir::Value pointer(size_t offset); ///< a pointer field

  mlir::Value batch() { return isStreaming ? e.index(1) : word(offsetof(snn_call, batch)); }
  mlir::Value workers() { return isStreaming ? e.index(1) : word(offsetof(snn_call, workers)); }
  /// The model's number of time steps if it is fixed, else the call's.
  mlir::Value steps(std::optional<int64_t> fixed);
  /// Entry `i` of the outputs, and its gradient: null if the table is.
  mlir::Value output(int64_t i) { return entry(offsetof(snn_call, outputs), i); }
  mlir::Value outputGradient(int64_t i) { return entry(offsetof(snn_call, output_gradients), i); }
  mlir::Value inputData(int64_t i);
  mlir::Value inputStrides(int64_t i); ///< null: contiguous
  /// The call's number for declaration `i`, or the model's own.
  mlir::Value hyper(int64_t i);

private:
  mlir::Value entry(size_t table, int64_t i);

  mlir::ModuleOp module;
};

/// Positions of the declarations of a kind, by name: the order of the table's arrays.
template <typename OpTy> int64_t declarationIndex(mlir::ModuleOp module, llvm::StringRef name) {
  for (auto [index, op] : llvm::enumerate(module.getOps<OpTy>()))
    if (op.getSymName() == name)
      return index;
  return -1;
}

/// The field of snn_call that an integer operand of an update is bound to, by the name that a model's text has for it:
/// `update`, `updates`, `epoch`, `epochs`.
std::optional<size_t> countField(llvm::StringRef name);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_CALLFRAME_H
