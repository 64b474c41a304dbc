// Computes the instructions of bodies. See Scalars.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Random.h"
#include "test/oracle/Scalars.h"

#include <cmath>

namespace snn::interpreter {
namespace {

/// How an integer of `width` bits is kept: with its sign, but i1 as 0 or 1.
int64_t wrap(int64_t value, unsigned width) {
  if (width == 1)
    return value & 1;
  return width >= 64 ? value : int64_t(uint64_t(value) << (64 - width)) >> (64 - width);
}
int64_t asSigned(int64_t value, unsigned width) { return width == 1 ? -value : value; }
uint64_t asUnsigned(int64_t value, unsigned width) {
  return width >= 64 ? uint64_t(value) : uint64_t(value) & ((uint64_t(1) << width) - 1);
}

/// Larger of two numbers where +0 counts as larger than -0.
double larger(double a, double b) { return a > b || (a == b && !std::signbit(a)) ? a : b; }
double smaller(double a, double b) { return a < b || (a == b && std::signbit(a)) ? a : b; }

double maximum(double a, double b) { return std::isnan(a) ? a : std::isnan(b) ? b : larger(a, b); }
double minimum(double a, double b) { return std::isnan(a) ? a : std::isnan(b) ? b : smaller(a, b); }
double maximumNumber(double a, double b) { return std::isnan(a) ? b : std::isnan(b) ? a : larger(a, b); }
double minimumNumber(double a, double b) { return std::isnan(a) ? b : std::isnan(b) ? a : smaller(a, b); }

bool compare(mlir::arith::CmpFPredicate predicate, double a, double b) {
  using enum mlir::arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case AlwaysFalse:
    return false;
  case OEQ:
    return a == b;
  case OGT:
    return a > b;
  case OGE:
    return a >= b;
  case OLT:
    return a < b;
  case OLE:
    return a <= b;
  case ONE:
    return a < b || a > b;
  case ORD:
    return !unordered;
  case UEQ:
    return unordered || a == b;
  case UGT:
    return unordered || a > b;
  case UGE:
    return unordered || a >= b;
  case ULT:
    return unordered || a < b;
  case ULE:
    return unordered || a <= b;
  case UNE:
    return unordered || a != b;
  case UNO:
    return unordered;
  case AlwaysTrue:
    return true;
  }
  llvm_unreachable("all predicates are listed");
}

bool compare(mlir::arith::CmpIPredicate predicate, int64_t a, int64_t b, unsigned width) {
  using enum mlir::arith::CmpIPredicate;
  int64_t sa = asSigned(a, width), sb = asSigned(b, width);
  uint64_t ua = asUnsigned(a, width), ub = asUnsigned(b, width);
  switch (predicate) {
  case eq:
    return a == b;
  case ne:
    return a != b;
  case slt:
    return sa < sb;
  case sle:
    return sa <= sb;
  case sgt:
    return sa > sb;
  case sge:
    return sa >= sb;
  case ult:
    return ua < ub;
  case ule:
    return ua <= ub;
  case ugt:
    return ua > ub;
  case uge:
    return ua >= ub;
  }
  llvm_unreachable("all predicates are listed");
}

/// Towards zero. What does not fit has no meaning in arith; here it gives the nearest integer that fits into 64 bits.
int64_t toInteger(double value) {
  if (std::isnan(value))
    return 0;
  return value >= 0x1p63 ? INT64_MAX : value < -0x1p63 ? INT64_MIN : int64_t(value);
}
uint64_t toUnsigned(double value) { return value >= 0x1p64 ? UINT64_MAX : value > 0 ? uint64_t(value) : 0; }

} // namespace

