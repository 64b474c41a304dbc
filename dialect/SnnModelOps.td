// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a model declares: parameters, inputs, outputs, states, numbers, neurons. Functions refer to these by symbol.

#ifndef SNN_MODEL_OPS_TD
#define SNN_MODEL_OPS_TD

include "dialect/SnnAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/RegionKindInterface.td"

def Snn_ModelOp : Snn_Op<"model", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "what holds for the whole model";
  let description = [{
    Exactly one stands in a module. `real` is the type of all real tensors, `steps` the number of time steps
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
  let summary = "a trainable tensor, under its state_dict name";
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
  let summary = "a tensor that the host gives with each call";
  let description = "Extents: the first `?` is time if `over_time` is set, then comes the batch.";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, UnitAttr:$over_time);
  let assemblyFormat = "$sym_name (`over_time` $over_time^)? `:` $type attr-dict";
  let hasVerifier = 1;
}

def Snn_OutputOp : Snn_Op<"output", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a tensor that the host may ask for; computed only when asked for";
  let description = "`differentiable`: the entry `backward` takes its gradient from the host.";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, UnitAttr:$over_time, UnitAttr:$differentiable);
  let assemblyFormat = [{
    $sym_name (`over_time` $over_time^)? (`differentiable` $differentiable^)? `:` $type attr-dict
  }];
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

def Snn_OptimizerOp : Snn_Op<"optimizer", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "the rule by which parameters learn; its numbers are snn.hyper";
  let arguments = (ins Snn_OptimizerKindAttr:$kind);
  let assemblyFormat = "$kind attr-dict";
}

def Snn_NeuronDefOp : Snn_Op<"neuron_def", [Symbol, IsolatedFromAbove, HasParent<"::mlir::ModuleOp">,
    SingleBlock]> {
  let summary = "one neuron over one time step";
  let description = [{
    The block's arguments are the input current, the parameters and the states before the step, all of them
    `tensor<?x?xreal>`, samples by neurons: a definition holds for any width and any number of samples. It ends in
    `snn.neuron_return %spike next(%states)`.

    ```mlir
    snn.neuron_def @integrator parameters [] states ["mem"] rest [0.0] {
    ^bb0(%x: tensor<?x?xf32>, %mem: tensor<?x?xf32>):
      %new = arith.addf %mem, %x : tensor<?x?xf32>
      %one = snn.constant 1.0 : tensor<?x?xf32>
      %distance = arith.subf %new, %one : tensor<?x?xf32>
      %spike = snn.fire #snn.atan<2.0>(%distance) : tensor<?x?xf32> -> tensor<?x?xi1>
      snn.neuron_return %spike next(%new) : tensor<?x?xi1>, tensor<?x?xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$parameter_names, StrArrayAttr:$state_names,
      F64ArrayAttr:$rest);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `parameters` $parameter_names `states` $state_names `rest` $rest attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def Snn_NeuronReturnOp : Snn_Op<"neuron_return", [Terminator, Pure, HasParent<"NeuronDefOp">]> {
  let summary = "the spike and the next states of a neuron definition";
  let arguments = (ins AnyRankedTensor:$spike, Variadic<AnyRankedTensor>:$next);
  let assemblyFormat = "$spike (`next` `(` $next^ `)`)? attr-dict `:` type(operands)";
}

#endif // SNN_MODEL_OPS_TD
