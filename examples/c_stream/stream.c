/* Streams what eight sensors see through a network, frame by frame, and prints a decision after each passage. No
 * library but libc is there, for printing. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "decide.h"

#include <stdio.h>

int main(void) {
  static const char *const names[MOTIONS] = {"to the right", "to the left", "still"};
  enum { PASSAGES = 12 };
  uint64_t random = 2026;
  int number, right = 0;
  printf("arena %u bytes, stream %u\n", decide_arena_bytes(), decide_stream_bytes());
  for (number = 1; number <= PASSAGES; ++number) {
    passage seen = random_passage(&random);
    int counts[MOTIONS];
    const int decision = decide(&seen, &random, counts);
    if (decision < 0) {
      fprintf(stderr, "stream: the network refuses a frame\n");
      return 1;
    }
    right += decision == seen.motion;
    printf("passage %2d: %s (%d of %d frames), was %s\n", number, names[decision], counts[decision], FRAMES,
           names[seen.motion]);
  }
  printf("%d of %d right\n", right, PASSAGES);
  return 0;
}
