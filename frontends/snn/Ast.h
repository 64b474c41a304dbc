// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the parser makes of a text: names and numbers as written, nothing looked up. Text refers to the source buffer.

#ifndef SNN_FRONTENDS_SNN_AST_H
#define SNN_FRONTENDS_SNN_AST_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"

#include <memory>
#include <vector>

namespace snn::frontend {

struct Name {
  llvm::StringRef text;
  llvm::SMRange range;
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// "learn each"; empty for a number alone.
inline std::string wordsOf(bool learn, bool each, bool channel) {
  const char *of = channel ? "per channel" : each ? "each" : "";
  return std::string(learn ? "learn" : "") + (learn && each ? " " : "") + of;
}

/// `value`, `name = value`, `name = learn each value`.
struct Argument {
  Name name;                                         ///< empty text if positional
  bool learn = false, each = false, channel = false; ///< `channel`: `per channel`, which is `each` of fewer
  llvm::SMRange range;
  ExprPtr value;
};

enum class Operator {
  Add,
  Subtract,
  Multiply,
  Divide,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
  Negate,
  Power
};

struct Expr {
  enum class Kind {
    Number,
    Name,
    Operation,
    Call,
    Tuple,
    Choice,  ///< `if args[0] then args[1] else args[2]`
    Where,   ///< `args[0] where` the other, named arguments; at the top of a line only
    At,      ///< `args[0] at args[1]`
    Element, ///< `args[0].number`
    Read,    ///< `name[args]`: an element of an array, in the body of a layer
    Or,      ///< `args[0] or args[1]`: what is read, or else what a place outside of the array gives
  };
  Kind kind = Kind::Number;
  llvm::SMRange range;
  llvm::SMLoc place;    ///< of an operation: its operator; otherwise the start
  double number = 0;    ///< Number, Element
  llvm::StringRef name; ///< Name, Call, Read
  Operator op = Operator::Add;
  std::vector<Argument> args; ///< of Call; the operands of the others
  unsigned depth = 1;         ///< levels of nesting, bounded by limits::kNesting

  const Expr &operand(unsigned index) const { return *args[index].value; }
};

struct ParamDecl {
  Name name;
  ExprPtr value;
};

struct Statement;
using Statements = std::vector<Statement>;

/// One arm of `if option == word { ... }`; `else` has an empty option.
struct Branch {
  Name option, word;
  Statements body;
};

struct Statement {
  /// Result is a value that stands alone on its line.
  enum class Kind { State, Fixed, Learn, Buffer, Assign, Spike, If, Result, Value, Next, Derivative, Soft };
  Kind kind = Kind::Assign;
  llvm::SMRange range;
  Name name;                    ///< State, Fixed, Learn, Buffer, Assign; Derivative, where it names an input
  std::vector<Argument> places; ///< in a layer: extents of Learn and Buffer, indices (`i`, `i < rows`) of Assign
  ExprPtr value;                ///< all but If
  std::vector<Branch> branches; ///< If
};

/// `in [low, high)`: what a parameter's number may be.
struct IntervalDecl {
  llvm::SMRange range;
  ExprPtr low, high; ///< no `high`: `inf`
  bool openLow = false, openHigh = false;
};

/// A parameter of a neuron, or of another definition, with its default. One of a layer may have none.
struct NeuronParam {
  Name name;
  Name axis;                              ///< `class`: a constant for each class, or one for all; may be empty
  ExprPtr value;                          ///< may be null
  std::unique_ptr<IntervalDecl> interval; ///< may be null
};

enum class DefinitionKind { Neuron, Layer, Surrogate, Loss, Metric, Optimizer, Schedule, Clip, Def };

/// Stands for all extents that are not named, as the last one of an array of a layer.
inline constexpr llvm::StringLiteral kRest = "...";

/// The word that begins a definition of the kind.
llvm::StringRef nameOf(DefinitionKind kind);

/// Whatever has an equation. A `def NAME(...) = VALUE` has one statement, its result.
struct Definition {
  DefinitionKind kind = DefinitionKind::Def;
  Name name;
  std::vector<Name> inputs;
  std::vector<std::vector<Name>> extents; ///< of a layer: of each input
  std::vector<NeuronParam> params;
  Statements body;
  bool valid = true; ///< false if a syntax error was reported inside

  /// Of a layer: how many extents its first input has, and whether it may have more.
  size_t rank() const { return extents.front().size() - hasRest(); }
  bool hasRest() const { return !extents.front().empty() && extents.front().back().text == kRest; }
};

/// What the host gives: the input, or a label or a target.
struct InputDecl {
  llvm::SMRange range;
  Name word; ///< `input`, `target` or `label`
  Name name; ///< of a target or a label; may be empty
  Name type; ///< none of a label
  std::vector<ExprPtr> extents;
  ExprPtr divisor; ///< may be null
  bool overTime = false;
};

struct StepsDecl {
  llvm::SMRange range;
  bool fromData = false; ///< `steps ? <= bound`
  ExprPtr value;
};

/// `call`, `label: call` or `let name = call`. A line with a syntax error has no call.
struct LayerDecl {
  bool let = false;
  Name name; ///< the label or what `let` defines; may be empty
  ExprPtr call;
  llvm::SMRange range;
};

/// Layers under one name, used like a layer: `block residual(x; channels) { ... }`.
struct BlockDecl {
  Name name;
  std::vector<Name> inputs;
  std::vector<NeuronParam> params;
  std::vector<LayerDecl> layers;
  bool valid = true; ///< false if a syntax error was reported inside
};

struct ModelDecl {
  Name name;
  std::vector<InputDecl> inputs, targets; ///< targets and labels in their order
  std::vector<StepsDecl> steps;
  std::vector<LayerDecl> layers;
  bool valid = true; ///< false if a syntax error was reported inside
};

struct TrainField {
  Name key;
  ExprPtr value;
};

struct TrainDecl {
  Name name; ///< the word `train`
  std::vector<TrainField> fields;
};

/// `alias LIF, lif = leaky`: spellings of other frameworks, for "did you mean".
struct AliasDecl {
  std::vector<Name> spellings;
  Name meant;
};

struct SourceFile {
  std::vector<AliasDecl> aliases;
  std::vector<ParamDecl> params;
  std::vector<std::unique_ptr<Definition>> definitions;
  std::vector<std::unique_ptr<BlockDecl>> blocks;
  std::vector<ModelDecl> models;
  std::vector<TrainDecl> trains;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_AST_H
