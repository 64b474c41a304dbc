// Checks a file of definitions, or the standard ones, and prints it, or what its definitions become in the core.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/DefinitionModule.h"

#include <CLI/CLI.hpp>

#include "llvm/Support/MemoryBuffer.h"

int main(int argc, char **argv) {
  CLI::App app{"Checks definitions of the snn language and prints them."};
  std::string path;
  bool core = false;
  snn::frontend::ModuleOptions options;
  app.add_option("file", path, "a file of definitions (default: the standard ones)");
  app.add_flag("--core", core, "print a function of core ops for each definition");
  app.add_option("--neurons", options.neurons, "neurons of a layer");
  app.add_option("--classes", options.classes, "classes");
  app.add_option("--word", options.words, "NAME WORD: an option of neurons");
  app.add_flag("--soft", options.softSpikes, "the soft form of surrogates in the place of the step");
  bool infer = false;
  app.add_flag("--infer", infer, "the word 'training' is false");
  app.add_flag("--wide", options.wide, "f64 in the place of f32");
  CLI11_PARSE(app, argc, argv);
  options.training = !infer;

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  if (path.empty()) {
    buffer = llvm::MemoryBuffer::getMemBuffer(snn::frontend::preludeText(), "prelude.snn");
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
  if (!core) {
    printDefinitions(*checked, llvm::outs());
    return 0;
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = importEach(*checked, options, context);
  if (!module)
    return 1;
  module->print(llvm::outs());
  return 0;
}
