// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module with a function for each definition of a file, for tests of how definitions are imported.
#ifndef SNN_TEST_TOOLS_DEFINITIONMODULE_H
#define SNN_TEST_TOOLS_DEFINITIONMODULE_H

#include "frontends/snn/ImportDefinitions.h"

#include "mlir/IR/OwningOpRef.h"

namespace snn::frontend {

struct ModuleOptions {
  int64_t neurons = 4, classes = 2;
  std::map<std::string, std::string> words; ///< options of neurons that are not the default
  bool softSpikes = false, training = true, wide = false;
};

/// Each function is called as its kind and name; its arguments and results carry `snn.bind`: the names of inputs,
/// numbers and words, `state.NAME` and `next.NAME`, `output`. Null, with an error on the context, where something
/// cannot be imported.
mlir::OwningOpRef<mlir::ModuleOp> importEach(const DefinitionFile &file, const ModuleOptions &options,
                                             mlir::MLIRContext &context);

} // namespace snn::frontend

#endif // SNN_TEST_TOOLS_DEFINITIONMODULE_H
