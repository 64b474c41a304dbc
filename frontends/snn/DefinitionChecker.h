// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of definitions: names, types and axes. The rules are in README.md.

#ifndef SNN_FRONTENDS_SNN_DEFINITIONCHECKER_H
#define SNN_FRONTENDS_SNN_DEFINITIONCHECKER_H

#include "frontends/snn/Evaluate.h"
#include "frontends/snn/NeuronFlow.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace snn::frontend {

/// Functions of the language; those that have an equation are definitions instead.
struct BuiltinInfo {
  enum class Form { Pointwise, Fold, FoldOrPointwise, Winner, Detach, Attached, Fire, Classes, Members, Random };
  llvm::StringRef name;
  Form form;
  unsigned arity; ///< values without a name; of FoldOrPointwise those without `over`
  llvm::StringRef example;
};
const BuiltinInfo *findBuiltin(llvm::StringRef name);
llvm::ArrayRef<BuiltinInfo> builtins();

/// Checks each definition by itself, and each `def` once more in every place that uses it, with the types it has there.
class DefinitionChecker {
public:
  /// `standard` has checked all definitions that are known before.
  explicit DefinitionChecker(Evaluator &evaluator, const DefinitionChecker *standard = nullptr)
      : evaluator(evaluator), diagnostics(evaluator.diagnostics), standard(standard) {
    evaluator.checkFunction = [this](const Definition &def, const Expr &call, DefinitionKind user) {
      return isFunction(def, call, user);
    };
  }

  /// The definitions of a file, which may use those of the files before it. Those without an error are in the costs of
  /// the evaluator then.
  void run(const SourceFile &file);
  /// Whether a loss or a metric is right where these of its inputs `label` and `target` are over time, and others not.
  bool accepts(const Definition &definition, llvm::ArrayRef<llvm::StringRef> overTime);

private:
  using Flow = NeuronFlow;

  /// A body that is being checked.
  struct Frame {
    const Definition *definition = nullptr;
    DefinitionKind root = DefinitionKind::Def; ///< what the body is part of in the end; Def if that is not known
    Flow flow;
    llvm::SmallVector<std::pair<Name, ValueType>> where;           ///< names of the line's `where`
    std::map<llvm::StringRef, std::vector<llvm::StringRef>> words; ///< of options
    std::optional<ValueType> result;
    llvm::SMRange resultRange;
    std::map<llvm::StringRef, llvm::SMRange> derivatives; ///< by the input that they are of
    std::optional<llvm::SMRange> soft;
    unsigned outputs = 0; ///< `spike`, `value` and `next` lines before this one, on the path to it
    llvm::SMRange firstOutput;
    std::optional<Statement::Kind> outputKind;
    bool inDerivative = false;
    bool graded = false; ///< part of a neuron whose spikes have a factor
    size_t statements = 0;
    /// Of a line in a layer, in its order; `seen` are those that may be used where the checks are.
    llvm::SmallVector<llvm::StringRef> indices;
    AxisSet seen;
    unsigned reductions = 0; ///< around what is checked
  };

  /// What is known of a definition after it was checked by itself.
  struct Outcome {
    enum class Progress { Active, Done };
    Progress progress = Progress::Active;
    bool valid = true;
    uint64_t cost = 0; ///< operations, with those of what it calls
  };

  // Files and signatures (DefinitionChecks.cpp).
  void collect(const SourceFile &file);
  bool isOtherLayer(DefinitionKind kind, llvm::StringRef name) const;
  bool addOverload(const Definition &definition);
  const Definition *find(DefinitionKind kind, llvm::StringRef name) const { return evaluator.find(kind, name); }
  const Outcome *outcomeOf(const Definition &definition) const {
    auto it = outcomes.find(&definition);
    return it != outcomes.end() ? it->second.get() : standard ? standard->outcomeOf(definition) : nullptr;
  }
  /// Checks a definition by itself, if that was not done yet.
  const Outcome &check(const Definition &definition);
  /// ... where a loss or a metric may read labels and targets over time, or not, or both.
  void checkReader(const Definition &definition);
  void checkInputs();
  ValueType inputType(size_t index) const;
  void checkParameter(const NeuronParam &param);
  std::optional<Flow::Entry> parameterEntry(const NeuronParam &param);
  std::vector<llvm::StringRef> checkOptions(const Expr &call);
  void checkInterval(const NeuronParam &param);
  /// A surrogate's name, or a call of one with numbers.
  bool checkSurrogate(const Expr &expr);
  void define(const Name &name, Flow::Entry entry);

