// The zip format (APPNOTE 6.3), as far as arrays need it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Zip.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <zlib.h>

using namespace snn;

namespace {

constexpr uint64_t localSignature = 0x04034b50, entrySignature = 0x02014b50, endSignature = 0x06054b50,
                   end64Signature = 0x06064b50, locatorSignature = 0x07064b50;
constexpr uint64_t localBytes = 30, entryBytes = 46, endBytes = 22, end64Bytes = 56, locatorBytes = 20;
constexpr uint64_t none16 = 0xffff, none32 = 0xffffffff; // "look into the Zip64 field"
constexpr uint64_t stored = 0, deflated = 8;

/// Ends with the scope.
struct Inflater {
  Inflater() {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
      throw MemoryError("there is not enough memory to unpack");
  }
  ~Inflater() { inflateEnd(&stream); }
  z_stream stream = {};
};

} // namespace

void ZipFile::fail(const std::string &what) const {
  throw DataError(fmt::format("{}: is not a valid {}: {}", path, kind, what));
}

/// Little-endian; 0 <= bytes <= 8. Everything that is read from the file passes here.
uint64_t ZipFile::number(uint64_t at, unsigned bytes) const {
  if (at > file.bytes.size() || bytes > file.bytes.size() - at)
    fail(fmt::format("something should be at byte {}, but the file has only {}: it may be cut short", at,
                     file.bytes.size()));
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= uint64_t(file.bytes[at + i]) << 8 * i;
  return value;
}

/// The record at the end, behind which a comment may come.
uint64_t ZipFile::findEnd() const {
  const uint64_t size = file.bytes.size();
  for (uint64_t comment = 0; comment <= none16 && comment + endBytes <= size; ++comment)
    if (uint64_t at = size - endBytes - comment; number(at, 4) == endSignature && number(at + 20, 2) == comment)
      return at;
  fail("it has no list of members at its end: it may be cut short");
}

ZipFile::ZipFile(FileBytes bytes, std::string givenPath, std::string givenKind, bool folders)
    : file(std::move(bytes)), path(std::move(givenPath)), kind(std::move(givenKind)), folders(folders) {
  const uint64_t end = findEnd();
  uint64_t count = number(end + 10, 2), listBytes = number(end + 12, 4), at = number(end + 16, 4), limit = end;
  if (number(end + 4, 2) != number(end + 6, 2))
    fail("it is a part of several");
  if (end >= locatorBytes && number(end - locatorBytes, 4) == locatorSignature) {
    limit = number(end - locatorBytes + 8, 8);
    if (limit > end || number(limit, 4) != end64Signature || end - limit < end64Bytes)
      fail("its Zip64 record is not where it should be");
    count = number(limit + 32, 8);
    listBytes = number(limit + 40, 8);
    at = number(limit + 48, 8);
  }
  if (at > limit || listBytes > limit - at)
    fail(fmt::format("its list of members, {} bytes at {}, lies outside of the file", listBytes, at));
  const uint64_t listEnd = at + listBytes;
  if (count > listBytes / entryBytes)
    fail(fmt::format("its list of {} bytes is too short for {} members", listBytes, count));
  for (uint64_t i = 0; i < count; ++i)
    readEntry(at, listEnd);
  if (at != listEnd)
    fail("its list of members is longer than they are");
}

