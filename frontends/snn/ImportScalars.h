// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar arithmetic of definitions in arith and math.

#ifndef SNN_FRONTENDS_SNN_IMPORTSCALARS_H
#define SNN_FRONTENDS_SNN_IMPORTSCALARS_H

#include "frontends/snn/ValueType.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <functional>

namespace snn::frontend {

/// How reals are compared; with a NaN, only != holds.
mlir::arith::CmpFPredicate floatPredicate(Operator op);

/// One element in the body of an op, or a number that is known when the model is compiled.
struct Scalar {
  ValueType::Kind kind = ValueType::Kind::Real;
  bool network = false;                  ///< of the element type; a number is f64
  std::optional<double> constant;        ///< then there is no value
  mlir::Value value;                     ///< f32 or f64; i1 of bits; i64 of an integer
  std::optional<Axis> of = std::nullopt; ///< of an integer: the axis along which it is a coordinate

  static Scalar number(double value) { return {ValueType::Kind::Real, false, value, {}}; }
};

/// Writes operations where `builder` stands. What is known is computed at once, in f64.
class ScalarBuilder {
public:
  /// `real` is the type of what is of the network. `outside` may compute a number outside of the body, where it is
  /// about to be rounded for an element, and gives it back as it is in the body.
  ScalarBuilder(mlir::ImplicitLocOpBuilder &builder, mlir::Type real, std::function<mlir::Value(mlir::Value)> outside)
      : builder(builder), real(real), outside(std::move(outside)) {}

  /// The value as a real of the network or as a number, which is rounded here if it meets the network.
  mlir::Value asReal(const Scalar &scalar, bool network);
  /// The value in its own type.
  mlir::Value asValue(const Scalar &scalar);
  /// The type that `asValue` has.
  mlir::Type typeOf(const Scalar &scalar);

  Scalar negate(const Scalar &x);
  /// + - * / and comparisons.
  Scalar operation(Operator op, const Scalar &a, const Scalar &b);
  /// Of the network, `b` is a whole number that is known, and the power is a product.
  Scalar power(const Scalar &a, const Scalar &b);
  Scalar choose(const Scalar &condition, const Scalar &yes, const Scalar &no);
  /// abs, exp, log, sqrt, tanh, sin, cos, atan, trunc; min, max; clamp.
  Scalar function(llvm::StringRef name, llvm::ArrayRef<Scalar> args);

private:
  Scalar result(mlir::Value value, bool network, ValueType::Kind kind = ValueType::Kind::Real) {
    return {kind, network, std::nullopt, value};
  }

  mlir::ImplicitLocOpBuilder &builder;
  mlir::Type real;
  std::function<mlir::Value(mlir::Value)> outside;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_IMPORTSCALARS_H
