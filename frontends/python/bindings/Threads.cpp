// Own pools, and the team of an OpenMP library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Threads.h"

#include "runtime/train/Model.h"

#include <atomic>
#include <dlfcn.h>
#include <link.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace snn::python {
namespace {

class OwnThreads : public Threads {
public:
  explicit OwnThreads(PoolHandle handle) : handle(std::move(handle)) {}
  uint64_t workers() const override { return snn_pool_workers(handle.get()); }
  snn_parallel_for_fn parallelFor() const override { return snn_pool_parallel_for; }
  void *pool() override { return handle.get(); }

private:
  PoolHandle handle;
};

/// What compilers call for `#pragma omp parallel` (libgomp's interface, which LLVM's and Intel's libraries have too).
struct OpenMp {
  void (*parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags) = nullptr;
  int (*threadNumber)() = nullptr;

  explicit operator bool() const { return parallel && threadNumber; }

  static OpenMp loaded() {
    std::string name;
    dl_iterate_phdr(
        [](dl_phdr_info *info, size_t, void *found) {
          const std::string_view path = info->dlpi_name;
          const size_t slash = path.rfind('/');
          const std::string_view file = slash == path.npos ? path : path.substr(slash + 1);
          for (std::string_view known : {"libgomp", "libiomp5", "libomp"})
            if (file.starts_with(known)) {
              *static_cast<std::string *>(found) = path;
              return 1;
            }
          return 0;
        },
        &name);
    OpenMp library;
    // It stays loaded: whoever brought it has threads in it.
    if (void *handle = name.empty() ? nullptr : dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD)) {
      library.parallel = reinterpret_cast<decltype(library.parallel)>(dlsym(handle, "GOMP_parallel"));
      library.threadNumber = reinterpret_cast<decltype(library.threadNumber)>(dlsym(handle, "omp_get_thread_num"));
    }
    return library;
  }
};

class OpenMpThreads : public Threads {
public:
  OpenMpThreads(OpenMp library, uint64_t count) : library(library), count(count), process(getpid()) {}
  uint64_t workers() const override { return count; }
  snn_parallel_for_fn parallelFor() const override { return run; }
  void *pool() override { return this; }

private:
  struct Work {
    const OpenMp &library;
    uint64_t count;
    snn_body_fn body;
    void *context;
    std::atomic<uint64_t> next = 0;

    void take(uint64_t worker) {
      for (uint64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;)
        body(context, i, worker);
    }
  };

  static void run(void *pool, uint64_t count, snn_body_fn body, void *context) {
    auto &threads = *static_cast<OpenMpThreads *>(pool);
    Work work{threads.library, count, body, context};
    // A child of fork() has no team: OpenMP would wait for it forever.
    if (count < 2 || threads.process != getpid())
      return work.take(0);
    auto member = [](void *data) {
      auto &work = *static_cast<Work *>(data);
      work.take(uint64_t(work.library.threadNumber()));
    };
    threads.library.parallel(member, &work, unsigned(threads.count), 0);
  }

  OpenMp library;
  uint64_t count;
  pid_t process;
};

} // namespace

std::unique_ptr<Threads> Threads::own(uint64_t workers) {
  PoolHandle handle(snn_pool_create(workers));
  return handle ? std::make_unique<OwnThreads>(std::move(handle)) : nullptr;
}

std::unique_ptr<Threads> Threads::ofOpenMp(uint64_t workers) {
  const OpenMp library = OpenMp::loaded();
  return library && workers > 0 ? std::make_unique<OpenMpThreads>(library, workers) : nullptr;
}

} // namespace snn::python
