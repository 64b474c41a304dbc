// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `loops` for CPUs: they decide how, when and where everything happens.

#ifndef SNN_SCHEDULE_CPU_PASSES_TD
#define SNN_SCHEDULE_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

// How large a call is where the model does not say.
class Core_SchedulePass<string name> : Pass<name, "::mlir::ModuleOp"> {
  let dependentDialects = ["::snn::core::CoreDialect"];
}
defvar CallSizeOptions = [
  Option<"batch", "batch", "int64_t", "128", "samples of a call, if no snn.model says it">,
  Option<"steps", "steps", "int64_t", "100", "steps of a call, if no snn.model says it; at most so many if they are open">
];

def CutWeights : Core_SchedulePass<"core-cut-weights"> {
  let summary = "give contracts with a part of the weights that part alone";
  let description = [{
    A layer over several inputs together, as a convolution of input and state, has weights of which each contract reads a
    part, and a gradient of which each contract writes one. Kernels want whole arrays: the part is copied first, and
    gradients of parts are put among zeros. Comes before all passes that look for products.
  }];
}

def UnfoldWindows : Core_SchedulePass<"core-unfold-windows"> {
  let summary = "make products of matrices of sums over windows";
  let description = [{
    A convolution, its gradient to the weights, and that to the input, which is a sum over windows of the errors: each
    place of a sample and step becomes a row of a product, with columns in whole vectors. Windows of reals are read where they
    lie, in an image that zeros surround where that is needed (and lie between errors that strides left apart); windows of
    spikes are copied into rows of bits. The gradient to the input may also be an overlap: a row for each place of the
    errors, written over its window, if that is less work or errors are mostly zero, as behind a max pooling. The order of each sum stays. Other contracts, as of depthwise convolutions, stay as they
    are.
  }];
}

def TurnChannels : Core_SchedulePass<"core-turn-channels"> {
  let summary = "put channels last where each has weights of its own";
  let description = [{
    Depthwise convolutions are loops, of which lanes are channels: what they read and give gets channels as the last
    extent, and images get zeros around them. Comes after `core-unfold-windows`, which makes products of the others.
  }];
}

def OrderExtents : Pass<"core-order-extents", "::mlir::func::FuncOp"> {
  let summary = "choose the order in which extents lie in memory";
  let description = [{
    Products give and take rows of channels, so what comes between two of them has channels last as well, if maps, folds and
    scans then find the elements of a vector side by side: types, maps and domains are permuted. What the host gives and gets keeps
    its order, and so do copies of spikes for kernels: they are given copies. Comes after maps are fused, which leaves out most copies.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
}

def MarkWholeBatch : Core_SchedulePass<"core-mark-whole-batch"> {
  let summary = "decide which sums over samples are made between the phases";
  let description = [{
    The parts of a phase's sums are its tasks, so all of them must fall into the same runs and parts: they agree in the
    number of terms per sample, or each sample is a run of both and their parts are as many in a call of the planned size. Of each phase the sums that cost most stay, if they have enough parts; the others are marked
    `core.whole_batch`. Comes before `core-form-phases`.
  }];
  let options = CallSizeOptions # [
    Option<"minParts", "min-parts", "int64_t", "4", "parts that a phase's sums have at least">
  ];
}

def ChooseKernels : Core_SchedulePass<"core-choose-kernels"> {
  let summary = "choose how each contract is computed";
  let description = [{
    `core.kernel`: products of matrices whose rows are samples and steps have kernels, for real factors and for spikes; other
    contracts are loops. Kernels want the columns of a product contiguous. Weights lie with their outputs contiguous, which
    dx = dy W reads across: it gets a copy, before all scans in which the weight is the same at each step.
    What the host gives is mostly zero in images and events: products with it, or with windows of it, go by what is not zero, if
    their code finds few enough (`sparse`), else they are dense. `core.panels`: a dense product has large weights, of which its kernel
    copies strips next to each other, if it has rows enough.
  }];
  let options = CallSizeOptions # [
    Option<"sparseColumns", "sparse-columns", "int64_t", "32",
           "how many multiply-adds of an element a product has at least that looks for zeros: columns, or those of all "
           "windows; 0: none does">,
    // Rows that lie far apart in so much memory are no longer in a cache when the next rows of samples want them.
    Option<"largeMatrix", "large-matrix", "int64_t", "1048576",
           "bytes of a dense product's weights beyond which strips of them are copied for all rows; 0: none are">
  ];
}

