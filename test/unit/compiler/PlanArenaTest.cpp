// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No value is overwritten before it has been read for the last time. The body is run on shadow memory: each write is
// remembered, and each read asks whether something else has been written there since. How much is written is the pass's
// own count (Footprint): that kernels keep to it is for test/Execution/PlacesTest.cpp to show.

#include "Support.h"

#include "compiler/TimeLoops/Cpu/Footprint.h"
#include "compiler/TimeLoops/Cpu/Passes.h"

#include <random>

using namespace mlir;

namespace snn::test {
namespace {

/// Writes the body of a batch_map: random ops on random values of the ops before.
class RandomBody {
public:
  explicit RandomBody(unsigned seed) : random(seed) {}

  std::string module() {
    text += "snn.model @m infer real = f32 max_steps = 1000 classes = 1 batch = 1 epochs = 0\n"
            "func.func @f(%x: tensor<?x?x20xf32>, %y: tensor<?x4x5xui8>) {\n"
            "snn.batch_map sharded(%x, %y : tensor<?x?x20xf32>, tensor<?x4x5xui8>) invariant() {chunk = " +
            std::to_string(pick(1, 9)) + " : i64} -> concat(";
    std::string ops = "^bb0(%xs: tensor<?x?x20xf32>, %ys: tensor<?x4x5xui8>):\n";
    std::swap(text, ops);
    cast("%xs", {true, false, 20}, {true, false, 20});
    text += "%image = snn.cast %ys : tensor<?x4x5xui8> -> tensor<?x4x5xf32>\n";
    std::string image = define({false, false, 20});
    text += image + " = snn.flatten %image : tensor<?x4x5xf32> -> tensor<?x20xf32>\n";
    for (int i = pick(3, 25); i > 0; --i)
      addOp();
    std::string names, types;
    for (const Known &value : known)
      if (pick(0, 3) == 0) {
        names += (names.empty() ? "" : ", ") + value.name;
        types += (types.empty() ? "" : ", ") + type(value.shape);
      }
    // Results of a batch_map are real.
    std::string yield = names.empty() ? "concat()" : "concat(" + names + " : " + types + ")";
    text += "snn.map_yield " + yield + " sum()\n}\nreturn\n}\n";
    return names.empty() ? ops.substr(0, ops.size() - 7) + "{\n" + text : ops + types + ") {\n" + text;
  }

private:
  struct Shape {
    bool overTime, packed;
    int width;
  };
  struct Known {
    std::string name;
    Shape shape;
  };

  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

  static std::string type(Shape shape) {
    std::string extent = std::to_string(shape.packed ? (shape.width + 15) / 16 : shape.width);
    return std::string("tensor<") + (shape.overTime ? "?x?x" : "?x") + extent + (shape.packed ? "xi16>" : "xf32>");
  }

  std::string fresh() { return "%v" + std::to_string(count++); }

  std::string define(Shape shape) {
    known.push_back({fresh(), shape});
    return known.back().name;
  }

  Known any() { return known[pick(0, known.size() - 1)]; }

  void cast(const std::string &from, Shape shape, Shape result) {
    std::string name = define(result);
    text += name + " = snn.cast " + from + " : " + type(shape) + " -> " + type(result) + "\n";
  }

  std::string constant(const std::string &ofType) {
    std::string name = fresh();
    text += name + " = snn.constant 0.5 : " + ofType + "\n";
    return name;
  }

  void addOp() {
    Known value = any();
    Shape shape = value.shape;
    switch (pick(0, 5)) {
    case 0:
      return cast(value.name, shape, {shape.overTime, false, shape.width});
    case 1: {
      int outputs = pick(1, 70);
      std::string matrix = "tensor<" + std::to_string(outputs) + "x" + std::to_string(shape.width) + "xf32>";
      std::string weight = constant(matrix);
      Shape result{shape.overTime, false, outputs};
      std::string name = define(result);
      text += name + " = snn.linear " + value.name + ", " + weight + " : " + type(shape) + ", " + matrix + " -> " +
              type(result) + "\n";
      return;
    }
    case 2:
      return flatten(value);
    case 3:
      return scan(value);
    case 4:
      if (shape.packed) {
        Shape result{false, false, 1};
        std::string name = define(result);
        text += name + " = snn.population_count " + value.name + " of " + std::to_string(shape.width) + " : " +
                type(shape) + " -> " + type(result) + "\n";
      }
      return;
    default: {
      Known grad = any();
      if (grad.shape.overTime != shape.overTime || grad.shape.packed)
        return;
      text += fresh() + " = snn.linear_weight_grad " + value.name + ", " + grad.name + " : " + type(shape) + ", " +
              type(grad.shape) + " -> tensor<" + std::to_string(grad.shape.width) + "x" + std::to_string(shape.width) +
              "xf32>\n";
    }
    }
  }

