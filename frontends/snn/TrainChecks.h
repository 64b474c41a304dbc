// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block.

#ifndef SNN_FRONTENDS_SNN_TRAINCHECKS_H
#define SNN_FRONTENDS_SNN_TRAINCHECKS_H

#include "frontends/snn/Evaluate.h"

namespace snn::frontend {

/// Fills `train` from the file's `train` blocks, of which there may be one; what they do not say has its default.
/// Fills `model.train` by definitions. What the model leaves open is as in the `train` of the standard definitions.
void checkTraining(CheckedModel &model, Evaluator &evaluator);

void checkTrain(const std::vector<TrainDecl> &decls, CheckedTrain &train, Evaluator &evaluator);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_TRAINCHECKS_H
