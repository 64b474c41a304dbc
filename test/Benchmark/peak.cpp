// Measures the machine's peaks with Google Benchmark: fma/BITS in operations per second, triad in bytes per second.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/Benchmark/Peak.h"

#include <benchmark/benchmark.h>

using namespace snn;

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  for (auto [bits, body] :
       {std::pair(128, &peak::peak128), std::pair(256, &peak::peak256), std::pair(512, &peak::peak512)})
    if (peak::has(bits))
      benchmark::RegisterBenchmark(("fma/" + std::to_string(bits)).c_str(), [bits, body](benchmark::State &state) {
        for (auto _ : state)
          body();
        state.counters["FLOP/s"] = benchmark::Counter(2.0 * peak::chains * (bits / 32) * peak::repeats,
                                                      benchmark::Counter::kIsIterationInvariantRate);
      });
  benchmark::RegisterBenchmark("triad", [](benchmark::State &state) {
    peak::Triad triad;
    for (auto _ : state)
      triad.run();
    state.SetBytesProcessed(int64_t(peak::Triad::bytes) * state.iterations());
  });
  benchmark::RunSpecifiedBenchmarks();
}
