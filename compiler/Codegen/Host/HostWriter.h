// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions that a host calls: tasks, which do the work, and entry points, which check a call and run its tasks.

#ifndef SNN_COMPILER_CODEGEN_HOST_HOSTWRITER_H
#define SNN_COMPILER_CODEGEN_HOST_HOSTWRITER_H

#include "compiler/Codegen/Host/CallFrame.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn {

/// What an entry point does, one after the other; valid while the entry is being written.
class EntryPhases {
public:
  EntryPhases(mlir::ModuleOp module, CallFrame &frame) : frame(frame), module(module) {}

  CallFrame &frame;
  mlir::ModuleOp module;

  /// If `wrong` (i1) is true the entry returns the code, and what follows does not run.
  void refuse(mlir::Value wrong, snn_status status);

  /// Runs a task for 0 .. count - 1 on the host's workers, or here if it has none; and once, here, as worker 0.
  void parallel(llvm::StringRef task, mlir::Value count);
  void serial(llvm::StringRef task);
  /// If one of `count` records has a fault (Faults.h), the entry returns the first row's.
  void stopAtFault(mlir::Value records, mlir::Value count);

private:
  friend class HostWriter;
  void returnIf(mlir::Value condition, mlir::Value code);
  mlir::Value finish(); ///< the code that the entry returns

  mlir::Operation *outermost = nullptr; // the scf.if of the first stop
};

class HostWriter {
public:
  explicit HostWriter(mlir::ModuleOp module) : module(module) {}

  /// Writes a task at the builder, which stands at the start of its function: `call` is a pointer to snn_call, `index`
  /// and `worker` are of type index.
  using TaskBody =
      llvm::function_ref<void(mlir::OpBuilder &builder, mlir::Value call, mlir::Value index, mlir::Value worker)>;

  /// A task runs in a floating-point mode of its own. The return is added here. `plain`: the body only says where
  /// things lie and calls functions, so nothing is gained where it is optimised.
  void addTask(llvm::StringRef name, mlir::Location loc, TaskBody body, bool plain = false);
  /// In a task: another one.
  static void callTask(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name, mlir::Value call,
                       mlir::Value index, mlir::Value worker);
  void addEntry(llvm::StringRef name, mlir::Location loc, llvm::function_ref<void(EntryPhases &)> addPhases);

  /// Addresses and calls are most of the text of a deep network, and a small part of the time that it runs.
  static void setPlain(mlir::Operation *function);

private:
  mlir::ModuleOp module;
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_HOSTWRITER_H
