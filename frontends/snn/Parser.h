// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tokens -> AST, by recursive descent. The grammar is in README.md.

#ifndef SNN_FRONTENDS_SNN_PARSER_H
#define SNN_FRONTENDS_SNN_PARSER_H

#include "frontends/snn/Ast.h"
#include "frontends/snn/Lexer.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace snn::frontend {

/// The kind of definition that the word begins, if it begins one.
std::optional<DefinitionKind> definitionKind(llvm::StringRef word);

/// The text as a buffer of `diagnostics.sources`, parsed.
std::shared_ptr<SourceFile> parse(llvm::StringRef text, llvm::StringRef name, Diagnostics &diagnostics);

/// Words that cannot name anything, because a line or a value starts with them.
bool isReservedWord(llvm::StringRef word);

/// Reports what it cannot read and goes on at the next line, so that one run finds several errors.
class Parser {
public:
  Parser(std::vector<Token> tokens, Diagnostics &diagnostics) : tokens(std::move(tokens)), diagnostics(diagnostics) {}

  SourceFile parseFile();

private:
  // Tokens. Inside parentheses and brackets newlines do not count.
  const Token &peek();
  const Token &next();
  bool peekSymbol(llvm::StringRef symbol) { return peek().isSymbol(symbol); }
  bool accept(llvm::StringRef symbol);
  bool acceptWord(llvm::StringRef word);
  bool expect(llvm::StringRef symbol, llvm::StringRef where);
  /// Reports that `what` was expected instead of the next token.
  void expected(const llvm::Twine &what);
  bool open(llvm::StringRef symbol, llvm::StringRef where);
  bool close(llvm::StringRef symbol, const Token &opener);
  /// A name that is defined, or one of those known here; a path ("nn.Linear") is neither.
  bool parseName(Name &name, llvm::StringRef what);
  /// The token `ahead` tokens behind the next one, newlines included; the last one if the text ends before.
  const Token &after(size_t ahead = 1) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  /// The text of the number that stands `ahead` tokens behind the next one, to show how it is written; else `other`.
  llvm::StringRef shown(size_t ahead, llvm::StringRef other) const {
    return after(ahead).kind == Token::Kind::Number ? after(ahead).text : other;
  }
  /// Reports `hint` at the next token, with what it is.
  bool refuse(const llvm::Twine &hint);
  /// Reports a '=' or ':' where the language has none, and goes on behind it. `shown` is the right form.
  void refuseSign(const llvm::Twine &shown);
  void skipNewlines();
  void skipLine();
  bool endLine();
  llvm::SMRange since(llvm::SMLoc begin) const {
    return {begin, lastEnd.getPointer() > begin.getPointer() ? lastEnd : begin};
  }

  /// Reads `{ line... }`, each line by `parseLine`; lines that fail are skipped and clear `valid`. False if the block
  /// does not begin or end.
  bool parseBlock(llvm::StringRef of, bool &valid, llvm::function_ref<bool()> parseLine);
  void skipItem();
  bool endItem();

  /// Reports a '}' that is missing before the item that begins here.
  bool closesUnseen(llvm::StringRef of, const Token &opener);

  bool parseHeader();
  bool parseAlias(SourceFile &file);
  bool parseItem(SourceFile &file);
  bool parseParam();
  bool parseModel(SourceFile &file);
  bool parseTrain(SourceFile &file);
  bool parseTrainField(TrainDecl &train);
  bool parseModelLine(ModelDecl &model);
  bool parseLayerLine(std::vector<LayerDecl> &layers);
  bool parseBlockDecl(SourceFile &file);
  bool parseInput(std::vector<InputDecl> &inputs);
  bool parseTensor(InputDecl &input);
  bool parseSteps(ModelDecl &model);
  bool parseLayer(LayerDecl &layer);
  bool parseStatement(Statements &body, bool &valid);
  bool parseAssignment(Statement &statement);
  bool parseArrayName(Name &name);
  bool parseIf(Statement &statement, bool &valid);
  bool parseCondition(Branch &branch);
  static constexpr llvm::StringLiteral kTwoKindsOfIf =
      "an 'if' with braces chooses when the model is compiled, by an option ('if OPTION == WORD {'); a value that is "
      "known "
      "when the model runs is chosen by 'if CONDITION then VALUE else VALUE'";

  // Definitions.
  bool beginsItem(size_t place) const;
  bool beginsDefinition(size_t place) const;
  bool parseDefinition(SourceFile &file);
  bool parseDefinitionParts(Definition &definition);
  bool parseSignature(Definition &definition);
  bool parseExtents(Definition &definition);
  bool parseParameter(Definition &definition);
  bool parseInterval(IntervalDecl &interval);
  bool parseDefinitionLine(Statements &body, bool &valid);
  /// The kind of line that the next word begins, if it begins one.
  std::optional<Statement::Kind> lineKind();
  /// An expression with what `where` names.
  ExprPtr parseValue();

  ExprPtr parseExpr();
  ExprPtr parseSum();
  ExprPtr parseProduct();
  ExprPtr parseUnary();
  ExprPtr parsePower();
  ExprPtr parsePostfix();
  ExprPtr parsePrimary();
  ExprPtr parseRead(ExprPtr name);
  /// `[place, place]`; the next token is the bracket.
  bool parsePlaces(std::vector<Argument> &places);
  ExprPtr parseChoice();
  bool parseArguments(Expr &call);
  bool parseArgument(Argument &argument);
  ExprPtr makeOperation(Operator op, const Token &token, ExprPtr left, ExprPtr right);
  /// Whether another level may begin, in which the parser calls itself; reports it if not.
  bool mayNest();
  /// Sets the depth from the operands'; reports and returns false if it is over the limit.
  bool checkDepth(Expr &expr);
  /// An expression of `kind` with these operands, from the first one's start to here; null if one is missing.
  ExprPtr makeExpr(Expr::Kind kind, llvm::SMLoc place, llvm::MutableArrayRef<ExprPtr> operands);

  std::vector<Token> tokens;
  Diagnostics &diagnostics;
  std::vector<ParamDecl> params; ///< of the file, also those that stand where they should not
  size_t at = 0;
  unsigned parentheses = 0, nesting = 0;
  bool inBlock = false;              ///< in the signature of a block, whose inputs have any extents
  bool inLayer = false;              ///< in the definition of a layer, where arrays have indices
  const Token *lastClosed = nullptr; ///< the '}' of the block that ended last
  const Token *unseen = nullptr;     ///< the item before which a missing '}' was reported
  llvm::SMLoc lastEnd;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_PARSER_H
