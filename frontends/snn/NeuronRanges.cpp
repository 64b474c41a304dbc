// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Interval arithmetic over a neuron's body.

#include "frontends/snn/NeuronRanges.h"

#include "frontends/snn/Evaluate.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr Interval kAnything{}, kTruth{0, 1};

/// Infinite ends stand for arbitrarily large finite numbers, so zero times one of them is zero.
double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

Interval hull(std::initializer_list<double> ends) {
  auto [low, high] = std::minmax(ends);
  return std::isnan(low) || std::isnan(high) ? kAnything : Interval{low, high};
}
Interval join(Interval a, Interval b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }
Interval sum(Interval a, Interval b) {
  Interval result{a.low + b.low, a.high + b.high};
  return std::isnan(result.low) || std::isnan(result.high) ? kAnything : result;
}
Interval negative(Interval a) { return {-a.high, -a.low}; }
Interval product(Interval a, Interval b) {
  return hull({times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)});
}
Interval smaller(Interval a, Interval b) { return {std::min(a.low, b.low), std::min(a.high, b.high)}; }
Interval larger(Interval a, Interval b) { return {std::max(a.low, b.low), std::max(a.high, b.high)}; }

Interval quotient(Interval a, Interval b) {
  if (b.low <= 0 && b.high >= 0)
    return kAnything;
  return product(a, hull({1 / b.low, 1 / b.high}));
}

/// Room for the rounding of one operation in f32, fused or not, for underflow and for overflow.
Interval widened(Interval a) {
  constexpr double relative = 0x1p-22, absolute = 0x1p-147;
  auto bounded = [](double end) { return std::abs(end) > FLT_MAX ? std::copysign(HUGE_VAL, end) : end; };
  return {bounded(a.low - std::abs(a.low) * relative - absolute),
          bounded(a.high + std::abs(a.high) * relative + absolute)};
}

/// Whether a > b, as an interval of 0 and 1.
Interval above(Interval a, Interval b) {
  return a.low > b.high ? Interval::point(1) : a.high <= b.low ? Interval::point(0) : kTruth;
}

class Body {
public:
  Body(const CheckedLayer &layer, const DefinitionTable &definitions, Diagnostics &diagnostics, uint64_t &work)
      : layer(layer), neuron(*layer.neuron), definitions(definitions), diagnostics(diagnostics), work(work) {}

  /// One step in which everything may happen, with learned values at their start.
  void report(const Expr &call) {
    written = &call;
    reporting = true;
    bindParams(/*learned=*/false);
    values[neuron.decl->inputs.front().text] = kAnything;
    for (const CheckedState &state : neuron.states)
      values[state.name.text] = kAnything;
    fired = kTruth;
    run(neuron.decl->body);
  }

  /// True only if no step up to `steps` can fire.
  bool isSilent(Interval input, int64_t steps) {
    constexpr int64_t mostSteps = 2000;
    loudest = nullptr;
    fired = Interval::point(0);
    std::map<StringRef, Interval> states;
    for (const CheckedState &state : neuron.states)
      states[state.name.text] = Interval::point(state.rest);
    for (int64_t step = 0; step < steps; ++step) {
      if (step == mostSteps)
        return false;
      values.clear();
      bindParams(/*learned=*/true);
      values[neuron.decl->inputs.front().text] = input;
      for (const auto &[name, range] : states)
        values[name] = range;
      run(neuron.decl->body);
      if (work == 0 || !loudest || most > 0)
        return false;
      bool changed = false;
      for (auto &[name, range] : states) {
        Interval next = join(range, values[name]);
        changed |= !(next == range);
        range = next;
      }
      if (!changed)
        break;
    }
    return true;
  }

private:
  void spend(uint64_t visits) { work -= std::min(work, visits); }

  /// What f32 makes of a number, or of a result. Reports are about numbers as they are written.
  Interval rounded(Interval exact) const {
    auto isExact = [](double end) { return static_cast<double>(static_cast<float>(end)) == end; };
    bool asWritten = reporting || (exact.low == exact.high && isExact(exact.low));
    return asWritten ? exact : widened(exact);
  }

  /// Learned values are what they start as, or with `learned` whatever they may become.
  void bindParams(bool learned) {
    spend(neuron.params.size());
    for (auto [param, value] : llvm::zip(neuron.params, layer.values))
      if (param.kind == ParamKind::Number)
        values[param.name.text] = learned && (value.learn || value.each) ? kAnything
                                  : value.uniform                        ? Interval{value.number, value.high}
                                                                         : rounded(Interval::point(value.number));
  }

