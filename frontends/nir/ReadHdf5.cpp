// Reading over the C library: every object is looked at before its content is.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Elements.h"
#include "frontends/nir/Hdf5.h"
#include "frontends/nir/Hdf5Handle.h"
#include "frontends/nir/TextHeap.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"
#include "runtime/data/Safetensors.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <optional>
#include <set>

using namespace snn;
using namespace snn::nir;

namespace {

constexpr unsigned mostLevels = 32;
constexpr size_t mostObjects = size_t(1) << 16;
constexpr uint64_t mostElements = uint64_t(1) << 31;
constexpr uint64_t mostPieces = uint64_t(1) << 16;
constexpr uint64_t mostUnpacked = uint64_t(1) << 30, mostGrowth = 100; // together, so that few bytes stay few
constexpr uint64_t mostPerByte = 1032;                                 // what a byte of deflate can stand for
constexpr size_t mostText = size_t(1) << 20;                           // of a text of fixed length

class Reader {
public:
  Reader(const std::string &path, std::span<const std::byte> file)
      : path(path), file(file), budget(mostUnpacked + mostGrowth * file.size()) {}

  void readGroup(hid_t group, const std::string &place, unsigned level, Group &to);

private:
  [[noreturn]] void fail(const std::string &place, const std::string &what) const {
    throw DataError(fmt::format("{}: {} {}", path, place.empty() ? "/" : place, what));
  }
  [[noreturn]] void damaged(const std::string &place) const {
    fail(place, fmt::format("cannot be read, the file may be damaged: {}", lastError()));
  }
  template <typename Number> Number known(Number result, const std::string &place) const {
    if (result < 0)
      damaged(place);
    return result;
  }

  void readLink(hid_t group, const std::string &name, const std::string &place, unsigned level, Group &to);
  Value readValue(hid_t set, const std::string &place);
  void checkStorage(hid_t set, uint64_t elements, uint64_t elementBytes, const std::string &place);
  void checkFilters(hid_t properties, const std::string &place) const;
  std::span<const std::byte> part(uint64_t at, uint64_t bytes, const std::string &place) const;
  std::span<const std::byte> onePiece(hid_t set, uint64_t bytes, const std::string &place) const;
  std::vector<std::byte> readBytes(hid_t set, uint64_t bytes, const std::string &place) const;
  std::vector<std::string> readTexts(hid_t set, hid_t type, uint64_t count, const std::string &place) const;

  const std::string &path;
  std::span<const std::byte> file;
  uint64_t budget; ///< bytes that content may still have
  std::set<haddr_t> seen;
};

void Reader::readGroup(hid_t group, const std::string &place, unsigned level, Group &to) {
  if (level > mostLevels)
    fail(place, fmt::format("nests more than {} groups", mostLevels));
  std::vector<std::string> names;
  auto collect = [](hid_t, const char *name, const H5L_info_t *, void *list) -> herr_t {
    auto &names = *static_cast<std::vector<std::string> *>(list);
    names.push_back(name);
    return names.size() > mostObjects ? -1 : 0;
  };
  hsize_t at = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, collect, &names) < 0) {
    if (names.size() > mostObjects)
      fail(place, fmt::format("holds more than {} objects", mostObjects));
    damaged(place);
  }
  for (const std::string &name : names)
    readLink(group, name, place + "/" + name, level, to);
}

void Reader::readLink(hid_t group, const std::string &name, const std::string &place, unsigned level, Group &to) {
  H5L_info_t link;
  known(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT), place);
  if (link.type == H5L_TYPE_SOFT)
    fail(place, "is a soft link, which no NIR file needs: links are refused");
  if (link.type != H5L_TYPE_HARD)
    fail(place, "is a link out of the file, which is refused: whatever the file says would be opened");
  H5O_info_t info;
  known(H5Oget_info_by_name1(group, name.c_str(), &info, H5P_DEFAULT), place);
  if (!seen.insert(info.addr).second)
    fail(place, "is an object that stands in the file under another name too, which is refused");
  if (seen.size() > mostObjects)
    fail(place, fmt::format("is one of more than {} objects", mostObjects));
  if (info.type == H5O_TYPE_GROUP) {
    Handle child(H5Gopen2(group, name.c_str(), H5P_DEFAULT), H5Gclose);
    known(child.get(), place);
    return readGroup(child.get(), place, level + 1, to.groups[name]);
  }
  if (info.type != H5O_TYPE_DATASET)
    fail(place, "is neither a group nor a data set, which NIR does not have");
  Handle set(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose);
  known(set.get(), place);
  to.values.emplace(name, readValue(set.get(), place));
}

