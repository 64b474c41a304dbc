// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of neuron definitions.

#include "frontends/snn/NeuronChecks.h"

#include "frontends/snn/Limits.h"
#include "frontends/snn/NeuronFlow.h"
#include "frontends/snn/Parser.h"
#include "frontends/snn/Surrogates.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace snn::frontend {
namespace {

class NeuronChecker {
public:
  NeuronChecker(CheckedNeuron &neuron, Evaluator &evaluator)
      : neuron(neuron), decl(*neuron.decl), evaluator(evaluator), diagnostics(evaluator.diagnostics) {}

  void run() {
    neuron.valid = decl.valid;
    if (decl.params.size() > limits::kNeuronParams)
      return error(DiagId::TooLarge, decl.params[limits::kNeuronParams].name.range,
                   "neuron '" + decl.name.text + "' has " + Twine(decl.params.size()) + " parameters, but at most " +
                       Twine(limits::kNeuronParams) + " are possible");
    collectAssigned(decl.body);
    define(decl.inputs.front(), Kind::Input);
    for (const NeuronParam &param : decl.params)
      checkParam(param);
    checkStatements(decl.body, /*top=*/true);
    if (spikes == 0 && decl.valid && !tooLarge)
      error(DiagId::SpikeCount, decl.name.range,
            "neuron '" + decl.name.text + "' never says what it fires; expected 'spike fire(...)'");
    if (neuron.valid && !neuron.prelude)
      warnOfUnused();
  }

private:
  using Kind = NeuronFlow::Kind;
  enum class Type { Real, Spike, Unknown };

  void error(DiagId id, SMRange where, const Twine &message) {
    diagnostics.error(id, where, message);
    neuron.valid = false;
  }

  void define(const Name &name, Kind kind) {
    if (isReservedWord(name.text))
      error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
    if (std::optional<SMRange> first = definitionOf(name.text, /*onSomePath=*/true)) {
      redefined(name, *first);
      if (flow.find(name.text))
        return;
    }
    flow.set(name.text, {kind, name.range, {}});
  }

  /// Where the name was defined on each path to here, or on some.
  std::optional<SMRange> definitionOf(StringRef name, bool onSomePath) {
    if (const NeuronFlow::Entry *entry = flow.find(name))
      return entry->range;
    if (auto assignment = flow.assignedAt(name); onSomePath && assignment)
      return assignment;
    return flow.fixedAt(name);
  }

  void redefined(const Name &name, SMRange first) {
    error(DiagId::Redefinition, name.range, "'" + name.text + "' is defined twice");
    diagnostics.note(first, "first defined here");
  }

  void checkParam(const NeuronParam &decl) {
    CheckedParam param;
    param.name = decl.name;
    const Expr &value = *decl.value;
    bool valid = true;
    if (value.kind == Expr::Kind::Call && value.name == "one_of") {
      param.kind = ParamKind::Option;
      valid = checkWords(value, param.words);
      if (valid)
        param.byDefault.word = param.words.front().str();
    } else if ((value.kind == Expr::Kind::Name && !evaluator.params.contains(value.name) && isLikeSurrogate(value)) ||
               (value.kind == Expr::Kind::Call && value.name != "exp")) {
      param.kind = ParamKind::Surrogate;
      auto surrogate = evaluator.surrogate(value);
      if ((valid = surrogate.has_value()))
        param.byDefault.surrogate = *surrogate;
    } else {
      auto number = evaluator.number(value);
      if ((valid = number.has_value()))
        param.byDefault.number = *number;
    }
    neuron.valid &= valid;
    define(decl.name, param.kind == ParamKind::Option      ? Kind::Option
                      : param.kind == ParamKind::Surrogate ? Kind::Surrogate
                                                           : Kind::Number);
    neuron.paramIndex.try_emplace(param.name.text, neuron.params.size());
    neuron.params.push_back(std::move(param));
  }

  /// A surrogate, or what is more likely a misspelt one than a misspelt param.
  bool isLikeSurrogate(const Expr &name) {
    SmallVector<StringRef> known;
    for (const SurrogateInfo &info : surrogates())
      known.push_back(info.name);
    return findSurrogate(name.name) || !diagnostics.nearest(name.name, known).empty();
  }

