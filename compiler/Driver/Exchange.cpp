// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Import and export. The libraries for other formats throw, so this file is compiled with exceptions; none leaves it.

#include "compiler/Driver/Exchange.h"

#include "compiler/Driver/Guard.h"
#include "compiler/Driver/Messages.h"
#include "compiler/Driver/Output.h"
#include "compiler/Driver/ReadFile.h"
#include "frontends/nir/FromModel.h"
#include "frontends/nir/Model.h"
#include "frontends/snn/Frontend.h"
#include "frontends/snn/Limits.h"
#include "frontends/torch/Checkpoint.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <exception>

namespace snn {
namespace {

/// Runs `body`; what it throws becomes a message and an exit status.
ExitStatus guarded(llvm::raw_ostream &errors, llvm::function_ref<ExitStatus()> body) {
  try {
    return body();
  } catch (const MemoryError &error) {
    printError(errors, error.what());
    return kExitOutOfMemory;
  } catch (const DataError &error) {
    printError(errors, error.what());
    return kExitModelError;
  } catch (const WriteError &error) {
    printError(errors, error.what());
    return kExitCannotWrite;
  } catch (const std::exception &error) {
    printError(errors, llvm::Twine("internal error: ") + error.what());
    return kExitInternalError;
  }
}

/// What is no text goes to a file.
bool isFile(const std::string &output, llvm::raw_ostream &errors) {
  if (output != "-")
    return true;
  printError(errors, "the result is no text and cannot be printed; name a file with -o");
  return false;
}

bool isSameFile(llvm::StringRef a, llvm::StringRef b) { return a == b || llvm::sys::fs::equivalent(a, b); }

/// Elements as they are stored, which have to live as long as they are needed.
std::vector<std::byte> bytesOf(const nir::Tensor &tensor) {
  std::vector<std::byte> bytes(tensor.numbers.size() * (tensor.single ? sizeof(float) : sizeof(double)));
  for (size_t i = 0; i < tensor.numbers.size(); ++i)
    if (const float number = float(tensor.numbers[i]); tensor.single)
      std::memcpy(bytes.data() + i * sizeof(float), &number, sizeof(float));
    else
      std::memcpy(bytes.data() + i * sizeof(double), &tensor.numbers[i], sizeof(double));
  return bytes;
}

void writeWeights(const std::string &path, const std::vector<nir::Tensor> &tensors) {
  std::vector<std::vector<std::byte>> contents;
  std::vector<TensorToWrite> written;
  contents.reserve(tensors.size());
  for (const nir::Tensor &tensor : tensors) {
    contents.push_back(bytesOf(tensor));
    written.push_back(
        {tensor.name, tensor.single ? ElementType::F32 : ElementType::F64, tensor.shape, contents.back()});
  }
  writeSafetensors(path, std::move(written));
}

std::string besideText(const std::string &text) {
  llvm::SmallString<128> path(text);
  llvm::sys::path::replace_extension(path, ".safetensors");
  return path.str().str();
}

/// What snnc takes has limits, of sizes and of numbers, that the front end knows. Its warnings are about texts that
/// people write.
bool isModel(const std::string &text, const ImportOptions &options, llvm::raw_ostream &errors) {
  std::string said;
  llvm::raw_string_ostream diagnostics(said);
  if (frontend::checkModel(text, options.output, frontend::FrontendOptions(), diagnostics))
    return true;
  printError(errors, options.input + ": holds a network that is no model of snnc; its text would get these errors");
  errors << said;
  return false;
}

/// The library that reads HDF5 believes more of a file than it should; a crash in it is the file's fault.
nir::Group readTree(const std::string &path) {
  nir::Group tree;
  std::exception_ptr thrown;
  std::string reason;
  const bool ended = runGuarded(
      [&] {
        try {
          tree = nir::readHdf5(path);
        } catch (...) {
          thrown = std::current_exception();
        }
      },
      reason);
  if (!ended)
    throw DataError(path + ": is damaged: the HDF5 library crashes on it");
  if (thrown)
    std::rethrow_exception(thrown);
  return tree;
}

ExitStatus importGraph(const ImportOptions &options, llvm::raw_ostream &errors) {
  const std::string weights = options.weights.empty() ? besideText(options.output) : options.weights;
  for (const std::string &file : {options.output, weights})
    if (isSameFile(file, options.input)) {
      printError(errors, "the output '" + file + "' is the input; name another file");
      return kExitCommandLine;
    }
  if (options.output == "-" && options.weights.empty()) {
    printError(errors, "the model is printed; say with --weights where its weights go");
    return kExitCommandLine;
  }
  if (isSameFile(options.output, weights)) {
    printError(errors,
               "the model and its weights cannot both go to '" + weights + "'; name another file with --weights");
    return kExitCommandLine;
  }
  nir::TextOptions choices;
  choices.path = options.input;
  choices.source = llvm::sys::path::filename(options.input).str();
  choices.timeStep = options.timeStep;
  choices.steps = options.steps;
  const nir::TextModel model = nir::textOf(nir::graphOf(readTree(options.input), options.input), choices);
  if (!isModel(model.text, options, errors))
    return kExitModelError;
  const auto check = [&](llvm::Error error) {
    if (error)
      throw WriteError("cannot write '" + options.output + "': " + llvm::toString(std::move(error)));
  };
  llvm::Expected<PendingOutput> text = PendingOutput::write(options.output, model.text);
  check(text.takeError());
  // A model without its weights would be half of a result, so they come first.
  writeWeights(weights, model.tensors);
  check(text->keep());
  return kExitSuccess;
}

ExitStatus importCheckpoint(const ImportOptions &options, llvm::raw_ostream &errors) {
  const std::pair<bool, const char *> ofGraphs[] = {{!options.weights.empty(), "--weights"},
                                                    {options.timeStep.has_value(), "--dt"},
                                                    {options.steps.has_value(), "--steps"}};
  for (const auto &[given, option] : ofGraphs)
    if (given) {
      printError(errors,
                 llvm::Twine(option) + " is for graphs, and '" + options.input + "' is a checkpoint of PyTorch");
      return kExitCommandLine;
    }
  if (isSameFile(options.output, options.input)) {
    printError(errors, "the output '" + options.output + "' is the input; name another file");
    return kExitCommandLine;
  }
  if (!isFile(options.output, errors))
    return kExitCommandLine;
  const torch::Checkpoint checkpoint = torch::readCheckpoint(options.input, options.key);
  std::vector<TensorToWrite> written;
  for (const auto &[name, tensor] : checkpoint.tensors)
    written.push_back({name, tensor.type, tensor.shape, tensor.bytes});
  writeSafetensors(options.output, std::move(written));
  for (const std::string &name : checkpoint.others)
    printNote(errors, "'" + name + "' is no tensor and is left out");
  return kExitSuccess;
}

/// By its first bytes, and by its name if they are nothing that is known.
bool isCheckpoint(const std::string &path) {
  const FileBytes file = mapFile(path);
  const llvm::StringRef head(reinterpret_cast<const char *>(file.bytes.data()), std::min<size_t>(file.bytes.size(), 8));
  const llvm::StringRef extension = llvm::sys::path::extension(path);
  return torch::looksLikeCheckpoint(file.bytes.first(head.size())) ||
         (head != "\x89HDF\r\n\x1a\n" && (extension == ".pt" || extension == ".pth"));
}

ExitStatus importAny(const ImportOptions &options, llvm::raw_ostream &errors) {
  if (isCheckpoint(options.input))
    return importCheckpoint(options, errors);
  if (options.key.empty())
    return importGraph(options, errors);
  printError(errors, "--key is for checkpoints of PyTorch, and '" + options.input + "' is none");
  return kExitCommandLine;
}

ExitStatus exportGraph(const ExportOptions &options, llvm::raw_ostream &errors) {
  if (!isFile(options.output, errors))
    return kExitCommandLine;
  for (const std::string &file : {options.input, options.weights})
    if (!file.empty() && isSameFile(options.output, file)) {
      printError(errors, "the output '" + options.output + "' is the input; name another file");
      return kExitCommandLine;
    }
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      readText(options.input, {"the text of a model", frontend::limits::kFileBytes});
  if (!buffer) {
    printError(errors, llvm::toString(buffer.takeError()));
    return kExitModelError;
  }
  frontend::FrontendOptions choices;
  choices.defines = options.defines;
  const std::optional<frontend::CheckedModel> model =
      frontend::checkModel((*buffer)->getBuffer(), (*buffer)->getBufferIdentifier(), choices, errors);
  if (!model)
    return kExitModelError;
  std::optional<TensorFile> weights;
  if (!options.weights.empty())
    weights = TensorFile::read(options.weights);
  nir::FromOptions ways;
  ways.path = options.input;
  ways.timeStep = options.timeStep.value_or(nir::kDefaultTimeStep);
  ways.keepResets = options.keepResets;
  const nir::FromModel result = nir::graphOf(*model, weights ? &*weights : nullptr, ways);
  nir::writeHdf5(options.output, nir::treeOf(result.graph));
  for (const std::string &sentence : result.notes)
    printNote(errors, sentence);
  return kExitSuccess;
}

} // namespace

ExitStatus exportModel(const ExportOptions &options, llvm::raw_ostream &errors) {
  PrintableStream printable(errors);
  return guarded(printable, [&] { return exportGraph(options, printable); });
}

ExitStatus importFile(const ImportOptions &options, llvm::raw_ostream &errors) {
  PrintableStream printable(errors);
  return guarded(printable, [&] { return importAny(options, printable); });
}

} // namespace snn
