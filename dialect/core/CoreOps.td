// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ops of the core.

#ifndef SNN_CORE_OPS_TD
#define SNN_CORE_OPS_TD

include "dialect/core/CoreDialect.td"
include "dialect/core/CoreInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Core_RealArray : ConfinedType<Core_ArrayType,
    [CPred<"::llvm::cast<::snn::core::ArrayType>($_self).getElementType().isFloat()">], "array of reals">;
def Core_RealOrSpikeArray : ConfinedType<Core_ArrayType, [CPred<
    "::llvm::isa<::mlir::FloatType>(::llvm::cast<::snn::core::ArrayType>($_self).getElementType()) || "
    "::llvm::cast<::snn::core::ArrayType>($_self).getElementType().isInteger(1)">], "array of reals or spikes">;

/// `own` are methods of IndexedOpInterface that are not as usual.
class Core_Indexed<string mnemonic, list<Trait> traits = [], list<string> own = []> : Core_Op<mnemonic,
    !listconcat([Pure, DeclareOpInterfaceMethods<Core_IndexedOpInterface, own>], traits)>;

/// An op with a scalar body: an argument for each input.
class Core_WithBody<string mnemonic, list<string> own = []> :
    Core_Indexed<mnemonic, [IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">], own> {
  let regions = (region SizedRegion<1>:$body);
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
}

def Core_MapOp : Core_WithBody<"map", ["getWriteMaps", "mayReadOutside"]> {
  let summary = "computes elements";
  let description = [{
    The body sees one element of each input and yields one for each result. What no point writes is +0. A read outside
    of an input gives its entry in `absent`; without one, no read may be outside.

    ```mlir
    %y = core.map over [time, sample, 500] reads(%x, %b : !core.array<time x sample x 500 x f32>, !core.array<500 x f32>)
        by [affine_map<(t, s, n) -> (t, s, n)>, affine_map<(t, s, n) -> (n)>]
        writes [affine_map<(t, s, n) -> (t, s, n)>] -> !core.array<time x sample x 500 x f32> {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %a, %c : f32
      core.yield %s : f32
    }
    ```
  }];
  let arguments = (ins Variadic<Core_ArrayType>:$inputs, DenseI64ArrayAttr:$domain, AffineMapArrayAttr:$reads,
      AffineMapArrayAttr:$writes, OptionalAttr<ArrayAttr>:$absent);
  let results = (outs Variadic<Core_ArrayType>:$outputs);
  let assemblyFormat = [{
    `over` custom<Extents>($domain) `reads` `(` ($inputs^ `:` type($inputs))? `)` `by` $reads `writes` $writes
    attr-dict `->` type($outputs) $body
  }];
  let builders = [
    // `absent` may be null. `body` gets one scalar for each input and returns one for each result.
    OpBuilder<(ins "::mlir::TypeRange":$outputs, "::mlir::ValueRange":$inputs, "::llvm::ArrayRef<int64_t>":$domain,
        "::llvm::ArrayRef<::mlir::AffineMap>":$reads, "::llvm::ArrayRef<::mlir::AffineMap>":$writes,
        "::mlir::ArrayAttr":$absent, "::snn::core::BodyBuilder":$body)>,
    // Element by element: inputs of the result's shape.
    OpBuilder<(ins "::snn::core::ArrayType":$output, "::mlir::ValueRange":$inputs, "::snn::core::BodyBuilder":$body)>];
  let extraClassDeclaration = [{
    /// Whether it gives each point the element that its only input has there, and nothing else.
    bool onlyMoves();
  }];
}

