// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> checked model.

#include "frontends/snn/Frontend.h"

#include "frontends/snn/Checks.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"
#include "frontends/snn/Standard.h"

using namespace llvm;

namespace snn::frontend {

std::optional<CheckedModel> checkModel(StringRef text, StringRef fileName, const FrontendOptions &options,
                                       raw_ostream &os, std::shared_ptr<const Standard> standard) {
  if (!standard && !(standard = Standard::read(os)))
    return std::nullopt;
  CheckedModel model;
  model.standard = standard;
  model.sources = std::make_shared<SourceMgr>();
  model.options = options;
  Diagnostics diagnostics(*model.sources, &standard->diagnostics);
  if (text.size() > limits::kFileBytes) {
    diagnostics.error(DiagId::FileTooLarge, {},
                      fileName + " has " + Twine(text.size()) + " bytes, but a model may have at most " +
                          Twine(limits::kFileBytes));
    diagnostics.render(os);
    return std::nullopt;
  }
  model.file = parse(text, fileName, diagnostics);
  standard->addSources(*model.sources);
  check(model, diagnostics);
  diagnostics.render(os);
  if (diagnostics.hasErrors())
    return std::nullopt;
  return model;
}

std::shared_ptr<const Standard> readStandard(raw_ostream &os) { return Standard::read(os); }

} // namespace snn::frontend
