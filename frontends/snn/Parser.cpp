// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parser's part for tokens, blocks, and the lines of files, models and training.

#include "frontends/snn/Parser.h"

#include "frontends/snn/Foreign.h"
#include "frontends/snn/Limits.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSwitch.h"

#include <utility>

using namespace llvm;

namespace snn::frontend {

std::optional<DefinitionKind> definitionKind(StringRef word) {
  return StringSwitch<std::optional<DefinitionKind>>(word)
      .Case("neuron", DefinitionKind::Neuron)
      .Case("layer", DefinitionKind::Layer)
      .Case("surrogate", DefinitionKind::Surrogate)
      .Case("loss", DefinitionKind::Loss)
      .Case("metric", DefinitionKind::Metric)
      .Case("optimizer", DefinitionKind::Optimizer)
      .Case("schedule", DefinitionKind::Schedule)
      .Case("clip", DefinitionKind::Clip)
      .Case("def", DefinitionKind::Def)
      .Default(std::nullopt);
}

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
  if (peek().kind == Token::Kind::Invalid)
    return;
  StringRef hint = peek().isName() || peekSymbol("?") ? foreignOperator(peek().text) : "";
  diagnostics.error(DiagId::Syntax, peek().range(),
                    "expected " + what + ", but found " + peek().describe() + (hint.empty() ? "" : "; ") + hint);
}

bool Parser::refuse(const Twine &hint) {
  if (peek().kind != Token::Kind::Invalid)
    diagnostics.error(DiagId::Syntax, peek().range(), hint);
  return false;
}

void Parser::refuseSign(const Twine &shown) {
  if (!peekSymbol("=") && !peekSymbol(":"))
    return;
  diagnostics.error(DiagId::Syntax, peek().range(), "there is no '" + peek().text + "' here: write '" + shown + "'");
  next();
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
    if (peek().kind == Token::Kind::Invalid)
      return false;
    bool sameLine = at > 0 && tokens[at - 1].kind != Token::Kind::Newline;
    if (sameLine && (peek().isName() || peek().kind == Token::Kind::Number) && foreignOperator(peek().text).empty())
      return refuse("expected ',' before '" + peek().text + "'");
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
  if (peek().isPath())
    return refuse("expected " + what + ", but found '" + peek().text + "'; names have no '.': write '" +
                  peek().text.rsplit('.').second + "'");
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

bool Parser::endLine() { return peekSymbol("}") || endItem(); }

bool Parser::beginsItem(size_t place) const {
  const Token &token = tokens[place];
  return token.isName() &&
         (is_contained({"param", "neuron", "model", "train", "alias"}, token.text) || beginsDefinition(place) ||
          (token.isName("block") && tokens[std::min(place + 1, tokens.size() - 1)].isName()));
}

/// No line of a block begins as an item does, so the block's end is missing before it.
bool Parser::closesUnseen(StringRef of, const Token &opener) {
  const Token &token = peek(), &second = after();
  if (!beginsItem(at) || tokens[at - 1].kind != Token::Kind::Newline ||
      (token.isName("train") ? !second.isSymbol("{") : !second.isName()))
    return false;
  if (std::exchange(unseen, &token) != &token) {
    diagnostics.error(DiagId::Syntax, token.range(),
                      "expected '}' to end " + of + " before '" + token.text + "' begins");
    diagnostics.note(opener.range(), "to close this '{'");
  }
  --at; // the end of the line before it, which ends the enclosing line too
  return true;
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
      if (std::exchange(unseen, &peek()) != &peek()) { // one is enough, however many blocks are open
        expected("'}' to end " + of);
        diagnostics.note(opener.range(), "to close this '{'");
      }
      return false;
    }
    if (peek().isName("param") && after(2).isSymbol("=")) {
      refuse("a 'param' stands outside of " + of + ", such as in the line before it");
      next();
      valid = parseParam() && false;
      skipLine();
      continue;
    }
    if (closesUnseen(of, opener)) {
      valid = false;
      return true;
    }
    unsigned outer = nesting;
    if (!parseLine() || !endLine()) {
      valid = false;
      nesting = outer;
      skipLine();
    }
  }
  lastClosed = &next();
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

