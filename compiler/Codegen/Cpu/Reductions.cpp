// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// core.fold and core.contract as loops: kLanes elements of the result at a time, their terms one after the other; if
// the result is one number, the blocks of a step side by side.

#include "compiler/Codegen/Cpu/FunctionPlan.h"

#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {
namespace {

using kernels::kBlock;

OrderAttr orderOf(Operation *op) { return op->getAttrOfType<OrderAttr>("order"); }

Type elementOf(Operation *op) { return cast<ArrayType>(op->getResult(0).getType()).getElementType(); }

/// The terms of a fold or contract.
class Terms {
public:
  Terms(OpEmitter &emitter, IndexedOpInterface op)
      : e(emitter.e), math(emitter.math), emitter(emitter), op(op), gathered(Gathered::of(op)) {
    for (auto [value, map] : llvm::zip(op->getOperands(), op.getReadMaps()))
      reads.emplace_back(e, emitter.buffers.find(value)->second, gathered.compose(map));
  }

  const Gathered &shape() const { return gathered; }
  unsigned rank() const { return gathered.domain.size(); }

  bool collapses(AffineExpr number) {
    return gathered.conditions.empty() && llvm::all_of(llvm::zip(op->getOperands(), op.getReadMaps()), [&](auto pair) {
             auto [value, map] = pair;
             return LaneAccess::collapses(emitter.buffers.find(value)->second, gathered.compose(map), number,
                                          gathered.domain);
           });
  }

  /// Of an element's terms and of writing it, along a dim of the result.
  int64_t stripCost(unsigned dim, const LaneAccess &result) const {
    int64_t terms = 1, cost = 1;
    for (int64_t extent : ArrayRef(gathered.domain).drop_front(gathered.resultRank))
      terms *= std::max<int64_t>(extent, 1);
    for (const LaneAccess &access : reads)
      cost += access.stripCost(dim);
    return std::min<int64_t>(terms, 1024) * cost + result.stripCost(dim);
  }

  /// Where there is a term, or null: everywhere.
  Value present(const Points &points) {
    Value all;
    for (auto [expression, extent] : gathered.conditions) {
      LaneIndex value = math.of(expression, points.dims, gathered.domain);
      Value limit = extent == ArrayType::kTime     ? emitter.extents.steps
                    : extent == ArrayType::kSample ? emitter.extents.samples
                                                   : e.index(extent);
      all = math.both(all, extent == 0 ? math.isZero(value) : math.inside(value, limit));
    }
    for (LaneAccess &access : reads)
      all = math.both(all, access.inside(points, emitter.extents.samples, emitter.extents.steps));
    return math.mask(all);
  }

  /// A term of a fold, and what `present` says of it.
  std::pair<Value, Value> fold(const Points &points) {
    Value mask = present(points);
    SmallVector<Value> arguments;
    for (LaneAccess &access : reads)
      arguments.push_back(access.load(points, mask ? math.both(points.mask, mask) : points.mask));
    // The body's own coordinates are those of the op.
    Points own;
    own.domain = op.getDomain();
    for (AffineExpr dim : gathered.dims)
      own.dims.push_back(math.of(dim, points.dims, gathered.domain));
    return {emitter.emitBody(op->getRegion(0).front(), arguments, own).front(), mask};
  }

  /// Adds the term at `points` to the vector of that number.
  void addTo(Chains &chains, SmallVectorImpl<Value> &state, int64_t number, const Points &points) {
    auto zeroed = [&](Value value, Value mask) -> Value {
      return mask ? arith::SelectOp::create(e.b, mask, value, e.constant(value.getType(), 0)) : value;
    };
    if (isa<FoldOp>(op.getOperation())) {
      auto [term, mask] = fold(points);
      return chains.add(state, number, zeroed(term, mask));
    }
    Value mask = present(points), loadMask = mask ? math.both(points.mask, mask) : points.mask;
    auto load = [&](LaneAccess &access) {
      Value value = access.load(points, loadMask);
      const bool bytes = cast<VectorType>(value.getType()).getElementType().isInteger(8);
      return bytes ? Value(arith::UIToFPOp::create(e.b, realVector(), value)) : value;
    };
    Value a = load(reads[0]), b = load(reads[1]);
    auto isBits = [](Value value) { return cast<VectorType>(value.getType()).getElementType().isInteger(1); };
    if (isBits(a))
      std::swap(a, b);
    if (!isBits(b))
      return chains.add(state, number, zeroed(a, mask), zeroed(b, mask));
    if (isBits(a))
      a = arith::SelectOp::create(e.b, a, e.constant(realVector(), 1), e.constant(realVector(), 0));
    chains.add(state, number, zeroed(a, math.both(b, mask)));
  }

private:
  Type realVector() { return e.vector(kLanes, cast<ArrayType>(op->getResult(0).getType()).getElementType()); }

