// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lines of a definition's body.

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace snn::frontend {

using Kind = ValueType::Kind;
using Line = Statement::Kind;

namespace {

/// What a body of this kind may hold besides assignments, and how it says what it gives.
struct Form {
  ArrayRef<Line> lines;
  StringRef gives;
};

Form formOf(DefinitionKind kind) {
  static constexpr Line neuron[] = {Line::State, Line::Fixed, Line::If, Line::Spike, Line::Value};
  static constexpr Line layer[] = {Line::State, Line::Learn, Line::Buffer, Line::If, Line::Spike, Line::Value};
  static constexpr Line surrogate[] = {Line::Derivative, Line::Soft};
  static constexpr Line optimizer[] = {Line::State, Line::Next};
  static constexpr Line def[] = {Line::Result, Line::Derivative, Line::Soft};
  static constexpr Line others[] = {Line::Result};
  switch (kind) {
  case DefinitionKind::Neuron:
    return {neuron, "'spike fire(...)' or 'value ...'"};
  case DefinitionKind::Layer:
    return {layer, "'value NAME' or 'spike NAME'"};
  case DefinitionKind::Surrogate:
    return {surrogate, "'derivative ...'"};
  case DefinitionKind::Optimizer:
    return {optimizer, "'next ...'"};
  case DefinitionKind::Def:
    return {def, "a value alone on its last line"};
  default:
    return {others, "a value alone on its last line"};
  }
}

StringRef wordOf(Line kind) {
  switch (kind) {
  case Line::State:
    return "'state'";
  case Line::Fixed:
    return "'fixed'";
  case Line::Learn:
    return "'learn'";
  case Line::Buffer:
    return "'buffer'";
  case Line::If:
    return "'if' with braces";
  case Line::Spike:
    return "'spike'";
  case Line::Value:
    return "'value'";
  case Line::Next:
    return "'next'";
  case Line::Derivative:
    return "'derivative'";
  case Line::Soft:
    return "'soft'";
  default:
    return "a value alone on its line";
  }
}

} // namespace

void DefinitionChecker::checkBody() {
  checkLines(frame->definition->body, /*top=*/true);
  if (frame->definition->valid)
    checkEnd();
}

bool DefinitionChecker::belongs(const Statement &statement) {
  const DefinitionKind kind = frame->definition->kind;
  const Form form = formOf(kind);
  if (statement.kind == Line::Assign || is_contained(form.lines, statement.kind))
    return true;
  error(DiagId::Misplaced, statement.range,
        wordOf(statement.kind) + " has no place in " + article(kind) + ", which says what it gives by " + form.gives);
  return false;
}

void DefinitionChecker::checkLines(const Statements &body, bool top) {
  for (const Statement &statement : body) {
    if (diagnostics.full())
      return;
    if ((frame->statements += 1 + statement.branches.size()) > limits::kStatements) {
      if (frame->statements <= limits::kStatements + 1 + statement.branches.size())
        error(DiagId::TooLarge, statement.range,
              "'" + frame->definition->name.text + "' has more than " + Twine(limits::kStatements) + " lines");
      return;
    }
    if (!belongs(statement))
      continue;
    switch (statement.kind) {
    case Line::State:
      checkState(statement, top);
      break;
    case Line::Fixed:
      checkFixed(statement, top);
      break;
    case Line::Learn:
    case Line::Buffer:
      checkArray(statement);
      break;
    case Line::Assign:
      statement.places.empty() ? checkAssign(statement) : checkElements(statement);
      break;
    case Line::Spike:
    case Line::Value:
    case Line::Next:
      checkOutput(statement);
      break;
    case Line::Result:
      checkResult(statement);
      break;
    case Line::Derivative:
    case Line::Soft:
      checkDerivative(statement);
      break;
    case Line::If:
      checkIf(statement);
      break;
    }
  }
}

void DefinitionChecker::checkState(const Statement &statement, bool top) {
  if (!top)
    error(DiagId::Misplaced, statement.range, "a state cannot depend on an option; declare it outside of 'if'");
  if (frame->definition->kind == DefinitionKind::Layer)
    return checkArray(statement);
  const bool inNeuron = frame->definition->kind == DefinitionKind::Neuron;
  define(statement.name, {Flow::Kind::State, statement.name.range,
                          ValueType::real(inNeuron ? AxisSet{Axis::Sample, Axis::Neuron} : AxisSet(), true)});
  if (!evaluator.number(*statement.value))
    outcome->valid = false;
}

/// Its symbol stands beside those of parameters and states, so it shares their names.
void DefinitionChecker::checkFixed(const Statement &statement, bool top) {
  const Name &name = statement.name;
  std::optional<SMRange> first;
  if (const Flow::Entry *entry = frame->flow.find(name.text))
    first = entry->range;
  else if (auto assignment = frame->flow.assignedAt(name.text); top && assignment)
    first = assignment;
  else
    first = frame->flow.fixedAt(name.text);
  if (isReservedWord(name.text))
    error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
  if (first) {
    error(DiagId::Redefinition, name.range, "'" + name.text + "' is defined twice");
    diagnostics.note(*first, "first defined here");
  } else {
    frame->flow.fix(name.text, name.range);
  }
  // A number, perhaps one that an option chooses.
  const Expr *value = statement.value.get();
  auto check = [&](const Expr &number) { outcome->valid &= evaluator.number(number).has_value(); };
  for (; value->kind == Expr::Kind::Choice; value = &value->operand(2)) {
    if (!testOption(value->operand(0), [&](StringRef name) { return isOption(name) ? name : ""; }))
      error(DiagId::NotConstant, value->operand(0).range,
            "what is fixed is chosen by an option, as in 'if reset == zero then 1 else 0'");
    else
      typeOf(value->operand(0));
    check(value->operand(1));
  }
  check(*value);
}

void DefinitionChecker::checkAssign(const Statement &statement) {
  const Name &name = statement.name;
  const bool inLayer = frame->definition->kind == DefinitionKind::Layer;
  if (inLayer && !checkNumber(*statement.value))
    return frame->flow.set(name.text, {Flow::Kind::Local, name.range, {}});
  const ValueType type = inLayer ? ValueType::number() : typeOf(*statement.value);
  const bool isWord = frame->definition->kind != DefinitionKind::Neuron && !placesOfWord(name.text).empty();
  if (isReservedWord(name.text) || isWord)
    return error(DiagId::NotAssignable, name.range,
                 "'" + name.text + "' is a word of the language" +
                     (name.text == "fired" ? ", for the spike of the step before" : "") + "; use another name");
  if (auto constant = frame->flow.fixedAt(name.text)) {
    error(DiagId::NotAssignable, name.range,
          "'" + name.text + "' is a constant of the checkpoint and cannot be assigned; use another name");
    return diagnostics.note(*constant, "defined here");
  }
  if (frame->result && frame->definition->kind == DefinitionKind::Def)
    error(DiagId::Misplaced, statement.range, "behind the result of a def there are 'derivative' lines only");
  frame->flow.noteAssignment(name.text, name.range);
  const Flow::Entry *entry = frame->flow.find(name.text);
  if (!entry)
    return frame->flow.set(name.text, {Flow::Kind::Local, name.range, type});
  if (entry->kind == Flow::Kind::State)
    return;
  if (inLayer) {
    error(DiagId::NotAssignable, name.range,
          "'" + name.text + "' has a value already, and a number of a layer has one; use another name");
    return diagnostics.note(entry->range, "defined here");
  }
  if (entry->kind != Flow::Kind::Local) {
    error(DiagId::NotAssignable, name.range,
          "'" + name.text + "' is the " + nameOf(frame->definition->kind) + "'s " +
              (entry->kind == Flow::Kind::Input ? "input" : "parameter") + " and cannot be assigned; use another name");
    return diagnostics.note(entry->range, "defined here");
  }
  frame->flow.set(name.text, {Flow::Kind::Local, entry->range, type});
}

/// `spike`, `value`, `next`.
void DefinitionChecker::checkOutput(const Statement &statement) {
  const DefinitionKind kind = frame->definition->kind;
  if (kind == DefinitionKind::Layer)
    checkLayerValue(statement);
  const bool isSpike = statement.kind == Line::Spike;
  const Expr *factor = isSpike && kind == DefinitionKind::Neuron ? factorOf(statement) : nullptr;
  const Expr &value = factor ? statement.value->operand(0) : *statement.value;
  const ValueType type = kind == DefinitionKind::Layer ? ValueType() : typeOf(value);
  if (factor)
    typeOf(*factor);
  const bool carries = type.kind == Kind::Bits && (type.surrogate || type.chance);
  if (isSpike && !type.isUnknown() && !carries)
    error(DiagId::NotASpike, value.range,
          "expected 'fire(VALUE, SURROGATE)', such as 'spike fire(mem - threshold, surrogate)', or a name that "
          "stands for one; any other value has no surrogate" +
              Twine(type.kind == Kind::Bits ? ", and bits that need none say so: 'detach(x > 0)'" : ""));
  if (++frame->outputs == 2) {
    error(DiagId::SpikeCount, statement.range,
          kind == DefinitionKind::Neuron
              ? "a neuron has one output, but this is its second; fire on one value, such as max(a, b)"
          : kind == DefinitionKind::Layer ? "a layer gives one array, but this is its second"
                                          : "an optimizer says once what is next, but this is the second time");
    diagnostics.note(frame->firstOutput, "the first is here");
  } else if (frame->outputs == 1) {
    if (frame->outputKind.value_or(statement.kind) != statement.kind)
      error(DiagId::SpikeCount, statement.range,
            "a neuron gives spikes or values, but not one on this path and the other on another one");
    frame->firstOutput = statement.range;
    frame->outputKind = statement.kind;
  }
}

void DefinitionChecker::checkResult(const Statement &statement) {
  const ValueType type = typeOf(*statement.value);
  const DefinitionKind kind = frame->definition->kind;
  if (frame->result) {
    error(DiagId::ResultCount, statement.range,
          article(kind) + " has one result, but this is its second; a value has a name, as in 'y = x + 1'");
    return diagnostics.note(frame->resultRange, "the first is here");
  }
  frame->result = type;
  frame->resultRange = statement.range;
  if (kind == DefinitionKind::Def)
    return;
  const Axis stays = kind == DefinitionKind::Clip ? Axis::Parameter : Axis::Sample;
  if (AxisSet left = type.axes - AxisSet{stays}; !left.empty())
    error(DiagId::AxisLeft, statement.range,
          article(kind) + " is a number for each sample, but this value also varies along " + left.text() +
              "; remove them, as in 'mean(x, over = " +
              (left.contains(Axis::Time)    ? "time"
               : left.contains(Axis::Class) ? "class"
                                            : "neuron") +
              ")'");
}

void DefinitionChecker::checkDerivative(const Statement &statement) {
  const Definition &definition = *frame->definition;
  const bool isSoft = statement.kind == Line::Soft, inDef = definition.kind == DefinitionKind::Def;
  if (!isSoft && inDef && statement.name.text.empty())
    return error(DiagId::MissingArgument, statement.range,
                 "a def has a derivative for an input, as in 'derivative " +
                     (definition.inputs.empty() ? "x" : definition.inputs.front().text) + " = 2 * grad'");
  if (!isSoft && !statement.name.text.empty()) {
    SmallVector<StringRef> inputs;
    for (const Name &input : definition.inputs)
      inputs.push_back(input.text);
    if (!is_contained(inputs, statement.name.text))
      error(DiagId::UnknownName, statement.name.range,
            "'" + statement.name.text + "' is no input of '" + definition.name.text + "'" +
                diagnostics.didYouMean(statement.name.text, inputs));
  }
  if (inDef && !frame->result)
    error(DiagId::Misplaced, statement.range,
          "in a def, 'derivative' and 'soft' stand behind the result, the value alone on its line");
  std::optional<SMRange> first;
  if (isSoft) {
    first = std::exchange(frame->soft, statement.range);
  } else {
    auto [it, inserted] = frame->derivatives.try_emplace(statement.name.text, statement.range);
    if (!inserted)
      first = it->second;
  }
  if (first) {
    error(DiagId::ResultCount, statement.range, wordOf(statement.kind) + " is given twice");
    diagnostics.note(*first, "first given here");
  }
  frame->inDerivative = !isSoft && inDef;
  typeOf(*statement.value);
  frame->inDerivative = false;
}

void DefinitionChecker::checkIf(const Statement &statement) {
  unsigned before = frame->outputs, after = 0, checked = 0;
  bool complete = false, differ = false;
  std::map<StringRef, StringSet<>> tested;
  frame->flow.beginIf();
  for (const Branch &branch : statement.branches) {
    if (branch.option.text.empty()) {
      complete = true;
    } else if (size_t words = checkCondition(branch)) {
      auto &seen = tested[branch.option.text];
      seen.insert(branch.word.text);
      complete |= seen.size() == words;
    }
    frame->flow.beginBranch();
    checkLines(branch.body, /*top=*/false);
    frame->flow.endBranch();
    differ |= checked++ > 0 && frame->outputs != after;
    after = std::max(after, frame->outputs);
    frame->outputs = before;
  }
  frame->flow.endIf(complete);
  if (differ || (!complete && after != before))
    error(DiagId::SpikeCount, statement.range, "the output must stand in each branch of this 'if', or in none");
  frame->outputs = std::max(after, before);
}

/// In a layer, whether it is trained is an option too.
bool DefinitionChecker::isOption(StringRef name) {
  if (frame->definition->kind == DefinitionKind::Layer && name == "training")
    frame->words.try_emplace("training", std::vector<StringRef>{"true", "false"});
  return frame->words.count(name);
}

/// The number of the option's words; 0 after an error.
size_t DefinitionChecker::checkOptionTest(const Name &option, const Name &word) {
  const std::vector<StringRef> &words = frame->words[option.text];
  if (is_contained(words, word.text))
    return words.size();
  if (words.empty()) // an error has been reported
    return 0;
  error(DiagId::UnknownWord, word.range,
        "'" + option.text + "' is never '" + word.text + "'" + diagnostics.didYouMean(word.text, words));
  if (const Flow::Entry *entry = frame->flow.find(option.text))
    diagnostics.note(entry->range, "it is one of " + listOf(words));
  return 0;
}

size_t DefinitionChecker::checkCondition(const Branch &branch) {
  if (isOption(branch.option.text))
    return checkOptionTest(branch.option, branch.word);
  SmallVector<StringRef> options;
  for (const auto &[option, words] : frame->words)
    options.push_back(option);
  error(DiagId::NotAnOption, branch.option.range,
        "'" + branch.option.text +
            "' is no option; 'if' with braces is decided when the model is compiled, by a parameter that is declared "
            "with 'one_of(...)'" +
            diagnostics.didYouMean(branch.option.text, options));
  return 0;
}

/// What must have been said by now.
void DefinitionChecker::checkEnd() {
  const Definition &definition = *frame->definition;
  bool given = frame->result.has_value();
  if (is_contained({DefinitionKind::Neuron, DefinitionKind::Layer, DefinitionKind::Optimizer}, definition.kind))
    given = frame->outputs > 0;
  else if (definition.kind == DefinitionKind::Surrogate)
    given = !frame->derivatives.empty();
  if (!given)
    error(definition.kind == DefinitionKind::Neuron ? DiagId::SpikeCount : DiagId::ResultCount, definition.name.range,
          nameOf(definition.kind) + " '" + definition.name.text + "' never says what it gives; expected " +
              formOf(definition.kind).gives);
}

} // namespace snn::frontend
