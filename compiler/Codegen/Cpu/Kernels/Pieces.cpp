// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Pieces.h.

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {

Strip zeros(Emitter &e, int64_t vectors) { return Strip(vectors, e.constant(e.vector(e.machineLanes(), e.real), 0)); }

Strip loadStrip(Emitter &e, Memory from, Value at, int64_t vectors) {
  Strip strip;
  for (int64_t v = 0; v < vectors; ++v)
    strip.push_back(e.loadVector(from, e.add(at, v * e.machineLanes()), e.machineLanes()));
  return strip;
}

void storeStrip(Emitter &e, ValueRange strip, Memory to, Value at) {
  for (auto [v, value] : llvm::enumerate(strip))
    e.storeVector(value, to, e.add(at, int64_t(v) * e.machineLanes()));
}

void clear(Emitter &e, Memory memory, Value elements) {
  e.loop(e.index(0), elements, e.machineLanes(), [&](Value i) { storeStrip(e, zeros(e, 1), memory, i); });
}

Strip addStrips(Emitter &e, ValueRange x, ValueRange y) {
  Strip sums;
  for (auto [left, right] : llvm::zip_equal(x, y))
    sums.push_back(arith::AddFOp::create(e.b, left, right));
  return sums;
}

void copyColumns(Emitter &e, Memory from, Value fromAt, int64_t fromStride, Memory to, Value toAt, int64_t columns,
                 int64_t rows) {
  if (fromStride == columns) {
    columns *= rows;
    rows = 1;
  }
  e.loop(e.index(rows), [&](Value row) {
    Value at = e.add(fromAt, e.mul(row, fromStride)), target = e.add(toAt, e.mul(row, columns));
    const int64_t whole = columns / kLanes * kLanes;
    e.loop(e.index(0), e.index(whole), kLanes,
           [&](Value i) { e.storeVector(e.loadVector(from, e.add(at, i), kLanes), to, e.add(target, i)); });
    if (Value mask = columns > whole ? e.laneMask(columns - whole) : nullptr)
      e.storeMasked(e.loadMasked(from, e.add(at, whole), mask), to, e.add(target, whole), mask);
  });
}

Strip takeTotal(Emitter &e, Memory chains, Value at, int64_t stride, int64_t blocks) {
  return e.loop(e.index(0), e.index(blocks * stride), stride, zeros(e, 1), [&](Value block, ValueRange sum) {
    Value from = e.add(block, at);
    Strip total = addStrips(e, sum, loadStrip(e, chains, from, 1));
    storeStrip(e, zeros(e, 1), chains, from);
    return total;
  });
}

void accumulate(Emitter &e, ValueRange sum, Memory total, Value at, Value first) {
  accumulateRows(e, sum, std::pair(total, at), first);
}

void accumulateRows(Emitter &e, ValueRange sums, ArrayRef<std::pair<Memory, Value>> totals, Value first) {
  const size_t vectors = sums.size() / totals.size();
  auto store = [&](function_ref<Strip(size_t row)> startOf) {
    SmallVector<Strip> rows;
    for (size_t row = 0; row < totals.size(); ++row)
      rows.push_back(addStrips(e, startOf(row), sums.slice(row * vectors, vectors)));
    for (auto [total, row] : llvm::zip_equal(totals, rows))
      storeStrip(e, row, total.first, total.second);
  };
  e.when(
      first, [&] { store([&](size_t) { return zeros(e, vectors); }); },
      [&] { store([&](size_t row) { return loadStrip(e, totals[row].first, totals[row].second, vectors); }); });
}

std::string nameFor(StringRef kernel, const Matrix &a) {
  return (isa<IntegerType>(a.at.element) ? kernel + "_of_bytes" : Twine(kernel)).str();
}

Value splatFactor(Emitter &e, Memory factor, Value at) {
  Value element = e.load(factor, at);
  if (isa<IntegerType>(factor.element))
    element = arith::UIToFPOp::create(e.b, e.real, element);
  return e.splat(element, e.machineLanes());
}

std::string shapeName(Emitter &e, StringRef kernel, ArrayRef<int64_t> numbers) {
  std::string name = ("snn_" + kernel + (e.real.isF64() ? "_f64" : "_f32")).str();
  for (int64_t number : numbers)
    name += "_" + std::to_string(number);
  return name;
}

int64_t stripsOf(const Emitter &e, int64_t columns, int64_t widest) {
  return llvm::divideCeil(columns / e.machineLanes(), widest);
}

void forStrips(Emitter &e, int64_t columns, int64_t widest,
               const std::function<void(Value column, int64_t vectors)> &emit) {
  if (columns == 0)
    return;
  const int64_t all = columns / e.machineLanes(), strips = stripsOf(e, columns, widest);
  const int64_t narrow = all / strips, wide = all % strips;
  int64_t from = 0;
  for (auto [vectors, count] : {std::pair(narrow + 1, wide), std::pair(narrow, strips - wide)}) {
    const int64_t width = vectors * e.machineLanes(), to = from + count * width;
    if (from < to)
      e.loop(e.index(from), e.index(to), width, [&](Value column) { emit(column, vectors); });
    from = to;
  }
}

void walkLevels(Emitter &e, int64_t depth, const LevelWalk &walk) {
  Value whole = e.index(depth / kBlock * kBlock), all = e.index(depth);
  int64_t rest = depth % kBlock;
  std::function<void(int64_t, Value, Value)> level = [&](int64_t above, Value from, Value to) {
    if (above > 0) {
      int64_t span = kBlock;
      for (int64_t i = 0; i < above; ++i)
        span *= kLevel;
      e.loop(from, to, span, [&](Value start) {
        level(above - 1, start, e.minimum(e.add(start, span), to));
        walk.raise(above, e.equal(start, from));
      });
      return;
    }
    if (walk.anyBlock) {
      e.loop(from, to, kBlock, [&](Value start) {
        Value end = rest == 0 ? e.add(start, kBlock) : e.minimum(e.add(start, kBlock), to);
        walk.anyBlock(start, end, e.equal(start, from));
      });
      return;
    }
    Value stop = e.minimum(to, whole);
    if (depth >= kBlock)
      e.loop(from, stop, kBlock, [&](Value start) { walk.block(start, kBlock, e.equal(start, from)); });
    if (rest > 0)
      e.when(e.equal(to, all), [&] { walk.block(whole, rest, e.equal(whole, from)); });
  };
  level(levelsOf(depth) - 1, e.index(0), all);
}

std::pair<Memory, Value> Totals::at(int64_t level, Value row, Value place, Value column, int64_t vectors) {
  int64_t lowerLevels = levelsOf(kernel.depth) - 1;
  if (level == lowerLevels)
    return {kernel.c.at, e.add(e.mul(row, kernel.c.stride), column)};
  return {lower, e.mul(e.add(e.mul(place, lowerLevels), level), vectors * e.machineLanes())};
}

void Totals::add(int64_t level, Value row, Value place, Value column, ValueRange sums, Value first) {
  auto [total, to] = at(level, row, place, column, sums.size());
  accumulate(e, sums, total, to, first);
}

void Totals::raise(int64_t level, Value row, Value place, Value column, int64_t vectors, Value first) {
  auto [below, from] = at(level - 1, row, place, column, vectors);
  add(level, row, place, column, loadStrip(e, below, from, vectors), first);
}

Value loadWord(Emitter &e, Memory words, Value at, int64_t present) {
  Type i64 = e.b.getI64Type();
  if (present >= 4) {
    Value four = vector::BitCastOp::create(e.b, e.vector(1, i64), e.loadVector(words, at, 4));
    return vector::ExtractOp::create(e.b, four, 0);
  }
  Value word = e.i64(0);
  for (int64_t i = 0; i < present; ++i) {
    Value part = arith::ExtUIOp::create(e.b, i64, e.load(words, e.add(at, i)));
    word = e.either(word, e.b.createOrFold<arith::ShLIOp>(part, e.i64(16 * i)));
  }
  return word;
}

Value loadBlock(Emitter &e, const Matrix &bits, Value row, Value start, int64_t count) {
  Value at = e.add(e.mul(row, bits.stride), e.div(start, kLanes));
  Value word = loadWord(e, bits.at, at, llvm::divideCeil(count, kLanes));
  return count < kBlock ? e.both(word, e.i64((int64_t(1) << count) - 1)) : word;
}

/// As long as the first value (i64) is not 0: what `body` makes of all of them.
static SmallVector<Value> whileNotZero(Emitter &e, ValueRange start,
                                       llvm::function_ref<SmallVector<Value>(ValueRange)> body) {
  auto loop = scf::WhileOp::create(
      e.b, start.getTypes(), start,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value zero = arith::ConstantIntOp::create(b, loc, b.getI64Type(), 0);
        Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, args[0], zero);
        scf::ConditionOp::create(b, loc, more, args);
      },
      [&](OpBuilder &b, Location, ValueRange args) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
        scf::YieldOp::create(e.b, body(args));
      });
  return loop.getResults();
}

