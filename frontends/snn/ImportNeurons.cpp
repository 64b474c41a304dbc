// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Neuron definitions -> snn.neuron_def.

#include "frontends/snn/ImportNeurons.h"

#include "dialect/SnnDialect.h"
#include "frontends/snn/Diagnostics.h"
#include "frontends/snn/Evaluate.h"
#include "frontends/snn/ImportScalars.h"
#include "frontends/snn/Surrogates.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

bool usesFired(const Expr &expr) {
  if (expr.kind == Expr::Kind::Name)
    return expr.name == "fired";
  return llvm::any_of(expr.args, [](const Argument &arg) { return usesFired(*arg.value); });
}

bool usesFired(const Statements &body, const CheckedLayer &layer) {
  return llvm::any_of(body, [&](const Statement &statement) {
    if (statement.kind != Statement::Kind::If)
      return usesFired(*statement.value);
    const Statements *branch = chosenBranch(statement, layer);
    return branch && usesFired(*branch, layer);
  });
}

void collectFixed(const Statements &body, const CheckedLayer &layer,
                  std::vector<std::pair<std::string, double>> &constants) {
  for (const Statement &statement : body) {
    if (statement.kind == Statement::Kind::Fixed)
      constants.emplace_back(statement.name.text.str(), layer.neuron->fixed.at(&statement));
    else if (statement.kind == Statement::Kind::If)
      if (const Statements *branch = chosenBranch(statement, layer))
        collectFixed(*branch, layer, constants);
  }
}

/// Emits one definition's body. Spikes and comparisons are i1; they become real where a number is needed.
class BodyImporter {
public:
  BodyImporter(const CheckedModel &model, const CheckedLayer &layer, Block &block, Type real)
      : model(model), layer(layer), block(block), builder(OpBuilder::atBlockEnd(&block)),
        type(RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, real)) {}

  void run(ArrayRef<std::pair<std::string, double>> states) {
    const Definition &decl = *layer.neuron->decl;
    define(decl.inputs.front());
    for (const CheckedParam &param : layer.neuron->params)
      if (param.kind == ParamKind::Number)
        define(param.name);
    for (const CheckedState &state : layer.neuron->states)
      define(state.name);
    bool hasFired = states.size() > layer.neuron->states.size();
    if (hasFired)
      fired = block.addArgument(type, locationOf(model, decl.name.range.Start, builder.getContext()));
    importStatements(decl.body);

    SmallVector<Value> next;
    for (const CheckedState &state : layer.neuron->states)
      next.push_back(asReal(names.lookup(state.name.text)));
    if (hasFired)
      next.push_back(asReal(spike));
    NeuronReturnOp::create(builder, spike.getLoc(), spike, next);
    // Options may leave values without a use; a detached one among them would be recorded for nothing.
    SmallVector<Operation *> ops(llvm::make_pointer_range(block.without_terminator()));
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
  }

private:
  Location at(SMLoc loc) { return locationOf(model, loc, builder.getContext()); }

  void define(const Name &name) { names[name.text] = block.addArgument(type, at(name.range.Start)); }

  void importStatements(const Statements &body) {
    for (const Statement &statement : body) {
      switch (statement.kind) {
      case Statement::Kind::State:
      case Statement::Kind::Fixed:
        break;
      case Statement::Kind::Assign:
        names[statement.name.text] = importExpr(*statement.value);
        break;
      case Statement::Kind::Spike:
        spike = importExpr(*statement.value);
        break;
      case Statement::Kind::If:
        if (const Statements *branch = chosenBranch(statement, layer))
          importStatements(*branch);
        break;
      default:
        llvm_unreachable("a statement of definitions");
      }
    }
  }

  Value constant(Location loc, double value) {
    return ConstantOp::create(builder, loc, type, builder.getF64FloatAttr(value));
  }

  Value asReal(Value value) {
    if (value.getType() == type)
      return value;
    Value &cast = casts[value];
    if (!cast)
      cast = CastOp::create(builder, value.getLoc(), type, value, builder.getF64FloatAttr(1));
    return cast;
  }
  Value importReal(const Expr &expr) { return asReal(importExpr(expr)); }

  Value importExpr(const Expr &expr) {
    Location loc = at(expr.place);
    if (auto number = foldNumber(expr))
      return constant(loc, *number);
    switch (expr.kind) {
    case Expr::Kind::Name:
      if (expr.name == "fired") {
        if (!detachedFired)
          detachedFired = DetachOp::create(builder, loc, type, fired);
        return detachedFired;
      }
      return names.lookup(expr.name);
    case Expr::Kind::Operation:
      return importOperation(expr, loc);
    case Expr::Kind::Call:
      return importCall(expr, loc);
    default:
      llvm_unreachable("numbers are folded and tuples refused by the checks");
    }
  }

  Value importOperation(const Expr &expr, Location loc) {
    Value left = importReal(expr.operand(0));
    if (expr.op == Operator::Negate)
      return arith::NegFOp::create(builder, loc, left);
    Value right = importReal(expr.operand(1));
    switch (expr.op) {
    case Operator::Add:
      return arith::AddFOp::create(builder, loc, left, right);
    case Operator::Subtract:
      return arith::SubFOp::create(builder, loc, left, right);
    case Operator::Multiply:
      return arith::MulFOp::create(builder, loc, left, right);
    case Operator::Divide:
      return arith::DivFOp::create(builder, loc, left, right);
    default:
      return arith::CmpFOp::create(builder, loc, floatPredicate(expr.op), left, right);
    }
  }

  Value importCall(const Expr &expr, Location loc) {
    if (expr.name == "attached")
      return fired;
    Value x = importReal(expr.operand(0));
    if (expr.name == "detach")
      return DetachOp::create(builder, loc, type, x);
    if (expr.name == "exp")
      return math::ExpOp::create(builder, loc, x);
    if (expr.name == "heaviside")
      return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, x, constant(loc, 0));
    if (expr.name == "fire") {
      Type result = model.options.softSpikes ? type : type.clone(builder.getI1Type());
      return FireOp::create(builder, loc, result, x, surrogate(expr.operand(1)));
    }
    Value y = importReal(expr.operand(1));
    if (expr.name == "min")
      return arith::MinimumFOp::create(builder, loc, x, y);
    Value upper = arith::MaximumFOp::create(builder, loc, x, y);
    if (expr.name == "max")
      return upper;
    return arith::MinimumFOp::create(builder, loc, upper, importReal(expr.operand(2)));
  }

  Attribute surrogate(const Expr &expr) {
    auto written = layer.neuron->surrogates.find(&expr);
    const SurrogateValue *value =
        written == layer.neuron->surrogates.end() ? &valueOf(layer, expr.name).surrogate : &written->second;
    return value->info->build(builder.getContext(), value->numbers);
  }

  const CheckedModel &model;
  const CheckedLayer &layer;
  Block &block;
  OpBuilder builder;
  RankedTensorType type;
  llvm::StringMap<Value> names;
  llvm::DenseMap<Value, Value> casts;
  Value fired, detachedFired, spike;
};

} // namespace

