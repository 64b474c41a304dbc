/* A model written by hand against the ABI, in strict C99: one linear layer and a leaky membrane, trained by gradient
 * descent on mean over (b, c) of (mean over t of (W x_t + b) - onehot)^2. The macros make variants, some of them
 * broken; TINY_FULL has buffers and a metric. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "snn/abi.h"

#include <math.h>

#ifndef TINY_ABI
#define TINY_ABI SNN_ABI_VERSION
#endif
#ifndef TINY_SPOKEN_ABI
#define TINY_SPOKEN_ABI SNN_ABI_VERSION /* what the query answers to */
#endif
#ifndef TINY_CPU_LEVEL
#define TINY_CPU_LEVEL 0
#endif
#ifdef TINY_U8
#define INPUTS 784
#define CLASSES 10
#define BOUND 0.03571428571428571
#else
#define INPUTS 3
#define CLASSES 2
#define BOUND 0.5773502691896258
#endif
#define PADDED (CLASSES + 6) /* the weights are stored transposed, in rows of PADDED */
#ifndef TINY_HASH
#define TINY_HASH 0x1234567890abcdefu
#endif
#define BETA 0.9f

static const int64_t weightShape[] = {CLASSES, INPUTS}, weightStrides[] = {1, PADDED};
static const int64_t classShape[] = {CLASSES}, classStrides[] = {1};
static const int64_t batchShape[] = {SNN_EXTENT_BATCH};
#ifdef TINY_U8
static const int64_t inputShape[] = {SNN_EXTENT_BATCH, 1, 28, 28};
#else
static const int64_t inputShape[] = {SNN_EXTENT_TIME, SNN_EXTENT_BATCH, INPUTS};
#endif
static const int64_t seriesShape[] = {SNN_EXTENT_TIME, SNN_EXTENT_BATCH, CLASSES};
static const int64_t countShape[] = {SNN_EXTENT_BATCH, CLASSES};

#define WEIGHT_BYTES (INPUTS * PADDED * sizeof(float))

static const snn_tensor_info parameters[] = {
    {"1.weight", SNN_DTYPE_F32, 2, weightShape, weightStrides, 0, SNN_INIT_UNIFORM, 0, -BOUND, BOUND},
    {"1.bias", SNN_DTYPE_F32, 1, classShape, classStrides, WEIGHT_BYTES, SNN_INIT_UNIFORM, 0, -BOUND, BOUND}};
static const snn_tensor_info constants[] = {{"2.beta", SNN_DTYPE_F32, 0, NULL, NULL, 0, SNN_INIT_CONSTANT, 0, 0.9, 0}};
static const snn_tensor_info inputs[] = {
#ifdef TINY_U8
    {"input", SNN_DTYPE_U8, 4, inputShape, NULL, 0, 0, 0, 0, 0},
#else
    {"input", SNN_DTYPE_F32, 3, inputShape, NULL, 0, 0, 0, 0, 0},
#endif
    {"labels", SNN_DTYPE_I64, 1, batchShape, NULL, 0, 0, 0, 0, 0}};
enum { SPIKES, MEMBRANE, COUNT, GRAD_INPUT, LARGEST };
static const snn_tensor_info outputs[] = {
    {"spikes", SNN_DTYPE_F32, 3, seriesShape, NULL, 0, 0, 0, 0, 0},
    {"membrane", SNN_DTYPE_F32, 3, seriesShape, NULL, 0, 0, SNN_TENSOR_DIFFERENTIABLE, 0, 0},
    {"count", SNN_DTYPE_F32, 2, countShape, NULL, 0, 0, 0, 0, 0}
#ifndef TINY_U8
    ,
    {"grad.input", SNN_DTYPE_F32, 3, inputShape, NULL, 0, 0, 0, 0, 0}
#endif
#ifdef TINY_FULL
    ,
    {"largest", SNN_DTYPE_F64, 0, NULL, NULL, 0, 0, 0, 0, 0}
#endif
};
#ifdef TINY_FULL
/* The mean residual, which moves by a tenth in each call, and how many calls there were. */
#define BATCHES_AT 64
#define BUFFERS buffers, sizeof(buffers) / sizeof(buffers[0])
#define BUFFER_BYTES (BATCHES_AT + sizeof(int64_t))
static const snn_tensor_info buffers[] = {
    {"1.mean", SNN_DTYPE_F32, 1, classShape, classStrides, 0, SNN_INIT_CONSTANT, 0, 0.5, 0},
    {"1.batches", SNN_DTYPE_I64, 0, NULL, NULL, BATCHES_AT, SNN_INIT_CONSTANT, 0, 0, 0}};
