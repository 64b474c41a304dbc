/* Calls of a streaming build that are wrong, in a program without libc for x86-64 Linux: it ends with the number of the
 * line of the first surprise, modulo 256. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "motion.h"

static motion_stream stream;
static motion_arena arena;
static float frame[MOTION_ELEMENTS_OF_INPUT_INPUT], spikes[MOTION_ELEMENTS_OF_OUTPUT_SPIKES + 1];
static uint64_t before[MOTION_STATE_BYTES / 8];

static int same_state(void) {
  int i;
  for (i = 0; i < MOTION_STATE_BYTES / 8; ++i)
    if (stream.state[i] != before[i])
      return 0;
  return 1;
}

static int run(void) {
  motion_inputs inputs = {0};
  motion_outputs outputs = {0};
  int i, step;
  union {
    uint32_t bits;
    float number;
  } wrong;
#define EXPECT(what)                                                                                                   \
  if (!(what))                                                                                                         \
  return __LINE__
  inputs.input = frame;
  outputs.spikes = spikes;
  spikes[MOTION_ELEMENTS_OF_OUTPUT_SPIKES] = 7;
  for (step = 0; step < 5; ++step) {
    for (i = 0; i < MOTION_ELEMENTS_OF_INPUT_INPUT; ++i)
      frame[i] = (float)(i + step) * 0.25f;
    EXPECT(motion_step(&stream, &arena, &inputs, step % 2 ? &outputs : 0) == MOTION_STEP_OK);
    EXPECT(stream.step == (uint64_t)step + 1);
  }
  EXPECT(spikes[MOTION_ELEMENTS_OF_OUTPUT_SPIKES] == 7);
  for (i = 0; i < MOTION_STATE_BYTES / 8; ++i)
    before[i] = stream.state[i];
  EXPECT(motion_step(0, &arena, &inputs, &outputs) == MOTION_STEP_ERROR_ARGUMENT);
  EXPECT(motion_step(&stream, 0, &inputs, &outputs) == MOTION_STEP_ERROR_ARGUMENT);
  EXPECT(motion_step(&stream, &arena, 0, &outputs) == MOTION_STEP_ERROR_ARGUMENT);
  inputs.input = 0;
  EXPECT(motion_step(&stream, &arena, &inputs, &outputs) == MOTION_STEP_ERROR_ARGUMENT);
  inputs.input = frame;
  for (wrong.bits = 0x7f800000u; wrong.bits != 0x7f800002u; ++wrong.bits) { /* an infinity, a NaN */
    frame[MOTION_ELEMENTS_OF_INPUT_INPUT - 1] = wrong.number;
    EXPECT(motion_step(&stream, &arena, &inputs, &outputs) == MOTION_STEP_ERROR_NOT_FINITE);
  }
  EXPECT(stream.step == 5 && same_state());
  frame[MOTION_ELEMENTS_OF_INPUT_INPUT - 1] = 0;
  EXPECT(motion_step(&stream, &arena, &inputs, &outputs) == MOTION_STEP_OK && stream.step == 6 && !same_state());
  return 0;
}

__attribute__((force_align_arg_pointer)) void _start(void) {
  const int line = run();
  __asm__ volatile("syscall" : : "a"(60), "D"((line & 255) | (line && !(line & 255))) : "rcx", "r11", "memory");
}
