// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of a file: parameters, layers and their shapes.

#include "frontends/snn/Checks.h"

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Evaluate.h"
#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/Lexer.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/NeuronChecks.h"
#include "frontends/snn/NeuronRanges.h"
#include "frontends/snn/Parser.h"
#include "frontends/snn/TrainChecks.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

#include <cfloat>
#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

/// Layers that no definition can be: `flatten` counts extents, and `population` says what classes are.
constexpr StringRef kLayerKinds[] = {"flatten", "population"};

/// Symbols that the compiled model has anyway: a model or a label of this name would stand for two things. Numbers of
/// its optimizer are looked at where that is known.
bool isOwnSymbol(StringRef name) {
  return name.starts_with("snn_") ||
         is_contained({"input", "labels", "spikes", "membrane", "hidden", "hidden_membrane", "count", "loss", "grad",
                       "forward", "step", "update", "loss_and_gradient", "train_step", "arena_size", "optimizer",
                       "schedule", "metric"},
                      name);
}

class Checker {
public:
  Checker(CheckedModel &model, Diagnostics &diagnostics)
      : model(model), diagnostics(diagnostics), evaluator(diagnostics) {}

  void run() {
    checkAliases(*model.prelude);
    checkAliases(*model.file);
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
    checkTraining(model, evaluator);
    if (!diagnostics.hasErrors())
      warnOfUnused();
    model.definitions = {model.sources, model.file, model.prelude, evaluator.params, evaluator.definitions};
  }

private:
  struct Source {
    int layer = -1;                            ///< of the model, or its input
    std::optional<std::vector<int64_t>> shape; ///< of one sample; unknown after an error
    Interval values;                           ///< in which all values lie
  };

  SMRange endOfFile() {
    auto buffer = diagnostics.sources.getMemoryBuffer(diagnostics.sources.getMainFileID());
    SMLoc end = SMLoc::getFromPointer(buffer->getBufferEnd());
    return {end, end};
  }

  void checkAliases(const SourceFile &file) {
    size_t count = 0;
    for (const AliasDecl &alias : file.aliases)
      for (const Name &spelling : alias.spellings) {
        if (++count > limits::kAliases)
          return diagnostics.error(DiagId::TooLarge, spelling.range,
                                   "the file has more than " + Twine(limits::kAliases) + " spellings in 'alias' lines");
        diagnostics.addAlias(spelling.text, alias.meant.text);
      }
  }

