// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layers, neurons, the ops of neuron bodies, losses and optimisers.

#ifndef SNN_LAYER_OPS_TD
#define SNN_LAYER_OPS_TD

include "dialect/SnnAttributes.td"
include "dialect/SnnInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

class Snn_Differentiable<string mnemonic, list<Trait> traits = []>
    : Snn_Op<mnemonic, !listconcat([Pure, DeclareOpInterfaceMethods<Snn_DifferentiableOpInterface>], traits)>;

def Snn_ConstantOp : Snn_Op<"constant", [Pure]> {
  let summary = "one real number in each element";
  let arguments = (ins F64Attr:$value);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}

def Snn_CastOp : Snn_Differentiable<"cast"> {
  let summary = "to the real type: bytes, spikes or reals, divided by a number";
  let arguments = (ins AnyRankedTensor:$input, DefaultValuedAttr<F64Attr, "1.0">:$divisor);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = "$input (`divided_by` $divisor^)? attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_FlattenOp : Snn_Differentiable<"flatten"> {
  let summary = "one sample's elements in one row, as in row-major order";
  let description = "Also the other way, for the adjoint. Time and sample dimensions stay.";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_LinearOp : Snn_Differentiable<"linear", [AllElementTypesMatch<["weight", "result"]>]> {
  let summary = "y = x W^T + b, for each sample (and time step)";
  let description = [{
    x [.., K] real or spikes, W [N, K], b [N]; y [.., N]. Each element is one chain of fused multiply-adds that
    starts from the bias (or 0) and ascends in k.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight, Optional<AnyRankedTensor>:$bias);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `:` type($bias) `)`)? attr-dict `:` type($input) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Snn_LinearInputGradOp : Snn_Op<"linear_input_grad", [Pure,
    AllElementTypesMatch<["grad", "weight", "result"]>]> {
  let summary = "dx = dy W, ascending in n";
  let arguments = (ins AnyRankedTensor:$grad, AnyRankedTensor:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$grad `,` $weight attr-dict `:` type($grad) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_LinearWeightGradOp : Snn_Op<"linear_weight_grad", [Pure, AllElementTypesMatch<["grad", "result"]>]> {
  let summary = "dW = sum over (sample, time) of dy x^T";
  let description = "Each element is one chain of fused multiply-adds, ascending in the sample and then in time.";
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$grad);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $grad attr-dict `:` type($input) `,` type($grad) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_SumToOp : Snn_Op<"sum_to", [Pure, AllElementTypesMatch<["input", "result"]>]> {
  let summary = "sums over samples, time steps and, for a scalar result, neurons";
  let description = "Ascending in the sample and then in time, one chain per neuron; a scalar then adds up the neurons.";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_NeuronOp : Snn_Op<"neuron", [Pure, AttrSizedOperandSegments, AttrSizedResultSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a layer of neurons of one definition";
  let description = [{
    Results: the spikes, the states after each step in the order of the definition, and the states at the end.
    `params` are in the definition's order, as `snn.scan` takes them.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, AnyRankedTensor:$input, Variadic<AnyRankedTensor>:$params,
      Variadic<AnyRankedTensor>:$init);
  let results = (outs AnyRankedTensor:$spikes, Variadic<AnyRankedTensor>:$states, Variadic<AnyRankedTensor>:$finals);
  let assemblyFormat = [{
    $callee `(` $input `:` type($input) `)` `params` `(` ($params^ `:` type($params))? `)` `init` `(` ($init^ `:` type($init))? `)`
    attr-dict `->` type($spikes) (`states` `(` type($states)^ `)`)? (`final` `(` type($finals)^ `)`)?
  }];
}

def Snn_FireOp : Snn_Differentiable<"fire"> {
  let summary = "a spike where x > 0; backward, the surrogate's derivative";
  let description = "An `i1` result is the step; a real one, from --spike=soft, the surrogate's antiderivative.";
  let arguments = (ins AnyRankedTensor:$input, AnyAttr:$surrogate);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$surrogate `(` $input `)` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_SurrogateGradOp : Snn_Op<"surrogate_grad", [Pure, SameOperandsAndResultType]> {
  let summary = "the surrogate's derivative at x";
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input, AnyAttr:$surrogate);
  let results = (outs RankedTensorOf<[AnyFloat]>:$result);
  let assemblyFormat = "$surrogate `(` $input `)` attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Snn_DetachOp : Snn_Op<"detach", [Pure, SameOperandsAndResultType]> {
  let summary = "the value, without its gradient";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Snn_PopulationCountOp : Snn_Differentiable<"population_count"> {
  let summary = "spikes per class, summed over time";
  let description = [{
    spikes [T, B, N]; class c of C owns the neurons [c N/C, (c+1) N/C). `neurons` is N, which packed spikes do not show.
  }];
  let arguments = (ins AnyRankedTensor:$spikes, I64Attr:$neurons);
  let results = (outs RankedTensorOf<[AnyFloat]>:$count);
  let assemblyFormat = "$spikes `of` $neurons attr-dict `:` type($spikes) `->` type($count)";
  let hasVerifier = 1;
}

def Snn_PopulationCountGradOp : Snn_Op<"population_count_grad", [Pure, AllElementTypesMatch<["grad", "result"]>]> {
  let summary = "each class's gradient, given to its neurons; the same at each time step";
  let arguments = (ins AnyRankedTensor:$grad);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$grad attr-dict `:` type($grad) `->` type($result)";
  let hasVerifier = 1;
}

def Snn_MseCountLossOp : Snn_Differentiable<"mse_count_loss", [AllElementTypesMatch<["count", "loss"]>]> {
  let summary = "mean over the classes of (count - target)^2, divided by T; one number per sample";
  let description = [{
    target = trunc(T rate N/C) with rate `correct` for the label's class and `incorrect` for the others, computed in
    f64 (snnTorch loss.py, mse_count_loss). `population` is N/C.
  }];
  let arguments = (ins AnyRankedTensor:$count, RankedTensorOf<[I64]>:$labels, F64:$correct, F64:$incorrect,
      I64Attr:$population);
  let results = (outs AnyRankedTensor:$loss);
  let assemblyFormat = [{
    $count `,` $labels `correct` $correct `incorrect` $incorrect `population` $population attr-dict
    `:` type($count) `,` type($labels) `->` type($loss)
  }];
  let hasVerifier = 1;
}

def Snn_MseCountLossGradOp : Snn_Op<"mse_count_loss_grad", [Pure, AllTypesMatch<["count", "result"]>,
    AllElementTypesMatch<["count", "seed"]>]> {
  let summary = "2 (count - target) / (T C), times the sample's seed";
  let arguments = (ins AnyRankedTensor:$count, RankedTensorOf<[I64]>:$labels, F64:$correct, F64:$incorrect,
      AnyRankedTensor:$seed, I64Attr:$population);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $count `,` $labels `correct` $correct `incorrect` $incorrect `population` $population `seed` $seed attr-dict
    `:` type($count) `,` type($labels) `,` type($seed) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Snn_BatchMeanOp : Snn_Op<"batch_mean", [Pure]> {
  let summary = "the mean over the samples of the batch: the loss that is differentiated";
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$input);
  let results = (outs F64:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Snn_BatchMeanGradOp : Snn_Op<"batch_mean_grad", [Pure]> {
  let summary = "1 / B for each sample of the batch that `like` has";
  let arguments = (ins AnyRankedTensor:$like);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$like attr-dict `:` type($like) `->` type($result)";
}

def Snn_TransposeOp : Snn_Op<"transpose", [Pure, AllElementTypesMatch<["input", "result"]>]> {
  let summary = "a matrix in the other orientation, once for the whole batch";
  let arguments = (ins 2DTensorOf<[AnyFloat]>:$input);
  let results = (outs 2DTensorOf<[AnyFloat]>:$result);
  let hasVerifier = 1;
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def Snn_SgdOp : Snn_Op<"sgd", [Pure, AllTypesMatch<["parameter", "gradient", "velocity", "next", "next_velocity"]>]> {
  let summary = "torch.optim.SGD: v = momentum v + g, p = p - lr v; g has weight_decay p added";
  let arguments = (ins AnyRankedTensor:$parameter, AnyRankedTensor:$gradient, AnyRankedTensor:$velocity, F64:$lr,
      F64:$momentum, F64:$weight_decay);
  let results = (outs AnyRankedTensor:$next, AnyRankedTensor:$next_velocity);
  let assemblyFormat = [{
    $parameter `grad` $gradient `state` `(` $velocity `)` `lr` $lr `momentum` $momentum `weight_decay` $weight_decay attr-dict `:` type($parameter)
  }];
}

def Snn_AdamOp : Snn_Op<"adam", [Pure, AllTypesMatch<["parameter", "gradient", "mean", "variance", "next", "next_mean",
    "next_variance"]>]> {
  let summary = "torch.optim.Adam (no amsgrad): bias-corrected moments, step counted from 1";
  let arguments = (ins AnyRankedTensor:$parameter, AnyRankedTensor:$gradient, AnyRankedTensor:$mean,
      AnyRankedTensor:$variance, I64:$step, F64:$lr, F64:$beta1, F64:$beta2, F64:$eps, F64:$weight_decay);
  let results = (outs AnyRankedTensor:$next, AnyRankedTensor:$next_mean, AnyRankedTensor:$next_variance);
  let assemblyFormat = [{
    $parameter `grad` $gradient `state` `(` $mean `,` $variance `)` `step` $step `lr` $lr `beta1` $beta1 `beta2` $beta2
    `eps` $eps `weight_decay` $weight_decay attr-dict `:` type($parameter)
  }];
}

#endif // SNN_LAYER_OPS_TD
