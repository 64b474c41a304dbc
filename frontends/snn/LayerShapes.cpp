// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See LayerShapes.h.

#include "frontends/snn/LayerShapes.h"

#include "frontends/snn/Limits.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"

#include <cfloat>
#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr int64_t kUnknown = -1; ///< an extent

/// All whole numbers from `low` to `high`.
struct Places {
  int64_t low, high;
};

int64_t elementsRead(const Expr &expr, StringRef tuple) {
  int64_t most =
      expr.kind == Expr::Kind::Element && expr.operand(0).name == tuple ? static_cast<int64_t>(expr.number) + 1 : 0;
  for (const Argument &arg : expr.args)
    most = std::max(most, elementsRead(*arg.value, tuple));
  return most;
}

/// One more than the last element of the tuple that lines read.
int64_t elementsRead(const Statements &body, StringRef tuple) {
  int64_t most = 0;
  for (const Statement &statement : body) {
    if (statement.value)
      most = std::max(most, elementsRead(*statement.value, tuple));
    for (const Argument &place : statement.places)
      most = std::max(most, elementsRead(*place.value, tuple));
    for (const Branch &branch : statement.branches)
      most = std::max(most, elementsRead(branch.body, tuple));
  }
  return most;
}

class LayerPlacer {
public:
  LayerPlacer(const LayerCall &layer, const Expr &call, Evaluator &evaluator)
      : layer(layer), definition(*layer.definition), call(call), diagnostics(evaluator.diagnostics) {
    shapes.numbers["steps"] = static_cast<double>(evaluator.steps);
  }

  std::optional<LayerShapes> run(ArrayRef<std::vector<int64_t>> inputs) {
    for (auto [param, value] : llvm::zip(definition.params, layer.values)) {
      if (!value.word.empty())
        shapes.words[param.name.text.str()] = value.word;
      for (auto [index, number] : enumerate(value.numbers))
        shapes.numbers[(param.name.text + "." + Twine(index)).str()] = number;
      if (value.numbers.size() == 1)
        shapes.numbers[param.name.text.str()] = value.numbers.front();
    }
    for (auto [input, extents, shape] : llvm::zip(definition.inputs, definition.extents, inputs))
      takeInput(input, extents, shape);
    checkTuples();
    placeLines(definition.body, /*training=*/true);
    placeLines(definition.body, /*training=*/false);
    if (!valid)
      return std::nullopt;
    return std::move(shapes);
  }

private:
  /// An error of this use of the definition, whose line is shown beside it.
  void error(DiagId id, SMRange where, const Twine &message) {
    if (!valid)
      return; // what follows from an error is none
    valid = false;
    diagnostics.error(id, call.range, message);
    if (where.isValid())
      diagnostics.note(where, "here in '" + definition.name.text + "'");
  }

  /// A tuple has an element for each that the definition reads.
  void checkTuples() {
    for (auto [param, value] : llvm::zip(definition.params, layer.values)) {
      const int64_t given = value.numbers.size();
      const int64_t read = given > 1 ? elementsRead(definition.body, param.name.text) : 0;
      if (read > 0 && given != read)
        error(DiagId::WrongArgument, param.name.range,
              "'" + param.name.text + "' has " + Twine(given) + " elements, but '" + definition.name.text + "' reads " +
                  Twine(read) + " of it here");
    }
  }

