// Runs a function of core ops on tensors of a safetensors file with the reference interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/SnnDialect.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"
#include "test/oracle/Interpreter.h"

#include "mlir/Parser/Parser.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

using namespace snn;
using interpreter::Array;
using interpreter::Call;
using interpreter::Element;
using interpreter::Numbers;

namespace {

struct Options {
  std::string text, function, inputs, outputs;
  bool wide = false, each = false;
  Call call;
};

/// The name that a file knows an argument or result by: the symbol of `snn.bind`, or `fallback`.
std::string boundName(mlir::Attribute attribute, const std::string &fallback) {
  if (auto symbol = llvm::dyn_cast_or_null<mlir::SymbolRefAttr>(attribute))
    return symbol.getRootReference().str();
  if (auto text = llvm::dyn_cast_or_null<mlir::StringAttr>(attribute))
    return text.str();
  return fallback;
}

/// A tensor of a file as elements of another type. Integers and spikes must be given as whole numbers that fit.
Array arrayOf(const StoredTensor &tensor, Element element, const std::string &name) {
  Array array(element, tensor.shape);
  if (tensor.type == ElementType::I64 && element == Element::I64) {
    std::memcpy(std::get<std::vector<int64_t>>(array.data()).data(), tensor.bytes.data(), tensor.bytes.size());
    return array;
  }
  std::vector<double> numbers = numbersOf(tensor, name);
  double low = 0, high = 0;
  if (element == Element::Spike)
    high = 1;
  else if (element == Element::U8)
    high = 255;
  else if (element == Element::I32)
    low = -0x1p31, high = 0x1p31 - 1;
  else if (element == Element::I64)
    low = -0x1p53, high = 0x1p53;
  bool isInteger = element != Element::F32 && element != Element::F64;
  for (double number : numbers)
    if (isInteger && (number != std::trunc(number) || number < low || number > high))
      throw DataError(fmt::format("tensor \"{}\" holds {}, but expected whole numbers of type {}", name, number,
                                  interpreter::nameOf(element)));
  return Array(element, tensor.shape, numbers);
}

/// `array` in a type that the format has; `storage` keeps the bytes.
TensorToWrite tensorOf(const Array &array, const std::string &name, std::vector<Array> &storage) {
  static const std::pair<Element, ElementType> types[] = {
      {Element::F32, ElementType::F32}, {Element::F64, ElementType::F64}, {Element::Spike, ElementType::U8},
      {Element::U8, ElementType::U8},   {Element::I64, ElementType::I64}, {Element::I32, ElementType::I64}};
  storage.push_back(array.element() == Element::I32 ? array.converted(Element::I64) : array);
  const Array &kept = storage.back();
  auto bytes = std::visit([](const auto &elements) { return std::as_bytes(std::span(elements)); }, kept.data());
  auto type = llvm::find_if(types, [&](auto pair) { return pair.first == array.element(); })->second;
  return {name, type, array.shape(), bytes};
}

template <typename T> T valueOf(llvm::Expected<T> expected) {
  if (!expected)
    throw DataError(llvm::toString(expected.takeError()));
  return std::move(*expected);
}

/// What a module says of an argument for which the file has no tensor: a state at rest or a number's default. The batch
/// is that of an argument before it.
std::optional<Array> declaredValue(mlir::func::FuncOp function, const std::string &name, core::ArrayType type,
                                   const std::vector<std::vector<int64_t>> &shapes, Numbers numbers) {
  const Element element = interpreter::elementOf(type, numbers);
  mlir::Operation *declared = function->getParentOfType<mlir::ModuleOp>().lookupSymbol(name);
  if (auto hyper = llvm::dyn_cast_or_null<HyperOp>(declared))
    return Array(element, {}, {hyper.getValue().convertToDouble()});
  auto state = llvm::dyn_cast_or_null<StateOp>(declared);
  std::vector<int64_t> shape(type.getShape());
  size_t count = 0;
  for (size_t i = 0; state && i < shapes.size(); ++i)
    if (int dim = llvm::cast<core::ArrayType>(function.getArgument(i).getType()).sampleDim(); dim >= 0) {
      shape[type.sampleDim()] = shapes[i][dim];
      count = std::accumulate(shape.begin(), shape.end(), size_t(1), std::multiplies<>());
    }
  if (count == 0)
    return std::nullopt;
  return Array(element, shape, std::vector<double>(count, state.getRest().convertToDouble()));
}

/// Gradients are bound to what they are gradients of.
std::string resultName(mlir::func::FuncOp function, unsigned index) {
  std::string name = boundName(function.getResultAttr(index, "snn.bind"), fmt::format("result{}", index));
  auto span = function.getResultAttrOfType<SpanAttr>(index, "snn.span");
  return span && span.getValue() == Span::Gradients ? "grad." + name : name;
}

/// The function for each element of arguments without extents, such as an update of parameters: `inputs` may be arrays
/// of one shape or single numbers, and so are the results arrays of that shape.
std::vector<Array> runForEach(mlir::func::FuncOp function, const std::vector<Array> &inputs, const Call &call,
                              Numbers numbers) {
  std::vector<int64_t> shape;
  for (const Array &input : inputs)
    if (!input.shape().empty()) {
      if (!shape.empty() && input.shape() != shape)
        throw DataError("arguments of --each have different shapes");
      shape = input.shape();
    }
  const size_t count = std::accumulate(shape.begin(), shape.end(), size_t(1), std::multiplies<>());
  std::vector<std::vector<double>> elements(function.getNumResults());
  for (size_t i = 0; i < count; ++i) {
    std::vector<Array> arguments;
    for (const Array &input : inputs)
      arguments.emplace_back(input.element(), std::vector<int64_t>{},
                             std::vector<double>{input.number(input.shape().empty() ? 0 : i)});
    std::vector<Array> results = valueOf(interpreter::run(function, arguments, call, numbers));
    for (size_t k = 0; k < results.size(); ++k)
      elements[k].push_back(results[k].number(0));
  }
  std::vector<Array> results;
  for (size_t k = 0; k < elements.size(); ++k)
    results.emplace_back(interpreter::elementOf(llvm::cast<core::ArrayType>(function.getResultTypes()[k]), numbers),
                         shape, elements[k]);
  return results;
}

void interpret(const Options &options) {
  mlir::MLIRContext context;
  context.loadDialect<SnnDialect, core::CoreDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                      mlir::math::MathDialect>();
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(options.text, &context);
  if (!module)
    throw DataError(options.text + ": no text of the core that can be read");
  auto function = module->lookupSymbol<mlir::func::FuncOp>(options.function);
  if (!function)
    throw DataError(fmt::format("{}: no function @{}", options.text, options.function));

  Numbers numbers = options.wide ? Numbers::Wide : Numbers::AsStated;
  TensorFile file = TensorFile::read(options.inputs);
  std::vector<Array> inputs;
  std::vector<std::vector<int64_t>> shapes;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    std::string name = boundName(function.getArgAttr(i, "snn.bind"), fmt::format("arg{}", i));
    const StoredTensor *tensor = file.find(name);
    auto type = llvm::dyn_cast<core::ArrayType>(function.getArgument(i).getType());
    if (!type)
      throw DataError(fmt::format("{}: argument #{} is no array of the core", options.text, i));
    if (tensor)
      inputs.push_back(arrayOf(*tensor, interpreter::elementOf(type, numbers), name));
    else if (auto declared = declaredValue(function, name, type, shapes, numbers))
      inputs.push_back(std::move(*declared));
    else
      throw DataError(fmt::format("{}: no tensor \"{}\" for argument #{}", options.inputs, name, i));
    shapes.push_back(inputs.back().shape());
  }
  std::vector<Array> results;
  if (options.each)
    results = runForEach(function, inputs, options.call, numbers);
  else
    results = valueOf(interpreter::run(function, inputs,
                                       valueOf(interpreter::inferExtents(function, shapes, options.call)), numbers));