/// To the next line that begins an item: the lines of one that cannot be read would only be misread.
void Parser::skipItem() {
  parentheses = nesting = 0;
  bool lineStart = false;
  for (; tokens[at].kind != Token::Kind::End && !(lineStart && beginsItem(at)); ++at)
    lineStart = tokens[at].kind == Token::Kind::Newline;
}

SourceFile Parser::parseFile() {
  SourceFile file;
  if (!parseHeader() && !beginsItem(at))
    skipItem();
  for (skipNewlines(); peek().kind != Token::Kind::End && !diagnostics.full(); skipNewlines())
    if (!parseItem(file) || !endItem())
      skipItem();
  file.params = std::move(params);
  return file;
}

/// The end of a line. One that ends as in another language is over too, once that has been reported.
bool Parser::endItem() {
  auto ended = [&] { return peek().kind == Token::Kind::Newline || peek().kind == Token::Kind::End; };
  if (ended())
    return true;
  if (!peekSymbol(";") && !peekSymbol(",")) {
    expected("the end of the line");
    return false;
  }
  const Token &sign = next();
  bool last = ended() || peekSymbol("}");
  diagnostics.error(
      DiagId::Syntax, sign.range(),
      "unexpected '" + sign.text + "'" +
          (last ? " at the end of the line; remove it" : "; what follows it stands on a line of its own"));
  return last;
}

bool Parser::parseItem(SourceFile &file) {
  if (acceptWord("param"))
    return parseParam();
  if (definitionKind(peek().text) && peek().isName() && !after().isSymbol("="))
    return parseDefinition(file);
  if (peek().isName("model"))
    return parseModel(file);
  if (peek().isName("block") && after().isName())
    return parseBlockDecl(file);
  if (peek().isName("train"))
    return parseTrain(file);
  if (peek().isName("alias"))
    return parseAlias(file);
  if (peekSymbol("}")) {
    refuse("this '}' closes nothing");
    if (lastClosed)
      diagnostics.note(lastClosed->range(), "what was open before it ended here already");
    return false;
  }
  if (peek().isName() && after().isSymbol("=")) {
    refuse("a number with a name is written 'param " + peek().text + " = " + shown(2, "NUMBER") + "'");
    return parseParam();
  }
  StringRef items = "'param', 'model', 'train' or a definition, such as 'neuron'";
  if (StringRef hint = foreignItem(peek().text); peek().isName() && !hint.empty())
    return refuse("expected " + items + ", but found '" + peek().text + "'; " + hint);
  expected(items);
  return false;
}

bool Parser::parseAlias(SourceFile &file) {
  next();
  AliasDecl alias;
  do {
    Name spelling;
    if (!parseName(spelling, "a spelling of another framework"))
      return false;
    alias.spellings.push_back(spelling);
  } while (accept(","));
  if (!expect("=", " and the name that is meant") || !parseName(alias.meant, "the name that is meant"))
    return false;
  file.aliases.push_back(std::move(alias));
  return true;
}

bool Parser::parseParam() {
  ParamDecl param;
  if (!parseName(param.name, "a name after 'param'") || !expect("=", ""))
    return false;
  param.value = parseExpr();
  if (!param.value)
    return false;
  params.push_back(std::move(param));
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
    return parseInput(model.inputs);
  if ((peek().isName("target") || peek().isName("label")) && after().isName()) // else a layer, or its label
    return parseInput(model.targets);
  if (peek().isName("steps"))
    return parseSteps(model);
  return parseLayerLine(model.layers);
}

bool Parser::parseBlockDecl(SourceFile &file) {
  next();
  auto block = std::make_unique<BlockDecl>();
  Definition signature; // a block's is that of a definition
  signature.kind = DefinitionKind::Layer;
  if (!parseName(block->name, "the name of the block"))
    return false;
  inLayer = true; // parameters may have no default
  inBlock = true;
  const bool read = parseSignature(signature);
  inLayer = inBlock = false;
  block->valid = read && signature.valid;
  block->inputs = std::move(signature.inputs);
  block->params = std::move(signature.params);
  const bool closed = read && parseBlock("the block", block->valid, [&] { return parseLayerLine(block->layers); });
  file.blocks.push_back(std::move(block));
  return closed;
}

