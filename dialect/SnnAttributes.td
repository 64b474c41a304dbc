// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attributes of the snn dialect: surrogates, initialisers, places in an arena.

#ifndef SNN_ATTRIBUTES_TD
#define SNN_ATTRIBUTES_TD

include "dialect/SnnDialect.td"
include "dialect/SnnInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Snn_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<Snn_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

class Snn_Surrogate<string name, string attrMnemonic> : Snn_Attr<name, attrMnemonic, [
    DeclareAttrInterfaceMethods<Snn_SurrogateAttrInterface>]>;

def Snn_FastSigmoidAttr : Snn_Surrogate<"FastSigmoid", "fast_sigmoid"> {
  let summary = "1 / (slope |x| + 1)^2";
  let parameters = (ins "::mlir::FloatAttr":$slope);
  let assemblyFormat = "`<` $slope `>`";
}

def Snn_AtanAttr : Snn_Surrogate<"Atan", "atan"> {
  let summary = "(alpha / 2) / (1 + (pi/2 alpha x)^2)";
  let parameters = (ins "::mlir::FloatAttr":$alpha);
  let assemblyFormat = "`<` $alpha `>`";
}

def Snn_SigmoidAttr : Snn_Surrogate<"Sigmoid", "sigmoid"> {
  let summary = "slope e^(-slope x) / (e^(-slope x) + 1)^2, evaluated at |x|: the function is even and does not overflow";
  let parameters = (ins "::mlir::FloatAttr":$slope);
  let assemblyFormat = "`<` $slope `>`";
}

def Snn_StraightThroughAttr : Snn_Surrogate<"StraightThrough", "straight_through"> {
  let summary = "1";
}

def Snn_TriangularAttr : Snn_Surrogate<"Triangular", "triangular"> {
  let summary = "height for x < 0, -height for x >= 0 (as in snnTorch, where it is no triangle)";
  let parameters = (ins "::mlir::FloatAttr":$height);
  let assemblyFormat = "`<` $height `>`";
}

def Snn_StepAttr : Snn_Surrogate<"Step", "heaviside"> {
  let summary = "1 for x > 0, else 0";
}

def Snn_SpikeRateEscapeAttr : Snn_Surrogate<"SpikeRateEscape", "spike_rate_escape"> {
  let summary = "slope e^(-beta |x - 1|)";
  let parameters = (ins "::mlir::FloatAttr":$beta, "::mlir::FloatAttr":$slope);
  let assemblyFormat = "`<` $beta `,` $slope `>`";
}

def Snn_TwoSlopesAttr : Snn_Surrogate<"TwoSlopes", "two_slopes"> {
  let summary = "1 for x > 0, else slope (snnTorch's LSO)";
  let parameters = (ins "::mlir::FloatAttr":$slope);
  let assemblyFormat = "`<` $slope `>`";
}

def Snn_SparseFastSigmoidAttr : Snn_Surrogate<"SparseFastSigmoid", "sparse_fast_sigmoid"> {
  let summary = "1 / (slope |x| + 1)^2 for x > bound, else 0 (snnTorch's SFS)";
  let parameters = (ins "::mlir::FloatAttr":$slope, "::mlir::FloatAttr":$bound);
  let assemblyFormat = "`<` $slope `,` $bound `>`";
}

def Snn_UniformAttr : Snn_Attr<"Uniform", "uniform"> {
  let summary = "starts uniformly distributed in [low, high)";
  let parameters = (ins "::mlir::FloatAttr":$low, "::mlir::FloatAttr":$high);
  let assemblyFormat = "`<` $low `,` $high `>`";
}

def Snn_FillAttr : Snn_Attr<"Fill", "fill"> {
  let summary = "starts with one value everywhere";
  let parameters = (ins "::mlir::FloatAttr":$value);
  let assemblyFormat = "`<` $value `>`";
}

def Snn_RangeAttr : Snn_Attr<"Range", "range"> {
  let summary = "what a number may be: from `from`, and up to `to` or below `below`";
  let description = "Without an upper end the number may be anything finite.";
  let parameters = (ins "::mlir::FloatAttr":$from, OptionalParameter<"::mlir::FloatAttr">:$to,
      OptionalParameter<"::mlir::FloatAttr">:$below);
  let assemblyFormat = "`<` `from` $from (`to` $to^)? (`below` $below^)? `>`";
  let extraClassDeclaration = [{
    bool contains(double value) const;
  }];
  let genVerifyDecl = 1;
}

def Snn_PlaceAttr : Snn_Attr<"Place", "place"> {
  let summary = "where a value lies in an arena";
  let description = [{
    Bytes from the start of the arena: `constant + steps * T` with T the number of time steps of the call. The value
    takes as many bytes as its type says for one chunk of samples.
  }];
  let parameters = (ins "int64_t":$constant, "int64_t":$steps);
  let assemblyFormat = "`<` $constant `+` $steps `*` `T` `>`";
}

def Snn_RunMode : I32EnumAttr<"RunMode", "what a model is compiled for", [
    I32EnumAttrCase<"Train", 0, "train">, I32EnumAttrCase<"Infer", 1, "infer">]> {
  let cppNamespace = "::snn";
  let genSpecializedAttr = 0;
}
def Snn_RunModeAttr : EnumAttr<Snn_Dialect, Snn_RunMode, "run_mode">;

def Snn_OptimizerKind : I32EnumAttr<"OptimizerKind", "the rule by which parameters learn", [
    I32EnumAttrCase<"Sgd", 0, "sgd">, I32EnumAttrCase<"Adam", 1, "adam">]> {
  let cppNamespace = "::snn";
  let genSpecializedAttr = 0;
}
def Snn_OptimizerKindAttr : EnumAttr<Snn_Dialect, Snn_OptimizerKind, "optimizer_kind">;

def Snn_Span : I32EnumAttr<"Span", "the host's memory in which a bound tensor lies", [
    I32EnumAttrCase<"Parameters", 0, "parameters">, I32EnumAttrCase<"Gradients", 1, "gradients">,
    I32EnumAttrCase<"Optimizer", 2, "optimizer">]> {
  let cppNamespace = "::snn";
  let genSpecializedAttr = 0;
}
def Snn_SpanAttr : EnumAttr<Snn_Dialect, Snn_Span, "span"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif // SNN_ATTRIBUTES_TD
