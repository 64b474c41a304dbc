// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of neuron definitions.

#include "frontends/snn/NeuronChecks.h"

#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"
#include "frontends/snn/Surrogates.h"

using namespace llvm;

namespace snn::frontend {
namespace {

class NeuronChecker {
public:
  NeuronChecker(CheckedNeuron &neuron, Evaluator &evaluator)
      : neuron(neuron), decl(*neuron.decl), evaluator(evaluator), diagnostics(evaluator.diagnostics) {}

  void run() {
    neuron.valid = decl.valid;
    Flow flow;
    define(flow, decl.input, Kind::Input);
    for (const NeuronParam &param : decl.params)
      checkParam(flow, param);
    checkStatements(decl.body, flow, /*top=*/true);
    if (flow.spikes == 0 && decl.valid && !tooLarge)
      error(DiagId::SpikeCount, decl.name.range,
            "neuron '" + decl.name.text + "' never says what it fires; expected 'spike fire(...)'");
  }

private:
  enum class Kind { Input, Number, Option, Surrogate, State, Local, LocalSpike };
  enum class Type { Real, Spike, Unknown };
  struct Entry {
    Kind kind;
    SMRange range;
  };
  /// What is known at a point of the body: names in scope, constants that a path to it may have fixed, and the number
  /// of `spike` statements before it.
  struct Flow {
    std::map<StringRef, Entry> names;
    std::map<StringRef, SMRange> fixed;
    unsigned spikes = 0;
  };

  void error(DiagId id, SMRange where, const Twine &message) {
    diagnostics.error(id, where, message);
    neuron.valid = false;
  }

  void define(Flow &flow, const Name &name, Kind kind) {
    if (isReservedWord(name.text))
      error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
    if (std::optional<SMRange> first = definitionOf(flow, name.text))
      return redefined(name, *first);
    flow.names[name.text] = {kind, name.range};
  }

  std::optional<SMRange> definitionOf(const Flow &flow, StringRef name) {
    if (auto it = flow.names.find(name); it != flow.names.end())
      return it->second.range;
    if (auto it = flow.fixed.find(name); it != flow.fixed.end())
      return it->second;
    return std::nullopt;
  }

  void redefined(const Name &name, SMRange first) {
    error(DiagId::Redefinition, name.range, "'" + name.text + "' is defined twice");
    diagnostics.note(first, "first defined here");
  }

