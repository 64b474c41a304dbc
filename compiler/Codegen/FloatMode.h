// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The processor's floating-point mode: rounding, subnormal numbers, traps.

#ifndef SNN_COMPILER_CODEGEN_FLOATMODE_H
#define SNN_COMPILER_CODEGEN_FLOATMODE_H

#include "llvm/ADT/StringRef.h"

namespace snn {

/// `() -> i64`: sets the mode that all arithmetic of a model needs (round to nearest, keep subnormals, no traps) and
/// returns the calling thread's mode of before, with its sticky flags.
/// `(i64)`: puts that back.
///
/// Whoever calls one of these calls the arithmetic as a function that is not inlined: LLVM assumes that the mode never
/// changes, and would move arithmetic of the same function across the call. Code for a kind of processor only declares
/// them; compiler/Emit writes their bodies, as it knows the machine.
inline constexpr llvm::StringLiteral kEnterFloatMode = "snn_enter_float_mode";
inline constexpr llvm::StringLiteral kLeaveFloatMode = "snn_leave_float_mode";

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_FLOATMODE_H
