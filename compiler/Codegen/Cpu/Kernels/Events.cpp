// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with windows of images of which few elements are not zero: each of these goes to all places whose windows
// have it, in the order in which the image has them, which is that of every place's terms (docs/summation.md, rule 9).

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// Columns at a time: what an event's position takes is shared by so many vectors.
constexpr int64_t kStripVectors = 4;

/// What the kernels share: all pairs of an event and a place that has it.
class EventBody {
protected:
  EventBody(Emitter &e, const Events &kernel) : e(e), kernel(kernel), shape(kernel.shape) {}

  /// body(k, place, factor): for the events of an image, of each the places descending. `factor` is a vector.
  using PairBody = std::function<void(Value k, Value place, Value factor)>;
  void forPairs(Value image, const PairBody &body) {
    auto ofBlock = [&](Value start, int64_t count) {
      forEachBit(e, loadBlock(e, kernel.bits, image, start, count), {}, [&](Value bit, ValueRange) {
        Value element = e.add(start, e.toIndex(bit));
        Value factor = splatFactor(e, kernel.a.at, e.add(e.mul(image, kernel.a.stride), element));
        nest(coordinatesOf(element), 0, e.index(0), e.index(0), [&](Value k, Value place) { body(k, place, factor); });
        return Strip();
      });
    };
    const int64_t elements = shape.elements(), whole = elements / kBlock * kBlock;
    e.loop(e.index(0), e.index(whole), kBlock, [&](Value start) { ofBlock(start, kBlock); });
    if (whole < elements)
      ofBlock(e.index(whole), elements - whole);
  }

  /// chains[at] += factor * other[otherAt]
  void add(Memory chains, Value at, Value factor, Memory other, Value otherAt, int64_t vectors) {
    Strip values = loadStrip(e, other, otherAt, vectors), next;
    for (auto [value, chain] : llvm::zip_equal(values, loadStrip(e, chains, at, vectors)))
      next.push_back(e.fma(factor, value, chain));
    storeStrip(e, next, chains, at);
  }

  Emitter &e;
  const Events &kernel;
  const WindowShape &shape;

private:
  Strip coordinatesOf(Value element) {
    Strip coordinates(shape.dims.size());
    for (int64_t i = int64_t(shape.dims.size()) - 1; i >= 0; --i) {
      Value extent = e.index(shape.dims[i].extent);
      coordinates[i] = i ? e.b.createOrFold<arith::RemUIOp>(element, extent) : element;
      element = e.div(element, extent);
    }
    return coordinates;
  }

  /// The taps of a dim that meet a coordinate, and the places that these belong to.
  void nest(ArrayRef<Value> coordinates, size_t depth, Value k, Value place,
            const std::function<void(Value k, Value place)> &body) {
    if (depth == shape.dims.size())
      return body(k, place);
    const WindowShape::Dim &dim = shape.dims[depth];
    Value x = coordinates[depth];
    k = e.mul(k, dim.taps), place = e.mul(place, dim.places);
    auto go = [&](Value tap, Value i) { nest(coordinates, depth + 1, e.add(k, tap), e.add(place, i), body); };
    if (dim.places == 1 && dim.taps == dim.extent)
      return go(x, e.index(0));
    // x = stride * i + dilation * tap, and one of the factors is 1: the n-th such pair is first + stride * n of the
    // taps and top - dilation * n of the places.
    Value zero = e.index(0), stride = e.index(dim.stride), last = e.index(dim.places - 1);
    Value top = e.div(x, stride), first = e.b.createOrFold<arith::RemUIOp>(x, stride);
    Value from = e.select(e.below(last, top), e.ceilDiv(e.sub(top, last), dim.dilation), zero);
    Value taps = e.index(dim.taps);
    Value fit = e.select(e.below(first, taps), e.ceilDiv(e.sub(taps, first), dim.stride), zero);
    Value to = e.minimum(e.add(e.div(top, dim.dilation), 1), fit);
    e.loop(from, e.maximum(from, to), 1,
           [&](Value n) { go(e.add(first, e.mul(n, dim.stride)), e.sub(top, e.mul(n, dim.dilation))); });
  }
};