  /// There and back: a view of a view.
  void flatten(const Known &value) {
    if (value.shape.packed)
      return;
    std::string between = std::string("tensor<") + (value.shape.overTime ? "?x?x" : "?x") + "1x" +
                          std::to_string(value.shape.width) + "xf32>";
    std::string middle = fresh(), name = define(value.shape);
    text += middle + " = snn.flatten " + value.name + " : " + type(value.shape) + " -> " + between + "\n" + name +
            " = snn.flatten " + middle + " : " + between + " -> " + type(value.shape) + "\n";
  }

  /// Bits, reals over time and a final carry of one value.
  void scan(const Known &value) {
    std::string width = std::to_string(value.shape.width), row = "tensor<?x" + width + "xf32>",
                bits = "tensor<?x" + width + "xi1>", in = value.shape.packed ? bits : row;
    std::string start = constant(row), operands = value.name + " : " + type(value.shape);
    bool overTime = value.shape.overTime;
    Shape words{true, true, value.shape.width}, stack{true, false, value.shape.width},
        final{false, false, value.shape.width};
    std::string spikes = define(words), states = define(stack), last = define(final);
    text += spikes + ", " + states + ", " + last + " = snn.scan neurons " + width + " sliced(" +
            (overTime ? operands : "") + ") invariant(" + (overTime ? "" : operands) + ") params() init(" + start +
            " : " + row + ") -> stacked(" + type(words) + ", " + type(stack) + ") final(" + row + ") {\n" +
            "^bb0(%a: " + in + ", %m: " + row + "):\n" + "%s = arith.cmpf ogt, %m, %m : " + row + "\n" +
            "snn.scan_yield stacked(%s, %m : " + bits + ", " + row + ") next(%m : " + row + ")\n}\n";
  }

  std::mt19937 random;
  std::string text;
  std::vector<Known> known;
  int count = 0;
};

class PlanArenaTest : public CompilerTest {
protected:
  /// Runs the pass and checks every batch_map of the module.
  void planAndCheck(ModuleOp module) {
    PassManager passes(&context);
    passes.addPass(createPlanArena());
    ASSERT_TRUE(succeeded(passes.run(module)));
    checkAll(module);
  }

  void checkAll(ModuleOp module) {
    int64_t fixed = 0;
    if (auto steps = getModel(module).getSteps())
      fixed = *steps;
    module.walk([&](BatchMapOp map) {
      for (int64_t steps : {1, 7, 1000})
        check(map, fixed ? fixed : steps);
    });
  }

private:
  struct Write {
    int64_t begin, end;
    const void *owner;
  };

  void check(BatchMapOp map, int64_t steps) {
    SCOPED_TRACE("with " + std::to_string(steps) + " steps");
    int64_t samples = map.getChunk().value_or(1);
    ASSERT_TRUE(map.getArena());
    int64_t arena = map.getArena()->getConstant() + map.getArena()->getSteps() * steps;
    std::vector<Write> writes;

    auto record = [&](Attribute attribute, int64_t bytes, const void *owner) {
      auto place = dyn_cast<PlaceAttr>(attribute);
      ASSERT_TRUE(place);
      int64_t begin = place.getConstant() + place.getSteps() * steps;
      EXPECT_EQ(begin % 64, 0);
      EXPECT_GE(begin, 0);
      EXPECT_LE(begin + bytes, arena);
      writes.push_back({begin, begin + bytes, owner});
    };
    auto isIntact = [&](Value value) {
      const void *owner = value.getAsOpaquePointer();
      bool found = false;
      for (const Write &write : llvm::reverse(writes)) {
        if (write.owner == owner) {
          found = true;
          for (const Write *later = &write + 1; later < writes.data() + writes.size(); ++later)
            if (later->begin < write.end && write.begin < later->end)
              return false;
          break;
        }
      }
      return found;
    };
    // Where a value really is: through views, and through an unpacking that happens when the value is read.
    auto read = [&](Operation &user, Value value) {
      Operation *op = value.getDefiningOp();
      while (op && !op->hasAttr(SnnDialect::placesAttrName()) && isa<FlattenOp, CastOp>(op)) {
        value = op->getOperand(0);
        op = value.getDefiningOp();
      }
      if (op && !isa<ConstantOp>(op) && needsPlace(value))
        EXPECT_TRUE(isIntact(value)) << "when " << user.getName().getStringRef().str() << " reads "
                                     << op->getName().getStringRef().str();
    };

    for (Operation &op : map.getBody().front()) {
      auto places = op.getAttrOfType<ArrayAttr>(SnnDialect::placesAttrName());
      if (places) {
        ASSERT_EQ(places.size(), op.getNumResults() + 1);
        for (auto [place, result] : llvm::zip(places, op.getResults()))
          if (needsPlace(result))
            record(place, footprintOf(result, samples).at(steps), result.getAsOpaquePointer());
          else
            EXPECT_TRUE(isa<UnitAttr>(place));
      }
      if (int64_t scratch = scratchOf(&op, samples).at(steps); scratch > 0) {
        ASSERT_TRUE(places) << "no scratch memory for " << op.getName().getStringRef().str();
        record(places.getValue().back(), scratch, &op);
      }
      // Only now: an op may write its results and its scratch memory while it still reads.
      for (Value operand : op.getOperands())
        read(op, operand);
      for (Value result : op.getResults())
        if (needsPlace(result)) {
          EXPECT_TRUE(isIntact(result)) << op.getName().getStringRef().str() << " overwrites its own result";
        }
    }
  }
};

TEST_F(PlanArenaTest, NothingThatLivesIsOverwritten) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::string text = RandomBody(seed).module();
    auto module = parse(text);
    ASSERT_TRUE(module);
    planAndCheck(*module);
    if (HasFailure())
      FAIL() << "seed " << seed << ":\n" << text;
  }
}

