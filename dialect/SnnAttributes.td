// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attributes of the snn dialect: initial values, ranges, spans of the host.

#ifndef SNN_ATTRIBUTES_TD
#define SNN_ATTRIBUTES_TD

include "dialect/SnnDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Snn_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<Snn_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
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

def Snn_RunMode : I32EnumAttr<"RunMode", "what a model is compiled for", [
    I32EnumAttrCase<"Train", 0, "train">, I32EnumAttrCase<"Infer", 1, "infer">,
    I32EnumAttrCase<"Stream", 2, "stream">, I32EnumAttrCase<"Tune", 3, "tune">]> {
  let cppNamespace = "::snn";
  let genSpecializedAttr = 0;
}
def Snn_RunModeAttr : EnumAttr<Snn_Dialect, Snn_RunMode, "run_mode">;

def Snn_Span : I32EnumAttr<"Span", "the host's memory in which a bound value lies", [
    I32EnumAttrCase<"Parameters", 0, "parameters">, I32EnumAttrCase<"Gradients", 1, "gradients">,
    I32EnumAttrCase<"Optimizer", 2, "optimizer">, I32EnumAttrCase<"Buffers", 3, "buffers">]> {
  let cppNamespace = "::snn";
  let genSpecializedAttr = 0;
}
def Snn_SpanAttr : EnumAttr<Snn_Dialect, Snn_Span, "span"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif // SNN_ATTRIBUTES_TD
