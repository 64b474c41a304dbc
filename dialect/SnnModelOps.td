// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a model declares: parameters, inputs, outputs, states, numbers. Functions refer to these by symbol.

#ifndef SNN_MODEL_OPS_TD
#define SNN_MODEL_OPS_TD

include "dialect/SnnAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Snn_SymbolName<string predicate, string summary> : ConfinedAttr<SymbolNameAttr, [
    AttrConstraint<CPred<predicate # "(::llvm::cast<::mlir::StringAttr>($_self).getValue())">, summary>]>;
def Snn_ModelName : Snn_SymbolName<"::snn::isModelName", "that is a C identifier of at most 101 characters [model_c3]">;
def Snn_DeclarationName : Snn_SymbolName<"::snn::isDeclarationName", "of letters, digits, '_' and '.' [name_c1]">;

// Arrays whose elements or extents are of some kind.
class Snn_OfElements<string condition> :
    CPred<"::llvm::cast<::snn::core::ArrayType>($_self).getElementType()." # condition>;
class Snn_OfExtents<string condition> : CPred<"::llvm::cast<::snn::core::ArrayType>($_self)." # condition>;
defvar Reals = Snn_OfElements<"isFloat()">;
defvar RealsOrSpikes = Or<[Reals, Snn_OfElements<"isInteger(1)">]>;
defvar Samples = Snn_OfExtents<"sampleDim() >= 0">;
defvar OneNumber = Snn_OfExtents<"getRank() == 0">;
defvar NoTime = Snn_OfExtents<"timeDim() < 0">;

class Snn_TypeAttr<list<Pred> conditions, string summary> :
    TypeAttrBase<"::snn::core::ArrayType", summary, And<conditions>> {
  let constBuilderCall = "::mlir::TypeAttr::get($0)";
}
def Snn_InputTypeAttr : Snn_TypeAttr<[Samples, Or<[Reals, Snn_OfElements<"isUnsignedInteger(8)">,
    And<[Snn_OfElements<"isSignlessInteger(64)">, Snn_OfExtents<"getShape().back() == ::snn::core::ArrayType::kSample">]>]>],
    "samples of reals or ui8, or one i64 for each, also at each step [input_c1]">;
def Snn_OutputTypeAttr : Snn_TypeAttr<[Or<[And<[Samples, RealsOrSpikes]>, And<[OneNumber, Snn_OfElements<"isF64()">]>]>],
    "samples of reals or spikes, or one f64 [output_c1]">;
def Snn_StateTypeAttr : Snn_TypeAttr<[Snn_OfExtents<"sampleDim() == 0">, Snn_OfExtents<"getRank() > 1">, NoTime,
    RealsOrSpikes], "reals or spikes of each sample at one step [state_c1]">;
def Snn_ParameterTypeAttr : Snn_TypeAttr<[Neg<Samples>, NoTime, Reals], "fixed extents of reals [parameter_c1]">;
def Snn_InitAttr : AnyAttrOf<[Snn_UniformAttr, Snn_FillAttr], "#snn.uniform or #snn.fill [parameter_c2]">;

class Snn_Declaration<string mnemonic> : Snn_Op<mnemonic, [Symbol, HasParent<"::mlir::ModuleOp">]>;

def Snn_ModelOp : Snn_Declaration<"model"> {
  let summary = "what holds for the whole model";
  let description = [{
    Exactly one stands in a module. `real` is the type of all reals, `steps` the number of time steps
    or `?` with a bound, `classes` the extent of the output "count". `window` is the most steps of a
    call that trains, if that is less than a call may have otherwise. Of the modes, `stream` is inference of
    one sample, a time step a call, without a table, and `tune` trains the network as it infers.

    ```mlir
    snn.model @population train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 128 epochs = 5
    ```
  }];
  let arguments = (ins Snn_ModelName:$sym_name, TypeAttrOf<AnyTypeOf<[F32, F64], "f32 or f64 [model_c1]">>:$real,
      OptionalAttr<I64Attr>:$steps, I64Attr:$max_steps, OptionalAttr<I64Attr>:$window,
      ConfinedAttr<I64Attr, [IntPositive]>:$classes,
      Snn_RunModeAttr:$mode, ConfinedAttr<I64Attr, [IntPositive]>:$batch, ConfinedAttr<I64Attr, [IntNonNegative]>:$epochs);
  let assemblyFormat = [{
    $sym_name $mode `real` `=` $real (`steps` `=` $steps^)? `max_steps` `=` $max_steps
    (`window` `=` $window^)? `classes` `=` $classes
    `batch` `=` $batch `epochs` `=` $epochs attr-dict
  }];
  let hasVerifier = 1;
}

def Snn_ParameterOp : Snn_Declaration<"parameter"> {
  let summary = "a trainable array, under its state_dict name";
  let arguments = (ins Snn_DeclarationName:$sym_name, Snn_ParameterTypeAttr:$type, Snn_InitAttr:$init);
  let assemblyFormat = "$sym_name `:` $type `init` $init attr-dict";
}

def Snn_BufferOp : Snn_Declaration<"buffer"> {
  let summary = "an array of statistics that training updates, under its state_dict name";
  let arguments = (ins Snn_DeclarationName:$sym_name, Snn_ParameterTypeAttr:$type, Snn_InitAttr:$init);
  let assemblyFormat = "$sym_name `:` $type `init` $init attr-dict";
}

def Snn_FixedOp : Snn_Declaration<"fixed"> {
  let summary = "a constant of the model that a checkpoint may contain under this name";
  let arguments = (ins Snn_DeclarationName:$sym_name, F64Attr:$value);
  let assemblyFormat = "$sym_name `=` $value attr-dict";
}

def Snn_InputOp : Snn_Declaration<"input"> {
  let summary = "an array that the host gives with each call";
  let description = "`classes`: of labels, what all of them are below, where it is not the model's.";
  let arguments = (ins Snn_DeclarationName:$sym_name, Snn_InputTypeAttr:$type, OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$classes);
  let assemblyFormat = "$sym_name (`classes` $classes^)? `:` $type attr-dict";
}

def Snn_OutputOp : Snn_Declaration<"output"> {
  let summary = "an array that the host may ask for; computed only when asked for";
  let description = "`differentiable`: the entry `backward` takes its gradient from the host.";
  let arguments = (ins Snn_DeclarationName:$sym_name, Snn_OutputTypeAttr:$type, UnitAttr:$differentiable);
  let assemblyFormat = "$sym_name (`differentiable` $differentiable^)? `:` $type attr-dict";
}

def Snn_StateOp : Snn_Declaration<"state"> {
  let summary = "what a neuron layer carries from step to step, with its value at rest";
  let arguments = (ins Snn_DeclarationName:$sym_name, Snn_StateTypeAttr:$type, F64Attr:$rest);
  let assemblyFormat = "$sym_name `:` $type `rest` $rest attr-dict";
}

def Snn_HyperOp : Snn_Declaration<"hyper"> {
  let summary = "a number that the host may change at run time, within its range; with the model's default";
  let description = "With `of` and `label` it stands for that number in the update of the parameters whose names begin with the label.";
  let arguments = (ins Snn_DeclarationName:$sym_name, OptionalAttr<StrAttr>:$of, OptionalAttr<StrAttr>:$label, F64Attr:$value,
      OptionalAttr<Snn_RangeAttr>:$range);
  let assemblyFormat = "$sym_name (`of` $of^ `at` $label)? `=` $value (`in` $range^)? attr-dict";
  let hasVerifier = 1;
}

#endif // SNN_MODEL_OPS_TD