#else
#define BUFFERS NULL, 0
#define BUFFER_BYTES 0
#endif
static const snn_tensor_info states[] = {
    {"2.mem", SNN_DTYPE_F32, 1, classShape, classStrides, 0, SNN_INIT_CONSTANT, 0, 0.25, 0}};
static const snn_hyper_info hyper[] = {{"lr", 0.1, 0.0, HUGE_VAL, 0, 0}};

static uint64_t arenaSize(uint64_t batch, uint64_t steps, uint64_t workers) {
  (void)steps;
  (void)workers;
  return batch * CLASSES * sizeof(float);
}

static float inputAt(const snn_call *call, uint64_t t, uint64_t row, uint64_t k) {
#ifdef TINY_U8
  (void)t;
  return (float)((const uint8_t *)call->inputs[0].data)[row * INPUTS + k] / 255.0f;
#else
  return ((const float *)call->inputs[0].data)[(t * call->batch + row) * INPUTS + k];
#endif
}

static const float *biasOf(const snn_call *call) {
  return (const float *)((const char *)call->parameters + WEIGHT_BYTES);
}

static int32_t checkCall(const snn_call *call) {
  if (call->struct_size < sizeof(snn_call) || call->batch == 0 || call->workers == 0 || !call->inputs ||
      !call->inputs[0].data)
    return SNN_ERROR_ARGUMENT;
  if (call->arena_size < arenaSize(call->batch, call->steps, call->workers) ||
      (uintptr_t)call->arena % SNN_ALIGNMENT != 0)
    return SNN_ERROR_ARENA;
  if (call->steps < 1 || call->steps > 16)
    return SNN_ERROR_STEPS;
  for (uint64_t t = 0; t < call->steps; ++t)
    for (uint64_t row = 0; row < call->batch; ++row)
      for (uint64_t k = 0; k < INPUTS; ++k) {
        float x = inputAt(call, t, row, k);
        if (x - x != 0) {
          if (call->fault_row)
            *call->fault_row = row;
          return SNN_ERROR_NOT_FINITE;
        }
      }
  return SNN_OK;
}

static float *output(const snn_call *call, int which) { return call->outputs ? (float *)call->outputs[which] : NULL; }

static void forwardRow(void *context, uint64_t row, uint64_t worker) {
  const snn_call *call = (const snn_call *)context;
  const float *weight = (const float *)call->parameters;
  float *residual = (float *)call->arena + row * CLASSES;
  const float *stateIn = (const float *)call->state_in;
  float *stateOut = (float *)call->state_out;
  float membrane[CLASSES], count[CLASSES];
  (void)worker;
  for (int c = 0; c < CLASSES; ++c) {
    membrane[c] = stateIn ? stateIn[row * CLASSES + (uint64_t)c] : 0.25f;
    count[c] = residual[c] = 0;
  }
  for (uint64_t t = 0; t < call->steps; ++t) {
    float current[CLASSES];
    for (int c = 0; c < CLASSES; ++c)
      current[c] = biasOf(call)[c];
    for (uint64_t k = 0; k < INPUTS; ++k) {
      float x = inputAt(call, t, row, k);
      for (int c = 0; c < CLASSES; ++c)
        current[c] += x * weight[k * PADDED + c];
    }
    for (int c = 0; c < CLASSES; ++c) {
      uint64_t place = (t * call->batch + row) * CLASSES + (uint64_t)c;
      membrane[c] = BETA * membrane[c] + current[c];
      count[c] += membrane[c];
      residual[c] += current[c] / (float)call->steps;
      if (output(call, SPIKES))
        output(call, SPIKES)[place] = membrane[c] > 1.0f;
      if (output(call, MEMBRANE))
        output(call, MEMBRANE)[place] = membrane[c];
    }
  }
  for (int c = 0; c < CLASSES; ++c) {
    if (stateOut)
      stateOut[row * CLASSES + (uint64_t)c] = membrane[c];
    if (output(call, COUNT))
      output(call, COUNT)[row * CLASSES + (uint64_t)c] = count[c];
  }
}

static void forRows(const snn_call *call, snn_body_fn body, uint64_t count) {
  if (call->parallel_for)
    call->parallel_for(call->pool, count, body, (void *)call);
  else
    for (uint64_t i = 0; i < count; ++i)
      body((void *)call, i, 0);
}

static int32_t forward(const snn_call *call) {
  int32_t code = checkCall(call);
  if (code == SNN_OK)
    forRows(call, forwardRow, call->batch);
  return code;
}

