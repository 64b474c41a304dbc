// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's part for neuron definitions.

#include "frontends/snn/Foreign.h"
#include "frontends/snn/Parser.h"

#include "llvm/ADT/ScopeExit.h"

using namespace llvm;

namespace snn::frontend {

bool Parser::parseNeuron(SourceFile &file) {
  next();
  auto neuron = std::make_unique<Definition>();
  neuron->kind = DefinitionKind::Neuron;
  neuron->inputs.emplace_back();
  // One that cannot be read keeps its name, so that its layers are not called unknown.
  auto keep = llvm::scope_exit([&] {
    if (!neuron->name.text.empty())
      file.neurons.push_back(std::move(neuron));
  });
  if (!parseNeuronParts(*neuron))
    return neuron->valid = false;
  return true;
}

bool Parser::parseNeuronParts(Definition &neuron) {
  const Token &opener = after();
  if (!parseName(neuron.name, "the neuron's name") || !open("(", " and the name of the neuron's input") ||
      !parseName(neuron.inputs.front(), "the name of the neuron's input"))
    return false;
  bool separated = accept(";");
  if (!separated && peekSymbol(",")) { // read on as if it were there
    diagnostics.error(DiagId::Syntax, peek().range(),
                      "a neuron has one input, and its parameters stand behind ';': write 'neuron " + neuron.name.text +
                          "(" + neuron.inputs.front().text + "; NAME = DEFAULT)'");
    next();
    separated = true;
    neuron.valid = false;
  }
  if (separated && !peekSymbol(")")) {
    do {
      if (!parseNeuronParam(neuron))
        return false;
    } while (accept(",") && !peekSymbol(")"));
  }
  if (!close(")", opener))
    return false;
  if (peekSymbol(":"))
    return refuse("a neuron's body stands in braces: write '{' here, and '}' behind its last line");
  return parseBlock("the neuron", neuron.valid, [&] { return parseStatement(neuron.body, neuron.valid); });
}

bool Parser::parseNeuronParam(Definition &neuron) {
  NeuronParam param;
  if ((peek().isName("learn") || peek().isName("each")) && !after().isSymbol("="))
    return refuse("'" + peek().text + "' is for layers; a definition gives the default only: 'NAME = NUMBER'");
  if (!parseName(param.name, "a parameter's name"))
    return false;
  if (peekSymbol(":"))
    return refuse("there are no types here: write '" + param.name.text + " = 0.9', with the default");
  if (!expect("=", (" and the default of the parameter '" + param.name.text + "'").str()))
    return false;
  if (peek().isName("learn") || peek().isName("each"))
    return refuse("a definition gives the default only, and a layer says what is trained: write '" + param.name.text +
                  " = " + shown(1, "NUMBER") + "' here, and '" + neuron.name.text + "(" + param.name.text + " = " +
                  peek().text + " " + shown(1, "NUMBER") + ")' in the model");
  if (!(param.value = parseExpr()))
    return false;
  neuron.params.push_back(std::move(param));
  return true;
}

bool Parser::parseStatement(Statements &body, bool &valid) {
  Statement statement;
  SMLoc begin = peek().begin();
  if (acceptWord("state")) {
    do {
      Statement state;
      state.kind = Statement::Kind::State;
      SMLoc start = peek().begin();
      if (!parseName(state.name, "a state's name"))
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
  } else if (acceptWord("spike")) {
    statement.kind = Statement::Kind::Spike;
    if (!(statement.value = parseExpr()))
      return false;
  } else if (peek().isName("if")) {
    statement.kind = Statement::Kind::If;
    if (!parseIf(statement, valid))
      return false;
  } else if (!parseAssignment(statement)) {
    return false;
  }
  statement.range = since(begin);
  body.push_back(std::move(statement));
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
  if (peekSymbol("("))
    return refuse("the condition of 'if' stands without parentheses: 'if OPTION == WORD {'");
  if (!parseName(branch.option, "the name of an option"))
    return false;
  if (peekSymbol("{"))
    return refuse("expected '==' and one of the option's words, as in 'if " + branch.option.text + " == true {'");
  if (peekSymbol("="))
    return refuse("expected '==', but found '='; a comparison has two signs, an assignment one");
  if (!peekSymbol("==") || after().kind == Token::Kind::Number) {
    if (peek().kind == Token::Kind::Invalid)
      return false;
    refuse("'if' chooses when the model is compiled, by an option of the neuron ('if OPTION == WORD {'), but the value "
           "of '" +
           branch.option.text + "' is known only when the model runs");
    diagnostics.note(branch.option.range, "a comparison is 1 or 0, so with 'c = " + branch.option.text +
                                              " > 0' the value 'c * a + (1 - c) * b' is a where it holds, and else b");
    return false;
  }
  next();
  return parseName(branch.word, "one of the option's words");
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
    if (!parseBlock("the statements of 'if'", valid, [&] { return parseBodyLine(branch.body, valid); }))
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
