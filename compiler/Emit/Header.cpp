// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text of the C header, from the same ModelInterface that the table of snn/abi.h is made of.

#include "compiler/Emit/Header.h"

#include "compiler/Emit/ArenaMacro.h"
#include "compiler/Emit/HeaderText.h"
#include "dialect/SnnDialect.h"

using namespace mlir;

namespace snn {
namespace {

using namespace header;

/// Lines of a comment: a title, and a line with a number for each tensor.
void tensors(Output out, const char *title, const char *index, const std::vector<TensorInfo> &list) {
  if (list.empty())
    return;
  fmt::format_to(out, " *\n * {} ({}):\n", title, index);
  for (size_t i = 0; i < list.size(); ++i)
    fmt::format_to(out, " *   {:>3}  {:<24} {} {}\n", i, list[i].name, dtypeName(list[i].dtype),
                   shapeText(list[i].shape));
}

/// Elements of an input or output in a call: "INT64_C(10) * (steps) * (batch)". The first factor is wide, because hosts
/// also give their numbers as `int`, in which a product of three overflows.
std::string elementsText(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  int64_t known = 1;
  for (int64_t extent : shape) {
    if (extent > 0)
      known *= extent;
    else
      text += extent == SNN_EXTENT_BATCH ? " * (batch)" : " * (steps)";
  }
  return "INT64_C(" + std::to_string(known) + ")" + text;
}

/// The text behind the comment.
class HeaderWriter {
public:
  HeaderWriter(const ModelInterface &model, ModuleOp module, bool hasWeights)
      : model(model), module(module), hasWeights(hasWeights), upper(upperCase(model.name)), out(text) {}

  std::string write() {
    sizes();
    places();
    tables();
    if (model.outputs.empty() || model.inputs.empty())
      return text;
    arrays("inputs", "Arrays that a call reads", "const ", model.inputs, [](const TensorInfo &) { return true; });
    arrays("outputs", "Arrays that a call writes, or NULL for those that are not wanted", "", model.outputs,
           [](const TensorInfo &) { return true; });
    functions();
    return text;
  }

private:
  bool has(llvm::StringRef function) { return bool(module.lookupSymbol(function)); }

  void sizes() {
    auto macro = [&](const char *name, int64_t value) {
      fmt::format_to(out, "#define {}_{} {}\n", upper, name, value);
    };
    if (model.steps > 0)
      macro("STEPS", model.steps);
    macro("MAX_STEPS", model.maxSteps);
    if (model.window > 0)
      macro("WINDOW", model.window);
    macro("BATCH", model.batch);
    macro("CLASSES", model.classes);
    macro("PARAMETER_BYTES", model.parameterBytes);
    macro("OPTIMIZER_BYTES", model.optimizerBytes);
    macro("BUFFER_BYTES", model.bufferBytes);
    macro("STATE_BYTES", model.stateBytes);
    fmt::format_to(out,
                   "\n/* Bytes of arena that are enough for calls of so many samples, time steps and workers, as a "
                   "constant expression\n * of constants: what the table's arena_size says, or a little more. For the "
                   "code that was "
                   "made together with this\n * header; an entry refuses less than it needs (SNN_ERROR_ARENA). */\n");
    text += arenaMacro(module, upper + "_ARENA_BYTES");
  }

  void places() {
    fmt::format_to(out, "\n/* Places in the lists of the table and of snn_call, and how many there are. */\nenum {{\n");
    auto list = [&](const char *one, const char *all, const auto &entries) {
      Identifiers identifiers;
      for (const auto &[index, entry] : llvm::enumerate(entries))
        fmt::format_to(out, "  {}_{}_{} = {},\n", upper, one, identifiers.of(upperCase(entry.name)), index);
      fmt::format_to(out, "  {}_{} = {}", upper, all, entries.size());
    };
    auto next = [&] { text += ",\n"; };
    list("PARAMETER", "PARAMETERS", model.parameters), next();
    list("BUFFER", "BUFFERS", model.buffers), next();
    list("INPUT", "INPUTS", model.inputs), next();
    list("OUTPUT", "OUTPUTS", model.outputs), next();
    list("STATE", "STATES", model.states), next();
    list("HYPER", "HYPERS", model.hyper);
    fmt::format_to(out, "\n}};\n\n/* Elements of an array in a call. */\n");
    elements("INPUT", model.inputs);
    elements("OUTPUT", model.outputs);
  }

