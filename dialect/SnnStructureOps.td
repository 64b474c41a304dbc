// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two ops that carry the design: batch_map (samples are independent) and scan (the only recurrence in time).

#ifndef SNN_STRUCTURE_OPS_TD
#define SNN_STRUCTURE_OPS_TD

include "dialect/SnnAttributes.td"
include "dialect/SnnInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpAsmInterface.td"

def Snn_BatchMapOp : Snn_Op<"batch_map", [IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments,
    SingleBlock, RecursiveMemoryEffects]> {
  let summary = "the same computation for each chunk of a batch";
  let description = [{
    The body sees some samples of the batch: `sharded` operands are cut along the sample dimension, `invariant` ones
    are whole. `concat` results are put together sample by sample, `sum` results are added up over the samples in
    one fixed order. The body holds for any number of samples, so a chunk is any number of them.

    After scheduling, `chunk` is the largest number of samples that the body sees at once, `lanes` the largest number
    of contiguous parts of the batch that are summed on their own, and `lane_samples` the least size of such a part.
    After planning, `arena` is the size of the memory in which a chunk's values lie.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$sharded, Variadic<AnyType>:$invariant,
      OptionalAttr<I64Attr>:$chunk, OptionalAttr<I64Attr>:$lanes, OptionalAttr<I64Attr>:$lane_samples,
      OptionalAttr<Snn_PlaceAttr>:$arena);
  let results = (outs Variadic<AnyRankedTensor>:$concat, Variadic<AnyRankedTensor>:$sum);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `sharded` `(` ($sharded^ `:` type($sharded))? `)` `invariant` `(` ($invariant^ `:` type($invariant))? `)`
    attr-dict `->` (`concat` `(` type($concat)^ `)`)? (`sum` `(` type($sum)^ `)`)? $body
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$concat, "::mlir::TypeRange":$sum, "::mlir::ValueRange":$sharded,
      "::mlir::ValueRange":$invariant), [{
    build($_builder, $_state, concat, sum, sharded, invariant, nullptr, nullptr, nullptr, nullptr);
  }]>];
  let extraClassDeclaration = [{
    MapYieldOp getYield();
    ::mlir::Block::BlockArgListType getShardedArgs();
    ::mlir::Block::BlockArgListType getInvariantArgs();
  }];
}

def Snn_MapYieldOp : Snn_Op<"map_yield", [Terminator, Pure, AttrSizedOperandSegments, HasParent<"BatchMapOp">]> {
  let summary = "the results of a batch_map for its samples";
  let arguments = (ins Variadic<AnyRankedTensor>:$concat, Variadic<AnyRankedTensor>:$sum);
  let assemblyFormat = "`concat` `(` ($concat^ `:` type($concat))? `)` `sum` `(` ($sum^ `:` type($sum))? `)` attr-dict";
  let builders = [OpBuilder<(ins), [{ $_state.addAttribute(getOperandSegmentSizeAttr(), $_builder.getDenseI32ArrayAttr({0, 0})); }]>];
}

def Snn_ScanOp : Snn_Op<"scan", [IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments, SingleBlock,
    RecursiveMemoryEffects, DeclareOpInterfaceMethods<Snn_DifferentiableOpInterface>]> {
  let summary = "one layer of neurons over all time steps";
  let description = [{
    Runs the body once for each time step, first to last, or last to first if `reverse` is set. The body computes on
    `tensor<BxN>`, element by element. Operands: `sliced` ones have a time dimension and give their slice of the step; `invariant` ones
    `tensor<BxN>` are the same at each step; `params` are `tensor<N>` (one value per neuron) or `tensor<real>` and
    the body sees them spread over `tensor<BxN>`; `init` are the carries before the first step. Results: `stacked`
    values of each step, with a time dimension, and the `final` carries.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$sliced, Variadic<AnyRankedTensor>:$invariant,
      Variadic<AnyRankedTensor>:$params, Variadic<AnyRankedTensor>:$init, UnitAttr:$reverse, I64Attr:$neurons);
  let results = (outs Variadic<AnyRankedTensor>:$stacked, Variadic<AnyRankedTensor>:$finals);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`reverse` $reverse^)? `neurons` $neurons
    `sliced` `(` ($sliced^ `:` type($sliced))? `)` `invariant` `(` ($invariant^ `:` type($invariant))? `)`
    `params` `(` ($params^ `:` type($params))? `)` `init` `(` ($init^ `:` type($init))? `)`
    attr-dict `->` (`stacked` `(` type($stacked)^ `)`)? (`final` `(` type($finals)^ `)`)? $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ScanYieldOp getYield();
    ::mlir::Block::BlockArgListType getSlicedArgs();
    ::mlir::Block::BlockArgListType getInvariantArgs();
    ::mlir::Block::BlockArgListType getParamArgs();
    ::mlir::Block::BlockArgListType getCarryArgs();
  }];
}

def Snn_ScanYieldOp : Snn_Op<"scan_yield", [Terminator, Pure, AttrSizedOperandSegments, HasParent<"ScanOp">]> {
  let summary = "what a step stacks, and its carries for the next step";
  let arguments = (ins Variadic<AnyRankedTensor>:$stacked, Variadic<AnyRankedTensor>:$next);
  let assemblyFormat = "`stacked` `(` ($stacked^ `:` type($stacked))? `)` `next` `(` ($next^ `:` type($next))? `)` attr-dict";
  let builders = [OpBuilder<(ins), [{ $_state.addAttribute(getOperandSegmentSizeAttr(), $_builder.getDenseI32ArrayAttr({0, 0})); }]>];
}

#endif // SNN_STRUCTURE_OPS_TD
