// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// AST -> checked model: every error that a user can make is found here or in the parser.

#ifndef SNN_FRONTENDS_SNN_CHECKS_H
#define SNN_FRONTENDS_SNN_CHECKS_H

#include "frontends/snn/Checked.h"
#include "frontends/snn/Diagnostics.h"

namespace snn::frontend {

/// Fills `model` from `model.file`, `model.standard` and `model.options`. The model may be used only if no error was
/// reported, here or before.
void check(CheckedModel &model, Diagnostics &diagnostics);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_CHECKS_H
