// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> checked definitions.

#include "frontends/snn/Definitions.h"

#include "frontends/snn/Lexer.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"
#include "frontends/snn/Standard.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace snn::frontend {
std::shared_ptr<SourceFile> parse(StringRef text, StringRef name, Diagnostics &diagnostics) {
  unsigned id = diagnostics.sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(text, name), SMLoc());
  StringRef buffer = diagnostics.sources.getMemoryBuffer(id)->getBuffer();
  return std::make_shared<SourceFile>(Parser(lex(buffer, diagnostics), diagnostics).parseFile());
}

const Definition *DefinitionFile::find(DefinitionKind kind, StringRef name) const {
  auto it = table.find({kind, name});
  return it == table.end() ? nullptr : it->second;
}

double DefinitionFile::number(const Expr &expr) const { return *foldNumber(expr, params); }

std::optional<DefinitionFile> checkDefinitions(StringRef text, StringRef fileName, raw_ostream &os,
                                               std::shared_ptr<const Standard> standard) {
  DefinitionFile result;
  if (text == preludeText())
    standard = std::make_shared<Standard>();
  else if (!standard && !(standard = Standard::read(os)))
    return std::nullopt;
  result.standard = standard;
  result.sources = std::make_shared<SourceMgr>();
  Diagnostics diagnostics(*result.sources, &standard->diagnostics);
  if (text.size() > limits::kFileBytes) {
    diagnostics.error(DiagId::FileTooLarge, {},
                      fileName + " has " + Twine(text.size()) + " bytes, but at most " + Twine(limits::kFileBytes) +
                          " are possible");
    diagnostics.render(os);
    return std::nullopt;
  }
  result.file = parse(text, fileName, diagnostics);
  standard->addSources(*result.sources);
  Evaluator evaluator(diagnostics, standard->evaluator);
  evaluator.addAliases(*result.file);
  StringMap<SMRange> known;
  for (const ParamDecl &param : result.file->params)
    if (evaluator.isNew(param.name, known, "param"))
      evaluator.params[param.name.text] = evaluator.number(*param.value).value_or(1);
  DefinitionChecker checker(evaluator, &standard->checker);
  checker.run(*result.file);
  diagnostics.render(os);
  if (diagnostics.hasErrors())
    return std::nullopt;
  result.params = std::move(evaluator.params);
  result.table = std::move(evaluator.definitions);
  return result;
}

} // namespace snn::frontend
