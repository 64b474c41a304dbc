// Points of a domain, and where they are in an array.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_ACCESS_H
#define SNN_TEST_ORACLE_ACCESS_H

#include "test/oracle/Arrays.h"

#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace snn::interpreter {

/// Work is done on this many points at once at most, so that reading an instruction costs little.
constexpr int64_t rowLength = 256;

/// `count` points: `point`, and those after it along `dim`. A domain without dims has one point and no dim (-1).
struct Row {
  llvm::SmallVector<int64_t> point;
  int dim = -1;
  int64_t count = 1;

  int64_t coordinate(unsigned d, int64_t i) const { return point[d] + (int(d) == dim ? i : 0); }
};

/// Calls `visit` for each combination of coordinates along `dims`, the last of them fastest. The dim `descending` (-1:
/// none) goes from its last coordinate to 0.
void forEachPoint(llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<int64_t> extents, llvm::MutableArrayRef<int64_t> point,
                  int descending, llvm::function_ref<void()> visit);

/// The points of a domain along some of its dims, cut into rows along the longest of them.
class Rows {
public:
  Rows(llvm::ArrayRef<int64_t> extents, llvm::ArrayRef<int64_t> dims);
  /// Calls `visit` for each row, which is `row`. Coordinates along other dims stay as they are.
  void forEach(Row &row, llvm::function_ref<void()> visit) const;

private:
  llvm::SmallVector<int64_t> extents, outer;
  int along = -1;
};

/// An affine map, as the way from points to elements of an array of a certain shape.
class Access {
public:
  static llvm::Expected<Access> of(mlir::AffineMap map, llvm::ArrayRef<int64_t> shape);

  /// The element of each point of a row, as its number in row-major order, or -1 if it is outside of the array.
  void offsets(const Row &row, int64_t *result) const;

private:
  /// A step of an expression in postfix form.
  struct Step {
    enum Kind { Dim, Constant, Add, Multiply, FloorDivide, CeilDivide, Modulo } kind;
    int64_t value; // of a dim or a constant
  };
  /// Where an element is along one dim of the array: a sum of multiples of coordinates, or else a list of steps.
  struct Position {
    int64_t extent, stride;
    bool isLinear;
    int64_t constant = 0;
    llvm::SmallVector<int64_t> factors;                           // of each dim
    llvm::SmallVector<std::pair<unsigned, int64_t>, 4> multiples; // dims with a factor other than 0
    llvm::SmallVector<Step> steps;

    int64_t at(llvm::ArrayRef<int64_t> point) const;
  };
  static llvm::Error translate(mlir::AffineExpr expression, Position &position);

  llvm::SmallVector<Position> positions;
};

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_ACCESS_H
