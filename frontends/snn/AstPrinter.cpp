// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked model -> snn text with everything resolved.

#include "frontends/snn/Evaluate.h"
#include "frontends/snn/Frontend.h"
#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/PrintExpr.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr size_t kCommentColumn = 60;

std::string callText(StringRef name, ArrayRef<std::string> args) {
  return args.empty() ? name.str() : (name + "(" + llvm::join(args, ", ") + ")").str();
}

std::string surrogateText(const SurrogateValue &value) {
  std::vector<std::string> args;
  for (auto [index, number] : enumerate(value.numbers)) {
    args.push_back((value.definition->params[index].name.text + " = " + numberText(number)).str());
  }
  return callText(value.definition->name.text, args);
}

/// Inputs that are named, then all parameters, or those that are written.
std::string layerText(const LayerCall &call, bool all) {
  std::vector<std::string> args;
  for (const Argument *input : call.inputs)
    args.push_back(input->value->name.str());
  for (auto [param, value] : llvm::zip(call.definition->params, call.values)) {
    std::vector<std::string> numbers;
    for (double number : value.numbers)
      numbers.push_back(numberText(number));
    std::string text = value.surrogate.definition ? surrogateText(value.surrogate)
                       : !value.word.empty()      ? value.word
                       : numbers.size() == 1      ? numbers.front()
                                                  : "(" + llvm::join(numbers, ", ") + ")";
    if (all || value.written)
      args.push_back((param.name.text + " = " + text).str());
  }
  return callText(call.definition->name.text, args);
}

std::string valueText(const CheckedParam &param, const ParamValue &value) {
  if (param.kind == ParamKind::Option)
    return value.word;
  if (param.kind == ParamKind::Surrogate || param.kind == ParamKind::Function)
    return surrogateText(value.surrogate);
  if (param.kind == ParamKind::Layer)
    return value.each ? "each" : layerText(value.call, /*all=*/false);
  std::string start = value.uniform ? "uniform(" + numberText(value.number) + ", " + numberText(value.high) + ")"
                                    : numberText(value.number);
  const std::string words = wordsOf(value.learn, value.each, value.channel);
  return words + (words.empty() ? "" : " ") + start;
}

class Printer {
public:
  Printer(const CheckedModel &model, raw_ostream &os) : model(model), os(os) {}

  void run() {
    os << "snn 1\n";
    for (const auto &definition : model.file->definitions)
      printDefinition(*definition, model.definitions.params, os);
    for (const auto &decl : model.file->blocks)
      printBlock(*decl);
    os << "\nmodel " << model.name.text << " {\n";
    printInput(model.input, "input");
    for (const CheckedInput &target : model.targets)
      if (target.declared)
        printInput(target, !target.label             ? "target " + target.name
                           : target.name == "labels" ? "label"
                                                     : "label " + target.name);
    if (model.steps)
      os << "  steps " << *model.steps << "\n";
    else
      os << "  steps ? <= " << model.maxSteps << "\n";
    const LayerDecl *block = nullptr;
    for (auto [index, layer] : enumerate(model.layers)) {
      if (layer.block) {
        if (std::exchange(block, layer.block) != layer.block)
          printBlockLine(*layer.block, model.definitions.params);
        continue;
      }
      block = nullptr;
      const int source = layer.sources.front();
      if (layer.call.inputs.empty() && source != static_cast<int>(index) - 1)
        os << "  from " << (source < 0 ? StringRef("input") : StringRef(model.layers[source].key)) << "\n";
      printLayer(layer);
    }
    os << "}\n";
    printTraining();
  }

private:
  void printBlock(const BlockDecl &block) {
    os << "\nblock " << block.name.text << "(";
    for (auto [index, input] : enumerate(block.inputs))
      os << (index ? ", " : "") << input.text;
    for (auto [index, param] : enumerate(block.params)) {
      os << (index ? ", " : "; ") << param.name.text;
      if (param.value)
        os << " = " << numberText(model.definitions.number(*param.value));
    }
    os << ") {\n";
    auto params = model.definitions.params; // of which the block's own hide those of the same name
    for (const NeuronParam &param : block.params)
      params.erase(param.name.text);
    for (const LayerDecl &layer : block.layers)
      printBlockLine(layer, params);
    os << "}\n";
  }