  Emitter &e;
  LaneMath &math;
  OpEmitter &emitter;
  IndexedOpInterface op;
  Gathered gathered;
  SmallVector<LaneAccess> reads;
};

/// Adds up all terms of some vectors of kLanes elements, in order.
class TermLoops {
public:
  TermLoops(OpEmitter &emitter, IndexedOpInterface op, Terms &terms, Chains &chains, MutableArrayRef<Points> strips,
            Chains::LevelUp levelUp, kernels::Range samples = {})
      : e(emitter.e), emitter(emitter), op(op), terms(terms), chains(chains), strips(strips), levelUp(levelUp),
        samples(samples), along(op.getAlong()), domain(op.getDomain()), sums(op.reducesSamples()) {
    auto order = op->getAttrOfType<OrderAttr>("order");
    descending = order && order.getDescending();
    for (int64_t dim : along)
      outer += sums && domain[dim] < 0;
    if (sums)
      division = Division::of(e, SumClass::of(op), 1, emitter.extents.samples, emitter.extents.steps);
  }

  SmallVector<Value> run(SmallVector<Value> state) {
    state = nest(0, state);
    return chains.endRun(state, levelUp);
  }

private:
  /// Whether a step of a sample, as the last loop, is a run of its own that has several blocks, and one number alone is
  /// summed: then blocks can be summed side by side.
  bool hasWideSteps() {
    return isa<FoldOp>(op.getOperation()) && terms.shape().resultRank == 0 && outer + 1 == along.size() && outer > 0 &&
           strips.size() == 1 && domain[along.back()] >= kBlock && division.sum->positions >= division.sum->run &&
           orderOf(op).getGroup() == 1 && orderOf(op).getBlock() == kBlock;
  }

  /// One number waits for each addition. The blocks of a step, each in a lane, wait together: vectors of positions are
  /// turned, so that what each lane adds is in order.
  SmallVector<Value> sumWideStep(ValueRange state) {
    const int64_t positions = domain[along.back()];
    return e.loop(e.index(0), e.index(positions), kLanes * kBlock, state, [&](Value from, ValueRange inner) {
      const int64_t blocks = std::min<int64_t>(kLanes, llvm::divideCeil(positions, kBlock));
      Value sums = e.loop(e.index(0), e.index(kBlock), kLanes, {zero()}, [&](Value within, ValueRange chain) {
        SmallVector<Value> rows(kLanes, zero());
        for (int64_t block = 0; block < blocks; ++block)
          rows[block] = termsFrom(e.add(e.add(from, block * kBlock), within), positions);
        Value sum = chain.front();
        for (Value column : turned(e, rows))
          sum = arith::AddFOp::create(e.b, sum, column);
        return SmallVector<Value>{sum};
      })[0];
      // Each lane in turn becomes the first, which is the one that counts.
      SmallVector<Value> carried{sums};
      llvm::append_range(carried, inner);
      Value left = e.minimum(e.ceilDiv(e.sub(e.index(positions), from), kBlock), e.index(kLanes));
      auto after = e.loop(e.index(0), left, 1, carried, [&](Value, ValueRange now) {
        auto next = chains.addBlock(now.drop_front(), now.front(), levelUp);
        SmallVector<int64_t> rotation = llvm::to_vector(llvm::seq<int64_t>(1, kLanes + 1));
        next.insert(next.begin(), vector::ShuffleOp::create(e.b, now.front(), now.front(), rotation));
        return next;
      });
      return SmallVector<Value>(ArrayRef(after).drop_front());
    });
  }

  /// Terms of positions side by side; +0 behind the last one.
  Value termsFrom(Value at, int64_t positions) {
    Points points = strips.front();
    points.dims[terms.shape().resultRank + outer] = emitter.math.ascendingFrom(at);
    points.mask = emitter.math.below(at, e.index(positions));
    auto [term, mask] = terms.fold(points);
    return arith::SelectOp::create(e.b, emitter.math.both(points.mask, mask), term, zero());
  }

