// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's part for the statements of bodies: states, constants, assignments, 'if' on options.

#include "frontends/snn/Foreign.h"
#include "frontends/snn/Parser.h"

using namespace llvm;

namespace snn::frontend {

bool Parser::parseStatement(Statements &body, bool &valid) {
  Statement statement;
  SMLoc begin = peek().begin();
  if (acceptWord("state")) {
    do {
      Statement state;
      state.kind = Statement::Kind::State;
      SMLoc start = peek().begin();
      if (!parseName(state.name, "a state's name") || (inLayer && peekSymbol("[") && !parsePlaces(state.places)))
        return false;
      if (!expect("=", (" and the value at rest, as in 'state " + state.name.text + " = 0'").str())) {
        valid = false; // its name is known all the same
        state.value = std::make_unique<Expr>();
        state.value->range = state.name.range;
        state.value->place = state.name.range.Start;
      } else if (!(state.value = parseExpr())) {
        return false;
      }
      state.range = since(start);
      body.push_back(std::move(state));
    } while (accept(","));
    return true;
  }
  if (acceptWord("fixed")) {
    statement.kind = Statement::Kind::Fixed;
    if (!parseName(statement.name, "a constant's name") || !expect("=", " and the constant's value") ||
        !(statement.value = parseExpr()))
      return false;
  } else if (peek().isName("if")) {
    statement.kind = Statement::Kind::If;
    if (!parseIf(statement, valid))
      return false;
  } else if (inLayer && (after().isName() || after().isSymbol("["))) {
    if (after().isName())
      statement.kind = next().text == "learn" ? Statement::Kind::Learn : Statement::Kind::Buffer;
    if (!parseArrayName(statement.name) || !parsePlaces(statement.places) ||
        !expect("=", (" and the value of '" + statement.name.text + "'").str()))
      return false;
    skipNewlines(); // a sum with its indices is long
    if (!(statement.value = parseValue()))
      return false;
  } else if (!parseAssignment(statement)) {
    return false;
  }
  statement.range = since(begin);
  body.push_back(std::move(statement));
  return true;
}

/// What a layer learns is called as in a state_dict, where a path says in which part of the layer it is.
bool Parser::parseArrayName(Name &name) {
  if (!peek().isPath())
    return parseName(name, "the name of an array");
  const Token &token = next();
  name = {token.text, token.range()};
  return true;
}

bool Parser::parseAssignment(Statement &statement) {
  if (peek().isName("else"))
    return refuse("this 'else' has no 'if' before it; it follows the '}' of one");
  StringRef hint = peek().isName() ? foreignStatement(peek().text) : "";
  if (!hint.empty() && !after().isSymbol("="))
    return refuse("'" + peek().text + "' is no statement; " + hint);
  if (!parseName(statement.name, "a statement"))
    return false;
  if (peekSymbol(":"))
    return refuse("expected '=', but found ':'; write '" + statement.name.text + " = VALUE'");
  const Token &value = after();
  if (peekSymbol("=") && (value.isName("learn") || value.isName("each"))) {
    next();
    return refuse(
        "what is trained is a parameter of the neuron, behind the ';' in its parentheses; the layer says so, as "
        "in '" +
        statement.name.text + " = learn " + shown(1, "0.9") + "'");
  }
  return expect("=", (" after '" + statement.name.text +
                      "'; a statement is 'state NAME = NUMBER', 'fixed NAME = NUMBER', "
                      "'NAME = VALUE', 'spike VALUE' or 'if OPTION == WORD { ... }'")
                         .str()) &&
         (statement.value = parseValue());
}

/// `option == word`. People expect any condition here, so what is different must be said.
bool Parser::parseCondition(Branch &branch) {
  if (peek().isName() && after().isSymbol("==") && after(2).isName()) {
    if (!parseName(branch.option, "the name of an option"))
      return false;
    next();
    return parseName(branch.word, "one of the option's words");
  }
  return peek().kind == Token::Kind::Invalid ? false : refuse(kTwoKindsOfIf);
}

bool Parser::parseIf(Statement &statement, bool &valid) {
  bool more = true;
  while (more) {
    Branch branch;
    if (acceptWord("if")) {
      if (!parseCondition(branch))
        return false;
    } else {
      more = false;
    }
    if (!parseBlock("the statements of 'if'", valid, [&] { return parseDefinitionLine(branch.body, valid); }))
      return false;
    statement.branches.push_back(std::move(branch));
    if (!more)
      break;
    size_t end = at;
    skipNewlines();
    more = acceptWord("else");
    if (!more)
      at = end;
  }
  return true;
}

} // namespace snn::frontend
