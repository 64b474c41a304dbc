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

bool Parser::mayNest() {
  if (nesting < limits::kNesting)
    return true;
  diagnostics.error(DiagId::TooDeep, peek().range(),
                    "expression has more than " + Twine(limits::kNesting) + " levels; split it with a local name");
  return false;
}

ExprPtr Parser::parseExpr() {
  if (!mayNest())
    return nullptr;
  ++nesting;
  auto leave = llvm::scope_exit([&] { --nesting; });
  if (peek().isName("if"))
    return parseChoice();
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
  ExprPtr value = parsePower();
  while (value && !signs.empty())
    value = makeOperation(Operator::Negate, *signs.pop_back_val(), std::move(value), nullptr);
  return value;
}

/// a^-b^c is a^(-(b^c)): powers group to the right, and only exponents have signs.
ExprPtr Parser::parsePower() {
  std::vector<ExprPtr> operands;
  SmallVector<const Token *> signs; ///< a '^' for each operand but the first, and the signs that follow it
  operands.push_back(parsePostfix());
  while (operands.back() && peekSymbol("^")) {
    signs.push_back(&next());
    while (peekSymbol("-"))
      signs.push_back(&next());
    operands.push_back(parsePostfix());
  }
  ExprPtr value = std::move(operands.back());
  while (value && !signs.empty()) {
    const Token &sign = *signs.pop_back_val();
    operands.resize(operands.size() - (sign.text == "^"));
    value = sign.text == "-" ? makeOperation(Operator::Negate, sign, std::move(value), nullptr)
                             : makeOperation(Operator::Power, sign, std::move(operands.back()), std::move(value));
  }
  return value;
}

ExprPtr Parser::makeExpr(Expr::Kind kind, SMLoc place, MutableArrayRef<ExprPtr> operands) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->place = place;
  for (ExprPtr &operand : operands) {
    if (!operand)
      return nullptr;
    Argument arg;
    arg.range = operand->range;
    arg.value = std::move(operand);
    expr->args.push_back(std::move(arg));
  }
  expr->range = since(kind == Expr::Kind::Choice ? place : expr->args.front().range.Start);
  return checkDepth(*expr) ? std::move(expr) : nullptr;
}

ExprPtr Parser::parsePostfix() {
  ExprPtr value = parsePrimary();
  while (value) {
    SMLoc place = peek().begin();
    if (accept(".")) {
      const double index = next().number; // the lexer makes the dot only before one
      value = makeExpr(Expr::Kind::Element, place, value);
      if (value)
        value->number = index;
    } else if (acceptWord("at")) {
      ExprPtr operands[] = {std::move(value), parsePrimary()};
      value = makeExpr(Expr::Kind::At, place, operands);
    } else if (inLayer && peekSymbol("[") && value->kind == Expr::Kind::Name) {
      value = parseRead(std::move(value));
    } else if (peekSymbol("[")) {
      refuse("there are no lists: an element of a pair is written 'betas.0', and the element of an axis 'x at label'");
      return nullptr;
    } else {
      break;
    }
  }
  return value;
}

/// `name[place, place]`, `name[place] or value`; the next token is the bracket.
ExprPtr Parser::parseRead(ExprPtr name) {
  name->kind = Expr::Kind::Read;
  if (!parsePlaces(name->args))
    return nullptr;
  name->range = since(name->place);
  if (!checkDepth(*name) || !peek().isName("or"))
    return name->depth <= limits::kNesting ? std::move(name) : nullptr;
  SMLoc place = next().begin();
  if (!mayNest())
    return nullptr;
  ++nesting; // the value may be read and have an 'or' itself
  auto leave = llvm::scope_exit([&] { --nesting; });
  ExprPtr operands[] = {std::move(name), parseUnary()};
  return makeExpr(Expr::Kind::Or, place, operands);
}

bool Parser::parsePlaces(std::vector<Argument> &places) {
  const Token &opener = peek();
  if (!open("[", " and places in the array, as in 'weight[outputs, inputs]' or 'x[i, j]'"))
    return false;
  do {
    Argument place;
    if (!(place.value = parseExpr()))
      return false;
    place.range = place.value->range;
    places.push_back(std::move(place));
  } while (accept(","));
  return close("]", opener);
}

ExprPtr Parser::parseChoice() {
  SMLoc begin = next().begin();
  ExprPtr operands[3];
  if (!(operands[0] = parseExpr()))
    return nullptr;
  if (peekSymbol("=")) {
    refuse("expected '==', but found '='; a comparison has two signs, an assignment one");
    return nullptr;
  }
  if (peekSymbol("{")) {
    refuse(kTwoKindsOfIf);
    return nullptr;
  }
  for (auto [word, operand] : {std::pair{"then", &operands[1]}, {"else", &operands[2]}}) {
    if (!acceptWord(word)) {
      refuse("expected '" + Twine(word) + "', as in 'if CONDITION then VALUE else VALUE'" +
             (operand == &operands[1] ? ", or '{', as in 'if OPTION == WORD {'" : "") + ", but found " +
             peek().describe());
      return nullptr;
    }
    if (!(*operand = parseExpr()))
      return nullptr;
  }
  return makeExpr(Expr::Kind::Choice, begin, operands);
}

ExprPtr Parser::parseValue() {
  ExprPtr value = parseExpr();
  if (!value)
    return value;
  const size_t end = at;
  skipNewlines(); // no line begins with 'where' but for 'where = ...'
  if (!peek().isName("where") || after().isSymbol("=")) {
    at = end;
    return value;
  }
  SMLoc place = next().begin();
  ExprPtr operands[] = {std::move(value)};
  value = makeExpr(Expr::Kind::Where, place, operands);
  do {
    skipNewlines(); // behind ',' too
    if (value->args.size() > limits::kWhere) {
      diagnostics.error(DiagId::TooLarge, peek().range(),
                        "more than " + Twine(limits::kWhere) + " names behind one 'where'");
      return nullptr;
    }
    Argument binding;
    SMLoc begin = peek().begin();
    if (!parseName(binding.name, "a name behind 'where'") || !expect("=", " and the value of the name") ||
        !(binding.value = parseExpr()))
      return nullptr;
    binding.range = since(begin);
    value->args.push_back(std::move(binding));
  } while (accept(","));
  value->range.End = lastEnd;
  return checkDepth(*value) ? std::move(value) : nullptr;
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
  if (token.isName("if")) {
    refuse("as an operand, a choice stands in parentheses: '(if CONDITION then VALUE else VALUE)'");
    return nullptr;
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
  if (inLayer && accept(kRest)) {
    expr->kind = Expr::Kind::Name;
    expr->name = kRest;
    expr->range = token.range();
    return expr;
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
  } while (accept(",") && !peekSymbol(")"));
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
  const bool isLayer = peek().isName("each") && (after().isSymbol(",") || after().isSymbol(")"));
  argument.channel = peek().isName("per") && after().isName("channel");
  if (argument.channel)
    next(), next();
  argument.each = argument.channel || (!isLayer && acceptWord("each"));
  if (argument.each && !argument.learn && peek().isName("learn"))
    return refuse("'learn' stands before '" + wordsOf(false, argument.each, argument.channel) +
                  "', as in 'beta = " + wordsOf(true, argument.each, argument.channel) + " 0.9'");
  const std::string words = wordsOf(argument.learn, argument.each, argument.channel);
  if ((argument.learn || argument.each) && peek().isName() && after().isSymbol("=")) {
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
