// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Joins of types, and the words of definitions.

#include "frontends/snn/ValueType.h"

#include "frontends/snn/Diagnostics.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr Axis kAxes[] = {Axis::Sample, Axis::Time, Axis::Neuron, Axis::Class, Axis::Parameter};

struct Word {
  StringRef name;
  ArrayRef<DefinitionKind> kinds;
  StringRef places;
};

constexpr DefinitionKind kReaders[] = {DefinitionKind::Loss, DefinitionKind::Metric};
constexpr DefinitionKind kStepped[] = {DefinitionKind::Loss, DefinitionKind::Metric, DefinitionKind::Neuron};
constexpr DefinitionKind kTimed[] = {DefinitionKind::Loss, DefinitionKind::Metric, DefinitionKind::Neuron,
                                     DefinitionKind::Layer};
constexpr DefinitionKind kNeuron[] = {DefinitionKind::Neuron};
constexpr DefinitionKind kUpdates[] = {DefinitionKind::Optimizer, DefinitionKind::Schedule};
constexpr DefinitionKind kSchedule[] = {DefinitionKind::Schedule};

ArrayRef<Word> words() {
  static const Word table[] = {
      {"steps", kTimed, "a neuron, a layer, a loss and a metric"},
      {"time", kTimed, "a neuron, a layer, a loss and a metric"},
      {"neuron", kStepped, "a neuron, a loss and a metric"},
      {"class", kReaders, "a loss and a metric"},
      {"per_class", kReaders, "a loss and a metric"},
      {"fired", kNeuron, "a neuron"},
      {"training", kNeuron, "a neuron"},
      {"update", kUpdates, "an optimizer and a schedule"},
      {"epoch", kUpdates, "an optimizer and a schedule"},
      {"updates", kSchedule, "a schedule"},
      {"epochs", kSchedule, "a schedule"},
      {"grad", {}, "a 'derivative' of a def"},
      {"result", {}, "a 'derivative' of a def"},
      {"sample", {}, "'over' and 'per' only: where a sample stands in its batch means nothing"}};
  return table;
}

const Word *findWord(StringRef name) {
  for (const Word &word : words())
    if (word.name == name)
      return &word;
  return nullptr;
}

} // namespace

StringRef nameOf(Axis axis) {
  switch (axis) {
  case Axis::Sample:
    return "sample";
  case Axis::Time:
    return "time";
  case Axis::Neuron:
    return "neuron";
  case Axis::Class:
    return "class";
  case Axis::Parameter:
    return "parameter";
  default:
    return "";
  }
}

std::optional<Axis> axisNamed(StringRef name) {
  for (Axis axis : kAxes)
    if (nameOf(axis) == name && axis != Axis::Parameter)
      return axis;
  return std::nullopt;
}

std::string AxisSet::text(ArrayRef<StringRef> indices) const {
  SmallVector<StringRef> names;
  for (Axis axis : kAxes)
    if (contains(axis))
      names.push_back(nameOf(axis));
  for (auto [number, name] : enumerate(indices))
    if (contains(indexAxis(number)))
      names.push_back(name);
  return names.empty() ? "none" : listOf(names);
}

StringRef ValueType::noun() const {
  switch (kind) {
  case Kind::Unknown:
  case Kind::Real:
    return "a real";
  case Kind::Bits:
    return "bits";
  case Kind::Integer:
    return "an integer";
  case Kind::Tuple:
    return "a tuple";
  case Kind::Option:
    return "an option";
  case Kind::Surrogate:
    return "a surrogate";
  case Kind::Function:
    return "a function";
  case Kind::Layer:
    return "a layer";
  }
  return "";
}

ValueType joined(const ValueType &a, const ValueType &b, ValueType::Kind kind) {
  if (a.isUnknown() || b.isUnknown())
    return {};
  ValueType type{kind, a.axes | b.axes, a.network || b.network};
  type.chance = a.chance || b.chance;
  type.stepwise = a.stepwise || b.stepwise;
  type.declared = (a.declared || b.declared) && a.isGiven() && b.isGiven();
  return type;
}

ValueType oneOf(const ValueType &a, const ValueType &b) {
  ValueType type = joined(a, b, a.kind == b.kind ? a.kind : ValueType::Kind::Real);
  type.surrogate = type.kind == ValueType::Kind::Bits && a.surrogate && b.surrogate;
  if (a.of == b.of && type.kind == ValueType::Kind::Integer)
    type.of = a.of;
  return type;
}

StringRef placesOfWord(StringRef name) {
  const Word *word = findWord(name);
  return word ? word->places : "";
}

std::optional<ValueType> wordType(StringRef name, DefinitionKind root) {
  const Word *word = findWord(name);
  if (!word || word->kinds.empty())
    return std::nullopt;
  if (root == DefinitionKind::Def)
    return ValueType();
  if (!is_contained(word->kinds, root))
    return std::nullopt;
  if (name == "training")
    return ValueType::bits({}, /*network=*/false);
  if (name == "fired")
    return ValueType::bits({Axis::Sample, Axis::Neuron}, /*network=*/true);
  if (std::optional<Axis> axis = axisNamed(name)) {
    // In a neuron there is one step, so time is a number; along no axis can anything be picked there.
    if (root == DefinitionKind::Neuron)
      return ValueType::integer(*axis == Axis::Time ? AxisSet() : AxisSet({*axis}), std::nullopt);
    return ValueType::integer({*axis}, root == DefinitionKind::Layer ? std::nullopt : axis);
  }
  return ValueType::integer({}, std::nullopt);
}

} // namespace snn::frontend
