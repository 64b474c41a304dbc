// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's part for definitions: their items, signatures and lines.

#include "frontends/snn/Foreign.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace snn::frontend {

/// Lines of `train` begin with some of the same words, but no block follows what they call. A range counts as
/// parentheses, whatever its two signs are.
bool Parser::beginsDefinition(size_t place) const {
  constexpr size_t most = 1024; // tokens of a signature that are looked at, so that many such lines take no time
  auto token = [&](size_t ahead) -> const Token & { return tokens[std::min(place + ahead, tokens.size() - 1)]; };
  auto kind = definitionKind(token(0).text);
  if (!kind || !token(1).isName())
    return false;
  if (is_contained({DefinitionKind::Def, DefinitionKind::Surrogate, DefinitionKind::Neuron, DefinitionKind::Layer},
                   *kind))
    return true;
  size_t end = 2;
  if (token(2).isSymbol("(")) {
    unsigned depth = 0;
    do {
      if (token(end).kind == Token::Kind::End || end > most)
        return false;
      const Token &sign = token(end);
      depth += sign.isSymbol("(") + sign.isSymbol("[") - sign.isSymbol(")") - sign.isSymbol("]");
      ++end;
    } while (depth > 0);
  }
  return token(end).isSymbol("{");
}

bool Parser::parseDefinition(SourceFile &file) {
  auto definition = std::make_unique<Definition>();
  definition->kind = *definitionKind(next().text);
  // One that cannot be read keeps its name, so that its uses are not called unknown.
  auto keep = llvm::scope_exit([&] {
    if (!definition->name.text.empty())
      file.definitions.push_back(std::move(definition));
  });
  if (!parseDefinitionParts(*definition))
    return definition->valid = false;
  return true;
}

bool Parser::parseDefinitionParts(Definition &definition) {
  StringRef kind = nameOf(definition.kind);
  inLayer = definition.kind == DefinitionKind::Layer;
  auto leave = llvm::scope_exit([&] { inLayer = false; });
  if (!parseName(definition.name, ("the name of the " + kind).str()))
    return false;
  if (peek().isName())
    return refuse("what a definition takes stands in parentheses, as in '" + kind + " " + definition.name.text + "(" +
                  peek().text + "; PARAMETER = DEFAULT) {'");
  if (!parseSignature(definition))
    return false;
  if (peekSymbol(":"))
    return refuse(
        definition.kind == DefinitionKind::Def
            ? "a body stands in braces, and that of a neuron begins with 'neuron NAME(x; PARAMETER = DEFAULT) {'"
            : "a body stands in braces: write '{' here, and '}' behind its last line");
  if (definition.kind == DefinitionKind::Def && peekSymbol("=")) {
    next();
    Statement result;
    result.kind = Statement::Kind::Result;
    if (!(result.value = parseValue()))
      return false;
    result.range = result.value->range;
    definition.body.push_back(std::move(result));
    return true;
  }
  return parseBlock(("the " + kind).str(), definition.valid,
                    [&] { return parseDefinitionLine(definition.body, definition.valid); });
}

/// `[channels, height, width]` or `[channels, ...]` behind an input of a layer.
bool Parser::parseExtents(Definition &definition) {
  const Token &opener = peek();
  if (!open("[", (" and what the extents of '" + definition.inputs.back().text + "' are called, as in '" +
                  definition.inputs.back().text + "[channels, height, width]'")
                     .str()))
    return false;
  std::vector<Name> &extents = definition.extents.emplace_back();
  do {
    const Token &token = peek();
    if (accept(kRest)) {
      extents.push_back({kRest, token.range()});
      break;
    }
    if (!parseName(extents.emplace_back(), "the name of an extent, or '...' for all others"))
      return false;
  } while (accept(","));
  return close("]", opener);
}

/// `(x, y; a = 1, b = 2)`, `(a = 1)` or nothing.
bool Parser::parseSignature(Definition &definition) {
  if (!peekSymbol("("))
    return true;
  const Token &opener = peek();
  open("(", "");
  while (peek().isName() && !after().isSymbol("=")) {
    Name input;
    if (!parseName(input, "an input's name"))
      return false;
    definition.inputs.push_back(input);
    if (inLayer && !inBlock && !parseExtents(definition))
      return false;
    if (!accept(","))
      break;
  }
  if (!definition.inputs.empty() && peek().isName() && after().isSymbol("=")) { // read on as if it were there
    refuse("parameters stand behind ';': write ';' instead of ',' before '" + peek().text + "'");
    definition.valid = false;
  } else if (!accept(";") && !peekSymbol(")") && !(definition.inputs.empty() && peek().isName())) {
    return definition.inputs.empty() ? (expected("an input's name"), false) : close(")", opener);
  }
  if (!peekSymbol(")")) {
    do {
      if (!parseParameter(definition))
        return false;
    } while (accept(",") && !peekSymbol(")"));
  }
  return close(")", opener);
}

