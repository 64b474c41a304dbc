// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> checked definitions.

#include "frontends/snn/Definitions.h"

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Lexer.h"
#include "frontends/snn/Limits.h"
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

std::shared_ptr<SourceFile> parse(StringRef text, StringRef name, Diagnostics &diagnostics) {
  unsigned id = diagnostics.sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(text, name), SMLoc());
  StringRef buffer = diagnostics.sources.getMemoryBuffer(id)->getBuffer();
  return std::make_shared<SourceFile>(Parser(lex(buffer, diagnostics), diagnostics).parseFile());
}

std::shared_ptr<SourceFile> parsePrelude(Diagnostics &diagnostics) {
  auto prelude = parse(kPrelude, "prelude.snn", diagnostics);
  auto spellings = parse(kSpellings, "spellings.snn", diagnostics);
  for (AliasDecl &alias : spellings->aliases)
    prelude->aliases.push_back(std::move(alias));
  return prelude;
}

const Definition *DefinitionFile::find(DefinitionKind kind, StringRef name) const {
  auto it = table.find({kind, name});
  return it == table.end() ? nullptr : it->second;
}

double DefinitionFile::number(const Expr &expr) const { return *foldNumber(expr, params); }

StringRef preludeText() { return kPrelude; }

std::optional<DefinitionFile> checkDefinitions(StringRef text, StringRef fileName, raw_ostream &os) {
  DefinitionFile result;
  result.sources = std::make_shared<SourceMgr>();
  Diagnostics diagnostics(*result.sources);
  if (text.size() > limits::kFileBytes) {
    diagnostics.error(DiagId::FileTooLarge, {},
                      fileName + " has " + Twine(text.size()) + " bytes, but at most " + Twine(limits::kFileBytes) +
                          " are possible");
    diagnostics.render(os);
    return std::nullopt;
  }
  result.file = parse(text, fileName, diagnostics);
  result.standard = text == preludeText() ? std::make_shared<SourceFile>() : parsePrelude(diagnostics);
  Evaluator evaluator(diagnostics);
  StringMap<SMRange> known;
  for (const SourceFile *source : {result.standard.get(), result.file.get()})
    for (const AliasDecl &alias : source->aliases)
      for (const Name &spelling : alias.spellings)
        diagnostics.addAlias(spelling.text, alias.meant.text);
  for (const ParamDecl &param : result.file->params)
    if (evaluator.isNew(param.name, known, "param"))
      evaluator.params[param.name.text] = evaluator.number(*param.value).value_or(1);
  DefinitionChecker checker(evaluator);
  checker.run(*result.standard);
  checker.run(*result.file);
  diagnostics.render(os);
  if (diagnostics.hasErrors())
    return std::nullopt;
  result.params = std::move(evaluator.params);
  result.table = std::move(evaluator.definitions);
  return result;
}

} // namespace snn::frontend
