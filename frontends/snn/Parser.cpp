// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's part for lines and blocks.

#include "frontends/snn/Parser.h"

#include "frontends/snn/Limits.h"

#include "llvm/ADT/ScopeExit.h"

using namespace llvm;

namespace snn::frontend {

bool isReservedWord(StringRef word) {
  return is_contained({"param", "neuron", "model", "train", "input", "steps", "let", "from", "state", "fixed", "spike",
                       "if", "else", "learn", "each", "fired", "attached"},
                      word);
}

const Token &Parser::peek() {
  if (parentheses > 0)
    while (tokens[at].kind == Token::Kind::Newline)
      ++at;
  return tokens[at];
}

const Token &Parser::next() {
  const Token &token = peek();
  lastEnd = token.end();
  if (token.kind != Token::Kind::End)
    ++at;
  return token;
}

bool Parser::accept(StringRef symbol) {
  if (!peekSymbol(symbol))
    return false;
  next();
  return true;
}

bool Parser::acceptWord(StringRef word) {
  if (!peek().isName(word))
    return false;
  next();
  return true;
}

void Parser::expected(const Twine &what) {
  diagnostics.error(DiagId::Syntax, peek().range(), "expected " + what + ", but found " + peek().describe());
}

bool Parser::expect(StringRef symbol, StringRef where) {
  if (accept(symbol))
    return true;
  expected("'" + symbol + "'" + where);
  return false;
}

bool Parser::open(StringRef symbol, StringRef where) {
  if (!expect(symbol, where))
    return false;
  ++parentheses;
  return true;
}

bool Parser::close(StringRef symbol, const Token &opener) {
  if (!peekSymbol(symbol)) {
    expected("',' or '" + symbol + "'");
    diagnostics.note(opener.range(), "to close this '" + opener.text + "'");
    return false;
  }
  next();
  --parentheses;
  return true;
}

bool Parser::parseName(Name &name, StringRef what) {
  if (!peek().isName()) {
    expected(what);
    return false;
  }
  const Token &token = next();
  name = {token.text, token.range()};
  return true;
}

void Parser::skipNewlines() {
  while (tokens[at].kind == Token::Kind::Newline)
    ++at;
}

/// To the end of the line, or before a '}' that closes the block around it. A block that opens on the way is skipped
/// as a whole: its lines would only be misread.
void Parser::skipLine() {
  parentheses = 0;
  unsigned braces = 0;
  for (;; ++at) {
    const Token &token = tokens[at];
    if (token.kind == Token::Kind::End || (braces == 0 && (token.kind == Token::Kind::Newline || token.isSymbol("}"))))
      return;
    if (token.isSymbol("{"))
      ++braces;
    else if (token.isSymbol("}"))
      --braces;
  }
}

bool Parser::endLine() {
  if (peek().kind == Token::Kind::Newline || peek().kind == Token::Kind::End || peekSymbol("}"))
    return true;
  expected("the end of the line");
  return false;
}

bool Parser::parseBlock(StringRef of, bool &valid, function_ref<bool()> parseLine) {
  const Token &opener = peek();
  if (!expect("{", (" to begin " + of).str()))
    return false;
  if (nesting >= limits::kNesting) {
    diagnostics.error(DiagId::TooDeep, opener.range(), "more than " + Twine(limits::kNesting) + " nested blocks");
    return false;
  }
  ++nesting;
  auto leave = llvm::scope_exit([&] { --nesting; });
  for (skipNewlines(); !peekSymbol("}"); skipNewlines()) {
    if (peek().kind == Token::Kind::End) {
      expected("'}' to end " + of);
      diagnostics.note(opener.range(), "to close this '{'");
      return false;
    }
    unsigned outer = nesting;
    if (!parseLine() || !endLine()) {
      valid = false;
      nesting = outer;
      skipLine();
    }
  }
  next();
  return true;
}

bool Parser::parseHeader() {
  skipNewlines();
  const Token &word = peek();
  if (!word.isName("snn")) {
    diagnostics.error(DiagId::MissingHeader, word.range(),
                      "expected the version of the language, 'snn 1', before anything else, but found " +
                          word.describe());
    return false;
  }
  next();
  const Token &version = peek();
  if (version.text != "1") {
    diagnostics.error(DiagId::UnsupportedVersion, version.range(),
                      "expected version 1 of the language, but found " + version.describe());
    skipLine();
    return false;
  }
  next();
  if (endLine())
    return true;
  skipLine();
  return false;
}

static bool beginsItem(const Token &token) {
  return token.isName() && is_contained({"param", "neuron", "model", "train"}, token.text);
}

/// To the next line that begins an item: the lines of one that cannot be read would only be misread.
void Parser::skipItem() {
  parentheses = nesting = 0;
  bool lineStart = false;
  for (; tokens[at].kind != Token::Kind::End && !(lineStart && beginsItem(tokens[at])); ++at)
    lineStart = tokens[at].kind == Token::Kind::Newline;
}

SourceFile Parser::parseFile() {
  SourceFile file;
  if (!parseHeader() && !beginsItem(peek()))
    skipItem();
  for (skipNewlines(); peek().kind != Token::Kind::End && !diagnostics.full(); skipNewlines())
    if (!parseItem(file) || !endItem())
      skipItem();
  return file;
}

bool Parser::endItem() {
  if (peek().kind == Token::Kind::Newline || peek().kind == Token::Kind::End)
    return true;
  expected("the end of the line");
  return false;
}

bool Parser::parseItem(SourceFile &file) {
  if (peek().isName("param"))
    return parseParam(file);
  if (peek().isName("neuron"))
    return parseNeuron(file);
  if (peek().isName("model"))
    return parseModel(file);
  if (peek().isName("train"))
    return parseTrain(file);
  expected("'param', 'neuron', 'model' or 'train'");
  return false;
}

bool Parser::parseParam(SourceFile &file) {
  next();
  ParamDecl param;
  if (!parseName(param.name, "a name after 'param'") || !expect("=", ""))
    return false;
  param.value = parseExpr();
  if (!param.value)
    return false;
  file.params.push_back(std::move(param));
  return true;
}

bool Parser::parseNeuron(SourceFile &file) {
  next();
  auto neuron = std::make_unique<NeuronDecl>();
  const Token &opener = tokens[std::min(at + 1, tokens.size() - 1)];
  if (!parseName(neuron->name, "the neuron's name") || !open("(", " and the name of the neuron's input") ||
      !parseName(neuron->input, "the name of the neuron's input"))
    return false;
  if (accept(";") && !peekSymbol(")")) {
    do {
      NeuronParam param;
      if (!parseName(param.name, "a parameter's name") || !expect("=", " and the parameter's default") ||
          !(param.value = parseExpr()))
        return false;
      neuron->params.push_back(std::move(param));
    } while (accept(",") && !peekSymbol(")"));
  }
  if (!close(")", opener))
    return false;
  if (!parseBlock("the neuron", neuron->valid, [&] { return parseStatement(neuron->body, neuron->valid); }))
    return false;
  file.neurons.push_back(std::move(neuron));
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
      if (!parseName(state.name, "a state's name") || !expect("=", " and the state's value at rest") ||
          !(state.value = parseExpr()))
        return false;
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
  } else if (!parseName(statement.name, "a statement") ||
             !expect("=", (" after '" + statement.name.text +
                           "'; a statement is 'state NAME = NUMBER', 'fixed NAME = NUMBER', "
                           "'NAME = VALUE', 'spike VALUE' or 'if OPTION == WORD { ... }'")
                              .str()) ||
             !(statement.value = parseExpr())) {
    return false;
  }
  statement.range = since(begin);
  body.push_back(std::move(statement));
  return true;
}

