// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The snn dialect itself; the other .td files of this folder hold its attributes, interfaces and ops by family.

#ifndef SNN_DIALECT_TD
#define SNN_DIALECT_TD

include "mlir/IR/OpBase.td"

def Snn_Dialect : Dialect {
  let name = "snn";
  let cppNamespace = "::snn";
  let summary = "spiking neural networks: layers, neurons as scans over time, and their training";
  let description = [{
    A value that varies over time has a leading time dimension, `tensor<TxBxN>`; one that does not has none. All
    time-varying values of a function share one number of time steps, and all values in a `snn.batch_map` one number
    of samples. Real numbers have one element type, f32 or f64, throughout a module. Spikes are `i1`; the gradient of
    a spike tensor has the real type.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
  let hasConstantMaterializer = 0;
  let extraClassDeclaration = [{
    /// Function arguments and results carry this attribute: the symbol of the declaration that they stand for.
    static constexpr ::llvm::StringLiteral bindAttrName() { return "snn.bind"; }
    /// Which span an argument that is bound to a parameter lies in (#snn.span; parameters if absent), and which copy.
    static constexpr ::llvm::StringLiteral spanAttrName() { return "snn.span"; }
    static constexpr ::llvm::StringLiteral copyAttrName() { return "snn.copy"; }
    /// On each op of a planned batch_map body: where its results lie in the worker's arena.
    static constexpr ::llvm::StringLiteral placesAttrName() { return "snn.places"; }
  }];
}

class Snn_Op<string mnemonic, list<Trait> traits = []> : Op<Snn_Dialect, mnemonic, traits>;

#endif // SNN_DIALECT_TD