  Value zero() { return e.constant(e.vector(kLanes, elementOf(op)), 0); }

  SmallVector<Value> nest(size_t depth, ValueRange state) {
    if (depth == outer && hasWideSteps())
      return sumWideStep(state);
    if (depth == along.size()) {
      SmallVector<Value> next(state);
      for (auto [number, points] : llvm::enumerate(strips))
        terms.addTo(chains, next, number, points);
      return chains.endPosition(next, levelUp);
    }
    int64_t extent = domain[along[depth]];
    Value to = extent == ArrayType::kTime     ? emitter.extents.steps
               : extent != ArrayType::kSample ? e.index(extent)
               : samples.from                 ? e.sub(samples.to, samples.from)
                                              : emitter.extents.samples;
    return e.loop(e.index(0), to, 1, state, [&](Value i, ValueRange inner) {
      Value at = extent == ArrayType::kTime && descending       ? e.sub(e.sub(to, i), e.index(1))
                 : extent == ArrayType::kSample && samples.from ? e.add(samples.from, i)
                                                                : i;
      for (Points &points : strips)
        points.dims[terms.shape().resultRank + depth] = emitter.math.uniform(at);
      if (extent == ArrayType::kTime)
        taken = i;
      if (extent == ArrayType::kSample)
        sample = i;
      SmallVector<Value> next = nest(depth + 1, inner);
      return depth + 1 == outer ? endOfStep(next) : next;
    });
  }

  SmallVector<Value> endOfStep(ValueRange state) {
    const SumClass &sum = *division.sum;
    if (sum.positions >= sum.run)
      return chains.endRun(state, levelUp);
    Value one = e.index(1), next = sum.overTime ? e.add(taken, 1) : one;
    Value last = sum.overTime ? e.equal(next, division.steps) : e.truth(true);
    // Samples are counted in the part, whose chunks are whole runs.
    Value ends = e.both(last, e.isMultiple(e.add(sample, 1), division.unit));
    if (sum.overTime)
      ends = e.either(ends, e.both(e.equal(division.unit, one), e.isMultiple(next, e.index(sum.stepsPerRun()))));
    return e.changedIf(ends, state, [&] { return chains.endRun(state, levelUp); });
  }

