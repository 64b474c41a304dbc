// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Sums.h. The order is that of docs/summation.md.

#include "compiler/Codegen/Cpu/Sums.h"

#include "dialect/core/Maps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace snn::core {

Gathered Gathered::of(IndexedOpInterface op) {
  Gathered gathered;
  AffineMap write = op.getWriteMaps().front();
  MLIRContext *context = op->getContext();
  auto type = cast<ArrayType>(op->getResult(0).getType());
  ArrayRef<int64_t> domain = op.getDomain(), along = op.getAlong();
  gathered.resultRank = type.getRank();
  llvm::append_range(gathered.domain, type.getShape());
  gathered.dims.assign(domain.size(), getAffineConstantExpr(0, context));
  for (auto [index, dim] : llvm::enumerate(along)) {
    gathered.domain.push_back(domain[dim]);
    gathered.dims[dim] = getAffineDimExpr(gathered.resultRank + index, context);
  }
  unsigned rank = gathered.domain.size();
  auto simplify = [&](AffineExpr expression) { return simplifyAffineExpr(expression, rank, 0); };
  auto addCondition = [&](AffineExpr expression, int64_t extent) {
    std::optional<Bounds> bounds = boundsOf(expression, gathered.domain);
    bool bare = isa<AffineDimExpr>(expression) && extent < 0;
    if (!bare && !(extent > 0 && bounds && bounds->low >= 0 && bounds->high < extent))
      gathered.conditions.push_back({expression, extent});
  };
  WriteAnalysis analysis = WriteAnalysis::of(write, domain, along);
  for (auto [index, position] : llvm::enumerate(analysis.positions)) {
    AffineExpr rest = simplify(getAffineDimExpr(index, context) - position.known.replaceDims(gathered.dims));
    for (auto [dim, factor] : position.digits) {
      gathered.dims[dim] = simplify(rest.floorDiv(factor));
      addCondition(gathered.dims[dim], domain[dim]);
      rest = simplify(rest % factor);
    }
    if (rest != getAffineConstantExpr(0, context))
      gathered.conditions.push_back({rest, 0});
  }
  return gathered;
}

AffineMap Gathered::compose(AffineMap map) const {
  SmallVector<AffineExpr> results;
  for (AffineExpr result : map.getResults())
    results.push_back(simplifyAffineExpr(result.replaceDims(dims), domain.size(), 0));
  return AffineMap::get(domain.size(), 0, results, map.getContext());
}

/// Unit, units, tasks and levels by a function that all divisions of a class share.
static SmallVector<Value> divideByCall(ScalarEmitter &e, const SumClass &sum, Value batch, Value steps) {
  auto module = e.b.getBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string name = llvm::formatv("snn_divide_{0}{1}_{2}_{3}_{4}", sum.positions, sum.overTime ? "_over_time" : "",
                                   sum.run, sum.maxParts, sum.part);
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function) {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    Type index = builder.getIndexType();
    SmallVector<Type> results(4, index);
    function = func::FuncOp::create(builder, e.b.getLoc(), name, builder.getFunctionType({index, index}, results));
    function.setPrivate();
    function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToEnd(block);
    ScalarEmitter inner(e.b.getLoc(), builder);
    Division all = Division::inlined(inner, sum, block->getArgument(0), block->getArgument(1));
    func::ReturnOp::create(inner.b, ValueRange{all.unit, all.units, all.tasks, all.levels});
  }
  return SmallVector<Value>(func::CallOp::create(e.b, function, ValueRange{batch, steps}).getResults());
}

Division Division::inlined(ScalarEmitter &e, const SumClass &sum, Value batch, Value steps) {
  Division division;
  division.sum = sum;
  division.batch = batch;
  division.steps = steps;
  Value ofSample = e.mul(sum.overTime ? steps : e.index(1), sum.positions);
  division.unit = e.index(sum.run);
  for (int64_t samples = sum.run / 2; samples >= 1; samples /= 2)
    division.unit = e.select(e.below(e.mul(ofSample, samples), e.index(sum.run)), division.unit, e.index(samples));
  division.units = e.div(e.sub(e.add(batch, division.unit), e.index(1)), division.unit);
  division.tasks = e.index(1);
  Value terms = e.mul(batch, ofSample);
  for (int64_t parts = 2; parts <= sum.maxParts; parts *= 2) {
    // Largest power of two that leaves enough terms, halved until each part has a unit.
    Value few = e.either(e.below(terms, e.index(parts * sum.part)), e.below(division.units, e.index(parts)));
    division.tasks = e.select(few, division.tasks, e.index(parts));
  }
  Value all = division.blocks(e, batch);
  division.levels = e.index(1);
  for (int64_t level = 1, blocks = kernels::kLevel; level < kernels::kMaxLevels; ++level, blocks *= kernels::kLevel)
    division.levels = e.select(e.below(all, e.index(blocks)), division.levels, e.index(level + 1));
  return division;
}

