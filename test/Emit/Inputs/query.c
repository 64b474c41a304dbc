/* Loads a library with nothing but libc and prints its table. */
#include <dlfcn.h>
#include <inttypes.h>
#include <snn/abi.h>
#include <stdio.h>

static void print_tensors(const char *kind, const snn_tensor_info *tensors, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const snn_tensor_info *t = &tensors[i];
    printf("%s %s dtype %" PRIu32 " offset %" PRIu64 " init %" PRIu32 " [%g, %g) shape", kind, t->name, t->dtype,
           t->offset, t->init, t->init_low, t->init_high);
    for (uint32_t d = 0; d < t->rank; ++d)
      printf(" %" PRId64, t->shape[d]);
    if (t->strides)
      printf(" strides");
    for (uint32_t d = 0; t->strides && d < t->rank; ++d)
      printf(" %" PRId64, t->strides[d]);
    printf("\n");
  }
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) {
    printf("%s\n", dlerror());
    return 1;
  }
  snn_query_fn query;
  *(void **)&query = dlsym(library, argv[2]);
  if (!query)
    return 1;
  printf("another version: %s\n", query(SNN_ABI_VERSION + 1) ? "a table" : "none");
  const snn_model_table *table = query(SNN_ABI_VERSION);
  printf("size %d abi %" PRIu32 " precision %" PRIu32 " tensor size %d\n", table->struct_size == sizeof(*table),
         table->abi_version, table->precision, table->tensor_info_size == sizeof(snn_tensor_info));
  printf("name %s hash %" PRIu64 " target %s\n", table->name, table->model_hash, table->target);
  printf("steps %" PRId64 " max %" PRId64 " window %" PRIu64 " classes %" PRId64 " batch %" PRId64 " epochs %" PRId64
         "\n",
         table->steps, table->max_steps, table->window, table->classes, table->default_batch, table->default_epochs);
  print_tensors("parameter", table->parameters, table->parameter_count);
  print_tensors("constant", table->constants, table->constant_count);
  print_tensors("input", table->inputs, table->input_count);
  print_tensors("output", table->outputs, table->output_count);
  print_tensors("state", table->states, table->state_count);
  for (uint64_t i = 0; i < table->hyper_count; ++i)
    printf("hyper %s %g from %g to %g %" PRIu32 "\n", table->hyper[i].name, table->hyper[i].value, table->hyper[i].low,
           table->hyper[i].high, table->hyper[i].flags);
  printf("bytes %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", table->parameter_bytes, table->optimizer_bytes,
         table->state_bytes);
  printf("entries %d %d %d %d %d\n", table->forward != NULL, table->step != NULL, table->loss_and_gradient != NULL,
         table->update != NULL, table->train_step != NULL);
  if (table->arena_size)
    printf("arena %" PRIu64 "\n", table->arena_size(3, 5, 7));
  if (table->step)
    printf("step gives %" PRId32 "\n", table->step(NULL));
  return 0;
}
