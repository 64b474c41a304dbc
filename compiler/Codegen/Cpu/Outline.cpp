// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions for ops: ops that look the same share one, so that deep networks stay small.

#include "compiler/Codegen/Cpu/OpEmitter.h"

#include "compiler/Schedule/Cpu/Memory.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace snn::core {
namespace {

/// All that the body of a function looks at.
struct Inside {
  Extents extents;
  Value placeSamples;
  SmallVector<Buffer> arrays; ///< of the op's operands and results
  kernels::Scratch scratch;
  Outlined what;

  friend void forEachValue(Inside &inside, EachValue each) {
    for (Value *value :
         {&inside.extents.samples, &inside.extents.steps, &inside.extents.firstSample, &inside.extents.firstStep,
          &inside.extents.step, &inside.extents.segment, &inside.placeSamples})
      each(*value);
    forEachValue(inside.arrays, each);
    forEachValue(inside.scratch, each);
    forEachValue(inside.what.buffers, each);
    if (std::optional<SumSlot> &slot = inside.what.slot) {
      forEachValue(slot->total, each);
      for (Value *value : {&slot->levelStride, &slot->fresh, &slot->blocks})
        each(*value);
    }
    forEachValue(inside.what.values, each);
  }
};

/// Everything about an op but where its values lie, for whom they are, and where it stands in the text.
std::string textOf(Operation *op) {
  Operation *copy = op->clone();
  copy->walk([](Operation *inner) {
    inner->removeAttr(kPlacesAttr);
    inner->removeAttr(kWantedAttr);
  });
  std::string text;
  llvm::raw_string_ostream out(text);
  copy->print(out, OpPrintingFlags().useLocalScope().printGenericOpForm());
  copy->destroy();
  return text;
}

} // namespace

void OpEmitter::outline(const Outlined &what, llvm::function_ref<void(OpEmitter &, const Outlined &)> body) {
  std::string key = what.name;
  llvm::raw_string_ostream out(key);
  Inside inside{extents, placeSamples, {}, scratches.lookup(what.op), what};
  // The text does not say which operands are the same array, and which results somebody asks for.
  SmallVector<Value> all, values;
  if (what.op) {
    out << textOf(what.op);
    llvm::append_range(all, what.op->getOperands());
    llvm::append_range(all, what.op->getResults());
  }
  for (Value value : all) {
    size_t number = llvm::find(values, value) - values.begin();
    out << " " << (buffers.contains(value) ? std::to_string(number) : "-");
    if (number == values.size() && buffers.contains(value))
      values.push_back(value);
  }
  for (Value value : values)
    inside.arrays.push_back(buffers.find(value)->second);
  auto describe = [&](Buffer &buffer) {
    out << " [" << buffer.type;
    llvm::interleaveComma(buffer.strides, out);
    out << " " << buffer.rowElements << buffer.slice << buffer.padded;
    if (buffer.memory.base) // a pointer instead of two values
      buffer.memory =
          e.view(buffer.memory.base, e.mul(buffer.memory.offset, buffer.memory.element.getIntOrFloatBitWidth() / 8),
                 buffer.memory.element);
  };
  llvm::for_each(inside.arrays, describe);
  llvm::for_each(inside.what.buffers, describe);
  if (inside.what.slot)
    describe(inside.what.slot->total);
  if (inside.scratch.bytes)
    inside.scratch = {e.advance(inside.scratch.bytes, inside.scratch.offset), e.index(0)};
  // Constants are no arguments but part of the function's identity. Not so what differs from entry to entry: chunks,
  // and the number of steps with the strides that are made of it. A single step is worth a function of its own.
  SmallPtrSet<Value *, 16> varying{&inside.placeSamples};
  if (inside.extents.steps && !matchPattern(inside.extents.steps, m_One())) {
    varying.insert(&inside.extents.steps);
    for (SmallVector<Buffer> *buffers : {&inside.arrays, &inside.what.buffers})
      for (Buffer &buffer : *buffers)
        varying.insert({&buffer.sampleStride, &buffer.timeStride});
  }
  SmallVector<TypedAttr> constants;
  forEachValue(inside, [&](Value &value) {
    TypedAttr constant;
    if (value && !varying.contains(&value) && matchPattern(value, m_Constant(&constant)))
      value = Value();
    constants.push_back(constant);
    out << (value ? " ?" : constant ? " " : " -") << constant;
  });
  auto make = [&](Emitter &in, Value call, Inside inside) {
    const TypedAttr *constant = constants.begin();
    forEachValue(inside, [&](Value &value) {
      if (TypedAttr known = *constant++)
        value = arith::ConstantOp::create(in.b, known);
    });
    CallFrame frame(in, call, module);
    CallNumbers numbers(in, frame, module);
    OpEmitter emitter(in, module, inside.extents, numbers);
    emitter.placeSamples = inside.placeSamples;
    for (auto [value, buffer] : llvm::zip_equal(values, inside.arrays))
      emitter.buffers[value] = buffer;
    emitter.scratches[what.op] = inside.scratch;
    if (what.op)
      numbers.prepare(what.op);
    body(emitter, inside.what);
    return SmallVector<Value>();
  };
  e.call(module, "snn_" + what.name + "_" + llvm::utohexstr(llvm::xxh3_64bits(key)), {}, make, numbers.call(), inside);
}

} // namespace snn::core
