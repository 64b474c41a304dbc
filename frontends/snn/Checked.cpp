// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What follows from a checked model.

#include "frontends/snn/Evaluate.h"

using namespace llvm;

namespace snn::frontend {

const ParamValue &valueOf(const CheckedLayer &layer, StringRef name) {
  return layer.values[layer.neuron->paramIndex.at(name)]; // the checks know each parameter that a body names
}

StringRef wordOf(const CheckedLayer &layer, StringRef option) {
  auto it = layer.neuron->paramIndex.find(option);
  return it == layer.neuron->paramIndex.end() ? StringRef() : StringRef(layer.values[it->second].word);
}

const Statements *chosenBranch(const Statement &statement, const CheckedLayer &layer) {
  for (const Branch &branch : statement.branches)
    if (branch.option.text.empty() || valueOf(layer, branch.option.text).word == branch.word.text)
      return &branch.body;
  return nullptr;
}

const Expr *factorOf(const Statement &spike) {
  const Expr &value = *spike.value;
  return value.kind == Expr::Kind::Operation && value.op == Operator::Multiply ? &value.operand(1) : nullptr;
}

const Expr &arrayOf(const Statement &statement) {
  return factorOf(statement) ? statement.value->operand(0) : *statement.value;
}

const Expr *landingOf(const Expr &place) {
  const bool isBelow = place.kind == Expr::Kind::Operation && place.op == Operator::Less;
  return isBelow && place.operand(0).kind != Expr::Kind::Name ? &place.operand(0) : nullptr;
}

const Argument *overOf(const Expr &expr) {
  for (const Argument &arg : expr.args)
    if (expr.kind == Expr::Kind::Call && arg.name.text == "over")
      return &arg;
  return nullptr;
}

bool isGraded(const Statements &body) {
  return llvm::any_of(body, [](const Statement &statement) {
    return (statement.kind == Statement::Kind::Spike && factorOf(statement)) ||
           llvm::any_of(statement.branches, [](const Branch &branch) { return isGraded(branch.body); });
  });
}

/// The factor of the line that the layer's options choose.
static const Expr *chosenFactor(const Statements &body, const CheckedLayer &layer) {
  for (const Statement &statement : body) {
    if (statement.kind == Statement::Kind::Spike)
      return factorOf(statement);
    const Statements *branch = statement.kind == Statement::Kind::If ? chosenBranch(statement, layer) : nullptr;
    if (const Expr *factor = branch ? chosenFactor(*branch, layer) : nullptr)
      return factor;
  }
  return nullptr;
}

bool givesBits(const CheckedLayer &layer) {
  if (layer.kind != CheckedLayer::Kind::Neuron || !givesSpikes(layer))
    return givesSpikes(layer) && layer.shapes.factor == 1;
  StringMap<double> known;
  for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values))
    if (param.kind == ParamKind::Number && !value.learn && !value.each)
      known[param.name.text] = value.number;
  const Expr *factor = chosenFactor(layer.neuron->decl->body, layer);
  return !factor || foldNumber(*factor, known) == 1;
}

std::optional<size_t> membraneOf(const CheckedLayer &layer) {
  if (layer.kind == CheckedLayer::Kind::Neuron) {
    const CheckedState *membrane = layer.neuron->membrane();
    return membrane ? std::optional<size_t>(membrane - layer.neuron->states.data()) : std::nullopt;
  }
  auto mem = llvm::find_if(layer.shapes.states, [](const LayerArray &state) { return state.name == "mem"; });
  return mem == layer.shapes.states.end() ? 0 : mem - layer.shapes.states.begin();
}

const CheckedState *CheckedNeuron::membrane() const {
  for (const CheckedState &state : states)
    if (state.name.text == "mem")
      return &state;
  return states.empty() ? nullptr : &states.front();
}

int64_t CheckedModel::outputNeurons() const {
  for (const CheckedLayer &layer : llvm::reverse(layers))
    if (isNeuron(layer))
      return layer.to.front();
  return 0;
}

int64_t CheckedModel::classes() const {
  return layers.back().kind == CheckedLayer::Kind::Population ? layers.back().classes : outputNeurons();
}

int64_t CheckedModel::classesOf(const CheckedLayer &layer) const {
  int64_t neurons = 1;
  for (int64_t extent : layer.to)
    neurons *= extent;
  const CheckedLayer *last = nullptr;
  for (const CheckedLayer &other : layers)
    if (isNeuron(other))
      last = &other;
  return &layer == last && layers.back().kind == CheckedLayer::Kind::Population ? layers.back().classes : neurons;
}

} // namespace snn::frontend