bool Parser::parseLayerLine(std::vector<LayerDecl> &layers) {
  LayerDecl layer;
  SMLoc begin = peek().begin();
  // A line that cannot be read keeps its place, so that what follows is not judged by a wrong shape.
  bool read = parseLayer(layer) && endLine();
  layer.range = since(begin);
  if (!read)
    layer.call.reset();
  layers.push_back(std::move(layer));
  return read;
}

/// `input TYPE[...]`, `target NAME TYPE[...]` or `label NAME`.
bool Parser::parseInput(std::vector<InputDecl> &inputs) {
  const Token &word = next();
  InputDecl input;
  input.word = {word.text, word.range()};
  const bool isLabel = word.isName("label");
  const bool isNamed = isLabel ? !(peek().isName("over") && after().isName("time")) : after().isName();
  if (!word.isName("input") && isNamed && !parseName(input.name, ("the name of the " + word.text).str()))
    return false;
  if (!isLabel && !parseTensor(input))
    return false;
  if (acceptWord("over")) {
    if (!acceptWord("time")) {
      expected("'time' after 'over'");
      return false;
    }
    input.overTime = true;
  }
  input.range = since(word.begin());
  inputs.push_back(std::move(input));
  return true;
}

/// `f32[40]` or `u8[1, 28, 28] / 255`.
bool Parser::parseTensor(InputDecl &input) {
  refuseSign(input.word.text + " u8[1, 28, 28]");
  if (peek().kind == Token::Kind::Number)
    return refuse("expected the type of the " + input.word.text + " before its size, but found '" + peek().text +
                  "'; write 'u8[" + peek().text + "]' for bytes or 'f32[" + peek().text + "]' for real numbers");
  if (!parseName(input.type, ("the " + input.word.text +
                              "'s type and the extents of one sample, as in 'u8[1, 28, 28]' or 'f32[40]'")
                                 .str()))
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
  return !accept("/") || (input.divisor = parseUnary());
}

bool Parser::parseSteps(ModelDecl &model) {
  SMLoc begin = next().begin();
  StepsDecl steps;
  refuseSign("steps 25");
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
  if (layer.let || after().isSymbol(":")) {
    if (!parseName(layer.name, layer.let ? "a name after 'let'" : "a label"))
      return false;
    if (!layer.let || peekSymbol("="))
      next();
    else
      return refuse("expected '=' and a layer, as in 'let " + layer.name.text + " = linear(100)', but found " +
                    peek().describe());
  }
  if (!peek().isName()) {
    expected("a layer");
    return false;
  }
  const Token &word = next();
  Name name{word.text, word.range()};
  if (peekSymbol("=") || (peekSymbol(",") && after().isName()))
    return refuse("layers are not assigned, as each takes what the line before gives; write the layer alone, such as "
                  "'linear(100)'");
  layer.call = std::make_unique<Expr>();
  layer.call->kind = Expr::Kind::Call;
  layer.call->name = name.text;
  layer.call->place = name.range.Start;
  if (peekSymbol("(")) {
    if (!parseArguments(*layer.call))
      return false;
  } else if (peek().kind == Token::Kind::Number) {
    Argument argument;
    if (!(argument.value = parsePrimary()))
      return false;
    argument.range = argument.value->range;
    layer.call->args.push_back(std::move(argument));
  } else if (name.text == "from") {
    if (!peek().isName()) {
      expected("the label of a layer above, as in 'from h1'");
      return false;
    }
    Argument argument;
    if (!(argument.value = parsePrimary()))
      return false;
    argument.range = argument.value->range;
    layer.call->args.push_back(std::move(argument));
  }
  layer.call->range = since(name.range.Start);
  return true;
}

bool Parser::parseTrainField(TrainDecl &train) {
  TrainField field;
  if (!parseName(field.key, "'loss', 'optimizer', 'batch' or 'epochs'"))
    return false;
  refuseSign(field.key.text + " VALUE");
  if (!(field.value = parseExpr()))
    return false;
  train.fields.push_back(std::move(field));
  return true;
}

bool Parser::parseTrain(SourceFile &file) {
  const Token &word = next();
  TrainDecl train;
  train.name = {word.text, word.range()};
  bool valid = true;
  bool closed = parseBlock("the training", valid, [&] { return parseTrainField(train); });
  file.trains.push_back(std::move(train));
  return closed;
}

} // namespace snn::frontend
