// Bodies of single numbers, computed for a row of points at once.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_SCALARS_H
#define SNN_TEST_ORACLE_SCALARS_H

#include "test/oracle/Access.h"

#include "llvm/ADT/DenseMap.h"

namespace snn::interpreter {

/// One number of a body, of whichever kind it is. Integers are kept with their sign, but i1 as 0 or 1.
struct Scalar {
  double real = 0;
  int64_t integer = 0;

  /// Of a FloatAttr or IntegerAttr.
  static std::optional<Scalar> of(mlir::Attribute attribute);
};

/// A body as a flat list of instructions on registers; a register holds a number for each point of a row.
class Body {
public:
  /// `domain` with its marks and `extents` without. An error names the first operation that is not understood.
  static llvm::Expected<Body> translate(mlir::Block &block, llvm::ArrayRef<int64_t> domain,
                                        llvm::ArrayRef<int64_t> extents, const Call &call, Numbers numbers,
                                        bool isInScan);

  /// Gives argument `index` the elements of `array` at `offsets`, and `absent` where an offset is -1.
  void load(unsigned index, const Array &array, const int64_t *offsets, int64_t count, Scalar absent = {});
  /// `step`: of the scan that the op stands in, counted from the first that the state has seen.
  void run(const Row &row, std::optional<int64_t> step);
  /// Puts what the body yields as value `index` into elements of `array`; offsets of -1 are left out.
  void store(unsigned index, Array &array, const int64_t *offsets, int64_t count) const;
  /// What the body yields as value `index`, for each point. It must be a real.
  const double *reals(unsigned index) const { return realRow(yields[index].index); }
  /// The same of any kind, as reals.
  void copy(unsigned index, double *numbers, int64_t count) const;

private:
  enum class Code {
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Maximum,
    Minimum,
    MaximumNumber,
    MinimumNumber,
    FusedMultiplyAdd, // reals
    Unary,
    Binary, // functions of libm
    CompareReals,
    CompareIntegers, // predicate in `integer`
    SelectReal,
    SelectInteger, // registers condition, yes, no
    IntegerAdd,
    IntegerSubtract,
    IntegerMultiply,
    And,
    Or,
    Xor, // of `width` bits
    FromUnsigned,
    FromSigned,
    ToSigned,
    ToUnsigned,
    Round, // integers of `fromWidth` and reals
    ZeroExtend,
    SignExtend,
    Truncate, // from `fromWidth` to `width`
    Index,
    Random // `integer`: dim, or purpose
  };
  struct Register {
    bool isReal;
    unsigned index;
  };
  struct Instruction {
    Code code;
    bool single = false; ///< the result is rounded to f32
    bool perSample = false;
    unsigned width = 0, fromWidth = 0;
    unsigned result = 0, a = 0, b = 0, c = 0;
    int64_t integer = 0;
    double (*unary)(double) = nullptr;
    double (*binary)(double, double) = nullptr;
  };

  double *realRow(unsigned index) { return realBank.data() + index * rowLength; }
  const double *realRow(unsigned index) const { return realBank.data() + index * rowLength; }
  int64_t *integerRow(unsigned index) { return integerBank.data() + index * rowLength; }
  const int64_t *integerRow(unsigned index) const { return integerBank.data() + index * rowLength; }

  llvm::Error translate(mlir::Operation &op);
  llvm::Error translateBlock(mlir::Block &block);
  bool translateReal(mlir::Operation &op, Instruction &instruction);
  bool translateInteger(mlir::Operation &op, Instruction &instruction);
  Register define(mlir::Value value);
  void execute(const Instruction &instruction, int64_t count);
  void executeReal(const Instruction &instruction, int64_t count);
  void countAlong(const Instruction &instruction, const Row &row, std::optional<int64_t> step);
  void draw(const Instruction &instruction, const Row &row, std::optional<int64_t> step);

  llvm::SmallVector<int64_t> domain, extents;
  const Call *call = nullptr;
  Numbers numbers = Numbers::AsStated;
  int timeDim = -1, sampleDim = -1;
  bool isInScan = false;
  std::vector<Instruction> instructions;
  llvm::DenseMap<mlir::Value, Register> registers; // only while the body is translated
  std::vector<Register> arguments, yields;
  // Each register has room in both banks and uses that of its kind.
  std::vector<double> realBank;
  std::vector<int64_t> integerBank;
};

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_SCALARS_H
