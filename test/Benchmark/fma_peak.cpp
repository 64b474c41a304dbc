// Measures the peak of fused multiply-adds in one thread, in GFLOP/s, for each vector width that this machine has.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Twelve independent chains hide the latency (4 cycles, 2 units). An FMA counts as two operations. The best of several
// rounds is the peak: slower ones were disturbed.
#include <algorithm>
#include <chrono>
#include <cstdio>

namespace {

constexpr int chains = 12;
constexpr long repeats = 2'000'000;

template <int Width> struct Lanes {
  typedef float Type __attribute__((vector_size(Width * sizeof(float))));
};

volatile float sink;

/// Each repeat makes `chains` multiply-adds of `Width` lanes. The asm keeps values in registers and the loop in place.
#define DEFINE_PEAK(NAME, WIDTH, FEATURES, INSTRUCTION)                                                                \
  __attribute__((target(FEATURES), noinline)) void NAME() {                                                            \
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

void measure(const char *name, int width, void (*body)()) {
  double best = 0;
  body();
  for (int round = 0; round < 15; ++round) {
    auto start = std::chrono::steady_clock::now();
    body();
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2.0 * chains * width * repeats / seconds * 1e-9);
  }
  std::printf("{\"engine\": \"fma_peak\", \"vector\": \"%s\", \"gflops\": %.1f}\n", name, best);
}

} // namespace

int main() {
  if (__builtin_cpu_supports("fma"))
    measure("128", 4, peak128);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    measure("256", 8, peak256);
  if (__builtin_cpu_supports("avx512f"))
    measure("512", 16, peak512);
}
