// Smooth models of the generator in test/tools.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/Gradients/RandomModel.h"

#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>

using namespace snn::test;

RandomModel::RandomModel(uint64_t seed) {
  const std::string command = SNN_RANDOM_SNN " --smooth --seed=" + std::to_string(seed);
  std::unique_ptr<FILE, int (*)(FILE *)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 4096> part;
  while (const size_t length = pipe ? std::fread(part.data(), 1, part.size(), pipe.get()) : 0)
    text.append(part.data(), length);
  const size_t head = text.find("# batch ");
  if (head == std::string::npos)
    throw std::runtime_error("no model from: " + command);
  std::istringstream line(text.substr(head, text.find('\n', head) - head));
  std::string word, name;
  line >> word >> word >> batch >> word >> steps >> word;
  while (line >> name)
    unreached.insert(name);
}
