// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Crash recovery.

#include "compiler/Driver/Guard.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdlib>

namespace snn {

bool runGuarded(llvm::function_ref<void()> body, std::string &reason) {
  llvm::CrashRecoveryContext::Enable();
  llvm::scope_exit disable([] { llvm::CrashRecoveryContext::Disable(); });
  // LLVM leaves the process after some fatal errors without a signal; an abort brings them all to the same place.
  llvm::ScopedFatalErrorHandler handler(
      [](void *text, const char *message, bool) {
        *static_cast<std::string *>(text) = message;
        std::abort();
      },
      &reason);
  llvm::CrashRecoveryContext context;
  const bool ended = context.RunSafely(body);
  if (!ended && reason.empty())
    reason = "it crashed";
  return ended;
}

} // namespace snn