  bool checkWords(const Expr &call, std::vector<StringRef> &words) {
    if (call.args.size() > limits::kWords) {
      diagnostics.error(DiagId::TooLarge, call.args[limits::kWords].range,
                        "'one_of' has " + Twine(call.args.size()) + " words, but at most " + Twine(limits::kWords) +
                            " are possible");
      return false;
    }
    for (const Argument &arg : call.args) {
      if (!arg.name.text.empty() || arg.learn || arg.each || arg.value->kind != Expr::Kind::Name ||
          arg.value->name.contains('.')) {
        diagnostics.error(DiagId::WrongArgument, arg.range, "expected a word, as in 'one_of(subtract, zero)'");
        return false;
      }
      if (is_contained(words, arg.value->name)) {
        diagnostics.error(DiagId::Redefinition, arg.range, "'" + arg.value->name + "' is given twice");
        return false;
      }
      words.push_back(arg.value->name);
    }
    if (!words.empty())
      return true;
    diagnostics.error(DiagId::MissingArgument, call.range, "'one_of' needs at least one word");
    return false;
  }

  void checkStatements(const Statements &body, bool top) {
    for (const Statement &statement : body) {
      if (diagnostics.full())
        return;
      if ((statements += 1 + statement.branches.size()) > limits::kStatements) {
        if (!std::exchange(tooLarge, true))
          error(DiagId::TooLarge, statement.range,
                "neuron '" + decl.name.text + "' has more than " + Twine(limits::kStatements) + " statements");
        return;
      }
      switch (statement.kind) {
      case Statement::Kind::State:
        checkState(statement, top);
        break;
      case Statement::Kind::Fixed:
        checkFixed(statement, top);
        break;
      case Statement::Kind::Assign:
        checkAssign(statement);
        break;
      case Statement::Kind::Spike:
        checkSpike(statement);
        break;
      case Statement::Kind::If:
        checkIf(statement);
        break;
      default:
        llvm_unreachable("a statement of definitions");
      }
    }
  }

  void checkState(const Statement &statement, bool top) {
    if (!top)
      error(DiagId::Misplaced, statement.range, "a state cannot depend on an option; declare it outside of 'if'");
    define(statement.name, Kind::State);
    auto rest = evaluator.number(*statement.value);
    if (!rest)
      neuron.valid = false;
    neuron.states.push_back({statement.name, rest.value_or(0)});
  }

  /// Its symbol stands beside those of parameters and states, so it shares their names.
  void checkFixed(const Statement &statement, bool top) {
    const Name &name = statement.name;
    if (isReservedWord(name.text))
      error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
    if (std::optional<SMRange> first = definitionOf(name.text, /*onSomePath=*/top))
      redefined(name, *first);
    else
      flow.fix(name.text, name.range);
    auto value = evaluator.number(*statement.value);
    if (!value)
      neuron.valid = false;
    neuron.fixed[&statement] = value.value_or(0);
  }

  void checkAssign(const Statement &statement) {
    const Name &name = statement.name;
    target = name.text;
    Type type = check(*statement.value);
    target = "";
    if (isReservedWord(name.text))
      return error(DiagId::NotAssignable, name.range,
                   "'" + name.text + "' is a word of the language" +
                       (name.text == "fired" ? ", for the spike of the step before" : "") + "; use another name");
    if (auto constant = flow.fixedAt(name.text)) {
      error(DiagId::NotAssignable, name.range,
            "'" + name.text + "' is a constant of the checkpoint and cannot be assigned; use another name");
      return diagnostics.note(*constant, "defined here");
    }
    flow.noteAssignment(name.text, name.range);
    Kind kind = type == Type::Spike ? Kind::LocalSpike : Kind::Local;
    const NeuronFlow::Entry *entry = flow.find(name.text);
    if (!entry)
      return flow.set(name.text, {kind, name.range, {}});
    if (entry->kind == Kind::State)
      return;
    if (entry->kind != Kind::Local && entry->kind != Kind::LocalSpike) {
      error(DiagId::NotAssignable, name.range,
            "'" + name.text + "' is the neuron's " + (entry->kind == Kind::Input ? "input" : "parameter") +
                " and cannot be assigned; use another name");
      return diagnostics.note(entry->range, "defined here");
    }
    flow.set(name.text, {kind, entry->range, {}});
  }