  void takeInput(const Name &input, ArrayRef<Name> names, const std::vector<int64_t> &shape) {
    const bool hasRest = !names.empty() && names.back().text == kRest;
    const size_t named = names.size() - hasRest;
    arrays[input.text] = shape;
    if (shape.size() < named || (!hasRest && shape.size() > named))
      return error(DiagId::NotFlat, input.range,
                   "'" + definition.name.text + "' takes an input of " + Twine(named) +
                       (named == 1 ? " extent" : " extents") + (hasRest ? " or more" : "") + ", but it has shape " +
                       shapeText(shape) + " here");
    for (auto [name, extent] : llvm::zip(names, shape)) {
      if (name.text == kRest)
        break;
      auto [it, inserted] = shapes.numbers.try_emplace(name.text.str(), extent);
      if (!inserted && it->second != static_cast<double>(extent))
        error(DiagId::WrongArgument, name.range,
              "'" + definition.name.text + "' takes inputs of the same '" + name.text + "', but one has " +
                  numberText(it->second) + " and another " + Twine(extent));
    }
    std::vector<int64_t> others(shape.begin() + named, shape.end());
    if (hasRest && std::exchange(knowsRest, true) && others != rest)
      error(DiagId::WrongArgument, input.range,
            "the inputs of '" + definition.name.text + "' have different extents, " + shapeText(rest) + " and " +
                shapeText(others));
    if (hasRest)
      rest = others;
  }

  void placeLines(const Statements &body, bool training) {
    for (const Statement &statement : body) {
      if (!valid)
        return;
      switch (statement.kind) {
      case Statement::Kind::Learn:
      case Statement::Kind::Buffer:
      case Statement::Kind::State:
        placeArray(statement);
        break;
      case Statement::Kind::Assign:
        if (!statement.places.empty())
          placeLine(statement);
        else if (auto value = number(*statement.value)) {
          auto [it, isNew] = shapes.numbers.try_emplace(statement.name.text.str(), *value);
          if (!isNew && it->second != *value)
            error(DiagId::WrongArgument, statement.range,
                  "'" + statement.name.text + "' is " + numberText(it->second) + " in training and " +
                      numberText(*value) + " in inference, but a number of a layer is one; use two names");
        }
        break;
      case Statement::Kind::If:
        for (const Branch &branch : statement.branches)
          if (branch.option.text.empty() || shapes.wordOf(branch.option.text, training) == branch.word.text) {
            placeLines(branch.body, training);
            break;
          }
        break;
      case Statement::Kind::Spike:
      case Statement::Kind::Value:
        shapes.spikes = statement.kind == Statement::Kind::Spike;
        shapes.to = arrays[arrayOf(statement).name];
        if (const Expr *factor = shapes.spikes ? factorOf(statement) : nullptr)
          shapes.factor = number(*factor).value_or(1);
        break;
      default:
        break;
      }
    }
  }

  void placeArray(const Statement &statement) {
    LayerArray array;
    array.name = statement.name.text.str();
    array.learned = statement.kind == Statement::Kind::Learn;
    array.loc = statement.name.range.Start;
    int64_t elements = 1;
    auto append = [&](int64_t extent) {
      array.extents.push_back(extent);
      if (elements <= limits::kWeightElements)
        elements = extent > limits::kWeightElements / elements ? limits::kWeightElements + 1 : elements * extent;
    };
    for (const Argument &place : statement.places) {
      if (place.value->kind == Expr::Kind::Name && place.value->name == kRest)
        llvm::for_each(rest, append);
      else if (auto extent = wholeNumber(*place.value, "an extent of '" + statement.name.text.str() + "'", 1))
        append(*extent);
      else
        return;
    }
    const int64_t most = array.learned ? limits::kWeightElements : limits::kSampleElements;
    if (elements > most)
      return error(DiagId::TooLarge, statement.range,
                   "'" + statement.name.text + "' would have the shape " + shapeText(array.extents) + ", but at most " +
                       Twine(most) + " elements are possible");
    const Expr &start = *statement.value;
    array.uniform = start.kind == Expr::Kind::Call && start.name == "uniform";
    auto low = number(array.uniform ? start.operand(0) : start);
    auto high = array.uniform ? number(start.operand(1)) : low;
    if (!low || !high)
      return;
    if (*low > *high)
      return error(DiagId::OutOfRange, start.range,
                   "'uniform' goes from " + numberText(*low) + " to " + numberText(*high) +
                       ", but the first must not be above the second");
    array.low = *low;
    array.high = *high;
    const bool isNew = arrays.try_emplace(statement.name.text, array.extents).second;
    if (isNew) // and not the second time, as it is in inference
      (statement.kind == Statement::Kind::State ? shapes.states : shapes.arrays).push_back(std::move(array));
  }

