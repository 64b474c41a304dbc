// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-convert-to-llvm: all that is left of other dialects, in one walk. A pass for each dialect would visit each op of
// the module as many times, and leave casts between their types to be removed.

#include "compiler/Emit/Passes.h"
#include "dialect/SnnDialect.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_CONVERTTOLLVM
#include "compiler/Emit/Passes.h.inc"

namespace {

struct ConvertToLlvm : impl::ConvertToLlvmBase<ConvertToLlvm> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ConversionConfig config;
    config.allowPatternRollback = false; // each op has one pattern
    config.buildMaterializations = true;

    ConversionTarget flat(getContext());
    flat.markUnknownOpDynamicallyLegal([](Operation *op) { return !isa<scf::SCFDialect>(op->getDialect()); });
    RewritePatternSet loops(&getContext());
    populateSCFToControlFlowConversionPatterns(loops);
    if (failed(applyPartialConversion(module, flat, std::move(loops), config)))
      return signalPassFailure();

    // An index has the width of an address.
    LowerToLLVMOptions options(&getContext());
    if (auto shape = module->getAttrOfType<DictionaryAttr>(SnnDialect::targetAttrName()))
      if (auto bits = shape.getAs<IntegerAttr>("pointer_bits"))
        options.overrideIndexBitwidth(bits.getInt());
    LLVMTypeConverter types(&getContext(), options);
    LLVMConversionTarget target(getContext());
    target.addIllegalDialect<arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, index::IndexDialect,
                             math::MathDialect, vector::VectorDialect>();
    SymbolTableCollection symbols;
    RewritePatternSet patterns(&getContext());
    arith::populateArithToLLVMConversionPatterns(types, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
    populateFuncToLLVMConversionPatterns(types, patterns, &symbols);
    index::populateIndexToLLVMConversionPatterns(types, patterns);
    populateMathToLLVMConversionPatterns(types, patterns);
    populateVectorToLLVMConversionPatterns(types, patterns);
    if (failed(applyPartialConversion(module, target, std::move(patterns), config)))
      return signalPassFailure();

    SmallVector<UnrealizedConversionCastOp> casts;
    module.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    reconcileUnrealizedCasts(casts);
  }
};

} // namespace
} // namespace snn
