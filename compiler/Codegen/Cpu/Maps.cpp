// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loops over points, scalar bodies on vectors, and core.map.

#include "compiler/Codegen/Cpu/OpEmitter.h"
#include "compiler/Codegen/Cpu/Quotients.h"
#include "compiler/Codegen/Cpu/Subnormals.h"

#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {

AffineExpr collapsedNumber(ArrayRef<int64_t> domain, MLIRContext *context) {
  AffineExpr number = getAffineConstantExpr(0, context);
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent > 0)
      number = number * extent + getAffineDimExpr(dim, context);
  return simplifyAffineExpr(number, domain.size(), 0);
}

int64_t innerPoints(ArrayRef<int64_t> domain) {
  int64_t product = 1;
  for (int64_t extent : domain)
    product *= extent > 0 ? extent : 1;
  return product;
}

Value OpEmitter::extentOf(int64_t extent) {
  if (extent == ArrayType::kTime)
    return extents.steps;
  return extent == ArrayType::kSample ? extents.samples : e.index(extent);
}

void OpEmitter::forEachRow(ArrayRef<int64_t> domain, RowBody body) {
  SmallVector<LaneIndex> dims(domain.size());
  const auto *time = llvm::find(domain, ArrayType::kTime), *sample = llvm::find(domain, ArrayType::kSample);
  auto overTime = [&] {
    if (time == domain.end())
      return body(dims);
    e.loop(extents.steps, [&](Value t) {
      dims[time - domain.begin()] = math.uniform(t);
      body(dims);
    });
  };
  if (sample == domain.end())
    return overTime();
  e.loop(extents.samples, [&](Value s) {
    dims[sample - domain.begin()] = math.uniform(s);
    overTime();
  });
}

void OpEmitter::forEachPoint(ArrayRef<int64_t> domain, RowBody body, ArrayRef<unsigned> left) {
  forEachRow(domain, [&](SmallVectorImpl<LaneIndex> &dims) {
    std::function<void(size_t)> nest = [&](size_t dim) {
      if (dim == domain.size())
        return body(dims);
      if (domain[dim] < 0 || llvm::is_contained(left, dim))
        return nest(dim + 1);
      e.loop(e.index(domain[dim]), [&](Value i) {
        dims[dim] = math.uniform(i);
        nest(dim + 1);
      });
    };
    nest(0);
  });
}

Points OpEmitter::collapsedPoints(ArrayRef<int64_t> domain, ArrayRef<LaneIndex> rows, Value at) {
  Points points;
  points.domain = domain;
  points.dims.assign(rows.begin(), rows.end());
  points.collapsed = collapsedNumber(domain, module.getContext());
  points.collapsedWidth = innerPoints(domain);
  points.number = math.ascendingFrom(at);
  int64_t rest = 1;
  for (int64_t dim = domain.size() - 1; dim >= 0; --dim) {
    if (domain[dim] < 0)
      continue;
    LaneIndex digit = math.floorDiv(points.number, rest, 0);
    rest *= domain[dim];
    points.dims[dim] = rest == points.collapsedWidth ? digit : math.mod(digit, domain[dim], 0);
  }
  points.mask = maskAt(at, points.collapsedWidth);
  return points;
}

Value OpEmitter::maskAt(Value at, int64_t width) { return width % kLanes ? math.below(at, e.index(width)) : Value(); }

