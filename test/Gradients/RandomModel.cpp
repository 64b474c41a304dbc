// Random small models. Everything is smooth with soft spikes, and what is detached depends on no parameter that has a
// gradient, so that plain differences are the gradient.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/Gradients/RandomModel.h"

#include <array>
#include <fmt/format.h>

using namespace snn::test;

namespace {

class Writer {
public:
  Writer(uint64_t seed, RandomModel &model) : random(seed * 0x9e3779b97f4a7c15 + 1), model(model) {}

  void write() {
    constexpr std::array batches = {1, 3, 37, 130}; // the last one fills several lanes
    model.batch = uint64_t(pick(batches));
    model.steps = 1 + random.below(7);
    writeNeuron();
    std::string layers;
    for (uint64_t hidden = random.below(3); hidden > 0; --hidden)
      layers += layer(1 + random.below(40));
    constexpr std::array optimizers = {"adam(lr = 1e-2)", "sgd(lr = 1e-2, momentum = 0.5)"};
    constexpr std::array inputs = {"f32[{}]", "f32[{}] over time", "f32[3, {}]", "u8[{}] / 255"};
    const std::string input = fmt::format(fmt::runtime(pick(inputs)), 1 + random.below(20));
    const uint64_t classes = 2 + random.below(4);
    model.text += fmt::format(R"(
model random {{
  input {}
  steps {}
  flatten
{}{}  population(classes = {})
}}
train {{
  loss      mse_count(correct = 0.8, incorrect = 0.2)
  optimizer {}
  batch     {}
  epochs    1
}}
)",
                              input, model.steps, layers, layer(classes * (1 + random.below(9))), classes,
                              pick(optimizers), model.batch);
  }

private:
  template <typename Choices> typename Choices::value_type pick(const Choices &choices) {
    return choices[random.below(choices.size())];
  }

  std::string number(double low, double high) { return fmt::format("{:.4f}", random.uniform(low, high)); }

  /// Adds a parameter and returns its name.
  std::string parameter(const char *kind, double low, double high, bool reached) {
    std::string name = fmt::format("{}{}", kind, names.size());
    names.push_back(name);
    lows.push_back(low);
    highs.push_back(high);
    declared += fmt::format(", {} = {}", name, number(low, high));
    if (!reached)
      model.unreached.insert(name);
    return name;
  }

  void writeNeuron() {
    const std::string decay = parameter("decay", 0.5, 0.95, true);
    std::string drive = "x", body;
    for (uint64_t i = random.below(4); i > 0; --i) {
      constexpr std::array terms = {" + {} * x", " - {} * mem", " - 0.25 * {}", " + {} * attached(fired)", " - {}"};
      drive += fmt::format(fmt::runtime(pick(terms)), parameter("near", 0.02, 0.2, true));
    }
    if (random.below(2)) // one value that is subtracted twice: equal gradients of two parameters
      drive += fmt::format(" - {} - {}", parameter("twin", 0.02, 0.1, true), parameter("twin", 0.02, 0.1, true));
    for (uint64_t i = random.below(4); i > 0; --i)
      drive += fmt::format(" - detach({})", parameter("gone", 0.02, 0.1, false));
    for (uint64_t i = random.below(3); i > 0; --i)
      parameter("gone", 0.02, 0.1, false);
    if (random.below(2))
      body += fmt::format("  if branch == left {{\n    mem = mem + {}\n  }} else {{\n    mem = mem - {}\n  }}\n",
                          parameter("near", 0.02, 0.1, true), parameter("gone", 0.02, 0.1, false));
    const std::string threshold = parameter("threshold", 0.5, 1.5, true);
    model.text =
        fmt::format(R"(snn 1
neuron invented(x{}, branch = one_of(left, right), surrogate = atan(alpha = 2)) {{
  state mem = {}
  mem = {} * mem + {}
{}  spike fire(mem - {}, surrogate)
}}
)",
                    declared.replace(0, 1, ";"), random.below(2) ? "0" : "0.25", decay, drive, body, threshold);
  }

  /// A linear layer, or two in a row, and neurons of which most parameters learn.
  std::string layer(uint64_t width) {
    std::string text;
    if (random.below(4) == 0)
      text += fmt::format("  linear({})\n", 1 + random.below(20));
    text += fmt::format("  linear({}{})\n  invented(", width, random.below(3) ? "" : ", bias = false");
    const char *comma = "";
    for (size_t i = 0; i < names.size(); ++i)
      if (const uint64_t kind = random.below(8); kind != 0) {
        text += fmt::format("{}{} = learn{} {}", comma, names[i], kind < 5 ? " each" : "", number(lows[i], highs[i]));
        comma = ", ";
      }
    return text + ")\n";
  }

  Random random;
  RandomModel &model;
  std::string declared;
  std::vector<std::string> names;
  std::vector<double> lows, highs;
};

} // namespace

RandomModel::RandomModel(uint64_t seed) { Writer(seed, *this).write(); }