Strip forEachBit(Emitter &e, Value word, ValueRange start,
                 const std::function<Strip(Value bit, ValueRange carry)> &body) {
  SmallVector<Value> carried{word};
  llvm::append_range(carried, start);
  carried = whileNotZero(e, carried, [&](ValueRange args) {
    Strip next = body(math::CountTrailingZerosOp::create(e.b, args[0]), args.drop_front());
    SmallVector<Value> yielded{e.both(args[0], arith::SubIOp::create(e.b, args[0], e.i64(1)))};
    llvm::append_range(yielded, next);
    return yielded;
  });
  return Strip(ArrayRef(carried).drop_front());
}

int64_t gatherVectors(Emitter &e, int64_t columns) {
  // Bits are looked for once if the chains of all columns, and the sums of their groups, fit into registers. More
  // columns take strips of which a block stays in the first-level cache.
  constexpr int64_t few = 8;
  const int64_t most = e.target.registers() / 2;
  return columns <= most * e.machineLanes() ? most : few;
}

/// The lowest bit of each group that has any.
static Value groupsOf(Emitter &e, Value word) {
  auto shifted = [&](Value value, int64_t by) -> Value { return arith::ShRUIOp::create(e.b, value, e.i64(by)); };
  Value pairs = e.either(word, shifted(word, 1));
  return e.both(e.either(pairs, shifted(pairs, 2)), e.i64(0x1111111111111111));
}