  Emitter &e;
  OpEmitter &emitter;
  IndexedOpInterface op;
  Terms &terms;
  Chains &chains;
  MutableArrayRef<Points> strips;
  Chains::LevelUp levelUp;
  kernels::Range samples; ///< of a part; null: all at hand
  ArrayRef<int64_t> along, domain;
  bool sums, descending = false;
  Division division; ///< if it sums over samples
  size_t outer = 0;  ///< loops over samples and steps
  Value taken, sample;
};

/// How many positions a sum over these dims has at most; 0 if that is not known.
int64_t positionsOf(IndexedOpInterface op) {
  int64_t product = 1;
  for (int64_t dim : op.getAlong()) {
    int64_t extent = op.getDomain()[dim];
    if (extent == ArrayType::kSample || llvm::MulOverflow(product, extent < 0 ? kMaxSteps : extent, product))
      return 0;
  }
  return product;
}

AffineMap resultMap(const Gathered &shape, MLIRContext *context) {
  AffineMap all = AffineMap::getMultiDimIdentityMap(shape.domain.size(), context);
  return AffineMap::get(all.getNumDims(), 0, all.getResults().take_front(shape.resultRank), context);
}

/// Strips of elements of a reduction's result, up to `together` side by side, with room for the coordinates that are
/// summed.
void forEachElement(OpEmitter &emitter, Terms &terms, const Buffer &result,
                    llvm::function_ref<void(MutableArrayRef<Points>, LaneAccess &)> body, int64_t together = 1) {
  const Gathered &shape = terms.shape();
  MLIRContext *context = result.type.getContext();
  ArrayRef<int64_t> domain = ArrayRef(shape.domain).take_front(shape.resultRank);
  AffineExpr number = collapsedNumber(domain, context);
  AffineMap map = resultMap(shape, context);
  bool collapse = terms.collapses(number) && LaneAccess::collapses(result, map, number, shape.domain);
  LaneAccess access(emitter.e, result, map);
  auto element = [&](ArrayRef<Points> given) {
    SmallVector<Points> strips(given);
    for (Points &points : strips) {
      points.domain = shape.domain;
      points.dims.resize(shape.domain.size());
    }
    body(strips, access);
  };
  auto lanes = OpEmitter::laneDim(domain, [&](unsigned dim) { return terms.stripCost(dim, access); });
  emitter.forEachRow(domain, [&](SmallVectorImpl<LaneIndex> &rows) {
    emitter.forEachStrip(domain, rows, collapse, element, /*stripsOutside=*/false, lanes, together);
  });
}

/// Vectors whose sums are made together. A long sum waits for its own last addition, so others are made meanwhile.
int64_t vectorsTogether(IndexedOpInterface op) {
  constexpr int64_t kTogether = 4;
  bool isLong = llvm::any_of(op.getAlong(), [&](int64_t dim) { return op.getDomain()[dim] < 0; });
  return isLong ? kTogether : 1;
}

/// The tree of the totals of all parts, whose number is a power of two: a total waits at its level for its neighbour.
SmallVector<Value> sumOfParts(OpEmitter &emitter, IndexedOpInterface op, size_t vectors,
                              llvm::function_ref<SmallVector<Value>(kernels::Range)> totalsOf) {
  Emitter &e = emitter.e;
  Value zero = e.constant(e.vector(kLanes, elementOf(op)), 0);
  Division division = Division::of(e, SumClass::of(op), 1, emitter.extents.samples, emitter.extents.steps);
  const unsigned levels = llvm::Log2_64(orderOf(op).getParts());
  auto add = [&](Value part, ValueRange before) {
    SmallVector<Value> next(before);
    SmallVector<Value> totals = totalsOf({division.begin(e, part), division.begin(e, e.add(part, 1))});
    Value waits = e.truth(false);
    for (unsigned level = 0; level < levels; ++level) {
      Value isFirst = e.isMultiple(e.div(part, int64_t(1) << level), e.index(2));
      Value nowWaits = e.either(waits, isFirst);
      for (auto [v, total] : llvm::enumerate(totals)) {
        Value &waiting = next[level * vectors + v];
        Value sum = arith::AddFOp::create(e.b, waiting, total);
        Value kept = arith::SelectOp::create(e.b, waits, waiting, total);
        waiting = arith::SelectOp::create(e.b, isFirst, kept, waiting);
        total = arith::SelectOp::create(e.b, nowWaits, total, sum);
      }
      waits = nowWaits;
    }
    llvm::copy(totals, next.begin() + levels * vectors);
    return next;
  };
  auto all = e.loop(e.index(0), division.tasks, 1, SmallVector<Value>((levels + 1) * vectors, zero), add);
  return SmallVector<Value>(ArrayRef(all).drop_front(levels * vectors));
}

} // namespace

void OpEmitter::emit(ContractOp op) { emitReduction(cast<IndexedOpInterface>(op.getOperation())); }

void OpEmitter::emit(FoldOp op) {
  if (emitCount(op) || emitSpikeCount(op))
    return;
  if (op.getKind() != FoldKind::Add)
    return emitMaximum(op);
  if (op.getOrder()->getLanes() > 1)
    return emitLaneSum(op);
  emitReduction(cast<IndexedOpInterface>(op.getOperation()));
}

void OpEmitter::emitReduction(IndexedOpInterface op) {
  const Buffer &result = buffers.find(op->getResult(0))->second;
  Terms terms(*this, op);
  auto element = [&](MutableArrayRef<Points> strips, LaneAccess &access) {
    auto totalsOf = [&](kernels::Range samples) {
      Chains chains(e, orderOf(op), elementOf(op), positionsOf(op), /*intoSlot=*/false, strips.size());
      TermLoops loops(*this, op, terms, chains, strips, nullptr, samples);
      return chains.totals(loops.run(chains.start()));
    };
    auto totals = op.reducesSamples() ? sumOfParts(*this, op, strips.size(), totalsOf) : totalsOf({});
    for (auto [points, total] : llvm::zip_equal(strips, totals))
      access.store(total, points);
  };
  forEachElement(*this, terms, result, element, vectorsTogether(op));
}

