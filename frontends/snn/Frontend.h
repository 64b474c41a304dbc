// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The front end of the snn language: text -> checked model -> a module of the core. This is the one header that users
// include.

#ifndef SNN_FRONTENDS_SNN_FRONTEND_H
#define SNN_FRONTENDS_SNN_FRONTEND_H

#include "frontends/snn/Checked.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>

namespace snn::frontend {

/// Parses and checks a model. `fileName` is only used for locations. Writes all diagnostics, in the form of
/// `file:line:column: error: message [id]` with the line and a caret, to `diagnostics`; returns nothing if there was
/// an error. No text, however malformed, makes it crash. `standard` is for who checks many models: without it, the
/// standard definitions are read anew.
std::optional<CheckedModel> checkModel(llvm::StringRef text, llvm::StringRef fileName, const FrontendOptions &options,
                                       llvm::raw_ostream &diagnostics,
                                       std::shared_ptr<const Standard> standard = nullptr);

/// The standard definitions, read and checked. Null, after a message, if they have an error.
std::shared_ptr<const Standard> readStandard(llvm::raw_ostream &diagnostics);

/// Writes the model as snn text with everything resolved: parameters and defaults are numbers, `let` is expanded,
/// shapes stand in comments. The text is itself a model, and prints as itself.
void printAst(const CheckedModel &model, llvm::raw_ostream &os);

/// The model as a module of the core (frontends/snn/README.md says what it holds, in which order). Loads the dialects
/// that it needs into `context`, which must outlive the module. The module is valid; null is returned, with an error on
/// the context, for what cannot be imported yet, and for a defect of this importer.
mlir::OwningOpRef<mlir::ModuleOp> importModel(const CheckedModel &model, mlir::MLIRContext &context);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_FRONTEND_H
