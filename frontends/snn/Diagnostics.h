// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Errors in a model's text: their table, how they are collected, and how they are shown.

#ifndef SNN_FRONTENDS_SNN_DIAGNOSTICS_H
#define SNN_FRONTENDS_SNN_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"

#include <string>
#include <vector>

/// X(enumerator, id). Each has a test in test/Frontend that shows it.
#define SNN_DIAGNOSTICS(X)                                                                                             \
  X(FileTooLarge, "file-too-large")                                                                                    \
  X(InvalidCharacter, "invalid-character")                                                                             \
  X(InvalidNumber, "invalid-number")                                                                                   \
  X(MissingHeader, "missing-header")                                                                                   \
  X(UnsupportedVersion, "unsupported-version")                                                                         \
  X(Syntax, "syntax")                                                                                                  \
  X(TooDeep, "too-deep")                                                                                               \
  X(Redefinition, "redefinition")                                                                                      \
  X(ReservedName, "reserved-name")                                                                                     \
  X(UnknownDefine, "unknown-define")                                                                                   \
  X(InvalidDefine, "invalid-define")                                                                                   \
  X(UnknownName, "unknown-name")                                                                                       \
  X(UnknownFunction, "unknown-function")                                                                               \
  X(UnknownLayer, "unknown-layer")                                                                                     \
  X(UnknownArgument, "unknown-argument")                                                                               \
  X(UnknownSurrogate, "unknown-surrogate")                                                                             \
  X(UnknownWord, "unknown-word")                                                                                       \
  X(UnknownType, "unknown-type")                                                                                       \
  X(UnknownField, "unknown-field")                                                                                     \
  X(UnknownLoss, "unknown-loss")                                                                                       \
  X(UnknownOptimizer, "unknown-optimizer")                                                                             \
  X(MissingArgument, "missing-argument")                                                                               \
  X(TooManyArguments, "too-many-arguments")                                                                            \
  X(WrongArgument, "wrong-argument")                                                                                   \
  X(EachWithoutLearn, "each-without-learn")                                                                            \
  X(NotConstant, "not-constant")                                                                                       \
  X(NotFinite, "not-finite")                                                                                           \
  X(OutOfRange, "out-of-range")                                                                                        \
  X(MissingModel, "missing-model")                                                                                     \
  X(MissingInput, "missing-input")                                                                                     \
  X(MissingSteps, "missing-steps")                                                                                     \
  X(MissingNeuron, "missing-neuron")                                                                                   \
  X(Misplaced, "misplaced")                                                                                            \
  X(NotFlat, "not-flat")                                                                                               \
  X(PopulationMismatch, "population-mismatch")                                                                         \
  X(TooLarge, "too-large")                                                                                             \
  X(NotAssignable, "not-assignable")                                                                                   \
  X(NotASpike, "not-a-spike")                                                                                          \
  X(SpikeCount, "spike-count")                                                                                         \
  X(NotAnOption, "not-an-option")

namespace snn::frontend {

enum class DiagId {
#define X(enumerator, id) enumerator,
  SNN_DIAGNOSTICS(X)
#undef X
};

/// The name in brackets after a message, by which a diagnostic is looked up.
llvm::StringRef idOf(DiagId id);

/// Collects diagnostics. After limits::kErrors of them the rest is dropped.
class Diagnostics {
public:
  explicit Diagnostics(llvm::SourceMgr &sources) : sources(sources) {}

  /// An error at `where`; an invalid range stands for the command line.
  void error(DiagId id, llvm::SMRange where, const llvm::Twine &message);
  /// Adds to the last error.
  void note(llvm::SMRange where, const llvm::Twine &message);

  bool hasErrors() const { return errors > 0; }
  bool full() const;
  /// Writes everything, in the order of the text.
  void render(llvm::raw_ostream &os) const;

  llvm::SourceMgr &sources;

private:
  struct Entry {
    llvm::SMRange where;
    std::string message;
  };
  void show(llvm::raw_ostream &os, const Entry &entry, llvm::SourceMgr::DiagKind kind) const;

  std::vector<std::vector<Entry>> groups; ///< an error and its notes
  unsigned errors = 0;
};

/// "; did you mean 'x'?" with the candidate that is nearest to `found`, or "" if none is near.
std::string didYouMean(llvm::StringRef found, llvm::ArrayRef<llvm::StringRef> candidates);

/// "a, b and c"
std::string listOf(llvm::ArrayRef<llvm::StringRef> words);

/// The shortest decimal text that reads as `value`.
std::string numberText(double value);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_DIAGNOSTICS_H