/// The package `nir` packs arrays with deflate unless told otherwise, so that one is taken; it is part of zlib, and
/// what it makes of a byte has a bound. All others would be code from somewhere else, or are rarely tested.
void Reader::checkFilters(hid_t properties, const std::string &place) const {
  const int count = known(H5Pget_nfilters(properties), place);
  for (int i = 0; i < count; ++i) {
    unsigned flags, values[16], config;
    size_t valueCount = std::size(values);
    char name[64] = "";
    const H5Z_filter_t filter =
        H5Pget_filter2(properties, unsigned(i), &flags, &valueCount, values, sizeof(name), name, &config);
    if (filter == H5Z_FILTER_DEFLATE && count == 1)
      continue;
    const std::string called = name[0] ? fmt::format("filter '{}'", std::string(name, strnlen(name, sizeof(name))))
                                       : fmt::format("filter {}", int(filter));
    fail(place, fmt::format("goes through {}; only gzip, alone, is taken: write it with compression=\"gzip\" or None",
                            called));
  }
}

void Reader::checkStorage(hid_t set, uint64_t elements, uint64_t elementBytes, const std::string &place) {
  Handle properties(H5Dget_create_plist(set), H5Pclose);
  known(properties.get(), place);
  const H5D_layout_t layout = H5Pget_layout(properties.get());
  if (layout == H5D_VIRTUAL)
    fail(place, "is a virtual data set, made of those of other files, which is refused");
  known(int(layout), place);
  if (known(H5Pget_external_count(properties.get()), place) != 0)
    fail(place, "has its storage in another file, which is refused");
  checkFilters(properties.get(), place);
  if (elements > mostElements)
    fail(place, fmt::format("has more than {} elements", mostElements));
  const uint64_t bytes = elements * elementBytes;
  if (bytes == 0)
    return;
  if (bytes > budget)
    fail(place, fmt::format("unpacks, with what comes before it, to more than {} MiB and {} times the file",
                            mostUnpacked >> 20, mostGrowth));
  budget -= bytes;
  const uint64_t stored = H5Dget_storage_size(set);
  if (stored > file.size())
    fail(place, fmt::format("says that {} bytes of it are stored, in a file of {}", stored, file.size()));
  if (layout != H5D_CHUNKED) {
    if (stored != bytes)
      fail(place, fmt::format("has {} elements of {} bytes, but {} bytes are stored", elements, elementBytes, stored));
    return;
  }
  hsize_t chunk[H5S_MAX_RANK], extents[H5S_MAX_RANK];
  Handle space(H5Dget_space(set), H5Sclose);
  const int rank = known(H5Pget_chunk(properties.get(), H5S_MAX_RANK, chunk), place);
  if (known(H5Sget_simple_extent_dims(space.get(), extents, nullptr), place) != rank)
    damaged(place);
  // Each factor is below 2^32, and so is each product that is gone on with.
  uint64_t perChunk = elementBytes, chunks = 1;
  for (int i = 0; i < rank; ++i) {
    perChunk *= std::max<uint64_t>(chunk[i], 1);
    chunks *= (extents[i] + chunk[i] - 1) / std::max<uint64_t>(chunk[i], 1);
    if (perChunk > mostElements || chunks > mostPieces)
      fail(place, "is stored in pieces that are too large or too many");
  }
  hsize_t there = 0;
  known(H5Dget_num_chunks(set, space.get(), &there), place);
  if (there != chunks)
    fail(place,
         fmt::format("has {} of the {} pieces that it is stored in: it was not written to its end", there, chunks));
  if (chunks * perChunk / mostPerByte > stored)
    fail(place, fmt::format("says that {} bytes make {} in pieces of {}, more than gzip can have packed", stored, bytes,
                            perChunk));
}

std::span<const std::byte> Reader::part(uint64_t at, uint64_t bytes, const std::string &place) const {
  if (at > file.size() || bytes > file.size() - at)
    fail(place, "is not in the file where it says, the file may be cut short or damaged");
  return file.subspan(at, bytes);
}

/// Content that is stored in one piece.
std::span<const std::byte> Reader::onePiece(hid_t set, uint64_t bytes, const std::string &place) const {
  const haddr_t at = H5Dget_offset(set);
  if (at == HADDR_UNDEF)
    fail(place, "is stored in a way that NIR files do not have, neither in one piece nor in equal ones");
  return part(at, bytes, place);
}

