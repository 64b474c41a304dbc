// The archive around the pickle: storages as members, and how tensors look at them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/torch/Checkpoint.h"
#include "frontends/torch/Pickle.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Zip.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

using namespace snn;
using namespace snn::torch;

namespace {

/// Elements that stand for fewer bytes in a file than they take here, and storages that several tensors share, have a
/// limit: a file of some bytes does not become many.
constexpr uint64_t mostGrowth = 64;

struct Storage {
  ElementType type;
  unsigned bytes; ///< of an element in the file
  float (*widen)(uint16_t) = nullptr;
};

float ofHalf(uint16_t half) {
  const uint32_t sign = uint32_t(half >> 15) << 31, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 0) // fraction * 2^-24
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(float(fraction) / float(1 << 24)));
  return std::bit_cast<float>(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}

float ofBrain(uint16_t brain) { return std::bit_cast<float>(uint32_t(brain) << 16); }

Storage storageOf(const std::string &type) {
  if (type == "torch.FloatStorage")
    return {ElementType::F32, 4};
  if (type == "torch.DoubleStorage")
    return {ElementType::F64, 8};
  if (type == "torch.HalfStorage")
    return {ElementType::F32, 2, ofHalf};
  if (type == "torch.BFloat16Storage")
    return {ElementType::F32, 2, ofBrain};
  if (type == "torch.LongStorage")
    return {ElementType::I64, 8};
  if (type == "torch.IntStorage")
    return {ElementType::I32, 4};
  if (type == "torch.ShortStorage")
    return {ElementType::I16, 2};
  if (type == "torch.CharStorage")
    return {ElementType::I8, 1};
  if (type == "torch.ByteStorage")
    return {ElementType::U8, 1};
  return {ElementType::Bool, 1}; // the last one that the pickle may name
}

class Reader {
public:
  Reader(FileBytes file, const std::string &path)
      : path(path), budget(mostGrowth * (file.bytes.size() + (1 << 14))),
        archive(std::move(file), path, "checkpoint of PyTorch", /*folders=*/true) {}

  Checkpoint read(const std::string &key);

private:
  [[noreturn]] void fail(const std::string &what) const { throw DataError(fmt::format("{}: {}", path, what)); }

  std::string findFolder();
  FileBytes unpack(const std::string &member);
  const FileBytes &storageAt(const std::string &member);
  const Object &choose(const Object &root, const std::string &key) const;
  Tensor tensorOf(const TensorView &view, const std::string &name);
  void checkView(const TensorView &view, uint64_t elements, const std::string &name) const;

  const std::string &path;
  uint64_t budget; ///< bytes that may still come out
  ZipFile archive;
  std::string folder; ///< of the archive, with a / at its end
  std::map<std::string, FileBytes> storages;
};

std::string Reader::findFolder() {
  std::string found;
  for (const auto &[name, member] : archive.members()) {
    if (name.ends_with("/constants.pkl"))
      fail("is a program of TorchScript; save the tensors alone: torch.save(model.state_dict(), ...)");
    constexpr std::string_view pickle = "/data.pkl";
    if (!name.ends_with(pickle) || name.find('/') != name.size() - pickle.size())
      continue;
    if (!found.empty())
      fail(fmt::format("has a data.pkl in \"{}\" and in another folder; torch.save writes one", found));
    found = name.substr(0, name.size() - pickle.size() + 1);
  }
  if (found.empty())
    fail("is a zip archive without a data.pkl, which torch.save writes");
  if (archive.members().contains(found + "byteorder")) {
    const FileBytes order = archive.read(found + "byteorder");
    const std::string_view text(reinterpret_cast<const char *>(order.bytes.data()), order.bytes.size());
    if (text != "little")
      fail("its numbers are not little-endian; save it on a machine that is");
  }
  return found;
}

/// Members count as what comes out, also those that are stored, as torch.save does it: many may be the same bytes of
/// the file, all of which are checked.
FileBytes Reader::unpack(const std::string &member) {
  const ZipFile::Member &entry = archive.members().at(member);
  if (entry.bytes > budget)
    fail(fmt::format("its members unpack to more than {} times the bytes of the file", mostGrowth));
  budget -= entry.bytes;
  return archive.read(member);
}

/// Each is checked and unpacked once, however many tensors look at it.
const FileBytes &Reader::storageAt(const std::string &member) {
  const auto known = storages.find(member);
  return known != storages.end() ? known->second : storages.emplace(member, unpack(member)).first->second;
}

std::string_view kindText(Object::Kind kind) {
  return kind == Object::Kind::Dictionary ? "a dictionary" : kind == Object::Kind::Tensor ? "a tensor" : "no tensor";
}

const Object &Reader::choose(const Object &root, const std::string &key) const {
  if (root.kind != Object::Kind::Dictionary)
    fail("holds no dictionary of tensors: save model.state_dict()");
  std::set<std::string_view> dictionaries;
  bool tensors = false;
  for (const auto &[name, value] : root.entries) {
    if (name->kind != Object::Kind::Text)
      continue;
    if (!key.empty() && name->text == key) {
      if (value->kind != Object::Kind::Dictionary)
        fail(fmt::format("'{}' is {}, expected a dictionary of tensors", key, kindText(value->kind)));
      return *value;
    }
    tensors |= value->kind == Object::Kind::Tensor;
    if (value->kind == Object::Kind::Dictionary)
      dictionaries.insert(name->text);
  }
  if (!key.empty())
    fail(fmt::format("has no '{}'; its dictionaries are called '{}'", key, fmt::join(dictionaries, "', '")));
  if (!tensors && !dictionaries.empty())
    fail(fmt::format("holds dictionaries and no tensors; say with --key which one to take, of '{}'",
                     fmt::join(dictionaries, "', '")));
  return root;
}

