// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What passes say about their choices to those who ask (snnc --remarks): MLIR's remarks, in categories of ours.

#ifndef SNN_COMPILER_REMARKS_REMARKS_H
#define SNN_COMPILER_REMARKS_REMARKS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"

namespace snn::remarks {

/// What a filter matches. README.md says which passes speak of what.
inline constexpr llvm::StringLiteral kSpikes = "spikes", kWindows = "windows", kFusion = "fusion", kKernels = "kernels",
                                     kSums = "sums", kPhases = "phases", kViews = "views", kScans = "scans",
                                     kChunks = "chunks", kMemory = "memory";

/// Takes text (`<<`), then `because`, then mlir::remark::metric of whole numbers whose keys are units, as
/// "multiply-adds" or "bytes". False if nobody asks: what is costly to say is found out after looking.
using Remark = mlir::remark::detail::InFlightRemark;

/// A remark at the place of `op`, about the function that it is in, or is. `name` is the choice in a word; all three
/// strings must live as long as the remark is in flight.
Remark chosen(mlir::Operation *op, llvm::StringRef category, llvm::StringRef name);
/// The same where something that is usually better was not possible: the reason says why.
Remark missed(mlir::Operation *op, llvm::StringRef category, llvm::StringRef name);
/// The same about what was found, where there was nothing to choose.
Remark noted(mlir::Operation *op, llvm::StringRef category, llvm::StringRef name);

inline mlir::remark::detail::Remark::Arg because(llvm::StringRef reason) { return {"Reason", reason}; }

/// The line of a location, "line 12"; what it prints if it is not in a file.
std::string lineOf(mlir::Location location);

/// "3 maps", "1 map".
std::string counted(int64_t number, llvm::StringRef noun);

/// "409,600".
std::string withCommas(int64_t number);

} // namespace snn::remarks

#endif // SNN_COMPILER_REMARKS_REMARKS_H
