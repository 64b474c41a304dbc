//===- Measure.h - Kernels of one product, timed in turn --------*- C++ -*-===//
//
// What the programs of this folder share: vectors of a stated width, buffers,
// numbers from a seed, and a race that runs kernels in turn.
//
//===----------------------------------------------------------------------===//
#ifndef SNN_BENCHMARK_SUMMATION_MEASURE_H
#define SNN_BENCHMARK_SUMMATION_MEASURE_H

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <time.h>
#include <vector>

/// Floats in a vector: what the machine's registers hold, unless LANES says otherwise.
#ifndef LANES
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#endif

inline constexpr int kLanes = LANES;
using Vector = float __attribute__((ext_vector_type(LANES)));
using Loose = float __attribute__((ext_vector_type(LANES), aligned(4)));

inline Vector load(const float *from) { return *reinterpret_cast<const Loose *>(from); }
inline void store(float *to, Vector value) { *reinterpret_cast<Loose *>(to) = value; }
inline Vector fma(float factor, Vector row, Vector sum) { return __builtin_elementwise_fma(Vector(factor), row, sum); }

/// Floats on a 64-byte boundary, zero at first.
class Floats {
public:
  explicit Floats(size_t size) : size(size), bytes((size * sizeof(float) + 63) / 64 * 64) {
    data.reset(static_cast<float *>(std::aligned_alloc(64, bytes)));
    clear();
  }
  void clear() { std::memset(data.get(), 0, bytes); }
  operator float *() const { return data.get(); }
  size_t count() const { return size; }

private:
  struct Free {
    void operator()(float *pointer) const { std::free(pointer); }
  };
  size_t size, bytes;
  std::unique_ptr<float, Free> data;
};

/// xorshift64*: uniform floats in [0, 1), the same on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}
  float next() {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return static_cast<float>((state * 0x2545F4914F6CDD1Du) >> 40) * 0x1p-24f;
  }

private:
  uint64_t state;
};

inline void fillUniform(const Floats &floats, uint64_t seed, float low, float high) {
  Random random(seed);
  for (size_t i = 0; i < floats.count(); ++i)
    floats[i] = low + (high - low) * random.next();
}

/// Ends the program if a kernel has other bits than the order written down.
inline void expectBits(const Floats &result, const Floats &expected, const std::string &what) {
  if (result.count() == expected.count() && std::memcmp(result, expected, expected.count() * sizeof(float)) == 0)
    return;
  std::fprintf(stderr, "%s: other bits than the stated order's\n", what.c_str());
  std::exit(1);
}

/// Kernels that compute one thing, each run in turn for many short rounds. The smallest time of each counts: others
/// that use the machine only ever add to a time. The first kernel is the measure of the others; it also runs once
/// more under the name "the same again", whose distance from 1 is what the machine's noise leaves.
class Race {
public:
  explicit Race(std::string title) : title(std::move(title)) {}
  void add(std::string name, std::function<void()> run) { entries.push_back({std::move(name), std::move(run), 1e9}); }

  /// Runs rounds for the seconds that the environment's SECONDS_EACH names (3) and prints the table; `flops` is the
  /// work of one run, 0 if the rate says nothing.
  void print(double flops) {
    const char *named = std::getenv("SECONDS_EACH");
    const double seconds = named ? std::atof(named) : 3;
    entries.push_back({"the same again", entries.front().run, 1e9});
    const double begin = now();
    for (int round = 0; round < 3 || now() - begin < seconds; ++round)
      for (Entry &entry : entries) {
        // A clock that steps by some microseconds would favour whoever is shortest: no reading is under 0.1 ms.
        int runs = 0;
        const double start = now();
        double took;
        do {
          entry.run();
          ++runs;
          took = now() - start;
        } while (took < 1e-4);
        entry.best = std::min(entry.best, took / runs);
      }
    std::printf("\n%s\n", title.c_str());
    for (const Entry &entry : entries) {
      std::printf("  %-44s %9.3f ms  %6.3f", entry.name.c_str(), entry.best * 1e3, entry.best / entries.front().best);
      if (flops > 0)
        std::printf("  %6.1f GFLOP/s", flops / entry.best * 1e-9);
      std::printf("\n");
    }
    std::fflush(stdout);
  }

private:
  /// The thread's own seconds: what the scheduler gives to others is not counted.
  static double now() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  struct Entry {
    std::string name;
    std::function<void()> run;
    double best;
  };
  std::string title;
  std::vector<Entry> entries;
};

#endif // SNN_BENCHMARK_SUMMATION_MEASURE_H
