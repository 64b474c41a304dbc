// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> checked model.

#include "frontends/snn/Frontend.h"

#include "frontends/snn/Checks.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"

using namespace llvm;

namespace snn::frontend {

std::optional<CheckedModel> checkModel(StringRef text, StringRef fileName, const FrontendOptions &options,
                                       raw_ostream &os) {
  CheckedModel model;
  model.sources = std::make_shared<SourceMgr>();
  model.options = options;
  Diagnostics diagnostics(*model.sources);
  if (text.size() > limits::kFileBytes) {
    diagnostics.error(DiagId::FileTooLarge, {},
                      fileName + " has " + Twine(text.size()) + " bytes, but a model may have at most " +
                          Twine(limits::kFileBytes));
    diagnostics.render(os);
    return std::nullopt;
  }
  model.file = parse(text, fileName, diagnostics);
  model.prelude = parsePrelude(diagnostics);
  check(model, diagnostics);
  diagnostics.render(os);
  if (diagnostics.hasErrors())
    return std::nullopt;
  return model;
}

} // namespace snn::frontend