class EventProduct : EventBody {
public:
  EventProduct(Emitter &e, const Events &kernel) : EventBody(e, kernel) {}

  void emit() {
    const int64_t size = shape.places() * kernel.c.stride, blocks = llvm::divideCeil(shape.terms(), kBlock);
    auto forAll = [&](const Emitter::Body &body) { e.loop(e.index(0), e.index(size), e.machineLanes(), body); };
    Memory chains = e.view(kernel.scratch.bytes, kernel.scratch.offset, e.real);
    if (blocks > 1)
      clear(e, chains, e.index(blocks * size));
    e.loop(kernel.rows, [&](Value image) {
      Memory c = kernel.c.at;
      c.offset = e.add(c.offset, e.mul(image, size));
      if (blocks == 1) {
        // The one block's chains are the sums, but for zeros that are negative, which a total is not.
        clear(e, c, e.index(size));
        addEvents(image, c);
        return forAll([&](Value i) { storeStrip(e, addStrips(e, loadStrip(e, c, i, 1), zeros(e, 1)), c, i); });
      }
      addEvents(image, chains);
      forAll([&](Value i) { storeStrip(e, takeTotal(e, chains, i, size, blocks), c, i); });
    });
  }

private:
  /// To chains of all places, for each block of terms.
  void addEvents(Value image, Memory chains) {
    const int64_t size = shape.places() * kernel.c.stride;
    forStrips(e, kernel.columns, kStripVectors, [&](Value column, int64_t vectors) {
      forPairs(image, [&](Value k, Value place, Value factor) {
        Value at = e.add(e.mul(place, kernel.c.stride), column);
        if (shape.terms() > kBlock)
          at = e.add(at, e.mul(e.div(k, kBlock), size));
        add(chains, at, factor, kernel.b.at, e.add(e.mul(k, kernel.b.stride), column), vectors);
      });
    });
  }
};

class EventGradient : EventBody {
public:
  EventGradient(Emitter &e, const Events &kernel) : EventBody(e, kernel) {}

  void emit(Value image) {
    const int64_t places = shape.places(), block = shape.terms() * kernel.c.stride;
    clear(e, kernel.c.at, e.index(int64_t(llvm::divideCeil(places, kBlock)) * block));
    forStrips(e, kernel.columns, kStripVectors, [&](Value column, int64_t vectors) {
      forPairs(image, [&](Value k, Value place, Value factor) {
        auto addPair = [&] {
          Value row = e.add(e.mul(image, places), place);
          Value at = e.add(e.add(e.mul(e.div(place, kBlock), block), e.mul(k, kernel.c.stride)), column);
          add(kernel.c.at, at, factor, kernel.b.at, e.add(e.mul(row, kernel.b.stride), column), vectors);
        };
        const Range &inputs = kernel.inputs;
        inputs.from
            ? e.when(e.both(e.compare(arith::CmpIPredicate::uge, k, inputs.from), e.below(k, inputs.to)), addPair)
            : addPair();
      });
    });
  }
};

std::string nameOf(Emitter &e, StringRef form, const Events &kernel) {
  SmallVector<int64_t> numbers{kernel.a.stride, kernel.b.stride, kernel.c.stride, kernel.columns};
  for (const WindowShape::Dim &dim : kernel.shape.dims)
    numbers.append({dim.extent, dim.places, dim.taps, dim.stride, dim.dilation});
  return shapeName(e, nameFor(form, kernel.a), numbers);
}

} // namespace

void emitEvents(Emitter &e, ModuleOp module, const Events &kernel) {
  auto make = [](Emitter &in, const Events &kernel) {
    EventProduct(in, kernel).emit();
    return Strip();
  };
  e.call(module, nameOf(e, "events", kernel), {}, make, kernel);
}

void emitEventGradient(Emitter &e, ModuleOp module, const Events &kernel, Value image) {
  auto make = [](Emitter &in, const Events &kernel, Value image) {
    EventGradient(in, kernel).emit(image);
    return Strip();
  };
  StringRef form = kernel.inputs.from ? "event_gradient_of_some" : "event_gradient";
  e.call(module, nameOf(e, form, kernel), {}, make, kernel, image);
}

} // namespace snn::kernels