  // Lines of a body (BodyChecks.cpp).
  void checkBody();
  void checkLines(const Statements &body, bool top);
  bool belongs(const Statement &statement);
  void checkState(const Statement &statement, bool top);
  void checkFixed(const Statement &statement, bool top);
  void checkAssign(const Statement &statement);
  void checkOutput(const Statement &statement);
  void checkResult(const Statement &statement);
  void checkDerivative(const Statement &statement);
  void checkIf(const Statement &statement);
  size_t checkCondition(const Branch &branch);
  size_t checkOptionTest(const Name &option, const Name &word);
  bool isOption(llvm::StringRef name);
  void checkEnd();

  // Expressions (ExpressionChecks.cpp); all of them give values, or unknown after an error.
  ValueType typeOf(const Expr &expr);
  ValueType typeOfName(const Expr &expr);
  ValueType unknownName(const Expr &expr);
  ValueType typeOfOperation(const Expr &expr);
  ValueType typeOfPower(const Expr &expr);
  ValueType typeOfChoice(const Expr &expr);
  ValueType typeOfWhere(const Expr &expr);
  ValueType typeOfAt(const Expr &expr);
  ValueType typeOfElement(const Expr &expr);

  // Arrays of layers (LayerChecks.cpp).
  void checkExtents();
  void checkArray(const Statement &statement);
  void checkElements(const Statement &statement);
  void checkLayerValue(const Statement &statement);
  bool checkNumber(const Expr &expr);
  std::optional<Axis> addIndex(const Expr &place);
  std::optional<Axis> addLanding(const Expr &place);
  std::optional<Axis> addAxis(llvm::StringRef name, llvm::SMRange where);
  void checkLandings(const Statement &statement, unsigned first);
  std::optional<Axis> indexNamed(llvm::StringRef name) const;
  AxisSet checkPlaces(const Flow::Entry &array, const Expr &read);
  AxisSet checkPlace(const Expr &place);
  ValueType typeOfRead(const Expr &expr);
  ValueType typeOfOr(const Expr &expr);
  std::optional<AxisSet> addAxesOf(const Argument &over, llvm::StringRef function);

  // Calls (CallChecks.cpp).
  ValueType typeOfCall(const Expr &expr);
  ValueType typeOfBuiltin(const BuiltinInfo &info, const Expr &expr);
  ValueType typeOfReduction(const BuiltinInfo &info, const Expr &expr, const Argument &over);
  ValueType typeOfLayer(const Expr &expr);
  ValueType typeOfDef(const Definition &def, const Expr &expr);
  bool checkWord(const NeuronParam &param, const Argument &argument);
  /// The text of a def with these types of inputs and parameters.
  ValueType typeOfText(const Definition &def, llvm::SMRange use, llvm::ArrayRef<ValueType> types);
  bool isFunction(const Definition &def, const Expr &call, DefinitionKind user);
  ValueType typeOfFunction(const Expr &expr);
  ValueType unknownFunction(const Expr &expr);
  std::optional<AxisSet> axesOf(const Argument &over, llvm::StringRef function);
  bool isHere(const BuiltinInfo &info, const Expr &expr);

  /// Reports an error in the current frame, with the uses that led there. One that a use of a `def` finds is reported
  /// once, however many uses find it.
  void error(DiagId id, llvm::SMRange where, const llvm::Twine &message);
  /// "a loss", "an optimizer"
  static std::string article(DefinitionKind kind);

  Evaluator &evaluator;
  Diagnostics &diagnostics;
  const DefinitionChecker *standard;
  llvm::DenseMap<const Definition *, std::unique_ptr<Outcome>> outcomes;
  Frame *frame = nullptr;
  llvm::SMRange overSteps;    ///< of a line in a layer, with what it calls: what goes over time, if anything does
  Outcome *outcome = nullptr; ///< of the definition that is being checked by itself
  llvm::SmallVector<std::pair<llvm::SMRange, llvm::StringRef>> uses; ///< of defs, that led to the frame
  llvm::ArrayRef<llvm::StringRef> overTime; ///< those inputs `label` and `target` of what is checked
  llvm::DenseSet<const char *> reported;    ///< places of errors that uses found
  unsigned depth = 0;                       ///< of typeOf
  uint64_t total = 0;                       ///< operations of the file so far
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_DEFINITIONCHECKER_H
