// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `loops` for CPUs: they decide when and where everything happens.

#ifndef SNN_TIMELOOPS_CPU_PASSES_TD
#define SNN_TIMELOOPS_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandSurrogates : Pass<"snn-expand-surrogates", "::mlir::ModuleOp"> {
  let summary = "turn spikes and surrogates into arithmetic";
  let description = [{
    `snn.fire` becomes a comparison (or the surrogate's antiderivative, if spikes are soft), `snn.surrogate_grad` the
    surrogate's derivative; both formulas come from the surrogate attribute. `snn.detach` has done its work and goes.
  }];
  let dependentDialects = ["::snn::SnnDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def PackSpikes : Pass<"snn-pack-spikes", "::mlir::ModuleOp"> {
  let summary = "store spikes as bits, 16 neurons a word";
  let description = [{
    A spike tensor `tensor<TxBxNxi1>` between the ops of a batch_map becomes `tensor<TxBxceil(N/16)xi16>`, neuron n
    in bit n mod 16 of word n / 16. Inside scans spikes stay `i1`: they live in registers. No memory ever holds `i1`.
  }];
  let dependentDialects = ["::snn::SnnDialect"];
}

def OrientWeights : Pass<"snn-orient-weights", "::mlir::ModuleOp"> {
  let summary = "transpose weights once per batch for the products of the backward pass";
  let description = [{
    Weights [out, in] are stored with the outputs contiguous. dx = dy W needs the inputs contiguous: it becomes
    `snn.linear` with a weight that `snn.transpose` makes outside the batch_map.
  }];
  let dependentDialects = ["::snn::SnnDialect"];
}

def LoadInputs : Pass<"snn-load-inputs", "::mlir::ModuleOp"> {
  let summary = "read each real input of the host once, through a cast";
  let description = [{
    The host's memory may have any strides; kernels want padded rows in the arena. A real input that is used as it is
    gets a `snn.cast`, which is where inputs are copied and checked to be finite.
  }];
  let dependentDialects = ["::snn::SnnDialect"];
}

def ChooseSchedule : Pass<"snn-choose-schedule", "::mlir::ModuleOp"> {
  let summary = "choose how many samples run together and how many sums run side by side";
  let description = [{
    `chunk`: as many samples as keep the values of forward and backward pass in a second-level cache. `lanes` and
    `lane_samples`: the batch is cut into at most `lanes` contiguous parts, a power of two of them, each of about
    `lane_samples` samples or more; each part adds up its own gradients. Lanes, not threads, decide the order of additions, so results do not depend on
    the number of threads. Chunks do not change that order.
  }];
  let options = [
    Option<"cacheBytes", "cache-bytes", "int64_t", "1 << 20", "what the values of a chunk may take">
  ];
}

def PlanArena : Pass<"snn-plan-arena", "::mlir::ModuleOp"> {
  let summary = "give every value of a batch_map body its place";
  let description = [{
    The body is straight-line code: values whose lifetimes do not overlap may share a place. Sizes are affine in the number of
    time steps, so places are `constant + steps * T` bytes, for a full chunk. An op's places stand in `snn.places`: one for
    each result (unit if it needs none: constants, views, what goes directly to the host), and a last one for its
    scratch memory. The batch_map's `arena` is the size of the whole.
  }];
}

#endif // SNN_TIMELOOPS_CPU_PASSES_TD
