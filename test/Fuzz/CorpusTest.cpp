// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The targets on the corpus and on spoilt copies of it, a few seconds' worth and the same ones each time.

#include "test/Fuzz/Target.h"

#include "frontends/snn/Limits.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace {

std::string contentOf(const std::filesystem::path &path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// In the order of their names.
std::vector<std::string> corpus() {
  std::vector<std::filesystem::path> paths;
  for (const auto &entry : std::filesystem::directory_iterator(SNN_FUZZ_CORPUS))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const auto &path : paths)
    texts.push_back(contentOf(path));
  return texts;
}

/// Spoils texts as libFuzzer does: other bytes, parts that are lost, repeated or from another text.
class Mutator {
public:
  explicit Mutator(const std::vector<std::string> &texts) : texts(texts) {}

  std::string next() {
    std::string text = texts[below(texts.size())];
    for (size_t count = 1 + below(4); count > 0; --count)
      mutate(text);
    return text;
  }

private:
  size_t below(size_t end) { return end == 0 ? 0 : random() % end; }
  std::string part(const std::string &text) {
    const size_t begin = below(text.size());
    return text.substr(begin, 1 + below(40));
  }
  void mutate(std::string &text) {
    const size_t at = below(text.size());
    switch (below(5)) {
    case 0:
      if (!text.empty())
        text[at] = static_cast<char>(random());
      break;
    case 1:
      text.erase(at, 1 + below(30));
      break;
    case 2:
      text.insert(at, part(text));
      break;
    case 3:
      text.insert(at, part(texts[below(texts.size())]));
      break;
    case 4: {
      const std::string repeated = part(text);
      for (size_t count = below(200); count > 0; --count)
        text.insert(at, repeated);
      break;
    }
    }
  }

  const std::vector<std::string> &texts;
  std::mt19937 random{1};
};

TEST(Corpus, IsReadWhole) {
  for (const std::string &text : corpus()) {
    EXPECT_EQ(snn::fuzz::checkText(text), "") << text;
    EXPECT_EQ(snn::fuzz::importText(text), "") << text;
  }
}

TEST(Corpus, SpoiltTexts) {
  const std::vector<std::string> texts = corpus();
  ASSERT_FALSE(texts.empty());
  Mutator mutator(texts);
  for (int count = 0; count < 3000; ++count) {
    const std::string text = mutator.next();
    ASSERT_EQ(snn::fuzz::checkText(text), "") << text;
  }
}

TEST(Corpus, SpoiltTextsThatAreModels) {
  const std::vector<std::string> texts = corpus();
  ASSERT_FALSE(texts.empty());
  Mutator mutator(texts);
  for (int count = 0; count < 500; ++count) {
    const std::string text = mutator.next();
    ASSERT_EQ(snn::fuzz::importText(text), "") << text;
  }
}

/// The driver says the same before it reads a file.
TEST(Corpus, TooLarge) {
  EXPECT_EQ(snn::fuzz::checkText("model" + std::string(snn::frontend::limits::kFileBytes, '#')), "");
}

} // namespace
