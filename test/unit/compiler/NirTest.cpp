// Graphs that are refused, and how; what becomes of those that are not. The trees are what files would hold.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Definitions.h"
#include "frontends/nir/Elements.h"
#include "frontends/nir/Model.h"
#include "frontends/snn/Frontend.h"
#include "runtime/data/Errors.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace snn;
using namespace snn::nir;

namespace {

Value array(std::vector<int64_t> shape, std::vector<double> numbers, Value::Kind kind = Value::Kind::Single) {
  return {kind, std::move(shape), std::move(numbers), {}};
}

Value vector(std::vector<double> numbers) {
  const int64_t size = std::ssize(numbers);
  return array({size}, std::move(numbers));
}

Group node(const std::string &type, std::map<std::string, Value> fields) {
  Group group;
  group.values = std::move(fields);
  group.values.emplace("type", scalar(type));
  return group;
}

/// One channel, a window of two.
Group conv1d(Value padding) {
  return node("Conv1d", {{"weight", array({1, 1, 2}, {1, 1})},
                         {"bias", vector({0})},
                         {"stride", scalar(1)},
                         {"padding", std::move(padding)},
                         {"dilation", scalar(1)},
                         {"groups", scalar(1)}});
}

Value edgesOf(const std::vector<std::pair<std::string, std::string>> &pairs) {
  Value value;
  value.kind = Value::Kind::Text;
  value.shape = {std::ssize(pairs), 2};
  for (const auto &[from, to] : pairs)
    value.texts.insert(value.texts.end(), {from, to});
  return value;
}

/// in [2] -> fc -> lif -> out [2], with r * dt / tau = 1 and a decay of 0.9 for steps of 1e-4 s.
struct Net {
  Net() {
    root.values.emplace("version", scalar("1.0.8"));
    Group &top = root.groups["node"];
    top.values.emplace("type", scalar("NIRGraph"));
    nodes()["in"] = node("Input", {{"shape", vector({2})}});
    nodes()["fc"] = node("Affine", {{"weight", array({2, 2}, {1, 2, 3, 4})}, {"bias", vector({0, 0})}});
    nodes()["lif"] = node("LIF", {{"tau", vector({1e-3, 1e-3})},
                                  {"r", vector({10, 10})},
                                  {"v_leak", vector({0, 0})},
                                  {"v_threshold", vector({1, 1})}});
    nodes()["out"] = node("Output", {{"shape", vector({2})}});
    connect({{"in", "fc"}, {"fc", "lif"}, {"lif", "out"}});
  }
  std::map<std::string, Group> &nodes() { return root.groups["node"].groups["nodes"].groups; }
  Value &field(const std::string &name, const std::string &field) { return nodes()[name].values[field]; }
  void connect(const std::vector<std::pair<std::string, std::string>> &pairs) {
    root.groups["node"].values["edges"] = edgesOf(pairs);
  }

  TextModel model(TextOptions options = {}) const {
    options.path = options.source = "net.nir";
    return textOf(graphOf(root, "net.nir"), options);
  }
  /// The lines of the model behind its steps.
  std::string lines() const {
    const std::string text = model().text;
    const size_t at = text.find("\n\n", text.find("\n  steps"));
    return text.substr(at + 2, text.rfind('}') - at - 2);
  }
  std::string error() const {
    try {
      model();
    } catch (const DataError &error) {
      return error.what();
    }
    return "no error";
  }
  void expectError(const std::string &part) const {
    EXPECT_NE(error().find(part), std::string::npos) << error();
    EXPECT_TRUE(error().starts_with("net.nir: "));
  }

