// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a host sees of a model: the contents of the table of snn/abi.h and of the C header, read from the declarations.

#ifndef SNN_COMPILER_EMIT_MODELINTERFACE_H
#define SNN_COMPILER_EMIT_MODELINTERFACE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "snn/abi.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace snn {

/// snn_tensor_info; see there for the meaning of each field.
struct TensorInfo {
  std::string name;
  snn_dtype dtype = SNN_DTYPE_F32;
  llvm::SmallVector<int64_t> shape;
  /// Parameters, buffers and states only.
  llvm::SmallVector<int64_t> strides;
  int64_t offset = 0;
  snn_init init = SNN_INIT_CONSTANT;
  /// Outputs only.
  bool differentiable = false;
  double low = 0, high = 0;
};

/// snn_hyper_info.
struct HyperInfo {
  std::string name;
  double value = 0;
  double low = 0, high = 0;
  bool belowHigh = false;
};

/// The exported function.
inline std::string querySymbolOf(llvm::StringRef model) { return (model + "_snn_query").str(); }

/// The table, an internal global of the LLVM dialect, in the module of a target.
inline constexpr llvm::StringLiteral kTable = "snn_table";

struct ModelInterface {
  std::string name;
  uint64_t hash = 0;
  snn_dtype precision = SNN_DTYPE_F32;
  /// -1: up to maxSteps.
  int64_t steps = 1, maxSteps = 1, window = 0;
  bool random = false; ///< draws random numbers
  int64_t classes = 0, batch = 1, epochs = 1;
  std::vector<TensorInfo> parameters, buffers, constants, inputs, outputs, states;
  std::vector<HyperInfo> hyper;
  int64_t parameterBytes = 0, bufferBytes = 0, optimizerBytes = 0, stateBytes = 0;

  /// Reads the declarations. Fails, with a diagnostic, if there is no snn.model or it has no hash.
  static mlir::FailureOr<ModelInterface> of(mlir::ModuleOp module);
};

} // namespace snn

#endif // SNN_COMPILER_EMIT_MODELINTERFACE_H
