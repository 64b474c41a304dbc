// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// core.scan: elements that go through time in registers, or all samples step by step.

#include "compiler/Codegen/Cpu/StepMaps.h"

#include "dialect/core/Maps.h"

#include "compiler/Schedule/Cpu/Memory.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Vectors of kLanes elements that go through time together: consecutive memory, and work to hide latencies with.
int64_t stripVectors(Emitter &e) { return std::max<int64_t>(1, 4 * e.machineLanes() / kLanes); }

/// In fewer steps an error does not decay to nothing.
constexpr int64_t kFewSteps = 8;

} // namespace

void OpEmitter::emit(ScanOp op) { isPointwise(op) ? emitPointwise(op) : emitStepwise(op); }

void OpEmitter::emitPointwise(ScanOp op) {
  MLIRContext *context = op.getContext();
  ArrayRef<int64_t> domain = cast<ArrayType>(op.getYield()->getOperand(0).getType()).getShape();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(domain.size(), context);
  int64_t width = innerPoints(domain), strip = stripVectors(e) * kLanes;
  size_t carries = op.getInit().size(), stacked = op.getStacked().size();

  auto emitStrip = [&](ArrayRef<LaneIndex> rows, Value at, int64_t vectors) {
    SmallVector<StepMaps> steps;
    SmallVector<Value> start;
    for (int64_t v = 0; v < vectors; ++v) {
      StepMaps &maps = steps.emplace_back(*this, op);
      maps.loadInvariants(collapsedPoints(domain, rows, e.add(at, v * kLanes)));
      for (Value init : op.getInit())
        start.push_back(LaneAccess(e, buffers.find(init)->second, identity).load(maps.points, maps.points.mask));
    }
    Value seemTiny = steps.front().factorsSeemTiny(extents.steps);
    // A membrane that decays without input stays subnormal, and so does an error that decays.
    auto model = getModel(module);
    const bool reverse = op.getReverse(), few = model.getSteps() && *model.getSteps() < kFewSteps;
    auto step = [&](Value i, ValueRange state, bool tinyFactors) {
      Value t = op.getReverse() ? e.sub(e.sub(extents.steps, e.index(1)), i) : i;
      extents.step = t;
      const SmallVector<StepMaps::Sums> sums = StepMaps::addTerms(steps, t, tinyFactors);
      auto through = [&](bool tiny) {
        SmallVector<Value> next;
        for (int64_t v = 0; v < vectors; ++v) {
          SmallVector<Value> yielded = steps[v].emit(t, state.slice(v * carries, carries), sums[v], tiny);
          for (auto [result, value] : llvm::zip(op.getStacked(), yielded))
            if (auto found = buffers.find(result); found != buffers.end()) {
              Buffer slice = found->second.at(e, t);
              LaneAccess(e, slice, identity).store(value, steps[v].points);
            }
          llvm::append_range(next, ArrayRef(yielded).drop_front(stacked));
        }
        return next;
      };
      const bool normal = reverse && (few || (seemTiny && !tinyFactors));
      Value tiny = normal ? Value() : anyStateTiny(state);
      SmallVector<Value> next =
          !tiny ? through(false)
                : e.choose(tiny, [&] { return through(true); }, [&] { return through(false); }, state.getTypes());
      extents.step = nullptr;
      return next;
    };
    auto throughTime = [&](bool tinyFactors) {
      return e.loop(e.index(0), extents.steps, 1, start,
                    [&](Value i, ValueRange state) { return step(i, state, tinyFactors); });
    };
    SmallVector<Value> last = seemTiny ? e.choose(
                                             seemTiny, [&] { return throughTime(true); },
                                             [&] { return throughTime(false); }, ValueRange(start).getTypes())
                                       : throughTime(false);
    for (int64_t v = 0; v < vectors; ++v)
      for (auto [index, result] : llvm::enumerate(op.getFinals()))
        if (auto found = buffers.find(result); found != buffers.end())
          LaneAccess(e, found->second, identity).store(last[v * carries + index], steps[v].points);
  };

  forEachRow(domain, [&](SmallVectorImpl<LaneIndex> &rows) {
    int64_t whole = width / strip * strip;
    if (whole > 0)
      e.loop(e.index(0), e.index(whole), strip, [&](Value at) { emitStrip(rows, at, stripVectors(e)); });
    if (whole < width)
      emitStrip(rows, e.index(whole), (width - whole + kLanes - 1) / kLanes);
  });
}

void OpEmitter::copyRows(const Buffer &from, const Buffer &to) {
  if (to.wanted) {
    Buffer always = to;
    always.wanted = nullptr;
    return e.when(to.wanted, [&] { copyRows(from, always); });
  }
  // With the host spikes are reals; parameters lie in an order of their own.
  if (from.isBits() != to.isBits() || from.strides != to.strides)
    return copyElements(from, to);
  if (from.scalar)
    return e.store(from.scalar, to.memory, e.index(0));
  moveRows({from, to});
}