  Group root;
};

TEST(Nir, TakesTheStandardsNeuronWhereItComputesTheSame) {
  Net net;
  EXPECT_EQ(net.lines(), "  linear(2)                                                      # fc\n"
                         "  leaky(beta = 0.9, threshold = 1, reset = zero, delay = false)  # lif\n");
  net.field("lif", "tau") = array({}, {1e-3}); // one number for all
  EXPECT_NE(net.lines().find("leaky(beta = 0.9,"), std::string::npos);
  net.field("lif", "r") = vector({10, 11});
  EXPECT_NE(net.lines().find("nir_lif(dt = dt, tau = 0.001, r = each 10, v_threshold = 1)"), std::string::npos);
  const TextModel model = net.model();
  ASSERT_EQ(model.tensors.size(), 3u);
  EXPECT_EQ(model.tensors[2].name, "1.r");
  EXPECT_EQ(model.tensors[2].numbers, (std::vector<double>{10, 11}));
}

TEST(Nir, TheTimeStepIsTheUsersOrTheFilesOrStated) {
  Net net;
  EXPECT_NE(net.model().text.find("# Time steps of 0.0001 s, as the file says none"), std::string::npos);
  net.root.groups["node"].groups["metadata"].values[kTimeStepKey] = scalar(2e-4);
  EXPECT_NE(net.model().text.find("# Time steps of 0.0002 s, as the file says.\nparam dt = 0.0002\n"),
            std::string::npos);
  TextOptions options;
  options.timeStep = 5e-4;
  EXPECT_NE(net.model(options).text.find("# Time steps of 0.0005 s.\n"), std::string::npos);
  net.root.groups["node"].groups["metadata"].values[kTimeStepKey] = scalar(-1.0);
  net.expectError("the time step 'dt' in the metadata of the graph is no number above 0");
}

/// The LIF is in a graph of its own.
void nest(Net &net) {
  Group inner = node("NIRGraph", {{"edges", edgesOf({{"in", "lif"}, {"lif", "out"}})}});
  inner.groups["nodes"].groups = {{"in", net.nodes()["out"]}, {"lif", net.nodes()["lif"]}, {"out", net.nodes()["out"]}};
  inner.groups["nodes"].groups["in"].values["type"] = scalar("Input");
  net.nodes()["lif"] = inner;
}

/// Two ways from each pair of graphs to the next one are 2^30 from the first to the last.
TEST(Nir, FewEdgesThroughGraphsThatPassOnDoNotBecomeMany) {
  Net net;
  Group passOn = node("NIRGraph", {{"edges", edgesOf({{"in", "out"}})}});
  passOn.groups["nodes"].groups = {{"in", net.nodes()["in"]}, {"out", net.nodes()["out"]}};
  std::vector<std::pair<std::string, std::string>> edges = {{"in", "a0"}, {"in", "b0"}, {"a30", "fc"}, {"b30", "fc"}};
  for (int i = 0; i <= 30; ++i)
    for (const char *from : {"a", "b"}) {
      net.nodes()[from + std::to_string(i)] = passOn;
      for (const char *to : {"a", "b"})
        if (i < 30)
          edges.emplace_back(from + std::to_string(i), to + std::to_string(i + 1));
    }
  edges.insert(edges.end(), {{"fc", "lif"}, {"lif", "out"}});
  net.connect(edges);
  net.expectError("'in' leads to 'b1.in' twice");
}

TEST(Nir, AGraphInTheGraphHasTheSameTimeStep) {
  Net net;
  nest(net);
  EXPECT_NE(net.lines().find("leaky(beta = 0.9,"), std::string::npos);
  net.nodes()["lif"].groups["metadata"].values[kTimeStepKey] = scalar(5e-4);
  EXPECT_NE(net.model().text.find("# Time steps of 0.0005 s, as the file says."), std::string::npos);
  net.root.groups["node"].groups["metadata"].values[kTimeStepKey] = scalar(2e-4);
  net.expectError("the metadata of node 'lif' say a time step of 0.0005 s, and others 0.0002 s; there is one for all");
  net.nodes()["lif"].groups["more"];
  net.expectError("node 'lif' (NIRGraph) has a group 'more', which is not known");
}

TEST(Nir, KeepsAResetThatSnncWroteBesideTheGraph) {
  Net net;
  auto &metadata = net.nodes()["lif"].groups["metadata"].values;
  metadata[kResetKey] = scalar("subtract");
  metadata[kDelayKey] = scalar(1.0);
  EXPECT_NE(net.lines().find("leaky(beta = 0.9, threshold = 1, reset = subtract)"), std::string::npos);
  metadata["somebody's"] = scalar("note");
  EXPECT_EQ(net.error(), "no error");
  metadata[kResetKey] = scalar("sometimes");
  net.expectError("node 'lif' (LIF): the metadata 'snnc_reset' is none of zero, subtract, none");
  metadata[kResetKey] = scalar("subtract");
  net.field("lif", "v_leak") = vector({1, 1});
  net.expectError("its metadata says that its reset is not NIR's, but there is no neuron with that reset");
}

TEST(Nir, SumsTakeWhatLeadsToANode) {
  Net net;
  net.connect({{"in", "fc"}, {"in", "lif"}, {"fc", "lif"}, {"lif", "out"}});
  EXPECT_NE(net.lines().find("  add(input)\n"), std::string::npos) << net.lines();
  net.nodes()["more"] = net.nodes()["fc"];
  net.connect({{"in", "fc"}, {"in", "more"}, {"more", "lif"}, {"fc", "lif"}, {"lif", "out"}});
  EXPECT_NE(net.lines().find("h0: linear(2)"), std::string::npos) << net.lines();
  EXPECT_NE(net.lines().find("from input\n  linear(2)"), std::string::npos);
  EXPECT_NE(net.lines().find("add(h0)\n  leaky"), std::string::npos);
}

TEST(Nir, GraphsWithinTheGraphAreTakenApart) {
  Net net, whole;
  Group inner = whole.root.groups["node"];
  net.nodes().erase("fc");
  net.nodes().erase("lif");
  net.nodes()["part"] = inner;
  net.connect({{"in", "part"}, {"part", "out"}});
  EXPECT_NE(net.lines().find("# part.fc"), std::string::npos);
  EXPECT_NE(net.lines().find("# part.lif"), std::string::npos);
}

TEST(Nir, SpikesComeBackThroughOneWeight) {
  Net net;
  net.nodes()["back"] = node("Linear", {{"weight", array({2, 2}, {1, 2, 3, 4})}});
  net.connect({{"in", "fc"}, {"fc", "lif"}, {"lif", "out"}, {"lif", "back"}, {"back", "lif"}});
  EXPECT_NE(net.lines().find(
                "rleaky(beta = 0.9, threshold = 1, recurrent = linear(bias = false), reset = zero, delay = false)"),
            std::string::npos);
  EXPECT_EQ(net.model().tensors.back().name, "1.recurrent.weight");
  net.field("back", "weight") = array({2, 2}, {1, 0, 0, 4});
  EXPECT_NE(net.lines().find("recurrent = each"), std::string::npos);
  EXPECT_EQ(net.model().tensors.back().name, "1.recurrent.V");
  net.field("lif", "r") = vector({1, 1});
  EXPECT_NE(net.lines().find("nir_rlif(dt = dt"), std::string::npos);

  net.field("back", "weight") = array({1, 2}, {1, 1});
  net.expectError("the spikes of [2] neurons come back through 'back' with a weight of [1, 2]");
  net.field("back", "weight") = array({2, 2}, {1, 2, 3, 4});
  net.nodes()["too"] = net.nodes()["back"];
  net.connect(
      {{"in", "fc"}, {"fc", "lif"}, {"lif", "out"}, {"lif", "back"}, {"back", "lif"}, {"lif", "too"}, {"too", "lif"}});
  net.expectError("the spikes of 'lif' come back in two ways, through 'back' and 'too'");
  net.nodes().erase("too");
  net.connect({{"in", "fc"}, {"fc", "lif"}, {"lif", "out"}, {"lif", "back"}, {"back", "fc"}});
  net.expectError("there is a cycle through 'back', 'fc', 'lif', 'out'");
}

// Older versions of snnTorch write a recurrent neuron as a graph within the graph.
TEST(Nir, SpikesComeBackWithinAGraphWithinTheGraph) {
  Net net, inner;
  inner.nodes().erase("fc");
  inner.nodes()["w_rec"] = node("Affine", {{"weight", array({2, 2}, {1, 2, 3, 4})}, {"bias", vector({5, 6})}});
  inner.connect({{"in", "lif"}, {"lif", "w_rec"}, {"w_rec", "lif"}, {"lif", "out"}});
  net.nodes().erase("lif");
  net.nodes()["rleaky"] = inner.root.groups["node"];
  net.connect({{"in", "fc"}, {"fc", "rleaky"}, {"rleaky", "out"}});
  EXPECT_NE(net.lines().find(
                "rleaky(beta = 0.9, threshold = 1, recurrent = linear, reset = zero, delay = false)  # rleaky.lif"),
            std::string::npos)
      << net.lines();
  EXPECT_EQ(net.model().tensors.back().numbers, (std::vector<double>{5, 6}));
}

TEST(Nir, TheLastLayerIsOneOfNeuronsInARow) {
  Net net;
  for (const char *name : {"in", "out"})
    net.field(name, "shape") = vector({2, 1, 1});
  net.nodes().erase("fc");
  net.connect({{"in", "lif"}, {"lif", "out"}});
  for (const char *type : {"LIF", "Scale"}) {
    EXPECT_NE(net.lines().find("\n  flatten\n  nir_readout\n"), std::string::npos) << net.lines();
    std::string said;
    llvm::raw_string_ostream diagnostics(said);
    EXPECT_TRUE(frontend::checkModel(net.model().text, "net.snn", {}, diagnostics)) << type << said;
    net.nodes()["lif"] = node("Scale", {{"scale", array({2, 1, 1}, {1, 2})}});
  }
}

TEST(Nir, AllDefinitionsAreDefinitions) {
  std::string text = "snn 1\n";
  for (const Form &form : allForms()) {
    EXPECT_EQ(nameOf(*formNamed(nameOf(form))), nameOf(form));
    text += definitionOf(form);
  }
  text += "model net {\n  input f32[2]\n  steps 2\n  leaky\n}\n";
  std::string said;
  llvm::raw_string_ostream diagnostics(said);
  EXPECT_TRUE(frontend::checkModel(text, "definitions.snn", {}, diagnostics));
  EXPECT_EQ(said, "");
}

TEST(NirElements, PiecesOfAnArrayComeToTheirPlaces) {
  const std::vector<uint64_t> extents = {3, 5, 4}, chunk = {2, 2, 3};
  std::vector<std::byte> array(3 * 5 * 4, std::byte(255)), piece(2 * 2 * 3);
  for (uint64_t a = 0; a < 3; a += 2)
    for (uint64_t b = 0; b < 5; b += 2)
      for (uint64_t c = 0; c < 4; c += 3) {
        for (uint64_t i = 0; i < piece.size(); ++i) {
          const uint64_t x = a + i / 6, y = b + i / 3 % 2, z = c + i % 3;
          piece[i] = std::byte(x < 3 && y < 5 && z < 4 ? (x * 5 + y) * 4 + z : 99);
        }
        placePiece(piece, chunk, std::vector<uint64_t>{a, b, c}, extents, 1, array);
      }
  for (size_t i = 0; i < array.size(); ++i)
    EXPECT_EQ(array[i], std::byte(i));
}

TEST(NirElements, NumbersHaveBothOrdersOfBytes) {
  auto bytes = [](std::vector<int> values) {
    std::vector<std::byte> result;
    for (int value : values)
      result.push_back(std::byte(value));
    return result;
  };
  using Kind = ElementLayout::Kind;
  EXPECT_EQ(decode(bytes({0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0xbf}), {Kind::Real, 4, false}),
            (std::vector<double>{1.5, -1}));
  EXPECT_EQ(decode(bytes({0xbf, 0xf0, 0, 0, 0, 0, 0, 0}), {Kind::Real, 8, true}), (std::vector<double>{-1}));
  EXPECT_EQ(decode(bytes({0xfe, 0xff, 0x00, 0x01}), {Kind::Signed, 2, false}), (std::vector<double>{-2, 256}));
  EXPECT_EQ(decode(bytes({0xff, 0xfe}), {Kind::Unsigned, 2, true}), (std::vector<double>{65534}));
  EXPECT_EQ(decode(bytes({0xff}), {Kind::Signed, 1, false}), (std::vector<double>{-1}));
  EXPECT_EQ(decode(bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), {Kind::Signed, 8, true}),
            (std::vector<double>{-1}));
}