  /// `y[o, i < rows] = VALUE`
  void placeLine(const Statement &statement) {
    std::vector<LayerIndex> &left = shapes.indices[&statement];
    left = indicesOf(statement.places);
    scope.clear();
    scope.push_back(&left);
    infer(*statement.value);
    for (const LayerIndex &index : left)
      checkKnown(index, statement.range);
    if (!valid)
      return;
    checkReads(*statement.value, /*guarded=*/false);
    if (overOf(*statement.value))
      scope.push_back(&shapes.indices[statement.value.get()]);
    for (const Argument &place : statement.places)
      if (const Expr *landing = landingOf(*place.value))
        (void)placesOf(*landing);
    std::vector<int64_t> extents;
    int64_t elements = 1;
    for (const LayerIndex &index : left) {
      extents.push_back(index.extent);
      elements =
          elements > limits::kSampleElements / index.extent ? limits::kSampleElements + 1 : elements * index.extent;
    }
    if (left.size() > limits::kExtents)
      return error(DiagId::TooLarge, statement.range,
                   "'" + statement.name.text + "' has " + Twine(left.size()) + " extents, but at most " +
                       Twine(limits::kExtents) + " are possible");
    if (elements > limits::kLineElements)
      return error(DiagId::TooLarge, statement.range,
                   "'" + statement.name.text + "' would have the shape " + shapeText(extents) + ", but at most " +
                       Twine(limits::kLineElements) + " elements are possible");
    auto [it, inserted] = arrays.try_emplace(statement.name.text, extents);
    if (!inserted && it->second != extents)
      error(DiagId::WrongArgument, statement.range,
            "'" + statement.name.text + "' has the shape " + shapeText(it->second) + " already, but here " +
                shapeText(extents));
  }

  std::vector<LayerIndex> indicesOf(ArrayRef<Argument> places) {
    std::vector<LayerIndex> indices;
    for (const Argument &place : places) {
      const Expr &expr = *place.value;
      if (expr.kind == Expr::Kind::Operation) { // `i < extent`, `2 * i + p < extent`
        const bool lands = landingOf(expr);
        const std::string many = lands ? "places" : "'" + expr.operand(0).name.str() + "'";
        auto extent = number(expr.operand(1));
        if (extent && *extent < 1) { // such as a window that is larger than the input
          error(DiagId::OutOfRange, expr.range,
                "'" + definition.name.text + "' has nothing to give for an input of " +
                    shapeText(arrays[definition.inputs.front().text]) + ": its " + many + " would be " +
                    numberText(*extent) + " in number");
          extent.reset();
        } else if (extent) {
          extent = wholeNumber(expr.operand(1), "the extent of " + many, 1);
        }
        indices.push_back({lands ? "" : expr.operand(0).name, static_cast<int64_t>(extent.value_or(1))});
      } else if (expr.name == kRest) {
        for (int64_t extent : rest)
          indices.push_back({kRest, extent});
      } else if (expr.name != "sample" && expr.name != "time") {
        indices.push_back({expr.name, kUnknown});
      }
    }
    return indices;
  }

  LayerIndex *find(StringRef name) {
    for (std::vector<LayerIndex> *indices : llvm::reverse(scope))
      for (LayerIndex &index : *indices)
        if (index.name == name)
          return &index;
    return nullptr;
  }

  void checkKnown(const LayerIndex &index, SMRange where) {
    if (index.extent == kUnknown)
      error(DiagId::MissingArgument, where,
            "'" + definition.name.text + "' does not say how many '" + index.name +
                "' there are: no array has it alone as a place; write '" + index.name + " < EXTENT'");
  }