  void elements(const char *kind, const std::vector<TensorInfo> &tensors) {
    Identifiers identifiers;
    for (const TensorInfo &tensor : tensors)
      fmt::format_to(out, "#define {}_ELEMENTS_OF_{}_{}(batch, steps) ({})\n", upper, kind,
                     identifiers.of(upperCase(tensor.name)), elementsText(tensor.shape));
  }

  void tables() {
    fmt::format_to(out,
                   "\n/* The model's table if the code speaks this version of the ABI (pass SNN_ABI_VERSION) and the "
                   "machine has what it\n"
                   " * needs, else NULL. */\n"
                   "const snn_model_table *{0}(uint32_t abi_version);\n\n"
                   "static inline const snn_model_table *{1}_table(void) {{ return {0}(SNN_ABI_VERSION); }}\n",
                   querySymbolOf(model.name), model.name);
  }

  /// A struct with a typed pointer for each array that is selected, and a function that puts all in order.
  template <typename Select>
  void arrays(const char *kind, const char *what, const char *qualifier, const std::vector<TensorInfo> &tensors,
              Select selected) {
    const bool areViews = &tensors == &model.inputs;
    const std::string name = model.name + "_" + kind;
    fmt::format_to(out, "\n/* {}, without gaps; shapes stand above. */\ntypedef struct {} {{\n", what, name);
    Identifiers identifiers;
    std::string body;
    for (const auto &[index, tensor] : llvm::enumerate(tensors)) {
      const std::string field = identifiers.ofField(tensor.name);
      const std::string place = fmt::format("  places[{}]", index);
      const std::string array = selected(tensor) ? "arrays->" + field : "NULL";
      if (selected(tensor))
        fmt::format_to(out, "  {}{} *{};\n", qualifier, typeName(tensor.dtype), field);
      body += areViews ? fmt::format("{0}.data = {1};\n{0}.strides = NULL;\n", place, array)
                       : fmt::format("{} = {};\n", place, array);
    }
    fmt::format_to(out,
                   "}} {0};\n\n/* In the order of the field of snn_call and snn_batch. */\n"
                   "static inline void {0}_in_order(const {0} *arrays, {1}places[{2}]) {{\n{3}}}\n",
                   name, areViews ? "snn_view " : fmt::format("{}void *", qualifier),
                   upper + (areViews ? "_INPUTS" : "_OUTPUTS"), body);
  }

  void functions() {
    fmt::format_to(
        out,
        "\n/* A call of so many samples and time steps that runs in the calling thread. Other fields may be set "
        "afterwards:\n"
        " * states, gradients, optimizer, buffers, hyper values, threads. */\n"
        "static inline snn_call {0}_call(uint64_t batch, uint64_t steps, const void *parameters, void *arena,\n"
        "                                uint64_t arena_bytes) {{\n"
        "  snn_call call;\n"
        "  memset(&call, 0, sizeof(call));\n"
        "  call.struct_size = sizeof(call);\n"
        "  call.batch = batch;\n"
        "  call.steps = steps;\n"
        "  call.workers = 1;\n"
        "  call.parameters = (void *)(uintptr_t)parameters; /* updates alone write to them */\n"
        "  call.arena = arena;\n"
        "  call.arena_size = arena_bytes;\n"
        "  return call;\n"
        "}}\n",
        model.name);
    if (hasWeights)
      fmt::format_to(
          out,
          "\n/* The same with the weights that are a part of the code: for calls that do not train. */\n"
          "static inline snn_call {0}_call_with_weights(const snn_model_table *table, uint64_t batch, uint64_t steps,\n"
          "                                             void *arena, uint64_t arena_bytes) {{\n"
          "  snn_call call = {0}_call(batch, steps, table->initial_parameters, arena, arena_bytes);\n"
          "  call.buffers = (void *)(uintptr_t)table->initial_buffers; /* training alone writes to them */\n"
          "  return call;\n"
          "}}\n",
          model.name);
    fmt::format_to(out,
                   "\n/* The entry points, with inputs and outputs from here instead of the call's. `outputs` may be "
                   "NULL. */\n"
                   "static inline int32_t {0}_run(snn_entry_fn entry, snn_call call, const {0}_inputs *inputs,\n"
                   "                              const {0}_outputs *outputs) {{\n"
                   "  snn_view views[{1}_INPUTS];\n"
                   "  void *pointers[{1}_OUTPUTS];\n"
                   "  {0}_inputs_in_order(inputs, views);\n"
                   "  call.inputs = views;\n"
                   "  if (outputs) {{\n"
                   "    {0}_outputs_in_order(outputs, pointers);\n"
                   "    call.outputs = pointers;\n"
                   "  }}\n"
                   "  return entry(&call);\n"
                   "}}\n",
                   model.name, upper);
    if (has(kForward)) {
      entry(kForward);
      entry("step", "1");
    }
    if (has(kEvaluate))
      entry(kEvaluate);
    if (has(kLossAndGradient))
      entry(kLossAndGradient);
    if (has(kLossAndGradient) && has(kUpdate))
      entry("train_step");
    if (has(kUpdate))
      fmt::format_to(out,
                     "\nstatic inline int32_t {0}_update(const snn_model_table *table, const snn_call *call) {{\n"
                     "  return table->update(call);\n"
                     "}}\n",
                     model.name);
    if (has(kBackward))
      backward();
  }

