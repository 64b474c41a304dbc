/* Two models in one program, through the functions of their headers: C99 and C++17. What the functions give is what the
 * tables give. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include <errno.h>

#include "names.h"
#include "small.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = SMALL_BATCH, STEPS = SMALL_STEPS };

/* Memory in sizes that are constants. */
typedef struct memory {
  union { /* of the alignment that the interface asks for; see allocate() */
    unsigned char bytes[SMALL_ARENA_BYTES(ROWS, STEPS, 1) + SNN_ALIGNMENT];
    double number;
  } arena, parameters, gradients, optimizer, state;
} memory;

static void *aligned(unsigned char *bytes) {
  return bytes + (SNN_ALIGNMENT - (uintptr_t)bytes % SNN_ALIGNMENT) % SNN_ALIGNMENT;
}

static int failures;
static void expect(int condition, const char *what) {
  if (!condition) {
    printf("%s\n", what);
    ++failures;
  }
}

static memory first, second;
static float input[SMALL_ELEMENTS_OF_INPUT_INPUT(ROWS, STEPS)];
static int64_t labels[SMALL_ELEMENTS_OF_INPUT_LABELS(ROWS, STEPS)];

static snn_call prepare(memory *of) {
  const snn_model_table *table = small_table();
  snn_call call = small_call(ROWS, STEPS, aligned(of->parameters.bytes), aligned(of->arena.bytes),
                             SMALL_ARENA_BYTES(ROWS, STEPS, 1));
  const snn_tensor_info *weight = &table->parameters[SMALL_PARAMETER_0_WEIGHT];
  float *numbers = (float *)(void *)((char *)call.parameters + weight->offset);
  int i;
  for (i = 0; i < 6 * 24; ++i)
    numbers[i] = (float)(i % 5) * 0.25f - 0.4f;
  call.gradients = aligned(of->gradients.bytes);
  call.optimizer = aligned(of->optimizer.bytes);
  call.state_out = aligned(of->state.bytes);
  call.optimizer_step = 1;
  return call;
}

/* A loss of the host's, ce_rate for both labels, has the gradients of the model's own. Names that the languages keep
 * for themselves are others here. */
static void checkBackward(void) {
  enum { SAMPLES = 3, TIME = NAMES_MAX_STEPS };
  static union {
    unsigned char bytes[NAMES_ARENA_BYTES(SAMPLES, TIME, 1) + SNN_ALIGNMENT];
    double number;
  } arena, parameters, gradient[2];
  static float spikes[NAMES_ELEMENTS_OF_OUTPUT_SPIKES(SAMPLES, TIME)];
  static float derivatives[NAMES_ELEMENTS_OF_OUTPUT_SPIKES(SAMPLES, TIME)];
  static const int64_t classes[SAMPLES] = {2, 0, 1};
  const snn_model_table *table = names_table();
  snn_call call =
      names_call(SAMPLES, TIME, aligned(parameters.bytes), aligned(arena.bytes), NAMES_ARENA_BYTES(SAMPLES, TIME, 1));
  float *numbers = (float *)aligned(parameters.bytes);
  float *own = (float *)aligned(gradient[0].bytes), *host = (float *)aligned(gradient[1].bytes);
  names_inputs inputs;
  names_outputs outputs;
  names_output_gradients seeds;
  size_t i, t, row, c;
  float largest = 0;
  for (i = 0; i < NAMES_PARAMETER_BYTES / sizeof(float); ++i)
    numbers[i] = (float)(i % 7) * 0.2f - 0.3f;
  inputs.input = input;
  inputs.int_ = inputs.new_ = inputs.static_assert_ = inputs.co_await_ = inputs.errno_ = classes;
  memset(&outputs, 0, sizeof(outputs));
  memset(&seeds, 0, sizeof(seeds));
  outputs.spikes = spikes;
  call.gradients = own;
  expect(names_loss_and_gradient(table, &call, &inputs, NULL) == SNN_OK &&
             names_forward(table, &call, &inputs, &outputs) == SNN_OK,
         "the model with odd names failed");
  for (t = 0; t < TIME; ++t)
    for (row = 0; row < SAMPLES; ++row) {
      const size_t at = (t * SAMPLES + row) * NAMES_CLASSES;
      double sum = 0;
      for (c = 0; c < NAMES_CLASSES; ++c)
        sum += exp((double)spikes[at + c]);
      for (c = 0; c < NAMES_CLASSES; ++c)
        derivatives[at + c] =
            (float)(5 * (exp((double)spikes[at + c]) / sum - (c == (size_t)classes[row])) / (SAMPLES * TIME));
    }
  call.gradients = host;
  seeds.spikes = derivatives;
  expect(names_backward(table, &call, &inputs, &seeds, NULL) == SNN_OK, "backward failed");
  /* Weights and biases; between them there may be anything. */
  for (i = 0; i < table->parameter_count; ++i) {
    const snn_tensor_info *of = &table->parameters[i];
    const int64_t rows = of->rank == 2 ? of->shape[0] : 1, columns = of->shape[of->rank - 1];
    int64_t r, k;
    for (r = 0; r < rows; ++r)
      for (k = 0; k < columns; ++k) {
        const size_t at = of->offset / sizeof(float) +
                          (size_t)(k * of->strides[of->rank - 1] + (of->rank == 2 ? r * of->strides[0] : 0));
        largest = fabsf(own[at]) > largest ? fabsf(own[at]) : largest;
        expect(fabsf(own[at] - host[at]) < 1e-6f, "backward gives other gradients than the model's loss");
      }
  }
  expect(largest > 1e-3f, "there are no gradients");
  expect(NAMES_INPUT_INT == 1 && NAMES_INPUTS == 6 && NAMES_STATE_CLASS_MEM == 1, "places are others");
}