Division Division::of(ScalarEmitter &e, std::optional<SumClass> sum, int64_t chunk, Value batch, Value steps,
                      Value workers) {
  Division division;
  division.batch = batch;
  division.steps = steps;
  if (!sum) {
    Value samples = e.index(chunk);
    if (workers) {
      workers = e.maximum(workers, e.index(1));
      samples = e.minimum(samples, e.maximum(e.div(e.add(batch, e.sub(workers, e.index(1))), workers), e.index(1)));
    }
    division.unit = samples;
    division.chunk = e.index(chunk); // which is what memory is for
    division.levels = e.index(1);
    division.units = e.div(e.add(batch, e.sub(samples, e.index(1))), samples);
    division.tasks = division.slots = e.minimum(division.units, e.index(kMaxTasks));
    return division;
  }
  if (e.wraps) {
    division = inlined(e, *sum, batch, steps); // for the caller to know of numbers that are too large
  } else {
    division.sum = sum;
    SmallVector<Value> shared = divideByCall(e, *sum, batch, steps);
    division.unit = shared[0];
    division.units = shared[1];
    division.tasks = shared[2];
    division.levels = shared[3];
  }
  division.slots = division.tasks;
  division.chunk = e.maximum(e.index(chunk), division.unit);
  return division;
}

Value Division::begin(ScalarEmitter &e, Value i) const {
  return e.minimum(e.mul(e.div(e.mul(i, units), tasks), unit), batch);
}

Value Division::partOf(ScalarEmitter &e, Value sample) const {
  // Task i begins with unit floor(i * units / tasks): the last one of which that is at most the sample's unit.
  Value upTo = e.mul(e.add(e.div(sample, unit), 1), tasks);
  return e.sub(e.div(e.add(upTo, e.sub(units, e.index(1))), units), e.index(1));
}

Value Division::blocks(ScalarEmitter &e, Value samples) const {
  auto ofTerms = [&](Value terms) { return e.ceilDiv(terms, kernels::kBlock); };
  Value all = sum->overTime ? steps : e.index(1);
  // Runs of several samples, the last of which may have fewer.
  Value whole = e.div(samples, unit);
  Value rest = e.sub(samples, e.mul(whole, unit));
  Value several = e.add(e.mul(whole, ofTerms(e.mul(e.mul(unit, all), sum->positions))),
                        ofTerms(e.mul(e.mul(rest, all), sum->positions)));
  if (!sum->overTime && sum->positions < sum->run)
    return several;
  // Runs of steps.
  const int64_t stepsPerRun = sum->stepsPerRun();
  Value wholeRuns = e.div(all, stepsPerRun);
  Value left = e.sub(all, e.mul(wholeRuns, stepsPerRun));
  Value one = e.add(e.mul(wholeRuns, int64_t(llvm::divideCeil(stepsPerRun * sum->positions, kernels::kBlock))),
                    ofTerms(e.mul(left, sum->positions)));
  return e.select(e.equal(unit, e.index(1)), e.mul(samples, one), several);
}

void raiseLevels(Emitter &e, Value blocks, llvm::function_ref<void(int64_t level, Value first)> up, int64_t level) {
  int64_t full = kernels::kLevel;
  for (int64_t below = 1; below < level; ++below)
    full *= kernels::kLevel;
  e.when(e.isMultiple(blocks, e.index(full)), [&] {
    up(level, e.equal(blocks, e.index(full)));
    if (level + 1 < kernels::kMaxLevels)
      raiseLevels(e, blocks, up, level + 1);
  });
}

Chains::Chains(Emitter &e, OrderAttr order, Type element, int64_t positions, bool intoSlot, int64_t vectors)
    : e(e), order(order), vector(e.vector(kLanes, element)),
      levels(intoSlot        ? 1
             : positions > 0 ? kernels::levelsOf(positions, order.getBlock())
                             : kernels::kMaxLevels),
      vectors(vectors), grouped(order.getGroup() > 1),
      counted(intoSlot || grouped || positions == 0 || positions > order.getBlock()), intoSlot(intoSlot) {
  int next = 0;
  auto place = [&](Part part, bool exists, int64_t values) {
    index[part] = exists ? next : -1;
    next += exists ? values : 0;
  };
  place(Chain, true, vectors);
  place(Total, true, vectors);
  place(Group, grouped, vectors);
  place(Position, counted, 1);
  place(Blocks, counted && (intoSlot || levels > 1), 1);
  place(Levels, true, vectors * (levels - 1));
}

