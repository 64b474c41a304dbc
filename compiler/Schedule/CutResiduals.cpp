// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What one scan takes from another is kept for all steps. A body of the reverse scan begins with what it computes of
// the forward step again, and a sum over time with what it computes of both; kept is what costs least on the way from
// there to what is new.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Passes.h"
#include "compiler/Schedule/StepValues.h"
#include "compiler/Schedule/VertexCut.h"
#include "dialect/core/Maps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_CUTRESIDUALS
#include "compiler/Schedule/Passes.h.inc"

using namespace core;

namespace {

/// The bits of an array of one step and sample: rows are whole vectors of reals, also of few elements or of spikes.
int64_t bitsOf(ArrayRef<int64_t> shape, Type element) {
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  for (int64_t extent : shape)
    bits *= std::max<int64_t>(extent, 1);
  return std::max(bits, 32 * kLanes);
}

bool isConstant(Value scalar) { return scalar.getDefiningOp() && matchPattern(scalar, m_Constant()); }

/// What a reader computes again of the steps of a scan.
class Cut {
public:
  /// What is read at `backward` and behind it stays in memory anyway.
  Cut(StepReader &reader, ScanOp scan, Operation *backward) : reader(reader), steps(scan, reader), backward(backward) {}

  /// Gives the scan, which may have been replaced.
  ScanOp run() {
    collectScalars();
    VertexCut graph;
    SmallVector<int64_t> costs;
    int64_t before = 0, after = 0;
    llvm::DenseMap<Value, unsigned> numbers;
    for (auto [number, scalar] : llvm::enumerate(scalars)) {
      numbers[scalar] = number;
      auto argument = dyn_cast<BlockArgument>(scalar);
      costs.push_back(argument ? costOf(argument) : costOf(scalar));
      graph.addNode(costs.back());
      if (argument) {
        graph.markSource(number);
        before += costs.back();
      } else {
        for (Value operand : scalar.getDefiningOp()->getOperands())
          if (scalars.contains(operand))
            graph.addEdge(numbers.lookup(operand), number);
      }
      if (isNeeded(scalar))
        graph.markSink(number);
    }
    SmallVector<std::pair<Value, BlockArgument>> kept; // with the state that is carried for it, if one is
    for (unsigned number : graph.solve()) {
      after += costs[number];
      if (!isa<BlockArgument>(scalars[number]))
        kept.emplace_back(scalars[number], stateBefore(scalars[number]));
    }
    if (kept.empty())
      return steps.getScan();
    if (auto remark = remarks::chosen(steps.getScan(), remarks::kMemory, "residuals"))
      remark << remark::add("{0} of each step {1} kept for the reverse scan and sums over time",
                            remarks::counted(kept.size(), "value"), kept.size() == 1 ? "is" : "are")
             << remarks::because("what it is made of takes more, or is more to read and to compute again")
             << remark::metric("bits of a sample and step", after / kSteps)
             << remark::metric("bits of what it is made of", before / kSteps);
    // What is made of others first, while these still stand for what the scan has.
    for (auto [scalar, before] : llvm::reverse(kept))
      reader.replace(scalar, before ? reader.carry(before, stateAfterAll(before))
                                    : reader.given(steps.stack(steps.make(scalar))));
    return steps.getScan();
  }

private:
  /// What is made of the scan's steps alone, in the order of the text.
  void collectScalars() {
    for (BlockArgument argument : reader.getBody().getArguments()) {
      Value whole = reader.wholeOf(argument);
      if (whole && reader.readOf(argument) && steps.inside(whole))
        scalars.insert(argument);
    }
    for (Operation &op : reader.getBody().without_terminator()) {
      const bool isPlain = op.getNumResults() == 1 && op.getNumRegions() == 0 && !isa<IndexOp, RandomOp>(op);
      auto isKnown = [&](Value operand) { return scalars.contains(operand) || isConstant(operand); };
      if (isPlain && !isConstant(op.getResult(0)) && llvm::all_of(op.getOperands(), isKnown))
        scalars.insert(op.getResult(0));
    }
  }

  /// Whether something new is made of it directly.
  bool isNeeded(Value scalar) {
    return llvm::any_of(scalar.getUsers(), [&](Operation *user) {
      return user->hasTrait<OpTrait::IsTerminator>() || !scalars.contains(user->getResult(0));
    });
  }

  /// What it costs to keep an array until the reader reads it. If it is kept for others, that it is read: of two ways
  /// that take as much memory, the one with fewer arrays has less to compute.
  int64_t costToKeep(Value whole) {
    auto type = cast<ArrayType>(whole.getType());
    // Where the way back begins, most is in memory. For a sum over samples it may have to stay until all of them are
    // there, as for other such sums.
    auto isLate = [&](Operation *user) {
      if (user == reader.getOp() || user == reader.getScan() || user->hasTrait<OpTrait::IsTerminator>())
        return false;
      if (reader.getScan())
        return !user->isBeforeInBlock(backward);
      auto indexed = dyn_cast<IndexedOpInterface>(user);
      return indexed && indexed.reducesSamples();
    };
    const bool isInput = isa<BlockArgument>(whole) && type.timeDim() >= 0;
    if (type.sampleDim() < 0)
      return 0;
    if (isInput || llvm::any_of(whole.getUsers(), isLate))
      return kRead;
    return kRead + bitsOf(type.getShape(), type.getElementType()) * (type.timeDim() >= 0 ? kSteps : 1);
  }

