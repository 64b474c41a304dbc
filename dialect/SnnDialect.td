// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The snn dialect itself; the other .td files of this folder hold its attributes and ops.

#ifndef SNN_DIALECT_TD
#define SNN_DIALECT_TD

include "mlir/IR/OpBase.td"

def Snn_Dialect : Dialect {
  let name = "snn";
  let cppNamespace = "::snn";
  let summary = "what a model declares: its interface to hosts and checkpoints";
  let description = [{
    Declarations stand in the module beside functions of core ops, whose arguments and results say by `snn.bind` which
    declaration they stand for. Types are arrays of the core. Reals have one type, f32 or f64, throughout a module; numbers of
    the host, losses and metrics are f64.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::snn::core::CoreDialect"];
  let extraClassDeclaration = [{
    /// Function arguments and results carry this attribute: the symbol of the declaration that they stand for.
    static constexpr ::llvm::StringLiteral bindAttrName() { return "snn.bind"; }
    /// Which span an argument that is bound to a parameter lies in (#snn.span; parameters if absent), and which copy.
    static constexpr ::llvm::StringLiteral spanAttrName() { return "snn.span"; }
    static constexpr ::llvm::StringLiteral copyAttrName() { return "snn.copy"; }
    /// On snn.model: by what builds are told apart, and how many tensors an optimizer keeps for each parameter.
    static constexpr ::llvm::StringLiteral hashAttrName() { return "snn.hash"; }
    static constexpr ::llvm::StringLiteral copiesAttrName() { return "snn.copies"; }
    /// And that its network draws random numbers, from the stage cpu on.
    static constexpr ::llvm::StringLiteral randomAttrName() { return "snn.random"; }
    /// On the module: the target that it is scheduled for.
    static constexpr ::llvm::StringLiteral targetAttrName() { return "snn.target"; }
    /// Of a module: the second-level cache of a processor of the machine that it is scheduled for.
    static constexpr ::llvm::StringLiteral cacheBytesAttrName() { return "snn.cache_bytes"; }
    /// Of a module: the bytes that a call may take (`compiler/Schedule/Cpu/CallMemory.h`); then time goes in segments.
    static constexpr ::llvm::StringLiteral memoryLimitAttrName() { return "snn.memory_limit"; }
    /// Of the model: the bytes of the spans of parameters and buffers that are to be a part of the code.
    // Of a module of the LLVM dialect that is a streaming build.
    static constexpr ::llvm::StringLiteral streamAttrName() { return "snn.stream"; }
    static constexpr ::llvm::StringLiteral initialParametersAttrName() { return "snn.initial_parameters"; }
    static constexpr ::llvm::StringLiteral initialBuffersAttrName() { return "snn.initial_buffers"; }
  }];
}

class Snn_Op<string mnemonic, list<Trait> traits = []> : Op<Snn_Dialect, mnemonic, traits>;

#endif // SNN_DIALECT_TD
