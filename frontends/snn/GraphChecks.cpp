// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See GraphChecks.h.

#include "frontends/snn/GraphChecks.h"

#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/NeuronChecks.h"

using namespace llvm;

namespace snn::frontend {

/// Layers that no definition can be: `flatten` counts extents, and `population` says what classes are.
static constexpr StringRef kLayerKinds[] = {"flatten", "population"};

bool isOwnSymbol(StringRef name) {
  return name.starts_with("snn_") ||
         is_contained({"input",     "labels",   "spikes", "membrane",          "hidden",           "hidden_membrane",
                       "count",     "loss",     "grad",   "forward",           "forward_training", "step",
                       "evaluate",  "backward", "update", "loss_and_gradient", "train_step",       "arena_size",
                       "optimizer", "schedule", "metric"},
                      name);
}

void GraphChecker::begin(std::optional<std::vector<int64_t>> shape, Interval values) {
  above.shape = std::move(shape);
  above.values = values;
  labelled["input"] = above;
}

/// Behind the error that says so, lines cost time only, however often blocks repeat them.
void GraphChecker::checkLine(const LayerDecl &line) {
  if (isOverLimit() || diagnostics.full())
    return;
  line.let ? checkLet(line) : checkLayer(line);
}

void GraphChecker::checkLet(const LayerDecl &decl) {
  if (++letCount == limits::kLayers + 1)
    diagnostics.error(DiagId::TooLarge, decl.range,
                      "the model has more than " + Twine(limits::kLayers) + " 'let' lines");
  if (!decl.call || isOverLimit())
    return;
  bool isOther = isLayer(decl.name.text);
  if (isOther)
    diagnostics.error(DiagId::Redefinition, decl.name.range,
                      "'" + decl.name.text + "' is a layer already and cannot be defined by 'let'");
  std::optional<CheckedLayer> layer = resolve(*decl.call); // in which the name is not yet known
  if (!isOther && evaluator.isNew(decl.name, letNames, "layer"))
    lets[decl.name.text] = std::move(layer);
}

/// What a call of a layer says, without its place in the network.
std::optional<CheckedLayer> GraphChecker::resolve(const Expr &call) {
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
    if (!evaluator.isValid(*definition))
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
  if (evaluator.blocks.contains(call.name))
    diagnostics.error(DiagId::Misplaced, call.range,
                      "'" + call.name +
                          "' is a block, but 'let' configures one layer; expected a layer, or the line '" + call.name +
                          "' where the block belongs");
  else
    reportUnknownLayer(call);
  return std::nullopt;
}

bool GraphChecker::isLayer(StringRef name) const {
  return neurons.contains(name) || is_contained(kLayerKinds, name) || name == "from" ||
         evaluator.find(DefinitionKind::Layer, name) || evaluator.blocks.contains(name);
}

void GraphChecker::reportUnknownLayer(const Expr &call) {
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

std::optional<CheckedLayer> GraphChecker::resolvePopulation(const Expr &call) {
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

void GraphChecker::checkLayer(const LayerDecl &decl) {
  last = &decl;
  if (++layerCount > limits::kLayers) {
    complete = false;
    return diagnostics.error(DiagId::TooLarge, decl.range,
                             "the model has more than " + Twine(limits::kLayers) + " layers and 'from' lines");
  }
  if (decl.call && decl.call->name == "from")
    return checkFrom(decl);
  const int64_t index = lineCount++;
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
      block != evaluator.blocks.end()) {
    expand(*block->second, decl, key);
    if (isLabelled)
      labelled[decl.name.text] = above;
    return;
  }
  auto layer = decl.call ? resolve(*decl.call) : std::nullopt;
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
void GraphChecker::expand(const BlockDecl &block, const LayerDecl &decl, const std::string &key) {
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
  auto bound = block.valid && !block.inputs.empty() ? evaluator.bind(call, formals) : std::nullopt;
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
    if (!isOverLimit())
      checkLine(layer);
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
void GraphChecker::checkFrom(const LayerDecl &decl) {
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
const GraphChecker::Source *GraphChecker::sourceOf(const Argument &argument) {
  const Expr &expr = *argument.value;
  auto it = expr.kind == Expr::Kind::Name ? labelled.find(expr.name) : labelled.end();
  if (it != labelled.end())
    return &it->second;
  SmallVector<StringRef> known(labelled.keys());
  llvm::sort(known);
  StringRef found = expr.kind == Expr::Kind::Name ? expr.name : "";
  diagnostics.error(DiagId::UnknownName, argument.range,
                    "expected the label of a layer above" +
                        (found.empty() ? "" : ", but '" + found + "' is none" + diagnostics.didYouMean(found, known)));
  complete = false;
  return nullptr;
}

void GraphChecker::reportSources(const Expr &call, size_t wanted, size_t given) {
  diagnostics.error(given < wanted ? DiagId::MissingArgument : DiagId::TooManyArguments, call.range,
                    "'" + call.name + "' takes " + Twine(wanted) + " layers, as in '" + call.name +
                        "(h1, h2)', or 'h1' alone beside the line above, but is given " + Twine(given));
}

/// What a layer takes: the layer above, or those that it names. Nothing after an error.
std::optional<SmallVector<GraphChecker::Source>> GraphChecker::sourcesOf(const CheckedLayer &layer, const Expr &call) {
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
void GraphChecker::place(CheckedLayer layer, const LayerDecl &decl) {
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
    values = placed && givesBits(layer) ? Interval{0, 1} : Interval{};
    break;
  case CheckedLayer::Kind::Neuron:
    checkRanges(layer, call, evaluator.definitions, values, model.maxSteps, diagnostics, rangeWork);
    values = givesBits(layer) ? Interval{0, 1} : Interval{};
    if (elements > limits::kNeurons)
      diagnostics.error(DiagId::TooLarge, call.range,
                        "the layer has " + Twine(elements) + " neurons, but at most " + Twine(limits::kNeurons) +
                            " are possible");
    placed = evaluator.spend(*layer.neuron->decl, call) && placeRecurrence(layer, call);
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

bool GraphChecker::placeDefined(CheckedLayer &layer, ArrayRef<Source> sources, const Expr &call) {
  std::vector<std::vector<int64_t>> shapes;
  for (const Source &source : sources)
    shapes.push_back(*source.shape);
  const Definition *definition = overloadFor(*layer.call.definition, shapes.front().size(), evaluator);
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
std::optional<std::vector<int64_t>> GraphChecker::likelyShape(const LayerCall &call) {
  if (call.definition->rank() != 1 || call.values.empty() || call.values.front().numbers.size() != 1)
    return std::nullopt;
  const double outputs = call.values.front().numbers.front();
  if (!(outputs >= 1 && outputs <= limits::kSampleElements))
    return std::nullopt;
  return std::vector<int64_t>{static_cast<int64_t>(outputs)};
}

bool GraphChecker::reportRank(const Definition &first, const std::vector<int64_t> &shape, const Expr &call) {
  if (!evaluator.overloads.contains(&first) && first.rank() == 1 && !first.hasRest())
    return reportNotFlat(shape, call);
  std::string ranks;
  for (const Definition *other = &first; other; other = evaluator.overloads.lookup(other))
    ranks += (ranks.empty() ? "" : " or ") + std::to_string(other->rank());
  diagnostics.error(DiagId::NotFlat, call.range,
                    "'" + call.name + "' needs an input of " + ranks + " extents, but a sample has shape [" +
                        listOfExtents(shape) + "] here");
  return complete = false;
}

std::string GraphChecker::listOfExtents(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return text;
}

/// Of two extents the first is often meant as the batch, which has its place elsewhere.
bool GraphChecker::reportNotFlat(const std::vector<int64_t> &shape, const Expr &call) {
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
bool GraphChecker::placeRecurrence(CheckedLayer &layer, const Expr &call) {
  for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values)) {
    if (param.kind != ParamKind::Layer || value.each)
      continue;
    const Definition *definition = overloadFor(*value.call.definition, layer.from.size(), evaluator);
    if (!definition)
      return reportRank(*value.call.definition, layer.from, call);
    auto refuse = [&](const Twine &why) {
      diagnostics.error(DiagId::WrongArgument, call.range,
                        "'" + param.name.text + "' goes from the neurons to themselves, but '" + definition->name.text +
                            "' " + why);
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

void GraphChecker::end(const ModelDecl &decl) {
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

} // namespace snn::frontend