  /// An index that alone is a place of an array has the array's extent, unless its own is written.
  void infer(const Expr &expr) {
    if (!valid)
      return;
    if (expr.kind == Expr::Kind::Read) {
      const std::vector<int64_t> &extents = arrays[expr.name];
      for (auto [place, extent] : llvm::zip(expr.args, extents)) {
        LayerIndex *index = place.value->kind == Expr::Kind::Name ? find(place.value->name) : nullptr;
        if (index && index->name != kRest && index->extent == kUnknown)
          index->extent = extent;
      }
      return;
    }
    const Argument *over = overOf(expr);
    if (!over) {
      for (const Argument &arg : expr.args)
        infer(*arg.value);
      return;
    }
    std::vector<LayerIndex> &indices = shapes.indices[&expr];
    indices = indicesOf(over->value->kind == Expr::Kind::Tuple ? ArrayRef(over->value->args) : ArrayRef(*over));
    scope.push_back(&indices);
    for (const Argument &arg : expr.args)
      if (&arg != over)
        infer(*arg.value);
    scope.pop_back();
    for (const LayerIndex &index : indices)
      checkKnown(index, expr.range);
  }

  /// A largest or smallest value needs a term, wherever its window is: some place of it lies within the array.
  void checkWindow(const Expr &expr, const std::vector<LayerIndex> &window) {
    const bool leavesOut = expr.kind == Expr::Kind::Or && expr.operand(1).name == "none";
    for (auto [number, place] : enumerate(leavesOut ? ArrayRef(expr.operand(0).args) : ArrayRef<Argument>())) {
      if (place.value->kind == Expr::Kind::Name && place.value->name == kRest)
        break;
      std::vector<LayerIndex> &indices = *scope.back();
      auto all = placesOf(*place.value);
      for (LayerIndex &index : indices)
        index.extent = 1;
      auto first = placesOf(*place.value); // with the window at its first point
      indices = window;
      const int64_t extent = arrays[expr.operand(0).name][number];
      if (all && first && (first->high + all->low - first->low >= extent || first->low + all->high - first->high < 0))
        return error(DiagId::OutOfRange, expr.range,
                     "a window of '" + definition.name.text + "' lies outside of '" + expr.operand(0).name +
                         "' as a whole, where there is no largest or smallest value");
    }
    for (const Argument &arg : expr.args)
      checkWindow(*arg.value, window);
  }

  void checkReads(const Expr &expr, bool guarded) {
    if (!valid)
      return;
    if (expr.kind == Expr::Kind::Or)
      return checkReads(expr.operand(0), /*guarded=*/true);
    if (expr.kind == Expr::Kind::Read)
      return checkRead(expr, guarded);
    const Argument *over = overOf(expr);
    if (over)
      scope.push_back(&shapes.indices[&expr]);
    if (over && expr.name != "sum" && expr.name != "mean")
      checkWindow(expr, std::vector<LayerIndex>(shapes.indices[&expr]));
    for (const Argument &arg : expr.args)
      if (&arg != over)
        checkReads(*arg.value, /*guarded=*/false);
    if (over)
      scope.pop_back();
  }

  void checkRead(const Expr &read, bool guarded) {
    for (auto [number, place] : enumerate(read.args)) {
      if (place.value->kind == Expr::Kind::Name && place.value->name == kRest)
        break;
      auto places = placesOf(*place.value);
      const int64_t extent = arrays[read.name][number];
      if (places && !guarded && (places->low < 0 || places->high >= extent))
        error(DiagId::OutOfRange, place.range,
              "'" + definition.name.text + "' reads '" + read.name + "' at " + Twine(places->low) + " to " +
                  Twine(places->high) + ", but it has places 0 to " + Twine(extent - 1) +
                  "; what is outside is written 'x[...] or 0', or 'or none' in a sum or a maximum");
    }
  }

