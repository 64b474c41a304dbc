// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What all tests of the compiler need: a context that knows every dialect of the stages, and text turned into a module.

#ifndef SNN_TEST_UNIT_COMPILER_SUPPORT_H
#define SNN_TEST_UNIT_COMPILER_SUPPORT_H

#include "compiler/Pipelines/Pipelines.h"
#include "dialect/SnnDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

namespace snn::test {

class CompilerTest : public ::testing::Test {
protected:
  CompilerTest() : context(stageDialects()) { context.loadAllAvailableDialects(); }

  /// Fails the test if the text is no sound module.
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text.str();
    return module;
  }

  mlir::MLIRContext context;

private:
  static mlir::DialectRegistry stageDialects() {
    mlir::DialectRegistry registry;
    registerStageDialects(registry);
    return registry;
  }
};

} // namespace snn::test

#endif // SNN_TEST_UNIT_COMPILER_SUPPORT_H