void OpEmitter::emitSum(IndexedOpInterface op, const SumSlot &slot) {
  if (auto contract = dyn_cast<ContractOp>(op.getOperation()); contract && emitGradient(contract, slot, {}))
    return;
  Terms terms(*this, op);
  AffineMap map = resultMap(terms.shape(), op->getContext());
  auto element = [&](MutableArrayRef<Points> strips, LaneAccess &access) {
    Chains chains(e, orderOf(op), elementOf(op), 0, /*intoSlot=*/true, strips.size());
    Value zero = e.constant(e.vector(kLanes, elementOf(op)), 0);
    auto atLevel = [&](int64_t level) {
      Buffer total = slot.total;
      total.memory.offset = e.add(total.memory.offset, e.mul(slot.levelStride, level));
      return total;
    };
    // Totals that go up lie in memory for that while.
    auto levelUp = [&](ValueRange totals, Value blocks) {
      for (auto [points, total] : llvm::zip_equal(strips, totals))
        access.store(total, points);
      raiseLevels(e, blocks, [&](int64_t level, Value first) {
        Buffer above = atLevel(level), below = atLevel(level - 1);
        LaneAccess to(e, above, map), from(e, below, map);
        for (const Points &points : strips) {
          Value before = arith::SelectOp::create(e.b, first, zero, to.load(points, points.mask));
          to.store(arith::AddFOp::create(e.b, before, from.load(points, points.mask)), points);
          from.store(zero, points);
        }
      });
    };
    TermLoops loops(*this, op, terms, chains, strips, levelUp);
    SmallVector<Value> before;
    for (const Points &points : strips)
      before.push_back(arith::SelectOp::create(e.b, slot.fresh, zero, access.load(points, points.mask)));
    auto totals = chains.totals(loops.run(chains.start(before, slot.blocks)));
    for (auto [points, total] : llvm::zip_equal(strips, totals))
      access.store(total, points);
  };
  forEachElement(*this, terms, slot.total, element, vectorsTogether(op));
}

/// How many terms there are, if each is 1: no sum of ones rounds.
bool OpEmitter::emitCount(FoldOp op) {
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  auto one = yield.getValues().front().getDefiningOp<arith::ConstantOp>();
  if (!op.getInputs().empty() || op.getKind() != FoldKind::Add || !one ||
      !cast<FloatAttr>(one.getValue()).getValue().isExactlyValue(1.0) ||
      cast<ArrayType>(op.getValue().getType()).getRank() != 0)
    return false;
  Value count = e.index(1);
  for (int64_t dim : op.getAlong())
    count = e.mul(count, extentOf(op.getDomain()[dim]));
  const Buffer &result = buffers.find(op.getValue())->second;
  e.store(arith::UIToFPOp::create(e.b, elementOf(op), e.toI64(count)), result.memory, e.index(0));
  return true;
}

void OpEmitter::emitLaneSum(FoldOp op) {
  const Buffer &result = buffers.find(op.getValue())->second;
  auto indexed = cast<IndexedOpInterface>(op.getOperation());
  Terms terms(*this, indexed);
  const Gathered &shape = terms.shape();
  ArrayRef<int64_t> domain = ArrayRef(shape.domain).take_front(shape.resultRank);
  int64_t positions = op.getDomain()[op.getAlong().front()], lanes = orderOf(op).getLanes();
  unsigned last = shape.resultRank;
  LaneAccess access(e, result, resultMap(shape, op.getContext()));

  auto element = [&](ArrayRef<LaneIndex> coordinates) {
    Points points;
    points.domain = shape.domain;
    points.dims.assign(coordinates.begin(), coordinates.end());
    points.dims.resize(shape.domain.size());
    SmallVector<Value> totals;
    for (int64_t first = 0; first < std::min(lanes, (positions + kLanes - 1) / kLanes * kLanes); first += kLanes) {
      Chains chains(e, orderOf(op), elementOf(op), (positions + lanes - 1) / lanes, /*intoSlot=*/false);
      auto state = e.loop(e.index(first), e.index(positions), lanes, chains.start(), [&](Value at, ValueRange inner) {
        points.dims[last] = math.ascendingFrom(at);
        points.mask = math.below(at, e.index(positions));
        auto [term, mask] = terms.fold(points);
        mask = math.both(points.mask, mask);
        Value kept = arith::SelectOp::create(e.b, mask, term, e.constant(term.getType(), 0));
        SmallVector<Value> next(inner);
        chains.add(next, 0, kept);
        return chains.endPosition(next, nullptr);
      });
      totals.push_back(chains.totals(chains.endRun(state, nullptr)).front());
    }
    // Lanes that have no position are +0.
    while (!llvm::isPowerOf2_64(totals.size()))
      totals.push_back(e.constant(totals.front().getType(), 0));
    while (totals.size() > 1) {
      size_t half = totals.size() / 2;
      for (size_t i = 0; i < half; ++i)
        totals[i] = arith::AddFOp::create(e.b, totals[i], totals[i + half]);
      totals.resize(half);
    }
    Value sum = totals.front();
    for (int64_t half = kLanes / 2; half >= 1; half /= 2) {
      auto lanes = llvm::to_vector(llvm::seq<int64_t>(2 * half));
      Value low = vector::ShuffleOp::create(e.b, sum, sum, ArrayRef(lanes).take_front(half));
      Value high = vector::ShuffleOp::create(e.b, sum, sum, ArrayRef(lanes).drop_front(half));
      sum = arith::AddFOp::create(e.b, low, high);
    }
    points.mask = Value();
    points.dims[last] = math.uniform(0);
    access.store(e.splat(vector::ExtractOp::create(e.b, sum, 0), kLanes), points);
  };
  forEachPoint(domain, [&](SmallVectorImpl<LaneIndex> &coordinates) { element(coordinates); });
}