  void warnOfUnused() {
    for (const ParamDecl &param : model.file->params)
      if (!evaluator.usedParams.contains(param.name.text))
        diagnostics.warning(DiagId::Unused, param.name.range, "param '" + param.name.text + "' is never used");
    for (const LayerDecl &layer : model.file->models.front().layers)
      if (layer.let && !usedLets.contains(layer.name.text))
        diagnostics.warning(DiagId::Unused, layer.name.range,
                            "the layer '" + layer.name.text + "' is configured, but never used; a line '" +
                                layer.name.text + "' puts it into the model");
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

  /// Params come in between: they are names in what the file defines, and in nothing before it.
  void checkDefinitions() {
    DefinitionChecker checker(evaluator);
    for (bool standard : {true, false}) {
      const SourceFile &source = standard ? *model.prelude : *model.file;
      if (!standard)
        checkParams();
      checker.run(source);
      for (const auto &definition : source.definitions) {
        StringRef name = definition->name.text;
        if (checker.isValid(*definition))
          definitionsValid.insert(definition.get());
        if (evaluator.find(DefinitionKind::Neuron, name) != definition.get() || diagnostics.full())
          continue;
        model.neurons.push_back(describeNeuron(*definition, standard, checker.isValid(*definition), evaluator));
        neurons[name] = model.neurons.back().get();
      }
    }
  }

  void checkBlocks() {
    StringMap<SMRange> known;
    for (const SourceFile *source : {model.prelude.get(), model.file.get()})
      for (const auto &block : source->blocks) {
        const Name &name = block->name;
        if (isLayer(name.text))
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
    if (isOwnSymbol(decl.name.text) || isReservedWord(decl.name.text))
      diagnostics.error(DiagId::ReservedName, decl.name.range,
                        "'" + decl.name.text + "' already has a meaning and cannot be the name of a model");
    checkInput(decl);
    checkSteps(decl);
    for (const LayerDecl &layer : decl.layers) {
      if (diagnostics.full())
        return;
      if (layer.let)
        checkLet(layer);
      else
        checkLayer(layer);
    }
    checkEnd(decl);
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
    model.input.loc = input.range.Start;
    model.input.overTime = input.overTime;
    model.input.bytes = input.type.text == "u8";
    if (!model.input.bytes && input.type.text != "f32")
      diagnostics.error(DiagId::UnknownType, input.type.range,
                        "an input cannot have type '" + input.type.text + "'; expected u8 for bytes or f32 for reals" +
                            diagnostics.didYouMean(input.type.text, {"u8", "f32"}));
    int64_t elements = 1;
    bool valid = true;
    for (const ExprPtr &extent : input.extents) {
      auto value = evaluator.integer(*extent, "an extent of the input", 1, limits::kSampleElements);
      if (!value) {
        valid = false;
        continue;
      }
      model.input.extents.push_back(*value);
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
        model.input.divisor = *divisor;
        if (static_cast<float>(*divisor) == 0)
          diagnostics.error(DiagId::OutOfRange, input.divisor->range, "the input cannot be divided by zero");
      }
    if (model.input.bytes) {
      const double end = 255 / model.input.divisor;
      above.values = {std::min(0.0, end), std::max(0.0, end)};
    }
    if (valid)
      above.shape = model.input.extents;
    labelled["input"] = above;
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
    model.maxSteps = value.value_or(1);
    if (!steps.fromData)
      model.steps = model.maxSteps;
  }

  void checkLet(const LayerDecl &decl) {
    if (++letCount == limits::kLayers + 1)
      diagnostics.error(DiagId::TooLarge, decl.range,
                        "the model has more than " + Twine(limits::kLayers) + " 'let' lines");
    if (!decl.call || letCount > limits::kLayers)
      return;
    bool isOther = isLayer(decl.name.text);
    if (isOther)
      diagnostics.error(DiagId::Redefinition, decl.name.range,
                        "'" + decl.name.text + "' is a layer already and cannot be defined by 'let'");
    if (!isOther && evaluator.isNew(decl.name, letNames, "layer"))
      lets[decl.name.text] = resolve(*decl.call);
  }

  /// What a call of a layer says, without its place in the network. A linear layer's width is in `to`.
  std::optional<CheckedLayer> resolve(const Expr &call) {
    CheckedLayer layer;
    if (auto it = lets.find(call.name); it != lets.end()) {
      if (!call.args.empty()) {
        diagnostics.error(DiagId::TooManyArguments, call.range,
                          "'" + call.name + "' is a configured layer and takes no arguments");
        return std::nullopt;
      }
      usedLets.insert(call.name);
      return it->second;
    }
    if (letNames.contains(call.name))
      return std::nullopt;
    if (auto it = neurons.find(call.name); it != neurons.end()) {
      layer.kind = CheckedLayer::Kind::Neuron;
      layer.neuron = it->second;
      if (!layer.neuron->valid)
        return std::nullopt;
      auto values = checkNeuronArguments(*layer.neuron, call, evaluator);
      if (!values)
        return std::nullopt;
      layer.values = std::move(*values);
      return layer;
    }
    if (const Definition *definition = evaluator.find(DefinitionKind::Layer, call.name)) {
      if (!definitionsValid.contains(definition))
        return std::nullopt;
      layer.kind = CheckedLayer::Kind::Defined;
      auto arguments = checkLayerArguments(*definition, call, evaluator);
      if (!arguments)
        return std::nullopt;
      layer.call = std::move(*arguments);
      return layer;
    }
    if (call.name == "flatten")
      return evaluator.bind(call, {}) ? std::optional(layer) : std::nullopt;
    if (call.name == "population")
      return resolvePopulation(call);
    reportUnknownLayer(call);
    return std::nullopt;
  }

  bool isLayer(StringRef name) const {
    return neurons.contains(name) || is_contained(kLayerKinds, name) || name == "from" ||
           evaluator.find(DefinitionKind::Layer, name) || evaluator.blocks.contains(name);
  }

  void reportUnknownLayer(const Expr &call) {
    SmallVector<StringRef> layerList(std::begin(kLayerKinds), std::end(kLayerKinds)), neuronList;
    llvm::append_range(layerList, evaluator.namesOf(DefinitionKind::Layer));
    llvm::sort(layerList);
    SmallVector<StringRef> known(layerList);
    for (const auto &neuron : model.neurons)
      neuronList.push_back(neuron->decl->name.text);
    llvm::append_range(known, neuronList);
    SmallVector<StringRef> letList(lets.keys());
    llvm::sort(letList);
    llvm::append_range(known, letList);
    SmallVector<StringRef> blockList(evaluator.blocks.keys());
    llvm::sort(blockList);
    llvm::append_range(known, blockList);
    SMRange name{call.place, SMLoc::getFromPointer(call.place.getPointer() + call.name.size())};
    diagnostics.error(DiagId::UnknownLayer, name,
                      "unknown layer '" + call.name + "'" + diagnostics.didYouMean(call.name, known));
    diagnostics.note(name, "the layers are " + listOf(layerList) + "; the neurons are " + listOf(neuronList));
  }

  std::optional<CheckedLayer> resolvePopulation(const Expr &call) {
    auto bound = evaluator.bind(call, {"classes"});
    if (!bound)
      return std::nullopt;
    if (!bound->front()) {
      diagnostics.error(DiagId::MissingArgument, call.range,
                        "'population' needs the number of classes, as in 'population(10)'");
      return std::nullopt;
    }
    if (!evaluator.isPlain(*bound->front()))
      return std::nullopt;
    auto classes = evaluator.integer(*bound->front()->value, "the number of classes", 1, limits::kNeurons);
    if (!classes)
      return std::nullopt;
    CheckedLayer layer;
    layer.kind = CheckedLayer::Kind::Population;
    layer.classes = *classes;
    return layer;
  }

  void checkLayer(const LayerDecl &decl) {
    last = &decl;
    if (decl.call && decl.call->name == "from")
      return checkFrom(decl);
    const int64_t index = lineCount++;
    if (++layerCount == int64_t(limits::kLayers) + 1)
      diagnostics.error(DiagId::TooLarge, decl.range, "the model has more than " + Twine(limits::kLayers) + " layers");
    if (population) {
      diagnostics.error(DiagId::Misplaced, decl.range, "'population' must be the last layer, but this one follows it");
      complete = false;
    }
    bool isLabelled = !decl.name.text.empty();
    if (isLabelled && evaluator.isNew(decl.name, labels, "label") && isOwnSymbol(decl.name.text))
      diagnostics.error(DiagId::ReservedName, decl.name.range,
                        "'" + decl.name.text + "' already has a meaning and cannot be a label");
    const std::string key = prefix + (isLabelled ? decl.name.text.str() : std::to_string(index));
    if (auto block = decl.call ? evaluator.blocks.find(decl.call->name) : evaluator.blocks.end();
        block != evaluator.blocks.end() && layerCount <= int64_t(limits::kLayers)) {
      expand(*block->second, decl, key);
      if (isLabelled)
        labelled[decl.name.text] = above;
      return;
    }
    auto layer = decl.call && layerCount <= int64_t(limits::kLayers) ? resolve(*decl.call) : std::nullopt;
    if (!layer) {
      complete = false;
      above.shape.reset();
      above.values = {};
      if (isLabelled)
        labelled[decl.name.text] = above;
      return;
    }
    layer->labelled = isLabelled && prefix.empty();
    layer->key = key;
    layer->block = outermost;
    layer->loc = decl.range.Start;
    place(std::move(*layer), decl);
    above.layer = static_cast<int>(model.layers.size()) - 1;
    if (isLabelled)
      labelled[decl.name.text] = above;
  }

  /// A block's layers in the place of its call. Its labels and parameters are its own; its keys follow that of the call.
  void expand(const BlockDecl &block, const LayerDecl &decl, const std::string &key) {
    const Expr &call = *decl.call;
    SmallVector<StringRef> formals;
    SmallVector<const Argument *> given; // inputs
    for (const Argument &argument : call.args)
      if (block.inputs.size() > 1 && argument.name.text.empty() && argument.value->kind == Expr::Kind::Name &&
          formals.size() < block.inputs.size() && labelled.contains(argument.value->name)) {
        formals.push_back(block.inputs[formals.size()].text);
        given.push_back(&argument);
      }
    for (const NeuronParam &param : block.params)
      formals.push_back(param.name.text);
    auto bound = block.valid ? evaluator.bind(call, formals) : std::nullopt;
    auto fail = [&] {
      complete = false;
      above.shape.reset();
    };
    if (!bound)
      return fail();
    if (is_contained(expanding, &block) || expanding.size() >= limits::kBlocks) {
      diagnostics.error(DiagId::CallsItself, call.range,
                        "'" + block.name.text + "' stands within itself, or in more than " + Twine(limits::kBlocks) +
                            " blocks");
      return fail();
    }
    StringMap<double> numbers;
    for (auto [param, argument] : llvm::zip(block.params, ArrayRef(*bound).drop_front(given.size()))) {
      const Expr *value = argument ? argument->value.get() : param.value.get();
      if (!value) {
        diagnostics.error(DiagId::MissingArgument, call.range,
                          "'" + call.name + "' needs a value for '" + param.name.text + "'");
        return fail();
      }
      auto number = !argument || evaluator.isPlain(*argument) ? evaluator.number(*value) : std::nullopt;
      if (!number || !evaluator.isInRange(param, *value))
        return fail();
      numbers[param.name.text] = *number;
    }
    StringMap<Source> inside;
    SmallVector<Source> sources;
    for (const Argument *argument : given)
      sources.push_back(labelled.lookup(argument->value->name));
    if (sources.size() + 1 == block.inputs.size())
      sources.insert(sources.begin(), above);
    if (sources.size() != block.inputs.size()) {
      reportSources(call, block.inputs.size(), sources.size());
      return fail();
    }
    for (auto [input, source] : llvm::zip(block.inputs, sources))
      inside[input.text] = source;
    above = sources.front();

    auto outerParams = evaluator.params;
    for (const auto &number : numbers)
      evaluator.params[number.getKey()] = number.getValue();
    std::swap(labelled, inside);
    auto outerLabels = std::exchange(labels, StringMap<SMRange>());
    auto outerLetNames = std::exchange(letNames, StringMap<SMRange>());
    auto outerLets = std::exchange(lets, StringMap<std::optional<CheckedLayer>>());
    auto outerPrefix = std::exchange(prefix, key + ".");
    auto outerCount = std::exchange(lineCount, 0);
    const LayerDecl *outerBlock = outermost;
    if (!outermost)
      outermost = &decl;
    expanding.push_back(&block);
    for (const LayerDecl &layer : block.layers)
      if (!diagnostics.full())
        layer.let ? checkLet(layer) : checkLayer(layer);
    expanding.pop_back();
    outermost = outerBlock;
    lineCount = outerCount;
    prefix = outerPrefix;
    labels = std::move(outerLabels);
    letNames = std::move(outerLetNames);
    lets = std::move(outerLets);
    std::swap(labelled, inside);
    evaluator.params = std::move(outerParams);
    last = &decl;
  }

  /// `from h1`: what the next line takes.
  void checkFrom(const LayerDecl &decl) {
    const Expr &call = *decl.call;
    if (!decl.name.text.empty())
      diagnostics.error(DiagId::Misplaced, decl.name.range, "'from' is no layer and has no label");
    above = {};
    if (call.args.size() != 1 || !call.args.front().name.text.empty()) {
      diagnostics.error(
          call.args.empty() ? DiagId::MissingArgument : DiagId::TooManyArguments, call.range,
          "'from' takes the label of one layer above, as in 'from h1'; several are joined by 'add(h1, h2)' or "
          "'concat(h1, h2)'");
      complete = false;
    } else if (const Source *source = sourceOf(call.args.front())) {
      above = *source;
    }
  }

  /// What a label stands for; null, with an error, if it is none.
  const Source *sourceOf(const Argument &argument) {
    const Expr &expr = *argument.value;
    auto it = expr.kind == Expr::Kind::Name ? labelled.find(expr.name) : labelled.end();
    if (it != labelled.end()) {
      usedLabels.insert(expr.name);
      return &it->second;
    }
    SmallVector<StringRef> known(labelled.keys());
    llvm::sort(known);
    StringRef found = expr.kind == Expr::Kind::Name ? expr.name : "";
    diagnostics.error(
        DiagId::UnknownName, argument.range,
        "expected the label of a layer above" +
            (found.empty() ? "" : ", but '" + found + "' is none" + diagnostics.didYouMean(found, known)));
    complete = false;
    return nullptr;
  }

  void reportSources(const Expr &call, size_t wanted, size_t given) {
    diagnostics.error(given < wanted ? DiagId::MissingArgument : DiagId::TooManyArguments, call.range,
                      "'" + call.name + "' takes " + Twine(wanted) + " layers, as in '" + call.name +
                          "(h1, h2)', or 'h1' alone beside the line above, but is given " + Twine(given));
  }

  /// What a layer takes: the layer above, or those that it names. Nothing after an error.
  std::optional<SmallVector<Source>> sourcesOf(const CheckedLayer &layer, const Expr &call) {
    SmallVector<Source> sources;
    for (const Argument *argument : layer.call.inputs) {
      const Source *source = sourceOf(*argument);
      if (!source)
        return std::nullopt;
      sources.push_back(*source);
    }
    const size_t wanted = layer.kind == CheckedLayer::Kind::Defined ? layer.call.definition->inputs.size() : 1;
    if (sources.size() + 1 == wanted)
      sources.insert(sources.begin(), above);
    if (sources.size() == wanted)
      return sources;
    reportSources(call, wanted, sources.size());
    complete = false;
    return std::nullopt;
  }

  /// Fits a layer to the shape that comes before it.
  void place(CheckedLayer layer, const LayerDecl &decl) {
    const Expr &call = *decl.call;
    if (layer.kind == CheckedLayer::Kind::Population) {
      population = true;
      layer.key.clear();
      if (layer.labelled)
        diagnostics.error(DiagId::Misplaced, decl.name.range, "'population' has nothing that a label could name");
      if (above.layer + 1 != static_cast<int>(model.layers.size()) && complete) {
        diagnostics.error(DiagId::Misplaced, call.range,
                          "'population' says what the neurons of the last layer mean, so no 'from' stands before it");
        complete = false;
      }
    }
    auto sources = sourcesOf(layer, call);
    const bool known = sources && llvm::all_of(*sources, [](const Source &source) { return source.shape.has_value(); });
    if (sources)
      for (const Source &source : *sources)
        layer.sources.push_back(source.layer);
    if (!known) {
      above.values = {};
      above.shape.reset();
      if (layer.kind == CheckedLayer::Kind::Defined)
        above.shape = likelyShape(layer.call);
      model.layers.push_back(std::move(layer));
      return;
    }
    const std::vector<int64_t> shape = *sources->front().shape;
    Interval values = sources->front().values;
    layer.from = shape;
    layer.to = shape;
    int64_t elements = 1;
    for (int64_t extent : shape)
      elements *= extent;
    bool placed = true;
    switch (layer.kind) {
    case CheckedLayer::Kind::Flatten:
      layer.to = {elements};
      break;
    case CheckedLayer::Kind::Defined:
      placed = placeDefined(layer, *sources, call);
      values = placed && layer.shapes.spikes ? Interval{0, 1} : Interval{};
      break;
    case CheckedLayer::Kind::Neuron:
      checkRanges(layer, call, evaluator.definitions, values, model.maxSteps, diagnostics, rangeWork);
      values = layer.neuron->spikes ? Interval{0, 1} : Interval{};
      if (elements > limits::kNeurons)
        diagnostics.error(DiagId::TooLarge, call.range,
                          "the layer has " + Twine(elements) + " neurons, but at most " + Twine(limits::kNeurons) +
                              " are possible");
      placed = placeRecurrence(layer, call);
      break;
    case CheckedLayer::Kind::Population:
      layer.to = {layer.classes};
      if (shape.size() != 1)
        placed = reportNotFlat(shape, call);
      else if (elements % layer.classes != 0)
        diagnostics.error(DiagId::PopulationMismatch, call.range,
                          Twine(elements) + " neurons do not divide into " + Twine(layer.classes) +
                              " classes of equal size; the layer before needs a multiple of " + Twine(layer.classes) +
                              ", such as " + Twine((elements + layer.classes - 1) / layer.classes * layer.classes));
      break;
    }
    above.values = values;
    above.shape.reset();
    if (placed)
      above.shape = layer.to;
    model.layers.push_back(std::move(layer));
  }

  bool placeDefined(CheckedLayer &layer, ArrayRef<Source> sources, const Expr &call) {
    std::vector<std::vector<int64_t>> shapes;
    for (const Source &source : sources)
      shapes.push_back(*source.shape);
    const Definition *definition = overloadFor(*layer.call.definition, shapes.front().size());
    if (!definition) {
      reportRank(*layer.call.definition, shapes.front(), call);
      auto likely = likelyShape(layer.call);
      layer.to = likely.value_or(std::vector<int64_t>());
      return likely.has_value();
    }
    layer.call.definition = definition;
    auto placed = placeLayer(layer.call, shapes, call, evaluator);
    if (!placed) {
      complete = false;
      return false;
    }
    layer.shapes = std::move(*placed);
    layer.to = layer.shapes.to;
    return true;
  }

  /// What a flat layer that does not fit would give, so that what follows can be checked: its outputs.
  static std::optional<std::vector<int64_t>> likelyShape(const LayerCall &call) {
    if (call.definition->rank() != 1 || call.values.empty() || call.values.front().numbers.size() != 1)
      return std::nullopt;
    const double outputs = call.values.front().numbers.front();
    if (!(outputs >= 1 && outputs <= limits::kSampleElements))
      return std::nullopt;
    return std::vector<int64_t>{static_cast<int64_t>(outputs)};
  }

  bool reportRank(const Definition &first, const std::vector<int64_t> &shape, const Expr &call) {
    if (!first.overload && first.rank() == 1 && !first.hasRest())
      return reportNotFlat(shape, call);
    std::string ranks;
    for (const Definition *other = &first; other; other = other->overload)
      ranks += (ranks.empty() ? "" : " or ") + std::to_string(other->rank());
    diagnostics.error(DiagId::NotFlat, call.range,
                      "'" + call.name + "' needs an input of " + ranks + " extents, but a sample has shape [" +
                          listOfExtents(shape) + "] here");
    return complete = false;
  }

  static std::string listOfExtents(const std::vector<int64_t> &shape) {
    std::string text;
    for (int64_t extent : shape)
      text += (text.empty() ? "" : ", ") + std::to_string(extent);
    return text;
  }

  /// Of two extents the first is often meant as the batch, which has its place elsewhere.
  bool reportNotFlat(const std::vector<int64_t> &shape, const Expr &call) {
    bool isPair = shape.size() == 2;
    std::string first = isPair ? std::to_string(shape[0]) : "", second = isPair ? std::to_string(shape[1]) : "";
    std::string batch = isPair ? "if " + first + " is the batch, write 'input " + (model.input.bytes ? "u8[" : "f32[") +
                                     second + "]' and 'batch " + first + "' in 'train', else "
                               : "";
    diagnostics.error(DiagId::NotFlat, call.range,
                      "'" + call.name + "' needs a flat input, but a sample has shape [" + listOfExtents(shape) +
                          "] here; " + batch + "add a line 'flatten' before it");
    return complete = false;
  }

  /// A layer from the neurons to themselves fits them.
  bool placeRecurrence(CheckedLayer &layer, const Expr &call) {
    for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values)) {
      if (param.kind != ParamKind::Layer || value.each)
        continue;
      const Definition *definition = overloadFor(*value.call.definition, layer.from.size());
      if (!definition)
        return reportRank(*value.call.definition, layer.from, call);
      auto refuse = [&](const Twine &why) {
        diagnostics.error(DiagId::WrongArgument, call.range,
                          "'" + param.name.text + "' goes from the neurons to themselves, but '" +
                              definition->name.text + "' " + why);
        return complete = false;
      };
      if (definition->inputs.size() != 1)
        return refuse("takes " + Twine(definition->inputs.size()) + " layers");
      value.call.definition = definition;
      if (!value.call.values.empty() && value.call.values.front().numbers.empty())
        value.call.values.front().numbers = {static_cast<double>(layer.from.front())};
      auto placed = placeLayer(value.call, {layer.from}, call, evaluator);
      if (!placed)
        return complete = false;
      if (!placed->states.empty())
        return refuse("has states of its own");
      if (llvm::any_of(placed->arrays, [](const LayerArray &array) { return !array.learned; }))
        return refuse("keeps statistics of whole batches, which no single step has");
      if (placed->to != layer.from)
        return refuse("gives " + shapeText(placed->to) + " from " + shapeText(layer.from));
      value.shapes = std::move(*placed);
    }
    return true;
  }

