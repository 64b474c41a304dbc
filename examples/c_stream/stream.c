/* Streams what eight sensors see through a network, frame by frame, and prints a decision after each passage. The
 * weights are a part of the program; all memory is static, and no library but libc is there. SPDX-License-Identifier:
 * Apache-2.0 WITH LLVM-exception
 */
#include "motion.h"
#include "sensors.h"

#include <stdio.h>

/* Memory that begins where the interface asks for it. */
#define MEMORY(bytes)                                                                                                  \
  union {                                                                                                              \
    unsigned char room[(bytes) + SNN_ALIGNMENT];                                                                       \
    double number;                                                                                                     \
  }
static void *aligned(unsigned char *room) {
  return room + (SNN_ALIGNMENT - (uintptr_t)room % SNN_ALIGNMENT) % SNN_ALIGNMENT;
}

static MEMORY(MOTION_ARENA_BYTES(1, 1, 1)) arena;
static MEMORY(MOTION_STATE_BYTES) state;

static int largest(const float *numbers) {
  int most = 0, i;
  for (i = 1; i < MOTIONS; ++i)
    most = numbers[i] > numbers[most] ? i : most;
  return most;
}

int main(void) {
  static const char *const names[MOTIONS] = {"to the right", "to the left", "still"};
  enum { PASSAGES = 12 };
  const snn_model_table *table = motion_table();
  uint64_t random = 2026;
  int number, right = 0;
  if (!table) {
    fprintf(stderr, "stream: this machine lacks instructions that the model needs\n");
    return 1;
  }
  printf("arena %lu bytes, state %lu, weights %lu\n", (unsigned long)MOTION_ARENA_BYTES(1, 1, 1),
         (unsigned long)MOTION_STATE_BYTES, (unsigned long)MOTION_PARAMETER_BYTES);
  for (number = 1; number <= PASSAGES; ++number) {
    passage seen = random_passage(&random);
    float frame[SENSORS], spikes[MOTIONS], counts[MOTIONS] = {0};
    motion_inputs inputs = {frame};
    motion_outputs outputs = {0};
    snn_call call = motion_call_with_weights(table, 1, 1, aligned(arena.room), MOTION_ARENA_BYTES(1, 1, 1));
    int decision, i;
    outputs.spikes = spikes;
    call.state_out = aligned(state.room);
    for (call.first_step = 0; call.first_step < FRAMES; ++call.first_step) {
      int32_t code;
      next_frame(&seen, NULL, &random, frame);
      code = motion_step(table, &call, &inputs, &outputs);
      if (code != SNN_OK) {
        fprintf(stderr, "stream: a step gave code %d of enum snn_status\n", (int)code);
        return 1;
      }
      call.state_in = call.state_out; /* the first step starts at rest */
      for (i = 0; i < MOTIONS; ++i)
        counts[i] += spikes[i];
    }
    decision = largest(counts);
    right += decision == seen.motion;
    printf("passage %2d: %s (%.0f of %d frames), was %s\n", number, names[decision], (double)counts[decision], FRAMES,
           names[seen.motion]);
  }
  printf("%d of %d right\n", right, PASSAGES);
  return 0;
}
