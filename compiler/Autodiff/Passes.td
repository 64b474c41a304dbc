// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `bptt`.

#ifndef SNN_AUTODIFF_PASSES_TD
#define SNN_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def Differentiate : Pass<"snn-differentiate", "::mlir::ModuleOp"> {
  let summary = "write the backward pass and the update as plain ops";
  let description = [{
    The function `@loss` becomes `@loss_and_gradient`: in its `snn.batch_map`, the forward ops are followed by their
    adjoints, which each op writes itself (`DifferentiableOpInterface`). The gradients of parameters are `sum`
    results, that of the input, if it is real, is an output `grad.input`. A function `@update` applies the
    optimiser to each parameter.
  }];
  let dependentDialects = ["::snn::SnnDialect", "::mlir::func::FuncDialect"];
}

#endif // SNN_AUTODIFF_PASSES_TD
