// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is known when a model is compiled: numbers, surrogates, and which argument goes where.

#ifndef SNN_FRONTENDS_SNN_EVALUATE_H
#define SNN_FRONTENDS_SNN_EVALUATE_H

#include "frontends/snn/Checked.h"
#include "frontends/snn/Diagnostics.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace snn::frontend {

/// The value of an expression of numbers alone, or nothing; reports no errors.
std::optional<double> foldNumber(const Expr &expr);
/// The same, where names stand for `params`.
std::optional<double> foldNumber(const Expr &expr, const llvm::StringMap<double> &params);

/// Whether a parameter is one of several words.
inline bool isOption(const NeuronParam &param) {
  return param.value && param.value->kind == Expr::Kind::Call && param.value->name == "one_of";
}

/// `option == word` or `option != word`, decided by the word that an option has (empty for what is none); nothing for
/// other expressions.
std::optional<bool> testOption(const Expr &expr, llvm::function_ref<llvm::StringRef(llvm::StringRef)> wordOf);

/// An operation on numbers, of comparisons 0 or 1. A negation looks at `a` alone.
double applyOperator(Operator op, double a, double b);
/// A pointwise function of the language, of as many numbers as it takes.
double applyFunction(llvm::StringRef name, llvm::ArrayRef<double> x);

/// Evaluates what must be constant. All functions report errors and return nothing on one.
class Evaluator {
public:
  explicit Evaluator(Diagnostics &diagnostics) : diagnostics(diagnostics) {}
  /// That of a file which sees the definitions of `standard`.
  Evaluator(Diagnostics &diagnostics, const Evaluator &standard)
      : definitions(standard.definitions), overloads(standard.overloads), costs(standard.costs),
        diagnostics(diagnostics) {}

  llvm::StringMap<double> params; ///< of the file, which expressions may use by name
  llvm::StringSet<> usedParams;   ///< those that one of them did use
  int64_t steps = 1;              ///< of the model, at most

  /// By kind and name.
  DefinitionTable definitions;
  /// Of a layer: the next one of its name, for an input of another number of extents.
  llvm::DenseMap<const Definition *, const Definition *> overloads;
  /// Of definitions without an error: operations, with those of all that they call.
  llvm::DenseMap<const Definition *, uint64_t> costs;
  bool isValid(const Definition &definition) const { return costs.contains(&definition); }
  /// Reports at a use of a definition that the model has too many operations with it.
  bool spend(const Definition &definition, const Expr &use);
  llvm::StringMap<const BlockDecl *> blocks;
  const Definition *find(DefinitionKind kind, llvm::StringRef name) const;
  llvm::SmallVector<llvm::StringRef> namesOf(DefinitionKind kind) const;
  /// The spellings of the file's `alias` lines.
  void addAliases(const SourceFile &file);

  /// The value of what `number` takes, reporting nothing.
  std::optional<double> quietNumber(const Expr &expr) const;
  /// A number that fits into f32.
  std::optional<double> number(const Expr &expr);
  /// An integer from `low` to `high`; `what` names it in messages.
  std::optional<int64_t> integer(const Expr &expr, llvm::StringRef what, int64_t low, int64_t high);
  /// A name, or a call with numbers: `atan(alpha = 2)`
  std::optional<SurrogateValue> surrogate(const Expr &expr);
  /// The same of a def of one input, for a parameter that is a function, of a neuron or a layer.
  std::optional<SurrogateValue> function(const Expr &expr, DefinitionKind user);
  bool isFunction(const Expr &expr) const;
  /// Whether the text of a def is right at a value of each neuron, or of each element of a layer; reports what is not.
  std::function<bool(const Definition &def, const Expr &call, DefinitionKind user)> checkFunction;

  /// One of the words of an option.
  std::optional<llvm::StringRef> word(const Argument &argument, llvm::StringRef option,
                                      llvm::ArrayRef<llvm::StringRef> words);

  /// Reports a number in a place where the parameter's range holds. A range that is wrong itself has been reported.
  bool isInRange(const NeuronParam &param, const Expr &value);

  /// The argument for each formal, null where the call has none. A bare name is a call without arguments.
  std::optional<std::vector<const Argument *>> bind(const Expr &call, llvm::ArrayRef<llvm::StringRef> formals);
  /// Reports `learn` and `each` where they make no sense.
  bool isPlain(const Argument &argument);

  /// Reports a second definition of `name` among `known`, and words of the language.
  bool isNew(const Name &name, llvm::StringMap<llvm::SMRange> &known, llvm::StringRef what);

  Diagnostics &diagnostics;

private:
  std::optional<SurrogateValue> withNumbers(const Definition &definition, const Expr &call);
  std::string hintForArgument(const Argument &argument, llvm::ArrayRef<llvm::StringRef> formals);
  std::optional<double> fold(const Expr &expr);

  uint64_t spent = 0; ///< operations of the definitions that the model has used so far
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_EVALUATE_H
