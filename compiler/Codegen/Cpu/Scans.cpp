// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// core.scan: elements that go through time in registers, or all samples step by step.

#include "compiler/Codegen/Cpu/OpEmitter.h"

#include "dialect/core/Maps.h"

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Vectors of kLanes elements that go through time together: consecutive memory, and work to hide latencies with.
int64_t stripVectors(Emitter &e) { return std::max<int64_t>(1, 4 * e.machineLanes() / kLanes); }

/// A term of each lane's sum: its factors at positions of the result's dims.
struct LaneTerm {
  AffineMap a, b;
};

/// The terms of a product of the kernel `lanes`, in their order.
SmallVector<LaneTerm> laneTerms(ContractOp op, const MatrixProduct &product) {
  MLIRContext *context = op.getContext();
  const unsigned depth = product.depthDims.front().dim, dims = op.getDomain().size();
  SmallVector<LaneTerm> terms;
  for (int64_t k = 0; k < product.depth; ++k) {
    SmallVector<AffineExpr> positions;
    for (unsigned dim = 0; dim < dims; ++dim)
      positions.push_back(dim == depth ? getAffineConstantExpr(k, context)
                                       : getAffineDimExpr(dim - (dim > depth), context));
    auto of = [&](unsigned factor) {
      return op.getReadMaps()[factor].replaceDimsAndSymbols(positions, {}, dims - 1, 0);
    };
    terms.push_back({of(product.swapped ? 1 : 0), of(product.swapped ? 0 : 1)});
  }
  return terms;
}

/// The maps of a step, for one vector of elements.
class StepMaps {
public:
  StepMaps(OpEmitter &emitter, ScanOp scan) : emitter(emitter), e(emitter.e), scan(scan) {}

  /// What does not vary over time, loaded before the steps.
  void loadInvariants(Points points) {
    this->points = points;
    for (MapOp map : scan.getBody().front().getOps<MapOp>())
      for (auto [index, value] : llvm::enumerate(map.getInputs()))
        if (auto argument = dyn_cast<BlockArgument>(value);
            argument && llvm::is_contained(scan.getInvariantArgs(), argument))
          loaded[{map, index}] = load(outside(argument), nullptr, readMap(map, index));
  }

  using Sums = llvm::DenseMap<Value, Value>; ///< of the step's products, for one vector

  /// For each of `vectors`. A factor that is the same for all lanes serves all of them, one after the other.
  static SmallVector<Sums> addTerms(MutableArrayRef<StepMaps> vectors, Value step) {
    SmallVector<Sums> sums(vectors.size());
    StepMaps &any = vectors.front();
    Emitter &e = any.e;
    for (auto op : any.scan.getBody().front().getOps<ContractOp>()) {
      const MatrixProduct product = *matchProduct(op);
      // One block of docs/summation.md: a chain from +0, which is added to +0.
      Value zero = e.constant(e.vector(kLanes, e.real), 0);
      SmallVector<Value> chains(vectors.size(), zero);
      for (const LaneTerm &term : laneTerms(op, product)) {
        Value factor = any.load(any.outside(product.a), step, term.a);
        for (auto [maps, chain] : llvm::zip_equal(vectors, chains))
          chain = e.fma(factor, maps.loadColumns(any.outside(product.b), term.b), chain);
      }
      for (auto [sum, chain] : llvm::zip_equal(sums, chains))
        sum[op.getResult()] = arith::AddFOp::create(e.b, chain, zero);
    }
    return sums;
  }

  /// The yielded values of the step, from the carries before it. `tiny`: some lanes of these are.
  SmallVector<Value> emit(Value step, ValueRange carries, const Sums &sums, bool tiny) {
    llvm::DenseMap<Value, Value> values = sums;
    for (auto [argument, value] : llvm::zip(scan.getCarryArgs(), carries))
      values[argument] = value;
    for (MapOp map : scan.getBody().front().getOps<MapOp>()) {
      SmallVector<Value> arguments;
      for (auto [index, value] : llvm::enumerate(map.getInputs())) {
        if (Value known = loaded.lookup({map, index}))
          arguments.push_back(known);
        else if (Value known = values.lookup(value))
          arguments.push_back(known);
        else
          arguments.push_back(load(outside(value), step, readMap(map, index)));
      }
      for (auto [result, value] :
           llvm::zip(map.getOutputs(), emitter.emitBody(map.getBody().front(), arguments, points, {.tiny = tiny})))
        values[result] = value;
    }
    SmallVector<Value> yielded;
    for (Value value : scan.getYield()->getOperands()) {
      Value known = values.lookup(value);
      auto argument = dyn_cast<BlockArgument>(value);
      if (!known) // a slice or an invariant that is passed on
        known = load(outside(argument), llvm::is_contained(scan.getSlicedArgs(), argument) ? step : Value(),
                     AffineMap::getMultiDimIdentityMap(points.domain.size(), scan.getContext()));
      yielded.push_back(known);
    }
    return yielded;
  }

  Points points;

private:
  static AffineMap readMap(MapOp map, unsigned index) {
    return cast<IndexedOpInterface>(map.getOperation()).getReadMaps()[index];
  }

  Value outside(Value argument) { return scan->getOperand(cast<BlockArgument>(argument).getArgNumber()); }

  /// Rows of weights are whole vectors: also beyond the last column there is something to read.
  Value loadColumns(Value weights, AffineMap map) {
    return LaneAccess(e, emitter.buffers.find(weights)->second, map).load(points, nullptr);
  }

  Value load(Value array, Value step, AffineMap map) {
    const Buffer &buffer = emitter.buffers.find(array)->second;
    Buffer slice = step ? buffer.at(e, step) : buffer;
    return LaneAccess(e, slice, map).load(points, points.mask);
  }

  OpEmitter &emitter;
  Emitter &e;
  ScanOp scan;
  llvm::DenseMap<std::pair<Operation *, unsigned>, Value> loaded;
};

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
    auto step = [&](Value i, ValueRange state) {
      Value t = op.getReverse() ? e.sub(e.sub(extents.steps, e.index(1)), i) : i;
      extents.step = t;
      const SmallVector<StepMaps::Sums> sums = StepMaps::addTerms(steps, t);
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
      // A membrane that decays without input stays subnormal. Errors go on into products, which take far longer then.
      Value tiny = op.getReverse() ? Value() : anyStateTiny(state);
      SmallVector<Value> next =
          !tiny ? through(false)
                : e.choose(tiny, [&] { return through(true); }, [&] { return through(false); }, state.getTypes());
      extents.step = nullptr;
      return next;
    };
    SmallVector<Value> last = e.loop(e.index(0), extents.steps, 1, start, step);
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
