// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of a file: parameters, layers and their shapes.

#include "frontends/snn/Checks.h"

#include "frontends/snn/Evaluate.h"
#include "frontends/snn/GraphChecks.h"
#include "frontends/snn/Lexer.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/NeuronChecks.h"
#include "frontends/snn/NeuronRanges.h"
#include "frontends/snn/Parser.h"
#include "frontends/snn/Standard.h"
#include "frontends/snn/TrainChecks.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

#include <cfloat>
#include <cmath>
#include <set>

using namespace llvm;

namespace snn::frontend {
namespace {

class Checker {
public:
  Checker(CheckedModel &model, Diagnostics &diagnostics)
      : model(model), standard(*model.standard), diagnostics(diagnostics), evaluator(diagnostics, standard.evaluator),
        graph(model, evaluator) {}

  void run() {
    evaluator.addAliases(*model.file);
    checkParams();
    checkDefinitions();
    checkBlocks();
    const auto &models = model.file->models;
    if (models.empty() && !diagnostics.hasErrors())
      diagnostics.error(DiagId::MissingModel, endOfFile(), "the file has no model; expected 'model NAME { ... }'");
    if (!models.empty())
      checkModel(models.front());
    for (const ModelDecl &second : ArrayRef(models).drop_front(!models.empty())) {
      diagnostics.error(DiagId::Redefinition, second.name.range, "a file has one model, but this is the second");
      diagnostics.note(models.front().name.range, "the first is here");
    }
    checkTraining(model, evaluator, checker);
    if (!diagnostics.hasErrors())
      warnOfUnused();
    model.definitions = {model.sources, model.file, model.standard, std::move(evaluator.params),
                         std::move(evaluator.definitions)};
  }

private:
  SMRange endOfFile() {
    auto buffer = diagnostics.sources.getMemoryBuffer(diagnostics.sources.getMainFileID());
    SMLoc end = SMLoc::getFromPointer(buffer->getBufferEnd());
    return {end, end};
  }

  void warnOfUnused() {
    for (const ParamDecl &param : model.file->params)
      if (!evaluator.usedParams.contains(param.name.text))
        diagnostics.warning(DiagId::Unused, param.name.range, "param '" + param.name.text + "' is never used");
    for (const LayerDecl &layer : model.file->models.front().layers)
      if (layer.let && !graph.isUsed(layer.name.text))
        diagnostics.warning(DiagId::Unused, layer.name.range,
                            "the layer '" + layer.name.text + "' is configured, but never used; a line '" +
                                layer.name.text + "' puts it into the model");
    warnOfUnusedLayers();
    for (auto [target, checked] : llvm::zip(model.file->models.front().targets, model.targets))
      if (!checked.read)
        diagnostics.warning(DiagId::Unused, target.range,
                            "no loss or metric reads the " + target.word.text + " '" + checked.name + "'");
  }

  /// Layers that nothing takes, but for neurons, which are outputs; and `from` lines that no layer follows.
  void warnOfUnusedLayers() {
    std::set<int> taken;
    for (const CheckedLayer &layer : model.layers)
      taken.insert(layer.sources.begin(), layer.sources.end());
    for (auto [place, layer] : enumerate(model.layers))
      if (!isNeuron(layer) && layer.kind != CheckedLayer::Kind::Population && !taken.count(static_cast<int>(place)))
        diagnostics.warning(DiagId::Unused, {layer.loc, layer.loc},
                            "no layer takes what '" + layer.key + "' gives, so it changes nothing");
    const LayerDecl *from = nullptr;
    const auto warnOfFrom = [&] {
      if (from)
        diagnostics.warning(DiagId::Unused, from->range, "no layer follows this 'from', so it changes nothing");
    };
    for (const LayerDecl &layer : model.file->models.front().layers) {
      if (layer.let || !layer.call)
        continue;
      const bool isFrom = layer.call->name == "from";
      if (isFrom)
        warnOfFrom();
      from = isFrom ? &layer : nullptr;
    }
    warnOfFrom();
  }

