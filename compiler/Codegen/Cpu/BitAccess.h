// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Spikes side by side that begin at any bit of a row.

#ifndef SNN_COMPILER_CODEGEN_CPU_BITACCESS_H
#define SNN_COMPILER_CODEGEN_CPU_BITACCESS_H

#include "compiler/Codegen/Cpu/Buffers.h"

namespace snn::core {

/// Words of a row, which begins at word `row` of a buffer, from bit `at` on.
class BitAccess {
public:
  explicit BitAccess(Emitter &e) : e(e) {}

  /// Up to kLanes bits, as an i32.
  mlir::Value load(const Buffer &from, mlir::Value row, mlir::Value at, int64_t count);
  /// kWindow bits or more, as an i64, of a row that has four words; behind the row anything.
  mlir::Value window(const Buffer &from, mlir::Value row, mlir::Value at);
  static constexpr int64_t kWindow = 64 - (kLanes - 1); ///< bits of a load that are there wherever the first one is
  /// Stores the `count` lowest bits of an i32, the others of which are 0, where bits are 0.
  void add(const Buffer &to, mlir::Value row, mlir::Value at, mlir::Value bits, int64_t count);
  /// How many of `count` bits are set, as an i64.
  mlir::Value countSet(const Buffer &from, mlir::Value row, mlir::Value at, int64_t count);

private:
  mlir::Value shifted(mlir::Value word, mlir::Value by);

  Emitter &e;
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_BITACCESS_H
