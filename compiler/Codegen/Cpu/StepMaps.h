// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a step of a pointwise scan computes for one vector of elements: its maps, and products of few terms.

#ifndef SNN_COMPILER_CODEGEN_CPU_STEPMAPS_H
#define SNN_COMPILER_CODEGEN_CPU_STEPMAPS_H

#include "compiler/Codegen/Cpu/OpEmitter.h"
#include "compiler/Schedule/Cpu/Products.h"

namespace snn::core {

/// A term of each lane's sum: its factors at positions of the result's dims.
struct LaneTerm {
  mlir::AffineMap a, b;
};

/// The maps of a step, for one vector of elements.
class StepMaps {
public:
  StepMaps(OpEmitter &emitter, ScanOp scan) : emitter(emitter), e(emitter.e), scan(scan) {}

  /// What does not vary over time, loaded before the steps.
  void loadInvariants(Points points);

  using Sums = llvm::DenseMap<mlir::Value, mlir::Value>; ///< of the step's products, for one vector

  /// For each of `vectors`, which follow each other. A factor that is the same for all lanes serves all of them, one
  /// after the other. `tiny`: factors may be (Kernels/TinyTerms.h).
  static llvm::SmallVector<Sums> addTerms(llvm::MutableArrayRef<StepMaps> vectors, mlir::Value step, bool tiny);

  /// Whether factors of the products of all steps seem to be tiny (i1): some steps are looked at. Null if there are
  /// none that can be.
  mlir::Value factorsSeemTiny(mlir::Value steps);

  /// The yielded values of the step, from the carries before it. `tiny`: some lanes of these are.
  llvm::SmallVector<mlir::Value> emit(mlir::Value step, mlir::ValueRange carries, const Sums &sums, bool tiny);

  Points points;

private:
  mlir::Value outside(mlir::Value argument);
  /// Rows of weights are whole vectors: also beyond the last column there is something to read.
  mlir::Value loadColumns(mlir::Value weights, mlir::AffineMap map);
  mlir::Value load(mlir::Value array, mlir::Value step, mlir::AffineMap map);

  /// The factors of a product at a step, if they lie side by side, and columns too.
  std::optional<Memory> factorRow(const MatrixProduct &product, const LaneTerm &first, mlir::Value step);
  mlir::Value leastOfRow(const MatrixProduct &product, Memory row, mlir::Value least);
  /// Of these points and those of the next vectors.
  llvm::SmallVector<mlir::Value> chainsOfTiny(const MatrixProduct &product, Memory row, int64_t vectors);

  OpEmitter &emitter;
  Emitter &e;
  ScanOp scan;
  llvm::DenseMap<std::pair<mlir::Operation *, unsigned>, mlir::Value> loaded;
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_STEPMAPS_H
