// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of files of definitions, and of signatures.

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/NeuronChecks.h"
#include "frontends/snn/Parser.h"

using namespace llvm;

namespace snn::frontend {
namespace {

/// What a loss may read.
constexpr StringRef kOutputs[] = {"spikes", "membrane", "label", "target"};

bool isReader(const Definition &definition) {
  return definition.kind == DefinitionKind::Loss || definition.kind == DefinitionKind::Metric;
}

} // namespace

std::string DefinitionChecker::article(DefinitionKind kind) {
  return ((kind == DefinitionKind::Optimizer ? "an " : "a ") + nameOf(kind)).str();
}

void DefinitionChecker::error(DiagId id, SMRange where, const Twine &message) {
  outcome->valid = false;
  if (!uses.empty() && !reported.insert(where.Start.getPointer()).second)
    return;
  diagnostics.error(id, where, message);
  constexpr size_t most = 3; // uses that are shown, the nearest first
  for (const auto &[range, name] : llvm::reverse(ArrayRef(uses).take_back(most)))
    diagnostics.note(range, "in this use of '" + name + "'");
}

void DefinitionChecker::collect(const SourceFile &file) {
  if (file.definitions.size() > limits::kDefinitions)
    return diagnostics.error(DiagId::TooLarge, file.definitions[limits::kDefinitions]->name.range,
                             "the file has " + Twine(file.definitions.size()) + " definitions, but at most " +
                                 Twine(limits::kDefinitions) + " are possible");
  for (const auto &definition : file.definitions) {
    const Name &name = definition->name;
    const DefinitionKind kind = definition->kind;
    if (isReservedWord(name.text) || (kind == DefinitionKind::Def && !placesOfWord(name.text).empty()))
      diagnostics.error(DiagId::ReservedName, name.range,
                        "'" + name.text + "' is a word of the language and cannot be the name of " + article(kind));
    else if (kind == DefinitionKind::Def && findBuiltin(name.text))
      diagnostics.error(DiagId::Redefinition, name.range,
                        "'" + name.text + "' is a function of the language and cannot be the name of a def");
    else if (is_contained({DefinitionKind::Neuron, DefinitionKind::Layer}, kind) && isOtherLayer(kind, name.text))
      diagnostics.error(DiagId::Redefinition, name.range,
                        "'" + name.text + "' is a layer already and cannot be the name of a " + nameOf(kind));
    else if (kind == DefinitionKind::Layer && addOverload(*definition))
      continue;
    else if (auto [it, inserted] = evaluator.definitions.try_emplace({kind, name.text}, definition.get()); !inserted) {
      diagnostics.error(DiagId::Redefinition, name.range, nameOf(kind) + " '" + name.text + "' is defined twice");
      diagnostics.note(it->second->name.range, "first defined here");
    }
  }
}

/// Neurons and layers are called in the same place.
bool DefinitionChecker::isOtherLayer(DefinitionKind kind, StringRef name) const {
  const bool isNeuron = kind == DefinitionKind::Neuron;
  return name == "each" || name == "flatten" || name == "population" || name == "from" ||
         find(isNeuron ? DefinitionKind::Layer : DefinitionKind::Neuron, name);
}

/// Whether there are layers of this name already, for other numbers of extents, which it joins.
bool DefinitionChecker::addOverload(const Definition &definition) {
  auto it = evaluator.definitions.find({definition.kind, definition.name.text});
  if (it == evaluator.definitions.end() || definition.extents.empty())
    return false;
  const Definition *last = nullptr;
  for (const Definition *other = it->second; other; other = evaluator.overloads.lookup(other)) {
    last = other;
    const bool sameParameters =
        definition.inputs.size() == other->inputs.size() &&
        llvm::equal(definition.params, other->params,
                    [](const NeuronParam &a, const NeuronParam &b) { return a.name.text == b.name.text; });
    if (!sameParameters || other->extents.empty() || other->hasRest() || definition.hasRest() ||
        other->rank() == definition.rank())
      return false;
  }
  evaluator.overloads[last] = &definition;
  return true;
}

void DefinitionChecker::run(const SourceFile &file) {
  collect(file);
  // First what others call, as its own errors are shown once.
  for (bool calls : {false, true})
    for (const auto &definition : ArrayRef(file.definitions).take_front(limits::kDefinitions))
      if (!diagnostics.full() && isReader(*definition) == calls)
        calls ? checkReader(*definition) : static_cast<void>(check(*definition));
}

bool DefinitionChecker::accepts(const Definition &definition, ArrayRef<StringRef> inputs) {
  const auto before = std::tuple(overTime, reported, total);
  std::unique_ptr<Outcome> known = std::exchange(outcomes[&definition], nullptr);
  bool valid = false;
  overTime = inputs;
  const bool silent = diagnostics.isSilent([&] { valid = check(definition).valid; });
  std::tie(overTime, reported, total) = before;
  outcomes.erase(&definition); // one of the standard definitions has its outcome there
  if (known)
    outcomes[&definition] = std::move(known);
  return valid && silent;
}

void DefinitionChecker::checkReader(const Definition &definition) {
  static constexpr StringRef kBoth[] = {"label", "target"};
  for (ArrayRef<StringRef> inputs :
       {ArrayRef<StringRef>(), ArrayRef(kBoth), ArrayRef(kBoth).take_front(), ArrayRef(kBoth).drop_front()})
    if (accepts(definition, inputs)) {
      overTime = inputs;
      break;
    }
  check(definition);
  overTime = {};
}

const DefinitionChecker::Outcome &DefinitionChecker::check(const Definition &definition) {
  if (const Outcome *known = outcomeOf(definition))
    return *known;
  std::unique_ptr<Outcome> &slot = outcomes[&definition];
  slot = std::make_unique<Outcome>();
  Outcome &result = *slot; // stays where it is when the map grows
  result.valid = definition.valid;
  Frame own;
  own.definition = &definition;
  own.root = definition.kind;
  own.graded = isGraded(definition.body);
  Frame *outerFrame = std::exchange(frame, &own);
  Outcome *outer = std::exchange(outcome, &result);
  auto outerUses = std::exchange(uses, {});
  checkInputs();
  if (definition.params.size() > limits::kNeuronParams)
    error(DiagId::TooLarge, definition.params[limits::kNeuronParams].name.range,
          "'" + definition.name.text + "' has " + Twine(definition.params.size()) + " parameters, but at most " +
              Twine(limits::kNeuronParams) + " are possible");
  else
    for (const NeuronParam &param : definition.params)
      checkParameter(param);
  checkBody();
  uses = std::move(outerUses);
  outcome = outer;
  frame = outerFrame;
  result.progress = Outcome::Progress::Done;
  if (result.valid)
    evaluator.costs[&definition] = result.cost;
  return result;
}

void DefinitionChecker::checkInputs() {
  const Definition &definition = *frame->definition;
  const size_t count = definition.inputs.size();
  StringRef wanted;
  size_t least = 0, most = limits::kInputs;
  switch (definition.kind) {
  case DefinitionKind::Neuron:
    least = most = 1;
    wanted = "one input, the current, as in 'neuron NAME(x; beta = 0.9)'";
    break;
  case DefinitionKind::Layer:
    least = 1;
    wanted = "at least one input, as in 'layer NAME(x[inputs]; outputs)'";
    break;
  case DefinitionKind::Surrogate:
    least = most = 1;
    wanted = "one input, the distance from the threshold, as in 'surrogate NAME(v; slope = 25)'";
    break;
  case DefinitionKind::Optimizer:
    least = most = 2;
    wanted = "two inputs, a parameter and its gradient, as in 'optimizer NAME(p, g; lr = 1e-3)'";
    break;
  case DefinitionKind::Clip:
    least = most = 1;
    wanted = "one input, the gradients, as in 'clip NAME(g; limit = 1)'";
    break;
  case DefinitionKind::Schedule:
    most = 0;
    wanted = "no inputs, as in 'schedule NAME(warmup = 1)'";
    break;
  case DefinitionKind::Loss:
  case DefinitionKind::Metric:
    least = 1;
    wanted = "inputs out of 'spikes', 'membrane', 'label' and 'target'";
    break;
  case DefinitionKind::Def:
    wanted = "at most 16 inputs";
    break;
  }
  if (definition.valid && (count < least || count > most))
    error(DiagId::InputCount, definition.name.range,
          article(definition.kind) + " has " + wanted + ", but this one has " + Twine(count));
  for (auto [index, input] : enumerate(ArrayRef(definition.inputs).take_front(limits::kInputs))) {
    if (isReader(definition) && !is_contained(kOutputs, input.text))
      error(DiagId::UnknownName, input.range,
            article(definition.kind) + " reads 'spikes', 'membrane', 'label' or 'target', but not '" + input.text +
                "'" + diagnostics.didYouMean(input.text, kOutputs));
    define(input, {Flow::Kind::Input, input.range, inputType(index)});
  }
  if (definition.kind == DefinitionKind::Layer)
    checkExtents();
}

ValueType DefinitionChecker::inputType(size_t index) const {
  const AxisSet all{Axis::Sample, Axis::Time, Axis::Neuron};
  StringRef name = frame->definition->inputs[index].text;
  const AxisSet declared = is_contained(overTime, name) ? AxisSet{Axis::Sample, Axis::Time} : AxisSet{Axis::Sample};
  switch (frame->definition->kind) {
  case DefinitionKind::Neuron:
    return ValueType::real({Axis::Sample, Axis::Neuron}, /*network=*/true);
  case DefinitionKind::Layer:
    return ValueType::real({Axis::Sample, Axis::Time}, /*network=*/true);
  case DefinitionKind::Surrogate:
  case DefinitionKind::Optimizer:
    return ValueType::real({}, /*network=*/true);
  case DefinitionKind::Clip:
    return ValueType::real({Axis::Parameter}, /*network=*/true);
  case DefinitionKind::Loss:
  case DefinitionKind::Metric:
    if (name == "label")
      return ValueType::integer(declared, Axis::Class).given();
    if (name == "target")
      return ValueType::real(declared | AxisSet{Axis::Neuron}, /*network=*/true).given();
    if (name == "membrane")
      return ValueType::real(all, /*network=*/true);
    if (name == "spikes")
      return ValueType::bits(all, /*network=*/true);
    return {};
  default:
    return {};
  }
}

void DefinitionChecker::define(const Name &name, Flow::Entry entry) {
  const bool isWord = frame->definition->kind != DefinitionKind::Neuron && !placesOfWord(name.text).empty();
  if (isReservedWord(name.text) || isWord)
    error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
  std::optional<SMRange> first;
  const Flow::Entry *known = frame->flow.find(name.text);
  if (known)
    first = known->range;
  else if (auto assignment = frame->flow.assignedAt(name.text))
    first = assignment;
  else
    first = frame->flow.fixedAt(name.text);
  if (first) {
    error(DiagId::Redefinition, name.range, "'" + name.text + "' is defined twice");
    diagnostics.note(*first, "first defined here");
  }
  if (!known)
    frame->flow.set(name.text, entry);
}

void DefinitionChecker::checkParameter(const NeuronParam &param) {
  auto entry = parameterEntry(param);
  if (!entry) {
    outcome->valid = false;
    entry = Flow::Entry{Flow::Kind::Number, param.name.range, {}};
  }
  entry->range = param.name.range;
  define(param.name, *entry);
  if (param.interval)
    checkInterval(param);
}

/// What a parameter is, by its default; nothing after an error.
std::optional<NeuronFlow::Entry> DefinitionChecker::parameterEntry(const NeuronParam &param) {
  const DefinitionKind kind = frame->definition->kind;
  if (!param.value)
    return Flow::Entry{Flow::Kind::Number, {}, ValueType::number()};
  const Expr &value = *param.value;
  if (!param.axis.text.empty()) {
    if (param.axis.text == "class" && isReader(*frame->definition))
      return evaluator.number(value)
                 ? std::optional(Flow::Entry{Flow::Kind::Number, {}, ValueType::real({Axis::Class}, /*network=*/false)})
                 : std::nullopt;
    error(DiagId::Misplaced, param.axis.range,
          "several numbers for a parameter of " + article(kind) + " are not possible along '" + param.axis.text +
              "'; those of losses and metrics may be along class, as in 'weights[class] = 1'");
    return std::nullopt;
  }
  const bool inNeuron = kind == DefinitionKind::Neuron, inLayer = kind == DefinitionKind::Layer;
  auto only = [&](StringRef what) {
    if (inNeuron || (inLayer && what != "layers") || (kind > DefinitionKind::Surrogate && what == "options"))
      return true;
    error(DiagId::Misplaced, value.range,
          "a parameter of " + article(kind) + " is a number; " + what + " are for neurons");
    return false;
  };
  if (value.kind == Expr::Kind::Call && value.name == "one_of") {
    if (!only("options"))
      return std::nullopt;
    frame->words[param.name.text] = checkOptions(value);
    return Flow::Entry{Flow::Kind::Option, {}, {ValueType::Kind::Option}};
  }
  const bool isOfOther = inLayer && value.kind == Expr::Kind::Name && frame->flow.find(value.name);
  const bool isSurrogate = inLayer && !isOfOther && find(DefinitionKind::Surrogate, value.name) &&
                           (value.kind == Expr::Kind::Name || value.kind == Expr::Kind::Call);
  if (!inLayer && isLayerValue(value, evaluator)) {
    if (!only("layers") || !layerValue(value, evaluator))
      return std::nullopt;
    return Flow::Entry{Flow::Kind::Layer, {}, {ValueType::Kind::Layer}};
  }
  if ((inNeuron || inLayer) && !isOfOther && evaluator.isFunction(value) &&
      !find(DefinitionKind::Surrogate, value.name)) {
    if (!evaluator.function(value, kind))
      return std::nullopt;
    return Flow::Entry{Flow::Kind::Function, {}, {ValueType::Kind::Function}};
  }
  if (inLayer && !isSurrogate) { // a number, or several; that of another parameter is that one's
    bool valid = value.kind != Expr::Kind::Tuple ? checkNumber(value) : true;
    if (value.kind == Expr::Kind::Tuple)
      for (const Argument &element : value.args)
        valid &= checkNumber(*element.value);
    return valid ? std::optional(Flow::Entry{Flow::Kind::Number, {}, ValueType::number()}) : std::nullopt;
  }
  const bool isName = value.kind == Expr::Kind::Name || (value.kind == Expr::Kind::Call && value.name != "exp");
  SmallVector<StringRef> known = evaluator.namesOf(DefinitionKind::Surrogate);
  if (isName && !evaluator.params.contains(value.name) &&
      (value.kind == Expr::Kind::Call || find(DefinitionKind::Surrogate, value.name) ||
       !diagnostics.nearest(value.name, known).empty())) {
    if (!only("surrogates") || !checkSurrogate(value))
      return std::nullopt;
    return Flow::Entry{Flow::Kind::Surrogate, {}, {ValueType::Kind::Surrogate}};
  }
  if (value.kind == Expr::Kind::Tuple) {
    if (kind == DefinitionKind::Def || kind == DefinitionKind::Neuron) {
      error(DiagId::Misplaced, value.range, "a parameter of " + article(kind) + " is one number, and no tuple");
      return std::nullopt;
    }
    bool valid = true;
    for (const Argument &element : value.args)
      valid &= evaluator.number(*element.value).has_value();
    if (!valid)
      return std::nullopt;
    ValueType type{ValueType::Kind::Tuple};
    type.elements = value.args.size();
    return Flow::Entry{Flow::Kind::Tuple, {}, type};
  }
  if (!evaluator.number(value))
    return std::nullopt;
  // A neuron's may be trained, and one for each neuron. One of a def is whatever a use of it says.
  ValueType type = ValueType::number();
  if (inNeuron)
    type = ValueType::real({Axis::Neuron}, /*network=*/true);
  else if (kind == DefinitionKind::Def)
    type = {};
  return Flow::Entry{Flow::Kind::Number, {}, type};
}

/// The words of an option; none after an error.
std::vector<StringRef> DefinitionChecker::checkOptions(const Expr &call) {
  std::vector<StringRef> words;
  if (call.args.size() > limits::kWords) {
    error(DiagId::TooLarge, call.args[limits::kWords].range,
          "'one_of' has " + Twine(call.args.size()) + " words, but at most " + Twine(limits::kWords) + " are possible");
    return {};
  }
  for (const Argument &arg : call.args) {
    if (!arg.name.text.empty() || arg.learn || arg.each || arg.value->kind != Expr::Kind::Name ||
        arg.value->name.contains('.')) {
      error(DiagId::WrongArgument, arg.range, "expected a word, as in 'one_of(subtract, zero)'");
      return {};
    }
    if (is_contained(words, arg.value->name)) {
      error(DiagId::Redefinition, arg.range, "'" + arg.value->name + "' is given twice");
      return {};
    }
    words.push_back(arg.value->name);
  }
  if (words.empty())
    error(DiagId::MissingArgument, call.range, "'one_of' needs at least one word");
  return words;
}

void DefinitionChecker::checkInterval(const NeuronParam &param) {
  const IntervalDecl &interval = *param.interval;
  const Flow::Entry *entry = frame->flow.find(param.name.text);
  if (entry && entry->type.kind != ValueType::Kind::Tuple && !entry->type.isUnknown() &&
      entry->type.kind != ValueType::Kind::Real)
    return error(DiagId::WrongArgument, interval.range,
                 "a range is for numbers, but '" + param.name.text + "' is " + entry->type.noun());
  auto low = evaluator.number(*interval.low);
  auto high = interval.high ? evaluator.number(*interval.high) : std::optional(HUGE_VAL);
  if (!low || !high) {
    outcome->valid = false;
    return;
  }
  if (*low > *high || (*low == *high && (interval.openLow || interval.openHigh)))
    return error(DiagId::OutOfRange, interval.range,
                 "nothing lies in the range from " + numberText(*low) + " to " + numberText(*high));
  bool valid = true;
  if (!param.value)
    return;
  if (param.value->kind == Expr::Kind::Tuple)
    for (const Argument &element : param.value->args)
      valid &= evaluator.isInRange(param, *element.value);
  else
    valid = evaluator.isInRange(param, *param.value);
  outcome->valid &= valid;
}

/// One in a def is found by each use of the def.
bool DefinitionChecker::checkSurrogate(const Expr &expr) {
  if (!uses.empty() && !reported.insert(expr.range.Start.getPointer()).second)
    return true;
  const bool valid = evaluator.surrogate(expr).has_value();
  outcome->valid &= valid;
  return valid;
}

} // namespace snn::frontend
