// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Result files.

#include "compiler/Driver/Output.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <utility>

using namespace llvm;

namespace snn {

std::string stemOf(const CompileOptions &options) {
  if (options.input == "-")
    return "model";
  StringRef name = sys::path::filename(options.input);
  if (options.from && name.consume_back(describe(*options.from).extension))
    return name.str();
  return sys::path::stem(name).str();
}

std::string outputPath(const CompileOptions &options, Stage stage) {
  const std::string extension = describe(stage).extension.str();
  if (!options.output)
    return stemOf(options) + extension;
  const std::string &output = *options.output;
  if (output == "-")
    return output;
  if (StringRef(output).ends_with("/") || sys::fs::is_directory(output)) {
    SmallString<128> path(output);
    sys::path::append(path, stemOf(options) + extension);
    return path.str().str();
  }
  if (options.emit.size() == 1)
    return output;
  // A name that is that of one of them is the stem of all: model.o with a header.
  for (Stage other : options.emit)
    if (StringRef stem = output; stem.consume_back(describe(other).extension) && !sys::path::filename(stem).empty())
      return (stem + extension).str();
  return output + extension;
}

std::string dependencyRule(ArrayRef<std::string> results, ArrayRef<std::string> sources) {
  std::string text;
  auto add = [&](StringRef path) {
    for (char c : path) {
      if (c == ' ' || c == '#')
        text += '\\';
      else if (c == '$')
        text += '$';
      text += c;
    }
  };
  for (const std::string &result : results) {
    text += text.empty() ? "" : " ";
    add(result);
  }
  text += ':';
  for (const std::string &source : sources) {
    text += " \\\n  ";
    add(source);
  }
  return text + '\n';
}

static Error put(raw_fd_ostream &stream, StringRef contents) {
  stream << contents;
  stream.flush();
  const std::error_code code = stream.error();
  stream.clear_error();
  return errorCodeToError(code);
}

Expected<PendingOutput> PendingOutput::write(StringRef path, StringRef contents) {
  PendingOutput output(path);
  sys::fs::file_status status;
  const bool exists = path != "-" && !sys::fs::status(path, status);
  // `keep` would find this too late.
  if (exists && sys::fs::is_directory(status))
    return errorCodeToError(std::make_error_code(std::errc::is_a_directory));
  if (path == "-" || (exists && status.type() != sys::fs::file_type::regular_file)) {
    output.contents = contents.str();
    return output;
  }
  Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(path + ".%%%%%%.tmp");
  if (!file)
    return file.takeError();
  raw_fd_ostream stream(file->FD, /*shouldClose=*/false);
  if (Error error = put(stream, contents))
    return joinErrors(std::move(error), file->discard());
  output.file = std::move(*file);
  return output;
}

Error PendingOutput::keep() {
  if (file)
    return std::exchange(file, std::nullopt)->keep(path);
  if (path == "-")
    return put(outs(), contents);
  std::error_code code;
  raw_fd_ostream stream(path, code, sys::fs::OF_None);
  return code ? errorCodeToError(code) : put(stream, contents);
}

PendingOutput::~PendingOutput() {
  if (file)
    consumeError(file->discard());
}

Error writeOutput(StringRef path, StringRef contents) {
  Expected<PendingOutput> output = PendingOutput::write(path, contents);
  return output ? output->keep() : output.takeError();
}

} // namespace snn
