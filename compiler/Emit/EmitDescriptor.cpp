// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-emit-descriptor: the table of snn/abi.h.

#include "compiler/Codegen/StreamLayout.h"
#include "compiler/Emit/ConstantWriter.h"
#include "compiler/Emit/ModelInterface.h"
#include "compiler/Emit/Passes.h"
#include "compiler/Emit/Target.h"
#include "dialect/SnnDialect.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EMITDESCRIPTOR
#include "compiler/Emit/Passes.h.inc"

namespace {

using abi::ConstantWriter;
using abi::Record;

/// A pointer field of the table and the function that it points to.
struct EntryPoint {
  StringRef function;
  size_t offset;
};
constexpr EntryPoint kEntryPoints[] = {
    {"snn_arena_size", offsetof(snn_model_table, arena_size)},
    {"snn_entry_forward", offsetof(snn_model_table, forward)},
    {"snn_entry_step", offsetof(snn_model_table, step)},
    {"snn_entry_loss_and_gradient", offsetof(snn_model_table, loss_and_gradient)},
    {"snn_entry_backward", offsetof(snn_model_table, backward)},
    {"snn_entry_update", offsetof(snn_model_table, update)},
    {"snn_entry_train_step", offsetof(snn_model_table, train_step)},
    {"snn_entry_evaluate", offsetof(snn_model_table, evaluate)},
    {"snn_entry_forward_training", offsetof(snn_model_table, forward_training)},
};

abi::Symbol writeTensors(ConstantWriter &writer, const std::vector<TensorInfo> &tensors) {
  SmallVector<Record> records;
  for (const TensorInfo &tensor : tensors) {
    Record &record = records.emplace_back(abi::kTensorInfo);
    record.set(offsetof(snn_tensor_info, name), writer.string(tensor.name));
    record.set(offsetof(snn_tensor_info, dtype), tensor.dtype);
    record.set(offsetof(snn_tensor_info, rank), int64_t(tensor.shape.size()));
    record.set(offsetof(snn_tensor_info, shape), writer.integers(tensor.shape));
    record.set(offsetof(snn_tensor_info, strides), writer.integers(tensor.strides));
    record.set(offsetof(snn_tensor_info, offset), tensor.offset);
    record.set(offsetof(snn_tensor_info, init), tensor.init);
    record.set(offsetof(snn_tensor_info, flags), int64_t(tensor.differentiable ? SNN_TENSOR_DIFFERENTIABLE : 0));
    record.set(offsetof(snn_tensor_info, init_low), tensor.low);
    record.set(offsetof(snn_tensor_info, init_high), tensor.high);
  }
  return writer.records(records);
}

abi::Symbol writeHyper(ConstantWriter &writer, const std::vector<HyperInfo> &hyper) {
  SmallVector<Record> records;
  for (const HyperInfo &number : hyper) {
    Record &record = records.emplace_back(abi::kHyperInfo);
    record.set(offsetof(snn_hyper_info, name), writer.string(number.name));
    record.set(offsetof(snn_hyper_info, value), number.value);
    record.set(offsetof(snn_hyper_info, low), number.low);
    record.set(offsetof(snn_hyper_info, high), number.high);
    record.set(offsetof(snn_hyper_info, flags), int64_t(number.belowHigh ? SNN_HYPER_BELOW_HIGH : 0));
  }
  return writer.records(records);
}

/// A global with the bytes of a span; nothing without the attribute, or for a span without bytes. Code that knows of it
/// has declared it.
abi::Symbol writeSpan(ImplicitLocOpBuilder &b, ModelOp model, StringRef attribute, StringRef name) {
  auto bytes = model->getAttrOfType<StringAttr>(attribute);
  if (!bytes || bytes.empty())
    return {};
  if (auto declared = model->getParentOfType<ModuleOp>().lookupSymbol<LLVM::GlobalOp>(name)) {
    declared.setValueAttr(bytes);
    declared.setLinkage(LLVM::Linkage::Internal);
    return {name.str()};
  }
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  LLVM::GlobalOp::create(b, type, /*isConstant=*/true, LLVM::Linkage::Internal, name, bytes, SNN_ALIGNMENT);
  return {name.str()};
}

abi::Symbol writeTable(ConstantWriter &writer, const ModelInterface &model, StringRef target,
                       const abi::Symbol &initialParameters, const abi::Symbol &initialBuffers,
                       function_ref<bool(StringRef)> hasFunction) {
  Record table(abi::kModelTable);
  table.set(offsetof(snn_model_table, struct_size), int64_t(sizeof(snn_model_table)));
  table.set(offsetof(snn_model_table, abi_version), int64_t(SNN_ABI_VERSION));
  table.set(offsetof(snn_model_table, precision), model.precision);
  table.set(offsetof(snn_model_table, tensor_info_size), int64_t(sizeof(snn_tensor_info)));
  table.set(offsetof(snn_model_table, name), writer.string(model.name));
  table.set(offsetof(snn_model_table, compiler), writer.string("snnc " SNNC_VERSION));
  table.set(offsetof(snn_model_table, target), writer.string(target));
  table.set(offsetof(snn_model_table, model_hash), int64_t(model.hash));
  table.set(offsetof(snn_model_table, steps), model.steps);
  table.set(offsetof(snn_model_table, max_steps), model.maxSteps);
  table.set(offsetof(snn_model_table, window), model.window);
  table.set(offsetof(snn_model_table, random), int64_t(model.random));
  table.set(offsetof(snn_model_table, classes), model.classes);
  table.set(offsetof(snn_model_table, default_batch), model.batch);
  table.set(offsetof(snn_model_table, default_epochs), model.epochs);
  table.set(offsetof(snn_model_table, parameters), writeTensors(writer, model.parameters));
  table.set(offsetof(snn_model_table, parameter_count), int64_t(model.parameters.size()));
  table.set(offsetof(snn_model_table, buffers), writeTensors(writer, model.buffers));
  table.set(offsetof(snn_model_table, buffer_count), int64_t(model.buffers.size()));
  table.set(offsetof(snn_model_table, constants), writeTensors(writer, model.constants));
  table.set(offsetof(snn_model_table, constant_count), int64_t(model.constants.size()));
  table.set(offsetof(snn_model_table, inputs), writeTensors(writer, model.inputs));
  table.set(offsetof(snn_model_table, input_count), int64_t(model.inputs.size()));
  table.set(offsetof(snn_model_table, outputs), writeTensors(writer, model.outputs));
  table.set(offsetof(snn_model_table, output_count), int64_t(model.outputs.size()));
  table.set(offsetof(snn_model_table, states), writeTensors(writer, model.states));
  table.set(offsetof(snn_model_table, state_count), int64_t(model.states.size()));
  table.set(offsetof(snn_model_table, hyper), writeHyper(writer, model.hyper));
  table.set(offsetof(snn_model_table, hyper_count), int64_t(model.hyper.size()));
  table.set(offsetof(snn_model_table, parameter_bytes), model.parameterBytes);
  table.set(offsetof(snn_model_table, buffer_bytes), model.bufferBytes);
  table.set(offsetof(snn_model_table, optimizer_bytes), model.optimizerBytes);
  table.set(offsetof(snn_model_table, state_bytes), model.stateBytes);
  table.set(offsetof(snn_model_table, initial_parameters), initialParameters);
  table.set(offsetof(snn_model_table, initial_buffers), initialBuffers);
  for (const EntryPoint &entry : kEntryPoints)
    if (hasFunction(entry.function))
      table.set(entry.offset, abi::Symbol{entry.function.str()});
  return writer.records(table);
}

struct EmitDescriptor : impl::EmitDescriptorBase<EmitDescriptor> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const FailureOr<ModelInterface> model = ModelInterface::of(module);
    if (failed(model))
      return signalPassFailure();
    const FailureOr<Target> target = targetOf(module);
    if (failed(target))
      return signalPassFailure();

    // What a program calls by its name is of a streaming build, which has no table.
    const bool streams = isStreaming(module);
    const std::string exported = streams ? streamSymbolOf(model->name) : "";
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (!function.isExternal() && function.getSymName() != exported)
        function.setLinkage(LLVM::Linkage::Internal);
    ImplicitLocOpBuilder b(getModel(module).getLoc(), OpBuilder::atBlockEnd(module.getBody()));
    ConstantWriter writer(b);
    ModelOp declared = getModel(module);
    const abi::Symbol parameters = writeSpan(b, declared, SnnDialect::initialParametersAttrName(), kInitialParameters);
    const abi::Symbol buffers = writeSpan(b, declared, SnnDialect::initialBuffersAttrName(), kInitialBuffers);
    if (!streams) {
      abi::Symbol table = writeTable(writer, *model, target->name, parameters, buffers, [&](StringRef name) {
        auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
        return function && !function.isExternal();
      });
      module.lookupSymbol<LLVM::GlobalOp>(table.name).setSymName(kTable);
    }

    // The model's name and hash are for the query and the note.
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (isa<SnnDialect>(op.getDialect()) && !isa<ModelOp>(op))
        op.erase();
  }
};

} // namespace
} // namespace snn