/// A network as the stages before leave it.
TEST_F(PlanArenaTest, HoldsForBackpropagation) {
  for (const char *steps : {"1", "3", "?"}) {
    std::string time = steps, model = time == "?" ? "max_steps = 1000" : "steps = " + time + " max_steps = " + time;
    std::string text = R"mlir(
      snn.model @m train real = f32 MODEL classes = 2 batch = 16 epochs = 1
      snn.parameter @w : tensor<40x5xf32> init #snn.fill<0.0>
      snn.parameter @u : tensor<6x40xf32> init #snn.fill<0.0>
      snn.parameter @beta : tensor<40xf32> init #snn.fill<0.0>
      snn.input @input over_time : tensor<Tx?x5xf32>
      snn.input @labels : tensor<?xi64>
      snn.hyper @rate = 0.5
      snn.hyper @lr = 0.125
      snn.hyper @momentum = 0.0
      snn.hyper @weight_decay = 0.0
      snn.optimizer sgd
      func.func @loss(%input: tensor<Tx?x5xf32> {snn.bind = @input}, %labels: tensor<?xi64> {snn.bind = @labels},
                      %w: tensor<40x5xf32> {snn.bind = @w}, %u: tensor<6x40xf32> {snn.bind = @u},
                      %beta: tensor<40xf32> {snn.bind = @beta}, %rate: f64 {snn.bind = @rate})
          -> (f64 {snn.bind = @loss}) {
        %losses = snn.batch_map sharded(%input, %labels : tensor<Tx?x5xf32>, tensor<?xi64>)
            invariant(%w, %u, %beta, %rate : tensor<40x5xf32>, tensor<6x40xf32>, tensor<40xf32>, f64) -> concat(tensor<?xf32>) {
        ^bb0(%x: tensor<Tx?x5xf32>, %l: tensor<?xi64>, %ws: tensor<40x5xf32>, %us: tensor<6x40xf32>, %bs: tensor<40xf32>, %r: f64):
          %i = snn.linear %x, %ws : tensor<Tx?x5xf32>, tensor<40x5xf32> -> tensor<Tx?x40xf32>
          %rest = snn.constant 0.0 : tensor<?x40xf32>
          %s, %f = snn.scan neurons 40 sliced(%i : tensor<Tx?x40xf32>) invariant() params(%bs : tensor<40xf32>)
              init(%rest : tensor<?x40xf32>) -> stacked(tensor<Tx?x40xi1>) final(tensor<?x40xf32>) {
          ^bb0(%xt: tensor<?x40xf32>, %b: tensor<?x40xf32>, %m: tensor<?x40xf32>):
            %decayed = arith.mulf %b, %m : tensor<?x40xf32>
            %next = arith.addf %decayed, %xt : tensor<?x40xf32>
            %spike = snn.fire #snn.atan<2.0>(%next) : tensor<?x40xf32> -> tensor<?x40xi1>
            snn.scan_yield stacked(%spike : tensor<?x40xi1>) next(%next : tensor<?x40xf32>)
          }
          %j = snn.linear %s, %us : tensor<Tx?x40xi1>, tensor<6x40xf32> -> tensor<Tx?x6xf32>
          %s2 = snn.scan neurons 6 sliced(%j : tensor<Tx?x6xf32>) invariant() params() init() -> stacked(tensor<Tx?x6xi1>) {
          ^bb0(%xt: tensor<?x6xf32>):
            %spike = snn.fire #snn.fast_sigmoid<2.0>(%xt) : tensor<?x6xf32> -> tensor<?x6xi1>
            snn.scan_yield stacked(%spike : tensor<?x6xi1>) next()
          }
          %count = snn.population_count %s2 of 6 : tensor<Tx?x6xi1> -> tensor<?x2xf32>
          %loss = snn.mse_count_loss %count, %l correct %r incorrect %r population 3 : tensor<?x2xf32>, tensor<?xi64> -> tensor<?xf32>
          snn.map_yield concat(%loss : tensor<?xf32>) sum()
        }
        %mean = snn.batch_mean %losses : tensor<?xf32>
        return %mean : f64
      })mlir";
    for (size_t at; (at = text.find("<Tx")) != std::string::npos;)
      text.replace(at + 1, 1, time);
    text.replace(text.find("MODEL"), 5, model);
    SCOPED_TRACE("T = " + time);
    auto module = parse(text);
    ASSERT_TRUE(module);
    PassManager passes(&context);
    buildBpttStage(passes);
    buildLoopsStage(passes);
    ASSERT_TRUE(succeeded(passes.run(*module)));
    checkAll(*module);
  }
}

} // namespace
} // namespace snn::test