TEST(NirElements, OnlyWhatUnpacksToTheWholePieceIsTaken) {
  // zlib's bytes of "abab...", 40 of them.
  const unsigned char packed[] = {0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x24, 0x0a, 0x02, 0x00, 0x38, 0x7b, 0x0f, 0x3d};
  const std::span<const std::byte> bytes = std::as_bytes(std::span(packed));
  EXPECT_EQ(inflateExactly(bytes, 40).size(), 40u);
  EXPECT_TRUE(inflateExactly(bytes, 39).empty());
  EXPECT_TRUE(inflateExactly(bytes, 41).empty());
  EXPECT_TRUE(inflateExactly(bytes.first(8), 40).empty());
}

struct Wrong {
  const char *name;
  void (*change)(Net &);
  const char *error;
};

class NirErrors : public testing::TestWithParam<Wrong> {};

TEST_P(NirErrors, AreSaid) {
  Net net;
  GetParam().change(net);
  net.expectError(GetParam().error);
}

const Wrong wrong[] = {
    {"NoVersion", [](Net &net) { net.root.values.clear(); }, "has no 'version' and 'node', which a NIR file has"},
    {"OtherVersion", [](Net &net) { net.root.values["version"] = scalar("2.0"); },
     "is of NIR's version '2.0'; known are 0 and 1"},
    {"NoGraph", [](Net &net) { net.root.groups["node"].values["type"] = scalar("LIF"); },
     "holds no NIRGraph; a single node is no network"},
    {"NoEdges", [](Net &net) { net.root.groups["node"].values.erase("edges"); },
     "the graph has no 'nodes' and 'edges', which a NIRGraph has"},
    {"NoType", [](Net &net) { net.nodes()["fc"].values.erase("type"); },
     "node 'fc' has no text 'type', which all nodes of NIR have"},
    {"UnknownType", [](Net &net) { net.nodes()["fc"] = node("Delay", {{"delay", vector({1, 1})}}); },
     "node 'fc' is of type 'Delay', which has no counterpart here; known are Affine, AvgPool2d,"},
    {"UnknownField", [](Net &net) { net.field("lif", "v_peak") = vector({1, 1}); },
     "node 'lif' (LIF) has a field 'v_peak', which is not known; what it means cannot be kept"},
    {"NoField", [](Net &net) { net.nodes()["lif"].values.erase("tau"); }, "node 'lif' (LIF) has no field 'tau'"},
    {"NoNumbers", [](Net &net) { net.field("lif", "tau") = scalar("long"); },
     "node 'lif' (LIF): field 'tau' holds no numbers"},
    {"NotFinite", [](Net &net) { net.field("lif", "tau") = vector({1, NAN}); },
     "field 'tau' holds nan, expected finite numbers"},
    {"Group", [](Net &net) { net.nodes()["lif"].groups["more"]; },
     "node 'lif' (LIF) has a group 'more', which is not known"},
    {"EdgeToNothing", [](Net &net) { net.connect({{"in", "nothing"}}); },
     "an edge goes from 'in' to 'nothing', but there is no node 'nothing'"},
    {"EdgesOfNumbers", [](Net &net) { net.root.groups["node"].values["edges"] = vector({1, 2}); },
     "'edges' are not pairs of names"},
    {"EdgeTwice", [](Net &net) { net.connect({{"in", "fc"}, {"in", "fc"}, {"fc", "lif"}, {"lif", "out"}}); },
     "'in' leads to 'fc' twice"},
    {"TwoInputs", [](Net &net) { net.nodes()["in2"] = net.nodes()["in"]; },
     "has 2 nodes of type Input and 1 of type Output, expected one of each"},
    {"NothingLeadsTo", [](Net &net) { net.connect({{"in", "fc"}, {"fc", "out"}}); },
     "nothing leads from the input to 'lif'"},
    {"LeadsNowhere", [](Net &net) { net.connect({{"in", "fc"}, {"fc", "out"}, {"in", "lif"}}); },
     "'lif' does not lead to the output"},
    {"ItselfAgain", [](Net &net) { net.connect({{"in", "fc"}, {"fc", "lif"}, {"lif", "lif"}, {"lif", "out"}}); },
     "there is a cycle through 'lif', 'out'"},
    {"InputLast", [](Net &net) { net.connect({{"in", "fc"}, {"fc", "lif"}, {"lif", "out"}, {"out", "in"}}); },
     "an edge leads to the Input or from the Output"},
    {"NoExtents", [](Net &net) { net.field("in", "shape") = vector({}); }, "node 'in' (Input): has no extents"},
    {"WrongExtent", [](Net &net) { net.field("in", "shape") = vector({2.5}); },
     "'shape' is 2.5, expected a whole number of at least 1"},
    {"OtherExtents", [](Net &net) { net.field("in", "shape") = vector({3}); },
     "node 'fc' (Affine): what comes in has the extents [3], expected [2]"},
    {"OtherOutput", [](Net &net) { net.field("out", "shape") = vector({3}); },
     "node 'out' (Output): what comes in has the extents [2], expected [3]"},
    {"OtherNeurons", [](Net &net) { net.field("lif", "tau") = vector({1, 2, 3}); },
     "'tau' has the extents [3], but what comes in has [2]"},
    {"OtherBias", [](Net &net) { net.field("fc", "bias") = vector({1}); },
     "its bias has the extents [1], expected [2]"},
    {"EmptyParameter", [](Net &net) { net.field("lif", "tau") = vector({}); }, "'tau' is empty"},
    {"NoTimeConstant", [](Net &net) { net.field("lif", "tau") = vector({1, 0}); },
     "'tau' is 0 s, expected a time constant of more than 0"},
    {"FastNeuron", [](Net &net) { net.field("lif", "tau") = vector({1e-5, 1e-5}); },
     "'tau' is 1e-05 s, less than the time step of 0.0001 s, with which Euler's method does not follow the neuron: say "
     "the "
     "time step that the file was made for with --dt"},
    {"Flatten",
     [](Net &net) {
       net.field("in", "shape") = vector({1, 2, 1});
       net.nodes()["fc"] = node("Flatten", {{"start_dim", scalar(1)}, {"end_dim", scalar(-1)}});
     },
     "flattens the extents 1 to 2 of [1, 2, 1]; only all of them can be flattened"},
    {"Padding",
     [](Net &net) {
       net.field("in", "shape") = vector({1, 4});
       net.nodes()["fc"] = conv1d(scalar("same"));
     },
     "'padding' is 'same', which needs a stride of 1 and as much on both sides; give numbers"},
    {"Channels",
     [](Net &net) {
       net.field("in", "shape") = vector({3, 4});
       net.nodes()["fc"] = conv1d(scalar(0));
     },
     "what comes in has the extents [3, 4]; its weight of [1, 1, 2] in 1 groups takes 1 channels and 1 more extents"},
    {"NothingLeft",
     [](Net &net) {
       net.field("in", "shape") = vector({1, 1});
       net.nodes()["fc"] = conv1d(scalar(0));
     },
     "nothing is left of the extents [1, 1]"},
};

INSTANTIATE_TEST_SUITE_P(All, NirErrors, testing::ValuesIn(wrong), [](const auto &info) { return info.param.name; });

} // namespace
