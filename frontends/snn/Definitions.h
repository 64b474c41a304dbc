// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file of definitions: text -> AST, whose names, types and axes are checked, -> text.

#ifndef SNN_FRONTENDS_SNN_DEFINITIONS_H
#define SNN_FRONTENDS_SNN_DEFINITIONS_H

#include "frontends/snn/Ast.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <map>
#include <memory>
#include <optional>

namespace snn::frontend {

using DefinitionTable = std::map<std::pair<DefinitionKind, llvm::StringRef>, const Definition *>;

class Standard;

struct DefinitionFile {
  std::shared_ptr<llvm::SourceMgr> sources; ///< owns the text that names refer to
  std::shared_ptr<SourceFile> file;
  std::shared_ptr<const Standard> standard; ///< owns the definitions of the table that are not the file's
  llvm::StringMap<double> params;           ///< of the file
  DefinitionTable table;

  /// The definition of the file, or the standard one; null if there is none.
  const Definition *find(DefinitionKind kind, llvm::StringRef name) const;
  /// The value of a constant expression, which the checks have found to be one.
  double number(const Expr &expr) const;
};

/// The text of the standard definitions, prelude.snn.
llvm::StringRef preludeText();

/// Parses and checks the definitions of a text. It may use the standard ones, unless it is `preludeText()`.
/// Diagnostics and `standard` as of `checkModel`; nothing is returned if there was an error.
std::optional<DefinitionFile> checkDefinitions(llvm::StringRef text, llvm::StringRef fileName,
                                               llvm::raw_ostream &diagnostics,
                                               std::shared_ptr<const Standard> standard = nullptr);

/// Writes a definition with `params` and what is computed of them as numbers.
void printDefinition(const Definition &definition, const llvm::StringMap<double> &params, llvm::raw_ostream &os);

/// Writes the file's params and definitions, without comments. The text reads as the same definitions, and prints as
/// itself.
void printDefinitions(const DefinitionFile &file, llvm::raw_ostream &os);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_DEFINITIONS_H
