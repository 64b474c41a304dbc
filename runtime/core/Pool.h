// A small fork/join pool: the caller is worker 0, indices are handed out by a counter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_POOL_H
#define SNN_RUNTIME_CORE_POOL_H

#include "snn/abi.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace snn {

/// Idle workers look for the next job for a millisecond (a few times only if there are more of them than CPUs), and
/// then sleep in the kernel. A job is over when all its indices have been run: workers that were late need not wake up
/// for that. Each worker begins with a share of the indices, the same in each job of that size, as what it worked on in
/// the last one may still be in its caches, and then takes what is left of others. So which worker runs which index is
/// not determined. In a child of fork() there are no threads, and what they were doing is not known: jobs run in the
/// caller alone.
class Pool {
public:
  /// Starts `workers - 1` threads. Throws std::system_error.
  explicit Pool(unsigned workers);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  unsigned workers() const { return unsigned(shares.size()); }

  /// body(context, i, worker) for each i in [0, count); returns when all are done. `body` must not throw.
  void run(uint64_t count, snn_body_fn body, void *context) noexcept;

private:
  void runSlice(uint64_t first, uint32_t size, snn_body_fn body, void *context) noexcept;
  void work(uint32_t jobGeneration, unsigned worker) noexcept;
  /// Returns how many indices of the share there were left for this worker.
  uint32_t workOn(unsigned share, uint32_t jobGeneration, unsigned worker) noexcept;
  uint32_t shareBegin(uint32_t size, unsigned worker) const noexcept;
  void workerLoop(unsigned worker) noexcept;
  void stopThreads() noexcept;
  bool isInForkedChild() const noexcept;
  /// Whether it has come to be so before patience ended.
  template <typename Ready> bool look(const Ready &ready) const;

  // A ticket is (generation << 32 | next index of the share). An index is taken by a compare-and-swap of both, which
  // can succeed only while that job has indices left; until it is done the job's fields below cannot change.
  struct alignas(64) Share {
    std::atomic<uint64_t> ticket{0};
  };
  std::vector<Share> shares; // one for each worker
  alignas(64) std::atomic<uint32_t> done{0};
  std::atomic<uint32_t> callerSleeps{0};
  alignas(64) std::atomic<uint32_t> generation{0};
  std::atomic<uint32_t> sleepers{0};
  std::atomic<bool> stop{false};
  alignas(64) std::atomic<uint32_t> jobSize{0};
  std::atomic<uint64_t> jobFirst{0};
  std::atomic<snn_body_fn> jobBody{nullptr};
  std::atomic<void *> jobContext{nullptr};
  alignas(64) std::atomic<bool> busy{false};
  bool patient;         // a CPU for each worker
  uint32_t forksBefore; // when the pool was made
  // Out of line, so that a child can leave the handles of its parent's threads alone: it may neither join nor destroy
  // them.
  std::unique_ptr<std::vector<std::thread>> threads = std::make_unique<std::vector<std::thread>>();
};

} // namespace snn

#endif // SNN_RUNTIME_CORE_POOL_H
