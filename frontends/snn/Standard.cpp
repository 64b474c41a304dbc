// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Standard.h.

#include "frontends/snn/Standard.h"

#include "frontends/snn/Lexer.h"
#include "frontends/snn/NeuronChecks.h"
#include "frontends/snn/Parser.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr StringLiteral kPrelude =
#include "Prelude.inc"
    ;

constexpr StringLiteral kSpellings =
#include "Spellings.inc"
    ;

} // namespace

StringRef preludeText() { return kPrelude; }

/// The texts lie where they are for as long as the library is loaded, so that places in them mean the same in each
/// file's sources.
void Standard::addSources(SourceMgr &sources) const {
  for (auto [text, name] : {std::pair(StringRef(kPrelude), "prelude.snn"), {kSpellings, "spellings.snn"}})
    sources.AddNewSourceBuffer(MemoryBuffer::getMemBuffer(text, name), SMLoc());
}

std::shared_ptr<const Standard> Standard::read(raw_ostream &os) {
  auto standard = std::make_shared<Standard>();
  Diagnostics &diagnostics = standard->diagnostics;
  Evaluator &evaluator = standard->evaluator;
  standard->addSources(standard->sources);
  SourceFile &file = standard->file = Parser(lex(kPrelude, diagnostics), diagnostics).parseFile();
  const SourceFile spellings = Parser(lex(kSpellings, diagnostics), diagnostics).parseFile();
  evaluator.addAliases(file);
  evaluator.addAliases(spellings);
  standard->checker.run(file);
  for (const auto &definition : file.definitions)
    if (definition->kind == DefinitionKind::Neuron)
      standard->neurons.push_back(describeNeuron(*definition, /*prelude=*/true, /*valid=*/true, evaluator));
  if (!diagnostics.hasErrors())
    return standard;
  diagnostics.render(os);
  return nullptr;
}

} // namespace snn::frontend