/// Sources and targets in turn, of one form: all are read before one is written.
void OpEmitter::moveRows(ArrayRef<Buffer> moves) {
  outline({"rows", nullptr, SmallVector<Buffer>(moves)}, [](OpEmitter &inner, const Outlined &taken) {
    Emitter &e = inner.e;
    ArrayRef<Buffer> all = taken.buffers;
    ArrayRef<int64_t> shape = all[1].type.getShape();
    inner.forEachRow(shape, [&](SmallVectorImpl<LaneIndex> &dims) {
      SmallVector<Value> rows;
      for (const Buffer &buffer : all)
        rows.push_back(buffer.rowAt(e, shape, dims));
      e.strips(std::min(all[0].rowElements, all[1].rowElements), [&](Value i, int64_t lanes) {
        SmallVector<Value> read;
        for (size_t source = 0; source < all.size(); source += 2)
          read.push_back(e.loadVector(all[source].memory, e.add(rows[source], i), lanes));
        for (auto [move, value] : llvm::enumerate(read))
          e.storeVector(value, all[2 * move + 1].memory, e.add(rows[2 * move + 1], i));
      });
    });
  });
}

/// The next carries to where the next step finds them. A carry that becomes another one is read before it is written.
void OpEmitter::moveCarries(ScanOp op) {
  SmallVector<std::pair<Value, Value>> moves;
  for (auto [argument, value] : llvm::zip(op.getCarryArgs(), op.getYield().getNext()))
    if (value != argument && carryOf(value) != argument)
      moves.emplace_back(value, argument);
  auto isRead = [&](Value target) {
    return llvm::any_of(moves, [&](auto move) { return move.first == target && move.second != target; });
  };
  while (!moves.empty()) {
    auto *next = llvm::find_if(moves, [&](auto move) { return !isRead(move.second); });
    if (next != moves.end()) {
      copyRows(buffers.find(next->first)->second, buffers.find(next->second)->second);
      moves.erase(next);
      continue;
    }
    // All that are left change places in circles, each of one type.
    SmallVector<Buffer> circle;
    Value start = moves.front().second, target = start;
    do {
      auto *move = llvm::find_if(moves, [&](auto move) { return move.second == target; });
      target = move->first;
      circle.append({buffers.find(move->first)->second, buffers.find(move->second)->second});
      moves.erase(move);
    } while (target != start);
    moveRows(circle);
  }
}

void OpEmitter::emitStepwise(ScanOp op) {
  Block &body = op.getBody().front();
  kernels::Scratch memory = scratch(op);
  for (auto [argument, init] : llvm::zip(op.getCarryArgs(), op.getInit())) {
    Layout layout = layoutOf(argument);
    Buffer carry = Buffer::of(e, argument, e.view(memory.bytes, memory.offset, layout.element), extents.steps);
    Place bytes = footprintOf(argument);
    memory.offset = e.add(memory.offset, e.add(e.mul(placeSamples, bytes.samples), bytes.fixed));
    copyRows(buffers.find(init)->second, carry);
    buffers[argument] = carry;
  }
  for (ContractOp product : productsWithTables(op)) {
    kernels::forgetHeldTables(e, memory);
    held[product] = memory;
    memory.offset = e.add(memory.offset, heldTableBytes(product));
  }
  for (Value value : op.getYield().getNext())
    if (Value carry = carryOf(value))
      buffers[value] = Buffer(buffers.find(carry)->second);
  for (auto [argument, value] : llvm::zip(op.getInvariantArgs(), op.getInvariant()))
    buffers[argument] = Buffer(buffers.find(value)->second);
  e.loop(extents.steps, [&](Value i) {
    Value t = op.getReverse() ? e.sub(e.sub(extents.steps, e.index(1)), i) : i;
    extents.step = t;
    for (auto [argument, value] : llvm::zip(op.getSlicedArgs(), op.getSliced()))
      buffers[argument] = buffers.find(value)->second.at(e, t);
    // What the step was given is stacked before carries change.
    auto stack = [&](bool given) {
      for (auto [result, value] : llvm::zip(op.getStacked(), op.getYield().getStacked()))
        if (auto found = buffers.find(result); found != buffers.end() && isa<BlockArgument>(value) == given)
          copyRows(buffers.find(value)->second, found->second.at(e, t));
    };
    stack(/*given=*/true);
    for (Operation &inner : body.without_terminator())
      emitAny(inner);
    stack(/*given=*/false);
    moveCarries(op);
    extents.step = nullptr;
  });
  for (auto [argument, result] : llvm::zip(op.getCarryArgs(), op.getFinals()))
    if (auto found = buffers.find(result); found != buffers.end())
      copyRows(buffers.find(argument)->second, found->second);
}

void OpEmitter::emitAny(Operation &op) {
  if (core::isView(&op)) {
    // Other names for the same elements: rows are contiguous on both sides.
    Buffer view = buffers.find(op.getOperand(0))->second.as(op.getResult(0));
    buffers[op.getResult(0)] = view;
    return;
  }
  if (op.use_empty())
    return;
  auto scan = dyn_cast<ScanOp>(op);
  if (scan && !isPointwise(scan))
    return emitStepwise(scan); // its ops have functions
  if (auto contract = dyn_cast<ContractOp>(op); contract && emitProduct(contract))
    return;
  outline({op.getName().stripDialect().str(), &op}, [&](OpEmitter &inner, const Outlined &) {
    llvm::TypeSwitch<Operation *, void>(&op).Case<MapOp, FoldOp, ContractOp, ScanOp>(
        [&](auto known) { inner.emit(known); });
  });
}

void OpEmitter::emitAnySum(IndexedOpInterface op, const SumSlot &slot) {
  outline({op->getName().stripDialect().str(), op, {}, slot},
          [&](OpEmitter &inner, const Outlined &taken) { inner.emitSum(op, *taken.slot); });
}

} // namespace snn::core
