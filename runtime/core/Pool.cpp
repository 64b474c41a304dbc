// The fork/join pool on atomics and futexes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Pool.h"
#include "runtime/core/Cpu.h"
#include "runtime/core/Error.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace snn;

// A futex is a plain 32-bit word.
static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free);

static void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

static void futexWake(std::atomic<uint32_t> &word, uint32_t count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, std::min<uint32_t>(count, INT_MAX), nullptr, nullptr, 0);
}

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// How many times a process on the way from the program's start to here was the child of a fork(). A process id would
/// not do: it may be the parent's again, in another namespace or when ids have run out.
static std::atomic<uint32_t> forks{0};

static uint32_t countForks() {
  static const int failure = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  if (failure != 0)
    throw std::system_error(failure, std::generic_category(), "forks cannot be watched");
  return forks.load(std::memory_order_relaxed);
}

bool Pool::isInForkedChild() const noexcept { return forks.load(std::memory_order_relaxed) != forksBefore; }

/// How long to look for something before sleeping. Waking up takes tens of microseconds, and a scheduler may put who
/// wakes up on the processor of who woke it, so it should not happen between the jobs of a call, nor while a caller
/// gathers its next batch.
constexpr std::chrono::microseconds kPatience{1000};

template <typename Ready> bool Pool::look(const Ready &ready) const {
  constexpr unsigned kLooks = 20; // between two looks at the clock
  std::chrono::steady_clock::time_point end{};
  for (;;) {
    for (unsigned i = 0; i < kLooks; ++i) {
      if (ready())
        return true;
      relax();
    }
    if (!patient)
      return ready();
    const auto now = std::chrono::steady_clock::now();
    if (end == std::chrono::steady_clock::time_point{})
      end = now + kPatience;
    else if (now >= end)
      return ready();
  }
}

Pool::Pool(unsigned workers)
    : shares(std::max(workers, 1u)), patient(workers <= cpuCount()), forksBefore(countForks()) {
  try {
    for (unsigned worker = 1; worker < workers; ++worker)
      threads->emplace_back([this, worker] { workerLoop(worker); });
  } catch (...) {
    stopThreads();
    throw;
  }
}

Pool::~Pool() { stopThreads(); }

void Pool::stopThreads() noexcept {
  if (isInForkedChild()) {
    // The C library has given up the threads' memory, or will: a few bytes of handles are the price of not touching it.
    static_cast<void>(threads.release());
    return;
  }
  stop.store(true);
  generation.fetch_add(1);
  futexWake(generation, INT_MAX);
  for (std::thread &thread : *threads)
    thread.join();
}

static void runAlone(uint64_t count, snn_body_fn body, void *context) noexcept {
  for (uint64_t i = 0; i < count; ++i)
    body(context, i, 0);
}

void Pool::run(uint64_t count, snn_body_fn body, void *context) noexcept {
  if (threads->empty() || count <= 1 || isInForkedChild() || busy.exchange(true, std::memory_order_acquire)) {
    runAlone(count, body, context);
    return;
  }
  constexpr uint64_t largestSlice = UINT32_MAX - 1; // the ticket has 32 bits for the index; its last value is reserved
  for (uint64_t first = 0; first < count; first += largestSlice)
    runSlice(first, uint32_t(std::min(count - first, largestSlice)), body, context);
  busy.store(false, std::memory_order_release);
}

void Pool::runSlice(uint64_t first, uint32_t size, snn_body_fn body, void *context) noexcept {
  uint32_t previous = generation.load(std::memory_order_relaxed), current = previous + 1;
  // A late worker still holding a previous ticket must not take an index when it sees the new, larger size.
  for (Share &share : shares)
    share.ticket.store(uint64_t{previous} << 32 | UINT32_MAX);
  jobSize.store(size, std::memory_order_release);
  jobFirst.store(first, std::memory_order_release);
  jobBody.store(body, std::memory_order_release);
  jobContext.store(context, std::memory_order_release);
  done.store(0, std::memory_order_relaxed);
  for (unsigned worker = 0; worker < workers(); ++worker)
    shares[worker].ticket.store(uint64_t{current} << 32 | shareBegin(size, worker), std::memory_order_release);
  // Sleeping workers count themselves before the kernel compares the generation: one of the two sides sees the other.
  generation.store(current);
  if (sleepers.load() != 0)
    futexWake(generation, size - 1);

  work(current, 0);

  if (look([&] { return done.load(std::memory_order_acquire) == size; }))
    return;
  callerSleeps.store(1);
  for (uint32_t seen = done.load(); seen != size; seen = done.load())
    futexWait(done, seen);
  callerSleeps.store(0);
}

uint32_t Pool::shareBegin(uint32_t size, unsigned worker) const noexcept {
  return uint32_t(uint64_t{size} * worker / workers());
}

void Pool::work(uint32_t jobGeneration, unsigned worker) noexcept {
  uint32_t finished = 0;
  for (unsigned i = 0; i < workers(); ++i) // its own share first, then those of who follows
    finished += workOn((worker + i) % workers(), jobGeneration, worker);
  if (finished == 0)
    return;
  done.fetch_add(finished);
  if (worker != 0 && callerSleeps.load() != 0)
    futexWake(done, 1);
}

uint32_t Pool::workOn(unsigned share, uint32_t jobGeneration, unsigned worker) noexcept {
  std::atomic<uint64_t> &ticket = shares[share].ticket;
  uint32_t finished = 0;
  uint64_t current = ticket.load(std::memory_order_acquire);
  while (uint32_t(current >> 32) == jobGeneration) {
    uint32_t size = jobSize.load(std::memory_order_acquire);
    uint64_t first = jobFirst.load(std::memory_order_acquire);
    snn_body_fn body = jobBody.load(std::memory_order_acquire);
    void *context = jobContext.load(std::memory_order_acquire);
    uint32_t index = uint32_t(current);
    if (index >= shareBegin(size, share + 1))
      break;
    if (!ticket.compare_exchange_weak(current, current + 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    body(context, first + index, worker);
    ++finished;
    current = ticket.load(std::memory_order_acquire);
  }
  return finished;
}

void Pool::workerLoop(unsigned worker) noexcept {
  uint32_t seen = 0;
  for (;;) {
    look([&] { return generation.load(std::memory_order_acquire) != seen; });
    while (generation.load(std::memory_order_acquire) == seen) {
      sleepers.fetch_add(1);
      futexWait(generation, seen);
      sleepers.fetch_sub(1);
    }
    seen = generation.load(std::memory_order_acquire);
    if (stop.load())
      return;
    work(seen, worker);
  }
}

struct snn_pool {
  Pool pool;
};

snn_pool *snn_pool_create(uint64_t workers) {
  snn_pool *result = nullptr;
  guarded([&] {
    if (workers > 4096)
      throw Error(SNN_ERROR_ARGUMENT,
                  "a pool has at most 4096 workers, " + std::to_string(workers) + " were asked for");
    result = new snn_pool{Pool(workers == 0 ? cpuCount() : unsigned(workers))};
  });
  return result;
}

void snn_pool_destroy(snn_pool *pool) { delete pool; }

uint64_t snn_pool_workers(const snn_pool *pool) { return pool ? pool->pool.workers() : 1; }

void snn_pool_parallel_for(void *pool, uint64_t count, snn_body_fn body, void *context) {
  if (!body) {
    setLastError(SNN_ERROR_ARGUMENT, "snn_pool_parallel_for: the body is NULL");
    return;
  }
  if (pool)
    static_cast<snn_pool *>(pool)->pool.run(count, body, context);
  else
    runAlone(count, body, context);
}
