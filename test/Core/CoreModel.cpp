// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/Core/CoreModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>

using namespace mlir;

namespace snn::test {

static DialectRegistry registryOfStages() {
  DialectRegistry registry;
  registerStageDialects(registry);
  return registry;
}

/// The library is built without exceptions, the tests are not.
[[noreturn]] static void refuse(const std::string &text) { llvm::report_fatal_error(llvm::StringRef(text), false); }

CoreModel::CoreModel(const std::string &text, const frontend::FrontendOptions &options, Numbers numbers)
    : context(registryOfStages(), MLIRContext::Threading::DISABLED), numbers(numbers) {
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  auto model = frontend::checkModel(text, "model.snn", options, stream);
  if (!model)
    refuse(messages);
  module = frontend::importModel(*model, context);
  if (!module)
    refuse("cannot be imported");
  auto passes = PassManager::on<ModuleOp>(&context);
  buildStage(passes, Stage::Snn);
  buildStage(passes, Stage::Bptt);
  if (failed(passes.run(*module)))
    refuse("cannot be differentiated");
}

static std::string boundName(Attribute bind) { return cast<FlatSymbolRefAttr>(bind).getValue().str(); }

Array CoreModel::declared(const std::string &name, core::ArrayType type, const Call &call) {
  Operation *op = module->lookupSymbol(name);
  if (auto hyper = llvm::dyn_cast_or_null<HyperOp>(op))
    return Array(interpreter::elementOf(type, numbers), {}, {hyper.getValue().convertToDouble()});
  auto state = llvm::dyn_cast_or_null<StateOp>(op);
  if (!state)
    refuse("no value for " + name);
  auto shape = llvm::cantFail(interpreter::resolve(type.getShape(), call));
  size_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  std::vector<double> rest(count, state.getRest().convertToDouble());
  return Array(interpreter::elementOf(type, numbers), shape, rest);
}

Values CoreModel::run(const std::string &entry, const Values &given, Call call) {
  auto function = module->lookupSymbol<func::FuncOp>(entry);
  if (!function)
    refuse("no entry " + entry);
  auto input = cast<core::ArrayType>(module->lookupSymbol<InputOp>("input").getType());
  const Array &samples = given.at("input");
  call.batch = samples.shape()[input.sampleDim()];
  if (input.timeDim() >= 0)
    call.steps = samples.shape()[input.timeDim()];
  std::vector<Array> arguments;
  for (unsigned index = 0; index < function.getNumArguments(); ++index) {
    const std::string name = boundName(function.getArgAttr(index, "snn.bind"));
    auto type = cast<core::ArrayType>(function.getArgument(index).getType());
    auto it = given.find(name);
    arguments.push_back(it == given.end() ? declared(name, type, call)
                                          : it->second.converted(interpreter::elementOf(type, numbers)));
  }
  auto results = interpreter::run(function, arguments, call, numbers);
  if (!results)
    refuse(llvm::toString(results.takeError()));
  Values values;
  for (auto [index, value] : llvm::enumerate(*results)) {
    auto span = function.getResultAttrOfType<SpanAttr>(index, "snn.span");
    values[(span ? "grad." : "") + boundName(function.getResultAttr(index, "snn.bind"))] = value;
  }
  return values;
}

void CoreModel::update(Values &values, const Values &gradients, std::map<std::string, std::vector<double>> &states,
                       const std::map<std::string, int64_t> &counts) {
  auto function = module->lookupSymbol<func::FuncOp>("update");
  for (ParameterOp parameter : module->getOps<ParameterOp>()) {
    const std::string name = parameter.getSymName().str();
    Array &value = values.at(name);
    const Array &gradient = gradients.at("grad." + name);
    std::vector<double> next = value.numbers();
    for (int64_t element = 0; element < value.size(); ++element) {
      std::vector<Array> arguments;
      auto stateOf = [&](int64_t copy) -> double & {
        auto &all = states[name + "/" + std::to_string(copy)];
        all.resize(value.size());
        return all[element];
      };
      for (unsigned index = 0; index < function.getNumArguments(); ++index) {
        auto type = cast<core::ArrayType>(function.getArgument(index).getType());
        const std::string bind = boundName(function.getArgAttr(index, "snn.bind"));
        const auto kind = interpreter::elementOf(type, numbers);
        auto span = function.getArgAttrOfType<SpanAttr>(index, "snn.span");
        auto copy = function.getArgAttrOfType<IntegerAttr>(index, "snn.copy");
        if (span)
          arguments.emplace_back(kind, std::vector<int64_t>(),
                                 std::vector<double>{span.getValue() == Span::Parameters  ? value.number(element)
                                                     : span.getValue() == Span::Gradients ? gradient.number(element)
                                                                                          : stateOf(copy.getInt())});
        else if (auto count = counts.find(bind); count != counts.end())
          arguments.emplace_back(kind, std::vector<int64_t>(), std::vector<double>{double(count->second)});
        else
          arguments.push_back(declared(bind, type, {}));
      }
      auto results = llvm::cantFail(interpreter::run(function, arguments, {}, numbers));
      for (auto [index, result] : llvm::enumerate(results)) {
        auto copy = function.getResultAttrOfType<IntegerAttr>(index, "snn.copy");
        (copy ? stateOf(copy.getInt()) : next[element]) = result.number(0);
      }
    }
    value = Array(value.element(), value.shape(), next);
  }
}

double error(const Array &got, const Array &want) {
  if (got.shape() != want.shape())
    return HUGE_VAL;
  double scale = 0, most = 0;
  for (int64_t index = 0; index < want.size(); ++index) {
    scale = std::max(scale, std::abs(want.number(index)));
    const double difference = std::abs(got.number(index) - want.number(index));
    most = difference <= most ? most : difference; // NaN is kept
  }
  return most == 0 ? 0 : most / scale;
}

} // namespace snn::test