  /// A line as it is written, with the file's params as numbers.
  void printBlockLine(const LayerDecl &line, const StringMap<double> &params) {
    os << "  " << (line.let ? "let " : "") << line.name.text << (line.name.text.empty() ? "" : line.let ? " = " : ": ");
    const Expr &call = *line.call;
    if (call.name == "from") {
      os << "from " << call.operand(0).name << "\n";
      return;
    }
    std::vector<std::string> args;
    for (const Argument &arg : call.args) {
      std::string text = arg.name.text.empty() ? "" : (arg.name.text + " = ").str();
      if (const std::string words = wordsOf(arg.learn, arg.each, arg.channel); !words.empty())
        text += words + " ";
      raw_string_ostream value(text);
      auto textOf = [&](const Expr &expr) {
        auto number = foldNumber(expr, params);
        return number ? numberText(*number) : "";
      };
      if (std::string number = textOf(*arg.value); !number.empty())
        value << number;
      else
        printExpr(*arg.value, value, [&](const Expr &, const Argument &inner) { return textOf(*inner.value); });
      args.push_back(text);
    }
    os << callText(call.name, args) << "\n";
  }

  void printInput(const CheckedInput &input, const Twine &head) {
    os << "  " << head;
    for (auto [index, extent] : enumerate(input.extents))
      os << (index ? ", " : input.bytes ? " u8[" : " f32[") << extent;
    os << (input.label ? "" : "]");
    if (input.divisor != 1)
      os << " / " << numberText(input.divisor);
    os << (input.overTime ? " over time\n" : "\n");
  }

  void printLayer(const CheckedLayer &layer) {
    std::string text = layer.labelled ? layer.key + ": " : "";
    switch (layer.kind) {
    case CheckedLayer::Kind::Flatten:
      text += "flatten";
      break;
    case CheckedLayer::Kind::Defined:
      text += layerText(layer.call, /*all=*/true);
      break;
    case CheckedLayer::Kind::Population:
      text += "population(classes = " + std::to_string(layer.classes) + ")";
      break;
    case CheckedLayer::Kind::Neuron: {
      std::vector<std::string> args;
      for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values))
        args.push_back((param.name.text + " = " + valueText(param, value)).str());
      text += callText(layer.neuron->decl->name.text, args);
      break;
    }
    }
    text.resize(std::max(text.size() + 1, kCommentColumn), ' ');
    os << "  " << text << "# " << (layer.key.empty() ? "" : layer.key + ": ") << shapeText(layer.from) << " -> "
       << shapeText(layer.to) << "\n";
  }

  std::string useText(const CheckedUse &use) const {
    std::vector<std::string> args;
    if (!use.layer.empty())
      args.push_back(use.layer);
    for (const auto &[word, place] : use.reads)
      if (model.targets[place].declared)
        args.push_back(model.targets[place].name);
    const Hyper *next = use.numbers.data();
    for (const NeuronParam &param : use.definition->params) {
      if (auto word = use.words.find(param.name.text); word != use.words.end()) {
        args.push_back((param.name.text + " = " + word->second).str());
        continue;
      }
      bool tuple = param.value->kind == Expr::Kind::Tuple;
      std::vector<std::string> numbers;
      if (auto constants = use.constants.find(param.name.text); constants != use.constants.end()) {
        if (constants->second == std::vector<double>{model.definitions.number(*param.value)})
          continue;
        tuple = constants->second.size() > 1;
        llvm::append_range(numbers, llvm::map_range(constants->second, numberText));
      } else {
        for (size_t index = 0; index < (tuple ? param.value->args.size() : 1); ++index)
          numbers.push_back(numberText((next++)->value));
      }
      args.push_back((param.name.text + " = ").str() +
                     (tuple ? "(" + llvm::join(numbers, ", ") + ")" : numbers.front()));
    }
    return callText(use.definition->name.text, args);
  }

  void printTraining() {
    const CheckedTrain &train = model.train;
    os << "\ntrain {\n  loss ";
    for (auto [index, loss] : enumerate(train.losses))
      os << (index ? " + " : "") << (loss.weight ? numberText(loss.weight->value) + " * " : "") << useText(loss);
    for (const CheckedUse &metric : train.metrics)
      os << "\n  metric " << useText(metric);
    os << "\n  optimizer " << useText(train.rule);
    for (const CheckedUse &group : train.groups) {
      os << "\n  group " << group.layer << "(";
      for (auto [index, number] : enumerate(group.numbers))
        os << (index ? ", " : "") << StringRef(number.name).split('.').first << " = " << numberText(number.value);
      os << ")";
    }
    if (train.clip.definition)
      os << "\n  clip " << useText(train.clip);
    if (train.window)
      os << "\n  truncate " << *train.window;
    if (train.schedule.loc.isValid())
      os << "\n  schedule " << useText(train.schedule);
    os << "\n  batch " << train.batch << "\n  epochs " << train.epochs << "\n}\n";
  }

  const CheckedModel &model;
  raw_ostream &os;
};

} // namespace

void printAst(const CheckedModel &model, raw_ostream &os) { Printer(model, os).run(); }

} // namespace snn::frontend
