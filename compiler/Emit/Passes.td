// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The passes that finish a module of the LLVM dialect.

#ifndef SNN_COMPILER_EMIT_PASSES_TD
#define SNN_COMPILER_EMIT_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertToLlvm : Pass<"snn-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "converts loops, functions, arithmetic and vectors to the LLVM dialect";
  let description = [{
    The declarations and ops of other dialects stay as they are. Vectors have one dimension, and memory is accessed by
    ops of the LLVM dialect already.
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect", "::mlir::LLVM::LLVMDialect"];
}

def EmitDescriptor : Pass<"snn-emit-descriptor", "::mlir::ModuleOp"> {
  let summary = "turns the model's declarations into the table of snn/abi.h";
  let description = [{
    Comes after the conversion to the LLVM dialect. Reads the declarations (snn.model, snn.parameter, ...) and builds the
    constants of `snn_model_table`, the query function `<model>_snn_query` and the ELF note, then erases the
    declarations. The query function is all that stays visible: the entry points `snn_entry_forward`,
    `snn_entry_step`, `snn_entry_loss_and_gradient`, `snn_entry_update`, `snn_entry_train_step`, `snn_entry_evaluate` and
    `snn_arena_size` become internal, and those that are not there are NULL in the table.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ApplyTarget : Pass<"snn-apply-target", "::mlir::ModuleOp"> {
  let summary = "puts the CPU of the module's snn.target on every function";
  let description = [{
    Also asks for whole 512-bit vectors where the target has them: LLVM prefers 256 bits on such CPUs and would split
    each vector, which costs two thirds of the speed of a dense product. Sets the module's triple and data layout.
    Writes the bodies of the functions that set and restore the floating-point mode (compiler/Codegen/FloatMode.h) if
    the module declares them.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // SNN_COMPILER_EMIT_PASSES_TD
