// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Register-blocked dense products from vector code.

#include "compiler/Codegen/Cpu/Products.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace snn {
namespace {

/// The shape of a register tile: `rows` x `vectors` accumulators leave room for the operands of a step.
struct Tile {
  int64_t rows, vectors;
};

/// 512-bit targets have 32 registers: 24 accumulators, 2 columns of B. Others have 16: 12, 2.
SmallVector<int64_t> tileRows(const TargetShape &target) {
  return target.vectorBits >= 512 ? SmallVector<int64_t>{12, 8, 4, 1} : SmallVector<int64_t>{6, 4, 2, 1};
}

class KernelBody {
public:
  KernelBody(Emitter &e, const DenseProduct &shape, Block::BlockArgListType args)
      : e(e), shape(shape), a{args[0], args[1]}, b{args[2], args[3]}, c{args[4], args[5]}, bias{args[6], args[7]},
        rows(args[8]), depth(args[9]), fresh(args[10]), lanes(e.machineLanes()) {}

  void emit() {
    int64_t panel = 2 * lanes, whole = shape.columns / panel * panel;
    if (whole > 0)
      e.loop(e.index(0), e.index(whole), panel, [&](Value column) { emitPanel(column, 2); });
    for (int64_t column = whole; column < shape.columns; column += lanes)
      emitPanel(e.index(column), 1);
    func::ReturnOp::create(e.b);
  }

private:
  void emitPanel(Value column, int64_t vectors) {
    Value from = e.index(0);
    for (int64_t height : tileRows(e.target)) {
      Value to = e.add(from, e.mul(e.div(e.sub(rows, from), height), height));
      e.loop(from, to, height, [&](Value row) { emitTile(row, column, {height, vectors}); });
      from = to;
    }
  }

  Value cAt(Value row, int64_t i, Value column, int64_t v) {
    return e.add(e.add(e.mul(e.add(row, i), shape.cRow), column), v * lanes);
  }

  void emitTile(Value row, Value column, Tile tile) {
    SmallVector<Value> start;
    for (int64_t i = 0; i < tile.rows; ++i)
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value zero = e.constant(e.vector(lanes, e.real), 0);
        if (shape.start == Start::Sum)
          start.push_back(arith::SelectOp::create(e.b, fresh, zero, e.loadVector(c, cAt(row, i, column, v), lanes)));
        else if (shape.start == Start::Zero)
          start.push_back(zero);
        else
          start.push_back(i > 0 ? start[v] : emitBiasStart(e, bias, e.add(column, v * lanes), lanes));
      }
    Value aStart = e.mul(row, shape.aRow);
    auto sums = e.loop(e.index(0), depth, 1, start, [&](Value k, ValueRange acc) {
      SmallVector<Value> columnsOfB, next;
      Value bRow = e.add(e.mul(k, shape.bRow), column);
      for (int64_t v = 0; v < tile.vectors; ++v)
        columnsOfB.push_back(e.loadVector(b, e.add(bRow, v * lanes), lanes));
      Value aColumn = e.add(aStart, e.mul(k, shape.aStep));
      for (int64_t i = 0; i < tile.rows; ++i) {
        Value factor = e.splat(e.load(a, e.add(aColumn, i * shape.aRow)), lanes);
        for (int64_t v = 0; v < tile.vectors; ++v)
          next.push_back(e.fma(factor, columnsOfB[v], acc[i * tile.vectors + v]));
      }
      return next;
    });
    for (int64_t i = 0; i < tile.rows; ++i)
      for (int64_t v = 0; v < tile.vectors; ++v)
        e.storeVector(sums[i * tile.vectors + v], c, cAt(row, i, column, v));
  }

  Emitter &e;
  const DenseProduct &shape;
  Memory a, b, c, bias;
  Value rows, depth, fresh;
  int64_t lanes;
};

} // namespace

Value emitBiasStart(Emitter &e, Memory bias, Value at, int64_t lanes) {
  return arith::AddFOp::create(e.b, e.loadVector(bias, at, lanes), e.constant(e.vector(lanes, e.real), 0));
}

llvm::StringRef nameOf(Start start) {
  switch (start) {
  case Start::Zero:
    return "zero";
  case Start::Bias:
    return "bias";
  case Start::Sum:
    return "sum";
  }
  llvm_unreachable("not a start");
}

void emitDenseProduct(Emitter &e, ModuleOp module, const DenseProduct &product) {
  std::string name = llvm::formatv("snn_dense_{0}_{1}_{2}_{3}_{4}_{5}", product.columns, product.aRow, product.aStep,
                                   product.bRow, product.cRow, nameOf(product.start))
                         .str();
  Type memory = e.memoryType(e.real), index = e.b.getIndexType();
  auto kernel = e.kernel(
      module, name, {memory, index, memory, index, memory, index, memory, index, index, index, e.b.getI1Type()}, {},
      [&](Emitter &inner, Block::BlockArgListType args) { KernelBody(inner, product, args).emit(); });
  SmallVector<Value> operands;
  Emitter::append(operands, product.a);
  Emitter::append(operands, product.b);
  Emitter::append(operands, product.c);
  Emitter::append(operands, product.start == Start::Bias ? product.bias : product.c);
  operands.append({product.rows, product.depth, product.start == Start::Sum ? product.fresh : e.truth(false)});
  func::CallOp::create(e.b, kernel, operands);
}

} // namespace snn