  /// Where a place may be.
  std::optional<Places> placesOf(const Expr &expr) {
    constexpr int64_t most = int64_t(1) << 40;
    std::optional<Places> result;
    if (LayerIndex *index = expr.kind == Expr::Kind::Name ? find(expr.name) : nullptr) {
      result = Places{0, index->extent - 1};
    } else if (expr.kind == Expr::Kind::Call && expr.name == "trunc" && isDivision(expr.operand(0))) {
      auto dividend = placesOf(expr.operand(0).operand(0));
      auto divisor = wholeNumber(expr.operand(0).operand(1), "the divisor of a place", 1);
      if (!dividend || !divisor)
        return std::nullopt;
      if (dividend->low < 0)
        return error(DiagId::OutOfRange, expr.range, "what is divided in a place must not be negative"), std::nullopt;
      result = Places{dividend->low / *divisor, dividend->high / *divisor};
    } else if (auto divisor = divisorOfRemainder(expr)) {
      result = Places{0, *divisor - 1};
    } else if (expr.kind == Expr::Kind::Operation && expr.args.size() == 2 && !isDivision(expr)) {
      auto left = placesOf(expr.operand(0)), right = placesOf(expr.operand(1));
      if (!left || !right)
        return std::nullopt;
      if (expr.op == Operator::Add)
        result = Places{left->low + right->low, left->high + right->high};
      else if (expr.op == Operator::Subtract)
        result = Places{left->low - right->high, left->high - right->low};
      else {
        auto [low, high] = std::minmax(
            {left->low * right->low, left->low * right->high, left->high * right->low, left->high * right->high});
        result = Places{low, high};
      }
    } else if (auto value = wholeNumber(expr, "a place", -most)) {
      result = Places{*value, *value};
    }
    if (result && (result->low < -most || result->high > most))
      return error(DiagId::TooLarge, expr.range, "a place is beyond " + Twine(most)), std::nullopt;
    return result;
  }

  static bool isSame(const Expr &a, const Expr &b) {
    return a.kind == b.kind && a.name == b.name && a.op == b.op && a.number == b.number &&
           a.args.size() == b.args.size() && llvm::all_of(llvm::zip(a.args, b.args), [](auto pair) {
             return isSame(*std::get<0>(pair).value, *std::get<1>(pair).value);
           });
  }

  /// Of `i - trunc(i / n) * n`, which is below n, as i is not negative.
  std::optional<int64_t> divisorOfRemainder(const Expr &expr) {
    const auto isOperation = [](const Expr &expr, Operator op) {
      return expr.kind == Expr::Kind::Operation && expr.op == op && expr.args.size() == 2;
    };
    if (!isOperation(expr, Operator::Subtract) || !isOperation(expr.operand(1), Operator::Multiply))
      return std::nullopt;
    const Expr &share = expr.operand(1).operand(0), &factor = expr.operand(1).operand(1);
    const bool divides = share.kind == Expr::Kind::Call && share.name == "trunc" && isDivision(share.operand(0));
    if (!divides || !isSame(share.operand(0).operand(0), expr.operand(0)) || !placesOf(share))
      return std::nullopt;
    auto divisor = number(share.operand(0).operand(1)), multiple = number(factor);
    return divisor == multiple ? std::optional(static_cast<int64_t>(*divisor)) : std::nullopt;
  }

  static bool isDivision(const Expr &expr) { return expr.kind == Expr::Kind::Operation && expr.op == Operator::Divide; }

  std::optional<int64_t> wholeNumber(const Expr &expr, const Twine &what, int64_t low) {
    constexpr int64_t most = int64_t(1) << 31;
    auto value = number(expr);
    if (!value)
      return std::nullopt;
    if (*value == std::floor(*value) && *value >= static_cast<double>(low) && *value <= static_cast<double>(most))
      return static_cast<int64_t>(*value);
    const DiagId id = *value > static_cast<double>(most) ? DiagId::TooLarge : DiagId::OutOfRange;
    for (auto [param, given] : llvm::zip(definition.params, layer.values))
      if (expr.kind == Expr::Kind::Name && expr.name == param.name.text && given.written && valid) {
        valid = false; // the model says it
        diagnostics.error(id, given.written->range,
                          "'" + expr.name + "' must be a whole number of at least " + Twine(low) + ", but is " +
                              numberText(*value));
        return std::nullopt;
      }
    error(id, expr.range,
          what + " must be a whole number of at least " + Twine(low) + ", but is " + numberText(*value));
    return std::nullopt;
  }