def Core_FoldOp : Core_WithBody<"fold"> {
  let summary = "reduces terms: adds them, or finds the first largest or smallest";
  let description = [{
    The body yields a term for each point; all terms that belong to one element of the result are put together. A point
    that reads outside of an input has no term. `add` follows `order`, which the stage bptt sets. `max` and `min` take
    the first of equal terms and have a second result, the winner's position: its number in row-major order of the `along`
    dims, or -1 where no point has a term and the value is the infinity that loses to everything. The largest of spikes
    may be a spike: it is one if any of them is. Only the first of these
    dims may be time or the sample, so that the number does not depend on how many there are.
  }];
  let arguments = (ins Core_FoldKindAttr:$kind, Variadic<Core_ArrayType>:$inputs, DenseI64ArrayAttr:$domain,
      DenseI64ArrayAttr:$along, AffineMapArrayAttr:$reads, AffineMapAttr:$write, OptionalAttr<Core_OrderAttr>:$order);
  let results = (outs Core_RealOrSpikeArray:$value, Optional<Core_ArrayType>:$winner);
  let assemblyFormat = [{
    $kind `over` custom<Extents>($domain) `along` $along `reads` `(` ($inputs^ `:` type($inputs))? `)` `by` $reads
    `writes` $write (`order` $order^)? attr-dict `->` type($value) (`winner` type($winner)^)? $body
  }];
  let builders = [
    // A sum without an order yet.
    OpBuilder<(ins "::mlir::Type":$value, "::mlir::ValueRange":$inputs, "::llvm::ArrayRef<int64_t>":$domain,
        "::llvm::ArrayRef<int64_t>":$along, "::llvm::ArrayRef<::mlir::AffineMap>":$reads, "::mlir::AffineMap":$write,
        "::snn::core::BodyBuilder":$body)>];
}

def Core_ContractOp : Core_Indexed<"contract"> {
  let summary = "sums of products";
  let description = [{
    Each element of the result is the sum of the products of all points that write to it. A point that reads outside of
    an operand or writes outside of the result has no term. A spike (i1) as a factor selects the other
    factor; a byte (ui8) is a real. Linear layers and convolutions, their gradients to inputs and weights are this op with maps in other roles.

    ```mlir
    %h = core.contract over [sample, 128, 784] along [2] %x, %w by [affine_map<(s, o, i) -> (s, i)>, affine_map<(s, o, i) -> (o, i)>]
        writes affine_map<(s, o, i) -> (s, o)> order <>
        : !core.array<sample x 784 x f32>, !core.array<128 x 784 x f32> -> !core.array<sample x 128 x f32>
    ```
  }];
  let arguments = (ins Core_ArrayType:$lhs, Core_ArrayType:$rhs, DenseI64ArrayAttr:$domain, DenseI64ArrayAttr:$along,
      AffineMapArrayAttr:$reads, AffineMapAttr:$write, OptionalAttr<Core_OrderAttr>:$order);
  let results = (outs Core_RealArray:$result);
  let assemblyFormat = [{
    `over` custom<Extents>($domain) `along` $along $lhs `,` $rhs `by` $reads `writes` $write (`order` $order^)?
    attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
  let builders = [
    // A sum without an order yet.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$lhs, "::mlir::Value":$rhs, "::llvm::ArrayRef<int64_t>":$domain,
        "::llvm::ArrayRef<int64_t>":$along, "::mlir::AffineMap":$lhsRead, "::mlir::AffineMap":$rhsRead,
        "::mlir::AffineMap":$write)>];
}

/// An op of arrays whose body is a block of ops on arrays.
class Core_Nest<string mnemonic, string terminator> : Core_Op<mnemonic, [IsolatedFromAbove, AttrSizedOperandSegments,
    AttrSizedResultSegments, SingleBlockImplicitTerminator<terminator>, RecursiveMemoryEffects]> {
  let regions = (region SizedRegion<1>:$body);
  let hasRegionVerifier = 1;
}

/// The end of its body, of one of its two groups of results each.
class Core_NestEnd<string mnemonic, string parent> :
    Core_Op<mnemonic, [Terminator, Pure, AttrSizedOperandSegments, HasParent<parent>]> {
  let builders = [OpBuilder<(ins), "build($_builder, $_state, ::mlir::ValueRange(), ::mlir::ValueRange());">];
}

def Core_ScanOp : Core_Nest<"scan", "StepOp"> {
  let summary = "one step after the other";
  let description = [{
    Runs the body once for each time step, first to last, or last to first if `reverse` is set. Operands: `sliced` ones
    have time as their first extent and give their slice of the step; `invariant` ones are the same at each step; `init` are
    the carries before the first step. Results: `stacked` values of each step, and the carries after the last one.
    The state that a step starts from is stacked by yielding the carry's own argument.
  }];
  let arguments = (ins Variadic<Core_ArrayType>:$sliced, Variadic<Core_ArrayType>:$invariant,
      Variadic<Core_ArrayType>:$init, UnitAttr:$reverse);
  let results = (outs Variadic<Core_ArrayType>:$stacked, Variadic<Core_ArrayType>:$finals);
  let assemblyFormat = [{
    (`reverse` $reverse^)? `sliced` `(` ($sliced^ `:` type($sliced))? `)`
    `invariant` `(` ($invariant^ `:` type($invariant))? `)` `init` `(` ($init^ `:` type($init))? `)`
    attr-dict `->` (`stacked` `(` type($stacked)^ `)`)? (`final` `(` type($finals)^ `)`)? $body
  }];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    StepOp getYield();
    ::mlir::Block::BlockArgListType getSlicedArgs();
    ::mlir::Block::BlockArgListType getInvariantArgs();
    ::mlir::Block::BlockArgListType getCarryArgs();
  }];
}

