// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See FusedUpdate.h.

#include "compiler/Codegen/Cpu/FusedUpdate.h"

using namespace mlir;

namespace snn::core {

FusedUpdate::FusedUpdate(const FunctionPlan &plan, const SpanLayout &spans) {
  // Faults are found where inputs are loaded: in phases and before them.
  size_t safe = 0;
  llvm::DenseMap<Operation *, size_t> stageOf;
  for (auto [number, stage] : llvm::enumerate(plan.stages)) {
    if (stage.kind == Stage::Kind::Phase || stage.loads())
      safe = number;
    for (Operation *op : stage.ops)
      stageOf[op] = number;
  }
  func::FuncOp function = plan.function;
  auto argumentOf = [&](StringRef symbol) -> BlockArgument {
    for (BlockArgument argument : function.getArguments())
      if (boundName(function.getArgAttrDict(argument.getArgNumber())) == symbol)
        return argument;
    return {};
  };
  auto end = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [index, value] : llvm::enumerate(end.getOperands())) {
    DictionaryAttr attributes = function.getResultAttrDict(index);
    auto span = attributes ? attributes.getAs<SpanAttr>(SnnDialect::spanAttrName()) : SpanAttr();
    Operation *op = value.getDefiningOp();
    if (!span || span.getValue() != Span::Gradients || !op || !value.hasOneUse())
      continue;
    // A phase has run when its sums are added up; products of the whole batch run beside each other.
    const size_t number = stageOf.lookup(op);
    const Stage &stage = plan.stages[number];
    const bool ofPhase = stage.kind == Stage::Kind::Phase;
    if (number < safe || (!ofPhase && stage.kind != Stage::Kind::Tiles))
      continue;
    BlockArgument parameter = argumentOf(boundName(attributes));
    if (parameter && llvm::any_of(parameter.getUsers(), [&](Operation *user) {
          auto reader = stageOf.find(user);
          return reader == stageOf.end() || reader->second > number || (reader->second == number && !ofPhase);
        }))
      continue;
    starts[value] = spans.find(boundName(attributes))->offset / spans.realBytes();
  }

  int64_t from = 0;
  SmallVector<std::pair<int64_t, int64_t>> done;
  for (auto [value, start] : starts)
    done.push_back({start, start + layoutOf(value).elements});
  llvm::sort(done);
  done.push_back({spans.parameterBytes() / spans.realBytes(), 0});
  for (auto [start, end] : done) {
    if (start > from)
      left.push_back({from, start});
    from = end;
  }
}

std::optional<int64_t> FusedUpdate::startOf(Value gradient) const {
  auto found = starts.find(gradient);
  return found == starts.end() ? std::nullopt : std::optional(found->second);
}

bool FusedUpdate::isIn(const Stage &stage) const {
  return llvm::any_of(stage.ops, [&](Operation *op) {
    return llvm::any_of(op->getResults(), [&](Value value) { return startOf(value).has_value(); });
  });
}

} // namespace snn::core
