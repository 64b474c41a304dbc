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
    Comes after the conversion to the LLVM dialect, in the module of one target. Reads the declarations (snn.model,
    snn.parameter, ...) and builds `snn_table`, the constants of `snn_model_table`, then erases the declarations but
    snn.model. The entry points `snn_entry_forward`, `snn_entry_step`, `snn_entry_loss_and_gradient`,
    `snn_entry_update`, `snn_entry_train_step`, `snn_entry_evaluate`, `snn_entry_forward_training` and `snn_arena_size` become internal, and those that
    are not there are NULL in the table. A streaming build has no table: its one function stays visible.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def SplitTargets : Pass<"snn-split-targets", "::mlir::ModuleOp"> {
  let summary = "makes a module for each target of a module that has several";
  let description = [{
    What comes before depends on no target. Here the module's contents move into modules within it, one for each target of
    `snn.target`, the strongest first, and named after it. Each has one target; passes run on each of them alone, until
    snn-emit-query joins them.
  }];
}

def EmitQuery : Pass<"snn-emit-query", "::mlir::ModuleOp"> {
  let summary = "writes the query function and the ELF note";
  let description = [{
    The last pass. In: a module of one target with its `snn_table`, or one for each target in a module around them. Out:
    one module, in which what belongs to one of several targets has names of its own (`snn_table.x86_64_v3`), with
    the function `<model>_snn_query`, which is all that stays visible, and the note, which states the weakest target. The
    function is code for the weakest CPU of the architecture. On x86-64 it asks the processor what it has, gives the
    table of the strongest target that the machine runs, and NULL if it runs none. A streaming build has neither function
    nor note.
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
