/* See decide.h. All memory is static: the network, its weights among it, is in motion.o. SPDX-License-Identifier:
 * Apache-2.0 WITH LLVM-exception
 */
#include "decide.h"
#include "motion.h"

#include <stddef.h>

static motion_stream stream;
static motion_arena arena;

unsigned decide_arena_bytes(void) { return sizeof(arena); }
unsigned decide_stream_bytes(void) { return sizeof(stream); }

int decide(passage *seen, uint64_t *random, int counts[MOTIONS]) {
  float frame[SENSORS], spikes[MOTIONS];
  motion_inputs inputs;
  motion_outputs outputs = {0}; /* what is NULL is not wanted */
  int step, motion, most = 0;
  inputs.input = frame;
  outputs.spikes = spikes;
  for (motion = 0; motion < MOTIONS; ++motion)
    counts[motion] = 0;
  stream.step = 0; /* neurons at rest */
  for (step = 0; step < FRAMES; ++step) {
    next_frame(seen, NULL, random, frame);
    if (motion_step(&stream, &arena, &inputs, &outputs) != MOTION_STEP_OK)
      return -1;
    for (motion = 0; motion < MOTIONS; ++motion)
      counts[motion] += spikes[motion] > 0;
  }
  for (motion = 1; motion < MOTIONS; ++motion)
    most = counts[motion] > counts[most] ? motion : most;
  return most;
}
