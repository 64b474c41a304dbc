// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of which A has tiny elements (TinyTerms.h): row by row, by a function that all shapes share.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYROWS_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYROWS_H

#include "compiler/Codegen/Cpu/Kernels/TinyTerms.h"

namespace snn::kernels {

/// Terms [start, end), 64 at most, of one row of A times B.
struct TinyRow {
  Matrix a; ///< the row
  mlir::Value start, end;
  Memory b;
  mlir::Value bStride;
  Memory c;
  mlir::Value columns;
  /// (i1) `first`: C has nothing yet. `carries`: C has the chains so far, and gets them; `first` is not asked then.
  mlir::Value first, carries;

  friend void forEachValue(TinyRow &kernel, EachValue each) {
    forEachValue(kernel.a, each);
    for (Memory *memory : {&kernel.b, &kernel.c})
      forEachValue(*memory, each);
    for (mlir::Value *value :
         {&kernel.start, &kernel.end, &kernel.bStride, &kernel.columns, &kernel.first, &kernel.carries})
      each(*value);
  }
};
void emitTinyRow(Emitter &e, mlir::ModuleOp module, const TinyRow &kernel);

/// The chains of one row of A, 64 terms at most, and some columns of B, side by side: vectors of kLanes.
struct TinyChains {
  Memory a;
  mlir::Value depth;
  Memory b; ///< from the first of the columns on
  mlir::Value bStride;

  friend void forEachValue(TinyChains &kernel, EachValue each) {
    forEachValue(kernel.a, each);
    forEachValue(kernel.b, each);
    each(kernel.depth);
    each(kernel.bStride);
  }
};
Strip emitTinyChains(Emitter &e, mlir::ModuleOp module, const TinyChains &kernel, int64_t vectors);

/// Adds the terms [from, to), one block, of a product to C, which has nothing yet before those from 0 on.
using PlainTerms = std::function<void(const Product &kernel, mlir::Value from, mlir::Value to)>;

/// A product that has one level, some rows at a time: by `plain` where a block of theirs has no tiny element, else row
/// by row.
void emitTinyRows(Emitter &e, mlir::ModuleOp module, const Product &kernel, const PlainTerms &plain);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYROWS_H
