// Checks a file of definitions, or the standard ones, and prints it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/snn/Definitions.h"

#include <CLI/CLI.hpp>

#include "llvm/Support/MemoryBuffer.h"

int main(int argc, char **argv) {
  CLI::App app{"Checks definitions of the snn language and prints them."};
  std::string path;
  app.add_option("file", path, "a file of definitions (default: the standard ones)");
  CLI11_PARSE(app, argc, argv);

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  if (path.empty()) {
    buffer = llvm::MemoryBuffer::getMemBuffer(snn::frontend::standardDefinitions(), "definitions.snn");
  } else {
    auto file = llvm::MemoryBuffer::getFile(path);
    if (!file) {
      llvm::errs() << "cannot read " << path << ": " << file.getError().message() << "\n";
      return 2;
    }
    buffer = std::move(*file);
  }
  auto checked = snn::frontend::checkDefinitions(buffer->getBuffer(), buffer->getBufferIdentifier(), llvm::errs());
  if (!checked)
    return 1;
  printDefinitions(*checked, llvm::outs());
  return 0;
}
