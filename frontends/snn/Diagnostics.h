// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Errors and warnings about a model's text: their table, how they are collected, and how they are shown.

#ifndef SNN_FRONTENDS_SNN_DIAGNOSTICS_H
#define SNN_FRONTENDS_SNN_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
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
  X(ForeignSyntax, "foreign-syntax")                                                                                   \
  X(NameTooLong, "name-too-long")                                                                                      \
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
  X(NotConstant, "not-constant")                                                                                       \
  X(NotFinite, "not-finite")                                                                                           \
  X(DivisionByZero, "division-by-zero")                                                                                \
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
  X(UnknownAxis, "unknown-axis")                                                                                       \
  X(MissingAxis, "missing-axis")                                                                                       \
  X(AxisLeft, "axis-left")                                                                                             \
  X(NotBits, "not-bits")                                                                                               \
  X(NoCoordinate, "no-coordinate")                                                                                     \
  X(InputCount, "input-count")                                                                                         \
  X(ResultCount, "result-count")                                                                                       \
  X(CallsItself, "calls-itself")                                                                                       \
  X(NotAnOption, "not-an-option")                                                                                      \
  X(Unused, "unused")                                                                                                  \
  X(ConstantState, "constant-state")                                                                                   \
  X(Clamped, "clamped")                                                                                                \
  X(NeverFires, "never-fires")                                                                                         \
  X(WindowSteps, "window-steps")                                                                                       \
  X(LeftOut, "left-out")

namespace snn::frontend {

enum class DiagId {
#define X(enumerator, id) enumerator,
  SNN_DIAGNOSTICS(X)
#undef X
};

/// The name in brackets after a message, by which a diagnostic is looked up.
llvm::StringRef idOf(DiagId id);

/// Collects diagnostics. After limits::kErrors errors, or as many warnings, the rest of that kind is dropped.
class Diagnostics {
public:
  /// What is an alias for `standard` is one here too.
  explicit Diagnostics(llvm::SourceMgr &sources, const Diagnostics *standard = nullptr)
      : sources(sources), standard(standard) {}

  /// An error at `where`; an invalid range stands for the command line.
  void error(DiagId id, llvm::SMRange where, const llvm::Twine &message);
  /// Something that is allowed and most likely not meant.
  void warning(DiagId id, llvm::SMRange where, const llvm::Twine &message);
  /// Adds to the last error or warning.
  void note(llvm::SMRange where, const llvm::Twine &message);

  /// From now on, `spelling` is a way to say `meant`. Upper and lower case do not count.
  void addAlias(llvm::StringRef spelling, llvm::StringRef meant);
  /// The candidate for which `found` is an alias, or which is nearest to it; empty if none is near. Case and a leading
  /// path ("nn.Flatten") do not count.
  llvm::StringRef nearest(llvm::StringRef found, llvm::ArrayRef<llvm::StringRef> candidates) const;
  /// "; did you mean 'x'?" with the nearest candidate, or "".
  std::string didYouMean(llvm::StringRef found, llvm::ArrayRef<llvm::StringRef> candidates) const;

  /// Whether `check` reports no error; what it reports is forgotten.
  bool isSilent(llvm::function_ref<void()> check);
  bool hasErrors() const { return errors > 0; }
  bool full() const;
  /// Writes everything, in the order of the text; with colours if `os` has them. Parts of the text are written as they
  /// are: a stream to a terminal must be one that lets only printable characters pass.
  void render(llvm::raw_ostream &os) const;

  llvm::SourceMgr &sources;

private:
  using Kind = llvm::SourceMgr::DiagKind;
  struct Entry {
    Kind kind;
    llvm::SMRange where;
    std::string message;
  };
  void add(Kind kind, DiagId id, unsigned &count, llvm::SMRange where, const llvm::Twine &message);
  void show(llvm::raw_ostream &os, const Entry &entry, bool withLine) const;

  const Diagnostics *standard;
  std::vector<std::vector<Entry>> groups;                         ///< an error or a warning, and its notes
  llvm::StringMap<llvm::SmallVector<llvm::StringRef, 1>> aliases; ///< what a spelling in lower case may mean
  unsigned errors = 0, warnings = 0;
  bool dropped = false; ///< what came last is not shown, nor are its notes
};

/// `text`, cut in the middle if it is long.
std::string shortened(llvm::StringRef text);

/// "a, b and c"; of many, the first ones and how many more there are.
std::string listOf(llvm::ArrayRef<llvm::StringRef> words);

/// The shortest decimal text that reads as `value`.
std::string numberText(double value);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_DIAGNOSTICS_H
