// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps whose arrays lie in order along different dims, as a transpose. Lanes along either one would gather or scatter.
// Instead squares of kLanes x kLanes points are read along one dim, turned in registers and written along the other.

#include "compiler/Codegen/Cpu/OpEmitter.h"

using namespace mlir;

namespace snn::core {
namespace {

/// The two dims, and which reads go along the first one; all others go along the second.
struct Square {
  unsigned from, to;
  SmallVector<bool> isTurned;

  static std::optional<Square> of(ArrayRef<int64_t> domain, ArrayRef<LaneAccess> reads, ArrayRef<LaneAccess> writes);
};

} // namespace

std::optional<Square> Square::of(ArrayRef<int64_t> domain, ArrayRef<LaneAccess> reads, ArrayRef<LaneAccess> writes) {
  auto staysInside = [&](const LaneAccess &access) { return access.staysInside(domain); };
  if (!llvm::all_of(reads, staysInside) || !llvm::all_of(writes, staysInside))
    return std::nullopt;
  SmallVector<unsigned> wide;
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent >= kLanes)
      wide.push_back(dim);
  for (unsigned to : wide) {
    auto isPlainThere = [&](const LaneAccess &access) { return access.isPlainAlong(to); };
    if (!llvm::all_of(writes, isPlainThere))
      continue;
    if (llvm::all_of(reads, isPlainThere))
      return std::nullopt; // lanes lie well along it
  }
  for (unsigned to : wide)
    for (unsigned from : wide) {
      if (from == to || !llvm::all_of(writes, [&](const LaneAccess &access) { return access.stepAlong(to) == 1; }))
        continue;
      SmallVector<bool> isTurned =
          llvm::map_to_vector(reads, [&](const LaneAccess &access) { return !access.isPlainAlong(to); });
      bool fits = llvm::all_of(llvm::zip_equal(reads, isTurned), [&](auto pair) {
        auto &[access, turned] = pair;
        return !turned || access.stepAlong(from) == 1;
      });
      // Points that two squares have in common are computed twice, which a result in place of an operand would not
      // bear. One that is turned is in no result's place.
      const bool isWhole = domain[from] % kLanes == 0 && domain[to] % kLanes == 0;
      if (fits && (isWhole || !llvm::is_contained(isTurned, false)))
        return Square{from, to, isTurned};
    }
  return std::nullopt;
}

bool OpEmitter::emitTurned(MapOp op, MutableArrayRef<LaneAccess> reads, ArrayRef<unsigned> written,
                           MutableArrayRef<LaneAccess> writes) {
  ArrayRef<int64_t> domain = op.getDomain();
  // The body is written for each row of a square.
  constexpr int64_t kMostOps = 4;
  auto isReal = [&](Value value) { return isa<FloatType>(cast<ArrayType>(value.getType()).getElementType()); };
  if (!e.target.hasVectors() || op.getAbsent() || writes.empty() || !llvm::all_of(op.getInputs(), isReal) ||
      !llvm::all_of(op.getOutputs(), isReal) || op.getBody().front().getOperations().size() > kMostOps + 1)
    return false;
  std::optional<Square> square = Square::of(domain, reads, writes);
  if (!square)
    return false;

  // What is left of an extent is a whole square too, which begins before the end of the last one.
  auto overSquares = [&](unsigned dim, llvm::function_ref<void(Value)> body) {
    e.loop(e.index(0), e.index(domain[dim]), kLanes,
           [&](Value at) { body(e.minimum(at, e.index(domain[dim] - kLanes))); });
  };
  auto emitSquare = [&](Points points, Value from, Value to) {
    SmallVector<SmallVector<Value>> rows(reads.size());
    for (auto [access, isTurned, own] : llvm::zip_equal(reads, square->isTurned, rows)) {
      if (!isTurned)
        continue;
      points.dims[square->from] = math.ascendingFrom(from);
      for (int64_t row = 0; row < kLanes; ++row) {
        points.dims[square->to] = math.uniform(e.add(to, row));
        own.push_back(access.load(points, nullptr));
      }
      own = turned(e, own);
    }
    points.dims[square->to] = math.ascendingFrom(to);
    for (int64_t row = 0; row < kLanes; ++row) {
      points.dims[square->from] = math.uniform(e.add(from, row));
      SmallVector<Value> arguments;
      for (auto [access, own] : llvm::zip_equal(reads, rows))
        arguments.push_back(own.empty() ? access.load(points, nullptr) : own[row]);
      SmallVector<Value> results = emitBody(op.getBody().front(), arguments, points);
      for (auto [index, access] : llvm::zip(written, writes))
        access.store(results[index], points);
    }
  };
  forEachPoint(domain,
               [&](SmallVectorImpl<LaneIndex> &dims) {
                 Points points;
                 points.domain = domain;
                 points.dims.assign(dims.begin(), dims.end());
                 overSquares(square->to, [&](Value to) {
                   overSquares(square->from, [&](Value from) { emitSquare(points, from, to); });
                 });
               },
               {square->from, square->to});
  return true;
}

} // namespace snn::core