/// The library has said where content lies, and is not asked for it: it takes a piece that unpacks to less than it
/// should for a whole one.
std::vector<std::byte> Reader::readBytes(hid_t set, uint64_t bytes, const std::string &place) const {
  Handle properties(H5Dget_create_plist(set), H5Pclose), space(H5Dget_space(set), H5Sclose);
  if (H5Pget_layout(properties.get()) != H5D_CHUNKED) {
    const std::span<const std::byte> content = onePiece(set, bytes, place);
    return {content.begin(), content.end()};
  }
  hsize_t chunk[H5S_MAX_RANK], extents[H5S_MAX_RANK], at[H5S_MAX_RANK], count = 0;
  const int rank = known(H5Pget_chunk(properties.get(), H5S_MAX_RANK, chunk), place);
  known(H5Sget_simple_extent_dims(space.get(), extents, nullptr), place);
  known(H5Dget_num_chunks(set, space.get(), &count), place);
  uint64_t elements = 1, perChunk = 1;
  for (int i = 0; i < rank; ++i) {
    elements *= extents[i];
    perChunk *= chunk[i];
  }
  const size_t elementBytes = bytes / elements;
  const std::vector<uint64_t> window(chunk, chunk + rank), array(extents, extents + rank);
  const bool packed = known(H5Pget_nfilters(properties.get()), place) != 0;
  std::vector<std::byte> result(bytes);
  std::set<std::vector<uint64_t>> placed;
  for (hsize_t i = 0; i < count; ++i) {
    unsigned skipped = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t stored = 0;
    known(H5Dget_chunk_info(set, space.get(), i, at, &skipped, &address, &stored), place);
    std::span<const std::byte> content = part(address, stored, place);
    std::vector<std::byte> unpacked;
    if (packed && !(skipped & 1))
      content = unpacked = inflateExactly(content, perChunk * elementBytes);
    const std::vector<uint64_t> first(at, at + rank);
    bool isPlaced = content.size() == perChunk * elementBytes && placed.insert(first).second;
    for (int axis = 0; axis < rank; ++axis)
      isPlaced &= first[size_t(axis)] < extents[axis] && first[size_t(axis)] % chunk[axis] == 0;
    if (!isPlaced)
      fail(place, fmt::format("has a piece at {} that does not unpack to what it should be, the file may be damaged",
                              shapeText(std::vector<int64_t>(first.begin(), first.end()))));
    placePiece(content, window, first, array, elementBytes, result);
  }
  return result;
}

std::vector<std::string> Reader::readTexts(hid_t set, hid_t type, uint64_t count, const std::string &place) const {
  if (known(H5Tis_variable_str(type), place)) {
    const std::span<const std::byte> references = onePiece(set, count * kTextReferenceBytes, place);
    std::optional<std::vector<std::string>> texts = readTextHeap(file, references);
    if (!texts)
      fail(place, "has texts that are not in the file where it says, the file may be damaged");
    return *texts;
  }
  const size_t width = H5Tget_size(type);
  const std::vector<std::byte> bytes = readBytes(set, count * width, place);
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < count; ++i) {
    const auto *begin = reinterpret_cast<const char *>(bytes.data() + i * width);
    texts.emplace_back(begin, strnlen(begin, width));
  }
  return texts;
}

/// Of numbers as machines have them; a file can describe any other layout of bits too, which nobody needs.
std::optional<ElementLayout> layoutOf(hid_t type) {
  using Kind = ElementLayout::Kind;
  const std::pair<hid_t, ElementLayout> known[] = {
      {H5T_IEEE_F32LE, {Kind::Real, 4, false}},    {H5T_IEEE_F32BE, {Kind::Real, 4, true}},
      {H5T_IEEE_F64LE, {Kind::Real, 8, false}},    {H5T_IEEE_F64BE, {Kind::Real, 8, true}},
      {H5T_STD_I8LE, {Kind::Signed, 1, false}},    {H5T_STD_U8LE, {Kind::Unsigned, 1, false}},
      {H5T_STD_I16LE, {Kind::Signed, 2, false}},   {H5T_STD_I16BE, {Kind::Signed, 2, true}},
      {H5T_STD_U16LE, {Kind::Unsigned, 2, false}}, {H5T_STD_U16BE, {Kind::Unsigned, 2, true}},
      {H5T_STD_I32LE, {Kind::Signed, 4, false}},   {H5T_STD_I32BE, {Kind::Signed, 4, true}},
      {H5T_STD_U32LE, {Kind::Unsigned, 4, false}}, {H5T_STD_U32BE, {Kind::Unsigned, 4, true}},
      {H5T_STD_I64LE, {Kind::Signed, 8, false}},   {H5T_STD_I64BE, {Kind::Signed, 8, true}},
      {H5T_STD_U64LE, {Kind::Unsigned, 8, false}}, {H5T_STD_U64BE, {Kind::Unsigned, 8, true}}};
  for (const auto &[other, layout] : known)
    if (H5Tequal(type, other) > 0)
      return layout;
  return std::nullopt;
}

