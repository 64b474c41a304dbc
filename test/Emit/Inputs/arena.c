/* Compares the constant expression of a generated header with what the model's table says, and looks whether the first
 * call may work in so much. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   -include MODEL.h -DTABLE=model_table -DARENA_BYTES=MODEL_ARENA_BYTES -DMAX_STEPS=MODEL_MAX_STEPS
 */
#include <stdio.h>

unsigned char arena[ARENA_BYTES(1, MAX_STEPS, 1)];

int main(void) {
  static const uint64_t batches[] = {1,   2,   3,   5,   16,  31,   32,   33,   64,    100,
                                     128, 129, 200, 256, 300, 1000, 1024, 4096, 100000};
  static const uint64_t workers[] = {1, 2, 3, 8, 64};
  const snn_model_table *table = TABLE();
  unsigned sizes = 0, equal = 0, b, w;
  uint64_t steps;
  double most = 1;
  for (b = 0; b < sizeof(batches) / sizeof(batches[0]); ++b)
    for (steps = 1; steps <= MAX_STEPS; steps += steps < 70 ? 1 : 37)
      for (w = 0; w < sizeof(workers) / sizeof(workers[0]); ++w) {
        const uint64_t needed = table->arena_size(batches[b], steps, workers[w]);
        const uint64_t given = ARENA_BYTES(batches[b], steps, workers[w]);
        ++sizes;
        equal += needed == given;
        if (given < needed) {
          printf("%lu samples, %lu steps, %lu workers: %lu bytes, %lu are needed\n", (unsigned long)batches[b],
                 (unsigned long)steps, (unsigned long)workers[w], (unsigned long)given, (unsigned long)needed);
          return 1;
        }
        if ((double)given / (double)needed > most)
          most = (double)given / (double)needed;
      }
  printf("%s, %.0f %% more at most\n", equal == sizes ? "equal" : "not equal", 100 * (most - 1));
  return sizeof(arena) < table->arena_size(1, MAX_STEPS, 1);
}
