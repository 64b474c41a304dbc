// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See GatheredTaps.h.

#include "compiler/Codegen/Cpu/Kernels/GatheredTaps.h"

using namespace mlir;

namespace snn::kernels {

GatheredTaps::GatheredTaps(Emitter &e, ModuleOp module, const Overlap &kernel, Scratch scratch)
    : e(e), module(module), kernel(kernel), shape(kernel.shape), outer(std::max<size_t>(shape.dims.size(), 2) - 2) {
  choose();
  auto take = [&, offset = scratch.offset](int64_t bytes, Type element) mutable {
    Memory memory = e.view(scratch.bytes, offset, element);
    offset = e.add(offset, int64_t(llvm::alignTo(bytes, 64)));
    return memory;
  };
  bits = take(shape.rowsTogether() * shape.nonzeroBytes(), e.b.getI16Type());
  sums = take(shape.rowsTogether() * shape.chainArrays() * shape.sumsBytes(e.realBytes()), e.real);
  weights = take(shape.packedBytes(e.realBytes()), e.real);
}

void GatheredTaps::choose() {
  if (!shape.hasGathered(e.realBytes()))
    return;
  // A factor, and what a compiler may want besides; weights are read from memory.
  const int64_t registers = e.target.registers() - 4, taps = last().taps, columns = shape.columns / e.machineLanes();
  const int64_t run = llvm::divideCeil(taps * shape.written, e.machineLanes());
  // Columns of open chains lie where those of their block do.
  packed = !isOpen() && (taps == 1 || last().step == 1) && run <= registers && shape.packedBytes(e.realBytes());
  width = packed ? shape.written : shape.columns;
  strip = columns % 2 == 0 && 2 * taps <= registers ? 2 : 1;
  vectors = packed ? run : taps * strip;
  if (vectors > registers)
    return;
  // Weights that rows read again and again should find room in the first cache.
  constexpr int64_t kCacheBytes = 48 << 10;
  const int64_t inCache = std::max<int64_t>(1, kCacheBytes / (shape.depth * lineElements() * e.realBytes()));
  const int64_t lines = lineDim().taps, count = llvm::divideCeil(lines, std::min(inCache, registers / vectors));
  for (int64_t i = 0, first = 0; i < count; ++i) {
    groups.push_back({first, (lines - first) / (count - i)});
    first += groups.back().lines;
  }
}

Value GatheredTaps::find(Value row, Value count) {
  const int64_t words = shape.depth / kLanes;
  e.loop(count, [&](Value i) {
    Value image = e.mul(e.add(row, i), kernel.aRow), to = e.mul(i, wordsOfRow());
    e.loop(e.index(shape.places()), [&](Value place) {
      e.loop(e.index(words), [&](Value word) {
        Value at = e.add(image, e.add(e.mul(place, shape.aStride), e.mul(word, kLanes)));
        Value some = e.loadVector(kernel.a, at, kLanes), zero = e.constant(some.getType(), 0);
        Value other = arith::CmpFOp::create(e.b, arith::CmpFPredicate::UNE, some, zero);
        e.store(e.bitsToWord(other), bits, e.add(to, e.add(e.mul(place, words), word)));
      });
    });
  });

  // Estimates, in terms of a vector: chains wait for their last term, and each word of bits takes a wrong guess of
  // where it ends and has its sums added.
  constexpr int64_t kOneAfterTheOther = 8, kNext = 3, kWrongGuess = 30, kAdd = 3;
  int64_t ofElement = 0, ofWord = 0;
  for (const Group &group : groups) {
    ofElement += std::max(kOneAfterTheOther, group.lines * vectors) + kNext;
    ofWord += kWrongGuess + kAdd * group.lines * vectors;
  }
  const int64_t columns = shape.columns / e.machineLanes(), strips = packed ? 1 : columns / strip;
  const int64_t taps = shape.terms() / shape.depth, rounds = strips * taps / (lineDim().taps * last().taps);
  const int64_t elements = shape.places() * shape.depth;
  const int64_t ofRow = elements / bitsOfWord() * ofWord * rounds +
                        (isOpen() ? kAdd * shape.chainArrays() * shape.spread() * columns : 0);
  Value found = emitCountBits(e, module, bits, e.mul(count, wordsOfRow()));
  return e.below(e.add(e.mul(found, ofElement * rounds), e.mul(count, ofRow)), e.mul(count, elements * taps * columns));
}

void GatheredTaps::prepare() {
  if (isOpen())
    clear(e, sums, e.index(shape.chainArrays() * sumsOfRow()));
  if (!packed)
    return;
  // What the columns of a line's last tap have too much, the next line writes over, or it is behind the end.
  const int64_t taps = last().taps, lines = lineDim().taps;
  e.loop(e.index(shape.terms() / shape.depth / (taps * lines)), [&](Value tap) {
    for (const Group &group : groups)
      e.loop(e.index(shape.depth), [&](Value k) {
        for (int64_t line = 0; line < group.lines; ++line) {
          auto [to, end] = weightsAt(group, line, vectors - 1, tap, k, e.index(0));
          storeStrip(e, zeros(e, 1), to, end);
          Value start = weightsAt(group, line, 0, tap, k, e.index(0)).second;
          Value first = e.mul(e.add(e.mul(tap, lines), group.first + line), taps);
          for (int64_t q = 0; q < taps; ++q) {
            Value from = e.mul(e.add(e.mul(e.add(first, q), shape.depth), k), shape.bStride);
            storeStrip(e, loadStrip(e, kernel.b, from, shape.columns / e.machineLanes()), to, e.add(start, q * width));
          }
        }
      });
  });
}

std::pair<Memory, Value> GatheredTaps::weightsAt(Group group, int64_t line, int64_t vector, Value tap, Value k,
                                                 Value column) {
  const int64_t lines = lineDim().taps, lanes = e.machineLanes();
  Value first = e.add(e.mul(tap, lines), group.first);
  if (packed)
    return {weights, e.add(e.mul(e.add(e.mul(first, shape.depth), e.mul(k, group.lines)), lineElements()),
                           line * lineElements() + vector * lanes)};
  Value number = e.add(e.mul(e.add(first, line), last().taps), vector / strip);
  return {kernel.b,
          e.add(e.add(e.mul(e.add(e.mul(number, shape.depth), k), shape.bStride), column), vector % strip * lanes)};
}

int64_t GatheredTaps::stride(size_t depth) const {
  int64_t elements = width;
  for (const Dim &dim : ArrayRef(shape.dims).drop_front(depth + 1))
    elements *= dim.spread();
  return elements;
}

void GatheredTaps::gather(Value row, Value count) {
  this->row = row;
  if (!isOpen())
    clear(e, sums, e.mul(count, sumsOfRow()));
  int64_t origin = 0;
  for (auto [depth, dim] : llvm::enumerate(shape.dims))
    origin += (dim.origin - dim.lowest()) * stride(depth);
  const int64_t strips = packed ? 1 : shape.columns / (strip * e.machineLanes());
  e.loop(e.index(strips), [&](Value number) {
    Value column = e.mul(number, strip * e.machineLanes());
    nest(0, {e.index(0), e.index(0), e.add(column, origin)}, column, count);
  });
  if (isOpen())
    addArrays();
  e.loop(count, [&](Value number) { copyOut(number, e.add(row, number)); });
  if (isOpen())
    clear(e, sums, e.index(sumsOfRow()));
}

void GatheredTaps::addArrays() {
  e.loop(e.index(0), e.index(sumsOfRow()), e.machineLanes(),
         [&](Value i) { storeStrip(e, takeTotal(e, sums, i, sumsOfRow(), shape.chainArrays()), sums, i); });
}

void GatheredTaps::nest(size_t depth, Position position, Value column, Value count) {
  // One group's weights for all rows: they stay in the first cache.
  if (depth == outer) {
    for (const Group &group : groups)
      e.loop(count, [&](Value number) {
        Value at = e.add(position.at, e.mul(number, sumsOfRow()));
        gatherGroup(group, {position.tap, position.place, at, number}, column);
      });
    return;
  }
  const Dim &dim = shape.dims[depth];
  e.loop(e.index(dim.taps), [&](Value tap) {
    e.loop(e.index(dim.places), [&](Value place) {
      Value at = e.add(e.mul(place, dim.factor * stride(depth)), e.mul(tap, dim.step * stride(depth)));
      nest(depth + 1,
           {e.add(e.mul(position.tap, dim.taps), tap), e.add(e.mul(position.place, dim.places), place),
            e.add(position.at, at)},
           column, count);
    });
  });
}

void GatheredTaps::gatherGroup(Group group, Position position, Value column) {
  const Dim dim = lineDim();
  const int64_t lineStride = outer + 1 < shape.dims.size() ? stride(outer) : 0;
  Value words = e.mul(position.number, wordsOfRow()), image = e.mul(e.add(row, position.number), kernel.aRow);
  auto backwards = [&](int64_t places, const std::function<void(Value place)> &body) {
    e.loop(e.index(places), [&](Value i) { body(e.sub(e.index(places - 1), i)); });
  };
  backwards(dim.places, [&](Value line) {
    backwards(last().places, [&](Value place) {
      Value number = e.add(e.mul(e.add(e.mul(position.place, dim.places), line), last().places), place);
      Value at = e.add(e.add(position.at, group.first * dim.step * lineStride),
                       e.add(e.mul(line, dim.factor * lineStride), e.mul(place, last().factor * width)));
      const int64_t ofPlace = shape.depth / bitsOfWord();
      e.loop(e.index(ofPlace), [&](Value block) {
        Value wordAt = e.mul(e.add(e.mul(number, ofPlace), block), bitsOfWord() / kLanes);
        Value word = loadWord(e, bits, e.add(words, wordAt), bitsOfWord() / kLanes);
        Value first = e.mul(block, bitsOfWord());
        e.when(e.differs(word, e.i64(0)), [&] {
          Strip start = zeros(e, group.lines * vectors);
          for (int64_t i = 0; isOpen() && i < group.lines * vectors; ++i)
            start[i] = loadStrip(e, sums, sumsAt(group, i / vectors, i % vectors, position.tap, at), 1)[0];
          Value a = e.add(image, e.add(e.mul(number, shape.aStride), first));
          add(sumsOf(word, group, position.tap, a, first, column, start), group, position.tap, at);
        });
      });
    });
  });
}

Strip GatheredTaps::sumsOf(Value word, Group group, Value tap, Value a, Value first, Value column, ValueRange start) {
  return forEachBit(e, word, start, [&](Value bit, ValueRange chains) {
    Value k = e.toIndex(bit), factor = e.splat(e.load(kernel.a, e.add(a, k)), e.machineLanes());
    Strip next;
    for (int64_t line = 0; line < group.lines; ++line)
      for (int64_t vector = 0; vector < vectors; ++vector) {
        auto [from, at] = weightsAt(group, line, vector, tap, e.add(first, k), column);
        next.push_back(e.fma(factor, loadStrip(e, from, at, 1)[0], chains[next.size()]));
      }
    return next;
  });
}

Value GatheredTaps::sumsAt(Group group, int64_t line, int64_t vector, Value tap, Value at) {
  const int64_t lanes = e.machineLanes(), lineStride = outer + 1 < shape.dims.size() ? stride(outer) : 0;
  const int64_t offset = packed ? vector * lanes : vector / strip * last().step * width + vector % strip * lanes;
  Value to = e.add(at, line * lineDim().step * lineStride + offset);
  if (!isOpen())
    return to;
  Value number = e.add(e.mul(e.add(e.mul(tap, lineDim().taps), group.first + line), last().taps), vector / strip);
  return e.add(to, e.mul(e.div(number, kBlock / shape.depth), sumsOfRow()));
}

void GatheredTaps::add(ValueRange terms, Group group, Value tap, Value at) {
  const int64_t lanes = e.machineLanes(), beyond = packed ? lineElements() - last().taps * width : 0;
  for (int64_t line = 0; line < group.lines; ++line)
    for (int64_t vector = 0; vector < vectors; ++vector) {
      Value to = sumsAt(group, line, vector, tap, at);
      if (isOpen()) {
        storeStrip(e, terms[line * vectors + vector], sums, to);
        continue;
      }
      Value old = loadStrip(e, sums, to, 1)[0], sum = addStrips(e, old, terms[line * vectors + vector])[0];
      // Columns of the next place, which this is no term of.
      if (beyond && vector + 1 == vectors)
        sum = arith::SelectOp::create(e.b, e.laneMask(lanes - beyond, lanes), sum, old);
      storeStrip(e, sum, sums, to);
    }
}

void GatheredTaps::copyOut(Value number, Value row) {
  Value c = e.mul(row, kernel.cRow);
  std::function<void(size_t, Value, Value)> lines = [&](size_t depth, Value from, Value to) {
    const Dim &dim = shape.dims[depth];
    from = e.add(from, -dim.lowest() * stride(depth));
    if (depth + 1 == shape.dims.size())
      return copyColumns(e, sums, from, width, kernel.c, e.add(c, e.mul(to, shape.written)), shape.written, dim.extent);
    e.loop(e.index(dim.extent), [&](Value i) {
      lines(depth + 1, e.add(from, e.mul(i, stride(depth))), e.mul(e.add(to, i), shape.dims[depth + 1].extent));
    });
  };
  lines(0, e.mul(number, sumsOfRow()), e.index(0));
}

} // namespace snn::kernels
