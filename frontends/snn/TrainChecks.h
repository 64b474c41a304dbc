// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block.

#ifndef SNN_FRONTENDS_SNN_TRAINCHECKS_H
#define SNN_FRONTENDS_SNN_TRAINCHECKS_H

#include "frontends/snn/DefinitionChecker.h"

namespace snn::frontend {

/// Fills `model.train` from the file's `train` blocks, of which there may be one. What it leaves open is as in the
/// `train` of the prelude.
void checkTraining(CheckedModel &model, Evaluator &evaluator, DefinitionChecker &definitions);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_TRAINCHECKS_H