static int32_t step(const snn_call *call) { return call->steps == 1 ? forward(call) : SNN_ERROR_STEPS; }

#ifndef TINY_INFER
static void gradientOfClass(void *context, uint64_t c, uint64_t worker) {
  const snn_call *call = (const snn_call *)context;
  float *weight = (float *)call->gradients, *bias = (float *)((char *)call->gradients + WEIGHT_BYTES);
  const float *residual = (const float *)call->arena;
  float scale = 2.0f / (float)(call->batch * CLASSES);
  (void)worker;
  bias[c] = 0;
  for (uint64_t k = 0; k < INPUTS; ++k)
    weight[k * PADDED + c] = 0;
  for (uint64_t row = 0; row < call->batch; ++row) {
    float error = scale * residual[row * CLASSES + c];
    bias[c] += error;
    for (uint64_t t = 0; t < call->steps; ++t)
      for (uint64_t k = 0; k < INPUTS; ++k)
        weight[k * PADDED + c] += error * inputAt(call, t, row, k) / (float)call->steps;
  }
}

/* Leaves the residuals in the arena. */
static int32_t evaluate(const snn_call *call) {
  const int64_t *labels = call->inputs ? (const int64_t *)call->inputs[1].data : NULL;
  float *residual = (float *)call->arena;
  double loss = 0;
  int32_t code;
  if (!labels)
    return SNN_ERROR_ARGUMENT;
  for (uint64_t row = 0; row < call->batch; ++row)
    if (labels[row] < 0 || labels[row] >= CLASSES) {
      if (call->fault_row)
        *call->fault_row = row;
      return SNN_ERROR_LABEL;
    }
  code = forward(call);
  if (code != SNN_OK)
    return code;
  for (uint64_t row = 0; row < call->batch; ++row) {
    residual[row * CLASSES + (uint64_t)labels[row]] -= 1.0f;
    for (uint64_t c = 0; c < CLASSES; ++c)
      loss += (double)(residual[row * CLASSES + c] * residual[row * CLASSES + c]);
  }
  if (call->loss)
    *call->loss = loss / (double)(call->batch * CLASSES);
#ifdef TINY_FULL
  if (call->outputs && call->outputs[LARGEST]) {
    *(double *)call->outputs[LARGEST] = 0;
    for (uint64_t i = 0; i < call->batch * CLASSES; ++i)
      if ((double)residual[i] > *(double *)call->outputs[LARGEST])
        *(double *)call->outputs[LARGEST] = (double)residual[i];
  }
#endif
  return SNN_OK;
}

static int32_t lossAndGradient(const snn_call *call) {
  float *residual = (float *)call->arena;
  int32_t code = call->gradients ? evaluate(call) : SNN_ERROR_ARGUMENT;
  if (code != SNN_OK)
    return code;
  forRows(call, gradientOfClass, CLASSES);
  (void)residual;
#ifndef TINY_U8
  if (output(call, GRAD_INPUT))
    for (uint64_t i = 0; i < call->steps * call->batch * INPUTS; ++i) {
      uint64_t row = i / INPUTS % call->batch, k = i % INPUTS;
      float sum = 0;
      for (uint64_t c = 0; c < CLASSES; ++c)
        sum += residual[row * CLASSES + c] * ((const float *)call->parameters)[k * PADDED + c];
      output(call, GRAD_INPUT)[i] = sum * 2.0f / (float)(call->batch * CLASSES * call->steps);
    }
#endif
#ifdef TINY_FULL
  for (uint64_t c = 0; c < CLASSES; ++c) {
    float mean = 0, *running = (float *)call->buffers + c;
    for (uint64_t row = 0; row < call->batch; ++row) {
      mean += residual[row * CLASSES + c] / (float)call->batch;
    }
    *running += 0.1f * (mean - *running);
  }
  ++*(int64_t *)((char *)call->buffers + BATCHES_AT);
#endif
  return SNN_OK;
}