void Body::load(unsigned index, const Array &array, const int64_t *offsets, int64_t count, Scalar absent) {
  Register target = arguments[index];
  bool isByte = array.element() == Element::U8;
  std::visit(
      [&](const auto &elements) {
        for (int64_t i = 0; i < count; ++i) {
          if (target.isReal)
            realRow(target.index)[i] = offsets[i] < 0 ? absent.real : double(elements[offsets[i]]);
          else
            integerRow(target.index)[i] = offsets[i] < 0 ? absent.integer
                                          : isByte       ? wrap(int64_t(elements[offsets[i]]), 8)
                                                         : int64_t(elements[offsets[i]]);
        }
      },
      array.data());
}

void Body::copy(unsigned index, double *numbers, int64_t count) const {
  const Register from = yields[index];
  if (from.isReal)
    std::copy_n(realRow(from.index), count, numbers);
  else
    std::copy_n(integerRow(from.index), count, numbers);
}

void Body::store(unsigned index, Array &array, const int64_t *offsets, int64_t count) const {
  Register source = yields[index];
  std::visit(
      [&]<typename T>(std::vector<T> &elements) {
        for (int64_t i = 0; i < count; ++i)
          if (offsets[i] >= 0)
            elements[offsets[i]] = source.isReal ? T(realRow(source.index)[i]) : T(integerRow(source.index)[i]);
      },
      array.data());
}

void Body::run(const Row &row, std::optional<int64_t> step) {
  for (const Instruction &instruction : instructions) {
    if (instruction.code == Code::Index)
      countAlong(instruction, row, step);
    else if (instruction.code == Code::Random)
      draw(instruction, row, step);
    else
      execute(instruction, row.count);
  }
}

/// Results that are reals. Sums, products, quotients and roots of f32 are exact or have so many digits in f64 (53, at
/// least 2 * 24 + 2) that rounding them once more gives what one rounding gives.
void Body::executeReal(const Instruction &in, int64_t count) {
  double *result = realRow(in.result);
  const double *a = realRow(in.a), *b = realRow(in.b), *c = realRow(in.c);
  auto each = [&](auto compute) {
    for (int64_t i = 0; i < count; ++i)
      result[i] = compute(i);
    if (in.single)
      for (int64_t i = 0; i < count; ++i)
        result[i] = float(result[i]);
  };
  switch (in.code) {
  case Code::Add:
    return each([&](int64_t i) { return a[i] + b[i]; });
  case Code::Subtract:
    return each([&](int64_t i) { return a[i] - b[i]; });
  case Code::Multiply:
    return each([&](int64_t i) { return a[i] * b[i]; });
  case Code::Divide:
    return each([&](int64_t i) { return a[i] / b[i]; });
  case Code::Negate:
    return each([&](int64_t i) { return -a[i]; });
  case Code::Maximum:
    return each([&](int64_t i) { return maximum(a[i], b[i]); });
  case Code::Minimum:
    return each([&](int64_t i) { return minimum(a[i], b[i]); });
  case Code::MaximumNumber:
    return each([&](int64_t i) { return maximumNumber(a[i], b[i]); });
  case Code::MinimumNumber:
    return each([&](int64_t i) { return minimumNumber(a[i], b[i]); });
  case Code::FusedMultiplyAdd:
    // In f64 and then in f32 would be two roundings.
    return each([&](int64_t i) {
      return in.single ? double(std::fma(float(a[i]), float(b[i]), float(c[i]))) : std::fma(a[i], b[i], c[i]);
    });
  case Code::Unary:
    return each([&](int64_t i) { return in.unary(a[i]); });
  case Code::Binary:
    return each([&](int64_t i) { return in.binary(a[i], b[i]); });
  case Code::Round:
    return each([&](int64_t i) { return a[i]; });
  case Code::SelectReal:
    return each([&](int64_t i) { return integerRow(in.a)[i] ? b[i] : c[i]; });
  case Code::FromUnsigned:
    return each([&](int64_t i) {
      uint64_t value = asUnsigned(integerRow(in.a)[i], in.fromWidth);
      return in.single ? double(float(value)) : double(value);
    });
  case Code::FromSigned:
    return each([&](int64_t i) {
      int64_t value = asSigned(integerRow(in.a)[i], in.fromWidth);
      return in.single ? double(float(value)) : double(value);
    });
  default:
    llvm_unreachable("all others give integers");
  }
}

