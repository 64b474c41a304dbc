// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See StreamEntry.h. A snn_call on the stack is how the entry point gets what the program gives; its layout is that of
// a machine with 64 bits everywhere, as nothing else sees it.

#include "compiler/Codegen/Host/StreamEntry.h"

#include "compiler/Codegen/Host/ScalarEmitter.h"
#include "compiler/Codegen/StreamLayout.h"
#include "snn/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace snn {
namespace {

class StreamWriter {
public:
  StreamWriter(ScalarEmitter &e, ModuleOp module, ValueRange arguments, int64_t pointerBytes)
      : e(e), module(module), stream(arguments[0]), arena(arguments[1]), inputs(arguments[2]), outputs(arguments[3]),
        layout(StreamLayout::of(module, pointerBytes)), pointerBytes(pointerBytes) {}

  /// The code that the function returns.
  Value write(StringRef entry) {
    Type code = e.b.getI32Type();
    Value missing = e.either(e.isNull(stream), e.either(e.isNull(arena), e.isNull(inputs)));
    return e.choose(
        missing, [&]() -> Value { return arith::ConstantIntOp::create(e.b, code, SNN_ERROR_ARGUMENT); },
        [&] { return step(entry); }, code);
  }

private:
  Value step(StringRef entry) {
    Value call = room(sizeof(snn_call));
    auto set = [&](size_t field, Value value) { e.storeAt(value, call, field); };
    Value null = LLVM::ZeroOp::create(e.b, e.pointerType());
    // What the entry of a streaming build reads, and all that no program gives.
    for (size_t field :
         {offsetof(snn_call, hyper), offsetof(snn_call, fault_row), offsetof(snn_call, output_gradients)})
      set(field, null);
    set(offsetof(snn_call, epoch), e.i64(0));
    set(offsetof(snn_call, arena), arena);
    set(offsetof(snn_call, parameters), values(layout.parameters, kInitialParameters));
    set(offsetof(snn_call, buffers), values(layout.buffers, kInitialBuffers));

    Value number = e.loadAt(stream, StreamLayout::kStep, e.b.getI64Type());
    Value state = e.advance(stream, e.index(StreamLayout::kState));
    set(offsetof(snn_call, first_step), number);
    set(offsetof(snn_call, state_in), LLVM::SelectOp::create(e.b, e.equal(number, e.i64(0)), null, state));
    set(offsetof(snn_call, state_out), state);
    set(offsetof(snn_call, seed), e.loadAt(stream, StreamLayout::kSeed, e.b.getI64Type()));
    set(offsetof(snn_call, sample_ids), e.advance(stream, e.index(StreamLayout::kSample)));

    const int64_t inputCount = count<InputOp>(), outputCount = count<OutputOp>();
    Value views = room(inputCount * sizeof(snn_view));
    for (int64_t i = 0; i < inputCount; ++i)
      e.storeAt(given(inputs, i), views, i * sizeof(snn_view) + offsetof(snn_view, data));
    set(offsetof(snn_call, inputs), views);
    Value wanted = room(outputCount * sizeof(void *));
    e.when(
        e.isNull(outputs),
        [&] {
          for (int64_t i = 0; i < outputCount; ++i)
            e.storeAt(null, wanted, i * sizeof(void *));
        },
        [&] {
          for (int64_t i = 0; i < outputCount; ++i)
            e.storeAt(given(outputs, i), wanted, i * sizeof(void *));
        });
    set(offsetof(snn_call, outputs), wanted);

    Type code = e.b.getI32Type();
    Value result = func::CallOp::create(e.b, entry, TypeRange(code), ValueRange(call)).getResult(0);
    e.when(e.equal(result, arith::ConstantIntOp::create(e.b, code, SNN_OK)), [&] {
      Value next = arith::AddIOp::create(e.b, number, e.i64(1));
      e.storeAt(next, stream, StreamLayout::kStep);
    });
    return result;
  }

  template <typename OpTy> int64_t count() { return llvm::range_size(module.getOps<OpTy>()); }

  Value room(int64_t bytes) {
    return LLVM::AllocaOp::create(e.b, e.pointerType(), e.b.getI8Type(), e.i64(bytes), sizeof(int64_t));
  }
  Value given(Value pointers, int64_t i) { return e.loadAt(pointers, i * pointerBytes, e.pointerType()); }

  /// Where weights lie.
  Value values(std::optional<int64_t> field, StringRef own) {
    if (field)
      return e.loadAt(stream, *field, e.pointerType());
    if (auto global = module.lookupSymbol<LLVM::GlobalOp>(own))
      return LLVM::AddressOfOp::create(e.b, global);
    return LLVM::ZeroOp::create(e.b, e.pointerType());
  }

  ScalarEmitter &e;
  ModuleOp module;
  Value stream, arena, inputs, outputs;
  StreamLayout layout;
  int64_t pointerBytes;
};

} // namespace

void addStreamEntry(ModuleOp module, StringRef entry, int64_t pointerBytes) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext()), code = builder.getI32Type();
  for (auto [name, attribute] : {std::pair(kInitialParameters, SnnDialect::initialParametersAttrName()),
                                 std::pair(kInitialBuffers, SnnDialect::initialBuffersAttrName())})
    if (auto bytes = getModel(module)->getAttrOfType<StringAttr>(attribute); bytes && !bytes.empty())
      LLVM::GlobalOp::create(builder, module.getLoc(), LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size()),
                             /*isConstant=*/true, LLVM::Linkage::External, name, Attribute(), SNN_ALIGNMENT);
  auto function = func::FuncOp::create(builder, module.getLoc(), streamSymbolOf(getModel(module).getSymName()),
                                       builder.getFunctionType({pointer, pointer, pointer, pointer}, {code}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  ScalarEmitter e(module.getLoc(), builder);
  Value result = StreamWriter(e, module, block->getArguments(), pointerBytes).write(entry);
  func::ReturnOp::create(e.b, result);
}

} // namespace snn