Strip gatherWord(Emitter &e, Value word, Memory rows, int64_t vectors, const std::function<Value(Value bit)> &rowAt) {
  return forEachBit(e, groupsOf(e, word), zeros(e, vectors), [&](Value at, ValueRange chain) {
    Value bits = e.both(arith::ShRUIOp::create(e.b, word, at), e.i64(15));
    auto row = [&](Value bit) { return loadStrip(e, rows, rowAt(e.toIndex(e.add(at, bit))), vectors); };
    Strip first = row(math::CountTrailingZerosOp::create(e.b, bits));
    Value others = e.both(bits, arith::SubIOp::create(e.b, bits, e.i64(1)));
    Strip group = forEachBit(e, others, first, [&](Value bit, ValueRange sum) { return addStrips(e, sum, row(bit)); });
    return addStrips(e, chain, group);
  });
}

void forEntries(Emitter &e, ValueRange rows, function_ref<void(int64_t entry, Value sum)> emit) {
  SmallVector<Value> entries{Value()};
  for (Value row : rows)
    for (size_t low = 0, end = entries.size(); low < end; ++low) {
      entries.push_back(low == 0 ? row : Value(arith::AddFOp::create(e.b, entries[low], row)));
      emit(int64_t(entries.size()) - 1, entries.back());
    }
}

Tables::Tables(Emitter &e, Scratch scratch, int64_t vectors)
    : e(e), vectors(vectors), width(vectors * e.machineLanes()), table(16 * width + kTableGap / e.realBytes()),
      memory(e.view(scratch.bytes, scratch.offset, e.real)) {
  e.loop(e.index(0), e.index(16 * table), table, [&](Value first) { storeStrip(e, zeros(e, vectors), memory, first); });
  e.loop(e.index(16 * table), e.index(16 * table + 16 * width), width,
         [&](Value entry) { storeStrip(e, zeros(e, vectors), memory, entry); });
}