  std::vector<Array> storage;
  storage.reserve(results.size());
  std::vector<TensorToWrite> tensors;
  for (unsigned i = 0; i < results.size(); ++i)
    tensors.push_back(tensorOf(results[i], resultName(function, i), storage));
  writeSafetensors(options.outputs, std::move(tensors));
}

constexpr const char *description = R"(Examples:
  snn-interpret net.mlir --function=forward --inputs=in.safetensors --outputs=out.safetensors
  snn-interpret net.mlir --function=loss_and_gradient --inputs=in.safetensors --outputs=out.safetensors --wide

Runs a function of core ops. Tensors are found by the symbol in `snn.bind`, or as arg0, arg1, ... and result0, ...; their
element types are converted. States and numbers that the file lacks have the values that the module declares. Exit status: 0 done, 1 wrong text or data, 2 bad command line, 74 cannot write.
)";

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app(description, "snn-interpret");
  app.add_option("text", options.text, "MLIR text of core ops")->required();
  app.add_option("--function", options.function, "name of the function")->required();
  app.add_option("--inputs", options.inputs, "safetensors file with the arguments")->required();
  app.add_option("--outputs", options.outputs, "safetensors file to write the results to")->required();
  app.add_flag("--wide", options.wide, "compute in f64 what the text has in f32; sums need no order");
  app.add_flag("--each", options.each, "run a function of single numbers for each element of what the inputs have");
  app.add_option("--batch", options.call.batch, "samples of the call (default: what the inputs have)")
      ->check(CLI::PositiveNumber);
  app.add_option("--steps", options.call.steps, "steps of the call (default: what the inputs have)")
      ->check(CLI::PositiveNumber);
  app.add_option("--first-step", options.call.firstStep, "number of the first step")->capture_default_str();
  app.add_option("--seed", options.call.seed, "of random numbers")->capture_default_str();
  app.add_option("--epoch", options.call.epoch, "of random numbers")->capture_default_str();
  app.add_option("--sample-ids", options.call.sampleIds, "of random numbers, one for each sample (default: 0,1,2,...)")
      ->delimiter(',');
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    interpret(options);
    return 0;
  } catch (const WriteError &error) {
    fmt::print(stderr, "snn-interpret: error: {}\n", error.what());
    return 74;
  } catch (const DataError &error) {
    fmt::print(stderr, "snn-interpret: error: {}\n", error.what());
    return 1;
  }
}
