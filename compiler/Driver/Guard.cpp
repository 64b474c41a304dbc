// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Crash recovery.

#include "compiler/Driver/Guard.h"

#include "compiler/Driver/Compile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

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

/// Where this thread's signal handlers run while this exists: a stack that has overflowed has no room for them.
class HandlerStack {
public:
  HandlerStack() {
    void *memory =
        mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
      return; // all but an overflow is still caught
    own.ss_sp = memory;
    own.ss_size = kBytes;
    if (sigaltstack(&own, &before) != 0)
      release();
  }
  ~HandlerStack() {
    if (!own.ss_sp)
      return;
    sigaltstack(&before, nullptr);
    release();
  }
  HandlerStack(const HandlerStack &) = delete;

  /// Sends the signals there for which there are handlers now.
  static void use() {
    for (int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP}) {
      struct sigaction action;
      if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
        continue;
      action.sa_flags |= SA_ONSTACK;
      sigaction(signal, &action, nullptr);
    }
  }

private:
  void release() {
    munmap(own.ss_sp, kBytes);
    own.ss_sp = nullptr;
  }

  /// A frame with the registers of a vector unit takes up to 11 KiB on today's processors, the handler little.
  static constexpr size_t kBytes = size_t(1) << 17;
  stack_t own = {}, before = {};
};

/// Bodies that wait for a thread.
struct Work {
  size_t count;
  llvm::function_ref<void(size_t)> body;
  std::atomic<size_t> next = 0;
  std::atomic<bool> broken = false;

  void run() {
    for (size_t i; !broken && (i = next++) < count;) {
      llvm::CrashRecoveryContext context;
      if (!context.RunSafely([&] { body(i); }))
        broken = true;
    }
  }
};

/// A pthread's function: std::thread would throw if there can be no further thread.
void *help(void *argument) {
  HandlerStack stack;
  static_cast<Work *>(argument)->run();
  return nullptr;
}

} // namespace

void prepareProcess() {
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
  std::signal(SIGXFSZ, SIG_IGN);
}

bool runGuarded(llvm::function_ref<void()> body, std::string &reason) {
  HandlerStack stack;
  llvm::CrashRecoveryContext::Enable();
  HandlerStack::use();
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

void spreadGuarded(size_t count, llvm::function_ref<void(size_t)> body) {
  Work work{count, body};
  std::vector<pthread_t> helpers;
  const size_t threads = std::min<size_t>(std::thread::hardware_concurrency(), count);
  for (size_t i = 1; i < threads; ++i)
    if (pthread_t helper; pthread_create(&helper, nullptr, help, &work) == 0)
      helpers.push_back(helper);
  work.run();
  for (pthread_t helper : helpers)
    pthread_join(helper, nullptr);
  if (work.broken)
    std::abort();
}

} // namespace snn