void ZipFile::readEntry(uint64_t &at, uint64_t end) {
  if (end - at < entryBytes || number(at, 4) != entrySignature)
    fail("its list of members is damaged");
  const uint64_t nameBytes = number(at + 28, 2), extraBytes = number(at + 30, 2), commentBytes = number(at + 32, 2);
  if (end - at - entryBytes < nameBytes + extraBytes + commentBytes)
    fail("its list of members is damaged");
  const auto *text = reinterpret_cast<const char *>(file.bytes.data() + at + entryBytes);
  std::string name(text, nameBytes);
  Member member = {number(at + 10, 2), number(at + 16, 4), number(at + 20, 4), number(at + 24, 4), number(at + 42, 4)};
  if (number(at + 8, 2) & 1)
    fail(fmt::format("member \"{}\" is encrypted", name));
  for (uint64_t field = at + entryBytes + nameBytes, last = field + extraBytes; field + 4 <= last;) {
    const uint64_t bytes = number(field + 2, 2);
    if (bytes > last - field - 4)
      fail(fmt::format("the entry of member \"{}\" is damaged", name));
    uint64_t place = field + 4;
    if (number(field, 2) == 1) // Zip64: what did not fit above, in this order
      for (uint64_t *value : {&member.bytes, &member.packedBytes, &member.at})
        if (*value == none32) {
          if (field + 4 + bytes - place < 8)
            fail(fmt::format("the entry of member \"{}\" is damaged", name));
          *value = number(place, 8);
          place += 8;
        }
    field += 4 + bytes;
  }
  if (name.empty() || (!folders && name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos))
    fail("a member has a name that is a path, expected the name of an array");
  if (member.method != stored && member.method != deflated)
    fail(fmt::format("member \"{}\" is packed by method {}, expected 0 (stored) or 8 (deflated)", name, member.method));
  if (!list.emplace(name, member).second)
    fail(fmt::format("member \"{}\" is there twice", name));
  at += entryBytes + nameBytes + extraBytes + commentBytes;
}

FileBytes ZipFile::read(const std::string &name) const {
  const Member &member = list.at(name);
  if (number(member.at, 4) != localSignature)
    fail(fmt::format("member \"{}\" is not where the list says", name));
  const uint64_t start = member.at + localBytes + number(member.at + 26, 2) + number(member.at + 28, 2);
  if (start > file.bytes.size() || member.packedBytes > file.bytes.size() - start)
    fail(fmt::format("member \"{}\" has {} bytes, more than the file: it may be cut short", name, member.packedBytes));
  std::span<const std::byte> packed = file.bytes.subspan(start, member.packedBytes);
  auto check = [&](std::span<const std::byte> bytes) {
    if (bytes.size() != member.bytes)
      fail(fmt::format("member \"{}\" has {} bytes, expected {}", name, bytes.size(), member.bytes));
    if (crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()) != member.crc)
      fail(fmt::format("member \"{}\" is damaged: its checksum differs", name));
  };
  if (member.method == stored) {
    check(packed);
    return {packed, file.owner};
  }

  // What deflate cannot have packed is refused at once; and memory is only reserved, not touched, before data comes.
  constexpr uint64_t mostPerByte = 1032;
  if (member.bytes / mostPerByte > member.packedBytes)
    fail(
        fmt::format("member \"{}\" has {} bytes, too many for {} packed ones", name, member.bytes, member.packedBytes));
  std::shared_ptr<std::byte[]> content;
  try {
    content = std::make_shared_for_overwrite<std::byte[]>(member.bytes + 1); // one more shows that there is more
  } catch (const std::exception &) {
    throw MemoryError(
        fmt::format("{}: member \"{}\" has {} bytes, for which there is not enough memory", path, name, member.bytes));
  }
  Inflater inflater;
  z_stream &stream = inflater.stream;
  uint64_t taken = 0, given = 0;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    constexpr uint64_t most = std::numeric_limits<uInt>::max();
    const uInt in = uInt(std::min(most, packed.size() - taken)), out = uInt(std::min(most, member.bytes + 1 - given));
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(packed.data() + taken));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef *>(content.get() + given);
    stream.avail_out = out;
    code = inflate(&stream, Z_NO_FLUSH);
    taken += in - stream.avail_in;
    given += out - stream.avail_out;
    if (code != Z_OK && code != Z_STREAM_END)
      fail(fmt::format("member \"{}\" is damaged or longer than the list says: {}", name,
                       stream.msg ? stream.msg : "the packed data does not end where it should"));
  }
  check({content.get(), given});
  return {{content.get(), given}, content};
}
