// What a child of fork() may do with what its parent has made. A child that hangs is killed by its alarm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"
#include "runtime/train/Model.h"

#include <atomic>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace snn;
using namespace snn::test;

namespace {

/// So many that the C library gives the stacks of the parent's threads back when one of them is taken for ended.
constexpr uint64_t workers = 9;

/// Runs `body` in a child; says how it ended: "ok", "failed" if it returned false, or the signal.
std::string inChild(const std::function<bool()> &body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return "no child";
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "ok" : "failed";
}

/// Whether 100 indices are each run once, in the calling thread as worker 0.
bool runsAlone(snn_pool *pool) {
  struct Seen {
    std::vector<int> hits = std::vector<int>(100);
    std::thread::id caller = std::this_thread::get_id();
    bool elsewhere = false;
  } seen;
  snn_pool_parallel_for(
      pool, seen.hits.size(),
      [](void *context, uint64_t index, uint64_t worker) {
        auto &seen = *static_cast<Seen *>(context);
        seen.elsewhere |= worker != 0 || std::this_thread::get_id() != seen.caller;
        ++seen.hits[index];
      },
      &seen);
  return !seen.elsewhere && seen.hits == std::vector<int>(100, 1);
}

class Fork : public testing::Test {
protected:
  Fork() {
    batch.struct_size = sizeof(batch);
    batch.batch = rows;
    batch.inputs = views;
    batch.loss = &loss;
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs[i] = float(i % 13) * 0.25f - 1;
    for (uint64_t row = 0; row < rows; ++row)
      labels[row] = int64_t(row % 2);
  }

  /// The bits of the parameters after some training steps.
  std::vector<float> train(snn_instance *instance) {
    for (int i = 0; i < 5; ++i)
      if (snn_instance_train_step(instance, &batch) != SNN_OK)
        return {};
    std::vector<float> weight(6);
    snn_instance_get_parameter(instance, "1.weight", weight.data(), weight.size() * sizeof(float));
    return weight;
  }

  InstanceHandle create(snn_library *library, snn_pool *pool) {
    InstanceHandle instance = createInstance(library, rows, steps, pool);
    check(snn_instance_init(instance.get(), 5));
    return instance;
  }

  static constexpr uint64_t rows = 37, steps = 4;
  std::vector<float> inputs = std::vector<float>(steps * rows * 3);
  std::vector<int64_t> labels = std::vector<int64_t>(rows);
  snn_view views[2] = {{inputs.data(), nullptr}, {labels.data(), nullptr}};
  snn_batch batch = {};
  double loss = 0;
  LibraryHandle library = openLibrary(tinyModel("plain"));
};

} // namespace

TEST_F(Fork, AChildRunsAndDestroysItsParentsPool) {
  snn_pool *pool = snn_pool_create(workers);
  ASSERT_TRUE(pool);
  EXPECT_EQ(inChild([&] { return runsAlone(pool); }), "ok");
  EXPECT_EQ(inChild([&] {
              snn_pool_destroy(pool);
              return true;
            }),
            "ok");
  EXPECT_EQ(inChild([&] {
              bool alone = runsAlone(pool) && snn_pool_workers(pool) == workers;
              bool grandchild = inChild([&] {
                                  bool alone = runsAlone(pool);
                                  snn_pool_destroy(pool);
                                  return alone;
                                }) == "ok";
              snn_pool_destroy(pool);
              return alone && grandchild;
            }),
            "ok");
  // The parent's threads are there as before.
  std::atomic<int> count{0};
  snn_pool_parallel_for(
      pool, 50, [](void *context, uint64_t, uint64_t) { static_cast<std::atomic<int> *>(context)->fetch_add(1); },
      &count);
  EXPECT_EQ(count, 50);
  snn_pool_destroy(pool);
}

TEST_F(Fork, AChildMakesAPoolOfItsOwn) {
  PoolHandle parents = createPool(workers);
  EXPECT_EQ(inChild([&] {
              PoolHandle own = createPool(2);
              std::atomic<int> count{0};
              snn_pool_parallel_for(
                  own.get(), 50,
                  [](void *context, uint64_t, uint64_t) { static_cast<std::atomic<int> *>(context)->fetch_add(1); },
                  &count);
              return count == 50 && inChild([&] {
                                      bool alone = runsAlone(own.get());
                                      own.reset();
                                      return alone;
                                    }) == "ok";
            }),
            "ok");
}

TEST_F(Fork, AChildGoesOnTraining) {
  PoolHandle pool = createPool(workers);
  InstanceHandle instance = create(library.get(), pool.get()), reference = create(library.get(), nullptr);
  const std::vector<float> expected = train(reference.get());
  EXPECT_EQ(inChild([&] {
              bool same = train(instance.get()) == expected;
              // In a child, too, a library is opened under a name of its own.
              LibraryHandle again = openLibrary(tinyModel("plain"));
              same &= train(create(again.get(), nullptr).get()) == expected;
              again.reset();
              instance.reset();
              pool.reset();
              library.reset();
              return same;
            }),
            "ok");
  EXPECT_EQ(train(instance.get()), expected);
}

// At the moment of the fork another thread is in the middle of a job, or the workers are about to sleep or wake up.
TEST_F(Fork, ThePoolIsBusy) {
  snn_pool *pool = snn_pool_create(workers);
  ASSERT_TRUE(pool);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop)
      snn_pool_parallel_for(
          pool, 20,
          [](void *, uint64_t, uint64_t) {
            for (int i = 0; i < 200; ++i)
              asm volatile("");
          },
          nullptr);
  });
  for (int round = 0; round < 40; ++round)
    EXPECT_EQ(inChild([&] {
                bool alone = runsAlone(pool);
                snn_pool_destroy(pool);
                return alone;
              }),
              "ok")
        << "round " << round;
  stop = true;
  other.join();
  snn_pool_destroy(pool);
}
