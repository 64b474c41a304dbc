// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions -> text.

#include "frontends/snn/PrintExpr.h"

#include "frontends/snn/Diagnostics.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace snn::frontend {
namespace {

StringRef symbolOf(Operator op) {
  switch (op) {
  case Operator::Add:
    return " + ";
  case Operator::Subtract:
    return " - ";
  case Operator::Multiply:
    return " * ";
  case Operator::Divide:
    return " / ";
  case Operator::Less:
    return " < ";
  case Operator::LessEqual:
    return " <= ";
  case Operator::Greater:
    return " > ";
  case Operator::GreaterEqual:
    return " >= ";
  case Operator::Equal:
    return " == ";
  case Operator::NotEqual:
    return " != ";
  case Operator::Negate:
    return "-";
  case Operator::Power:
    return "^";
  }
  return "";
}

/// How tightly an expression binds; parentheses go around what binds less than its place asks for.
enum Binding : unsigned { kWhole, kComparison, kSum, kProduct, kSign, kPower, kPostfix, kPrimary };

Binding bindingOf(const Expr &expr) {
  switch (expr.kind) {
  case Expr::Kind::Choice:
  case Expr::Kind::Where:
    return kWhole;
  case Expr::Kind::At:
  case Expr::Kind::Element:
  case Expr::Kind::Or:
    return kPostfix;
  case Expr::Kind::Operation:
    break;
  default:
    return kPrimary;
  }
  switch (expr.op) {
  case Operator::Negate:
    return kSign;
  case Operator::Power:
    return kPower;
  case Operator::Multiply:
  case Operator::Divide:
    return kProduct;
  case Operator::Add:
  case Operator::Subtract:
    return kSum;
  default:
    return kComparison;
  }
}

class ExprPrinter {
public:
  ExprPrinter(raw_ostream &os, ArgumentText argumentText) : os(os), argumentText(argumentText) {}

  void print(const Expr &expr, unsigned binding = kWhole) {
    bool parentheses = bindingOf(expr) < binding;
    os << (parentheses ? "(" : "");
    printBare(expr);
    os << (parentheses ? ")" : "");
  }

private:
  void printBare(const Expr &expr) {
    switch (expr.kind) {
    case Expr::Kind::Number:
      os << numberText(expr.number);
      break;
    case Expr::Kind::Name:
      os << expr.name;
      break;
    case Expr::Kind::Operation:
      printOperation(expr);
      break;
    case Expr::Kind::Call:
    case Expr::Kind::Tuple:
      os << expr.name << "(";
      printArguments(expr, expr.args);
      os << ")";
      break;
    case Expr::Kind::Choice:
      os << "if ";
      print(expr.operand(0));
      os << " then ";
      print(expr.operand(1));
      os << " else ";
      print(expr.operand(2));
      break;
    case Expr::Kind::Read:
      os << expr.name << "[";
      printArguments(expr, expr.args);
      os << "]";
      break;
    case Expr::Kind::Or:
      print(expr.operand(0));
      os << " or ";
      print(expr.operand(1), kSign);
      break;
    case Expr::Kind::Where:
      print(expr.operand(0));
      os << " where ";
      printArguments(expr, ArrayRef(expr.args).drop_front());
      break;
    case Expr::Kind::At:
      print(expr.operand(0), kPostfix);
      os << " at ";
      print(expr.operand(1), kPrimary);
      break;
    case Expr::Kind::Element:
      print(expr.operand(0), kPostfix);
      os << "." << numberText(expr.number);
      break;
    }
  }

  void printOperation(const Expr &expr) {
    Binding own = bindingOf(expr);
    if (own == kSign) {
      os << "-";
      return print(expr.operand(0), kSign);
    }
    // Of equals, comparisons take none, a power the one to its right, the others the one to their left.
    print(expr.operand(0), own == kComparison ? kSum : own == kPower ? kPostfix : own);
    os << symbolOf(expr.op);
    print(expr.operand(1), own == kPower ? kSign : own + 1);
  }

  void printArguments(const Expr &call, ArrayRef<Argument> args) {
    for (auto [index, arg] : enumerate(args)) {
      os << (index ? ", " : "");
      if (!arg.name.text.empty())
        os << arg.name.text << " = ";
      if (std::string text = argumentText(call, arg); !text.empty())
        os << text;
      else
        print(*arg.value);
    }
  }

  raw_ostream &os;
  ArgumentText argumentText;
};

} // namespace

void printExpr(const Expr &expr, raw_ostream &os, ArgumentText argumentText) {
  ExprPrinter(os, argumentText).print(expr);
}

} // namespace snn::frontend
