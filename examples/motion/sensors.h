/* What the sensors of the examples see: a spot of light in front of eight of them, with noise. Made up, so that the
 * examples need no files. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#ifndef SNN_EXAMPLES_MOTION_SENSORS_H
#define SNN_EXAMPLES_MOTION_SENSORS_H

#include <stdint.h>

enum { SENSORS = 8, FRAMES = 16, MOTIONS = 3 };

/* One passage of the spot. */
typedef struct passage {
  int motion;            /* 0: to the right, 1: to the left, 2: it stands still */
  float position, speed; /* in sensors, and sensors per frame */
} passage;

/* A number in [0, 1); any `state` but 0 will do. */
static inline float random_number(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (float)(uint32_t)(*state >> 40) / 16777216.0f;
}

static inline passage random_passage(uint64_t *state) {
  passage result;
  result.motion = (int)(3 * random_number(state));
  result.speed = 0.3f + 0.3f * random_number(state);
  result.position = result.motion == 0 ? 0 : result.motion == 1 ? 7 : 1 + 5 * random_number(state);
  if (result.motion == 1)
    result.speed = -result.speed;
  if (result.motion == 2)
    result.speed = 0;
  return result;
}

/* The next frame: the light at each sensor, from 0 to about 1. `order` is the sensor that stands in each place; NULL:
 * 0, 1, ... */
static inline void next_frame(passage *of, const int *order, uint64_t *state, float frame[SENSORS]) {
  int place;
  for (place = 0; place < SENSORS; ++place) {
    const float distance = of->position - (float)place;
    const float light = distance * distance < 4 ? 1 - distance * distance / 4 : 0;
    frame[order ? order[place] : place] = light + 0.2f * random_number(state);
  }
  of->position += of->speed;
}

#endif /* SNN_EXAMPLES_MOTION_SENSORS_H */
