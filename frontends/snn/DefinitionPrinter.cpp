// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Definitions -> text.

#include "frontends/snn/Definitions.h"
#include "frontends/snn/Evaluate.h"
#include "frontends/snn/PrintExpr.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace snn::frontend {
namespace {

class DefinitionPrinter {
public:
  /// With `params`, what is known when the model is compiled is written as a number.
  explicit DefinitionPrinter(raw_ostream &os, const StringMap<double> *params = nullptr) : os(os), params(params) {}

  void print(const Definition &definition) {
    os << "\n" << nameOf(definition.kind) << " " << definition.name.text;
    if (!definition.inputs.empty() || !definition.params.empty())
      printSignature(definition);
    ArrayRef<Statement> body = definition.body;
    if (definition.kind == DefinitionKind::Def && body.size() == 1 && body[0].kind == Statement::Kind::Result) {
      os << " = ";
      printExpr(*body[0].value, os);
      os << "\n";
      return;
    }
    os << " {\n";
    printBody(body, 2);
    os << "}\n";
  }

private:
  void printSignature(const Definition &definition) {
    os << "(";
    for (auto [index, input] : enumerate(definition.inputs)) {
      os << (index ? ", " : "") << input.text;
      if (index >= definition.extents.size())
        continue;
      for (auto [place, extent] : enumerate(definition.extents[index]))
        os << (place ? ", " : "[") << extent.text;
      os << "]";
    }
    for (auto [index, param] : enumerate(definition.params)) {
      os << (index ? ", " : definition.inputs.empty() ? "" : "; ") << param.name.text;
      if (!param.axis.text.empty())
        os << "[" << param.axis.text << "]";
      if (param.value) {
        os << " = ";
        printConstant(*param.value);
      }
      if (param.interval)
        printInterval(*param.interval);
    }
    os << ")";
  }

  void printInterval(const IntervalDecl &interval) {
    os << " in " << (interval.openLow ? "(" : "[");
    printConstant(*interval.low);
    os << ", ";
    if (interval.high)
      printConstant(*interval.high);
    else
      os << "inf";
    os << (interval.openHigh ? ")" : "]");
  }

  void printConstant(const Expr &expr) {
    if (params)
      os << constantText(expr);
    else
      printExpr(expr, os);
  }

  /// A number, a tuple or call of numbers, or a word.
  std::string constantText(const Expr &expr) const {
    if (auto number = foldNumber(expr, *params))
      return numberText(*number);
    if (expr.kind == Expr::Kind::Choice) {
      std::string test;
      raw_string_ostream os(test);
      printExpr(expr.operand(0), os);
      return "if " + test + " then " + constantText(expr.operand(1)) + " else " + constantText(expr.operand(2));
    }
    std::string text = expr.kind == Expr::Kind::Tuple ? "" : expr.name.str();
    if (expr.args.empty())
      return text;
    for (const Argument &arg : expr.args)
      text += (&arg == &expr.args.front() ? "(" : ", ") + (arg.name.text.empty() ? "" : (arg.name.text + " = ").str()) +
              constantText(*arg.value);
    return text + ")";
  }

  static StringRef wordOf(Statement::Kind kind) {
    switch (kind) {
    case Statement::Kind::State:
      return "state ";
    case Statement::Kind::Fixed:
      return "fixed ";
    case Statement::Kind::Learn:
      return "learn ";
    case Statement::Kind::Buffer:
      return "buffer ";
    case Statement::Kind::Spike:
      return "spike ";
    case Statement::Kind::Value:
      return "value ";
    case Statement::Kind::Next:
      return "next ";
    case Statement::Kind::Derivative:
      return "derivative ";
    case Statement::Kind::Soft:
      return "soft ";
    default:
      return "";
    }
  }

  void printBody(ArrayRef<Statement> body, unsigned indent) {
    for (const Statement &statement : body) {
      os.indent(indent) << wordOf(statement.kind);
      os << statement.name.text;
      for (auto [index, place] : enumerate(statement.places)) {
        os << (index ? ", " : "[");
        printExpr(*place.value, os);
      }
      os << (statement.places.empty() ? "" : "]") << (statement.name.text.empty() ? "" : " = ");
      if (statement.kind == Statement::Kind::State || statement.kind == Statement::Kind::Fixed)
        printConstant(*statement.value);
      else if (statement.value)
        printExpr(*statement.value, os, [&](const Expr &call, const Argument &arg) {
          const bool isSurrogate = (call.name == "fire" || call.name == "fire_at") && &arg != &call.args.front();
          return params && isSurrogate && arg.value->kind == Expr::Kind::Call ? constantText(*arg.value) : "";
        });
      for (auto [index, branch] : enumerate(statement.branches)) {
        os << (index ? " else " : "");
        if (!branch.option.text.empty())
          os << "if " << branch.option.text << " == " << branch.word.text << " ";
        os << "{\n";
        printBody(branch.body, indent + 2);
        os.indent(indent) << "}";
      }
      os << "\n";
    }
  }

  raw_ostream &os;
  const StringMap<double> *params;
};

} // namespace

StringRef nameOf(DefinitionKind kind) {
  switch (kind) {
  case DefinitionKind::Neuron:
    return "neuron";
  case DefinitionKind::Layer:
    return "layer";
  case DefinitionKind::Surrogate:
    return "surrogate";
  case DefinitionKind::Loss:
    return "loss";
  case DefinitionKind::Metric:
    return "metric";
  case DefinitionKind::Optimizer:
    return "optimizer";
  case DefinitionKind::Schedule:
    return "schedule";
  case DefinitionKind::Clip:
    return "clip";
  case DefinitionKind::Def:
    return "def";
  }
  return "";
}

void printDefinition(const Definition &definition, const StringMap<double> &params, raw_ostream &os) {
  DefinitionPrinter(os, &params).print(definition);
}

void printDefinitions(const DefinitionFile &file, raw_ostream &os) {
  os << "snn 1\n";
  for (const ParamDecl &param : file.file->params) {
    os << "param " << param.name.text << " = ";
    printExpr(*param.value, os);
    os << "\n";
  }
  for (const auto &definition : file.file->definitions)
    DefinitionPrinter(os).print(*definition);
}

} // namespace snn::frontend
