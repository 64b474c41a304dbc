// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns crashes of the compiler into failures.

#ifndef SNN_COMPILER_DRIVER_GUARD_H
#define SNN_COMPILER_DRIVER_GUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace snn {

/// Runs `body`. False if it ended in a signal, an abort or a fatal error of LLVM; `reason` then says which. What `body`
/// worked on is in an unknown state after that. A stack that overflows is a signal too; other threads than the caller's
/// are not guarded, and the compiler has none that do anything but copy.
bool runGuarded(llvm::function_ref<void()> body, std::string &reason);

/// What a process that compiles needs, to be called once by its main: when there is no memory, a sentence on the
/// standard error that says how much is in use, and exit status kExitOutOfMemory; a file that outgrows the limit on
/// files is an error of the write instead of a signal.
void prepareProcess();

} // namespace snn

#endif // SNN_COMPILER_DRIVER_GUARD_H
