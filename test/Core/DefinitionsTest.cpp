// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole models: own definitions in the place of the standard ones, randomness, states, and gradients by differences.
#include "test/Core/CoreModel.h"

#include <gtest/gtest.h>
#include <random>

using namespace snn;
using namespace snn::test;
using interpreter::Element;

namespace {

/// Random values for the parameters and inputs that a model declares.
Values randomValues(CoreModel &model, int64_t batch, int64_t steps, double scale, unsigned seed = 1) {
  std::mt19937 generator(seed);
  Call call;
  call.batch = batch;
  call.steps = steps;
  Values values;
  auto fill = [&](llvm::StringRef name, mlir::Type type, double low, double high) {
    auto array = llvm::cast<core::ArrayType>(type);
    const Element element = interpreter::elementOf(array, Numbers::AsStated);
    auto shape = llvm::cantFail(interpreter::resolve(array.getShape(), call));
    size_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    std::uniform_real_distribution<double> numbers(low, high);
    std::vector<double> elements(count);
    for (double &value : elements) {
      value = numbers(generator);
      if (element != Element::F32 && element != Element::F64)
        value = std::floor(value);
    }
    values[name.str()] = Array(element, shape, elements);
  };
  for (ParameterOp parameter : model.getModule().getOps<ParameterOp>()) {
    if (auto start = llvm::dyn_cast<FillAttr>(parameter.getInit()))
      fill(parameter.getSymName(), parameter.getType(), start.getValue().getValueAsDouble(),
           start.getValue().getValueAsDouble());
    else
      fill(parameter.getSymName(), parameter.getType(), -scale, scale);
  }
  for (InputOp input : model.getModule().getOps<InputOp>()) {
    const Element element = interpreter::elementOf(llvm::cast<core::ArrayType>(input.getType()), Numbers::AsStated);
    fill(input.getSymName(), input.getType(), 0, element == Element::U8 ? 256 : element == Element::I64 ? 2 : 1);
  }
  return values;
}

const char *const kStandard = R"(snn 1
model standard {
  input f32[6] over time
  steps 5
  linear(8)
  h1: leaky(beta = learn 0.8, surrogate = fast_sigmoid(slope = 4))
  linear(4)
  leaky(beta = 0.7, surrogate = fast_sigmoid(slope = 4))
  population(2)
}
train {
  loss      mse_count(correct = 0.9, incorrect = 0.1)
  metric    accuracy
  optimizer adam(lr = 1e-2)
  schedule  cosine(warmup = 1)
}
)";

const char *const kOwn = R"(snn 1
surrogate bump(v; k = 4) { derivative 1 / (k * abs(v) + 1)^2 }
neuron cell(i; keep = 0.9, level = 1.0, shape = bump) {
  state mem = 0
  r = detach(mem > level)
  mem = clamp(keep, 0, 1) * mem + i - r * level
  spike fire(mem - level, shape)
}
def wanted(label) = if label == class then 0.9 else 0.1
loss distance(spikes, label) {
  count = sum(classes(spikes), over = time)
  mean((count - trunc(steps * wanted(label) * per_class))^2, over = class) / steps
}
metric hits(spikes, label) { argmax(sum(classes(spikes), over = time), over = class) == label }
optimizer moments(w, g; lr = 1e-3, rates = (0.9, 0.999), tiny = 1e-8) {
  state first = 0, second = 0
  first = rates.0 * first + (1 - rates.0) * g
  second = rates.1 * second + (1 - rates.1) * g^2
  next w - lr / (1 - rates.0^update) * (first / (sqrt(second) / sqrt(1 - rates.1^update) + tiny))
}
schedule wave(rise = 1) {
  rising = rise * updates / epochs
  passed = clamp((update - rising) / max(updates - rising, 1), 0, 1)
  if update < rising then update / rising else (1 + cos(3.141592653589793 * passed)) / 2
}
model own {
  input f32[6] over time
  steps 5
  linear(8)
  h1: cell(keep = learn 0.8)
  linear(4)
  cell(keep = 0.7)
  population(2)
}
train {
  loss      distance
  metric    hits
  optimizer moments(lr = 1e-2)
  schedule  wave
}
)";

