// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C header of a streaming build. The structs are those that compiler/Codegen/Host/StreamEntry.cpp reads.

#include "compiler/Codegen/StreamLayout.h"
#include "compiler/Emit/Header.h"
#include "compiler/Emit/HeaderText.h"
#include "compiler/Schedule/Cpu/CallMemory.h"

using namespace mlir;

namespace snn {
namespace {

using namespace header;

/// Without the extents of the call, which are 1.
llvm::SmallVector<int64_t> ofStep(ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> inner;
  llvm::copy_if(shape, std::back_inserter(inner), [](int64_t extent) { return extent > 0; });
  return inner;
}

class StreamHeaderWriter {
public:
  StreamHeaderWriter(const ModelInterface &model, ModuleOp module, bool hasWeights)
      : model(model), hasWeights(hasWeights), arenaBytes(core::callBytes(module, {1, 1})), name(model.name),
        upper(upperCase(model.name)), out(text) {}

  std::string write() {
    comment();
    fmt::format_to(out,
                   "{}#include <stdint.h>\n\n"
                   "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
                   guard("STREAM", name));
    sizes();
    memory();
    arrays("inputs", "What a step reads", "const ", model.inputs);
    arrays("outputs", "What a step writes, or NULL for what is not wanted; `count` is of this step", "", model.outputs);
    fmt::format_to(
        out,
        "\n/* One time step. `outputs` may be NULL. Gives {1}_STEP_OK, or an error, after which the stream is as it "
        "was. Calls with\n * other streams and arenas may run at the same time; an arena holds nothing between "
        "calls. */\n"
        "int32_t {0}_step({0}_stream *stream, {0}_arena *arena, const {0}_inputs *inputs,\n"
        "    const {0}_outputs *outputs);\n\n"
        "#ifdef __cplusplus\n}}\n#endif\n\n#endif /* SNN_STREAM_{0}_H */\n",
        name, upper);
    return text;
  }

private:
  void comment() {
    fmt::format_to(
        out,
        "/* The compiled spiking neural network \"{}\", a time step of one sample at a time; written by snnc "
        "{}.\n * Its code calls no library: at most memcpy, memset and memmove and, on Arm's M profile, helper "
        "functions of "
        "the\n * run-time ABI (__aeabi_...), which compilers bring.\n",
        name, SNNC_VERSION);
    places(hasWeights ? "Parameters, which are a part of the code" : "Parameters", model.parameters, !hasWeights);
    places(hasWeights ? "Buffers, which are a part of the code" : "Buffers", model.buffers, !hasWeights);
    places("State", model.states, true);
    fmt::format_to(out, " */\n");
  }

  void places(const char *title, const std::vector<TensorInfo> &list, bool lie) {
    if (list.empty())
      return;
    fmt::format_to(out, " *\n * {}{}:\n", title, lie ? " (the first byte, and the strides in elements)" : "");
    for (const TensorInfo &tensor : list) {
      fmt::format_to(out, " *   {:<24} {} {}", tensor.name, dtypeName(tensor.dtype), shapeText(ofStep(tensor.shape)));
      if (lie)
        fmt::format_to(out, " at {}, strides {}", tensor.offset, shapeText(tensor.strides));
      text += "\n";
    }
  }

  void sizes() {
    auto macro = [&](const std::string &suffix, int64_t value) {
      fmt::format_to(out, "#define {}_{} {}\n", upper, suffix, value);
    };
    macro("CLASSES", model.classes);
    macro("ARENA_BYTES", arenaBytes);
    macro("STATE_BYTES", model.stateBytes);
    macro("PARAMETER_BYTES", model.parameterBytes);
    macro("BUFFER_BYTES", model.bufferBytes);
    auto elements = [&](const char *kind, const std::vector<TensorInfo> &list) {
      Identifiers identifiers;
      for (const TensorInfo &tensor : list) {
        int64_t count = 1;
        for (int64_t extent : ofStep(tensor.shape))
          count *= extent;
        macro(fmt::format("ELEMENTS_OF_{}_{}", kind, identifiers.of(upperCase(tensor.name))), count);
      }
    };
    fmt::format_to(out, "\n/* Elements of the arrays below. */\n");
    elements("INPUT", model.inputs);
    elements("OUTPUT", model.outputs);
    fmt::format_to(out,
                   "\n/* ERROR_ARGUMENT: a pointer that is needed is NULL. ERROR_NOT_FINITE: the input has a NaN or an "
                   "infinity. */\n"
                   "enum {{ {0}_STEP_OK = {1}, {0}_STEP_ERROR_ARGUMENT = {2}, {0}_STEP_ERROR_NOT_FINITE = {3} }};\n",
                   upper, int(SNN_OK), int(SNN_ERROR_ARGUMENT), int(SNN_ERROR_NOT_FINITE));
  }

  void memory() {
    fmt::format_to(out,
                   "\n/* All that a stream is between two steps. Zero means at rest; to begin anew, set `step` to 0. "
                   "Random numbers of the\n * model, if it has any, follow from seed, sample and step. What lies "
                   "between the tensors of the state may be\n * "
                   "anything. {}*/\n"
                   "typedef struct {}_stream {{\n"
                   "  uint64_t step; /* steps so far */\n"
                   "  uint64_t seed;\n"
                   "  uint64_t sample;\n",
                   hasWeights ? "" : "The weights are the program's. ", name);
    if (model.stateBytes > 0)
      fmt::format_to(out, "  uint64_t state[{}_STATE_BYTES / 8];\n", upper);
    if (!hasWeights && model.parameterBytes > 0)
      fmt::format_to(out, "  const void *parameters; /* {}_PARAMETER_BYTES, as said above, aligned as a double */\n",
                     upper);
    if (!hasWeights && model.bufferBytes > 0)
      fmt::format_to(out, "  const void *buffers; /* {}_BUFFER_BYTES, as said above, aligned as a double */\n", upper);
    fmt::format_to(out,
                   "}} {0}_stream;\n\n/* What a step works in; it may hold anything before. */\n"
                   "typedef struct {0}_arena {{\n  uint64_t memory[{1}_ARENA_BYTES / 8];\n}} {0}_arena;\n",
                   name, upper);
  }

  void arrays(const char *kind, const char *what, const char *qualifier, const std::vector<TensorInfo> &list) {
    fmt::format_to(out, "\n/* {}. */\ntypedef struct {}_{} {{\n", what, name, kind);
    Identifiers identifiers;
    for (const TensorInfo &tensor : list)
      fmt::format_to(out, "  {}{} *{}; /* {} */\n", qualifier, typeName(tensor.dtype), identifiers.ofField(tensor.name),
                     shapeText(ofStep(tensor.shape)));
    fmt::format_to(out, "}} {}_{};\n", name, kind);
  }

  const ModelInterface &model;
  bool hasWeights;
  int64_t arenaBytes;
  std::string name, upper, text;
  Output out;
};

} // namespace

std::string emitStreamHeader(const ModelInterface &model, ModuleOp module, bool hasWeights) {
  return StreamHeaderWriter(model, module, hasWeights).write();
}

} // namespace snn
