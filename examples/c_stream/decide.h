/* What programs with and without an operating system share. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef SNN_EXAMPLES_C_STREAM_DECIDE_H
#define SNN_EXAMPLES_C_STREAM_DECIDE_H

#include "sensors.h"

/* Shows a passage to the network, frame by frame: the motion that most spikes stand for, or -1 if a step fails.
 * `counts` gets the spikes of each. */
int decide(passage *seen, uint64_t *random, int counts[MOTIONS]);

/* What the network works in, and what it is between two steps, in bytes. */
unsigned decide_arena_bytes(void);
unsigned decide_stream_bytes(void);

#endif /* SNN_EXAMPLES_C_STREAM_DECIDE_H */
