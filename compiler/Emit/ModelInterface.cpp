// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From declarations to the host's view.

#include "compiler/Emit/ModelInterface.h"
#include "compiler/Codegen/SpanLayout.h"
#include "llvm/ADT/StringExtras.h"
#include <limits>

using namespace mlir;

namespace snn {
namespace {

FailureOr<snn_dtype> dtypeOf(Operation *op, Type type) {
  if (type.isF32())
    return SNN_DTYPE_F32;
  if (type.isF64())
    return SNN_DTYPE_F64;
  if (type.isUnsignedInteger(8))
    return SNN_DTYPE_U8;
  if (type.isInteger(64) || type.isSignedInteger(64))
    return SNN_DTYPE_I64;
  return op->emitError() << "element type " << type << " cannot cross the C interface; expected f32, f64, ui8 or i64";
}

/// An input or output: time comes first if the tensor varies over it; another dynamic extent is the batch.
template <typename OpTy> FailureOr<TensorInfo> boundaryTensor(OpTy op) {
  auto type = cast<RankedTensorType>(op.getType());
  FailureOr<snn_dtype> dtype = dtypeOf(op, type.getElementType());
  if (failed(dtype))
    return failure();
  TensorInfo info;
  info.name = op.getSymName().str();
  info.dtype = *dtype;
  for (auto [index, extent] : llvm::enumerate(type.getShape())) {
    const bool isTime = index == 0 && op.getOverTime();
    info.shape.push_back(isTime ? SNN_EXTENT_TIME : ShapedType::isDynamic(extent) ? SNN_EXTENT_BATCH : extent);
  }
  return info;
}

TensorInfo spanTensor(const SpanSlot &slot, snn_dtype real) {
  TensorInfo info;
  info.name = slot.name;
  info.dtype = real;
  info.shape = slot.shape;
  info.strides = slot.strides;
  info.offset = slot.offset;
  return info;
}

LogicalResult checkModel(ModuleOp module, ModelOp model, const ModelInterface &interface) {
  auto isWordCharacter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  StringRef name = interface.name;
  if (name.empty() || llvm::isDigit(name.front()) || !llvm::all_of(name, isWordCharacter))
    return model.emitError() << "model name '" << name << "' is no C identifier, and the query function carries it";
  if (interface.querySymbol().size() >= sizeof(snn_note::query_symbol))
    return model.emitError() << "model name of " << name.size() << " characters; expected at most "
                             << sizeof(snn_note::query_symbol) - 1 - StringRef("_snn_query").size();
  if (!model->hasAttrOfType<IntegerAttr>("snn.hash"))
    return model.emitError("the model has no snn.hash; snn-stamp-model gives it one");
  return success();
}

} // namespace

FailureOr<ModelInterface> ModelInterface::of(ModuleOp module) {
  ModelOp model = getModel(module);
  if (!model)
    return module.emitError("expected one snn.model in the module");
  FailureOr<snn_dtype> real = dtypeOf(model, model.getReal());
  if (failed(real))
    return failure();

  ModelInterface interface;
  interface.name = model.getSymName().str();
  if (failed(checkModel(module, model, interface)))
    return failure();
  interface.hash = model->getAttrOfType<IntegerAttr>("snn.hash").getValue().getZExtValue();
  interface.precision = *real;
  interface.steps = model.getSteps() ? int64_t(*model.getSteps()) : -1;
  interface.maxSteps = model.getMaxSteps();
  interface.classes = model.getClasses();
  interface.batch = model.getBatch();
  interface.epochs = model.getEpochs();

  const SpanLayout layout = SpanLayout::of(module);
  interface.parameterBytes = layout.parameterBytes();
  interface.optimizerBytes = layout.optimizerBytes();
  interface.stateBytes = layout.stateBytes();
  for (auto [slot, op] : llvm::zip_equal(layout.parameters(), module.getOps<ParameterOp>())) {
    TensorInfo &info = interface.parameters.emplace_back(spanTensor(slot, *real));
    if (auto uniform = dyn_cast<UniformAttr>(op.getInit())) {
      info.init = SNN_INIT_UNIFORM;
      info.low = uniform.getLow().getValueAsDouble();
      info.high = uniform.getHigh().getValueAsDouble();
    } else {
      info.low = info.high = cast<FillAttr>(op.getInit()).getValue().getValueAsDouble();
    }
  }
  for (auto [slot, op] : llvm::zip_equal(layout.states(), module.getOps<StateOp>()))
    interface.states.emplace_back(spanTensor(slot, *real)).low = op.getRest().convertToDouble();
  for (auto op : module.getOps<FixedOp>()) {
    TensorInfo &info = interface.constants.emplace_back();
    info.name = op.getSymName().str();
    info.dtype = *real;
    info.low = info.high = op.getValue().convertToDouble();
  }
  for (auto op : module.getOps<InputOp>()) {
    FailureOr<TensorInfo> info = boundaryTensor(op);
    if (failed(info))
      return failure();
    interface.inputs.push_back(std::move(*info));
  }
  for (auto op : module.getOps<OutputOp>()) {
    FailureOr<TensorInfo> info = boundaryTensor(op);
    if (failed(info))
      return failure();
    interface.outputs.push_back(std::move(*info));
  }
  for (auto op : module.getOps<HyperOp>()) {
    HyperInfo &info = interface.hyper.emplace_back();
    info.name = op.getSymName().str();
    info.value = op.getValue().convertToDouble();
    constexpr double unbounded = std::numeric_limits<double>::infinity();
    std::optional<RangeAttr> range = op.getRange();
    FloatAttr high = range ? range->getTo() ? range->getTo() : range->getBelow() : FloatAttr();
    info.low = range ? range->getFrom().getValueAsDouble() : -unbounded;
    info.high = high ? high.getValueAsDouble() : unbounded;
    info.belowHigh = range && range->getBelow();
  }
  return interface;
}

} // namespace snn