void Tables::fill(Value groups, Memory rows, const std::function<Value(Value position)> &rowAt) {
  e.loop(groups, [&](Value group) {
    Value first = e.mul(group, table), position = e.mul(group, kGroup);
    SmallVector<Value> starts;
    for (int64_t bit = 0; bit < kGroup; ++bit)
      starts.push_back(rowAt(e.add(position, bit)));
    // One vector after the other: so what is needed again of a table stays in registers.
    for (int64_t lane = 0; lane < width; lane += e.machineLanes()) {
      SmallVector<Value> inputs;
      for (Value start : starts)
        inputs.push_back(e.loadVector(rows, e.add(start, lane), e.machineLanes()));
      forEntries(e, inputs,
                 [&](int64_t entry, Value sum) { e.storeVector(sum, memory, e.add(first, entry * width + lane)); });
    }
  });
}

Strip Tables::add(Value word, int64_t groups, ValueRange start, Value first) {
  Strip sum(start);
  Value bits = arith::IndexCastOp::create(e.b, e.b.getIndexType(), word);
  Value base = first ? e.mul(first, table) : Value();
  for (int64_t group = 0; group < groups; ++group) {
    Value chosen = e.b.createOrFold<arith::ShRUIOp>(bits, e.index(4 * group));
    Value entry = e.mul(e.both(chosen, e.index(15)), width);
    if (base)
      entry = e.add(entry, base);
    for (int64_t v = 0; v < vectors; ++v) {
      Value at = e.add(entry, group * table + v * e.machineLanes());
      Value term = e.loadVector(memory, at, e.machineLanes());
      // A chain of none but -0 ends as +0 all the same, in its total.
      if (start.empty() && group == 0)
        sum.push_back(term);
      else
        sum[v] = arith::AddFOp::create(e.b, sum[v], term);
    }
  }
  return sum;
}

Strip Tables::addFew(Value word) {
  auto look = [&](Value at, ValueRange sum) {
    // Behind the last group `at` is 64, and chooses from the zeros with whatever bits there are.
    Value within = e.both(at, e.i64(63)), bits = e.both(arith::ShRUIOp::create(e.b, word, within), e.i64(15));
    Value entry = e.add(e.mul(e.toIndex(at), table / kGroup), e.mul(e.toIndex(bits), width));
    return addStrips(e, sum, loadStrip(e, memory, entry, vectors));
  };
  auto lookAll = [&](int64_t count, Value groups, ValueRange start) {
    SmallVector<Value> state{groups};
    llvm::append_range(state, start);
    for (int64_t i = 0; i < count; ++i) {
      Strip sum = look(math::CountTrailingZerosOp::create(e.b, state[0]), ArrayRef(state).drop_front());
      state[0] = e.both(state[0], arith::SubIOp::create(e.b, state[0], e.i64(1)));
      llvm::copy(sum, state.begin() + 1);
    }
    return state;
  };
  SmallVector<Value> state = lookAll(kFewGroups, groupsOf(e, word), zeros(e, vectors));
  state = whileNotZero(e, state, [&](ValueRange more) { return lookAll(kMoreGroups, more[0], more.drop_front()); });
  return Strip(ArrayRef(state).drop_front());
}

Value emitCountBits(Emitter &e, ModuleOp module, Memory words, Value count) {
  auto make = [](Emitter &in, Memory from, Value end) {
    constexpr int64_t step = 64;
    Value whole = in.mul(in.div(end, step), step);
    VectorType wide = in.vector(step / 4, in.b.getI64Type());
    Value zero = arith::ConstantOp::create(in.b, DenseElementsAttr::get(wide, in.b.getI64IntegerAttr(0)));
    Value sums = in.loop(in.index(0), whole, step, {zero}, [&](Value i, ValueRange sum) {
      Value some = vector::BitCastOp::create(in.b, wide, in.loadVector(from, i, step));
      Value set = math::CtPopOp::create(in.b, some);
      return Strip{arith::AddIOp::create(in.b, sum[0], set)};
    })[0];
    Value start = in.toIndex(vector::ReductionOp::create(in.b, vector::CombiningKind::ADD, sums));
    return in.loop(whole, end, 1, {start}, [&](Value i, ValueRange sum) {
      Value set = math::CtPopOp::create(in.b, arith::ExtUIOp::create(in.b, in.b.getI64Type(), in.load(from, i)));
      return Strip{in.add(sum[0], in.toIndex(set))};
    });
  };
  return e.call(module, "snn_count_bits", e.b.getIndexType(), make, words, count).getResult(0);
}

} // namespace snn::kernels
