// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Phases.h.

#include "compiler/Schedule/Phases.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn::core {
bool hasSamples(Type type) {
  auto array = dyn_cast<ArrayType>(type);
  return array && array.sampleDim() >= 0;
}

bool hasTime(Type type) {
  auto array = dyn_cast<ArrayType>(type);
  return array && array.timeDim() >= 0;
}

PhaseRole phaseRoleOf(Operation *op) {
  if (op->hasAttr(kWholeBatchAttr))
    return PhaseRole::Whole;
  if (auto indexed = dyn_cast<IndexedOpInterface>(op)) {
    if (indexed.reducesSamples())
      return llvm::any_of(op->getOperandTypes(), hasSamples) ? PhaseRole::Reducing : PhaseRole::Whole;
    return llvm::is_contained(indexed.getDomain(), ArrayType::kSample) ? PhaseRole::PerSample : PhaseRole::Whole;
  }
  // A scan in which samples meet at each step needs all of them at once.
  if (op->walk([](IndexedOpInterface inner) {
          return inner.reducesSamples() ? WalkResult::interrupt() : WalkResult::advance();
        }).wasInterrupted())
    return PhaseRole::Whole;
  return llvm::any_of(op->getResultTypes(), hasSamples) ? PhaseRole::PerSample : PhaseRole::Whole;
}

LogicalResult splitMixedScans(func::FuncOp function) {
  SmallVector<ScanOp> mixed;
  for (auto scan : function.getBody().front().getOps<ScanOp>())
    if (phaseRoleOf(scan) == PhaseRole::PerSample && !llvm::all_of(scan->getResultTypes(), hasSamples))
      mixed.push_back(scan);
  if (mixed.empty())
    return success();
  for (ScanOp scan : mixed) {
    OpBuilder builder(scan);
    Operation *whole = builder.clone(*scan);
    for (auto [result, copy] : llvm::zip(scan->getResults(), whole->getResults()))
      if (!hasSamples(result.getType()))
        result.replaceAllUsesWith(copy);
  }
  RewritePatternSet patterns(function.getContext());
  ScanOp::getCanonicalizationPatterns(patterns, function.getContext());
  return applyPatternsGreedily(function, std::move(patterns));
}

PhaseRanks::PhaseRanks(func::FuncOp function) {
  for (Operation &op : function.getBody().front().without_terminator()) {
    role[&op] = phaseRoleOf(&op);
    rank[&op] = earliest(&op);
  }
}

/// The first rank at which a value can be read by an op of `role`.
int PhaseRanks::availableAt(Value value, PhaseRole reader) const {
  Operation *definition = value.getDefiningOp();
  if (!definition)
    return reader == PhaseRole::Whole ? -1 : 0;
  int defined = rank.lookup(definition);
  switch (role.lookup(definition)) {
  case PhaseRole::PerSample:
    return reader == PhaseRole::Whole ? defined + 1 : defined;
  case PhaseRole::Reducing:
    return reader == PhaseRole::Whole ? defined + 1 : defined + 2;
  case PhaseRole::Whole:
    return reader == PhaseRole::Whole ? defined : defined + 1;
  }
  llvm_unreachable("all roles are covered");
}

int PhaseRanks::earliest(Operation *op) const {
  PhaseRole reader = role.lookup(op);
  int first = reader == PhaseRole::Whole ? -1 : 0;
  for (Value operand : op->getOperands())
    first = std::max(first, availableAt(operand, reader));
  return first;
}

} // namespace snn::core