void Body::execute(const Instruction &in, int64_t count) {
  int64_t *result = integerRow(in.result);
  const int64_t *a = integerRow(in.a), *b = integerRow(in.b), *c = integerRow(in.c);
  auto each = [&](auto compute) {
    for (int64_t i = 0; i < count; ++i)
      result[i] = wrap(int64_t(compute(i)), in.width);
  };
  switch (in.code) {
  case Code::CompareReals:
    return each(
        [&](int64_t i) { return compare(mlir::arith::CmpFPredicate(in.integer), realRow(in.a)[i], realRow(in.b)[i]); });
  case Code::CompareIntegers:
    return each([&](int64_t i) { return compare(mlir::arith::CmpIPredicate(in.integer), a[i], b[i], in.fromWidth); });
  case Code::SelectInteger:
    return each([&](int64_t i) { return a[i] ? b[i] : c[i]; });
  case Code::IntegerAdd:
    return each([&](int64_t i) { return uint64_t(a[i]) + uint64_t(b[i]); });
  case Code::IntegerSubtract:
    return each([&](int64_t i) { return uint64_t(a[i]) - uint64_t(b[i]); });
  case Code::IntegerMultiply:
    return each([&](int64_t i) { return uint64_t(a[i]) * uint64_t(b[i]); });
  case Code::And:
    return each([&](int64_t i) { return a[i] & b[i]; });
  case Code::Or:
    return each([&](int64_t i) { return a[i] | b[i]; });
  case Code::Xor:
    return each([&](int64_t i) { return a[i] ^ b[i]; });
  case Code::ToSigned:
    return each([&](int64_t i) { return toInteger(realRow(in.a)[i]); });
  case Code::ToUnsigned:
    return each([&](int64_t i) { return toUnsigned(realRow(in.a)[i]); });
  case Code::ZeroExtend:
    return each([&](int64_t i) { return asUnsigned(a[i], in.fromWidth); });
  case Code::SignExtend:
    return each([&](int64_t i) { return asSigned(a[i], in.fromWidth); });
  case Code::Truncate:
    return each([&](int64_t i) { return a[i]; });
  default:
    return executeReal(in, count);
  }
}

void Body::countAlong(const Instruction &in, const Row &row, std::optional<int64_t> step) {
  int64_t dim = in.integer, first = 0;
  if (dim == core::ArrayType::kTime) {
    dim = timeDim;
    first = call->firstStep;
  } else if (dim == core::ArrayType::kSample) {
    dim = sampleDim;
  }
  for (int64_t i = 0; i < row.count; ++i)
    integerRow(in.result)[i] = dim < 0 ? step.value_or(0) : first + row.coordinate(dim, i);
}

void Body::draw(const Instruction &in, const Row &row, std::optional<int64_t> step) {
  std::array<uint32_t, 2> key = randomKey(call->seed, uint32_t(in.integer), call->epoch);
  for (int64_t i = 0; i < row.count; ++i) {
    RandomPlace place;
    if (sampleDim >= 0)
      place.sample = call->sampleId(row.coordinate(sampleDim, i));
    if (!in.perSample)
      place.step = timeDim >= 0 ? uint32_t(call->firstStep + row.coordinate(timeDim, i)) : uint32_t(step.value_or(0));
    for (auto [dim, extent] : llvm::enumerate(extents))
      if (domain[dim] >= 0)
        place.element = uint32_t(place.element * extent + row.coordinate(dim, i));
    Words block = randomBlock(key, place);
    realRow(in.result)[i] = in.width == 32 ? unitF32(block) : unitF64(block);
  }
}

} // namespace snn::interpreter