def SplitStill : Core_SchedulePass<"core-split-still"> {
  let summary = "let products with large weights that are the same at all steps run before";
  let description = [{
    A chunk of a phase with steps has few samples, as it has many values of each. A product that does not vary over time, of images say,
    would read its weights again for each chunk, from memory if they are larger than the cache. It gets a phase of its own before, with what it
    is computed of, whose chunks have more samples. What it gives stays for the whole batch. Not where memory is limited. Comes
    after `core-form-phases`.
  }];
  let options = [
    Option<"cacheBytes", "cache-bytes", "int64_t", "0",
           "weights that are larger leave the cache; 0: the module's `snn.cache_bytes` (1 MiB without one)">
  ];
}

def RecomputeValues : Pass<"core-recompute-values", "::mlir::func::FuncOp"> {
  let summary = "compute again what would have to stay from phase to phase";
  let description = [{
    What a phase gives to a later one is in memory for the whole batch: with batch norm the spikes, membranes, winners of pooling and
    windows of each layer. The later phase computes it again, if maps, small folds and scans that run lane by lane make it of what
    stays anyway, or of one value that may stay longer in its place: the error behind a factor for each channel, instead of the
    product. So do sums between the phases, with a map. Comes after `core-form-phases`.
  }];
  let dependentDialects = ["::snn::core::CoreDialect"];
  let options = [
    Option<"leastBytes", "least-bytes", "int64_t", "512",
           "what a sample and step of a value take at least to be computed again; -1: none is">
  ];
}

def LoadInputs : Core_SchedulePass<"core-load-inputs"> {
  let summary = "copy what the host gives into rows";
  let description = [{
    The host's memory may have any strides. Each phase copies what it reads of it by an identity map marked
    `core.load`, which is also where inputs are checked. What stands between phases reads a phase's copy.
  }];
}

def SegmentTime : Core_SchedulePass<"core-segment-time"> {
  let summary = "let phases go through time in segments";
  let description = [{
    Where the module has a `snn.memory_limit` and a function takes more for a call of the model's batch with one worker, its phases with
    scans become `core.segments`. A forward pass keeps the carries at the
    start of each segment; a backward pass goes over the segments from the last to the first, computes what it reads of a
    segment again, then the reverse scans, and takes up the sums over time. What does not keep to its step, and terms of sums
    that the backward pass waits for, stay for all of time. A phase whose passes would follow each other in another way
    stays as it is. The order of each sum stays.
  }];
  let options = CallSizeOptions;
}

def SinkProducts : Core_SchedulePass<"core-sink-products"> {
  let summary = "let scans compute products of few terms themselves";
  let description = [{
    A product of a step's values with few rows of weights, such as the errors of ten outputs with their weights, takes less time than to
    write what it gives and to read it again. Where a scan alone reads it, lane by lane, it comes into the scan with the kernel `lanes`:
    each lane adds up its own sum. Comes after all that looks for products outside of scans.
  }];
  let options = CallSizeOptions # [
    Option<"mostTerms", "most-terms", "int64_t", "16", "terms that a sum has at most">
  ];
}

def SumInScans : Core_SchedulePass<"core-sum-in-scans"> {
  let summary = "let scans add up what they make";
  let description = [{
    What is the same at all steps has a gradient that is a sum over time. Where it sums what a scan makes lane by lane, in the order in which
    it makes it, and nobody else reads that, the scan carries the sum, and the values of each step
    are not written. Where a call has at most one block of steps, 64.
  }];
}

def MarkViews : Core_SchedulePass<"core-mark-views"> {
  let summary = "find maps that move nothing";
  let description = [{
    A map that gives each element the position in memory that it has already, as flattening does, is marked `core.view`. So are
    copies of weights that lie in the host's memory as a kernel reads them, in models that do not train.
  }];
}