TEST(Own, EqualsWhatIsStandard) {
  CoreModel standard(kStandard, {}, Numbers::AsStated), own(kOwn, {}, Numbers::AsStated);
  Values one = randomValues(standard, 3, 5, 1);
  Values other = one;
  other["h1.keep"] = other["h1.beta"];
  std::map<std::string, std::vector<double>> statesOne, statesOther;
  for (int64_t update = 1; update <= 4; ++update) {
    Values a = standard.run("loss_and_gradient", one), b = own.run("loss_and_gradient", other);
    EXPECT_EQ(a.at("loss").numbers(), b.at("loss").numbers()) << "update " << update;
    EXPECT_EQ(a.at("metric.accuracy").numbers(), b.at("metric.hits").numbers());
    EXPECT_EQ(a.at("grad.h1.beta").numbers(), b.at("grad.h1.keep").numbers());
    EXPECT_EQ(a.at("grad.0.weight").numbers(), b.at("grad.0.weight").numbers());
    const std::map<std::string, int64_t> counts{{"update", update}, {"updates", 4}, {"epoch", 0}, {"epochs", 2}};
    standard.update(one, a, statesOne, counts);
    own.update(other, b, statesOther, counts);
    EXPECT_EQ(one.at("0.weight").numbers(), other.at("0.weight").numbers());
  }
  EXPECT_NE(one.at("0.weight").numbers(), randomValues(standard, 3, 5, 1).at("0.weight").numbers());
}

/// A host's loss: its gradient to the output `count` is given to @backward.
TEST(Entries, BackwardOfCountsIsTheGradientOfTheLoss) {
  CoreModel model(kStandard);
  Values values = randomValues(model, 3, 5, 1);
  Values want = model.run("loss_and_gradient", values);
  const Array &count = want.at("count"), &labels = values.at("labels");
  std::vector<double> seeds(count.size());
  for (int64_t i = 0; i < count.size(); ++i) {
    const bool correct = labels.number(i / 2) == double(i % 2);
    seeds[i] = 2 * (count.number(i) - std::trunc(5 * (correct ? 0.9 : 0.1) * 2)) / 2 / 5 / 3;
  }
  Values given = values;
  for (OutputOp output : model.getModule().getOps<OutputOp>())
    if (auto it = want.find(output.getSymName().str()); it != want.end())
      given["grad." + it->first] = Array(Element::F64, it->second.shape());
  given["grad.count"] = Array(Element::F64, count.shape(), seeds);
  Values got = model.run("backward", given);
  for (const auto &[name, value] : want)
    if (name.rfind("grad.", 0) == 0) {
      EXPECT_LE(error(got.at(name), value), 1e-12) << name;
    }
  EXPECT_GT(error(got.at("grad.0.weight"), Array(Element::F64, got.at("grad.0.weight").shape())), 0);
}

TEST(Entries, StepByStepIsForward) {
  CoreModel model(kStandard, {}, Numbers::AsStated);
  Values values = randomValues(model, 3, 5, 1);
  const Values want = model.run("forward", values);
  const Array input = values.at("input");
  std::vector<double> spikes;
  for (int64_t step = 0; step < 5; ++step) {
    std::vector<double> all = input.numbers();
    values["input"] = Array(Element::F32, {1, 3, 6}, llvm::ArrayRef(all).slice(step * 18, 18));
    Values got = model.run("forward", values);
    for (const auto &number : got.at("spikes").numbers())
      spikes.push_back(number);
    for (StateOp state : model.getModule().getOps<StateOp>())
      values[state.getSymName().str()] = got.at(state.getSymName().str());
  }
  EXPECT_EQ(spikes, want.at("spikes").numbers());
  for (StateOp state : model.getModule().getOps<StateOp>())
    EXPECT_EQ(values.at(state.getSymName().str()).numbers(), want.at(state.getSymName().str()).numbers());
}

TEST(Entries, GradientOfWhatTheLossDoesNotReadIsZero) {
  std::string text = kStandard;
  const std::string loss = "mse_count(correct = 0.9, incorrect = 0.1)";
  CoreModel model(text.replace(text.find(loss), loss.size(), "2 * l1_rate(h1)"));
  Values values = randomValues(model, 3, 5, 1), got = model.run("loss_and_gradient", values);
  for (double number : got.at("grad.2.weight").numbers())
    EXPECT_EQ(number, 0);
  double sum = 0;
  for (double number : got.at("hidden.h1").numbers())
    sum += number;
  EXPECT_NEAR(got.at("loss").number(0), 2 * sum / (5 * 3 * 8), 1e-15);
  EXPECT_GT(error(got.at("grad.0.weight"), Array(Element::F64, {8, 6})), 0);
}