  void checkParam(Flow &flow, const NeuronParam &decl) {
    CheckedParam param;
    param.name = decl.name;
    const Expr &value = *decl.value;
    bool valid = true;
    if (value.kind == Expr::Kind::Call && value.name == "one_of") {
      param.kind = ParamKind::Option;
      valid = checkWords(value, param.words);
      if (valid)
        param.byDefault.word = param.words.front().str();
    } else if ((value.kind == Expr::Kind::Name && findSurrogate(value.name) &&
                !evaluator.params.contains(value.name)) ||
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
    define(flow, decl.name,
           param.kind == ParamKind::Option      ? Kind::Option
           : param.kind == ParamKind::Surrogate ? Kind::Surrogate
                                                : Kind::Number);
    neuron.params.push_back(std::move(param));
  }

  bool checkWords(const Expr &call, std::vector<StringRef> &words) {
    for (const Argument &arg : call.args) {
      if (!arg.name.text.empty() || arg.learn || arg.each || arg.value->kind != Expr::Kind::Name) {
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

  void checkStatements(const Statements &body, Flow &flow, bool top) {
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
        checkState(statement, flow, top);
        break;
      case Statement::Kind::Fixed:
        checkFixed(statement, flow);
        break;
      case Statement::Kind::Assign:
        checkAssign(statement, flow);
        break;
      case Statement::Kind::Spike:
        checkSpike(statement, flow);
        break;
      case Statement::Kind::If:
        checkIf(statement, flow);
        break;
      }
    }
  }

  void checkState(const Statement &statement, Flow &flow, bool top) {
    if (!top)
      error(DiagId::Misplaced, statement.range, "a state cannot depend on an option; declare it outside of 'if'");
    define(flow, statement.name, Kind::State);
    auto rest = evaluator.number(*statement.value);
    if (!rest)
      neuron.valid = false;
    neuron.states.push_back({statement.name, rest.value_or(0)});
  }

  /// Its symbol stands beside those of parameters and states, so it shares their names.
  void checkFixed(const Statement &statement, Flow &flow) {
    const Name &name = statement.name;
    if (isReservedWord(name.text))
      error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
    if (std::optional<SMRange> first = definitionOf(flow, name.text))
      redefined(name, *first);
    else
      flow.fixed[name.text] = name.range;
    auto value = evaluator.number(*statement.value);
    if (!value)
      neuron.valid = false;
    neuron.fixed[&statement] = value.value_or(0);
  }

  void checkAssign(const Statement &statement, Flow &flow) {
    Type type = check(*statement.value, flow);
    const Name &name = statement.name;
    if (isReservedWord(name.text))
      return error(DiagId::NotAssignable, name.range, "'" + name.text + "' is a word of the language");
    if (auto fixed = flow.fixed.find(name.text); fixed != flow.fixed.end()) {
      error(DiagId::NotAssignable, name.range,
            "'" + name.text + "' is a constant of the checkpoint and cannot be assigned; use another name");
      return diagnostics.note(fixed->second, "defined here");
    }
    Kind kind = type == Type::Spike ? Kind::LocalSpike : Kind::Local;
    auto [it, isNew] = flow.names.try_emplace(name.text, Entry{kind, name.range});
    if (isNew || it->second.kind == Kind::State)
      return;
    if (it->second.kind != Kind::Local && it->second.kind != Kind::LocalSpike) {
      error(DiagId::NotAssignable, name.range,
            "'" + name.text + "' is the neuron's " + (it->second.kind == Kind::Input ? "input" : "parameter") +
                " and cannot be assigned; use another name");
      return diagnostics.note(it->second.range, "defined here");
    }
    it->second.kind = kind;
  }

  void checkSpike(const Statement &statement, Flow &flow) {
    if (check(*statement.value, flow) == Type::Real)
      error(DiagId::NotASpike, statement.value->range,
            "expected 'fire(...)' or a name that stands for one; any other value has no surrogate");
    if (++flow.spikes == 2)
      error(DiagId::SpikeCount, statement.range, "a neuron has one 'spike' statement, but this is the second");
  }

  void checkIf(const Statement &statement, Flow &flow) {
    std::vector<Flow> outcomes;
    bool complete = false;
    std::map<StringRef, SmallVector<StringRef>> tested;
    for (const Branch &branch : statement.branches) {
      if (branch.option.text.empty())
        complete = true;
      else if (const CheckedParam *option = checkCondition(branch)) {
        auto &words = tested[option->name.text];
        if (!is_contained(words, branch.word.text))
          words.push_back(branch.word.text);
        complete |= words.size() == option->words.size();
      }
      outcomes.push_back(flow);
      checkStatements(branch.body, outcomes.back(), /*top=*/false);
    }
    if (!complete)
      outcomes.push_back(flow);
    merge(statement, outcomes);
    flow = std::move(outcomes.front());
  }

  const CheckedParam *checkCondition(const Branch &branch) {
    SmallVector<StringRef> options;
    for (const CheckedParam &param : neuron.params) {
      if (param.kind != ParamKind::Option)
        continue;
      options.push_back(param.name.text);
      if (param.name.text != branch.option.text)
        continue;
      if (is_contained(param.words, branch.word.text))
        return &param;
      if (param.words.empty())
        return nullptr;
      error(DiagId::UnknownWord, branch.word.range,
            "'" + param.name.text + "' is never '" + branch.word.text + "'" +
                didYouMean(branch.word.text, param.words));
      diagnostics.note(param.name.range, "it is one of " + listOf(param.words));
      return nullptr;
    }
    error(DiagId::NotAnOption, branch.option.range,
          "'" + branch.option.text +
              "' is no option; 'if' is decided when the model is compiled, by a parameter "
              "that is declared with 'one_of(...)'" +
              didYouMean(branch.option.text, options));
    return nullptr;
  }

  /// Leaves in outcomes[0] what holds after all of them: a name is known only if each of them assigns it, a constant is
  /// fixed if one of them does it.
  void merge(const Statement &statement, std::vector<Flow> &outcomes) {
    Flow &first = outcomes.front();
    for (const Flow &other : ArrayRef(outcomes).drop_front()) {
      if (other.spikes != first.spikes) {
        error(DiagId::SpikeCount, statement.range, "'spike' must stand in each branch of this 'if', or in none");
        first.spikes = std::max(first.spikes, other.spikes);
      }
      first.fixed.insert(other.fixed.begin(), other.fixed.end());
      for (auto it = first.names.begin(); it != first.names.end();) {
        auto found = other.names.find(it->first);
        if (found == other.names.end()) {
          it = first.names.erase(it);
          continue;
        }
        if (found->second.kind == Kind::Local)
          it->second.kind = Kind::Local;
        ++it;
      }
    }
  }

  Type check(const Expr &expr, const Flow &flow) {
    switch (expr.kind) {
    case Expr::Kind::Number:
      if (!evaluator.number(expr))
        neuron.valid = false;
      return Type::Real;
    case Expr::Kind::Name:
      return checkName(expr, flow);
    case Expr::Kind::Operation:
      for (const Argument &arg : expr.args)
        check(*arg.value, flow);
      return Type::Real;
    case Expr::Kind::Call:
      return checkCall(expr, flow);
    case Expr::Kind::Tuple:
      error(DiagId::Syntax, expr.range, "expected one value, but found several");
      return Type::Unknown;
    }
    return Type::Unknown;
  }

  Type checkName(const Expr &expr, const Flow &flow) {
    if (expr.name == "fired")
      return Type::Real;
    auto it = flow.names.find(expr.name);
    if (auto fixed = flow.fixed.find(expr.name); it == flow.names.end() && fixed != flow.fixed.end()) {
      error(DiagId::WrongArgument, expr.range,
            "'" + expr.name + "' is a constant of the checkpoint and has no value here; use a parameter");
      diagnostics.note(fixed->second, "defined here");
      return Type::Unknown;
    }
    if (it == flow.names.end()) {
      SmallVector<StringRef> known{"fired"};
      for (auto &[name, entry] : flow.names)
        known.push_back(name);
      error(DiagId::UnknownName, expr.range,
            "unknown name '" + expr.name + "'; a name is known after it was assigned on every path" +
                didYouMean(expr.name, known));
      return Type::Unknown;
    }
    switch (it->second.kind) {
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

  Type checkCall(const Expr &expr, const Flow &flow) {
    const FunctionInfo *info = nullptr;
    SmallVector<StringRef> known;
    for (const FunctionInfo &function : functions()) {
      known.push_back(function.name);
      if (function.name == expr.name)
        info = &function;
    }
    if (!info) {
      error(DiagId::UnknownFunction, expr.range, "unknown function '" + expr.name + "'" + didYouMean(expr.name, known));
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
                ", but is given " + Twine(expr.args.size()));
      return Type::Unknown;
    }
    if (expr.name == "attached") {
      if (expr.operand(0).kind != Expr::Kind::Name || expr.operand(0).name != "fired")
        error(DiagId::WrongArgument, expr.operand(0).range, "'attached' is for 'fired' only: 'attached(fired)'");
      return Type::Real;
    }
    check(expr.operand(0), flow);
    if (expr.name == "fire") {
      checkSurrogate(expr.operand(1), flow);
      return Type::Spike;
    }
    for (unsigned index = 1; index < expr.args.size(); ++index)
      check(expr.operand(index), flow);
    return Type::Real;
  }

  void checkSurrogate(const Expr &expr, const Flow &flow) {
    if (expr.kind == Expr::Kind::Name) {
      auto it = flow.names.find(expr.name);
      if (it != flow.names.end() && it->second.kind == Kind::Surrogate)
        return;
      if (it != flow.names.end()) {
        error(DiagId::WrongArgument, expr.range,
              "'" + expr.name +
                  "' is no surrogate; 'fire' takes a value and a "
                  "surrogate");
        return diagnostics.note(it->second.range, "defined here");
      }
    }
    if (!evaluator.surrogate(expr))
      neuron.valid = false;
  }

  CheckedNeuron &neuron;
  const NeuronDecl &decl;
  Evaluator &evaluator;
  Diagnostics &diagnostics;
  size_t statements = 0;
  bool tooLarge = false;
};

} // namespace

ArrayRef<FunctionInfo> functions() {
  static constexpr FunctionInfo table[] = {{"fire", 2},  {"heaviside", 1}, {"detach", 1}, {"attached", 1},
                                           {"clamp", 3}, {"min", 2},       {"max", 2},    {"exp", 1}};
  return table;
}

std::unique_ptr<CheckedNeuron> checkNeuron(const NeuronDecl &decl, bool prelude, Evaluator &evaluator) {
  auto neuron = std::make_unique<CheckedNeuron>();
  neuron->decl = &decl;
  neuron->prelude = prelude;
  NeuronChecker(*neuron, evaluator).run();
  return neuron;
}

} // namespace snn::frontend
