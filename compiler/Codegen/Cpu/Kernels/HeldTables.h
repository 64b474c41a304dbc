// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with spikes at each step of a scan: few rows at a time, and the same weights all the time. Tables of all
// weights are made once, and wait in a cache.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_HELDTABLES_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_HELDTABLES_H

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

namespace snn::kernels {

/// Strip by strip, each of which lies there group by group, entry by entry.
class HeldTables {
public:
  HeldTables(Emitter &e, const Product &kernel, Memory tables);

  void fill();
  /// All rows, kHeldRows at a time: what they read of a table is read once from the cache where it waits.
  void lookUp();

private:
  static constexpr int64_t kEntries = 16;

  /// In strips of which a tile of rows has its chains in registers.
  void forColumns(const std::function<void(mlir::Value column, int64_t vectors)> &emit);
  mlir::Value tableAt(mlir::Value column, mlir::Value group, int64_t vectors);
  Strip sumBlock(llvm::ArrayRef<mlir::Value> rows, mlir::Value column, int64_t vectors, mlir::Value start,
                 int64_t count);
  /// All totals are read before one is written, as a row may be there twice.
  void addToTotals(llvm::ArrayRef<mlir::Value> rows, mlir::Value column, int64_t vectors,
                   llvm::ArrayRef<mlir::Value> chains, mlir::Value first);

  Emitter &e;
  const Product &kernel;
  Memory tables;
  int64_t groups;
};

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_HELDTABLES_H
