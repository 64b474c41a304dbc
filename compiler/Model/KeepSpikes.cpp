// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-keep-spikes: the largest of spikes is a spike.

#include "compiler/Model/Passes.h"
#include "compiler/Remarks/Remarks.h"
#include "dialect/core/CoreDialect.h"
#include "dialect/core/Maps.h"

using namespace mlir;
using namespace snn::core;

namespace snn {
#define GEN_PASS_DEF_KEEPSPIKES
#include "compiler/Model/Passes.h.inc"

namespace {

/// The body's only op makes a real of its argument, a spike.
arith::UIToFPOp conversionIn(FoldOp fold) {
  Block &body = fold.getBody().front();
  auto conversion = body.getTerminator()->getOperand(0).getDefiningOp<arith::UIToFPOp>();
  const bool ofArgument = conversion && body.getNumArguments() == 1 && conversion.getIn() == body.getArgument(0);
  return ofArgument && conversion.getIn().getType().isInteger(1) ? conversion : nullptr;
}

/// Whether all who read the value may read spikes instead.
bool mayBeSpikes(Value value) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (auto contract = dyn_cast<ContractOp>(user)) {
      // Spikes select what they are multiplied with.
      Value other = contract.getLhs() == value ? contract.getRhs() : contract.getLhs();
      return other != value && isa<FloatType>(cast<ArrayType>(other.getType()).getElementType());
    }
    if (auto map = dyn_cast<MapOp>(user))
      return !map.getAbsent() && (!map.onlyMoves() || mayBeSpikes(map.getResult(0)));
    return isa<FoldOp>(user);
  });
}

ArrayType asSpikes(Value value) {
  return cast<ArrayType>(value.getType()).withElement(IntegerType::get(value.getContext(), 1));
}

/// The body's argument becomes a spike and is made a real where it is read.
void readSpikes(Block &body, unsigned number) {
  BlockArgument argument = body.getArgument(number);
  Type real = argument.getType();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  argument.setType(builder.getI1Type());
  auto conversion = arith::UIToFPOp::create(builder, argument.getLoc(), real, argument);
  argument.replaceAllUsesExcept(conversion.getResult(), conversion);
}

void becomeSpikes(Value value) {
  value.setType(asSpikes(value));
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto map = dyn_cast<MapOp>(user); map && map.onlyMoves()) {
      map.getBody().front().getArgument(0).setType(IntegerType::get(value.getContext(), 1));
      becomeSpikes(map.getResult(0));
    } else if (isa<MapOp, FoldOp>(user)) {
      readSpikes(user->getRegion(0).front(), use.getOperandNumber());
    }
  }
}

class KeepSpikes : public impl::KeepSpikesBase<KeepSpikes> {
  void runOnOperation() override {
    // A pooling may read another one's spikes, which are known by then.
    getOperation().walk<WalkOrder::PreOrder>([](FoldOp fold) {
      arith::UIToFPOp conversion = fold.getKind() == FoldKind::Add ? nullptr : conversionIn(fold);
      if (!conversion)
        return;
      auto staysReal = [&](StringRef reason) {
        if (auto remark = remarks::missed(fold, remarks::kSpikes, "reals"))
          remark << "the largest of spikes becomes a real number" << remarks::because(reason);
      };
      if (!mayBeSpikes(fold.getValue()))
        return staysReal("not all who read it take spikes");
      ArrayRef<int64_t> shape = cast<ArrayType>(fold.getInputs().front().getType()).getShape();
      if (!isInside(fold.getReadMaps().front(), fold.getDomain(), shape))
        return staysReal("a window may hold nothing but padding, of which there is no largest spike");
      if (auto remark = remarks::chosen(fold, remarks::kSpikes, "spikes"))
        remark << "the largest of spikes stays a spike: a bit, by which products select rows of weights";
      fold.getBody().front().getTerminator()->setOperand(0, conversion.getIn());
      if (conversion->use_empty())
        conversion->erase();
      becomeSpikes(fold.getValue());
    });
  }
};

} // namespace
} // namespace snn
