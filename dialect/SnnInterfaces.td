// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interfaces through which passes see ops and attributes, so that no pass needs to know them by name.

#ifndef SNN_INTERFACES_TD
#define SNN_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Snn_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::snn";
  let description = [{
    An op that knows its own adjoint. Arithmetic of other dialects implements it through external models
    (compiler/Autodiff). An op without the interface passes no gradient on.
  }];
  let methods = [
    InterfaceMethod<[{
      Writes the adjoint at the builder's insertion point: reads the adjoints of the results from `adjoints` and adds
      what they contribute to the adjoints of the operands. Values of the forward pass may be referred to directly.
      Is called only if at least one result has an adjoint.
    }], "::llvm::LogicalResult", "buildAdjoint", (ins "::mlir::OpBuilder &":$builder, "::snn::Adjoints &":$adjoints)>
  ];
}

def Snn_SurrogateAttrInterface : AttrInterface<"SurrogateAttrInterface"> {
  let cppNamespace = "::snn";
  let description = [{
    The derivative that stands in for that of the Heaviside step in the backward pass. `x` is the distance to the
    threshold, a float or a shaped value of floats; results have its type.
  }];
  let methods = [
    InterfaceMethod<"Emits the surrogate's derivative at x.",
      "::mlir::Value", "emitDerivative", (ins "::mlir::ImplicitLocOpBuilder &":$b, "::mlir::Value":$x)>,
    InterfaceMethod<"Emits the antiderivative at x that is used in place of the step by --spike=soft.",
      "::mlir::Value", "emitAntiderivative", (ins "::mlir::ImplicitLocOpBuilder &":$b, "::mlir::Value":$x)>,
  ];
}

#endif // SNN_INTERFACES_TD
