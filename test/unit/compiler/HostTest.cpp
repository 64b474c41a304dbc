// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many checks an entry gets from a module's declarations and functions, and that entries of any phases are sound
// code. What the checks do is in test/Execution/CallChecksTest.cpp.

#include "Support.h"
#include "compiler/Codegen/Host/CallChecks.h"
#include "compiler/Codegen/Host/Faults.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace snn;
using namespace snn::test;

namespace {

constexpr const char *text = R"(
snn.model @m train real = f32 max_steps = 8 classes = 2 batch = 1 epochs = 1
snn.parameter @w : !core.array<2 x 5 x f32> init #snn.fill<0.0>
snn.input @input : !core.array<time x sample x 5 x f32>
snn.input @labels : !core.array<sample x i64>
snn.output @spikes differentiable : !core.array<time x sample x 2 x f32>
snn.output @count : !core.array<sample x 2 x f32>
snn.hyper @lr = 1.0
func.func private @network(!core.array<time x sample x 5 x f32> {snn.bind = @input})
func.func private @update(i64 {snn.bind = @update}, i64 {snn.bind = @epochs}, f64 {snn.bind = @lr})
)";

class HostTest : public CompilerTest {
protected:
  HostTest() : module(parse(text)) {}

  func::FuncOp function(llvm::StringRef name) { return module->lookupSymbol<func::FuncOp>(name); }

  /// The codes that an entry may return from a check, in order.
  std::vector<int> checks(EntryKind kind, llvm::ArrayRef<func::FuncOp> functions) {
    std::vector<int> codes;
    addEntry([&](EntryPhases &phases) {
      checkCall(phases, kind, functions, std::nullopt);
    }).walk<WalkOrder::PreOrder>([&](scf::IfOp check) {
      if (!check->getResult(0).getType().isInteger(32))
        return; // a number of the call, or the model's own
      APInt code;
      EXPECT_TRUE(matchPattern(check.thenYield().getOperand(0), m_ConstantInt(&code)));
      codes.push_back(code.getSExtValue());
    });
    return codes;
  }

  func::FuncOp addEntry(llvm::function_ref<void(EntryPhases &)> phases) {
    if (func::FuncOp known = function("entry"))
      known.erase();
    if (!function(kArenaSize)) {
      OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
      Type word = builder.getI64Type();
      auto type = builder.getFunctionType({word, word, word}, {word});
      func::FuncOp::create(builder, module->getLoc(), kArenaSize, type).setPrivate();
    }
    HostWriter(*module).addEntry("entry", module->getLoc(), phases);
    return function("entry");
  }

  /// A task that does nothing, an entry with these phases.
  bool isSound(llvm::function_ref<void(EntryPhases &)> phases) {
    HostWriter(*module).addTask("task", module->getLoc(), [](OpBuilder &, Value, Value, Value) {});
    addEntry([&](EntryPhases &entry) {
      checkCall(entry, EntryKind::Train, {function("network"), function("update")}, std::nullopt);
      phases(entry);
    });
    return succeeded(verify(*module));
  }

  OwningOpRef<ModuleOp> module;
};

using Codes = std::vector<int>;
constexpr int kArgument = SNN_ERROR_ARGUMENT;

} // namespace

TEST_F(HostTest, ChecksFollowFromDeclarations) {
  EXPECT_EQ(checks(EntryKind::Forward, function("network")),
            (Codes{kArgument /*size of the call*/, kArgument /*spans*/, kArgument /*batch*/, kArgument /*workers*/,
                   kArgument /*inputs*/, kArgument /*their data*/, SNN_ERROR_STEPS, SNN_ERROR_ARENA}));
  EXPECT_EQ(checks(EntryKind::Backward, function("network")),
            (Codes{kArgument, kArgument, kArgument, kArgument, kArgument, kArgument, SNN_ERROR_STEPS,
                   kArgument /*gradients of outputs*/, SNN_ERROR_ARENA}));
  EXPECT_EQ(checks(EntryKind::Update, function("update")),
            (Codes{kArgument, kArgument /*spans*/, kArgument /*counts*/, SNN_ERROR_HYPER}));
}

// A check can only be left out where it has nothing to look at.
TEST_F(HostTest, NothingIsCheckedThatIsNotThere) {
  module = parse("snn.model @m infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0\n"
                 "snn.input @input : !core.array<sample x 5 x f32>\nsnn.output @spikes differentiable : "
                 "!core.array<sample x 2 x f32>\n"
                 "func.func private @network()");
  EXPECT_EQ(checks(EntryKind::Backward, function("network")),
            (Codes{kArgument, kArgument /*batch*/, kArgument /*workers*/, kArgument /*inputs*/, SNN_ERROR_STEPS,
                   SNN_ERROR_ARENA}));
}

TEST_F(HostTest, EntriesWithoutPhases) {
  EXPECT_TRUE(isSound([](EntryPhases &) {}));
}

TEST_F(HostTest, PhasesAfterSeveralStops) {
  EXPECT_TRUE(isSound([](EntryPhases &phases) {
    ScalarEmitter &e = phases.frame.e;
    Value arena = phases.frame.pointer(offsetof(snn_call, arena));
    for (int stop = 0; stop < 3; ++stop) {
      phases.parallel("task", e.index(4));
      phases.stopAtFault(arena, e.index(4));
      phases.serial("task");
    }
  }));
}

TEST_F(HostTest, AnEntryThatEndsWithAStop) {
  EXPECT_TRUE(isSound([](EntryPhases &phases) {
    phases.parallel("task", phases.frame.e.index(4));
    phases.stopAtFault(phases.frame.pointer(offsetof(snn_call, arena)), phases.frame.e.index(4));
  }));
}
