// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No value is overwritten before it has been read for the last time. A plan is run on shadow memory: each write is
// remembered, and each read asks whether something else has been written there since. Lifetimes follow from that alone,
// and not from how the plan and its check number ops. How much is written is their own count (footprintOf): that
// kernels keep to it is for test/Execution/PlacesTest.cpp to show.

#include "Support.h"

#include "compiler/Autodiff/Passes.h"
#include "compiler/Schedule/Cpu/CheckPlan.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Transforms/Passes.h"

#include <cstdio>
#include <random>

using namespace mlir;

namespace snn::test {
namespace {

using namespace snn::core;

/// The arena of one block, for some steps and samples.
class Shadow {
public:
  Shadow(int64_t steps, int64_t samples) : steps(steps), samples(samples) {}

  /// The first read that finds something else, or nothing.
  std::string run(Block &block) {
    visit(block, Arguments());
    return wrong;
  }

private:
  /// Who wrote: a value, or the scratch memory of an op.
  using Owner = const void *;
  struct Write {
    int64_t begin, end;
    Owner owner;
  };
  /// What arguments of a stepwise scan stand for.
  using Arguments = DenseMap<Value, std::pair<Value, Operation *>>; ///< a value, or the scan whose carry it is

  static PlaceAttr placeOf(Operation *op, unsigned index) {
    auto places = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    return places && index < places.size() ? dyn_cast<PlaceAttr>(places[index]) : PlaceAttr();
  }

  void write(Operation *op, unsigned index, Place size, Owner owner) {
    PlaceAttr place = placeOf(op, index);
    if (!place)
      return fail(op, "has no place");
    const int64_t begin = Place::of(place).at(steps, samples);
    writes.push_back({begin, begin + size.at(steps, samples), owner});
  }

  void read(Operation *user, Owner owner, const Twine &what) {
    for (size_t last = writes.size(); last-- > 0;) {
      if (writes[last].owner != owner)
        continue;
      for (size_t later = last + 1; later < writes.size(); ++later)
        if (writes[later].begin < writes[last].end && writes[last].begin < writes[later].end)
          return fail(user, ("reads " + what + ", which is overwritten").str());
      return;
    }
    fail(user, ("reads " + what + ", which was never written").str());
  }

  void read(Operation *user, Value value, const Arguments &arguments) {
    while (true) {
      value = resolve(value);
      auto found = arguments.find(value);
      if (found == arguments.end())
        break;
      if (found->second.second)
        return read(user, found->second.second, "a carry");
      value = found->second.first;
    }
    if (value.getDefiningOp() && needsPlace(value))
      read(user, value.getAsOpaquePointer(), value.getDefiningOp()->getName().getStringRef());
  }