def ShareMaps : Core_SchedulePass<"core-share-maps"> {
  let summary = "decide which maps of weights all workers compute";
  let description = [{
    What stands between phases is one worker's work, but for sums. A large map of weights alone, such as a turned copy of
    them, gets `core.task_rows`: so many rows of its result, along the first extent, are a task. Each must be computed by itself from what was
    there before the function. Comes after `core-mark-views`, as a view computes nothing.
  }];
  let options = [
    Option<"taskElements", "task-elements", "int64_t", "16384", "elements of a result that one task computes; 0: all">
  ];
}

def MarkWanted : Core_SchedulePass<"core-mark-wanted"> {
  let summary = "find what is computed for some outputs only";
  let description = [{
    The host asks for outputs by name. `core.wanted` has for each result of an op the outputs for which alone it is computed, or
    `unit` if it is always needed. Ops without the attribute are always needed.
  }];
}

def ChooseChunk : Core_SchedulePass<"core-choose-chunk"> {
  let summary = "choose how many samples run together";
  let description = [{
    `core.chunk`: the largest power of two for which the values of a phase that are alive at the same time fit into a second-level
    cache, or nearly. Where each step of a
    scan multiplies by matrices, a chunk has more samples than that if the matrices that are read are more than the values:
    the samples of a chunk are the rows of a step, and share what is read. So do those of products with weights that come from beyond
    the cache, for each chunk or, in a scan, at each step: as long as these are more than twice the values, a chunk grows, in the second case
    also beyond the parts of sums (`core.joins_parts`); not where memory has a limit. Chunks do not change the order of any sum.
  }];
  let options = CallSizeOptions # [
    Option<"cacheBytes", "cache-bytes", "int64_t", "0",
           "what the values of a chunk may take; 0: a quarter more than the module's `snn.cache_bytes` (of 1 MiB without one)">,
    // Each chunk reads and writes the sums once; beyond this many samples that no longer shows.
    Option<"maxChunk", "max-chunk", "int64_t", "64", "samples of a chunk at most">,
    Option<"stepRows", "step-rows", "int64_t", "8",
           "samples of a chunk at least where steps read more of matrices than a sample has values; 1: as elsewhere">
  ];
}

def HoldTables : Core_SchedulePass<"core-hold-tables"> {
  let summary = "choose which products in scans hold tables of their weights";
  let description = [{
    A product with spikes at each step of a scan has as many rows as there are samples in a chunk, and tables of partial sums made
    for so few cost more than they save. The weights are the same at each step: with the kernel `held_spikes` the tables of all of them are
    made when a step first wants them, and held as long as the scan runs, in memory of the worker. So with several samples and steps, if the
    tables of a scan do not take too much, and no limit of memory is given. Comes after `core-choose-chunk`.
  }];
  let options = CallSizeOptions # [
    Option<"mostBytes", "most-bytes", "int64_t", "-1",
           "what the tables of a scan may take; -1: five times the module's `snn.cache_bytes` (1 MiB without one)">
  ];
}

def PlanArena : Core_SchedulePass<"core-plan-arena"> {
  let summary = "give every value its place";
  let description = [{
    Functions and phases are straight-line code: values whose lifetimes do not overlap may share a place, and what a map or scan reads
    for the last time, element by element where it writes, is overwritten. `core.places`
    has an entry for each result of an op, `unit` if it needs none, and one for its scratch memory if it needs some.
    `core.arena` is the size of the whole, for a function (its samples are the batch) and for a phase (a chunk).
  }];
  let options = !listconcat(CallSizeOptions, [
    Option<"inPlace", "in-place", "bool", "true", "compute values in place of what they are made of">]);
}

def ChooseSegments : Core_SchedulePass<"core-choose-segments"> {
  let summary = "choose how many steps a segment of time has";
  let description = [{
    The largest multiple of 64 steps for which a call of the model's batch, with as many steps as a call may have and one
    worker, takes no more than `snn.memory_limit`; if there is none, the one with which it takes least. Blocks of sums over time
    have 64 positions, so that they end where segments do.
  }];
  let options = CallSizeOptions;
}

def CheckPlan : Core_SchedulePass<"core-check-plan"> {
  let summary = "check places that may come from an editor";
  let description = [{
    Each value that needs a place has one, aligned, within its arena, and apart from the places of all values that are alive
    at the same time, for any number of steps that the model allows and for any number of samples.
  }];
}

#endif // SNN_SCHEDULE_CPU_PASSES_TD
