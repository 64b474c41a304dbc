// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The types of values in definitions: what they are and along which axes they vary.

#ifndef SNN_FRONTENDS_SNN_VALUETYPE_H
#define SNN_FRONTENDS_SNN_VALUETYPE_H

#include "frontends/snn/Ast.h"

#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <string>

namespace snn::frontend {

/// What comes behind the named axes are the indices of a line in the body of a layer, in the order of the line.
enum class Axis : unsigned { Sample, Time, Neuron, Class, Parameter, FirstIndex };

inline constexpr unsigned kMaxIndices = 32; ///< in a line

inline Axis indexAxis(unsigned number) { return static_cast<Axis>(static_cast<unsigned>(Axis::FirstIndex) + number); }
/// The number of an index; nothing for a named axis.
inline std::optional<unsigned> indexNumber(Axis axis) {
  if (axis < Axis::FirstIndex)
    return std::nullopt;
  return static_cast<unsigned>(axis) - static_cast<unsigned>(Axis::FirstIndex);
}

/// Of a named axis.
llvm::StringRef nameOf(Axis axis);
/// All but `parameter`, which a clip alone goes over: elsewhere it is a name like others.
std::optional<Axis> axisNamed(llvm::StringRef name);

class AxisSet {
public:
  constexpr AxisSet() = default;
  constexpr AxisSet(std::initializer_list<Axis> axes) {
    for (Axis axis : axes)
      bits |= uint64_t(1) << static_cast<unsigned>(axis);
  }
  bool contains(Axis axis) const { return bits >> static_cast<unsigned>(axis) & 1; }
  bool empty() const { return bits == 0; }
  AxisSet operator|(AxisSet other) const { return AxisSet(bits | other.bits); }
  AxisSet operator-(AxisSet other) const { return AxisSet(bits & ~other.bits); }
  AxisSet operator&(AxisSet other) const { return AxisSet(bits & other.bits); }
  /// "time and class"; "none". Indices are called by their names.
  std::string text(llvm::ArrayRef<llvm::StringRef> indices = {}) const;

private:
  constexpr explicit AxisSet(uint64_t bits) : bits(bits) {}
  uint64_t bits = 0;
};

struct ValueType {
  /// Unknown: of an input of a `def` that is not being used, or after an error; anything may be done with it. What
  /// stands behind Integer is no value.
  enum class Kind { Unknown, Real, Bits, Integer, Tuple, Option, Surrogate, Function, Layer };
  Kind kind;
  AxisSet axes;
  bool network;           ///< something of the network is in it; if not, it is computed in f64
  bool chance = false;    ///< a random number is in it
  bool stepwise = false;  ///< a state of a layer is in it
  bool declared = false;  ///< of labels and targets alone, which may be over time or not
  bool surrogate = false; ///< of bits: has one, or says by `detach` or as a number that none is meant
  std::optional<Axis> of; ///< of an integer: the axis along which it is a coordinate
  unsigned elements = 0;  ///< of a tuple

  ValueType(Kind kind = Kind::Unknown, AxisSet axes = {}, bool network = false)
      : kind(kind), axes(axes), network(network) {}
  static ValueType real(AxisSet axes, bool network) { return {Kind::Real, axes, network}; }
  static ValueType bits(AxisSet axes, bool network) { return {Kind::Bits, axes, network}; }
  static ValueType number() { return {Kind::Real}; }
  static ValueType integer(AxisSet axes, std::optional<Axis> of) {
    ValueType type{Kind::Integer, axes};
    type.of = of;
    return type;
  }

  ValueType given() const {
    ValueType type = *this;
    type.declared = true;
    return type;
  }
  /// Whether nothing but labels, targets and numbers is in it.
  bool isGiven() const { return declared || !network; }

  bool isUnknown() const { return kind == Kind::Unknown; }
  bool isValue() const { return kind <= Kind::Integer; }
  /// "a real", "bits", "an integer", "a tuple", ...
  llvm::StringRef noun() const;
};

/// The type of what is computed from both, if its kind is `kind`; unknown if one of them is.
ValueType joined(const ValueType &a, const ValueType &b, ValueType::Kind kind);

/// The type of one of the two: what both are, or else a real. Keeps what holds for both only.
ValueType oneOf(const ValueType &a, const ValueType &b);

/// In a choice between bits and the number 0 or 1, which is bits too, the number; null for any other.
const Expr *numberBesideBits(const Expr &choice, ValueType::Kind yes, ValueType::Kind no);

/// What a word of the language means in the body of a definition that is used in `root`; `root` is Def where the use is
/// not known. Nothing if it is no word, or has no meaning there.
std::optional<ValueType> wordType(llvm::StringRef word, DefinitionKind root);

/// The kinds of definitions where the word means something, as text ("an optimizer and a schedule"); empty if it is no
/// word.
llvm::StringRef placesOfWord(llvm::StringRef word);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_VALUETYPE_H