  static Value resolve(Value value) {
    while (value.getDefiningOp() && isView(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    return value;
  }

  /// Whether each element of a result is written where the op has just read it for the last time.
  static bool isInPlace(OpResult result) {
    auto before = dyn_cast_if_present<OpResult>(inPlace(result.getOwner())[result.getResultNumber()]);
    return before &&
           placeOf(before.getOwner(), before.getResultNumber()) == placeOf(result.getOwner(), result.getResultNumber());
  }

  void writeResults(Operation *op, bool areInPlace) {
    for (OpResult result : op->getResults())
      if (needsPlace(result) && isInPlace(result) == areInPlace)
        write(op, result.getResultNumber(), footprintOf(result), result.getAsOpaquePointer());
  }

  void visit(Block &block, const Arguments &arguments) {
    for (Operation &op : block.without_terminator()) {
      if (isView(&op))
        continue;
      writeResults(&op, /*areInPlace=*/false);
      if (Place scratch = scratchOf(&op); !(scratch == Place()))
        write(&op, op.getNumResults(), scratch, &op);
      auto scan = dyn_cast<ScanOp>(op);
      if (scan && !isPointwise(scan)) {
        Arguments inner = arguments;
        for (auto [argument, operand] : llvm::zip_equal(scan.getSlicedArgs(), scan.getSliced()))
          inner[argument] = {operand, nullptr};
        for (auto [argument, operand] : llvm::zip_equal(scan.getInvariantArgs(), scan.getInvariant()))
          inner[argument] = {operand, nullptr};
        for (Value argument : scan.getCarryArgs())
          inner[argument] = {Value(), scan};
        for (int step = 0; step < 2; ++step) {
          Block &body = scan.getBody().front();
          visit(body, inner);
          for (Value given : body.getTerminator()->getOperands())
            read(body.getTerminator(), given, inner);
          if (!scan.getCarryArgs().empty())
            write(scan, scan->getNumResults(), scratchOf(scan), scan.getOperation());
        }
      }
      // Only now: an op may write its results and its scratch memory while it still reads.
      for (Value operand : op.getOperands())
        read(&op, operand, arguments);
      writeResults(&op, /*areInPlace=*/true);
      for (Value result : op.getResults())
        if (needsPlace(result))
          read(&op, result.getAsOpaquePointer(), "its own result");
    }
  }

  void fail(Operation *op, std::string what) {
    if (wrong.empty())
      wrong = op->getName().getStringRef().str() + " " + what;
  }

  int64_t steps, samples;
  std::vector<Write> writes;
  std::string wrong;
};

class PlanTest : public CompilerTest {
protected:
  /// What `script` in test/tools prints.
  std::string print(const std::string &script) {
    FILE *pipe = popen((SNN_PYTHON " " SNN_TOOLS "/" + script).c_str(), "r");
    std::string text;
    char part[4096];
    while (size_t size = fread(part, 1, sizeof(part), pipe))
      text.append(part, size);
    EXPECT_EQ(pclose(pipe), 0) << script;
    return text;
  }

  /// A function of core ops and its gradient, with their plans.
  OwningOpRef<ModuleOp> plan(const std::string &script) {
    auto module = parse(print(script));
    PassManager passes(&context);
    VjpOptions options;
    options.function = "loss";
    options.ofLoss = true;
    passes.addPass(createVjp(options));
    passes.addPass(createResolveVjps());
    passes.addPass(createFixOrder());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    buildLoopsStage(passes);
    EXPECT_TRUE(module && succeeded(passes.run(*module)));
    return module;
  }

  /// The first read that goes wrong in the memory of a function or of a phase.
  std::string shadow(func::FuncOp function) {
    for (auto [steps, samples] : {std::pair<int64_t, int64_t>{1, 1}, {1, 37}, {7, 1}, {7, 37}, {100, 3}}) {
      if (std::string wrong = Shadow(steps, samples).run(function.getBody().front()); !wrong.empty())
        return wrong;
      for (auto phase : function.getBody().front().getOps<BatchMapOp>())
        if (std::string wrong = Shadow(steps, samples).run(phase.getBody().front()); !wrong.empty())
          return wrong;
    }
    return "";
  }

  static bool stands(func::FuncOp function) {
    ScopedDiagnosticHandler quiet(function.getContext(), [](Diagnostic &) { return success(); });
    return succeeded(checkPlan(function, CallRange()));
  }

  static std::vector<std::pair<Operation *, unsigned>> placesOf(func::FuncOp function) {
    std::vector<std::pair<Operation *, unsigned>> result;
    function.walk([&](Operation *op) {
      if (auto places = op->getAttrOfType<ArrayAttr>(kPlacesAttr))
        for (auto [index, place] : llvm::enumerate(places))
          if (isa<PlaceAttr>(place))
            result.emplace_back(op, index);
    });
    return result;
  }

  void expectAllRight(ModuleOp module) {
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      EXPECT_EQ(shadow(function), "") << function.getName().str();
      EXPECT_TRUE(stands(function)) << function.getName().str();
    }
  }
};

constexpr int kFunctions = 24;

std::string randomFunction(int seed) { return "random-nets.py --print --seed=" + std::to_string(seed); }

TEST_F(PlanTest, NothingThatLivesIsOverwritten) {
  for (int seed = 0; seed < kFunctions && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expectAllRight(*plan(randomFunction(seed)));
  }
}

TEST_F(PlanTest, HoldsForNetworks) {
  for (const char *network : {"dense 20 33 10", "dense 20 33 10 --static", "deep 12 --width=16", "batch-norm 2"}) {
    SCOPED_TRACE(network);
    expectAllRight(*plan(std::string("core-networks.py ") + network));
  }
}

// A value is put on the place of another one: what harms is refused.
TEST_F(PlanTest, TheCheckFindsWhatHarms) {
  std::mt19937 random(1);
  int harmful = 0, refused = 0, all = 0;
  for (int seed = 0; seed < kFunctions / 2 && !HasFailure(); ++seed) {
    auto module = plan(randomFunction(seed));
    for (func::FuncOp function : module->getOps<func::FuncOp>()) {
      const auto places = placesOf(function);
      for (int trial = 0; places.size() > 1 && trial < 20; ++trial) {
        auto [op, index] = places[random() % places.size()];
        auto [other, otherIndex] = places[random() % places.size()];
        auto before = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
        SmallVector<Attribute> moved(before.getValue());
        moved[index] = other->getAttrOfType<ArrayAttr>(kPlacesAttr)[otherIndex];
        if (moved[index] == before[index])
          continue;
        op->setAttr(kPlacesAttr, ArrayAttr::get(&context, moved));
        const std::string wrong = shadow(function);
        const bool isRefused = !stands(function);
        ++all;
        harmful += !wrong.empty();
        refused += isRefused;
        EXPECT_TRUE(wrong.empty() || isRefused) << "seed " << seed << ": " << wrong;
        op->setAttr(kPlacesAttr, before);
      }
    }
  }
  EXPECT_GT(harmful, all / 10);
  EXPECT_LT(refused, all); // not everything is
}

} // namespace
} // namespace snn::test
