// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which checks an entry gets from a module's declarations and functions, and that entries of any phases are sound code.
// What the checks do is in test/Execution/CallChecksTest.cpp.

#include "Support.h"
#include "compiler/Codegen/Host/Faults.h"
#include "compiler/Codegen/Host/HostWriter.h"

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

  std::vector<std::string> checks(EntryKind kind, llvm::ArrayRef<func::FuncOp> functions) {
    const CallChecks table = CallChecks::of(*module, kind, functions, std::nullopt);
    std::vector<std::string> names;
    for (const CallCheck &check : table.checks())
      names.push_back(check.what.str());
    return names;
  }

  /// A task that does nothing, an entry with these phases.
  bool isSound(llvm::function_ref<void(EntryPhases &)> phases) {
    HostWriter writer(*module);
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    Type word = builder.getI64Type();
    auto size = func::FuncOp::create(builder, module->getLoc(), kArenaSize,
                                     builder.getFunctionType({word, word, word}, {word}));
    size.setPrivate();
    EXPECT_TRUE(succeeded(
        writer.addTask("task", module->getLoc(), [](OpBuilder &, Value, Value, Value) { return success(); })));
    writer.addEntry("entry", module->getLoc(),
                    CallChecks::of(*module, EntryKind::Train, {function("network"), function("update")}, std::nullopt),
                    phases);
    return succeeded(verify(*module));
  }

  OwningOpRef<ModuleOp> module;
};

using Names = std::vector<std::string>;

} // namespace

TEST_F(HostTest, ChecksFollowFromDeclarations) {
  EXPECT_EQ(checks(EntryKind::Forward, function("network")),
            (Names{"size of the call", "spans", "batch", "workers", "inputs", "data of inputs", "steps", "arena"}));
  EXPECT_EQ(checks(EntryKind::Backward, function("network")),
            (Names{"size of the call", "spans", "batch", "workers", "inputs", "data of inputs", "steps",
                   "gradients of outputs", "arena"}));
  EXPECT_EQ(checks(EntryKind::Update, function("update")), (Names{"size of the call", "spans", "counts", "numbers"}));
}

// A check can only be left out where it has nothing to look at.
TEST_F(HostTest, NothingIsCheckedThatIsNotThere) {
  module = parse("snn.model @m infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0\n"
                 "snn.input @input : !core.array<sample x 5 x f32>\nsnn.output @spikes differentiable : "
                 "!core.array<sample x 2 x f32>\n"
                 "func.func private @network()");
  EXPECT_EQ(checks(EntryKind::Backward, function("network")),
            (Names{"size of the call", "batch", "workers", "inputs", "steps", "arena"}));
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
