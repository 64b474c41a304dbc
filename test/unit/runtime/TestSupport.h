// What the runtime's tests share: temporary folders, small files, messages of exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_UNIT_RUNTIME_TESTSUPPORT_H
#define SNN_TEST_UNIT_RUNTIME_TESTSUPPORT_H

#include "snn/runtime.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

extern "C" const snn_model_table *tiny_snn_query(uint32_t abi_version);

namespace snn::test {

/// A folder that is removed at the end of the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "snn-test-XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
  }
  std::string operator/(const std::string &name) const { return folder + "/" + name; }
  const std::string &path() const { return folder; }

private:
  std::string folder;
};

inline void writeText(const std::string &path, const std::string &text) {
  std::ofstream(path, std::ios::binary).write(text.data(), std::streamsize(text.size()));
}

inline std::string readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string tinyModel(const std::string &variant) { return std::string(TINY_FOLDER "/tiny_") + variant + ".so"; }

/// The message of the exception that `body` throws; "" if it throws none.
template <typename Exception, typename Body> std::string messageOf(Body &&body) {
  try {
    body();
  } catch (const Exception &exception) {
    return exception.what();
  }
  return "";
}

inline ::testing::AssertionResult contains(const std::string &text, const std::string &part) {
  if (text.find(part) != std::string::npos)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << text << "\" does not contain \"" << part << "\"";
}

} // namespace snn::test

#endif // SNN_TEST_UNIT_RUNTIME_TESTSUPPORT_H