/// A model in which `line` says how the spikes a, b and c, fired at different levels, act; its gradients and loss.
Values withSpikes(const std::string &line, bool softSpikes = false) {
  const std::string text = R"(snn 1
neuron cell(x; beta = 0.8, level = 0.3, shape = fast_sigmoid(slope = 4)) {
  state mem = 0
  mem = beta * mem + x
  a = fire(mem - level, shape)
  b = fire(x, shape)
  c = fire(level - mem * x, shape)
  )" + line + R"(
  mem = mem - 0.1 * (a + b + c)
  spike fire(mem, shape)
}
model several {
  input f32[6] over time
  steps 5
  linear(8)
  cell(beta = learn each 0.8, level = learn 0.3)
  linear(4)
  cell
}
train { loss mse_count
}
)";
  frontend::FrontendOptions options;
  options.softSpikes = softSpikes;
  CoreModel model(text, options);
  return model.run("loss_and_gradient", randomValues(model, 3, 5, 1));
}

/// Whether they have the same loss and gradients, up to rounding; those of `one` are not zero.
void expectSame(const Values &one, const Values &other, const std::string &what) {
  for (const char *name : {"loss", "grad.0.weight", "grad.1.beta", "grad.1.level", "grad.2.weight", "grad.input"}) {
    EXPECT_LE(error(one.at(name), other.at(name)), 1e-12) << what << ": " << name;
    EXPECT_GT(error(one.at(name), Array(Element::F64, one.at(name).shape())), 0) << what << ": " << name;
  }
}

TEST(Spikes, AChoiceBySpikesIsTheSumThatItStandsFor) {
  for (auto [choice, sum] :
       {std::pair{"s = if a then b else c\nmem = mem - 0.2 * s", "mem = mem - 0.2 * (a * b + (1 - a) * c)"},
        {"s = if a then b else a\nmem = mem - 0.2 * s", "mem = mem - 0.2 * (a * b + (1 - a) * a)"},
        {"mem = if a then 0.3 * mem else mem + x", "mem = a * (0.3 * mem) + (1 - a) * (mem + x)"},
        {"mem = if attached(fired) then 0.3 * mem else mem + x",
         "mem = attached(fired) * (0.3 * mem) + (1 - attached(fired)) * (mem + x)"},
        {"s = if a then 1 < 0 else 0 < 1\nmem = mem - 0.2 * s", "mem = mem - 0.2 * (1 - a)"},
        {"mem = if detach(a) then 0.3 * mem else mem + x",
         "mem = detach(a) * (0.3 * mem) + (1 - detach(a)) * (mem + x)"}})
    for (bool soft : {false, true})
      expectSame(withSpikes(choice, soft), withSpikes(sum, soft), std::string(choice) + (soft ? ", soft" : ""));
}

TEST(Spikes, NoGradientPassesAComparison) {
  for (std::string comparison : {"== 1", "== 0", "> 0", "!= 0", "== b"})
    expectSame(withSpikes("mem = mem - 0.2 * (a " + comparison + ")"),
               withSpikes("mem = mem - 0.2 * detach(a " + comparison + ")"), comparison);
}

TEST(Spikes, AnIntegerHasNoGradient) {
  expectSame(withSpikes("n = if a then time else neuron\nmem = mem - 0.05 * n"),
             withSpikes("n = if a then time else neuron\nmem = mem - 0.05 * detach(n)"), "a choice");
}

/// Outputs are reals then, whatever they are made of.
TEST(Spikes, AreRealIfTheyAreSoft) {
  for (const char *spike :
       {"detach(mem > 0.2)", "random() < mem", "if training then fire(mem, shape) else detach(x > 0)"}) {
    std::string text = R"(snn 1
neuron cell(x; shape = atan) {
  state mem = 0
  mem = 0.8 * mem + x
  spike )" + std::string(spike) +
                       R"(
}
model soft {
  input f32[6] over time
  steps 5
  linear(8)
  cell
}
train { loss mse_count
}
)";
    frontend::FrontendOptions options;
    options.softSpikes = true;
    CoreModel model(text, options);
    EXPECT_EQ(model.run("forward", randomValues(model, 3, 5, 1)).at("spikes").element(), Element::F64) << spike;
  }
}

