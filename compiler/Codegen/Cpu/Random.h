// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers of core.random. Which number belongs to which point is defined in test/oracle/Random.h.

#ifndef SNN_COMPILER_CODEGEN_CPU_RANDOM_H
#define SNN_COMPILER_CODEGEN_CPU_RANDOM_H

#include "compiler/Codegen/Cpu/Emitter.h"

namespace snn {

/// Philox's key, two i32.
struct RandomKey {
  mlir::Value low, high;
};

/// The key of a call: once per purpose, outside of all loops. seed: i64; purpose and epoch: i32.
RandomKey randomKey(Emitter &e, mlir::ModuleOp module, mlir::Value seed, mlir::Value purpose, mlir::Value epoch);

/// Where kLanes numbers are drawn.
struct RandomPlaces {
  mlir::Value elements;              ///< vector<16xi32>: row-major numbers in the domain without time and samples
  mlir::Value sampleLow, sampleHigh; ///< i32: the halves of the sample's id; 0 in a domain without samples
  mlir::Value step;                  ///< i32: counted from the state's first; 0 for numbers per sample
};

/// vector<16 x real> of numbers from [0, 1), f32 or f64. A call of one function for all places.
mlir::Value randomUnits(Emitter &e, mlir::ModuleOp module, mlir::Type real, RandomKey key, const RandomPlaces &places);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_RANDOM_H