  int64_t costOf(BlockArgument argument) {
    if (reader.getScan()) {
      Value slice = reader.getOp()->getOperand(argument.getArgNumber());
      if (llvm::any_of(slice.getUsers(), [&](Operation *user) { return user != reader.getOp(); }))
        return kRead;
    }
    return costToKeep(reader.wholeOf(argument));
  }

  int64_t costOf(Value scalar) {
    if (stateBefore(scalar))
      return kRead;
    Value inside = steps.find(scalar);
    if (Value stacked = inside ? steps.findStacked(inside) : Value())
      return costToKeep(stacked);
    if (!isa<FloatType>(scalar.getType()) && !scalar.getType().isInteger(1))
      return VertexCut::kUnbounded;
    // Beside arrays that are there for others it would have to be written first.
    const int64_t bits = bitsOf(reader.getDomain(), scalar.getType()) * kSteps;
    return kRead + (reader.getScan() ? bits : 2 * bits);
  }

  /// If `scalar` is a state after the step and the state before it is kept anyway, the argument of the reader's scan
  /// that is this one. At the step that the reader is at next, it is the state after that step.
  BlockArgument stateBefore(Value scalar) {
    Value value = reader.getScan() ? steps.find(scalar) : Value();
    ScanOp scan = steps.getScan();
    for (auto [before, after] : llvm::zip_equal(scan.getCarryArgs(), scan.getYield().getNext()))
      if (value && after == value)
        for (BlockArgument argument : reader.getBody().getArguments())
          if (scalars.contains(argument) && steps.inside(reader.wholeOf(argument)) == before &&
              (isNeeded(argument) || costOf(argument) == kRead))
            return cast<BlockArgument>(reader.getOp()->getOperand(argument.getArgNumber()));
    return {};
  }

  /// The state after all steps of what `before`, of the reader's scan, is before each of them.
  Value stateAfterAll(BlockArgument before) {
    ScanOp scan = steps.getScan();
    Value state = steps.inside(reader.getScan()->getOperand(before.getArgNumber()));
    return scan.getFinals()[llvm::find(scan.getCarryArgs(), state) - scan.getCarryArgs().begin()];
  }

  /// What a value of each step costs, for one without time: a run has many steps, but how many may not be known.
  static constexpr int64_t kSteps = 16, kRead = 1;

  StepReader &reader;
  StepValues steps;
  Operation *backward;
  llvm::SetVector<Value> scalars;
};

/// The scans whose stacked values are among `operands`.
llvm::SetVector<ScanOp> scansOf(ValueRange operands, Block *block) {
  llvm::SetVector<ScanOp> scans;
  for (Value operand : operands)
    if (auto scan = operand.getDefiningOp<ScanOp>(); scan && scan->getBlock() == block)
      scans.insert(scan);
  return scans;
}

/// The scans of the other direction that `scan` reads.
llvm::SetVector<ScanOp> partnersOf(ScanOp scan) {
  llvm::SetVector<ScanOp> scans = scansOf(scan.getSliced(), scan->getBlock());
  scans.remove_if([&](ScanOp other) { return other.getReverse() == scan.getReverse(); });
  return scans;
}

bool isReverse(ScanOp scan) { return !partnersOf(scan).empty(); }

/// Where the way back begins.
Operation *firstReverse(Block &body) {
  auto scans = body.getOps<ScanOp>();
  auto found = llvm::find_if(scans, isReverse);
  return found == scans.end() ? nullptr : (*found).getOperation();
}

/// Whether each term of a sum over time is there, whatever the sum reads.
bool sumsOverTime(FoldOp fold) {
  return !fold.getDomain().empty() && fold.getDomain().front() == ArrayType::kTime &&
         llvm::all_of(llvm::zip_equal(fold.getInputs(), fold.getReadMaps()), [&](auto pair) {
           auto [input, read] = pair;
           return isInside(read, fold.getDomain(), cast<ArrayType>(input.getType()).getShape());
         });
}

class CutResiduals : public impl::CutResidualsBase<CutResiduals> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !firstReverse(function.getBody().front()))
      return;
    Block &body = function.getBody().front();
    // Sums first: what they do not read any more, reverse scans need not stack. A cut replaces its own scans only.
    for (auto fold : llvm::to_vector(llvm::make_filter_range(body.getOps<FoldOp>(), sumsOverTime)))
      for (ScanOp scan : scansOf(fold.getInputs(), &body))
        if (isReverse(scan)) {
          StepReader reader(fold);
          Cut(reader, scan, firstReverse(body)).run();
        }
    if (failed(tidy()))
      return signalPassFailure();
    for (ScanOp scan : llvm::to_vector(llvm::make_filter_range(body.getOps<ScanOp>(), isReverse)))
      for (ScanOp partner : partnersOf(scan))
        for (auto map : llvm::to_vector(scan.getBody().front().getOps<MapOp>()))
          if (!map.getAbsent()) {
            StepReader reader(map, scan);
            partner = Cut(reader, partner, firstReverse(body)).run();
            scan = reader.getScan();
          }
    if (failed(tidy()))
      signalPassFailure();
  }

  LogicalResult tidy() {
    RewritePatternSet patterns(&getContext());
    MapOp::getCanonicalizationPatterns(patterns, &getContext());
    FoldOp::getCanonicalizationPatterns(patterns, &getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace snn
