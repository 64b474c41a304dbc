// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What libFuzzer calls. SNN_FUZZ_TARGET is a function of Target.h.

#include "test/Fuzz/Target.h"

#include <cstdio>
#include <cstdlib>

/// Slabs of LLVM's allocators are handed from this code to LLVM's libraries, which are not instrumented and therefore
/// do not say which parts of them are in use. Stacks of allocations would take a tenth of the time; ASAN_OPTIONS brings
/// them back for a finding.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:malloc_context_size=0:quarantine_size_mb=16";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string finding = snn::fuzz::SNN_FUZZ_TARGET({reinterpret_cast<const char *>(data), size});
  if (finding.empty())
    return 0;
  std::fprintf(stderr, "%s\n", finding.c_str());
  std::abort();
}