  void checkEnd(const ModelDecl &decl) {
    if (!decl.valid || !complete)
      return;
    ArrayRef<CheckedLayer> layers = model.layers;
    if (!layers.empty() && layers.back().kind == CheckedLayer::Kind::Population)
      layers = layers.drop_back();
    if (!layers.empty() && isNeuron(layers.back()) && givesSpikes(layers.back())) {
      if (layers.back().to.size() != 1)
        reportNotFlat(layers.back().to, *last->call);
      return;
    }
    const std::string example = model.neurons.front()->decl->name.text.str();
    diagnostics.error(DiagId::MissingNeuron, last ? last->range : decl.name.range,
                      last && population
                          ? "'population' counts spikes, so the layer before it must be one of neurons, such as '" +
                                example + "'"
                          : "the outputs of a model are spikes, so its last layer must be one of neurons; add a line "
                            "such as '" +
                                example + "' behind this one");
  }

  CheckedModel &model;
  Diagnostics &diagnostics;
  Evaluator evaluator;
  StringMap<const CheckedNeuron *> neurons;
  StringMap<SMRange> letNames, labels;
  StringMap<std::optional<CheckedLayer>> lets;
  StringSet<> usedLets;
  Source above; ///< what the next line takes
  std::string prefix;                               ///< of keys, in blocks
  SmallVector<const BlockDecl *> expanding;         ///< around the line
  const LayerDecl *outermost = nullptr;             ///< the model's line that stands for a block, around the line
  int64_t lineCount = 0;                            ///< of layers in the model or the block
  StringMap<Source> labelled;
  StringSet<> usedLabels;
  llvm::DenseSet<const Definition *> definitionsValid;
  uint64_t rangeWork = 4'000'000; ///< what may be spent on finding out what neurons can do, a tenth of a second
  const LayerDecl *last = nullptr;
  int64_t layerCount = 0;
  size_t letCount = 0;
  bool population = false;
  bool complete = true; ///< all layers so far could be read
};

} // namespace

void check(CheckedModel &model, Diagnostics &diagnostics) { Checker(model, diagnostics).run(); }

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

} // namespace snn::frontend
