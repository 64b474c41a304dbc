// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the arguments of layers that are definitions.

#include "frontends/snn/LayerShapes.h"

using namespace llvm;

namespace snn::frontend {
namespace {

std::string textOf(SMRange range) {
  return shortened({range.Start.getPointer(), static_cast<size_t>(range.End.getPointer() - range.Start.getPointer())});
}

class LayerArguments {
public:
  LayerArguments(const Definition &definition, const Expr &call, Evaluator &evaluator, bool recurrent)
      : definition(definition), call(call), evaluator(evaluator), diagnostics(evaluator.diagnostics),
        recurrent(recurrent) {
    for (const NeuronParam &param : definition.params)
      formals.push_back(param.name.text);
  }

  std::optional<LayerCall> run() {
    if (namesExtent() || givesInputs())
      return std::nullopt;
    LayerCall layer;
    layer.definition = &definition;
    // A layer of several inputs says which, before all else.
    SmallVector<StringRef> names;
    if (definition.inputs.size() > 1)
      for (const Argument &argument : call.args)
        if (argument.name.text.empty() && argument.value->kind == Expr::Kind::Name && evaluator.isPlain(argument) &&
            layer.inputs.size() == names.size() && names.size() < definition.inputs.size()) {
          names.push_back(definition.inputs[names.size()].text);
          layer.inputs.push_back(&argument);
        }
    const size_t inputs = names.size();
    llvm::append_range(names, formals);
    auto bound = evaluator.bind(call, names);
    if (!bound)
      return std::nullopt;
    bool valid = true;
    for (auto [param, argument] : llvm::zip(definition.params, ArrayRef(*bound).drop_front(inputs))) {
      auto value = argument && !evaluator.isPlain(*argument) ? std::nullopt : valueOf(param, argument, layer);
      valid &= value.has_value();
      layer.values.push_back(value.value_or(LayerCall::Value()));
    }
    return valid ? std::optional(std::move(layer)) : std::nullopt;
  }

private:
  /// What a call most likely means by its outputs, to show how it is written.
  std::string example() {
    StringRef first = formals.empty() ? "" : formals.front();
    for (const Argument &argument : call.args)
      if (diagnostics.nearest(argument.name.text, formals) == first)
        return (definition.name.text + "(" + textOf(argument.value->range) + ")").str();
    return (definition.name.text + "(100)").str();
  }

  /// `in_features = 784`: how many there are is known from the line before.
  bool namesExtent() {
    SmallVector<StringRef> known(formals);
    for (const std::vector<Name> &extents : definition.extents)
      for (const Name &extent : extents)
        known.push_back(extent.text);
    for (const Argument &argument : call.args) {
      StringRef meant = diagnostics.nearest(argument.name.text, known);
      if (meant.empty() || is_contained(formals, meant))
        continue;
      diagnostics.error(DiagId::UnknownArgument, argument.range,
                        "'" + argument.name.text + "' is not needed, as the number of " + meant +
                            " follows from the line before; write '" + example() + "'");
      return true;
    }
    return false;
  }

  /// `linear(784, 128)`, as in other frameworks.
  bool givesInputs() {
    if (call.args.size() < 2 || definition.params.size() < 2 || !call.args[0].name.text.empty() ||
        !call.args[1].name.text.empty() || definition.params.front().value || !isOption(definition.params[1]) ||
        call.args[1].value->kind == Expr::Kind::Name)
      return false;
    diagnostics.error(DiagId::WrongArgument, call.range,
                      "'" + definition.name.text + "' takes the number of its " + formals.front() +
                          " only, as the number of inputs follows from the line before; write '" +
                          definition.name.text + "(" + textOf(call.args[1].range) + ")'");
    return true;
  }

  std::optional<LayerCall::Value> valueOf(const NeuronParam &param, const Argument *argument, const LayerCall &before) {
    LayerCall::Value value;
    if (argument)
      value.written = argument->value.get();
    if (isOption(param))
      return wordOf(param, argument, std::move(value));
    if (!argument && !param.value && recurrent && &param == &definition.params.front())
      return value;
    if (!argument && !param.value) {
      diagnostics.error(DiagId::MissingArgument, call.range,
                        "'" + call.name + "' needs a value for '" + param.name.text + "'" +
                            (formals.front() == param.name.text ? ", as in '" + example() + "'" : ""));
      return std::nullopt;
    }
    const Expr &expr = argument ? *argument->value : *param.value;
    const bool isOfOther = param.value && is_contained(formals, param.value->name); // whatever a definition is called
    if (param.value && !isOfOther && evaluator.find(DefinitionKind::Surrogate, param.value->name)) {
      auto surrogate = evaluator.surrogate(expr);
      if (surrogate)
        value.surrogate = *surrogate;
      return surrogate ? std::optional(value) : std::nullopt;
    }
    if (param.value && !isOfOther && evaluator.isFunction(*param.value)) {
      auto function = evaluator.function(expr, DefinitionKind::Layer);
      if (function)
        value.surrogate = *function;
      return function ? std::optional(value) : std::nullopt;
    }
    const size_t other =
        argument || expr.kind != Expr::Kind::Name ? formals.size() : llvm::find(formals, expr.name) - formals.begin();
    if (other < before.values.size()) { // `stride = kernel`
      value.numbers = before.values[other].numbers;
      return value;
    }
    SmallVector<const Expr *> elements{&expr};
    if (expr.kind == Expr::Kind::Tuple) {
      elements.clear();
      for (const Argument &element : expr.args)
        elements.push_back(element.value.get());
    }
    for (const Expr *element : elements) {
      auto number = argument ? evaluator.number(*element) : foldNumber(*element);
      if (!number || (argument && !evaluator.isInRange(param, *element)))
        return std::nullopt;
      value.numbers.push_back(*number);
    }
    return value;
  }

  std::optional<LayerCall::Value> wordOf(const NeuronParam &param, const Argument *argument, LayerCall::Value value) {
    SmallVector<StringRef> words;
    for (const Argument &word : param.value->args)
      words.push_back(word.value->name);
    auto word = argument ? evaluator.word(*argument, param.name.text, words) : std::optional(words.front());
    if (!word)
      return std::nullopt;
    value.word = word->str();
    return value;
  }

  const Definition &definition;
  const Expr &call;
  Evaluator &evaluator;
  Diagnostics &diagnostics;
  const bool recurrent;
  SmallVector<StringRef> formals;
};

} // namespace

std::optional<LayerCall> checkLayerArguments(const Definition &definition, const Expr &call, Evaluator &evaluator,
                                             bool recurrent) {
  return LayerArguments(definition, call, evaluator, recurrent).run();
}

} // namespace snn::frontend
