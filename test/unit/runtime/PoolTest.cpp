// The pool: every index once, worker ids valid and exclusive, nesting, many small jobs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace {

struct Job {
  explicit Job(uint64_t count) : hits(count) {}
  std::vector<std::atomic<int>> hits;
  std::atomic<int> inside[8] = {};
  std::atomic<bool> wrong{false};

  static void body(void *context, uint64_t index, uint64_t worker) {
    Job &job = *static_cast<Job *>(context);
    if (worker >= 8 || job.inside[worker].fetch_add(1) != 0)
      job.wrong = true;
    job.hits[index].fetch_add(1);
    job.inside[worker].fetch_sub(1);
  }
};

class PoolTest : public testing::TestWithParam<uint64_t> {};

} // namespace

TEST_P(PoolTest, RunsEachIndexOnce) {
  std::unique_ptr<snn_pool, void (*)(snn_pool *)> pool(snn_pool_create(GetParam()), snn_pool_destroy);
  ASSERT_TRUE(pool) << snn_last_error();
  EXPECT_EQ(snn_pool_workers(pool.get()), GetParam());
  for (int round = 0; round < 3000; ++round) {
    Job job(uint64_t(round % 23));
    snn_pool_parallel_for(pool.get(), job.hits.size(), Job::body, &job);
    EXPECT_FALSE(job.wrong);
    for (auto &hit : job.hits)
      ASSERT_EQ(hit.load(), 1);
    if (round % 500 == 0) // let the workers fall asleep
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_P(PoolTest, NestedCallsRunInTheCaller) {
  std::unique_ptr<snn_pool, void (*)(snn_pool *)> pool(snn_pool_create(GetParam()), snn_pool_destroy);
  struct Outer {
    snn_pool *pool;
    std::atomic<int> count{0};
  } outer{pool.get()};
  snn_pool_parallel_for(
      pool.get(), 9,
      [](void *context, uint64_t, uint64_t) {
        auto &outer = *static_cast<Outer *>(context);
        snn_pool_parallel_for(
            outer.pool, 5,
            [](void *inner, uint64_t, uint64_t worker) {
              EXPECT_EQ(worker, 0u);
              static_cast<Outer *>(inner)->count.fetch_add(1);
            },
            context);
      },
      &outer);
  EXPECT_EQ(outer.count, 45);
}

TEST_P(PoolTest, TwoThreadsMayUseOnePool) {
  std::unique_ptr<snn_pool, void (*)(snn_pool *)> pool(snn_pool_create(GetParam()), snn_pool_destroy);
  auto work = [&] {
    for (int round = 0; round < 1000; ++round) {
      Job job(7);
      snn_pool_parallel_for(pool.get(), 7, Job::body, &job);
      EXPECT_FALSE(job.wrong);
      for (auto &hit : job.hits)
        ASSERT_EQ(hit.load(), 1);
    }
  };
  std::thread other(work);
  work();
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Workers, PoolTest, testing::Values(1, 2, 3, 7));

TEST(Pool, TooManyWorkersAreRefused) {
  EXPECT_EQ(snn_pool_create(1000000), nullptr);
  EXPECT_TRUE(snn::test::contains(snn_last_error(), "at most 4096"));
}
