// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `loops` that hold for every target.

#ifndef SNN_SCHEDULE_PASSES_TD
#define SNN_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def LiftProducts : Pass<"core-lift-products", "::mlir::func::FuncOp"> {
  let summary = "multiply what scans are given before them";
  let description = [{
    A product of a slice and of weights that are the same at each step waits for no state: it is computed for all of time before
    the scan, where many rows share the weights and kernels may look for zeros. Not where the product has more elements than
    the weights, as that of a convolution.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def CutResiduals : Pass<"core-cut-residuals", "::mlir::func::FuncOp"> {
  let summary = "keep of steps what takes least memory";
  let description = [{
    A map of a reverse scan computes values of the forward step again, from what the forward scan has stacked and what it was given; a
    sum over time, as the gradient of a decay, does so with the reverse step as well. If fewer bits lie on the way from there
    to what is new (the membrane after a step, of which alone a surrogate depends, instead of all that it is made of), the
    scan stacks these, and they are read. What is kept for others counts as nothing. A state after a step
    whose state before the step is kept is carried from step to step of the reverse scan. Nothing is computed more often than
    before, and no number changes.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def FuseMaps : Pass<"core-fuse-maps", "::mlir::func::FuncOp"> {
  let summary = "compute maps where they are read";
  let description = [{
    A map that one map or fold reads becomes part of its body, and one that a scan reads step by step part of the scan's.
    Nothing is computed more often than before, except constants and what takes less than to keep it (a bias added in the
    forward and the reverse scan). What a map gives alike at each step, to maps and scans, it gives once. What is copied into
    rows of whole vectors is written there. Numbers and their order do not change.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def FormPhases : Pass<"core-form-phases", "::mlir::func::FuncOp"> {
  let summary = "cut a function into phases in which samples are independent";
  let description = [{
    Ops that compute for each sample, or reduce over samples, go into `core.batch_map`s; a value that is reduced over samples
    can be read from the next phase on. What has no samples stands between the phases. An op goes to the first phase in which it
    can be computed.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

#endif // SNN_SCHEDULE_PASSES_TD
