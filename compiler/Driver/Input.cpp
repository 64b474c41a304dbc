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
  module = parseSourceFile<ModuleOp>(sources, &context);
  return module ? kExitSuccess : kExitModelError;
}

ExitStatus Input::readModel(bool wantModule) {
  const llvm::MemoryBuffer &buffer = *sources.getMemoryBuffer(sources.getMainFileID());
  frontend::FrontendOptions choices;
  choices.mode = options.infer ? frontend::Mode::Infer : frontend::Mode::Train;
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
