// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of surrogates: one entry makes a surrogate known to checks, printer and importer.

#ifndef SNN_FRONTENDS_SNN_SURROGATES_H
#define SNN_FRONTENDS_SNN_SURROGATES_H

#include "frontends/snn/Checked.h"

#include "mlir/IR/Attributes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/ArrayRef.h"

namespace snn::frontend {

struct SurrogateInfo {
  struct Number {
    llvm::StringRef name;
    double byDefault;
    bool positive; ///< must be above 0
  };
  llvm::StringRef name;
  std::vector<Number> numbers;
  /// The dialect's attribute; `values` has one element for each of `numbers`.
  mlir::Attribute (*build)(mlir::MLIRContext *context, llvm::ArrayRef<double> values);
};

/// All surrogates, with snnTorch's names and defaults.
llvm::ArrayRef<SurrogateInfo> surrogates();

/// By name or alias; null if there is none.
const SurrogateInfo *findSurrogate(llvm::StringRef name);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_SURROGATES_H
