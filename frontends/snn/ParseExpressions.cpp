// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's part for expressions and arguments.

#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace snn::frontend {

bool Parser::checkDepth(Expr &expr) {
  for (const Argument &arg : expr.args)
    expr.depth = std::max(expr.depth, arg.value->depth + 1);
  if (expr.depth <= limits::kNesting)
    return true;
  diagnostics.error(DiagId::TooDeep, {expr.place, expr.place},
                    "expression has more than " + Twine(limits::kNesting) + " levels; split it with a local name");
  return false;
}

ExprPtr Parser::makeOperation(Operator op, const Token &token, ExprPtr left, ExprPtr right) {
  if (!left || (op != Operator::Negate && !right))
    return nullptr;
  auto expr = std::make_unique<Expr>();
  expr->kind = Expr::Kind::Operation;
  expr->op = op;
  expr->place = token.begin();
  expr->range = {
      std::min(token.begin(), left->range.Start, [](SMLoc a, SMLoc b) { return a.getPointer() < b.getPointer(); }),
      right ? right->range.End : left->range.End};
  for (ExprPtr *operand : {&left, &right})
    if (*operand) {
      Argument arg;
      arg.range = (*operand)->range;
      arg.value = std::move(*operand);
      expr->args.push_back(std::move(arg));
    }
  return checkDepth(*expr) ? std::move(expr) : nullptr;
}

ExprPtr Parser::parseExpr() {
  if (nesting >= limits::kNesting) {
    diagnostics.error(DiagId::TooDeep, peek().range(),
                      "expression has more than " + Twine(limits::kNesting) + " levels; split it with a local name");
    return nullptr;
  }
  ++nesting;
  auto leave = llvm::scope_exit([&] { --nesting; });
  ExprPtr left = parseSum();
  if (!left || peek().kind != Token::Kind::Symbol)
    return left;
  auto op = StringSwitch<std::optional<Operator>>(peek().text)
                .Case("<", Operator::Less)
                .Case("<=", Operator::LessEqual)
                .Case(">", Operator::Greater)
                .Case(">=", Operator::GreaterEqual)
                .Case("==", Operator::Equal)
                .Case("!=", Operator::NotEqual)
                .Default(std::nullopt);
  if (!op)
    return left;
  const Token &token = next();
  return makeOperation(*op, token, std::move(left), parseSum());
}

ExprPtr Parser::parseSum() {
  ExprPtr left = parseProduct();
  while (left && (peekSymbol("+") || peekSymbol("-"))) {
    const Token &token = next();
    left =
        makeOperation(token.text == "+" ? Operator::Add : Operator::Subtract, token, std::move(left), parseProduct());
  }
  return left;
}

ExprPtr Parser::parseProduct() {
  ExprPtr left = parseUnary();
  while (left && (peekSymbol("*") || peekSymbol("/"))) {
    const Token &token = next();
    left =
        makeOperation(token.text == "*" ? Operator::Multiply : Operator::Divide, token, std::move(left), parseUnary());
  }
  return left;
}

ExprPtr Parser::parseUnary() {
  SmallVector<const Token *> signs;
  while (peekSymbol("-"))
    signs.push_back(&next());
  ExprPtr value = parsePrimary();
  while (value && !signs.empty())
    value = makeOperation(Operator::Negate, *signs.pop_back_val(), std::move(value), nullptr);
  return value;
}

ExprPtr Parser::parsePrimary() {
  const Token &token = peek();
  auto expr = std::make_unique<Expr>();
  expr->place = token.begin();
  if (token.kind == Token::Kind::Number) {
    next();
    expr->number = token.number;
    expr->range = token.range();
    return expr;
  }
  if (token.isName()) {
    next();
    expr->kind = Expr::Kind::Name;
    expr->name = token.text;
    expr->range = token.range();
    if (!peekSymbol("("))
      return expr;
    expr->kind = Expr::Kind::Call;
    if (!parseArguments(*expr))
      return nullptr;
    expr->range = since(token.begin());
    return checkDepth(*expr) ? std::move(expr) : nullptr;
  }
  if (!token.isSymbol("(")) {
    if (token.isSymbol("+"))
      refuse("a number has no sign '+': write it without");
    else if (token.isSymbol("["))
      refuse("there are no lists: a value is the same for all neurons of a layer, unless it is trained, as in 'beta = "
             "learn each 0.9' or 'beta = learn each uniform(0.8, 0.99)'");
    else
      expected("a value");
    return nullptr;
  }
  open("(", "");
  expr->kind = Expr::Kind::Tuple;
  do {
    Argument element;
    if (!(element.value = parseExpr()))
      return nullptr;
    element.range = element.value->range;
    expr->args.push_back(std::move(element));
  } while (accept(","));
  if (!close(")", token))
    return nullptr;
  if (expr->args.size() == 1)
    return std::move(expr->args.front().value);
  expr->range = since(token.begin());
  return checkDepth(*expr) ? std::move(expr) : nullptr;
}

/// `(value, name = value, ...)`; the next token is the parenthesis.
bool Parser::parseArguments(Expr &call) {
  const Token &opener = peek();
  open("(", "");
  if (!peekSymbol(")")) {
    do {
      Argument argument;
      if (!parseArgument(argument))
        return false;
      call.args.push_back(std::move(argument));
    } while (accept(",") && !peekSymbol(")"));
  }
  return close(")", opener);
}

bool Parser::parseArgument(Argument &argument) {
  SMLoc begin = peek().begin();
  if (peek().isName()) {
    size_t start = at;
    const Token &name = next();
    if (accept("="))
      argument.name = {name.text, name.range()};
    else
      at = start;
  }
  argument.learn = acceptWord("learn");
  argument.each = acceptWord("each");
  StringRef words = argument.each ? (argument.learn ? "learn each" : "each") : "learn";
  const Token &after = tokens[std::min(at + 1, tokens.size() - 1)];
  if ((argument.learn || argument.each) && peek().isName() && after.isSymbol("=")) {
    diagnostics.error(DiagId::Syntax, {begin, lastEnd},
                      "'" + words + "' stands before the value, not before the name: write '" + peek().text + " = " +
                          words + " " + shown(2, "0.9") + "'");
    return false;
  }
  if (argument.learn && (peekSymbol(",") || peekSymbol(")")))
    return refuse("'" + words + "' needs the value at which training starts, as in 'beta = " + words + " 0.9'");
  argument.value = parseExpr();
  argument.range = since(begin);
  if (!argument.value)
    return false;
  if (peek().isName("learn") || peek().isName("each"))
    return refuse("'" + peek().text + "' stands before the value, as in 'beta = learn 0.9'");
  if (peekSymbol(":") && argument.value->kind == Expr::Kind::Name)
    return refuse("an argument is written with '=': '" + argument.value->name + " = " + shown(1, "VALUE") + "'");
  return true;
}

} // namespace snn::frontend
