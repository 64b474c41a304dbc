// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an entry point checks before it does anything, as a table: what, when it is wrong, and the code that says so.

#ifndef SNN_COMPILER_CODEGEN_HOST_CALLCHECKS_H
#define SNN_COMPILER_CODEGEN_HOST_CALLCHECKS_H

#include "compiler/Codegen/Host/CallFrame.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn {

/// The entry points of snn/abi.h.
enum class EntryKind { Forward, Step, Gradient, Backward, Update, Train };

inline bool updates(EntryKind kind) { return kind == EntryKind::Update || kind == EntryKind::Train; }

/// The function that says how many bytes of arena a call needs: (batch, steps, workers) -> bytes.
inline constexpr llvm::StringLiteral kArenaSize = "snn_arena_size";

struct CallCheck {
  llvm::StringRef what;
  /// An i1 that is true if the call is to be refused.
  std::function<mlir::Value(CallFrame &)> isWrong;
  snn_status status;
};

/// Each check may rely on those before it: the size of the call comes first, and the arena's size is asked for numbers
/// within their bounds.
class CallChecks {
public:
  /// `functions` are those whose work the entry does; `snn.bind` of their arguments says which inputs and counts it
  /// reads. `steps` is the number of time steps if it is fixed.
  static CallChecks of(mlir::ModuleOp module, EntryKind kind, llvm::ArrayRef<mlir::func::FuncOp> functions,
                       std::optional<int64_t> steps);

  llvm::ArrayRef<CallCheck> checks() const { return list; }
  /// The code (i32) of the first check that fails, or SNN_OK.
  mlir::Value emit(CallFrame &frame) const;

private:
  llvm::SmallVector<CallCheck> list;
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_CALLCHECKS_H
