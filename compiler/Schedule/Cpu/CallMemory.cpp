// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CallMemory.h.

#include "compiler/Schedule/Cpu/CallMemory.h"

#include "compiler/Schedule/Cpu/Sizes.h"

using namespace mlir;

namespace snn::core {

std::optional<int64_t> memoryLimitOf(ModuleOp module) {
  auto limit = module->getAttrOfType<IntegerAttr>(SnnDialect::memoryLimitAttrName());
  return limit ? std::optional(limit.getInt()) : std::nullopt;
}

int64_t cacheBytesOf(ModuleOp module) {
  auto known = module->getAttrOfType<IntegerAttr>(SnnDialect::cacheBytesAttrName());
  return known ? known.getInt() : int64_t(1) << 20;
}

int64_t mostStepsOf(func::FuncOp function) {
  ModelOp model = getModel(function->getParentOfType<ModuleOp>());
  if (!model)
    return kMaxSteps;
  const int64_t steps = model.getSteps().value_or(model.getMaxSteps());
  return isOfWindow(function.getName()) ? std::min<int64_t>(steps, model.getWindow().value_or(steps)) : steps;
}

static Place arenaOf(Operation *op) {
  auto arena = op->getAttrOfType<PlaceAttr>(kArenaAttr);
  return arena ? Place::of(arena) : Place();
}

CallMemory::CallMemory(func::FuncOp function)
    : shared(arenaOf(function)),
      faultBytes(isStreaming(function->getParentOfType<ModuleOp>()) ? kernels::kStreamFaultBytes
                                                                    : kernels::kFaultBytes) {
  for (Operation &op : function.getBody().front()) {
    auto contract = dyn_cast<ContractOp>(op);
    if (contract && contract.reducesSamples() && kernelOf(contract) != Kernel::Loops) {
      sums.push_back({{*SumClass::of(contract)}, layoutOf(contract.getResult()).bytes()});
      scratch = scratch.atLeast(productScratch(contract));
    }
    auto phase = dyn_cast<BatchMapOp>(op);
    if (!phase)
      continue;
    auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
    Phase memory{arenaOf(phase), {}, chunk ? chunk.getInt() : 1, {}};
    for (auto segments : phase.getBody().getOps<SegmentsOp>())
      memory.behind.push_back(arenaOf(segments));
    for (Value sum : phase.getYield().getSum())
      memory.sums.push_back(*SumClass::of(reductionOf(sum)));
    if (!memory.sums.empty())
      sums.push_back({memory.sums, offsetOfSum(phase, phase.getSum().size())});
    phases.push_back(std::move(memory));
  }
}

int64_t CallMemory::phaseBytes(const Phase &phase, int64_t steps, int64_t length) {
  int64_t chunk = phase.chunk, inSegments = 0;
  for (const SumClass &sum : phase.sums)
    chunk = std::max(chunk, sum.unit(steps));
  for (const Place &arena : phase.behind)
    inSegments = std::max(inSegments, arena.at(std::min(steps, length), chunk));
  return phase.arena.at(steps, chunk, llvm::divideCeil(steps, length)) + inSegments;
}

int64_t CallMemory::bytes(CallSize size, int64_t length, int64_t workers) const {
  int64_t bytes = faultBytes, ofWorker = scratch.at(size.steps, size.batch);
  for (const Sums &all : sums) {
    int64_t parts = 1, levels = 1;
    for (const SumClass &sum : all.classes) {
      parts = std::max(parts, sum.parts(size));
      levels = std::max(levels, sum.levels(size));
    }
    bytes += parts * levels * all.bytes;
  }
  for (const Phase &phase : phases)
    ofWorker = std::max(ofWorker, phaseBytes(phase, size.steps, length));
  return bytes + shared.at(size.steps, size.batch) + workers * ofWorker;
}

std::optional<SegmentsOp> firstSegments(func::FuncOp function) {
  std::optional<SegmentsOp> first;
  function.walk([&](SegmentsOp op) {
    first = op;
    return WalkResult::interrupt();
  });
  return first;
}

double workOf(func::FuncOp function, CallSize size) {
  double work = 0;
  function.walk([&](IndexedOpInterface op) {
    double own = isa<ScanOp>(op->getParentOp()) ? size.steps : 1;
    for (int64_t extent : op.getDomain())
      own *= extent > 0 ? extent : extent == ArrayType::kTime ? size.steps : size.batch;
    if (op->getNumRegions() == 1)
      own *= op->getRegion(0).front().getOperations().size();
    else if (isa<ContractOp>(op) && llvm::any_of(op->getOperandTypes(), [](Type type) {
               return cast<ArrayType>(type).getElementType().isInteger(1);
             }))
      own /= kernels::kGroup; // by tables
    work += own;
  });
  return work;
}

int64_t callBytes(ModuleOp module, CallSize size) {
  ModelOp model = getModel(module);
  int64_t largest = 0;
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || isElementwise(function))
      continue;
    CallMemory memory(function);
    std::optional<SegmentsOp> segments = firstSegments(function);
    const int64_t length = segments ? segments->getLength().value_or(kMaxSteps) : kMaxSteps;
    const bool fixed =
        model.getSteps() && function.getName() != kForward && !(isOfWindow(function.getName()) && model.getWindow());
    auto include = [&](int64_t steps) {
      const int64_t own = fixed ? int64_t(*model.getSteps()) : std::min(steps, mostStepsOf(function));
      largest = std::max(largest, memory.bytes({size.batch, own}, length));
    };
    // Fewer steps may need more, as runs and with them chunks have more samples then.
    for (int64_t few = 1; few < std::min(size.steps, kernels::kRun); ++few)
      include(few);
    include(size.steps);
  }
  return largest;
}

} // namespace snn::core