int main(void) {
  static float spikes[2][SMALL_ELEMENTS_OF_OUTPUT_SPIKES(ROWS, STEPS)];
  const snn_model_table *table = small_table();
  double losses[2] = {0, 1};
  snn_call one, two;
  small_inputs inputs;
  small_outputs outputs;
  snn_view views[SMALL_INPUTS];
  void *pointers[SMALL_OUTPUTS];
  size_t i;
  if (!table || !names_table())
    return 1;
  for (i = 0; i < sizeof(input) / sizeof(input[0]); ++i)
    input[i] = (float)(i % 11) * 0.5f;
  for (i = 0; i < sizeof(labels) / sizeof(labels[0]); ++i)
    labels[i] = (int64_t)(i % SMALL_CLASSES);
  one = prepare(&first);
  two = prepare(&second);
  inputs.input = input;
  inputs.labels = labels;
  memset(&outputs, 0, sizeof(outputs));
  outputs.spikes = spikes[0];

  /* The same by hand. */
  small_inputs_in_order(&inputs, views);
  small_outputs_in_order(&outputs, pointers);
  expect(pointers[SMALL_OUTPUT_SPIKES] == spikes[0] && !pointers[SMALL_OUTPUT_COUNT], "outputs are out of order");
  pointers[SMALL_OUTPUT_SPIKES] = spikes[1];
  two.inputs = views;
  two.outputs = pointers;

  expect(small_forward(table, &one, &inputs, &outputs) == SNN_OK && table->forward(&two) == SNN_OK, "forward failed");
  expect(memcmp(spikes[0], spikes[1], sizeof(spikes[0])) == 0, "forward gives other spikes");
  memset(spikes[0], 0x55, sizeof(spikes[0]));
  one.state_in = NULL;
  for (i = 0; i < STEPS; ++i) {
    outputs.spikes = spikes[0] + i * SMALL_ELEMENTS_OF_OUTPUT_SPIKES(ROWS, 1);
    expect(small_step(table, &one, &inputs, &outputs) == SNN_OK, "step failed");
    one.state_in = one.state_out;
    one.first_step = i + 1;
  }
  expect(memcmp(spikes[0], spikes[1], sizeof(spikes[0])) == 0, "steps give other spikes");
  one.state_in = NULL;
  one.first_step = 0;

  one.loss = &losses[0];
  two.loss = &losses[1];
  expect(small_evaluate(table, &one, &inputs, NULL) == SNN_OK && table->evaluate(&two) == SNN_OK, "evaluate failed");
  expect(losses[0] == losses[1], "evaluate gives another loss");
  expect(small_loss_and_gradient(table, &one, &inputs, NULL) == SNN_OK && small_update(table, &one) == SNN_OK &&
             small_train_step(table, &two, &inputs, NULL) == SNN_OK,
         "training failed");
  expect(memcmp(one.parameters, two.parameters, SMALL_PARAMETER_BYTES) == 0, "training gives other parameters");
  expect(SMALL_ELEMENTS_OF_OUTPUT_SPIKES(1 << 20, 1 << 20) == INT64_C(20) << 40,
         "elements are counted in too few bits");
  checkBackward();
  printf("%d failures\n", failures);
  return failures != 0;
}
