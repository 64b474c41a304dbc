// What this machine can do in one thread: fused multiply-adds by vector width, and memory bandwidth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Twelve independent chains hide the latency (4 cycles, 2 units). An FMA counts as two operations. The best of several
// rounds is the peak: slower ones were disturbed. Time is the thread's, so that others on the machine count less.
#ifndef SNN_BENCHMARK_PEAK_H
#define SNN_BENCHMARK_PEAK_H

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <vector>

namespace snn::peak {

constexpr int chains = 12;
constexpr long repeats = 2'000'000;

template <int Width> struct Lanes {
  typedef float Type __attribute__((vector_size(Width * sizeof(float))));
};

inline volatile float sink;

/// Each repeat makes `chains` multiply-adds of `Width` lanes. The asm keeps values in registers and the loop in place.
#define DEFINE_PEAK(NAME, WIDTH, FEATURES, INSTRUCTION)                                                                \
  __attribute__((target(FEATURES), noinline)) inline void NAME() {                                                     \
    typedef Lanes<WIDTH>::Type Vector;                                                                                 \
    Vector a = {}, b = {};                                                                                             \
    for (int lane = 0; lane < WIDTH; ++lane)                                                                           \
      a[lane] = 0.999999f, b[lane] = 1e-6f;                                                                            \
    Vector c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;           \
    for (long i = 0; i < repeats; ++i)                                                                                 \
      asm volatile(INSTRUCTION                                                                                         \
                   " %12, %13, %0\n" INSTRUCTION " %12, %13, %1\n" INSTRUCTION " %12, %13, %2\n" INSTRUCTION           \
                   " %12, %13, %3\n" INSTRUCTION " %12, %13, %4\n" INSTRUCTION " %12, %13, %5\n" INSTRUCTION           \
                   " %12, %13, %6\n" INSTRUCTION " %12, %13, %7\n" INSTRUCTION " %12, %13, %8\n" INSTRUCTION           \
                   " %12, %13, %9\n" INSTRUCTION " %12, %13, %10\n" INSTRUCTION " %12, %13, %11\n"                     \
                   : "+v"(c0), "+v"(c1), "+v"(c2), "+v"(c3), "+v"(c4), "+v"(c5), "+v"(c6), "+v"(c7), "+v"(c8),         \
                     "+v"(c9), "+v"(c10), "+v"(c11)                                                                    \
                   : "v"(a), "v"(b));                                                                                  \
    Vector sum = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11;                                          \
    sink = sum[0];                                                                                                     \
  }

DEFINE_PEAK(peak128, 4, "fma", "vfmadd231ps")
DEFINE_PEAK(peak256, 8, "avx2,fma", "vfmadd231ps")
DEFINE_PEAK(peak512, 16, "avx512f", "vfmadd231ps")

inline double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// Seconds of the fastest of `rounds` runs.
template <typename Body> double fastest(int rounds, Body &&body) {
  double best = 1e9;
  body();
  for (int round = 0; round < rounds; ++round) {
    double start = now();
    body();
    best = std::min(best, now() - start);
  }
  return best;
}

/// Whether the machine has vectors of so many bits, of 128, 256 and 512.
inline bool has(int bits) {
  return bits == 128   ? __builtin_cpu_supports("fma")
         : bits == 256 ? __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                       : __builtin_cpu_supports("avx512f");
}

/// In f32 operations per second.
inline double flopRate(int bits) {
  auto body = bits == 128 ? peak128 : bits == 256 ? peak256 : peak512;
  return 2.0 * chains * (bits / 32) * double(repeats) / fastest(15, body);
}

/// a = b + scalar * c over arrays far larger than any cache.
class Triad {
public:
  static constexpr size_t elements = size_t(1) << 24;
  /// What the program asks for: two arrays read, one written.
  static constexpr double bytes = 3.0 * elements * sizeof(float);

  void run() {
    float *to = a.data();
    const float *from = b.data(), *scaled = c.data();
    for (size_t i = 0; i < elements; ++i)
      to[i] = from[i] + 0.5f * scaled[i];
    asm volatile("" : : "r"(to) : "memory");
  }

private:
  std::vector<float> a = std::vector<float>(elements), b = std::vector<float>(elements, 1),
                     c = std::vector<float>(elements, 2);
};

/// In bytes per second.
inline double bandwidth() {
  Triad triad;
  return Triad::bytes / fastest(10, [&] { triad.run(); });
}

} // namespace snn::peak

#endif // SNN_BENCHMARK_PEAK_H
