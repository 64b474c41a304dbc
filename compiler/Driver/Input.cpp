// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two kinds of input: models, and the text of a stage.

#include "compiler/Driver/Input.h"

#include "compiler/Driver/Messages.h"
#include "compiler/Driver/ReadFile.h"
#include "frontends/snn/Frontend.h"
#include "frontends/snn/Limits.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace snn {

/// Texts of stages grow with the model: 1,024 layers make some 30 MB of stage cpu.
static constexpr size_t kMaxStageBytes = size_t(1) << 30;

/// How deep a stage's text nests, by its brackets: far beyond what snnc writes, and far below what MLIR's parser, which
/// calls itself for each level, has room for on a stack of 8 MiB.
static constexpr unsigned kMaxNesting = 256;

/// Where brackets nest deeper than that, or null. Angles are counted within a line only, as they need not be brackets.
static const char *findDeepNesting(StringRef text) {
  unsigned depth = 0, angles = 0;
  for (const char *at = text.begin(); at != text.end(); ++at) {
    const char next = at + 1 == text.end() ? '\0' : at[1];
    switch (*at) {
    case '"':
      while (++at != text.end() && *at != '"' && *at != '\n')
        at += *at == '\\' && at + 1 != text.end();
      break;
    case '/':
      while (next == '/' && at + 1 != text.end() && at[1] != '\n')
        ++at;
      break;
    case '-':
      at += next == '>';
      break;
    case '(':
    case '[':
    case '{':
      ++depth;
      break;
    case ')':
    case ']':
    case '}':
      depth -= depth > 0;
      break;
    case '<':
      angles += next != '=';
      break;
    case '>':
      angles -= angles > 0 && next != '=';
      break;
    case '\n':
      angles = 0;
      break;
    }
    if (at == text.end())
      break;
    if (depth + angles > kMaxNesting)
      return at;
  }
  return nullptr;
}

ExitStatus Input::read(bool wantModule) {
  const TextLimits limits = options.from ? TextLimits{"the text of a stage", kMaxStageBytes}
                                         : TextLimits{"the text of a model", frontend::limits::kFileBytes};
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readText(options.input, limits);
  if (!buffer) {
    printError(errors, llvm::toString(buffer.takeError()));
    return kExitModelError;
  }
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  if (!options.from)
    return readModel(wantModule);
  const llvm::MemoryBuffer &text = *sources.getMemoryBuffer(sources.getMainFileID());
  if (const char *deep = findDeepNesting(text.getBuffer())) {
    const auto [line, column] = sources.getLineAndColumn(llvm::SMLoc::getFromPointer(deep));
    emitError(FileLineColLoc::get(&context, text.getBufferIdentifier(), line, column))
        << "brackets nest more than " << kMaxNesting << " levels deep, which no text of a stage does";
    return kExitModelError;
  }
  module = parseSourceFile<ModuleOp>(sources, &context);
  return module ? kExitSuccess : kExitModelError;
}

ExitStatus Input::readModel(bool wantModule) {
  const llvm::MemoryBuffer &buffer = *sources.getMemoryBuffer(sources.getMainFileID());
  frontend::FrontendOptions choices;
  choices.mode = options.mode;
  choices.precision = options.doublePrecision ? frontend::Precision::F64 : frontend::Precision::F32;
  choices.softSpikes = options.softSpikes;
  choices.defines = options.defines;
  const std::optional<frontend::CheckedModel> model =
      frontend::checkModel(buffer.getBuffer(), buffer.getBufferIdentifier(), choices, errors);
  if (!model)
    return kExitModelError;
  llvm::raw_string_ostream stream(ast);
  frontend::printAst(*model, stream);
  if (!wantModule)
    return kExitSuccess;
  module = frontend::importModel(*model, context);
  return module ? kExitSuccess : kExitInternalError;
}

} // namespace snn
