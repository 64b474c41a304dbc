/* The program of ../c_stream on a microcontroller without an operating system: sensor frames in, decisions out. No
 * library is there, and all memory is static. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "board.h"
#include "motion.h"
#include "sensors.h"

#include <stddef.h>

static motion_stream stream;
static motion_arena arena;

static int largest(const uint32_t *numbers) {
  int most = 0, i;
  for (i = 1; i < MOTIONS; ++i)
    most = numbers[i] > numbers[most] ? i : most;
  return most;
}

int main(void) {
  static const char *const names[MOTIONS] = {"to the right", "to the left", "still"};
  enum { PASSAGES = 12 };
  uint64_t random = 2026;
  int number, right = 0;
  for (number = 1; number <= PASSAGES; ++number) {
    passage seen = random_passage(&random);
    float frame[SENSORS], spikes[MOTIONS];
    uint32_t counts[MOTIONS] = {0, 0, 0};
    motion_inputs inputs = {0};
    motion_outputs outputs = {0};
    int step, decision, i;
    inputs.input = frame;
    outputs.spikes = spikes;
    stream.step = 0; /* at rest */
    for (step = 0; step < FRAMES; ++step) {
      int32_t code;
      next_frame(&seen, NULL, &random, frame);
      code = motion_step(&stream, &arena, &inputs, &outputs);
      if (code != MOTION_OK)
        return code;
      for (i = 0; i < MOTIONS; ++i)
        counts[i] += spikes[i] > 0;
    }
    decision = largest(counts);
    right += decision == seen.motion;
    board_print("passage ");
    board_print_number((uint32_t)number);
    board_print(": ");
    board_print(names[decision]);
    board_print(", was ");
    board_print(names[seen.motion]);
    board_print("\n");
  }
  board_print_number((uint32_t)right);
  board_print(" of 12 right; arena ");
  board_print_number(sizeof(arena));
  board_print(" bytes, stream ");
  board_print_number(sizeof(stream));
  board_print("\n");
  return 0;
}
