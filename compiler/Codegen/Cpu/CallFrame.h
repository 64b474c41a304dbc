// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading snn_call in generated code. The layout is that of runtime/include/snn/abi.h, taken from the header itself.

#ifndef SNN_COMPILER_CODEGEN_CPU_CALLFRAME_H
#define SNN_COMPILER_CODEGEN_CPU_CALLFRAME_H

#include "compiler/Codegen/Cpu/Emitter.h"

#include "snn/abi.h"

namespace snn {

class CallFrame {
public:
  CallFrame(Emitter &e, mlir::Value call, mlir::ModuleOp module) : call(call), e(e), module(module) {}

  mlir::Value call; // !llvm.ptr to snn_call
  Emitter &emitter() { return e; }

  mlir::Value word(size_t offset);    ///< a 64-bit field as index
  mlir::Value pointer(size_t offset); ///< a pointer field
  mlir::Value isNull(mlir::Value pointer);
  mlir::Value isGiven(mlir::Value pointer);

  mlir::Value batch() { return word(offsetof(snn_call, batch)); }
  /// The model's number of time steps if it is fixed, else the call's.
  mlir::Value steps(std::optional<int64_t> fixed);
  /// Entry `i` of the outputs: null if the table is.
  mlir::Value output(int64_t i);
  mlir::Value inputData(int64_t i);
  mlir::Value inputStrides(int64_t i);
  /// The call's number for declaration `i`, or the model's own.
  mlir::Value hyper(int64_t i);

  mlir::Value loadAt(mlir::Value pointer, int64_t byteOffset, mlir::Type type);
  void storeAt(mlir::Value value, mlir::Value pointer, int64_t byteOffset);

private:
  Emitter &e;
  mlir::ModuleOp module;
};

/// Positions of the declarations of a kind, by name: the order of the table's arrays.
template <typename OpTy> int64_t declarationIndex(mlir::ModuleOp module, llvm::StringRef name) {
  for (auto [index, op] : llvm::enumerate(module.getOps<OpTy>()))
    if (op.getSymName() == name)
      return index;
  return -1;
}

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_CALLFRAME_H