  void checkSpike(const Statement &statement) {
    if (check(*statement.value) == Type::Real)
      error(DiagId::NotASpike, statement.value->range,
            "expected 'fire(VALUE, SURROGATE)', such as 'spike fire(mem - threshold, surrogate)', or a name that "
            "stands for one; any other value has no surrogate");
    if (++spikes == 2) {
      error(DiagId::SpikeCount, statement.range,
            "a neuron has one output, but this is its second 'spike' statement; fire on one value, such as max(a, b)");
      diagnostics.note(firstSpike, "the first is here");
    } else if (spikes == 1) {
      firstSpike = statement.range;
    }
  }

  void checkIf(const Statement &statement) {
    unsigned before = spikes, after = 0, checked = 0;
    bool complete = false, differ = false;
    std::map<StringRef, StringSet<>> tested;
    flow.beginIf();
    for (const Branch &branch : statement.branches) {
      if (branch.option.text.empty()) {
        complete = true;
      } else if (const CheckedParam *option = checkCondition(branch)) {
        auto &words = tested[option->name.text];
        words.insert(branch.word.text);
        complete |= words.size() == option->words.size();
      }
      flow.beginBranch();
      checkStatements(branch.body, /*top=*/false);
      flow.endBranch();
      differ |= checked++ > 0 && spikes != after;
      after = std::max(after, spikes);
      spikes = before;
    }
    flow.endIf(complete);
    if (differ || (!complete && after != before))
      error(DiagId::SpikeCount, statement.range, "'spike' must stand in each branch of this 'if', or in none");
    spikes = std::max(after, before);
  }

  const CheckedParam *checkCondition(const Branch &branch) {
    SmallVector<StringRef> options;
    for (const CheckedParam &param : neuron.params) {
      if (param.kind != ParamKind::Option)
        continue;
      options.push_back(param.name.text);
      if (param.name.text != branch.option.text)
        continue;
      read.insert(param.name.text);
      if (is_contained(param.words, branch.word.text))
        return &param;
      if (param.words.empty())
        return nullptr;
      error(DiagId::UnknownWord, branch.word.range,
            "'" + param.name.text + "' is never '" + branch.word.text + "'" +
                diagnostics.didYouMean(branch.word.text, param.words));
      diagnostics.note(param.name.range, "it is one of " + listOf(param.words));
      return nullptr;
    }
    error(DiagId::NotAnOption, branch.option.range,
          "'" + branch.option.text +
              "' is no option; 'if' is decided when the model is compiled, by a parameter "
              "that is declared with 'one_of(...)'" +
              diagnostics.didYouMean(branch.option.text, options));
    return nullptr;
  }

  Type check(const Expr &expr) {
    switch (expr.kind) {
    case Expr::Kind::Number:
      if (!evaluator.number(expr))
        neuron.valid = false;
      return Type::Real;
    case Expr::Kind::Name:
      return checkName(expr);
    case Expr::Kind::Operation:
      for (const Argument &arg : expr.args)
        check(*arg.value);
      if (expr.op == Operator::Divide && isZero(expr.operand(1)))
        error(DiagId::DivisionByZero, expr.operand(1).range, "division by zero");
      return Type::Real;
    case Expr::Kind::Call:
      return checkCall(expr);
    case Expr::Kind::Tuple:
      error(DiagId::Syntax, expr.range, "expected one value, but found several");
      return Type::Unknown;
    default:
      llvm_unreachable("an expression of definitions");
    }
  }

  /// As f32 has it.
  static bool isZero(const Expr &expr) {
    auto number = foldNumber(expr);
    return number && static_cast<float>(*number) == 0;
  }