  std::optional<double> number(const Expr &expr) {
    auto value = evaluate(expr);
    if (value && std::abs(*value) <= FLT_MAX)
      return value;
    if (value)
      error(DiagId::NotFinite, expr.range,
            "value is " + numberText(*value) + ", expected a finite number within the range of f32");
    return std::nullopt;
  }

  std::optional<double> evaluate(const Expr &expr) {
    if (const Expr *unknown = unknownIn(expr)) {
      StringRef name = unknown->kind == Expr::Kind::Name ? unknown->name : unknown->operand(0).name;
      error(DiagId::WrongArgument, unknown->range,
            "'" + name + "' has another number of elements than '" + definition.name.text + "' reads of it");
      return std::nullopt;
    }
    return shapes.evaluate(expr);
  }

  /// An element that a parameter does not have, or a use of several numbers as one.
  const Expr *unknownIn(const Expr &expr) {
    if (shapes.test(expr))
      return nullptr;
    if ((expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Element) && !shapes.lookUp(expr))
      return &expr;
    for (const Argument &arg : expr.args)
      if (expr.kind != Expr::Kind::Element)
        if (const Expr *unknown = unknownIn(*arg.value))
          return unknown;
    return nullptr;
  }

  const LayerCall &layer;
  const Definition &definition;
  const Expr &call;
  Diagnostics &diagnostics;
  LayerShapes shapes;
  std::map<StringRef, std::vector<int64_t>> arrays;
  std::vector<int64_t> rest;
  bool knowsRest = false, valid = true;
  SmallVector<std::vector<LayerIndex> *> scope; ///< the indices that are seen, the innermost last
};

} // namespace

StringRef LayerShapes::wordOf(StringRef option, bool training) const {
  auto it = words.find(option);
  return it != words.end() ? StringRef(it->second) : training ? "true" : "false";
}

std::optional<double> LayerShapes::lookUp(const Expr &expr) const {
  const bool isName = expr.kind == Expr::Kind::Name;
  StringRef tuple = isName ? expr.name : expr.operand(0).name;
  if (!isName)
    if (auto it = numbers.find((tuple + "." + Twine(static_cast<int64_t>(expr.number))).str()); it != numbers.end())
      return it->second;
  auto it = numbers.find(tuple); // one number is that of all elements
  return it == numbers.end() ? std::nullopt : std::optional(it->second);
}

std::optional<bool> LayerShapes::test(const Expr &expr) const {
  return testOption(expr, [&](StringRef option) {
    auto it = words.find(option);
    return it == words.end() ? StringRef() : StringRef(it->second);
  });
}

double LayerShapes::evaluate(const Expr &expr) const {
  if (auto chosen = test(expr))
    return *chosen;
  if (expr.kind == Expr::Kind::Number)
    return expr.number;
  if (expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Element)
    return *lookUp(expr);
  SmallVector<double> args;
  for (const Argument &arg : expr.args)
    args.push_back(evaluate(*arg.value));
  if (expr.kind == Expr::Kind::Choice)
    return args[0] != 0 ? args[1] : args[2];
  if (expr.kind == Expr::Kind::Operation)
    return applyOperator(expr.op, args.front(), args.back());
  return applyFunction(expr.name, args);
}

std::string shapeText(ArrayRef<int64_t> extents) {
  return llvm::join(llvm::map_range(extents, [](int64_t extent) { return std::to_string(extent); }), "x");
}

const Definition *overloadFor(const Definition &definition, size_t rank, const Evaluator &evaluator) {
  const Definition *found = &definition;
  while (found && !(found->hasRest() ? rank >= found->rank() : rank == found->rank()))
    found = evaluator.overloads.lookup(found);
  return found;
}

std::optional<LayerShapes> placeLayer(const LayerCall &layer, ArrayRef<std::vector<int64_t>> inputs, const Expr &call,
                                      Evaluator &evaluator) {
  if (!evaluator.spend(*layer.definition, call))
    return std::nullopt;
  return LayerPlacer(layer, call, evaluator).run(inputs);
}

} // namespace snn::frontend
