// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The upper limits of what a model's text may ask for, in one place. All of them are checked before anything is built.

#ifndef SNN_FRONTENDS_SNN_LIMITS_H
#define SNN_FRONTENDS_SNN_LIMITS_H

#include <cstddef>
#include <cstdint>

namespace snn::frontend::limits {

inline constexpr size_t kFileBytes = size_t(1) << 20;
inline constexpr unsigned kNesting = 128;      ///< of expressions, and of blocks
inline constexpr unsigned kErrors = 20;        ///< reported in one run; the same for warnings
inline constexpr size_t kNameCharacters = 100; ///< a model's name and "_snn_query" fit into the library's note
inline constexpr size_t kParams = 4096;        ///< `param` lines
inline constexpr size_t kAliases = 4096;       ///< spellings of all `alias` lines
inline constexpr size_t kLayers = 1024;        ///< and `from` lines, with those of blocks; the same for `let` lines
inline constexpr size_t kBlocks = 64;          ///< around one another
inline constexpr size_t kNeuronParams = 256;
inline constexpr size_t kDefinitions = 4096;  ///< in a file, and again in the standard ones
inline constexpr size_t kInputs = 16;         ///< of a definition; targets and labels of a model
inline constexpr size_t kClassNumbers = 1024; ///< of a parameter that has one for each class
inline constexpr unsigned kDepth = 1024;      ///< levels of an expression, with those of the definitions that it calls
inline constexpr uint64_t kInlined = uint64_t(1) << 16;     ///< operations of a definition with all that it calls
inline constexpr uint64_t kInlinedFile = uint64_t(1) << 22; ///< of all definitions of a file
inline constexpr uint64_t kOperations = uint64_t(1) << 20;  ///< of all that a model uses: layers, losses, ...
inline constexpr size_t kWhere = 64;                        ///< names behind one `where`
inline constexpr size_t kWords = 256;                       ///< of an option
inline constexpr size_t kStatements = 1024;                 ///< in a neuron, with the branches of `if`
inline constexpr size_t kRank = 8;                          ///< extents of an input
inline constexpr int64_t kSampleElements = int64_t(1) << 24;
inline constexpr int64_t kLineElements = int64_t(1) << 21; ///< of an array that a line of a layer computes
inline constexpr size_t kExtents = 8;                      ///< of one
inline constexpr int64_t kNeurons = int64_t(1) << 20;      ///< per layer, and therefore classes
inline constexpr int64_t kWeightElements = int64_t(1) << 31;
inline constexpr int64_t kSteps = int64_t(1) << 20;
inline constexpr int64_t kBatch = int64_t(1) << 20;
inline constexpr int64_t kEpochs = int64_t(1) << 20;

} // namespace snn::frontend::limits

#endif // SNN_FRONTENDS_SNN_LIMITS_H
