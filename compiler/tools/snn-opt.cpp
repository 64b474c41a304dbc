// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-opt: each pass and pipeline of the compiler on text, for tests and reproducers. Registration only.

#include "compiler/Pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

static constexpr llvm::StringLiteral examples = R"(Examples:
  snn-opt model.mlir --snn-to-bptt                  run the passes of a stage
  snn-opt model.mlir --core-fuse-maps --cse         run single passes
  snn-opt model.mlir --snn-plan-arena --mlir-print-ir-after-all

)";

int main(int argc, char **argv) {
  for (llvm::StringRef argument : llvm::ArrayRef<char *>(argv, argc).drop_front())
    if (argument == "--help" || argument == "-help" || argument == "-h")
      llvm::outs() << examples;
  mlir::DialectRegistry registry;
  snn::registerStageDialects(registry);
  registry.insert<mlir::affine::AffineDialect, mlir::index::IndexDialect, mlir::tensor::TensorDialect>();
  snn::registerPassesAndPipelines();
  mlir::registerConversionPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "snn-opt\n", registry));
}
