// Which files hold which arrays.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/ArrayFiles.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Idx.h"
#include "runtime/data/Npy.h"
#include "runtime/data/Zip.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace snn;
namespace fs = std::filesystem;

namespace {

std::string labelOf(const std::string &path, const std::string &name) {
  return fmt::format("{}: array \"{}\"", path, name);
}

void addSafetensors(ArrayFiles &files, const std::string &path) {
  auto file = std::make_shared<const TensorFile>(TensorFile::parse(mapFile(path), path));
  for (const auto &[name, tensor] : file->tensors())
    files.add(name, [file, name = name, &tensor = tensor] {
      const uint64_t bytes = tensor.elements() == 0 ? 0 : tensor.bytes.size() / tensor.elements();
      return Array{labelOf(file->path(), name),
                   tensor.type,
                   tensor.typeName,
                   tensor.shape,
                   contiguousStrides(tensor.shape, bytes, /*firstIsFastest=*/false),
                   tensor.bytes,
                   file->owner()};
    });
}

void addNpz(ArrayFiles &files, const std::string &path) {
  auto zip = std::make_shared<const ZipFile>(mapFile(path), path);
  for (const auto &[member, unused] : zip->members()) {
    const std::string name = member.ends_with(".npy") ? member.substr(0, member.size() - 4) : member;
    files.add(name, [zip, path, member = member, name] { return parseNpy(zip->read(member), labelOf(path, name)); });
  }
}

void addNpy(ArrayFiles &files, const fs::path &path) {
  files.add(path.stem().string(), [path = path.string()] { return parseNpy(mapFile(path), path); });
}

std::string findIdx(const std::string &folder, const std::string &name) {
  std::error_code error;
  for (const char *ending : {".gz", ""}) {
    std::string path = (fs::path(folder) / (name + ending)).string();
    if (fs::exists(path, error))
      return path;
  }
  throw DataError(fmt::format("{}: has no file {}.gz or {}, and no .npy files; install the package "
                              "dataset-fashion-mnist or name other data with --data",
                              folder, name, name));
}

void addIdx(ArrayFiles &files, const std::string &folder, const std::string &name, const std::string &file,
            unsigned rank) {
  files.add(name, [=] {
    const std::string path = findIdx(folder, file);
    auto idx = std::make_shared<const IdxArray>(readIdx(path, rank));
    return Array{path,
                 ElementType::U8,
                 "U8",
                 idx->shape,
                 contiguousStrides(idx->shape, 1, /*firstIsFastest=*/false),
                 std::as_bytes(std::span(idx->values)),
                 idx};
  });
}

void addFolder(ArrayFiles &files, const std::string &folder) {
  std::vector<fs::path> npy;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".npy")
      npy.push_back(at->path());
  if (error)
    throw DataError(fmt::format("{}: cannot be read: {}", folder, error.message()));
  for (const fs::path &path : npy)
    addNpy(files, path);
  if (!npy.empty())
    return;
  addIdx(files, folder, "train.input", "train-images-idx3-ubyte", 3);
  addIdx(files, folder, "train.labels", "train-labels-idx1-ubyte", 1);
  addIdx(files, folder, "test.input", "t10k-images-idx3-ubyte", 3);
  addIdx(files, folder, "test.labels", "t10k-labels-idx1-ubyte", 1);
}

} // namespace

ArrayFiles::ArrayFiles(std::vector<std::string> paths) : files(std::move(paths)) {
  for (const std::string &path : files)
    addPath(path);
}

void ArrayFiles::addPath(const std::string &path) {
  std::error_code error;
  const std::string ending = fs::path(path).extension().string();
  if (fs::is_directory(path, error))
    addFolder(*this, path);
  else if (ending == ".safetensors")
    addSafetensors(*this, path);
  else if (ending == ".npz")
    addNpz(*this, path);
  else if (ending == ".npy")
    addNpy(*this, path);
  else
    throw DataError(fmt::format("{}: is not a folder, nor a file that ends in .safetensors, .npz or .npy", path));
}

void ArrayFiles::add(const std::string &name, std::function<Array()> load) {
  if (!arrays.emplace(name, std::move(load)).second)
    throw DataError(fmt::format("{}: array \"{}\" is there twice", pathText(), name));
}

std::string ArrayFiles::pathText() const { return fmt::format("{}", fmt::join(files, ", ")); }

std::string ArrayFiles::nameText() const {
  std::vector<std::string> names;
  for (const auto &[name, unused] : arrays)
    names.push_back(name);
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}