Value Reader::readValue(hid_t set, const std::string &place) {
  Handle type(H5Dget_type(set), H5Tclose), space(H5Dget_space(set), H5Sclose);
  known(type.get(), place);
  known(space.get(), place);
  Value value;
  const H5S_class_t extent = H5Sget_simple_extent_type(space.get());
  hsize_t extents[H5S_MAX_RANK];
  const int rank = extent == H5S_NULL ? 0 : known(H5Sget_simple_extent_dims(space.get(), extents, nullptr), place);
  uint64_t elements = extent == H5S_NULL ? 0 : 1;
  for (int i = 0; i < rank; ++i) {
    if (extents[i] > mostElements)
      fail(place, fmt::format("has an extent of {}, at most {} are taken", extents[i], mostElements));
    value.shape.push_back(int64_t(extents[i]));
    elements = std::min<uint64_t>(elements * extents[i], mostElements + 1); // below 2^63
  }
  // Of a text of any length a length and a place in the file's heap are stored.
  const bool anyLength = H5Tdetect_class(type.get(), H5T_STRING) > 0 && H5Tis_variable_str(type.get()) > 0;
  const size_t elementBytes = anyLength ? kTextReferenceBytes : H5Tget_size(type.get());
  if (elementBytes == 0 || elementBytes > mostText)
    damaged(place);
  checkStorage(set, elements, elementBytes, place);

  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind == H5T_STRING) {
    value.kind = Value::Kind::Text;
    if (elements > mostObjects)
      fail(place, fmt::format("has {} texts, at most {} are taken", elements, mostObjects));
    if (elements != 0)
      value.texts = readTexts(set, type.get(), elements, place);
    return value;
  }
  const std::optional<ElementLayout> layout = layoutOf(type.get());
  if (!layout || extent == H5S_NULL) {
    value.kind = Value::Kind::Other;
    return value;
  }
  value.kind = layout->kind != ElementLayout::Kind::Real ? Value::Kind::Integer
               : layout->bytes == 8                      ? Value::Kind::Double
                                                         : Value::Kind::Single;
  if (elements == 0)
    return value;
  try {
    value.numbers = decode(readBytes(set, elements * elementBytes, place), *layout);
  } catch (const std::bad_alloc &) {
    throw MemoryError(
        fmt::format("{}: {} has {} elements, for which there is not enough memory", path, place, elements));
  }
  return value;
}

} // namespace

Value nir::scalar(double number) {
  Value value;
  value.numbers = {number};
  return value;
}

Value nir::scalar(std::string text) {
  Value value;
  value.kind = Value::Kind::Text;
  value.texts = {std::move(text)};
  return value;
}

Group nir::readHdf5(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  constexpr unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  auto beginsAt = [&](size_t at) {
    return bytes.size() >= at + sizeof(signature) && std::memcmp(bytes.data() + at, signature, sizeof(signature)) == 0;
  };
  // Before the file there may be something of its user, of 512 bytes or a power of two times that.
  size_t start = 0;
  while (!beginsAt(start) && start < bytes.size())
    start = start == 0 ? 512 : 2 * start;
  if (!beginsAt(start))
    throw DataError(fmt::format("{}: is no HDF5 file, which a .nir file is", path));
  bytes.erase(bytes.begin(), bytes.begin() + ptrdiff_t(start)); // addresses count from there
  prepareLibrary();
  // The library gets the bytes, and no path: it has nothing that it could open.
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (!access || H5Pset_fapl_core(access.get(), size_t(1) << 16, /*backing_store=*/false) < 0 ||
      H5Pset_file_image(access.get(), bytes.data(), bytes.size()) < 0)
    throw MemoryError(fmt::format("{}: has {} bytes, for which there is not enough memory", path, bytes.size()));
  Handle file(H5Fopen("image", H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!file)
    throw DataError(fmt::format("{}: is cut short or damaged: {}", path, lastError()));
  Handle top(H5Gopen2(file.get(), "/", H5P_DEFAULT), H5Gclose);
  if (!top)
    throw DataError(fmt::format("{}: is cut short or damaged: {}", path, lastError()));
  Group root;
  // What is read here and not by the library.
  Handle creation(H5Fget_create_plist(file.get()), H5Pclose);
  size_t addressBytes = 0, sizeBytes = 0;
  if (H5Pget_sizes(creation.get(), &addressBytes, &sizeBytes) < 0 || addressBytes != 8 || sizeBytes != 8)
    throw DataError(
        fmt::format("{}: has addresses of {} bytes and sizes of {}, expected 8", path, addressBytes, sizeBytes));
  Reader(path, bytes).readGroup(top.get(), "", 0, root);
  return root;
}