  Type checkName(const Expr &expr) {
    if (expr.name == "fired") // an assignment to it has been reported
      return assigned.count("fired") ? Type::Unknown : Type::Real;
    const NeuronFlow::Entry *entry = flow.find(expr.name);
    if (auto constant = flow.fixedAt(expr.name); !entry && constant) {
      error(DiagId::WrongArgument, expr.range,
            "'" + expr.name + "' is a constant of the checkpoint and has no value here; use a parameter");
      diagnostics.note(*constant, "defined here");
      return Type::Unknown;
    }
    if (!entry)
      return unknownName(expr);
    if (expr.name != target)
      read.insert(expr.name);
    switch (entry->kind) {
    case Kind::Option:
      error(DiagId::WrongArgument, expr.range,
            "'" + expr.name + "' is an option and has no value; use it as in 'if " + expr.name + " == WORD'");
      return Type::Unknown;
    case Kind::Surrogate:
      error(DiagId::WrongArgument, expr.range,
            "'" + expr.name + "' is a surrogate and has no value; use it as in 'fire(x, " + expr.name + ")'");
      return Type::Unknown;
    case Kind::LocalSpike:
      return Type::Spike;
    default:
      return Type::Real;
    }
  }

  Type unknownName(const Expr &expr) {
    if (diagnostics.full())
      return Type::Unknown;
    SmallVector<StringRef> known{"fired"};
    for (const auto &[name, entry] : flow.known())
      known.push_back(name);
    std::string hint = diagnostics.didYouMean(expr.name, known);
    if (flow.assignedAt(expr.name))
      hint = " on this path: a branch of an 'if' before it does not assign it; give it a value before the 'if', or "
             "in each branch";
    else if (assigned.count(expr.name))
      hint = ("; a value that is kept from one time step to the next is a state: add 'state " + expr.name +
              " = 0' at the top")
                 .str();
    else if (evaluator.params.contains(expr.name))
      hint = (" inside of a neuron, which sees no 'param' of the file; give it a parameter, 'neuron " + decl.name.text +
              "(" + decl.inputs.front().text + "; " + expr.name + " = 1, ...)', and pass the param in the model: '" +
              decl.name.text + "(" + expr.name + " = " + expr.name + ")'")
                 .str();
    else if (hint.empty())
      hint = "; parameters of a neuron stand behind the ';' in its parentheses, and states are declared with 'state'";
    error(DiagId::UnknownName, expr.range, "unknown name '" + expr.name + "'" + hint);
    return Type::Unknown;
  }

  Type checkCall(const Expr &expr) {
    const FunctionInfo *info = nullptr;
    SmallVector<StringRef> known;
    for (const FunctionInfo &function : functions()) {
      known.push_back(function.name);
      if (function.name == expr.name)
        info = &function;
    }
    auto [object, method] = expr.name.rsplit('.');
    if (!info && expr.args.empty() && is_contained(known, method) && flow.find(object)) {
      error(DiagId::UnknownFunction, expr.range, "there are no methods; write '" + method + "(" + object + ")'");
      return Type::Unknown;
    }
    if (auto *entry = flow.find(expr.name); !info && entry && entry->kind == Kind::Surrogate) {
      error(DiagId::UnknownFunction, expr.range,
            "'" + expr.name + "' is a surrogate and no function; write 'fire(VALUE, " + expr.name + ")'");
      return Type::Unknown;
    }
    if (!info && is_contained(known, method)) {
      error(DiagId::UnknownFunction, expr.range, "functions stand in no module; write '" + method + "'");
      return Type::Unknown;
    }
    if (!info) {
      StringRef name = expr.name.substr(expr.name.rfind('.') + 1); // npos + 1 is 0
      error(DiagId::UnknownFunction, expr.range,
            "unknown function '" + name + "'" + diagnostics.didYouMean(name, known));
      diagnostics.note(expr.range, "the functions are " + listOf(known));
      return Type::Unknown;
    }
    for (const Argument &arg : expr.args)
      if (!arg.name.text.empty() || arg.learn || arg.each) {
        error(DiagId::WrongArgument, arg.range, "functions take plain values, without a name, 'learn' or 'each'");
        return Type::Unknown;
      }
    if (expr.args.size() != info->arity) {
      error(expr.args.size() < info->arity ? DiagId::MissingArgument : DiagId::TooManyArguments, expr.range,
            "'" + expr.name + "' takes " + Twine(info->arity) + (info->arity == 1 ? " value" : " values") +
                ", as in '" + info->example + "', but is given " + Twine(expr.args.size()));
      return Type::Unknown;
    }
    if (expr.name == "attached") {
      if (expr.operand(0).kind != Expr::Kind::Name || expr.operand(0).name != "fired")
        error(DiagId::WrongArgument, expr.operand(0).range, "'attached' is for 'fired' only: 'attached(fired)'");
      return Type::Real;
    }
    check(expr.operand(0));
    if (expr.name == "fire") {
      checkSurrogate(expr.operand(1));
      return Type::Spike;
    }
    for (unsigned index = 1; index < expr.args.size(); ++index)
      check(expr.operand(index));
    if (expr.name == "clamp")
      if (auto low = foldNumber(expr.operand(1)), high = foldNumber(expr.operand(2)); low && high && *low > *high)
        error(DiagId::OutOfRange, expr.range,
              "'clamp' goes from " + numberText(*low) + " to " + numberText(*high) +
                  ", but the first must not be above the second");
    return Type::Real;
  }

