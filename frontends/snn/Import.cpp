// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/snn/ImportModel.h"

namespace snn::frontend {
mlir::OwningOpRef<mlir::ModuleOp> importModel(const CheckedModel &model, mlir::MLIRContext &context) {
  return importCoreModel(model, context);
}
} // namespace snn::frontend
