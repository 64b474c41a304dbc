// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns crashes of the compiler into failures.

#ifndef SNN_COMPILER_DRIVER_GUARD_H
#define SNN_COMPILER_DRIVER_GUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace snn {

/// Runs `body`. False if it ended in a signal, an abort or a fatal error of LLVM; `reason` then says which. What `body`
/// worked on is in an unknown state after that. A stack that overflows is a signal too. Other threads than the caller's
/// are not guarded, but those of `spreadGuarded`.
bool runGuarded(llvm::function_ref<void()> body, std::string &reason);

/// Runs body(0) .. body(count - 1) on the processors there are, the caller's thread included. To be called within
/// `runGuarded`: if one of them ends as that says, so does the caller, after all others have ended.
void spreadGuarded(size_t count, llvm::function_ref<void(size_t)> body);

/// What a process that compiles needs, to be called once by its main: when there is no memory, a sentence on the
/// standard error that says how much is in use, and exit status kExitOutOfMemory; a file that outgrows the limit on
/// files is an error of the write instead of a signal.
void prepareProcess();

} // namespace snn

#endif // SNN_COMPILER_DRIVER_GUARD_H
