// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn.neuron @definition -> snn.scan: the only place where a neuron's definition meets its layer.

#include "compiler/Model/Passes.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_INLINENEURONS
#include "compiler/Model/Passes.h.inc"

namespace {

class InlineNeurons : public impl::InlineNeuronsBase<InlineNeurons> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<NeuronOp> layers;
    getOperation().walk([&](NeuronOp layer) { layers.push_back(layer); });
    for (NeuronOp layer : layers)
      inlineLayer(layer, symbols.lookup<NeuronDefOp>(layer.getCallee()));
    for (NeuronDefOp definition : llvm::make_early_inc_range(getOperation().getOps<NeuronDefOp>()))
      definition.erase();
  }

  static void inlineLayer(NeuronOp layer, NeuronDefOp definition) {
    OpBuilder builder(layer);
    Block &source = definition.getBody().front();
    auto spikes = cast<RankedTensorType>(layer.getSpikes().getType());
    int64_t neurons = spikes.getShape().back();
    auto atWidth = [&](Type type) {
      return RankedTensorType::get({ShapedType::kDynamic, neurons}, cast<RankedTensorType>(type).getElementType());
    };

    // An input with a time dimension is cut into slices, one without is the same at each step.
    Value input = layer.getInput();
    bool overTime = cast<RankedTensorType>(input.getType()).getRank() == 3;
    SmallVector<Value> sliced, invariant, params;
    (overTime ? sliced : invariant).push_back(input);
    for (Value param : layer.getParams())
      if (!param.getDefiningOp<ConstantOp>())
        params.push_back(param);

    SmallVector<Type> stackedTypes{spikes};
    llvm::append_range(stackedTypes, layer.getStates().getTypes());
    auto scan = ScanOp::create(builder, layer.getLoc(), stackedTypes, layer.getFinals().getTypes(), sliced, invariant,
                               params, layer.getInit(), /*reverse=*/false, neurons);
    Block *body = builder.createBlock(&scan.getBody());
    IRMapping mapping;
    mapping.map(source.getArgument(0), body->addArgument(atWidth(source.getArgument(0).getType()), input.getLoc()));
    for (auto [index, param] : llvm::enumerate(layer.getParams())) {
      BlockArgument formal = source.getArgument(1 + index);
      if (auto constant = param.getDefiningOp<ConstantOp>())
        mapping.map(formal,
                    ConstantOp::create(builder, layer.getLoc(), atWidth(formal.getType()), constant.getValueAttr()));
      else
        mapping.map(formal, body->addArgument(atWidth(formal.getType()), layer.getLoc()));
    }
    for (unsigned index = 1 + layer.getParams().size(); index < source.getNumArguments(); ++index) {
      BlockArgument formal = source.getArgument(index);
      mapping.map(formal, body->addArgument(atWidth(formal.getType()), layer.getLoc()));
    }
    for (Operation &op : source.without_terminator()) {
      Operation *copy = builder.clone(op, mapping);
      for (Value result : copy->getResults())
        result.setType(atWidth(result.getType()));
    }
    auto end = cast<NeuronReturnOp>(source.getTerminator());
    SmallVector<Value> next, stacked{mapping.lookup(end.getSpike())};
    for (Value value : end.getNext())
      next.push_back(mapping.lookup(value));
    llvm::append_range(stacked, next);
    ScanYieldOp::create(builder, end.getLoc(), stacked, next);

    layer.replaceAllUsesWith(scan.getResults());
    layer.erase();
  }
};

} // namespace
} // namespace snn