def Core_StepOp : Core_NestEnd<"step", "ScanOp"> {
  let summary = "what a step stacks, and the carries for the next one";
  let arguments = (ins Variadic<Core_ArrayType>:$stacked, Variadic<Core_ArrayType>:$next);
  let assemblyFormat = "`stacked` `(` ($stacked^ `:` type($stacked))? `)` `next` `(` ($next^ `:` type($next))? `)` attr-dict";
}

def Core_BatchMapOp : Core_Nest<"batch_map", "PartsOp"> {
  let summary = "a phase: the same computation for each chunk of a batch";
  let description = [{
    The body sees some samples of the batch: `sharded` operands have a sample extent and are cut along it, `invariant` ones
    have none and are whole. `concat` results are put together sample by sample; `sum` results are those that the body
    reduces over samples, in the order that the reducing op states for the whole batch. The body holds for any
    number of samples, so a chunk is any multiple of the largest unit of its sums (`#core.order`). Positions of samples count
    in the batch, also within the body. Stands in no text before `loops`.
  }];
  let arguments = (ins Variadic<Core_ArrayType>:$sharded, Variadic<Core_ArrayType>:$invariant);
  let results = (outs Variadic<Core_ArrayType>:$concat, Variadic<Core_ArrayType>:$sum);
  let assemblyFormat = [{
    `sharded` `(` ($sharded^ `:` type($sharded))? `)` `invariant` `(` ($invariant^ `:` type($invariant))? `)`
    attr-dict `->` (`concat` `(` type($concat)^ `)`)? (`sum` `(` type($sum)^ `)`)? $body
  }];
  let extraClassDeclaration = [{
    PartsOp getYield();
  }];
}

def Core_PartsOp : Core_NestEnd<"parts", "BatchMapOp"> {
  let summary = "the results of a phase for its samples";
  let arguments = (ins Variadic<Core_ArrayType>:$concat, Variadic<Core_ArrayType>:$sum);
  let assemblyFormat = "`concat` `(` ($concat^ `:` type($concat))? `)` `sum` `(` ($sum^ `:` type($sum))? `)` attr-dict";
}

def Core_ArrayOrCheckpoints : AnyTypeOf<[Core_ArrayType, Core_CheckpointsType]>;

def Core_SegmentsOp : Core_Op<"segments", [IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments,
    SingleBlockImplicitTerminator<"SegmentOp">, RecursiveMemoryEffects, HasParent<"BatchMapOp">]> {
  let summary = "one segment of time after the other";
  let description = [{
    Runs the body once for each segment of time, first to last, or last to first if `reverse` is set. In the body time is the
    steps of the segment; it holds for any number of them, and its ops read and write the step that they are at, but for
    scans, which go from one to the next. Segments have `length` steps and end at multiples of it, counted from the last step:
    the first one may be shorter. Without a length (before `core-choose-segments`) there is one segment.

    Operands: `cut` ones have a time extent or are checkpoints and give their part; `invariant` ones are the same in each
    segment; `init` are the carries before the first segment that runs. Results: `stacked` values, those with time put
    together, of others the one of each segment (`!core.checkpoints`); `sum` results, which an op of the body reduces over
    time, in the order that it states for all of time; and the carries after the last segment.

    A carry's argument that is stacked is a checkpoint: from it a second op computes a segment again, as backpropagation needs
    it. Stands in no text before `loops`, and in phases.
  }];
  let arguments = (ins Variadic<Core_ArrayOrCheckpoints>:$cut, Variadic<Core_ArrayType>:$invariant,
      Variadic<Core_ArrayType>:$init, UnitAttr:$reverse, OptionalAttr<I64Attr>:$length);
  let results = (outs Variadic<Core_ArrayOrCheckpoints>:$stacked, Variadic<Core_ArrayType>:$sum,
      Variadic<Core_ArrayType>:$finals);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`reverse` $reverse^)? (`of` $length^)? `cut` `(` ($cut^ `:` type($cut))? `)`
    `invariant` `(` ($invariant^ `:` type($invariant))? `)` `init` `(` ($init^ `:` type($init))? `)`
    attr-dict `->` (`stacked` `(` type($stacked)^ `)`)? (`sum` `(` type($sum)^ `)`)? (`final` `(` type($finals)^ `)`)? $body
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    SegmentOp getYield();
    ::mlir::Block::BlockArgListType getCutArgs();
    ::mlir::Block::BlockArgListType getInvariantArgs();
    ::mlir::Block::BlockArgListType getCarryArgs();
  }];
}