  void run(const Statements &body) {
    for (const Statement &statement : body) {
      spend(1 + statement.branches.size());
      if (work == 0)
        return;
      if (statement.kind == Statement::Kind::Assign)
        values[statement.name.text] = rangeOf(*statement.value);
      else if (statement.kind == Statement::Kind::Spike)
        rangeOf(*statement.value);
      else if (statement.kind == Statement::Kind::If)
        if (const Statements *branch = chosenBranch(statement, layer))
          run(*branch);
    }
  }

  Interval rangeOf(const Expr &expr) {
    if (work == 0)
      return kAnything;
    --work;
    switch (expr.kind) {
    case Expr::Kind::Number:
      return rounded(Interval::point(expr.number));
    case Expr::Kind::Name:
      return expr.name == "fired" ? fired : values.lookup(expr.name);
    case Expr::Kind::Operation:
      return operation(expr);
    case Expr::Kind::Call:
      return call(expr);
    case Expr::Kind::Choice:
      if (Interval condition = rangeOf(expr.operand(0)); condition.low == condition.high)
        return rangeOf(expr.operand(condition.low != 0 ? 1 : 2));
      return join(rangeOf(expr.operand(1)), rangeOf(expr.operand(2)));
    default:
      return kAnything;
    }
  }

  Interval operation(const Expr &expr) {
    auto wordIn = [&](StringRef option) { return words ? words->lookup(option) : wordOf(layer, option); };
    if (auto chosen = testOption(expr, wordIn))
      return Interval::point(*chosen);
    Interval a = rangeOf(expr.operand(0));
    if (expr.op == Operator::Negate)
      return negative(a);
    Interval b = rangeOf(expr.operand(1));
    switch (expr.op) {
    case Operator::Add:
      return rounded(sum(a, b));
    case Operator::Subtract:
      return rounded(sum(a, negative(b)));
    case Operator::Multiply:
      return rounded(product(a, b));
    case Operator::Divide:
      if (reporting && b.low == b.high && static_cast<float>(b.low) == 0) {
        diagnostics.error(DiagId::DivisionByZero, written->range,
                          "with these values, '" + neuron.decl->name.text + "' divides by zero");
        diagnostics.note(expr.operand(1).range, "this divisor is 0");
      }
      return rounded(quotient(a, b));
    case Operator::Power:
      return kAnything;
    case Operator::Greater:
      return above(a, b);
    case Operator::Less:
      return above(b, a);
    default:
      return kTruth;
    }
  }

  Interval call(const Expr &expr) {
    if (expr.name == "attached")
      return fired;
    if (auto index = neuron.paramIndex.find(expr.name);
        !words && index != neuron.paramIndex.end() && neuron.params[index->second].kind == ParamKind::Function)
      return callOf(*layer.values[index->second].surrogate.definition, expr);
    if (auto def = definitions.find({DefinitionKind::Def, expr.name}); def != definitions.end())
      return callOf(*def->second, expr);
    if (expr.args.empty())
      return kAnything;
    Interval a = rangeOf(expr.operand(0));
    if (expr.name == "detach")
      return a;
    if (expr.name == "log" && a.low > 0)
      return rounded({std::log(a.low), std::log(a.high)});
    if (expr.name == "exp")
      return rounded({std::exp(a.low), std::exp(a.high)});
    if (expr.name == "fire_at") { // its spike at 0 is no silence
      loudest = &expr.operand(0);
      most = std::max(most, a.high >= 0 ? HUGE_VAL : a.high);
      return kTruth;
    }
    if (expr.name == "fire") {
      if (!loudest || a.high > most) {
        most = a.high;
        loudest = &expr.operand(0);
      }
      return above(a, Interval::point(0));
    }
    if (expr.args.size() < 2)
      return kAnything;
    Interval b = rangeOf(expr.operand(1));
    if (expr.name == "min")
      return smaller(a, b);
    if (expr.name == "max")
      return larger(a, b);
    if (expr.name != "clamp" || expr.args.size() < 3)
      return kAnything;
    Interval c = rangeOf(expr.operand(2));
    if (reporting)
      reportClamp(expr, a, b, c);
    return smaller(larger(a, b), c);
  }