void OpEmitter::forEachStrip(ArrayRef<int64_t> domain, ArrayRef<LaneIndex> rows, bool collapse, StripBody body,
                             bool stripsOutside, std::optional<unsigned> lanes, int64_t together) {
  Points points;
  points.domain = domain;
  points.dims.assign(rows.begin(), rows.end());
  SmallVector<unsigned> inner;
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent > 0)
      inner.push_back(dim);
  if (inner.empty())
    return body(points);
  // strip(at, count): so many strips from `at` on.
  auto strips = [&](int64_t width, llvm::function_ref<void(Value, int64_t)> strip) {
    const int64_t step = kLanes * together, whole = together == 1 ? width : width / step * step;
    if (whole > step)
      e.loop(e.index(0), e.index(whole), step, [&](Value at) { strip(at, together); });
    else if (whole > 0)
      strip(e.index(0), together);
    if (whole < width)
      strip(e.index(whole), llvm::divideCeil(width - whole, kLanes));
  };
  SmallVector<Points> all(together, points);
  if (collapse)
    return strips(innerPoints(domain), [&](Value at, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        all[i] = collapsedPoints(domain, rows, e.add(at, i * kLanes));
      body(ArrayRef(all).take_front(count));
    });
  const unsigned lane = lanes.value_or(inner.back());
  auto overLanes = [&](llvm::function_ref<void(int64_t count)> inside) {
    strips(domain[lane], [&](Value start, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        Value at = e.add(start, i * kLanes);
        all[i].dims[lane] = domain[lane] == 1 ? math.uniform(at) : math.ascendingFrom(at);
        all[i].mask = maskAt(at, domain[lane]);
      }
      inside(count);
    });
  };
  inner.erase(llvm::find(inner, lane));
  std::function<void(size_t, int64_t)> nest = [&](size_t depth, int64_t count) {
    auto emit = [&](int64_t count) { body(ArrayRef(all).take_front(count)); };
    if (depth == inner.size())
      return stripsOutside ? emit(count) : overLanes(emit);
    unsigned dim = inner[depth];
    e.loop(e.index(domain[dim]), [&](Value i) {
      for (Points &strip : all)
        strip.dims[dim] = math.uniform(i);
      nest(depth + 1, count);
    });
  };
  if (stripsOutside)
    return overLanes([&](int64_t count) { nest(0, count); });
  nest(0, 0);
}

std::optional<unsigned> OpEmitter::laneDim(ArrayRef<int64_t> domain, llvm::function_ref<int64_t(unsigned)> strip) {
  std::optional<unsigned> best;
  auto cost = [&](unsigned dim) { return double(strip(dim)) * llvm::divideCeil(domain[dim], kLanes) / domain[dim]; };
  for (unsigned dim = domain.size(); dim-- > 0;)
    if (domain[dim] > 0 && (!best || cost(dim) < cost(*best)))
      best = dim;
  return best;
}

void CallNumbers::prepare(Operation *root) {
  Type i32 = e.b.getI32Type();
  root->walk([&](RandomOp op) {
    int64_t purpose = op.getPurpose();
    if (keys.contains(purpose))
      return;
    Value seed = e.loadAt(frame.call, offsetof(snn_call, seed), e.b.getI64Type());
    Value epoch = e.loadAt(frame.call, offsetof(snn_call, epoch), e.b.getI64Type());
    keys[purpose] = randomKey(e, module, seed, arith::ConstantIntOp::create(e.b, i32, purpose),
                              arith::TruncIOp::create(e.b, i32, epoch));
  });
}

Value CallNumbers::random(RandomOp op, Value elements, Value sample, Value step) {
  Type i32 = e.b.getI32Type(), i64 = e.b.getI64Type();
  Value zero = arith::ConstantIntOp::create(e.b, i32, 0), low = zero, high = zero;
  if (sample) {
    Value ids = frame.pointer(offsetof(snn_call, sample_ids));
    Value id = e.choose(
        e.isNull(ids), [&] { return e.toI64(sample); },
        [&] { return e.loadAt(e.advance(ids, e.mul(sample, 8)), 0, i64); }, i64);
    low = arith::TruncIOp::create(e.b, i32, id);
    high = arith::TruncIOp::create(e.b, i32, arith::ShRUIOp::create(e.b, id, e.i64(32)));
  }
  Value count = step ? e.b.createOrFold<arith::IndexCastOp>(i32, step) : zero;
  return randomUnits(e, module, op.getType(), keys.lookup(op.getPurpose()), {elements, low, high, count});
}

Value OpEmitter::onVectors(Operation &op, ValueRange operands) {
  auto type = VectorType::get(kLanes, op.getResult(0).getType());
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return arith::ConstantOp::create(e.b, DenseElementsAttr::get(type, Attribute(constant.getValue())));
  OperationState state(op.getLoc(), op.getName(), operands, type);
  state.propertiesAttr = op.getPropertiesAsAttribute();
  state.addAttributes(op.getDiscardableAttrDictionary().getValue());
  return e.b.create(state)->getResult(0);
}

