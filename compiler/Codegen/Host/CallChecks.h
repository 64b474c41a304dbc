// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an entry point checks before it does anything.

#ifndef SNN_COMPILER_CODEGEN_HOST_CALLCHECKS_H
#define SNN_COMPILER_CODEGEN_HOST_CALLCHECKS_H

#include "compiler/Codegen/Host/HostWriter.h"

namespace snn {

/// The entry points of snn/abi.h.
enum class EntryKind { Forward, Step, Evaluate, Gradient, Backward, Update, Train };

inline bool updates(EntryKind kind) { return kind == EntryKind::Update || kind == EntryKind::Train; }

/// The function that says how many bytes of arena a call needs: (batch, steps, workers) -> bytes.
inline constexpr llvm::StringLiteral kArenaSize = "snn_arena_size";

/// Lets an entry refuse what snn/abi.h forbids. Each check relies on those before it: the size of the call comes first,
/// and the arena's size is asked for numbers within their bounds. `functions` are those whose work the entry does;
/// `snn.bind` of their arguments says which inputs and counts it reads. `steps` is the number of time steps if it is
/// fixed.
void checkCall(EntryPhases &entry, EntryKind kind, llvm::ArrayRef<mlir::func::FuncOp> functions,
               std::optional<int64_t> steps);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_CALLCHECKS_H