  /// A def of one value for its inputs and options; of others nothing is known.
  Interval callOf(const Definition &def, const Expr &expr) {
    if (def.body.size() != 1 || expr.args.size() < def.inputs.size())
      return kAnything;
    llvm::StringMap<Interval> inside;
    llvm::StringMap<StringRef> chosen;
    for (const NeuronParam &param : def.params) {
      if (!isOption(param))
        return kAnything;
      chosen[param.name.text] = param.value->args.front().value->name;
    }
    for (auto [index, arg] : enumerate(expr.args)) {
      const size_t count = def.inputs.size();
      StringRef formal = !arg.name.text.empty() ? arg.name.text
                         : index < count        ? def.inputs[index].text
                                                : def.params[index - count].name.text;
      StringRef name = arg.value->name;
      StringRef word = words ? words->lookup(name) : wordOf(layer, name);
      if (chosen.count(formal))
        chosen[formal] = word.empty() ? name : word;
      else
        inside[formal] = rangeOf(*arg.value);
    }
    std::swap(values, inside);
    const auto *outer = std::exchange(words, &chosen);
    Interval result = rangeOf(*def.body.front().value);
    words = outer;
    std::swap(values, inside);
    return result;
  }

  /// Only where the bounds are fixed and the value is an argument of the layer.
  void reportClamp(const Expr &expr, Interval value, Interval low, Interval high) {
    const Expr &name = expr.operand(0);
    if (name.kind != Expr::Kind::Name || low.low != low.high || high.low != high.high)
      return;
    bool isArgument =
        llvm::any_of(neuron.params, [&](const CheckedParam &param) { return param.name.text == name.name; });
    if (!isArgument || low.low > high.low || !reported.insert(name.name).second ||
        (value.low >= low.low && value.high <= high.high))
      return;
    bool learned = valueOf(layer, name.name).learn;
    std::string found =
        value.low == value.high ? numberText(value.low) : numberText(value.low) + " to " + numberText(value.high);
    std::string effect = value.low != value.high ? "values outside are cut off"
                         : learned
                             ? "it starts at that bound, where it learns nothing"
                             : "the layer computes with " + numberText(value.high > high.high ? high.high : low.low);
    diagnostics.warning(DiagId::Clamped, placeOf(name.name),
                        "'" + name.name + (learned ? "' starts at " : "' is ") + found + ", but '" +
                            neuron.decl->name.text + "' keeps it within " + numberText(low.low) + " and " +
                            numberText(high.high) + ": " + effect);
  }

  /// Where the layer gives that argument; the whole call if it does not.
  SMRange placeOf(StringRef name) {
    for (auto [index, argument] : enumerate(written->args))
      if (argument.name.text.empty() ? index < neuron.params.size() && neuron.params[index].name.text == name
                                     : argument.name.text == name)
        return argument.range;
    return written->range;
  }

  const CheckedLayer &layer;
  const CheckedNeuron &neuron;
  const DefinitionTable &definitions;
  Diagnostics &diagnostics;
  uint64_t &work;
  const Expr *written = nullptr; ///< the layer's call
  llvm::StringMap<Interval> values;
  const llvm::StringMap<StringRef> *words = nullptr; ///< of options, in the text of a def
  Interval fired;
  bool reporting = false;
  StringSet<> reported; ///< arguments that are cut off

public:
  const Expr *loudest = nullptr; ///< the argument of `fire` with the largest value so far
  double most = 0;               ///< that value
};

} // namespace

void checkRanges(const CheckedLayer &layer, const Expr &call, const DefinitionTable &definitions, Interval input,
                 int64_t steps, Diagnostics &diagnostics, uint64_t &work) {
  uint64_t own = 1 << 14; // a report is one pass, and must not depend on what other layers cost
  Body(layer, definitions, diagnostics, own).report(call);
  Body body(layer, definitions, diagnostics, work);
  if (!body.isSilent(input, steps))
    return;
  SMRange fired = body.loudest->range;
  StringRef text(fired.Start.getPointer(), fired.End.getPointer() - fired.Start.getPointer());
  std::string most;
  raw_string_ostream(most) << format("%.3g", body.most);
  diagnostics.warning(DiagId::NeverFires, call.range,
                      "no neuron of this layer can ever fire: '" + shortened(text) + "' reaches at most " + most +
                          " within " + Twine(steps) + (steps == 1 ? " step" : " steps") +
                          ", and a spike needs more than 0");
}

} // namespace snn::frontend
