// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Target.h.

#include "test/Fuzz/Target.h"

#include "frontends/snn/Frontend.h"
#include "frontends/snn/Limits.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace snn::frontend;

namespace snn::fuzz {
namespace {

const std::shared_ptr<const Standard> &standard() {
  static const std::shared_ptr<const Standard> definitions = readStandard(errs());
  return definitions;
}

std::string shown(StringRef what, StringRef printed, StringRef detail) {
  return (what + "\n--- printed\n" + printed + "--- detail\n" + detail).str();
}

/// `check` gives what `print` takes. Only a text that has no error promises anything.
template <typename Check, typename Print> std::string roundTrip(StringRef text, Check check, Print print) {
  std::string messages, first, second;
  raw_string_ostream os(messages), firstOs(first), secondOs(second);
  auto result = check(text, os);
  if (!result)
    return messages.empty() ? "refused without a message" : "";
  print(*result, firstOs);
  if (first.size() > limits::kFileBytes) // it says what was left open, and may be too large for a text
    return "";
  messages.clear();
  auto again = check(first, os);
  if (!again)
    return shown("what was printed has an error", first, messages);
  print(*again, secondOs);
  return first == second ? "" : shown("what was printed does not print as itself", first, second);
}

} // namespace

std::string checkText(StringRef text) {
  if (!text.contains("model"))
    return roundTrip(
        text, [](StringRef text, raw_ostream &os) { return checkDefinitions(text, "fuzz.snn", os, standard()); },
        printDefinitions);
  return roundTrip(
      text, [](StringRef text, raw_ostream &os) { return checkModel(text, "fuzz.snn", {}, os, standard()); }, printAst);
}

std::string importText(StringRef text) {
  std::string messages;
  raw_string_ostream os(messages);
  auto model = checkModel(text, "fuzz.snn", {}, os, standard());
  if (!model)
    return "";
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) { os << diagnostic << '\n'; });
  messages.clear();
  auto module = importModel(*model, context);
  if (!module)
    return "no module: " + messages;
  return succeeded(mlir::verify(*module)) ? "" : "not valid: " + messages;
}

} // namespace snn::fuzz