  /// `steps`: how many the entry takes, if that is not the call's number.
  void entry(llvm::StringRef name, llvm::StringRef steps = "") {
    fmt::format_to(out,
                   "\nstatic inline int32_t {0}_{1}(const snn_model_table *table, const snn_call *call,\n"
                   "                              const {0}_inputs *inputs, const {0}_outputs *outputs) {{\n",
                   model.name, name.str());
    if (!steps.empty())
      fmt::format_to(out, "  snn_call own = *call;\n  own.steps = {};\n", steps.str());
    fmt::format_to(out, "  return {}_run(table->{}, {}, inputs, outputs);\n}}\n", model.name, name.str(),
                   steps.empty() ? "*call" : "own");
  }

  void backward() {
    auto differentiable = [](const TensorInfo &tensor) { return tensor.differentiable; };
    if (llvm::none_of(model.outputs, differentiable))
      return;
    arrays("output_gradients", "The loss's derivatives by outputs, or NULL for zero", "const ", model.outputs,
           differentiable);
    fmt::format_to(out,
                   "\nstatic inline int32_t {0}_backward(const snn_model_table *table, const snn_call *call,\n"
                   "                              const {0}_inputs *inputs, const {0}_output_gradients *gradients,\n"
                   "                              const {0}_outputs *outputs) {{\n"
                   "  const void *derivatives[{1}_OUTPUTS];\n"
                   "  snn_call own = *call;\n"
                   "  {0}_output_gradients_in_order(gradients, derivatives);\n"
                   "  own.output_gradients = derivatives;\n"
                   "  return {0}_run(table->backward, own, inputs, outputs);\n"
                   "}}\n",
                   model.name, upper);
  }

  const ModelInterface &model;
  ModuleOp module;
  bool hasWeights;
  std::string upper, text;
  Output out;
};

} // namespace

std::string emitHeader(const ModelInterface &model, ModuleOp module, bool hasWeights) {
  std::string text;
  Output out(text);
  fmt::format_to(out, "/* The compiled spiking neural network \"{}\"; written by snnc {}.\n", model.name, SNNC_VERSION);
  tensors(out, "Parameters", "trainable, named as in the state_dict", model.parameters);
  if (!model.buffers.empty())
    tensors(out, "Buffers", "statistics that training updates, named as in the state_dict", model.buffers);
  if (!model.constants.empty()) {
    fmt::format_to(out, " *\n * Constants (compiled in; a checkpoint that has them must agree):\n");
    for (const TensorInfo &constant : model.constants)
      fmt::format_to(out, " *        {:<24} {}\n", constant.name, constant.low);
  }
  tensors(out, "Inputs", "index into snn_call.inputs", model.inputs);
  tensors(out, "Outputs", "index into snn_call.outputs", model.outputs);
  tensors(out, "States", "of one sample, in snn_call.state_in and state_out", model.states);
  if (!model.hyper.empty()) {
    fmt::format_to(out, " *\n * Numbers (index into snn_call.hyper) and their defaults:\n");
    for (size_t i = 0; i < model.hyper.size(); ++i)
      fmt::format_to(out, " *   {:>3}  {:<24} {}\n", i, model.hyper[i].name, model.hyper[i].value);
  }
  fmt::format_to(out,
                 " */\n"
                 "{}"
                 "#include <snn/abi.h>\n"
                 "#include <string.h>\n\n"
                 "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
                 guard("MODEL", model.name));
  text += HeaderWriter(model, module, hasWeights).write();
  fmt::format_to(out,
                 "\n#ifdef __cplusplus\n}}\n#endif\n\n"
                 "#endif /* SNN_MODEL_{}_H */\n",
                 model.name);
  return text;
}

} // namespace snn
