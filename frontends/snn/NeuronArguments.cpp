// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the arguments that a layer gives its neurons.

#include "frontends/snn/NeuronChecks.h"

using namespace llvm;

namespace snn::frontend {
namespace {

/// `0.9`, `learn 0.9`, `learn each uniform(0.8, 0.99)`
std::optional<ParamValue> checkNumber(const Argument &argument, StringRef name, Evaluator &evaluator) {
  ParamValue value;
  value.learn = argument.learn;
  value.each = argument.each;
  value.channel = argument.channel;
  const Expr &expr = *argument.value;
  if (expr.kind != Expr::Kind::Call || expr.name != "uniform") {
    auto number = evaluator.number(expr);
    if (!number)
      return std::nullopt;
    value.number = *number;
    return value;
  }
  if (!argument.learn && !argument.each) {
    evaluator.diagnostics.error(DiagId::WrongArgument, argument.range,
                                "'uniform' says where values start that are trained, or are one for each neuron; write "
                                "'learn each uniform(...)' or 'each uniform(...)'");
    return std::nullopt;
  }
  auto bound = evaluator.bind(expr, {"low", "high"});
  if (!bound)
    return std::nullopt;
  if (!(*bound)[0] || !(*bound)[1]) {
    evaluator.diagnostics.error(DiagId::MissingArgument, expr.range, "'uniform' takes two numbers, low and high");
    return std::nullopt;
  }
  for (const Argument *arg : *bound)
    if (!evaluator.isPlain(*arg))
      return std::nullopt;
  auto low = evaluator.number(*(*bound)[0]->value), high = evaluator.number(*(*bound)[1]->value);
  if (!low || !high)
    return std::nullopt;
  if (*low > *high) {
    evaluator.diagnostics.error(DiagId::OutOfRange, expr.range,
                                "'uniform' goes from " + numberText(*low) + " to " + numberText(*high) +
                                    ", but the first must not be above the second");
    return std::nullopt;
  }
  value.uniform = true;
  value.number = *low;
  value.high = *high;
  return value;
}

/// The number, or both ends of `uniform`.
SmallVector<const Expr *> boundsOf(const Expr &expr) {
  if (expr.kind != Expr::Kind::Call || expr.name != "uniform")
    return {&expr};
  return {&expr.operand(0), &expr.operand(1)};
}

} // namespace

std::optional<std::vector<ParamValue>> checkNeuronArguments(const CheckedNeuron &neuron, const Expr &call,
                                                            Evaluator &evaluator) {
  SmallVector<StringRef> formals;
  for (const CheckedParam &param : neuron.params)
    formals.push_back(param.name.text);
  auto bound = evaluator.bind(call, formals);
  if (!bound)
    return std::nullopt;
  std::vector<ParamValue> values;
  bool valid = true;
  for (auto [param, argument] : llvm::zip(neuron.params, *bound)) {
    std::optional<ParamValue> value = param.byDefault;
    if (argument && param.kind == ParamKind::Number) {
      value = checkNumber(*argument, param.name.text, evaluator);
    } else if (argument && param.kind == ParamKind::Option) {
      if (auto word = evaluator.word(*argument, param.name.text, param.words))
        value->word = word->str();
      else
        value.reset();
    } else if (argument && param.kind == ParamKind::Layer) {
      const bool isLayer = isLayerValue(*argument->value, evaluator);
      if (!isLayer)
        evaluator.diagnostics.error(DiagId::WrongArgument, argument->range,
                                    "'" + param.name.text +
                                        "' is a layer from the neurons to themselves; expected 'linear', "
                                        "'linear(bias = false)', 'conv(kernel = 3, padding = 1)' or 'each'");
      value = isLayer && evaluator.isPlain(*argument) ? layerValue(*argument->value, evaluator) : std::nullopt;
    } else if (argument) {
      const Expr &written = *argument->value;
      auto surrogate = !evaluator.isPlain(*argument)       ? std::nullopt
                       : param.kind == ParamKind::Function ? evaluator.function(written, DefinitionKind::Neuron)
                                                           : evaluator.surrogate(written);
      if (surrogate)
        value->surrogate = *surrogate;
      else
        value.reset();
    }
    if (value && argument && param.interval && param.kind == ParamKind::Number)
      for (const Expr *bound : boundsOf(*argument->value))
        valid &= evaluator.isInRange(*param.interval, *bound);
    valid &= value.has_value();
    if (value)
      values.push_back(std::move(*value));
  }
  if (!valid)
    return std::nullopt;
  return values;
}

} // namespace snn::frontend
