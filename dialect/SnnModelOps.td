// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a model declares: parameters, inputs, outputs, states, numbers. Functions refer to these by symbol.

#ifndef SNN_MODEL_OPS_TD
#define SNN_MODEL_OPS_TD

include "dialect/SnnAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Snn_ModelOp : Snn_Op<"model", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "what holds for the whole model";
  let description = [{
    Exactly one stands in a module. `real` is the type of all reals, `steps` the number of time steps
    or `?` with a bound, `classes` the extent of the output "count".

    ```mlir
    snn.model @population train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 128 epochs = 5
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$real, OptionalAttr<I64Attr>:$steps, I64Attr:$max_steps,
      I64Attr:$classes, Snn_RunModeAttr:$mode, I64Attr:$batch, I64Attr:$epochs);
  let assemblyFormat = [{
    $sym_name $mode `real` `=` $real (`steps` `=` $steps^)? `max_steps` `=` $max_steps `classes` `=` $classes
    `batch` `=` $batch `epochs` `=` $epochs attr-dict
  }];
  let hasVerifier = 1;
}

def Snn_ParameterOp : Snn_Op<"parameter", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a trainable array, under its state_dict name";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, AnyAttr:$init);
  let assemblyFormat = "$sym_name `:` $type `init` $init attr-dict";
  let hasVerifier = 1;
}

def Snn_FixedOp : Snn_Op<"fixed", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a constant of the model that a checkpoint may contain under this name";
  let arguments = (ins SymbolNameAttr:$sym_name, F64Attr:$value);
  let assemblyFormat = "$sym_name `=` $value attr-dict";
  let hasVerifier = 1;
}

def Snn_InputOp : Snn_Op<"input", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "an array that the host gives with each call";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

def Snn_OutputOp : Snn_Op<"output", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "an array that the host may ask for; computed only when asked for";
  let description = "`differentiable`: the entry `backward` takes its gradient from the host.";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, UnitAttr:$differentiable);
  let assemblyFormat = "$sym_name (`differentiable` $differentiable^)? `:` $type attr-dict";
  let hasVerifier = 1;
}

def Snn_StateOp : Snn_Op<"state", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "what a neuron layer carries from step to step, with its value at rest";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, F64Attr:$rest);
  let assemblyFormat = "$sym_name `:` $type `rest` $rest attr-dict";
  let hasVerifier = 1;
}

def Snn_HyperOp : Snn_Op<"hyper", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a number that the host may change at run time, within its range; with the model's default";
  let arguments = (ins SymbolNameAttr:$sym_name, F64Attr:$value, OptionalAttr<Snn_RangeAttr>:$range);
  let assemblyFormat = "$sym_name `=` $value (`in` $range^)? attr-dict";
  let hasVerifier = 1;
}

#endif // SNN_MODEL_OPS_TD
