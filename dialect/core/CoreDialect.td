// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The core of the middle: a type for values, the order of sums as an attribute, and what scalar bodies may hold.

#ifndef SNN_CORE_DIALECT_TD
#define SNN_CORE_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Core_Dialect : Dialect {
  let name = "core";
  let cppNamespace = "::snn::core";
  let summary = "five ops that know elements, reductions, products, time and samples";
  let description = [{
    Everything that a network computes, forward and backward, loss and update, is made of `map`, `fold`, `contract` and
    `scan`, with scalar bodies of `arith` and `math`. What is semantics stands in attributes: which element is read and
    written (affine maps), and in which order numbers are added (`#core.order`).
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def Core_ArrayType : TypeDef<Core_Dialect, "Array"> {
  let mnemonic = "array";
  let summary = "a value with marked time and sample extents";
  let description = [{
    `!core.array<time x sample x 500 x f32>`: each extent is a number, `time` (the steps of the call) or `sample` (the
    samples at hand: the batch in a function, a chunk of it in a batch_map). Each of the two occurs at most once. An
    array without extents, `!core.array<f64>`, is one number.

    Elements are reals (f32 or f64), spikes (i1: a bit each; they lie in memory only once they are packed), bytes (ui8,
    from the host), positions (i32, of the winner of a fold) or labels (i64, from the host).
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` custom<TypedExtents>($shape, $elementType) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kSample = -1;
    static constexpr int64_t kTime = -2;

    int64_t getRank() const { return getShape().size(); }
    /// Where the time or sample extent is, or -1.
    int64_t timeDim() const { return dimOf(kTime); }
    int64_t sampleDim() const { return dimOf(kSample); }
    int64_t dimOf(int64_t extent) const;
    /// What a scalar body sees of one element: bytes are i8 there, as arithmetic has no signs in its types.
    ::mlir::Type scalarType() const;
    ArrayType withElement(::mlir::Type element) const;
    /// Without the time extent, which must be the first.
    ArrayType atOneStep() const;
    ArrayType overTime() const;
  }];
}

def Core_CheckpointsType : TypeDef<Core_Dialect, "Checkpoints"> {
  let mnemonic = "checkpoints";
  let summary = "an array for each segment of time";
  let description = [{
    `!core.checkpoints<sample x 128 x f32>`: what a carry was before the first step of each segment (`core.segments`).
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` custom<TypedExtents>($shape, $elementType) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static CheckpointsType of(ArrayType array);
    /// That of one segment.
    ArrayType getArray() const;
  }];
}

def Core_OrderAttr : AttrDef<Core_Dialect, "Order"> {
  let mnemonic = "order";
  let summary = "the order in which the terms of a sum are added";
  let description = [{
    Terms are taken in the order of the op's `along` dims, the last one fastest; the time dim descends if `descending`. Each
    has a position, which an absent term keeps. `docs/summation.md` has the reasons for the numbers.

    * `group` consecutive positions make a group: the sum of its terms from +0. A group of one is its term.
    * `block` consecutive positions make a block: a chain from +0, of fused multiply-adds of a contract's terms (in groups of
      one and one lane; else products are rounded before they are added) or of additions of groups.
    * The sums of `level` blocks, each added to +0 in ascending order, make one term of the next level, and so on. What is
      not full in the end goes up as it is.
    * With `lanes` > 1, position i belongs to chain i mod `lanes`; each has blocks and levels of its own, and the
      chains are added as a halving tree (i + lanes/2 onto i, and so on).
    * Sums over samples: samples come first, then time, which descends, then the rest, P positions of a step. Groups and blocks
      start anew with each run, the shortest of these with at least `run` terms: one step of one sample; W steps of it, W a
      power of two, counted from the first one that is taken; R samples, R a power of two. A shorter run is left at the
      end of a sample or of a part. T, the number of steps, is 1 if time is not summed.
    * The batch of N samples is cut into p parts: the largest power of two, at most `parts`, that leaves N T P / p terms
      of at least `part`; halved until each of the U units (a sample, or R of them) is in a part. Part i has the units
      from floor(i U / p) to floor((i + 1) U / p), and levels of its own. Parts are added in pairs of neighbours, then the
      pairs in pairs.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "1">:$group, DefaultValuedParameter<"int64_t", "64">:$block,
      DefaultValuedParameter<"int64_t", "64">:$level, DefaultValuedParameter<"int64_t", "1">:$lanes,
      DefaultValuedParameter<"int64_t", "0">:$run, DefaultValuedParameter<"int64_t", "1">:$parts,
      DefaultValuedParameter<"int64_t", "1">:$part, DefaultValuedParameter<"bool", "false">:$descending);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Core_FoldKind : I32EnumAttr<"FoldKind", "how terms are put together", [
    I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Max", 1, "max">, I32EnumAttrCase<"Min", 2, "min">]> {
  let cppNamespace = "::snn::core";
  let genSpecializedAttr = 0;
}
def Core_FoldKindAttr : EnumAttr<Core_Dialect, Core_FoldKind, "fold_kind">;

def Core_Kernel : I32EnumAttr<"Kernel", "how a contract is computed; the bits are the same for each", [
    I32EnumAttrCase<"Loops", 0, "loops">, I32EnumAttrCase<"Dense", 1, "dense">, I32EnumAttrCase<"Spikes", 2, "spikes">,
    I32EnumAttrCase<"DenseGradient", 3, "dense_gradient">, I32EnumAttrCase<"SpikeGradient", 4, "spike_gradient">,
    I32EnumAttrCase<"Overlap", 5, "overlap">, I32EnumAttrCase<"Sparse", 6, "sparse">,
    I32EnumAttrCase<"SparseGradient", 7, "sparse_gradient">, I32EnumAttrCase<"Gather", 8, "gather">,
    I32EnumAttrCase<"HeldSpikes", 9, "held_spikes">, I32EnumAttrCase<"Lanes", 10, "lanes">]> {
  let cppNamespace = "::snn::core";
  let genSpecializedAttr = 0;
}
def Core_KernelAttr : EnumAttr<Core_Dialect, Core_Kernel, "kernel"> {
  let assemblyFormat = "`<` $value `>`";
}

def Core_PlaceAttr : AttrDef<Core_Dialect, "Place"> {
  let mnemonic = "place";
  let summary = "where a value lies in an arena";
  let description = [{
    Bytes from the start of the arena: `fixed + steps * T + samples * S + rows * S * T + segments * S * G`, with T the
    steps of the call, S the samples at hand, a chunk of them in a batch_map, where the arena is the worker's, else the
    batch, and G the segments into which time is cut. Within a segment T is the steps of the longest one.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "0">:$fixed, DefaultValuedParameter<"int64_t", "0">:$steps,
      DefaultValuedParameter<"int64_t", "0">:$samples, DefaultValuedParameter<"int64_t", "0">:$rows,
      DefaultValuedParameter<"int64_t", "0">:$segments);
  let assemblyFormat = "`<` struct(params) `>`";
}

class Core_Op<string mnemonic, list<Trait> traits = []> : Op<Core_Dialect, mnemonic, traits>;

#endif // SNN_CORE_DIALECT_TD
