// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From declarations to the host's view.

#include "compiler/Emit/ModelInterface.h"
#include "compiler/Codegen/SpanLayout.h"
#include "llvm/ADT/StringExtras.h"
#include <limits>

using namespace mlir;

namespace snn {
namespace {

/// Verifiers let no other type through.
snn_dtype dtypeOf(Type type) {
  if (type.isF32())
    return SNN_DTYPE_F32;
  if (type.isF64())
    return SNN_DTYPE_F64;
  return type.isUnsignedInteger(8) ? SNN_DTYPE_U8 : SNN_DTYPE_I64;
}

/// An input or output; the host sees spikes as reals.
template <typename OpTy> TensorInfo boundaryTensor(OpTy op, snn_dtype real) {
  TensorInfo info;
  info.name = op.getSymName().str();
  auto array = cast<core::ArrayType>(op.getType());
  info.dtype = array.getElementType().isInteger(1) ? real : dtypeOf(array.getElementType());
  for (int64_t extent : array.getShape())
    info.shape.push_back(extent == core::ArrayType::kTime     ? SNN_EXTENT_TIME
                         : extent == core::ArrayType::kSample ? SNN_EXTENT_BATCH
                                                              : extent);
  return info;
}

TensorInfo spanTensor(const SpanSlot &slot, snn_dtype real) {
  TensorInfo info;
  info.name = slot.name;
  info.dtype = real;
  info.shape.assign(slot.shape);
  info.strides.assign(slot.strides);
  info.offset = slot.offset;
  return info;
}

void setStart(TensorInfo &info, Attribute init) {
  if (auto uniform = dyn_cast<UniformAttr>(init)) {
    info.init = SNN_INIT_UNIFORM;
    info.low = uniform.getLow().getValueAsDouble();
    info.high = uniform.getHigh().getValueAsDouble();
  } else {
    info.low = info.high = cast<FillAttr>(init).getValue().getValueAsDouble();
  }
}

LogicalResult checkModel(ModelOp model) {
  static_assert(kMaxModelName + sizeof("_snn_query") == sizeof(snn_note::query_symbol));
  if (!model->hasAttrOfType<IntegerAttr>(SnnDialect::hashAttrName()))
    return model.emitError("the model has no snn.hash; snn-stamp-model gives it one");
  return success();
}

} // namespace

FailureOr<ModelInterface> ModelInterface::of(ModuleOp module) {
  ModelOp model = getModel(module);
  if (!model)
    return module.emitError("expected one snn.model in the module");
  const snn_dtype real = dtypeOf(model.getReal());

  ModelInterface interface;
  interface.name = model.getSymName().str();
  if (failed(checkModel(model)))
    return failure();
  interface.hash = model->getAttrOfType<IntegerAttr>(SnnDialect::hashAttrName()).getValue().getZExtValue();
  interface.precision = real;
  interface.steps = model.getSteps() ? int64_t(*model.getSteps()) : -1;
  interface.maxSteps = model.getMaxSteps();
  interface.window = model.getWindow().value_or(0);
  interface.random = model->hasAttr(SnnDialect::randomAttrName());
  interface.classes = model.getClasses();
  interface.batch = model.getBatch();
  interface.epochs = model.getEpochs();

  const SpanLayout layout = SpanLayout::of(module);
  interface.parameterBytes = layout.parameterBytes();
  interface.bufferBytes = layout.bufferBytes();
  interface.optimizerBytes = layout.optimizerBytes();
  interface.stateBytes = layout.stateBytes();
  for (auto [slot, op] : llvm::zip_equal(layout.parameters(), module.getOps<ParameterOp>()))
    setStart(interface.parameters.emplace_back(spanTensor(slot, real)), op.getInit());
  for (auto [slot, op] : llvm::zip_equal(layout.buffers(), module.getOps<BufferOp>()))
    setStart(interface.buffers.emplace_back(spanTensor(slot, real)), op.getInit());
  for (auto [slot, op] : llvm::zip_equal(layout.states(), module.getOps<StateOp>()))
    interface.states.emplace_back(spanTensor(slot, real)).low = op.getRest().convertToDouble();
  for (auto op : module.getOps<FixedOp>()) {
    TensorInfo &info = interface.constants.emplace_back();
    info.name = op.getSymName().str();
    info.dtype = real;
    info.low = info.high = op.getValue().convertToDouble();
  }
  for (auto op : module.getOps<InputOp>()) {
    TensorInfo &info = interface.inputs.emplace_back(boundaryTensor(op, real));
    if (info.dtype == SNN_DTYPE_I64)
      info.high = static_cast<double>(classesOf(op));
  }
  for (auto op : module.getOps<OutputOp>())
    interface.outputs.emplace_back(boundaryTensor(op, real)).differentiable = op.getDifferentiable();
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
