// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `bptt`.

#ifndef SNN_AUTODIFF_PASSES_TD
#define SNN_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def Vjp : Pass<"core-vjp", "::mlir::ModuleOp"> {
  let summary = "write the vector-Jacobian product of a function of core ops";
  let description = [{
    Beside @f appears @f_vjp, which takes the gradients of the results as further arguments and gives the gradients of all
    real arguments as further results; what is bound to @x has a gradient that is bound to @seed.x or @grad.x. With
    `of-loss` it is the gradient of the result bound to @loss. Each op of the core knows its adjoint
    (`DifferentiableOpInterface`).
  }];
  let options = [Option<"function", "function", "std::string", "\"network\"", "the function">,
    Option<"ofLoss", "of-loss", "bool", "false", "the gradient of the loss instead of a product with given gradients">];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def ComposeEntries : Pass<"core-compose-entries", "::mlir::ModuleOp"> {
  let summary = "make the entries that hosts call of network and loss";
  let description = [{
    Of `@network`, `@training_network` (if it differs) and `@criterion` (loss and metrics) come, each with all that it needs,

    * `@forward`: the network as it infers. Outputs and states over any number of steps.
    * `@forward_training`: the same of the training network, if it differs; also its buffers.
    * `@loss_and_gradient`: the training network, the loss and the metrics of its outputs, and the loss's gradients with
      respect to parameters (`snn.span = #snn.span<gradients>`) and, if it is real, to the input (output `grad.input`, declared
      here).
    * `@evaluate`: the network as it infers, with the loss and the metrics.
    * `@backward`: the same gradients of the sum of outputs times what is bound to `grad.OUTPUT`.

    `@update` stays. Of a model for inference only `@forward` is made. What the results do not depend on has a gradient of zeros.
  }];
  let dependentDialects = ["::snn::SnnDialect", "::snn::core::CoreDialect", "::mlir::func::FuncDialect"];
}

def ResolveVjps : Pass<"core-resolve-vjps", "::mlir::ModuleOp"> {
  let summary = "leave only the values of what states its own derivative";
  let description = "`core.custom_vjp` becomes a copy of its value region and `core.detach` its operand.";
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def FixOrder : Pass<"core-fix-order", "::mlir::ModuleOp"> {
  let summary = "give each sum its order";
  let description = [{
    Contracts and adding folds get their `order`, if they have none; where samples are summed, they come first, then time.
    From here on the order of summation is part of what a module means: no schedule changes a bit of it.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

#endif // SNN_AUTODIFF_PASSES_TD