SmallVector<Value> OpEmitter::emitBody(Block &body, ValueRange arguments, const Points &points, const BodyForm &form) {
  IRMapping mapping = form.known;
  mapping.map(body.getArguments(), arguments);
  auto dimOf = [&](int64_t mark) -> Value {
    for (auto [extent, dim] : llvm::zip(points.domain, points.dims))
      if (extent == mark)
        return dim.base;
    return nullptr;
  };
  auto stepNow = [&] {
    Value own = dimOf(ArrayType::kTime);
    return own ? own : extents.step ? extents.step : e.index(0);
  };
  for (Operation &op : body.without_terminator()) {
    if (mapping.contains(op.getResult(0)))
      continue;
    if (auto index = dyn_cast<IndexOp>(op)) {
      int64_t dim = index.getDim();
      if (dim == ArrayType::kTime && numbers.isStreaming()) {
        mapping.map(index.getResult(), e.splat(numbers.step(), kLanes));
        continue;
      }
      LaneIndex value;
      if (dim == ArrayType::kTime) {
        value = math.uniform(e.add(stepNow(), extents.firstStep));
      } else if (dim == ArrayType::kSample || points.domain[dim] == ArrayType::kSample) {
        value = math.uniform(e.add(dimOf(ArrayType::kSample), extents.firstSample));
      } else {
        value = points.dims[dim];
        if (extents.segment && points.domain[dim] == ArrayType::kTime)
          value = math.uniform(e.add(value.base, extents.segment));
      }
      mapping.map(index.getResult(), math.wide(value));
      continue;
    }
    if (auto random = dyn_cast<RandomOp>(op)) {
      LaneIndex element = math.uniform(0);
      for (auto [extent, dim] : llvm::zip(points.domain, points.dims))
        if (extent > 0)
          element = math.add(math.mul(element, extent), dim);
      Value sample = dimOf(ArrayType::kSample);
      if (sample)
        sample = e.add(sample, extents.firstSample);
      bool steps = !random.getPerSample() && (dimOf(ArrayType::kTime) || extents.step);
      Value step = steps ? e.add(stepNow(), extents.firstStep) : Value();
      mapping.map(random.getResult(), numbers.random(random, math.vector(element), sample, step));
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(mapping.lookup(operand));
    auto plain = [&] { return onVectors(op, operands); };
    Value around = form.tiny ? aroundSubnormals(e, &op, operands, plain) : Value();
    if (auto divide = dyn_cast<arith::DivFOp>(op);
        divide && !form.tiny && form.known.contains(divide.getRhs()) && divide.getLhs().getDefiningOp<math::SqrtOp>())
      around = rootOverUniform(e, operands[0], operands[1], plain);
    mapping.map(op.getResult(0), around ? around : plain());
  }
  SmallVector<Value> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(mapping.lookup(value));
  return results;
}

void OpEmitter::copyElements(const Buffer &from, const Buffer &to) {
  ArrayRef<int64_t> shape = to.type.getShape();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(shape.size(), module.getContext());
  forEachRow(shape, [&](SmallVectorImpl<LaneIndex> &rows) {
    forEachStrip(shape, rows, /*collapse=*/true, [&](ArrayRef<Points> strip) {
      const Points &points = strip.front();
      Value value = LaneAccess(e, from, identity).load(points, points.mask);
      if (from.isBits() && !to.isBits())
        value = arith::UIToFPOp::create(e.b, e.vector(kLanes, to.type.getElementType()), value);
      if (to.isBits() && !from.isBits())
        value = arith::CmpFOp::create(e.b, arith::CmpFPredicate::UNE, value, e.constant(value.getType(), 0));
      LaneAccess(e, to, identity).store(value, points);
    });
  });
}

void OpEmitter::fillZero(const Buffer &buffer) {
  if (buffer.wanted) {
    Buffer always = buffer;
    always.wanted = nullptr;
    return e.when(buffer.wanted, [&] { fillZero(always); });
  }
  Type element = buffer.isBits() ? Type(e.b.getI16Type()) : buffer.type.scalarType();
  ArrayRef<int64_t> shape = buffer.type.getShape();
  forEachRow(shape, [&](SmallVectorImpl<LaneIndex> &dims) {
    Value row = buffer.rowAt(e, shape, dims);
    e.strips(buffer.rowElements, [&](Value i, int64_t lanes) {
      Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(e.vector(lanes, element)));
      e.storeVector(zero, buffer.memory, e.add(row, i));
    });
  });
}

Value OpEmitter::anyStateTiny(ValueRange states) { return numbers.isStreaming() ? Value() : anyTiny(e, states); }

/// A state of neurons: what a step of a forward scan has from the one before it.
static bool isState(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto scan = argument ? dyn_cast<ScanOp>(argument.getOwner()->getParentOp()) : ScanOp();
  return scan && !scan.getReverse() && llvm::is_contained(scan.getCarryArgs(), argument);
}