TEST(Random, DropoutKeepsItsMaskOverTimeAndInfersWithoutOne) {
  CoreModel model(R"(snn 1
model masks {
  input u8[2, 10] / 255
  steps 4
  flatten
  linear(12)
  dropout(p = 0.25)
  leaky
}
)");
  Values values = randomValues(model, 6, 4, 1);
  Call call;
  call.steps = 4;
  const Values plain = model.run("forward", values, call), masked = model.run("loss_and_gradient", values, call);
  const Array &x = plain.at("hidden.2"), &y = masked.at("hidden.2");
  ASSERT_EQ(x.shape(), (std::vector<int64_t>{4, 6, 12}));
  const int64_t perStep = 6 * 12;
  int64_t dropped = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(x.number(i), x.number(i % perStep)); // the input is the same at each step
    EXPECT_EQ(y.number(i), y.number(i % perStep));
    if (y.number(i) != 0) {
      EXPECT_NEAR(y.number(i), x.number(i) / 0.75, 1e-12);
    }
    dropped += y.number(i) == 0;
  }
  EXPECT_GT(dropped / 4, 8);
  EXPECT_LT(dropped / 4, 30);
  call.epoch = 1;
  EXPECT_NE(model.run("loss_and_gradient", values, call).at("hidden.2").numbers(), y.numbers());
}

TEST(Random, EncoderDrawsTheSameInEachEntryAndOtherNumbersInEachStep) {
  CoreModel model(R"(snn 1
model encoded {
  input u8[16] / 255
  steps ? <= 1000
  dropout(p = 0.5)
  rate
  linear(4)
  leaky
}
)");
  Values values = randomValues(model, 2, 1, 1);
  Call call;
  call.steps = 400;
  const Values plain = model.run("forward", values, call);
  const Array &spikes = plain.at("hidden.1"), &x = plain.at("hidden.0");
  for (int64_t i = 0; i < 32; ++i) {
    double sum = 0;
    for (int64_t step = 0; step < 400; ++step)
      sum += spikes.number(step * 32 + i);
    EXPECT_NEAR(sum / 400, x.number(i), 0.12) << i;
  }
  // What dropout lets pass unscaled draws the same numbers in training: a larger input fires at least where a smaller
  // does.
  const Values masked = model.run("loss_and_gradient", values, call);
  for (int64_t i = 0; i < spikes.size(); ++i)
    if (masked.at("hidden.0").number(i) >= x.number(i)) {
      EXPECT_GE(masked.at("hidden.1").number(i), spikes.number(i));
    }
}

/// All of it at once: adaptation, a matrix from neurons to neurons, trained numbers, two losses. No value is detached.
TEST(Gradients, OfAnAdaptiveRecurrentNeuronAreDifferences) {
  frontend::FrontendOptions options;
  options.precision = frontend::Precision::F64;
  options.softSpikes = true;
  CoreModel model(R"(snn 1
neuron adaptive(x; beta = 0.9, rho = 0.95, kappa = 0.5, threshold = 1.0, recurrent = linear, surrogate = atan(alpha = 1)) {
  state mem = 0, trace = 0
  s     = attached(fired)
  level = threshold + kappa * trace
  mem   = beta * mem + x + recurrent(s) - s * level
  trace = rho * trace + s
  spike fire(mem - (threshold + kappa * trace), surrogate)
}
model adapts {
  input f32[5]
  steps 4
  linear(6)
  h1: adaptive(beta = learn each 0.8, kappa = learn 0.3)
  linear(4)
  adaptive(rho = learn 0.7, recurrent = each)
  population(2)
}
train { loss ce_rate + 0.3 * ce_count + 0.1 * l1_rate(h1)
}
)",
                  options);
  Values values = randomValues(model, 3, 4, 1);
  Call call;
  call.steps = 4;
  const Values got = model.run("loss_and_gradient", values, call);
  for (const char *name : {"0.weight", "0.bias", "h1.beta", "h1.kappa", "h1.recurrent.weight", "h1.recurrent.bias",
                           "2.weight", "3.rho", "3.recurrent.V", "input"}) {
    const Array gradient = got.at(std::string("grad.") + name);
    double scale = 0;
    for (double number : gradient.numbers())
      scale = std::max(scale, std::abs(number));
    ASSERT_GT(scale, 0) << name;
    for (int64_t i = 0; i < gradient.size(); i += 1 + gradient.size() / 8) {
      auto lossAt = [&](double by) {
        Values moved = values;
        std::vector<double> numbers = moved.at(name).numbers();
        numbers[i] += by;
        moved[name] = Array(Element::F64, gradient.shape(), numbers);
        return model.run("loss_and_gradient", moved, call).at("loss").number(0);
      };
      const double h = 1e-5;
      EXPECT_NEAR((lossAt(h) - lossAt(-h)) / (2 * h), gradient.number(i), 1e-6 * scale) << name << " " << i;
    }
  }
}

} // namespace
