// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of reals of which D has tiny elements (TinyTerms.h).

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYGRADIENT_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYGRADIENT_H

#include "compiler/Codegen/Cpu/Kernels/TinyTerms.h"

namespace snn::kernels {

using PlainGradient = std::function<void(const Gradient &kernel)>;

/// The gradient by `plain`, but for blocks whose rows of D have tiny elements, if errors may be.
void emitGradientOrTiny(Emitter &e, mlir::ModuleOp module, const Gradient &kernel, const PlainGradient &plain);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYGRADIENT_H