#ifndef TINY_U8
/* From the gradient of the membranes, which decays from each step to those before. */
static int32_t backward(const snn_call *call) {
  const float *seeds = call->output_gradients ? (const float *)call->output_gradients[MEMBRANE] : NULL;
  float *weight = (float *)call->gradients, *bias = (float *)((char *)call->gradients + WEIGHT_BYTES);
  float *input = output(call, GRAD_INPUT);
  int32_t code;
  for (uint64_t i = 0; call->output_gradients && i < sizeof(outputs) / sizeof(outputs[0]); ++i)
    if (i != MEMBRANE && call->output_gradients[i])
      return SNN_ERROR_ARGUMENT;
  code = call->gradients ? forward(call) : SNN_ERROR_ARGUMENT;
  if (code != SNN_OK)
    return code;
  for (uint64_t i = 0; i < WEIGHT_BYTES / sizeof(float) + CLASSES; ++i)
    weight[i] = 0;
  for (uint64_t row = 0; row < call->batch; ++row) {
    float error[CLASSES] = {0};
    for (uint64_t t = call->steps; t-- > 0;) {
      uint64_t place = t * call->batch + row;
      for (uint64_t c = 0; c < CLASSES; ++c) {
        error[c] = BETA * error[c] + (seeds ? seeds[place * CLASSES + c] : 0);
        bias[c] += error[c];
      }
      for (uint64_t k = 0; k < INPUTS; ++k) {
        float sum = 0;
        for (uint64_t c = 0; c < CLASSES; ++c) {
          weight[k * PADDED + c] += error[c] * inputAt(call, t, row, k);
          sum += error[c] * ((const float *)call->parameters)[k * PADDED + c];
        }
        if (input)
          input[place * INPUTS + k] = sum;
      }
    }
  }
  return SNN_OK;
}
#endif

static int32_t update(const snn_call *call) {
  float rate = (float)(call->hyper ? call->hyper[0] : hyper[0].value);
  float *parameter = (float *)call->parameters;
  const float *gradient = (const float *)call->gradients;
  for (uint64_t i = 0; i < WEIGHT_BYTES / sizeof(float) + CLASSES; ++i)
    parameter[i] -= rate * gradient[i];
  *(uint64_t *)call->optimizer = call->optimizer_step;
  return SNN_OK;
}

static int32_t trainStep(const snn_call *call) {
  int32_t code = lossAndGradient(call);
  return code == SNN_OK ? update(call) : code;
}
#endif

static const snn_model_table table = {sizeof(snn_model_table),
                                      SNN_ABI_VERSION,
                                      SNN_DTYPE_F32,
                                      sizeof(snn_tensor_info),
                                      "tiny",
                                      "by hand",
                                      "any",
                                      TINY_HASH,
#ifdef TINY_U8
                                      1,
                                      1,
#else
                                      -1,
                                      16,
#endif
                                      CLASSES,
                                      4,
                                      2,
                                      parameters,
                                      sizeof(parameters) / sizeof(parameters[0]),
                                      BUFFERS,
                                      constants,
                                      sizeof(constants) / sizeof(constants[0]),
                                      inputs,
                                      sizeof(inputs) / sizeof(inputs[0]),
                                      outputs,
                                      sizeof(outputs) / sizeof(outputs[0]),
                                      states,
                                      sizeof(states) / sizeof(states[0]),
                                      hyper,
                                      sizeof(hyper) / sizeof(hyper[0]),
#ifdef TINY_SMALL_SPAN
                                      WEIGHT_BYTES,
#else
                                      WEIGHT_BYTES + CLASSES * sizeof(float),
#endif
                                      BUFFER_BYTES,
                                      sizeof(uint64_t),
                                      CLASSES * sizeof(float),
                                      arenaSize,
                                      forward,
                                      step,
#ifdef TINY_INFER
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL
#else
                                      lossAndGradient,
#ifdef TINY_U8
                                      NULL,
#else
                                      backward,
#endif
                                      update,
                                      trainStep,
                                      evaluate
#endif
};

const snn_model_table *tiny_snn_query(uint32_t abi_version);
const snn_model_table *tiny_snn_query(uint32_t abi_version) { return abi_version == TINY_SPOKEN_ABI ? &table : NULL; }

#ifndef TINY_NO_NOTE
/* The linker makes a PT_NOTE segment of this section. In one aligned to 4 the descriptor starts at 20, in one aligned
 * to 8 at 24. */
#ifdef TINY_NOTE_ALIGNED_8
#define NOTE_ALIGNMENT 8
#else
#define NOTE_ALIGNMENT 4
#endif
typedef struct __attribute__((packed)) Note {
  uint32_t nameSize, descriptorSize, type;
  char name[NOTE_ALIGNMENT + 4];
  snn_note note;
} Note;

__attribute__((section(".note.snnc"), used, aligned(NOTE_ALIGNMENT))) static const Note note = {
    sizeof(SNN_NOTE_OWNER),
    sizeof(snn_note),
    SNN_NOTE_TYPE,
    SNN_NOTE_OWNER,
    {TINY_ABI, TINY_CPU_LEVEL, TINY_HASH,
#ifdef TINY_WRONG_SYMBOL
     "nobody_snn_query"
#else
     "tiny_snn_query"
#endif
    }};
#endif
