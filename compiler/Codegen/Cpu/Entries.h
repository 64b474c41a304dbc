// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entry points of the C interface: their tasks and the order of their phases.

#ifndef SNN_COMPILER_CODEGEN_CPU_ENTRIES_H
#define SNN_COMPILER_CODEGEN_CPU_ENTRIES_H

#include "compiler/Codegen/Cpu/UpdateLoops.h"
#include "compiler/Codegen/Host/HostWriter.h"

namespace snn {

/// Writes the functions that a host can call, from the planned functions of a module. Names are those that
/// snn-emit-descriptor looks for.
class EntryWriter {
public:
  EntryWriter(mlir::ModuleOp module, const SpanLayout &spans, mlir::Type real, TargetShape target)
      : host(module), module(module), spans(spans), real(real), target(target) {}

  /// forward, step or loss_and_gradient: the body of a lane, and the entry. With `update`, also train_step.
  mlir::LogicalResult addFunction(mlir::func::FuncOp function, mlir::func::FuncOp update);
  mlir::LogicalResult addUpdate(mlir::func::FuncOp update);
  /// snn_arena_size: the largest of all functions.
  void addArenaSize();

private:
  using TaskBody = std::function<mlir::LogicalResult(Emitter &, CallFrame &, mlir::Value index, mlir::Value worker)>;

  mlir::LogicalResult addTask(llvm::StringRef name, mlir::Location loc, const TaskBody &body);
  void addEntry(llvm::StringRef name, EntryKind kind, const LanePlan *plan);
  void emitTranspose(Emitter &e, CallFrame &frame, const LanePlan &plan, mlir::Value task);
  int64_t transposeTasks(const LanePlan &plan);
  void storeLoss(Emitter &e, CallFrame &frame, const LanePlan &plan);

  HostWriter host;
  mlir::ModuleOp module;
  const SpanLayout &spans;
  mlir::Type real;
  TargetShape target;
  llvm::SmallVector<LanePlan> plans;
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_ENTRIES_H
