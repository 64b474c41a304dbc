// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Definitions -> a module of functions.

#include "test/tools/DefinitionModule.h"

#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/NeuronChecks.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

#include <list>

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

constexpr int64_t kTime = core::ArrayType::kTime, kSample = core::ArrayType::kSample;

class ModuleBuilder {
public:
  ModuleBuilder(const DefinitionFile &file, const ModuleOptions &options, MLIRContext &mlir)
      : file(file), options(options), mlir(&mlir), builder(&mlir), location(UnknownLoc::get(&mlir)),
        real(options.wide ? builder.getF64Type() : builder.getF32Type()), context{file, real} {
    context.shape = {options.neurons};
    context.classes = options.classes;
    context.training = options.training;
    context.softSpikes = options.softSpikes;
    context.purposes = &purposes;
  }

  OwningOpRef<ModuleOp> run() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(location);
    for (const auto &definition : file.file->definitions) {
      if (definition->kind == DefinitionKind::Def || definition->kind == DefinitionKind::Layer)
        continue;
      builder.setInsertionPointToEnd(module->getBody());
      function = func::FuncOp::create(builder, location, (nameOf(definition->kind) + "." + definition->name.text).str(),
                                      builder.getFunctionType({}, {}));
      function.addEntryBlock();
      builder.setInsertionPointToEnd(&function.getBody().front());
      arguments.clear();
      results.clear();
      outcomes.clear();
      if (failed(import(*definition)))
        return nullptr;
      finish();
    }
    return succeeded(verify(*module)) ? std::move(module) : nullptr;
  }

