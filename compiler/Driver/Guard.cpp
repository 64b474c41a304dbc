// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Crash recovery.

#include "compiler/Driver/Guard.h"

#include "compiler/Driver/Compile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/resource.h>
#include <unistd.h>

namespace snn {
namespace {

/// Size of this process's address space in bytes, 0 if it is unknown. Allocates nothing.
unsigned long long addressSpace() {
  char text[64] = {};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return 0;
  const ssize_t got = read(file, text, sizeof(text) - 1);
  close(file);
  return got > 0 ? std::strtoull(text, nullptr, 10) * (unsigned long long)sysconf(_SC_PAGESIZE) : 0;
}

/// There is no memory for anything but this sentence, and nothing to go back to.
[[noreturn]] void outOfMemory() {
  constexpr unsigned long long kMiB = 1 << 20;
  char bound[80] = "; the system has no more", message[256];
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    std::snprintf(bound, sizeof(bound), " of the %llu MiB that this process may use (ulimit -v)",
                  (unsigned long long)limit.rlim_cur / kMiB);
  const int size = std::snprintf(message, sizeof(message), "snnc: error: out of memory: %llu MiB are in use%s\n",
                                 addressSpace() / kMiB, bound);
  (void)!write(STDERR_FILENO, message, size_t(size));
  _exit(kExitOutOfMemory);
}

} // namespace

void prepareProcess() {
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
  std::signal(SIGXFSZ, SIG_IGN);
}

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