  void checkParams() {
    StringMap<SMRange> known;
    StringMap<double> defined;
    SmallVector<StringRef> names;
    if (model.file->params.size() > limits::kParams) {
      diagnostics.error(DiagId::TooLarge, model.file->params[limits::kParams].name.range,
                        "the file has " + Twine(model.file->params.size()) + " params, but at most " +
                            Twine(limits::kParams) + " are possible");
      model.file->params.clear();
    }
    for (const ParamDecl &param : model.file->params)
      names.push_back(param.name.text);
    for (const auto &[name, text] : model.options.defines) {
      double value = 0;
      if (!is_contained(names, StringRef(name)))
        diagnostics.error(DiagId::UnknownDefine, {},
                          "-D " + name + ": the model has no 'param " + name + "'" +
                              diagnostics.didYouMean(name, names));
      else if (!parseNumber(text, value) || std::abs(value) > FLT_MAX)
        diagnostics.error(DiagId::InvalidDefine, {},
                          "-D " + name + "=" + text + ": expected a number, such as 12, -0.5 or 2e-3");
      defined[name] = value;
    }
    for (const ParamDecl &param : model.file->params) {
      if (!evaluator.isNew(param.name, known, "param") || diagnostics.full())
        continue;
      auto it = defined.find(param.name.text);
      auto value = evaluator.number(*param.value); // also where it is replaced: what it uses is used
      if (it != defined.end())
        value = it->second;
      evaluator.params[param.name.text] = value.value_or(1);
      model.params[param.name.text.str()] = value.value_or(1);
    }
  }

  void checkDefinitions() {
    checker.run(*model.file);
    model.neurons = standard.neurons;
    for (const auto &definition : model.file->definitions)
      if (evaluator.find(DefinitionKind::Neuron, definition->name.text) == definition.get() && !diagnostics.full())
        model.neurons.push_back(
            describeNeuron(*definition, /*prelude=*/false, evaluator.isValid(*definition), evaluator));
    for (const auto &neuron : model.neurons)
      graph.neurons[neuron->decl->name.text] = neuron.get();
  }

  void checkBlocks() {
    StringMap<SMRange> known;
    for (const SourceFile *source : {&standard.file, static_cast<const SourceFile *>(model.file.get())})
      for (const auto &block : source->blocks) {
        const Name &name = block->name;
        if (graph.isLayer(name.text))
          diagnostics.error(DiagId::Redefinition, name.range,
                            "'" + name.text + "' is a layer already and cannot be the name of a block");
        else if (evaluator.isNew(name, known, "block"))
          evaluator.blocks[name.text] = block.get();
        if (block->valid && block->inputs.empty())
          diagnostics.error(DiagId::InputCount, name.range,
                            "a block has at least one input, as in 'block " + name.text + "(x; channels) {'");
      }
  }

  void checkModel(const ModelDecl &decl) {
    model.name = decl.name;
    // The header of a model "snn" would have functions of names that are types of snn/abi.h, such as snn_call, and that
    // of a model "Snn_x", whose macros are upper case, perhaps those of snn/abi.h.
    if (decl.name.text.starts_with_insensitive("snn_") || isOwnSymbol(decl.name.text) ||
        isReservedWord(decl.name.text) || decl.name.text == "snn")
      diagnostics.error(DiagId::ReservedName, decl.name.range,
                        "'" + decl.name.text + "' already has a meaning and cannot be the name of a model");
    checkInput(decl);
    checkTargets(decl);
    checkSteps(decl);
    for (const LayerDecl &layer : decl.layers)
      graph.checkLine(layer);
    if (!diagnostics.full())
      graph.end(decl);
    checkLabels(decl);
  }

  void checkInput(const ModelDecl &decl) {
    if (decl.inputs.empty()) {
      if (decl.valid)
        diagnostics.error(DiagId::MissingInput, decl.name.range,
                          "model '" + decl.name.text + "' has no input; expected a line such as 'input u8[1, 28, 28]'");
      return;
    }
    for (const InputDecl &second : ArrayRef(decl.inputs).drop_front()) {
      diagnostics.error(DiagId::Redefinition, second.range, "a model has one input, but this is the second");
      diagnostics.note(decl.inputs.front().range, "the first is here");
    }
    const InputDecl &input = decl.inputs.front();
    if (!decl.layers.empty() && decl.layers.front().range.Start.getPointer() < input.range.Start.getPointer())
      diagnostics.error(DiagId::Misplaced, input.range, "the input must stand before the first layer");
    const bool valid = checkTensor(input, model.input);
    const double end = 255 / model.input.divisor;
    graph.begin(valid ? std::optional(model.input.extents) : std::nullopt,
                model.input.bytes ? Interval{std::min(0.0, end), std::max(0.0, end)} : Interval());
  }