  void checkSurrogate(const Expr &expr) {
    if (expr.kind == Expr::Kind::Name) {
      const NeuronFlow::Entry *entry = flow.find(expr.name);
      if (entry && entry->kind == Kind::Surrogate) {
        read.insert(expr.name);
        return;
      }
      if (entry) {
        error(DiagId::WrongArgument, expr.range,
              "'" + expr.name + "' is no surrogate; 'fire' takes a value and a surrogate");
        return diagnostics.note(entry->range, "defined here");
      }
    }
    if (auto surrogate = evaluator.surrogate(expr))
      neuron.surrogates[&expr] = std::move(*surrogate);
    else
      neuron.valid = false;
  }

  void collectAssigned(const Statements &body) {
    for (const Statement &statement : body) {
      if (statement.kind == Statement::Kind::Assign)
        assigned.try_emplace(statement.name.text, statement.name.range);
      for (const Branch &branch : statement.branches)
        collectAssigned(branch.body);
    }
  }

  /// What is read only to compute itself counts as unused. The membrane is shown to the host.
  void warnOfUnused() {
    auto unused = [&](const Name &name, const Twine &what) {
      if (!read.contains(name.text))
        diagnostics.warning(DiagId::Unused, name.range, what + " '" + name.text + "' is never used");
    };
    unused(decl.inputs.front(), "the input");
    for (const CheckedParam &param : neuron.params)
      unused(param.name, "the parameter");
    std::map<StringRef, SMRange> values(assigned.begin(), assigned.end());
    for (const CheckedState &state : neuron.states) {
      StringRef name = state.name.text;
      values.erase(name);
      if (!assigned.count(name))
        diagnostics.warning(DiagId::ConstantState, state.name.range,
                            "the state '" + name + "' is never assigned, so it stays " + numberText(state.rest));
      else if (&state != neuron.membrane())
        if (!read.contains(name))
          diagnostics.warning(DiagId::Unused, state.name.range,
                              "the state '" + name + "' has no effect: nothing but its own update reads it");
    }
    for (const auto &[name, range] : values)
      unused({name, range}, "the value");
  }

  CheckedNeuron &neuron;
  const Definition &decl;
  Evaluator &evaluator;
  Diagnostics &diagnostics;

  // At the point of the body that is being checked.
  NeuronFlow flow;
  unsigned spikes = 0; ///< `spike` statements before it
  SMRange firstSpike;
  StringRef target; ///< what the statement assigns

  std::map<StringRef, SMRange> assigned; ///< all names that some statement assigns
  StringSet<> read;                      ///< used so far
  size_t statements = 0;
  bool tooLarge = false;
};

} // namespace

ArrayRef<FunctionInfo> functions() {
  static constexpr FunctionInfo table[] = {{"fire", 2, "fire(mem - threshold, surrogate)"},
                                           {"heaviside", 1, "heaviside(mem - threshold)"},
                                           {"detach", 1, "detach(mem)"},
                                           {"attached", 1, "attached(fired)"},
                                           {"clamp", 3, "clamp(beta, 0, 1)"},
                                           {"min", 2, "min(mem, 1)"},
                                           {"max", 2, "max(mem, 0)"},
                                           {"exp", 1, "exp(-mem)"}};
  return table;
}

std::unique_ptr<CheckedNeuron> checkNeuron(const Definition &decl, bool prelude, Evaluator &evaluator) {
  auto neuron = std::make_unique<CheckedNeuron>();
  neuron->decl = &decl;
  neuron->prelude = prelude;
  NeuronChecker(*neuron, evaluator).run();
  return neuron;
}

} // namespace snn::frontend