bool Parser::parseParameter(Definition &definition) {
  NeuronParam param;
  if (!parseName(param.name, "a parameter's name"))
    return false;
  if (peekSymbol(":"))
    return refuse("there are no types here: write '" + param.name.text + " = 0.9', with the default");
  if (!inLayer && accept("[") &&
      (!parseName(param.axis, "the axis along which there are several numbers, as in 'weights[class] = 1'") ||
       !expect("]", " behind the axis")))
    return false;
  const bool hasDefault = !inLayer || peekSymbol("=");
  if (hasDefault && !expect("=", (" and the default of the parameter '" + param.name.text + "'").str()))
    return false;
  const Token &word = peek();
  if (!hasDefault) {
    // A model gives it.
  } else if (word.isName("each") && (after().isSymbol(",") || after().isSymbol(")"))) {
    next(); // a layer's name here, and no word before a number
    param.value = std::make_unique<Expr>();
    param.value->kind = Expr::Kind::Name;
    param.value->name = word.text;
    param.value->range = word.range();
    param.value->place = word.begin();
  } else if (word.isName("learn") || word.isName("each")) {
    return refuse("a definition gives the default only, and a layer says what is trained: write '" + param.name.text +
                  " = " + shown(1, "NUMBER") + "' here, and '" + definition.name.text + "(" + param.name.text + " = " +
                  word.text + " " + shown(1, "NUMBER") + ")' in the model");
  } else if (!(param.value = parseExpr())) {
    return false;
  }
  if (acceptWord("in")) {
    param.interval = std::make_unique<IntervalDecl>();
    if (!parseInterval(*param.interval))
      return false;
  }
  definition.params.push_back(std::move(param));
  return true;
}

/// `[low, high)`. The two signs need not match, so they are no parentheses of the text.
bool Parser::parseInterval(IntervalDecl &interval) {
  const Token &opener = peek();
  interval.openLow = opener.isSymbol("(");
  if (!accept("[") && !accept("(")) {
    expected("a range, such as '[0, 1)' or '(0, inf)'");
    return false;
  }
  if (!(interval.low = parseSum()) || !expect(",", " between the ends of the range"))
    return false;
  const bool unbounded = acceptWord("inf");
  if (!unbounded && !(interval.high = parseSum()))
    return false;
  interval.openHigh = peekSymbol(")");
  if (!accept("]") && !accept(")")) {
    expected("']' or ')' to end the range");
    diagnostics.note(opener.range(), "it begins here");
    return false;
  }
  interval.range = since(opener.begin());
  return true;
}

std::optional<Statement::Kind> Parser::lineKind() {
  auto kind = StringSwitch<std::optional<Statement::Kind>>(peek().isName() ? peek().text : "")
                  .Case("spike", Statement::Kind::Spike)
                  .Case("value", Statement::Kind::Value)
                  .Case("next", Statement::Kind::Next)
                  .Case("derivative", Statement::Kind::Derivative)
                  .Case("soft", Statement::Kind::Soft)
                  .Default(std::nullopt);
  if (peek().text == "spike") // a word of the language already in version 1
    return kind;
  // The others may be names: what follows begins a value, and a name is followed by a sign.
  const Token &second = after();
  bool begins = second.isName() || second.kind == Token::Kind::Number || second.isSymbol("(") || second.isSymbol("-");
  return begins && !second.isName("at") && !second.isName("where") ? kind : std::nullopt;
}

bool Parser::parseDefinitionLine(Statements &body, bool &valid) {
  if (peek().isName("state") || peek().isName("fixed"))
    return parseStatement(body, valid);
  const bool declares = (peek().isName("learn") || peek().isName("buffer")) && after().isName();
  if (inLayer && peek().isName() && (declares || after().isSymbol("[")))
    return parseStatement(body, valid);
  if (peek().isName("if")) {
    // Four words and a brace: `if option == word {`. Any other is a value, or is told so.
    if (after().isName() && after(2).isSymbol("==") && after(3).isName() && after(4).isSymbol("{"))
      return parseStatement(body, valid);
  } else if (peek().isName() && (after().isSymbol("=") || after().isSymbol(":") || peek().isName("else"))) {
    return parseStatement(body, valid);
  }
  Statement statement;
  SMLoc begin = peek().begin();
  if (auto kind = lineKind()) {
    statement.kind = *kind;
    next();
    if (*kind == Statement::Kind::Derivative && peek().isName() && after().isSymbol("=")) {
      if (!parseName(statement.name, "an input's name"))
        return false;
      next();
    }
  } else {
    statement.kind = Statement::Kind::Result;
    if (peek().isName("return"))
      return refuse("'return' is no statement; what a neuron gives is said by 'spike fire(VALUE, SURROGATE)', and what "
                    "any other body gives stands alone on its last line");
    StringRef hint = peek().isName() ? foreignStatement(peek().text) : "";
    if (!hint.empty() && after().isName())
      return refuse("'" + peek().text + "' is no statement; " + hint);
  }
  if (!(statement.value = parseValue()) ||
      (statement.kind == Statement::Kind::Result && peek().kind == Token::Kind::Invalid)) // more than a value was meant
    return false;
  statement.range = since(begin);
  body.push_back(std::move(statement));
  return true;
}

} // namespace snn::frontend