def Core_SegmentOp : Core_Op<"segment", [Terminator, Pure, AttrSizedOperandSegments, HasParent<"SegmentsOp">]> {
  let summary = "what a segment gives, and the carries for the next one";
  let arguments = (ins Variadic<Core_ArrayType>:$stacked, Variadic<Core_ArrayType>:$sum, Variadic<Core_ArrayType>:$next);
  let assemblyFormat = [{
    `stacked` `(` ($stacked^ `:` type($stacked))? `)` `sum` `(` ($sum^ `:` type($sum))? `)`
    `next` `(` ($next^ `:` type($next))? `)` attr-dict
  }];
  let builders = [
    OpBuilder<(ins), "build($_builder, $_state, ::mlir::ValueRange(), ::mlir::ValueRange(), ::mlir::ValueRange());">];
  let extraClassDeclaration = [{
    /// What the operand of that number is; results of core.segments are in the same order.
    bool isStacked(unsigned operand) { return operand < getStacked().size(); }
    bool isSum(unsigned operand) {
      return !isStacked(operand) && operand < getStacked().size() + getSum().size();
    }
  }];
}

def Core_InBody : ParentOneOf<["MapOp", "FoldOp", "CustomVjpOp"]>;

def Core_YieldOp : Core_Op<"yield", [Terminator, Pure, Core_InBody]> {
  let summary = "what a body computes at a point, or a region of core.custom_vjp gives";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), "build($_builder, $_state, ::mlir::ValueRange());">];
}

def Core_IndexOp : Core_Op<"index", [Pure, Core_InBody]> {
  let summary = "where a point is along a dim";
  let description = [{
    The point's coordinate along a dim of the domain. `time` counts from the first step that the state has seen, so that
    a call that goes on from a state goes on counting; it may stand in any body, also of a scan.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntMinValue<-2>]>:$dim);
  let results = (outs I64:$result);
  let assemblyFormat = "custom<Coordinate>($dim) attr-dict";
}

def Core_RandomOp : Core_Op<"random", [Pure, Core_InBody]> {
  let summary = "a number from [0, 1), the same for the same point in each run";
  let description = [{
    Philox4x32-10 under the call's seed, counted by purpose, epoch, the sample's number, the step and the element: the
    point's number in row-major order of the domain without time and sample. `test/oracle/Random.h` defines the layout.
    Numbers do not depend on the order of samples in a batch, on chunks or threads. `per_sample` numbers are the same at
    each step.
  }];
  let arguments = (ins I64Attr:$purpose, UnitAttr:$per_sample);
  let results = (outs AnyTypeOf<[F32, F64]>:$result);
  let assemblyFormat = "$purpose (`per_sample` $per_sample^)? attr-dict `:` type($result)";
}

def Core_DetachOp : Core_Op<"detach", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "the value, without its gradient";
  let description = "Stands in no text after bptt.";
  let arguments = (ins AnyType:$input);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Core_CustomVjpOp : Core_Op<"custom_vjp", [RecursiveMemoryEffects, IsolatedFromAbove,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a value that states its own derivative";
  let description = [{
    `value` computes the results from the operands. `vjp` computes the gradient of each operand from the operands, the
    results and the gradients of the results, in this order. A spike has a gradient of the real type. Stands in no text
    after bptt.

    ```mlir
    %s = core.custom_vjp(%v) : (f32) -> i1 value {
    ^bb0(%v0: f32):
      ...
      core.yield %fires : i1
    } vjp {
    ^bb0(%v1: f32, %result: i1, %grad: f32):
      ...
      core.yield %dv : f32
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$value, SizedRegion<1>:$vjp);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) `value` $value `vjp` $vjp
  }];
  let hasRegionVerifier = 1;
}

#endif // SNN_CORE_OPS_TD