bool Parser::parseIf(Statement &statement, bool &valid) {
  bool more = true;
  while (more) {
    Branch branch;
    if (acceptWord("if")) {
      if (!parseName(branch.option, "the name of an option") || !expect("==", " after the option's name") ||
          !parseName(branch.word, "one of the option's words"))
        return false;
    } else {
      more = false;
    }
    if (!parseBlock("the statements of 'if'", valid, [&] { return parseStatement(branch.body, valid); }))
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

bool Parser::parseModel(SourceFile &file) {
  next();
  ModelDecl model;
  if (!parseName(model.name, "the model's name"))
    return false;
  if (!parseBlock("the model", model.valid, [&] { return parseModelLine(model); }))
    return false;
  file.models.push_back(std::move(model));
  return true;
}

bool Parser::parseModelLine(ModelDecl &model) {
  if (peek().isName("input"))
    return parseInput(model);
  if (peek().isName("steps"))
    return parseSteps(model);
  LayerDecl layer;
  SMLoc begin = peek().begin();
  // A line that cannot be read keeps its place, so that what follows is not judged by a wrong shape.
  bool read = parseLayer(layer) && endLine();
  layer.range = since(begin);
  if (!read)
    layer.call.reset();
  model.layers.push_back(std::move(layer));
  return read;
}

bool Parser::parseInput(ModelDecl &model) {
  SMLoc begin = next().begin();
  InputDecl input;
  if (!parseName(input.type, "the input's type, u8 or f32"))
    return false;
  const Token &opener = peek();
  if (!open("[", " and the extents of one sample"))
    return false;
  do {
    input.extents.push_back(parseExpr());
    if (!input.extents.back())
      return false;
  } while (accept(","));
  if (!close("]", opener))
    return false;
  if (accept("/") && !(input.divisor = parseUnary()))
    return false;
  if (acceptWord("over")) {
    if (!acceptWord("time")) {
      expected("'time' after 'over'");
      return false;
    }
    input.overTime = true;
  }
  input.range = since(begin);
  model.inputs.push_back(std::move(input));
  return true;
}

bool Parser::parseSteps(ModelDecl &model) {
  SMLoc begin = next().begin();
  StepsDecl steps;
  if (accept("?")) {
    steps.fromData = true;
    if (!expect("<=", " and the largest number of steps, as in 'steps ? <= 1000'"))
      return false;
  }
  if (!(steps.value = parseSum()))
    return false;
  steps.range = since(begin);
  model.steps.push_back(std::move(steps));
  return true;
}

bool Parser::parseLayer(LayerDecl &layer) {
  layer.let = acceptWord("let");
  Name name;
  if (!parseName(name, layer.let ? "a name after 'let'" : "a layer"))
    return false;
  if (layer.let ? peekSymbol("=") : peekSymbol(":")) {
    next();
    layer.name = name;
    if (!parseName(name, "a layer"))
      return false;
  } else if (layer.let) {
    expected("'=' and a layer");
    return false;
  }
  layer.call = std::make_unique<Expr>();
  layer.call->kind = Expr::Kind::Call;
  layer.call->name = name.text;
  layer.call->place = name.range.Start;
  if (peekSymbol("(")) {
    if (!parseArguments(*layer.call))
      return false;
  } else if (peek().kind == Token::Kind::Number) {
    Argument argument;
    argument.value = parsePrimary();
    argument.range = argument.value->range;
    layer.call->args.push_back(std::move(argument));
  } else if (name.text == "from") {
    while (peek().kind != Token::Kind::Newline && peek().kind != Token::Kind::End && !peekSymbol("}"))
      next();
  }
  layer.call->range = since(name.range.Start);
  return true;
}

bool Parser::parseTrain(SourceFile &file) {
  const Token &word = next();
  TrainDecl train;
  train.name = {word.text, word.range()};
  bool valid = true;
  bool closed = parseBlock("the training", valid, [&] {
    TrainField field;
    if (!parseName(field.key, "'loss', 'optimizer', 'batch' or 'epochs'") || !(field.value = parseExpr()))
      return false;
    train.fields.push_back(std::move(field));
    return true;
  });
  file.trains.push_back(std::move(train));
  return closed;
}

} // namespace snn::frontend