void OpEmitter::emitMaximum(FoldOp op) {
  auto indexed = cast<IndexedOpInterface>(op.getOperation());
  Terms terms(*this, indexed);
  bool isMax = op.getKind() == FoldKind::Max;
  const bool spikes = op.getValue().getType().getElementType().isInteger(1);
  Type i32 = e.vector(kLanes, e.b.getI32Type());
  MLIRContext *context = op.getContext();
  const Gathered &shape = terms.shape();
  // Either may be something that nobody asks for.
  SmallVector<std::pair<unsigned, const Buffer *>> results;
  for (OpResult result : op->getResults())
    if (auto found = buffers.find(result); found != buffers.end())
      results.emplace_back(result.getResultNumber(), &found->second);
  if (results.empty())
    return;
  ArrayRef<int64_t> along = op.getAlong(), domain = op.getDomain();
  // Windows as pooling has them are written out.
  constexpr int64_t kFewTerms = 9;
  int64_t count = 1;
  for (int64_t dim : along)
    count *= domain[dim] > 0 ? domain[dim] : kFewTerms + 1;
  const bool unrolls = count <= kFewTerms;

  auto element = [&](MutableArrayRef<Points> strips, LaneAccess &) {
    Points &points = strips.front();
    const double infinity = std::numeric_limits<double>::infinity();
    Value worst = spikes ? e.splat(e.truth(!isMax), kLanes)
                         : e.constant(e.vector(kLanes, elementOf(op)), isMax ? -infinity : infinity);
    Value none = arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<ShapedType>(i32), int32_t(-1)));
    Value zero = arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<ShapedType>(i32), int32_t(0)));
    std::function<SmallVector<Value>(size_t, Value, ValueRange)> nest = [&](size_t depth, Value number,
                                                                            ValueRange state) -> SmallVector<Value> {
      if (depth == along.size()) {
        auto [term, mask] = terms.fold(points);
        Value beats;
        if (spikes) // of different ones the term wins if it is the better of the two
          beats =
              arith::CmpIOp::create(e.b, isMax ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::ult, term, state[0]);
        else
          beats =
              arith::CmpFOp::create(e.b, isMax ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT, term, state[0]);
        Value first = e.compare(arith::CmpIPredicate::slt, state[1], zero);
        Value takes = math.both(e.either(beats, first), mask);
        Value here = e.splat(e.b.createOrFold<arith::IndexCastOp>(e.b.getI32Type(), number), kLanes);
        return {arith::SelectOp::create(e.b, takes, term, state[0]),
                arith::SelectOp::create(e.b, takes, here, state[1])};
      }
      int64_t extent = domain[along[depth]];
      auto take = [&](Value i, ValueRange inner) {
        points.dims[shape.resultRank + depth] = math.uniform(i);
        Value next = depth == 0 ? i : e.add(e.mul(number, extent), i);
        return nest(depth + 1, next, inner);
      };
      if (!unrolls)
        return e.loop(e.index(0), extentOf(extent), 1, state, take);
      SmallVector<Value> after(state);
      for (int64_t i = 0; i < extent; ++i)
        after = take(e.index(i), after);
      return after;
    };
    SmallVector<Value> found = nest(0, e.index(0), ValueRange{worst, none});
    for (auto [number, buffer] : results)
      LaneAccess(e, *buffer, resultMap(shape, context)).store(found[number], points);
  };
  forEachElement(*this, terms, *results.front().second, element);
}

} // namespace snn::core
