// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text of the C header, from the same ModelInterface that the table of snn/abi.h is made of.

#include "compiler/Emit/Header.h"

#include <fmt/format.h>
#include <iterator>

namespace snn {
namespace {

using Output = std::back_insert_iterator<std::string>;

const char *dtypeName(snn_dtype dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return "f32";
  case SNN_DTYPE_F64:
    return "f64";
  case SNN_DTYPE_U8:
    return "u8";
  case SNN_DTYPE_I64:
    return "i64";
  }
  return "?";
}

std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t extent : shape) {
    if (text.size() > 1)
      text += ", ";
    text += extent == SNN_EXTENT_BATCH ? "batch" : extent == SNN_EXTENT_TIME ? "time" : std::to_string(extent);
  }
  return text + "]";
}

void tensors(Output out, const char *title, const char *index, const std::vector<TensorInfo> &list) {
  if (list.empty())
    return;
  fmt::format_to(out, " *\n * {} ({}):\n", title, index);
  for (size_t i = 0; i < list.size(); ++i)
    fmt::format_to(out, " *   {:>3}  {:<24} {} {}\n", i, list[i].name, dtypeName(list[i].dtype),
                   shapeText(list[i].shape));
}

std::string upperCase(const std::string &name) {
  std::string upper = name;
  for (char &c : upper)
    if (c >= 'a' && c <= 'z')
      c = char(c - 'a' + 'A');
  return upper;
}

} // namespace

std::string emitHeader(const ModelInterface &model) {
  std::string text;
  Output out(text);
  const std::string upper = upperCase(model.name);
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
                 "#ifndef SNN_MODEL_{0}_H\n"
                 "#define SNN_MODEL_{0}_H\n\n"
                 "#include <snn/abi.h>\n\n"
                 "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
                 upper);
  auto macro = [&](const char *name, int64_t value) { fmt::format_to(out, "#define {}_{} {}\n", upper, name, value); };
  if (model.steps > 0)
    macro("STEPS", model.steps);
  macro("MAX_STEPS", model.maxSteps);
  if (model.window > 0)
    macro("WINDOW", model.window);
  macro("CLASSES", model.classes);
  macro("PARAMETER_BYTES", model.parameterBytes);
  macro("OPTIMIZER_BYTES", model.optimizerBytes);
  macro("BUFFER_BYTES", model.bufferBytes);
  macro("STATE_BYTES", model.stateBytes);
  fmt::format_to(out,
                 "\n/* The model's table if the code speaks this version of the ABI (pass SNN_ABI_VERSION) and the "
                 "machine has what it\n"
                 " * needs, else NULL. */\n"
                 "const snn_model_table *{}(uint32_t abi_version);\n\n"
                 "#ifdef __cplusplus\n}}\n#endif\n\n"
                 "#endif /* SNN_MODEL_{}_H */\n",
                 querySymbolOf(model.name), upper);
  return text;
}

} // namespace snn
