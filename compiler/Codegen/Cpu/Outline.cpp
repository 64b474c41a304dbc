// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Outline.h.

#include "compiler/Codegen/Cpu/Outline.h"

#include "compiler/Schedule/Cpu/Memory.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace snn::core {

static std::optional<int64_t> constantOf(Value value) {
  APInt number;
  if (!matchPattern(value, m_ConstantInt(&number)))
    return std::nullopt;
  return number.getSExtValue();
}

void Interface::add(Value value) {
  if (!value) {
    key += " -";
  } else if (std::optional<int64_t> constant = constantOf(value)) {
    key += " " + std::to_string(*constant);
  } else {
    key += " ?";
    operands.push_back(value);
  }
}

Value Interface::address(const Memory &memory) {
  return e.advance(memory.base, e.mul(memory.offset, memory.element.getIntOrFloatBitWidth() / 8));
}

void Interface::add(const Buffer &buffer) {
  llvm::raw_string_ostream out(key);
  out << " [" << buffer.type;
  llvm::interleaveComma(buffer.strides, out);
  out << " " << buffer.rowElements << buffer.slice << buffer.padded << bool(buffer.memory.base);
  if (buffer.memory.base)
    operands.push_back(address(buffer.memory));
  for (Value value : {buffer.sampleStride, buffer.timeStride, buffer.scalar, buffer.wanted})
    add(value);
}

void Interface::add(const kernels::Scratch &scratch) {
  key += scratch.bytes ? " s" : " -";
  if (scratch.bytes)
    operands.push_back(e.advance(scratch.bytes, scratch.offset));
}

Value Received::take(Value original) {
  if (!original)
    return original;
  if (std::optional<int64_t> constant = constantOf(original))
    return arith::ConstantOp::create(e.b, e.b.getIntegerAttr(original.getType(), *constant));
  return next();
}

Buffer Received::take(const Buffer &original) {
  Buffer buffer = original;
  if (original.memory.base)
    buffer.memory = e.atPointer(next(), original.memory.element);
  buffer.sampleStride = take(original.sampleStride);
  buffer.timeStride = take(original.timeStride);
  buffer.scalar = take(original.scalar);
  buffer.wanted = take(original.wanted);
  return buffer;
}

kernels::Scratch Received::take(const kernels::Scratch &original) {
  if (!original.bytes)
    return original;
  return {next(), e.index(0)};
}

/// Everything about an op but where its values lie, for whom they are, and where it stands in the text.
static std::string textOf(Operation *op) {
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

void OpEmitter::outline(const Outlined &what, llvm::function_ref<void(OpEmitter &, const Outlined &)> body) {
  Interface interface(e);
  interface.operands.push_back(numbers.call());
  interface.key = what.name;
  // The text does not say which operands are the same array, and which results somebody asks for.
  SmallVector<Value> all, values;
  if (what.op) {
    interface.key += textOf(what.op);
    llvm::append_range(all, what.op->getOperands());
    llvm::append_range(all, what.op->getResults());
  }
  for (Value value : all) {
    size_t number = llvm::find(values, value) - values.begin();
    interface.key += " " + (buffers.contains(value) ? std::to_string(number) : "-");
    if (number == values.size() && buffers.contains(value))
      values.push_back(value);
  }
  for (Value value :
       {extents.samples, extents.steps, extents.firstSample, extents.firstStep, extents.step, placeSamples})
    interface.add(value);
  for (Value value : values)
    interface.add(buffers.find(value)->second);
  for (const Buffer &buffer : what.buffers)
    interface.add(buffer);
  interface.add(scratch(what.op));
  if (what.slot) {
    interface.add(what.slot->total);
    for (Value value : {what.slot->levelStride, what.slot->fresh, what.slot->blocks})
      interface.add(value);
  }
  for (Value value : what.values)
    interface.add(value);
  std::string name = "snn_" + what.name + "_" + llvm::utohexstr(llvm::xxh3_64bits(interface.key));
  func::FuncOp function = e.kernel(
      module, name, ValueRange(interface.operands).getTypes(), {}, [&](Emitter &in, Block::BlockArgListType arguments) {
        CallFrame frame(in, arguments.front(), module);
        CallNumbers inside(in, frame, module);
        if (what.op)
          inside.prepare(what.op);
        Received received(in, ValueRange(arguments).drop_front());
        Extents own{received.take(extents.samples), received.take(extents.steps), received.take(extents.firstSample),
                    received.take(extents.firstStep), received.take(extents.step)};
        OpEmitter emitter(in, module, own, inside);
        emitter.placeSamples = received.take(placeSamples);
        for (Value value : values)
          emitter.buffers[value] = received.take(buffers.find(value)->second);
        Outlined taken{what.name, what.op};
        for (const Buffer &buffer : what.buffers)
          taken.buffers.push_back(received.take(buffer));
        emitter.scratches[what.op] = received.take(scratch(what.op));
        if (what.slot) {
          taken.slot.emplace();
          taken.slot->total = received.take(what.slot->total);
          taken.slot->levelStride = received.take(what.slot->levelStride);
          taken.slot->fresh = received.take(what.slot->fresh);
          taken.slot->blocks = received.take(what.slot->blocks);
        }
        for (Value value : what.values)
          taken.values.push_back(received.take(value));
        body(emitter, taken);
        func::ReturnOp::create(in.b);
      });
  func::CallOp::create(e.b, function, interface.operands);
}

} // namespace snn::core
