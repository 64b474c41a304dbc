// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Neurons that are definitions, as layers see them.

#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/NeuronChecks.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace snn::frontend {
namespace {

class NeuronReader {
public:
  NeuronReader(CheckedNeuron &neuron, Evaluator &evaluator)
      : neuron(neuron), definition(*neuron.decl), evaluator(evaluator) {}

  void run() {
    for (const NeuronParam &param : definition.params) {
      neuron.paramIndex.try_emplace(param.name.text, neuron.params.size());
      neuron.params.push_back(parameter(param));
    }
    readLines(definition.body);
    if (!neuron.prelude)
      warnOfUnused();
  }

private:
  /// What it is was decided by the checks of the definition.
  CheckedParam parameter(const NeuronParam &decl) {
    CheckedParam param;
    param.name = decl.name;
    param.interval = decl.interval ? &decl : nullptr;
    const Expr &value = *decl.value;
    if (value.kind == Expr::Kind::Call && value.name == "one_of") {
      param.kind = ParamKind::Option;
      for (const Argument &arg : value.args)
        param.words.push_back(arg.value->name);
      param.byDefault.word = param.words.front().str();
    } else if (isLayerValue(value, evaluator)) {
      param.kind = ParamKind::Layer;
      param.byDefault = layerValue(value, evaluator).value_or(ParamValue());
    } else if (evaluator.isFunction(value) && !evaluator.find(DefinitionKind::Surrogate, value.name)) {
      param.kind = ParamKind::Function;
      if (auto function = evaluator.function(value, DefinitionKind::Neuron))
        param.byDefault.surrogate = *function;
    } else if (auto number = evaluator.quietNumber(value)) {
      param.byDefault.number = *number;
    } else {
      param.kind = ParamKind::Surrogate;
      if (auto surrogate = evaluator.surrogate(value))
        param.byDefault.surrogate = *surrogate;
    }
    return param;
  }

  void readLines(const Statements &body) {
    for (const Statement &statement : body) {
      target = "";
      switch (statement.kind) {
      case Statement::Kind::State:
        neuron.states.push_back({statement.name, evaluator.quietNumber(*statement.value).value_or(0)});
        continue;
      case Statement::Kind::Fixed:
        readExpr(*statement.value);
        continue;
      case Statement::Kind::Assign:
        target = statement.name.text;
        assigned.try_emplace(target, statement.name.range);
        break;
      case Statement::Kind::Value:
        neuron.spikes = false;
        break;
      default:
        break;
      }
      if (statement.value)
        readExpr(*statement.value);
      for (const Branch &branch : statement.branches) {
        read.insert(branch.option.text);
        readLines(branch.body);
      }
    }
  }

  void readExpr(const Expr &expr) {
    if (expr.name != target)
      read.insert(expr.name);
    for (const Argument &arg : expr.args)
      readExpr(*arg.value);
  }

  /// What is read only to compute itself counts as unused. The membrane is shown to the host.
  void warnOfUnused() {
    auto unused = [&](const Name &name, const Twine &what) {
      if (!read.contains(name.text))
        evaluator.diagnostics.warning(DiagId::Unused, name.range, what + " '" + name.text + "' is never used");
    };
    unused(definition.inputs.front(), "the input");
    for (const CheckedParam &param : neuron.params)
      unused(param.name, "the parameter");
    for (const CheckedState &state : neuron.states) {
      StringRef name = state.name.text;
      if (!assigned.erase(name))
        evaluator.diagnostics.warning(DiagId::ConstantState, state.name.range,
                                      "the state '" + name + "' is never assigned, so it stays " +
                                          numberText(state.rest));
      else if (&state != neuron.membrane() && !read.contains(name))
        evaluator.diagnostics.warning(DiagId::Unused, state.name.range,
                                      "the state '" + name + "' has no effect: nothing but its own update reads it");
    }
    for (const auto &[name, range] : assigned)
      unused({name, range}, "the value");
  }

  CheckedNeuron &neuron;
  const Definition &definition;
  Evaluator &evaluator;
  std::map<StringRef, SMRange> assigned;
  StringSet<> read;
  StringRef target; ///< what the line assigns
};

} // namespace

bool isLayerValue(const Expr &expr, const Evaluator &evaluator) {
  const bool isCall = expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Call;
  return isCall && (expr.name == "each" || evaluator.find(DefinitionKind::Layer, expr.name));
}

std::optional<ParamValue> layerValue(const Expr &expr, Evaluator &evaluator) {
  ParamValue value;
  value.each = expr.name == "each";
  if (value.each)
    return value;
  auto call = checkLayerArguments(*evaluator.find(DefinitionKind::Layer, expr.name), expr, evaluator,
                                  /*recurrent=*/true);
  if (!call)
    return std::nullopt;
  value.call = std::move(*call);
  return value;
}

std::unique_ptr<CheckedNeuron> describeNeuron(const Definition &definition, bool prelude, bool valid,
                                              Evaluator &evaluator) {
  auto neuron = std::make_unique<CheckedNeuron>();
  neuron->decl = &definition;
  neuron->prelude = prelude;
  neuron->valid = valid;
  if (valid)
    NeuronReader(*neuron, evaluator).run();
  return neuron;
}

} // namespace snn::frontend