Value Chains::sum(Value x, Value y) { return arith::AddFOp::create(e.b, x, y); }

SmallVector<Value> Chains::start(ValueRange totals, Value blocks) {
  Value zero = e.constant(vector, 0);
  SmallVector<Value> state(vectors, zero);
  if (totals.empty())
    state.append(vectors, zero);
  llvm::append_range(state, totals);
  if (grouped)
    state.append(vectors, zero);
  if (counted)
    state.push_back(e.index(0));
  if (index[Blocks] >= 0)
    state.push_back(blocks ? blocks : e.index(0));
  state.append(vectors * (levels - 1), zero);
  return state;
}

void Chains::add(SmallVectorImpl<Value> &state, int64_t number, Value term, Value factor) {
  Value &open = state[at(grouped ? Group : Chain, number)];
  bool fused = factor && !grouped && order.getLanes() == 1;
  if (factor && !fused)
    term = arith::MulFOp::create(e.b, term, factor);
  open = fused ? e.fma(term, factor, open) : sum(open, term);
}

SmallVector<Value> Chains::flush(ValueRange state, LevelUp levelUp) {
  SmallVector<Value> next(state), totals;
  Value zero = e.constant(vector, 0);
  for (int64_t v = 0; v < vectors; ++v) {
    Value chain = state[at(Chain, v)];
    if (grouped)
      chain = sum(chain, state[at(Group, v)]);
    totals.push_back(sum(state[at(Total, v)], chain));
    next[at(Chain, v)] = zero;
    if (grouped)
      next[at(Group, v)] = zero;
    next[at(Total, v)] = totals.back();
  }
  if (counted)
    next[index[Position]] = e.index(0);
  if (index[Blocks] < 0)
    return next;
  Value blocks = e.add(state[index[Blocks]], 1);
  next[index[Blocks]] = blocks;
  auto isFull = [&](int64_t count) { return e.isMultiple(blocks, e.index(count)); };
  if (intoSlot) {
    Value full = isFull(order.getLevel());
    e.when(full, [&] { levelUp(totals, blocks); });
    for (int64_t v = 0; v < vectors; ++v)
      next[at(Total, v)] = arith::SelectOp::create(e.b, full, zero, totals[v]);
    return next;
  }
  int64_t count = 1;
  for (int64_t level = 0; level + 1 < levels; ++level) {
    count *= order.getLevel();
    Value full = isFull(count);
    for (int64_t v = 0; v < vectors; ++v) {
      Value &below = level == 0 ? next[at(Total, v)] : next[at(Levels, v, level - 1)];
      Value &above = next[at(Levels, v, level)];
      above = arith::SelectOp::create(e.b, full, sum(above, below), above);
      below = arith::SelectOp::create(e.b, full, zero, below);
    }
  }
  return next;
}

SmallVector<Value> Chains::endPosition(ValueRange state, LevelUp levelUp) {
  if (!counted)
    return SmallVector<Value>(state);
  SmallVector<Value> next(state);
  Value position = e.add(state[index[Position]], 1);
  next[index[Position]] = position;
  if (grouped) {
    Value full = e.isMultiple(position, e.index(order.getGroup()));
    next = e.changedIf(full, next, [&] {
      SmallVector<Value> inner(next);
      for (int64_t v = 0; v < vectors; ++v) {
        inner[at(Chain, v)] = sum(next[at(Chain, v)], next[at(Group, v)]);
        inner[at(Group, v)] = e.constant(vector, 0);
      }
      return inner;
    });
  }
  return e.changedIf(e.equal(position, e.index(order.getBlock())), next, [&] { return flush(next, levelUp); });
}

SmallVector<Value> Chains::endRun(ValueRange state, LevelUp levelUp) {
  if (!counted)
    return flush(state, levelUp);
  Value open = e.compare(arith::CmpIPredicate::ne, state[index[Position]], e.index(0));
  return e.changedIf(open, state, [&] { return flush(state, levelUp); });
}

SmallVector<Value> Chains::addBlock(ValueRange state, Value sum, LevelUp levelUp) {
  SmallVector<Value> next(state);
  next[at(Chain, 0)] = sum;
  return flush(next, levelUp);
}

SmallVector<Value> Chains::totals(ValueRange state) {
  SmallVector<Value> totals;
  for (int64_t v = 0; v < vectors; ++v) {
    Value total = state[at(Total, v)];
    for (int64_t level = 0; level + 1 < levels; ++level)
      total = sum(state[at(Levels, v, level)], total);
    totals.push_back(total);
  }
  return totals;
}

} // namespace snn::core