Location locationOf(const CheckedModel &model, SMLoc loc, MLIRContext *context) {
  unsigned buffer = loc.isValid() ? model.sources->FindBufferContainingLoc(loc) : 0;
  if (buffer == 0)
    return locationOf(model, model.name.range.Start, context);
  auto [line, column] = model.sources->getLineAndColumn(loc, buffer);
  return FileLineColLoc::get(context, model.sources->getMemoryBuffer(buffer)->getBufferIdentifier(), line, column);
}

std::vector<std::pair<std::string, double>> statesOf(const CheckedLayer &layer) {
  std::vector<std::pair<std::string, double>> states;
  for (const CheckedState &state : layer.neuron->states)
    states.emplace_back(state.name.text.str(), state.rest);
  if (usesFired(layer.neuron->decl->body, layer))
    states.emplace_back("fired", 0);
  return states;
}

std::vector<std::pair<std::string, double>> constantsOf(const CheckedLayer &layer) {
  std::vector<std::pair<std::string, double>> constants;
  for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values))
    if (param.kind == ParamKind::Number && !value.learn)
      constants.emplace_back(param.name.text.str(), value.number);
  collectFixed(layer.neuron->decl->body, layer, constants);
  return constants;
}

NeuronDefinitions::NeuronDefinitions(const CheckedModel &model, ModuleOp module, Type real)
    : model(model), module(module), real(real) {
  for (Operation &op : *module.getBody())
    if (auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName()))
      taken.insert(name);
  for (StringRef name : {"forward", "step", "loss", "update", "loss_and_gradient", "train_step", "arena_size"})
    taken.insert(name);
}

FlatSymbolRefAttr NeuronDefinitions::get(const CheckedLayer &layer) {
  const CheckedNeuron &neuron = *layer.neuron;
  StringRef name = neuron.decl->name.text;
  std::string key = name.str();
  for (auto [param, value] : llvm::zip(neuron.params, layer.values)) {
    if (param.kind == ParamKind::Option)
      key += " " + value.word;
    if (param.kind == ParamKind::Surrogate) {
      key += " " + value.surrogate.info->name.str();
      for (double number : value.surrogate.numbers)
        key += "," + numberText(number);
    }
  }
  FlatSymbolRefAttr &symbol = known[key];
  if (symbol)
    return symbol;
  std::string unique = name.str();
  for (unsigned suffix = 1; !taken.insert(unique).second; ++suffix)
    unique = (name + "_" + Twine(suffix)).str();

  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<StringRef> paramNames, stateNames;
  SmallVector<double> rest;
  for (const CheckedParam &param : neuron.params)
    if (param.kind == ParamKind::Number)
      paramNames.push_back(param.name.text);
  auto states = statesOf(layer);
  for (const auto &[stateName, value] : states) {
    stateNames.push_back(stateName);
    rest.push_back(value);
  }
  auto definition = NeuronDefOp::create(builder, locationOf(model, neuron.decl->name.range.Start, builder.getContext()),
                                        unique, builder.getStrArrayAttr(paramNames),
                                        builder.getStrArrayAttr(stateNames), builder.getF64ArrayAttr(rest));
  Block *block = builder.createBlock(&definition.getBody());
  BodyImporter(model, layer, *block, real).run(states);
  return symbol = FlatSymbolRefAttr::get(builder.getContext(), unique);
}

} // namespace snn::frontend