void OpEmitter::emit(MapOp op) {
  if (emitBitMoves(op))
    return;
  ArrayRef<int64_t> domain = op.getDomain();
  AffineExpr number = collapsedNumber(domain, op.getContext());
  SmallVector<LaneAccess> reads, writes;
  bool collapse = true;
  auto collect = [&](auto values, auto maps, SmallVector<LaneAccess> &accesses) {
    for (auto [value, map] : llvm::zip(values, maps)) {
      const Buffer &buffer = buffers.find(value)->second;
      accesses.emplace_back(e, buffer, map);
      collapse &= LaneAccess::collapses(buffer, map, number, domain);
    }
  };
  SmallVector<AffineMap> readMaps = cast<IndexedOpInterface>(op.getOperation()).getReadMaps(),
                         writeMaps = cast<IndexedOpInterface>(op.getOperation()).getWriteMaps();
  collect(op.getInputs(), readMaps, reads);
  // A result without a buffer is one that nobody asks for.
  SmallVector<unsigned> written;
  bool toBits = false;
  for (auto [index, result] : llvm::enumerate(op.getOutputs())) {
    auto found = buffers.find(result);
    if (found == buffers.end())
      continue;
    written.push_back(index);
    writes.emplace_back(e, found->second, writeMaps[index]);
    collapse &= LaneAccess::collapses(found->second, writeMaps[index], number, domain);
    toBits |= found->second.isBits();
  }
  const bool across = !collapse && llvm::any_of(reads, [&](LaneAccess &access) { return access.readsAcross(domain); });
  // Bits of a word are written together.
  std::optional<unsigned> lanes;
  if (!toBits && !across)
    lanes = laneDim(domain, [&](unsigned dim) {
      int64_t cost = 1;
      for (const SmallVector<LaneAccess> *accesses : {&reads, &writes})
        for (const LaneAccess &access : *accesses)
          cost += access.stripCost(dim);
      return cost;
    });
  // What no point writes is +0: elements that fill up a vector are written with it, for the others all is cleared.
  const bool wholeVectors =
      !collapse && lanes && llvm::all_of(reads, [&](LaneAccess &access) { return access.isPlainAlong(*lanes); });
  SmallVector<bool> filledUp;
  for (auto [index, access] : llvm::zip_equal(written, writes)) {
    const Buffer &buffer = buffers.find(op.getOutputs()[index])->second;
    const bool covers = access.coversRow(domain) || writesAll(writeMaps[index], domain, buffer.type.getShape());
    filledUp.push_back(!covers && wholeVectors && access.coversRow(domain, lanes));
    if (!covers && !filledUp.back())
      fillZero(buffer);
  }
  auto emitPoints = [&](ArrayRef<Points> strip) {
    const Points &points = strip.front();
    SmallVector<Value> arguments;
    for (auto [index, access] : llvm::enumerate(reads)) {
      Value inside = access.inside(points, extents.samples, extents.steps);
      if (!inside) {
        arguments.push_back(access.load(points, points.mask));
        continue;
      }
      Value mask = math.mask(inside);
      Value loaded = access.load(points, math.both(points.mask, mask));
      auto other = cast<TypedAttr>((*op.getAbsent())[index]);
      Value rest =
          arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<VectorType>(loaded.getType()), Attribute(other)));
      arguments.push_back(arith::SelectOp::create(e.b, mask, loaded, rest));
    }
    SmallVector<Value> states, results;
    for (auto [input, argument] : llvm::zip(op.getInputs(), arguments))
      if (isState(input))
        states.push_back(argument);
    auto compute = [&](bool tiny) { return emitBody(op.getBody().front(), arguments, points, {.tiny = tiny}); };
    if (Value tiny = anyStateTiny(states)) {
      SmallVector<Type> types;
      for (Value value : op.getBody().front().getTerminator()->getOperands())
        types.push_back(VectorType::get(kLanes, value.getType()));
      results = e.choose(tiny, [&] { return compute(true); }, [&] { return compute(false); }, types);
    } else {
      results = compute(false);
    }
    for (auto [index, access, fillsUp] : llvm::zip_equal(written, writes, filledUp)) {
      Value result = results[index];
      if (!fillsUp || !points.mask) {
        access.store(result, points, access.inside(points, extents.samples, extents.steps));
        continue;
      }
      Points all = points;
      all.mask = nullptr;
      Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(result.getType()));
      access.store(arith::SelectOp::create(e.b, points.mask, result, zero), all);
    }
  };
  if (!collapse && !llvm::is_contained(filledUp, true) && emitTurned(op, reads, written, writes))
    return;
  forEachRow(domain, [&](SmallVectorImpl<LaneIndex> &rows) {
    forEachStrip(domain, rows, collapse, emitPoints, across, lanes);
  });
}

} // namespace snn::core
