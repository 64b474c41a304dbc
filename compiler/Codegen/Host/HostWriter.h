// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions that a host calls: tasks, which do the work, and entry points, which check a call and run its tasks.

#ifndef SNN_COMPILER_CODEGEN_HOST_HOSTWRITER_H
#define SNN_COMPILER_CODEGEN_HOST_HOSTWRITER_H

#include "compiler/Codegen/Host/CallChecks.h"

namespace snn {

/// The phases of an entry point, one after the other; valid while the entry is being written.
class EntryPhases {
public:
  EntryPhases(mlir::ModuleOp module, CallFrame &frame) : frame(frame), module(module) {}

  CallFrame &frame;

  /// Runs a task for 0 .. count - 1 on the host's workers, or here if it has none; and once, here, as worker 0.
  void parallel(llvm::StringRef task, mlir::Value count);
  void serial(llvm::StringRef task);
  /// If one of `count` records has a fault (Faults.h), the entry returns the first row's, and what follows does not
  /// run.
  void stopAtFault(mlir::Value records, mlir::Value count);

private:
  friend class HostWriter;
  mlir::Value finish(); ///< the code that the entry returns

  mlir::ModuleOp module;
  mlir::Operation *outermost = nullptr; // the scf.if of the first stop
};

class HostWriter {
public:
  explicit HostWriter(mlir::ModuleOp module) : module(module) {}

  /// Writes a task at the builder, which stands at the start of its function: `call` is a pointer to snn_call, `index`
  /// and `worker` are of type index.
  using TaskBody = std::function<mlir::LogicalResult(mlir::OpBuilder &builder, mlir::Value call, mlir::Value index,
                                                     mlir::Value worker)>;

  /// A task runs in a floating-point mode of its own. The return is added here. `plain`: the body only says where
  /// things lie and calls functions, so nothing is gained where it is optimised.
  mlir::LogicalResult addTask(llvm::StringRef name, mlir::Location loc, const TaskBody &body, bool plain = false);
  void addEntry(llvm::StringRef name, mlir::Location loc, const CallChecks &checks,
                llvm::function_ref<void(EntryPhases &)> addPhases);

  /// Addresses and calls are most of the text of a deep network, and a small part of the time that it runs.
  static void setPlain(mlir::Operation *function);

private:
  mlir::ModuleOp module;
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_HOSTWRITER_H
