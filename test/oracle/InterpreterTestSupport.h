// What the tests of the interpreter share: texts that are parsed and run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_INTERPRETERTESTSUPPORT_H
#define SNN_TEST_ORACLE_INTERPRETERTESTSUPPORT_H

#include "test/oracle/Interpreter.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>
#include <random>

namespace snn::interpreter {

class InterpreterTest : public ::testing::Test {
protected:
  InterpreterTest() {
    context
        .loadDialect<core::CoreDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
  }

  /// Runs the only function of `text`. Steps and batch are inferred where `call` has 0.
  llvm::Expected<std::vector<Array>> tryRun(const std::string &text, llvm::ArrayRef<Array> inputs, Call call = {},
                                            Numbers numbers = Numbers::AsStated) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return fault("the text is not sound");
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    std::vector<std::vector<int64_t>> shapes;
    for (const Array &input : inputs)
      shapes.push_back(input.shape());
    llvm::Expected<Call> inferred = inferExtents(function, shapes, call);
    if (!inferred)
      return inferred.takeError();
    return interpreter::run(function, inputs, *inferred, numbers);
  }

  /// The same where an error fails the test.
  std::vector<Array> run(const std::string &text, llvm::ArrayRef<Array> inputs, Call call = {},
                         Numbers numbers = Numbers::AsStated) {
    llvm::Expected<std::vector<Array>> results = tryRun(text, inputs, call, numbers);
    if (results)
      return std::move(*results);
    ADD_FAILURE() << llvm::toString(results.takeError()) << "\n" << text;
    return std::vector<Array>(8);
  }

  /// The message of a run that must fail.
  std::string errorOf(const std::string &text, llvm::ArrayRef<Array> inputs, Call call = {}) {
    llvm::Expected<std::vector<Array>> results = tryRun(text, inputs, call);
    return results ? "no error" : llvm::toString(results.takeError());
  }

  /// Reals from -1 to 1 times powers of two from 2^-10 to 2^10: nearly each order of additions gives other bits.
  Array randomArray(std::vector<int64_t> shape, Element element = Element::F32) {
    Array array(element, std::move(shape));
    std::uniform_real_distribution<double> mantissa(-1, 1);
    std::uniform_int_distribution<int> exponent(-10, 10);
    std::visit(
        [&]<typename T>(std::vector<T> &elements) {
          for (T &value : elements)
            value = T(std::ldexp(mantissa(random), exponent(random)));
        },
        array.data());
    return array;
  }

  Array randomSpikes(std::vector<int64_t> shape) {
    Array array(Element::Spike, std::move(shape));
    for (uint8_t &value : std::get<std::vector<uint8_t>>(array.data()))
      value = random() % 3 == 0;
    return array;
  }

  mlir::MLIRContext context;
  std::mt19937 random{7};
};

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_INTERPRETERTESTSUPPORT_H