void Reader::checkView(const TensorView &view, uint64_t elements, const std::string &name) const {
  if (elements == 0)
    return;
  const uint64_t most = uint64_t(view.storageElements);
  uint64_t last = uint64_t(view.offset);
  for (size_t i = 0; i < view.shape.size(); ++i) {
    uint64_t reach = 0;
    if (__builtin_mul_overflow(uint64_t(view.shape[i] - 1), uint64_t(view.strides[i]), &reach) ||
        __builtin_add_overflow(last, reach, &last))
      last = UINT64_MAX;
    if (last >= most)
      break;
  }
  if (last >= most)
    fail(fmt::format("tensor \"{}\" of {} lies outside of its storage of {} elements", name, shapeText(view.shape),
                     most));
  if (elements > most)
    fail(fmt::format("tensor \"{}\" of {} takes elements of its storage of {} more than once; save .contiguous() of it",
                     name, shapeText(view.shape), most));
}

Tensor Reader::tensorOf(const TensorView &view, const std::string &name) {
  const Storage storage = storageOf(view.storageType);
  uint64_t elements = 1;
  for (int64_t extent : view.shape)
    if (__builtin_mul_overflow(elements, uint64_t(extent), &elements) || elements > uint64_t(1) << 48)
      fail(fmt::format("tensor \"{}\" has the extents {}, which are too many elements", name, shapeText(view.shape)));
  checkView(view, elements, name);
  const std::string member = folder + "data/" + view.storageKey;
  if (!archive.members().contains(member))
    fail(fmt::format("tensor \"{}\" has its elements in \"{}\", which is not there", name, member));
  const FileBytes &content = storageAt(member);
  if (content.bytes.size() / storage.bytes < uint64_t(view.storageElements))
    fail(fmt::format("\"{}\" has {} bytes, too few for the {} elements that tensor \"{}\" says", member,
                     content.bytes.size(), view.storageElements, name));
  const uint64_t elementSize = elementBytes(storage.type);
  if (elements * elementSize > budget)
    fail(fmt::format("its tensors have more than {} times the bytes of the file", mostGrowth));
  budget -= elements * elementSize;

  Tensor tensor{storage.type, view.shape, std::vector<std::byte>(elements * elementSize)};
  std::vector<int64_t> index(view.shape.size());
  uint64_t from = uint64_t(view.offset);
  for (uint64_t i = 0; i < elements; ++i) {
    const std::byte *source = content.bytes.data() + from * storage.bytes;
    if (storage.widen) {
      uint16_t narrow;
      std::memcpy(&narrow, source, sizeof(narrow));
      const float wide = storage.widen(narrow);
      std::memcpy(tensor.bytes.data() + i * elementSize, &wide, sizeof(wide));
    } else {
      std::memcpy(tensor.bytes.data() + i * elementSize, source, elementSize);
    }
    for (size_t axis = index.size(); axis-- > 0;) {
      from += uint64_t(view.strides[axis]);
      if (++index[axis] < view.shape[axis])
        break;
      from -= uint64_t(view.strides[axis]) * uint64_t(view.shape[axis]);
      index[axis] = 0;
    }
  }
  return tensor;
}

Checkpoint Reader::read(const std::string &key) {
  folder = findFolder();
  const FileBytes pickle = unpack(folder + "data.pkl");
  const Pickle read = readPickle(pickle.bytes, path);
  Checkpoint checkpoint;
  std::set<std::string_view> names;
  for (const auto &[name, value] : choose(*read.root, key).entries) {
    if (name->kind != Object::Kind::Text)
      fail("a key of the dictionary of tensors is no text");
    if (!names.insert(name->text).second)
      fail(fmt::format("\"{}\" is there twice", name->text));
    if (value->kind != Object::Kind::Tensor)
      checkpoint.others.push_back(name->text);
    else if (name->text == "__metadata__")
      fail("has a tensor called \"__metadata__\", which no tensor of a safetensors file can be");
    else
      checkpoint.tensors.emplace(name->text, tensorOf(value->tensor, name->text));
  }
  if (checkpoint.tensors.empty())
    fail("holds no tensors");
  return checkpoint;
}

} // namespace

bool torch::looksLikeCheckpoint(std::span<const std::byte> head) {
  auto begins = [&](std::string_view magic) {
    return head.size() >= magic.size() && std::memcmp(head.data(), magic.data(), magic.size()) == 0;
  };
  return begins("PK\x03\x04") || begins("PK\x05\x06") || begins("\x80\x02");
}

Checkpoint torch::readCheckpoint(const std::string &path, const std::string &key) {
  FileBytes file = mapFile(path);
  if (file.bytes.size() > 2 && file.bytes[0] == std::byte(0x80))
    throw DataError(
        fmt::format("{}: is a pickle without an archive around it, as PyTorch wrote before 1.6; load it there "
                    "and save it again",
                    path));
  return Reader(std::move(file), path).read(key);
}