private:
  Value argument(StringRef name, ArrayRef<int64_t> shape, Type element) {
    arguments.push_back(name.str());
    return function.getBody().front().addArgument(core::ArrayType::get(mlir, shape, element), location);
  }
  Binding scalar(StringRef name, Type element, bool network) {
    return Binding::of({argument(name, {}, element), {}, ValueType::Kind::Real, network});
  }
  void result(StringRef name, Value value) {
    results.push_back(name.str());
    outcomes.push_back(value);
  }

  void finish() {
    func::ReturnOp::create(builder, location, outcomes);
    SmallVector<Type> types(function.getBody().front().getArgumentTypes());
    function.setFunctionType(builder.getFunctionType(types, TypeRange(ValueRange(outcomes))));
    for (auto [index, name] : enumerate(arguments))
      function.setArgAttr(index, "snn.bind", FlatSymbolRefAttr::get(mlir, name));
    for (auto [index, name] : enumerate(results))
      function.setResultAttr(index, "snn.bind", FlatSymbolRefAttr::get(mlir, name));
  }

  /// Numbers of losses, optimizers and schedules are arguments; each element of a tuple is one.
  void addNumbers(const Definition &definition, std::map<StringRef, Binding> &names) {
    for (const NeuronParam &param : definition.params) {
      if (isOption(param)) {
        auto chosen = options.words.find(param.name.text.str());
        names[param.name.text].word =
            chosen == options.words.end() ? param.value->operand(0).name.str() : chosen->second;
        continue;
      }
      if (!param.axis.text.empty()) {
        names[param.name.text] = Binding::of({argument(param.name.text, {options.classes}, builder.getF64Type()),
                                              {Axis::Class},
                                              ValueType::Kind::Real,
                                              /*network=*/false});
        continue;
      }
      if (param.value->kind != Expr::Kind::Tuple) {
        names[param.name.text] = scalar(param.name.text, builder.getF64Type(), false);
        continue;
      }
      for (size_t index = 0; index < param.value->args.size(); ++index)
        names[param.name.text].elements.push_back(
            *scalar((param.name.text + "." + Twine(index)).str(), builder.getF64Type(), false).array);
    }
  }

  LogicalResult import(const Definition &definition) {
    std::map<StringRef, Binding> names;
    const AxisSet all{Axis::Time, Axis::Sample, Axis::Neuron};
    switch (definition.kind) {
    case DefinitionKind::Neuron:
      return importNeuronLayer(definition);
    case DefinitionKind::Surrogate:
      return importSurrogate(definition);
    case DefinitionKind::Loss:
    case DefinitionKind::Metric: {
      for (const Name &input : definition.inputs) {
        const SmallVector<int64_t> shape{kTime, kSample, options.neurons};
        if (input.text == "label")
          names[input.text] = Binding::of({argument(input.text, {kSample}, builder.getI64Type()),
                                           {Axis::Sample},
                                           ValueType::Kind::Integer,
                                           false,
                                           Axis::Class});
        else if (input.text == "target")
          names[input.text] =
              Binding::of({argument(input.text, {kSample, options.neurons}, real), {Axis::Sample, Axis::Neuron}});
        else if (input.text == "membrane")
          names[input.text] = Binding::of({argument(input.text, shape, real), all});
        else
          names[input.text] =
              Binding::of({argument(input.text, shape, builder.getI1Type()), all, ValueType::Kind::Bits});
      }
      addNumbers(definition, names);
      auto value = importLoss(definition, std::move(names), context, builder, location);
      if (failed(value))
        return failure();
      result("output", *value);
      return success();
    }
    case DefinitionKind::Optimizer:
    case DefinitionKind::Schedule: {
      for (const Name &input : definition.inputs)
        names[input.text] = scalar(input.text, real, true);
      const auto states = statesOf(definition, file);
      for (const auto &[state, rest] : states)
        names[state] = scalar(("state." + state).str(), real, true);
      for (StringRef word : {"update", "epoch", "updates", "epochs"})
        if (wordType(word, definition.kind))
          names[word] = scalar(word, builder.getF64Type(), false);
      addNumbers(definition, names);
      auto values = importElement(definition, std::move(names), context, builder, location);
      if (failed(values))
        return failure();
      result("output", values->front());
      for (auto [state, value] : llvm::zip(states, ArrayRef(*values).drop_front()))
        result(("next." + state.first).str(), value);
      return success();
    }
    case DefinitionKind::Layer:
    case DefinitionKind::Clip:
    case DefinitionKind::Def:
      break;
    }
    return success();
  }

  /// The spike of each sample's value.
  LogicalResult importSurrogate(const Definition &definition) {
    Expr fire, name, input;
    fire.kind = Expr::Kind::Call;
    fire.name = "fire";
    input.kind = name.kind = Expr::Kind::Name;
    input.name = definition.inputs.front().text;
    name.name = definition.name.text;
    fire.args.resize(2);
    fire.args[0].value = std::make_unique<Expr>(std::move(input));
    fire.args[1].value = std::make_unique<Expr>(std::move(name));
    BodyImporter importer(context, builder, location);
    StringRef v = definition.inputs.front().text;
    importer.names[v] = Binding::of({argument(v, {kSample}, real), {Axis::Sample}});
    result("output", importer.arrayOf(importer.importExpr(fire)).value);
    return success();
  }

  /// The checks have found no error in it.
  ParamValue placeRecurrent(const Expr &call) {
    Diagnostics diagnostics(*file.sources);
    Evaluator evaluator(diagnostics);
    evaluator.definitions = file.table;
    ParamValue value = *layerValue(call, evaluator);
    value.call.values.front().numbers = {static_cast<double>(options.neurons)};
    value.shapes = *placeLayer(value.call, {{options.neurons}}, call, evaluator);
    return value;
  }

  static bool isFactor(const Statements &body, StringRef name) {
    return llvm::any_of(body, [&](const Statement &statement) {
      const Expr *factor = statement.kind == Statement::Kind::Spike ? factorOf(statement) : nullptr;
      return factor && factor->name == name;
    });
  }

  LogicalResult importNeuronLayer(const Definition &definition) {
    const int64_t neurons = options.neurons;
    NeuronLayer layer;
    layer.definition = &definition;
    StringRef input = definition.inputs.front().text;
    layer.current = {argument(input, {kTime, kSample, neurons}, real), {Axis::Time, Axis::Sample, Axis::Neuron}};
    for (const NeuronParam &param : definition.params) {
      StringRef name = param.name.text;
      const Expr &value = *param.value;
      const bool isName = value.kind == Expr::Kind::Name || value.kind == Expr::Kind::Call;
      if (value.kind == Expr::Kind::Call && value.name == "one_of") {
        auto chosen = options.words.find(name.str());
        layer.words[name] = chosen == options.words.end() ? value.operand(0).name.str() : chosen->second;
      } else if (isName && value.name == "each") {
        layer.layers[name] = {nullptr, nullptr, {{"V", argument((name + ".weight").str(), {neurons}, real)}}};
      } else if (isName && file.find(DefinitionKind::Layer, value.name)) {
        const ParamValue &placed = recurrent.emplace_back(placeRecurrent(value));
        RecurrentLayer &inside = layer.layers[name];
        inside.call = &placed.call;
        inside.shapes = &placed.shapes;
        for (const LayerArray &array : placed.shapes.arrays)
          inside.learned[array.name] = argument((name + "." + array.name).str(), array.extents, real);
      } else if (isName &&
                 (file.find(DefinitionKind::Surrogate, value.name) || file.find(DefinitionKind::Def, value.name))) {
        layer.surrogates[name] = &value;
      } else if (isFactor(definition.body, name)) { // known, so that spikes are bits
        layer.constants[name] = file.number(value);
      } else {
        layer.numbers[name] = {argument(name, {}, real), {}};
      }
    }
    const auto states = statesOf(definition, file);
    for (const auto &[state, rest] : states) {
      const bool isSpike = state == "fired" && !options.softSpikes;
      layer.states.push_back(
          argument(("state." + state).str(), {kSample, neurons}, isSpike ? Type(builder.getI1Type()) : real));
    }
    auto values = importNeuron(layer, context, builder, location);
    if (failed(values))
      return failure();
    result("output", values->output);
    for (auto [index, value] : enumerate(values->states))
      result(states[index].first.str(), value);
    for (auto [index, value] : enumerate(values->finals))
      result(("next." + states[index].first).str(), value);
    return success();
  }

  const DefinitionFile &file;
  const ModuleOptions &options;
  MLIRContext *mlir;
  OpBuilder builder;
  Location location;
  Type real;
  ImportContext context;
  std::list<ParamValue> recurrent; ///< what neurons refer to
  int64_t purposes = 0;
  func::FuncOp function; ///< that is being built
  SmallVector<std::string> arguments, results;
  SmallVector<Value> outcomes;
};

} // namespace

OwningOpRef<ModuleOp> importEach(const DefinitionFile &file, const ModuleOptions &options, MLIRContext &context) {
  context.loadDialect<core::CoreDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect>();
  return ModuleBuilder(file, options, context).run();
}

} // namespace snn::frontend
