// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model's text at stage bptt, whose entries the interpreter runs on values by name.

#ifndef SNN_TEST_CORE_COREMODEL_H
#define SNN_TEST_CORE_COREMODEL_H

#include "compiler/Pipelines/Pipelines.h"
#include "dialect/SnnDialect.h"
#include "frontends/snn/Frontend.h"
#include "test/oracle/Interpreter.h"

#include <map>

namespace snn::test {

using interpreter::Array;
using interpreter::Call;
using interpreter::Numbers;
using Values = std::map<std::string, Array>;

class CoreModel {
public:
  /// Throws std::runtime_error with the compiler's messages if the text is no model.
  explicit CoreModel(const std::string &text, const frontend::FrontendOptions &options = {},
                     Numbers numbers = Numbers::Wide);

  mlir::ModuleOp getModule() { return *module; }

  /// Runs an entry. States that are not given are at rest, numbers have the model's defaults. Gradients are called
  /// `grad.NAME`.
  Values run(const std::string &entry, const Values &given, Call call = {});

  /// One update of all parameters in `values`, by the gradients in `gradients`; optimizer states are kept in `states`.
  void update(Values &values, const Values &gradients, std::map<std::string, std::vector<double>> &states,
              const std::map<std::string, int64_t> &counts);

private:
  Array declared(const std::string &name, core::ArrayType type, const Call &call);

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Numbers numbers;
};

/// max |got - want| / max |want|
double error(const Array &got, const Array &want);

} // namespace snn::test

#endif // SNN_TEST_CORE_COREMODEL_H