  /// Targets and labels.
  void checkTargets(const ModelDecl &decl) {
    StringMap<SMRange> known;
    if (decl.targets.size() > limits::kInputs)
      return diagnostics.error(DiagId::TooLarge, decl.targets[limits::kInputs].range,
                               "the model has " + Twine(decl.targets.size()) + " targets and labels, but at most " +
                                   Twine(limits::kInputs) + " are possible");
    for (const InputDecl &target : decl.targets) {
      CheckedInput &checked = model.targets.emplace_back();
      checked.label = target.word.text == "label";
      // Without a name it has that of its place in the interface.
      const bool isNamed = !target.name.text.empty();
      const Name name = isNamed ? target.name : Name{checked.label ? "labels" : target.word.text, target.word.range};
      checked.name = name.text.str();
      if (evaluator.isNew(name, known, target.word.text) &&
          ((isNamed && isOwnSymbol(name.text)) || name.text == model.name.text))
        diagnostics.error(DiagId::ReservedName, name.range,
                          "'" + name.text + "' already has a meaning and cannot be the name of a " + target.word.text);
      checkTensor(target, checked);
    }
  }

  /// A loss calls layers and targets by their names.
  void checkLabels(const ModelDecl &decl) {
    for (auto [target, checked] : llvm::zip(decl.targets, model.targets))
      for (const LayerDecl &layer : decl.layers)
        if (!layer.let && layer.name.text == checked.name) {
          diagnostics.error(DiagId::Redefinition, layer.name.range,
                            "'" + checked.name + "' is a " + target.word.text + " and cannot be the label of a layer");
          diagnostics.note(target.range, "defined here");
        }
  }

  /// The type of what the host gives, for each sample.
  bool checkTensor(const InputDecl &input, CheckedInput &checked) {
    const std::string what = (input.word.text == "input" ? "an " : "a ") + input.word.text.str();
    checked.loc = input.range.Start;
    checked.overTime = input.overTime;
    checked.bytes = input.type.text == "u8";
    if (!checked.bytes && !checked.label && input.type.text != "f32")
      diagnostics.error(DiagId::UnknownType, input.type.range,
                        what + " cannot have type '" + input.type.text + "'; expected u8 for bytes or f32 for reals" +
                            diagnostics.didYouMean(input.type.text, {"u8", "f32"}));
    int64_t elements = 1;
    bool valid = true;
    for (const ExprPtr &extent : input.extents) {
      auto value =
          evaluator.integer(*extent, ("an extent of the " + input.word.text).str(), 1, limits::kSampleElements);
      if (!value) {
        valid = false;
        continue;
      }
      checked.extents.push_back(*value);
      if (elements <= limits::kSampleElements)
        elements *= *value;
    }
    if (input.extents.size() > limits::kRank || elements > limits::kSampleElements) {
      diagnostics.error(DiagId::TooLarge, input.range,
                        "a sample may have up to " + Twine(limits::kRank) + " extents and " +
                            Twine(limits::kSampleElements) + " elements");
      valid = false;
    }
    if (input.divisor)
      if (auto divisor = evaluator.number(*input.divisor)) {
        checked.divisor = *divisor;
        if (static_cast<float>(*divisor) == 0)
          diagnostics.error(DiagId::OutOfRange, input.divisor->range,
                            "the " + input.word.text + " cannot be divided by zero");
      }
    return valid;
  }

  void checkSteps(const ModelDecl &decl) {
    if (decl.steps.empty()) {
      if (decl.valid)
        diagnostics.error(DiagId::MissingSteps, decl.name.range,
                          "model '" + decl.name.text +
                              "' has no number of time steps; expected a line such as 'steps 25'");
      return;
    }
    for (const StepsDecl &second : ArrayRef(decl.steps).drop_front()) {
      diagnostics.error(DiagId::Redefinition, second.range, "'steps' is given twice");
      diagnostics.note(decl.steps.front().range, "first given here");
    }
    const StepsDecl &steps = decl.steps.front();
    auto value = evaluator.integer(*steps.value, "the number of time steps", 1, limits::kSteps);
    model.maxSteps = evaluator.steps = value.value_or(1);
    if (!steps.fromData)
      model.steps = model.maxSteps;
  }

  CheckedModel &model;
  const Standard &standard;
  Diagnostics &diagnostics;
  Evaluator evaluator;
  DefinitionChecker checker{evaluator, &standard.checker};
  GraphChecker graph;
};

} // namespace

void check(CheckedModel &model, Diagnostics &diagnostics) { Checker(model, diagnostics).run(); }

} // namespace snn::frontend
