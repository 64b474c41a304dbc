// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `snn`.

#ifndef SNN_MODEL_PASSES_TD
#define SNN_MODEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def CheckModule : Pass<"snn-check-module", "::mlir::ModuleOp"> {
  let summary = "check what holds for a module of the stages snn, bptt and loops as a whole";
  let description = [{
    Arguments and results of functions stand for declarations of their types, there is one type of reals, and functions
    hold ops of the core only. It changes nothing. The text of a stage may have come out of an editor; without this,
    passes would rely on what is not so.
  }];
}

def ExposeDetached : Pass<"snn-expose-detached", "::mlir::ModuleOp"> {
  let summary = "make the values that gradients do not flow through visible from outside";
  let description = [{
    A derivative by differences changes detached values too, the true gradient does not. `record` makes each detached
    real that samples have, at a point of a map or as a whole array, an output `detached.K` of the model; `replay` makes
    it an input of that name, used in place of the live value. K counts them in the order of the text, anew in each
    network; the loss goes on after them.
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"record\"", "record or replay">
  ];
  let dependentDialects = ["::snn::SnnDialect", "::snn::core::CoreDialect"];
}

def SplitGroups : Pass<"core-split-groups", "::mlir::ModuleOp"> {
  let summary = "convolutions of groups of channels become one for each group";
  let description = [{
    A contract whose outputs o read channel `(o floordiv K) * I + i` of an image has weights of its own for each group of
    K outputs, which no product of matrices has. It becomes a contract for each group, of slices of the image and of the
    weights, and a map that puts their results side by side; and so do its gradients, if it is not differentiated
    yet. Depthwise ones stay together: loops over channels that lie side by side take less time. So do those of many groups, each
    of which takes a tenth of a second to compile.
  }];
  let options = [
    Option<"mostGroups", "most-groups", "int64_t", "32", "groups of a convolution at most">,
    Option<"leastChannels", "least-channels", "int64_t", "2", "inputs and outputs of a group at least">
  ];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def KeepSpikes : Pass<"snn-keep-spikes", "::mlir::ModuleOp"> {
  let summary = "spikes stay spikes behind a pooling";
  let description = [{
    The largest of spikes is a spike. A fold that takes it of reals gives spikes instead, and so does what only moves them, if
    all who read it can: then products behind it are those of spikes, with the order of their sums, and memory holds
    bits.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def StampModel : Pass<"snn-stamp-model", "::mlir::ModuleOp"> {
  let summary = "give the model a hash by which builds are told apart";
  let description = [{
    FNV-1a over the module's text without locations, as `snn.hash` on `snn.model`. Texts that differ in comments,
    layout or the names of their parameters only have the same hash; other numbers or options have another.
  }];
}

#endif // SNN_MODEL_PASSES_TD
