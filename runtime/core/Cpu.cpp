// cpuid and xgetbv, by the feature lists of the x86-64 psABI, section 3.1.1 (micro-architecture levels).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Cpu.h"

#include <sched.h>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>

namespace {

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf) {
  Registers r;
  __get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d);
  return r;
}

/// Register XCR0: which register sets the operating system saves.
unsigned savedRegisters() {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool all(unsigned value, unsigned bits) { return (value & bits) == bits; }

} // namespace

unsigned snn::cpuLevel() {
  Registers leaf1 = cpuid(1), leaf7 = cpuid(7), extended = cpuid(0x80000001);
  if (!all(leaf1.c, bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT | bit_CMPXCHG16B) ||
      !all(extended.c, bit_LAHF_LM))
    return 1;
  constexpr unsigned xmmAndYmm = 0x6, opmaskAndZmm = 0xe0;
  if (!all(leaf1.c, bit_OSXSAVE | bit_AVX | bit_F16C | bit_FMA | bit_MOVBE) || !all(savedRegisters(), xmmAndYmm) ||
      !all(leaf7.b, bit_AVX2 | bit_BMI | bit_BMI2) || !all(extended.c, bit_LZCNT))
    return 2;
  if (!all(leaf7.b, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL) ||
      !all(savedRegisters(), opmaskAndZmm))
    return 3;
  return 4;
}
#else
unsigned snn::cpuLevel() { return 0; }
#endif

unsigned snn::cpuCount() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    if (int count = CPU_COUNT(&set); count > 0)
      return unsigned(count);
  unsigned count = std::thread::hardware_concurrency();
  return count ? count : 1;
}
