// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> tokens.

#ifndef SNN_FRONTENDS_SNN_LEXER_H
#define SNN_FRONTENDS_SNN_LEXER_H

#include "frontends/snn/Diagnostics.h"

namespace snn::frontend {

struct Token {
  /// Invalid: an error about it has been reported, so what does not fit here needs no second one.
  enum class Kind { Name, Number, Symbol, Newline, Invalid, End };
  Kind kind = Kind::End;
  llvm::StringRef text; ///< as in the source; empty for End
  double number = 0;

  llvm::SMLoc begin() const { return llvm::SMLoc::getFromPointer(text.data()); }
  llvm::SMLoc end() const { return llvm::SMLoc::getFromPointer(text.data() + text.size()); }
  llvm::SMRange range() const { return {begin(), end()}; }
  bool isName() const { return kind == Kind::Name; }
  /// "nn.Flatten": a name of another language, which is unknown wherever it stands.
  bool isPath() const { return isName() && text.contains('.'); }
  bool isName(llvm::StringRef word) const { return kind == Kind::Name && text == word; }
  bool isSymbol(llvm::StringRef symbol) const { return kind == Kind::Symbol && text == symbol; }
  /// "'x'", "end of line"
  std::string describe() const;
};

/// The tokens of `text`, which must be part of a buffer of `diagnostics.sources`; the last one is End. Reports what is
/// no token. Newlines are tokens; whether they matter is for the parser to say.
std::vector<Token> lex(llvm::StringRef text, Diagnostics &diagnostics);

/// A number as the language writes it, with an optional sign; for the command line.
bool parseNumber(llvm::StringRef text, double &value);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_LEXER_H
