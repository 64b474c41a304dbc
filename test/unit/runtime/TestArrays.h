// Arrays in memory, and files of arrays, for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_UNIT_RUNTIME_TESTARRAYS_H
#define SNN_TEST_UNIT_RUNTIME_TESTARRAYS_H

#include "runtime/data/ArrayFiles.h"

#include <cstring>
#include <zlib.h>

namespace snn::test {

template <typename Element>
void addArray(ArrayFiles &files, const std::string &name, ElementType type, std::vector<int64_t> shape,
              std::vector<Element> elements) {
  auto owner = std::make_shared<const std::vector<Element>>(std::move(elements));
  files.add(name, [=] {
    return Array{name,
                 type,
                 elementTypeName(type),
                 shape,
                 contiguousStrides(shape, sizeof(Element), /*firstIsFastest=*/false),
                 std::as_bytes(std::span(*owner)),
                 owner};
  });
}

/// A number as the bytes of a file.
template <typename Number> std::string littleEndian(Number number) {
  return {reinterpret_cast<const char *>(&number), sizeof(number)};
}

template <typename Element> std::string bytesOf(const std::vector<Element> &elements) {
  return {reinterpret_cast<const char *>(elements.data()), elements.size() * sizeof(Element)};
}

/// A .npy file with this header.
inline std::string npyWith(const std::string &header, const std::string &data) {
  return "\x93NUMPY\x01" + std::string(1, '\0') + littleEndian(uint16_t(header.size())) + header + data;
}

inline std::string npy(const std::string &type, const std::string &shape, const std::string &data,
                       bool fortran = false) {
  return npyWith("{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape +
                     ", }  \n",
                 data);
}

/// Builds zip files, right ones and wrong ones.
struct ZipMember {
  std::string name, content;
  bool deflated = false, zip64 = false;
  uint64_t claimedBytes = 0; // if not 0: a lie
  uint16_t flags = 0, method = 0;
  uint32_t crcError = 0;
};

inline std::string zipOf(const std::vector<ZipMember> &members, bool zip64End = false) {
  std::string file, list;
  for (const ZipMember &member : members) {
    std::string packed = member.content;
    if (member.deflated) {
      z_stream stream = {};
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
      packed.resize(deflateBound(&stream, uLong(member.content.size())));
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(member.content.data()));
      stream.avail_in = uInt(member.content.size());
      stream.next_out = reinterpret_cast<Bytef *>(packed.data());
      stream.avail_out = uInt(packed.size());
      deflate(&stream, Z_FINISH);
      packed.resize(stream.total_out);
      deflateEnd(&stream);
    }
    const uint64_t bytes = member.claimedBytes ? member.claimedBytes : member.content.size(), at = file.size();
    const auto crc =
        uint32_t(crc32_z(0, reinterpret_cast<const Bytef *>(member.content.data()), member.content.size()));
    auto narrow = [&](uint64_t value) { return littleEndian(member.zip64 ? ~uint32_t{0} : uint32_t(value)); };
    const uint16_t method = member.method ? member.method : member.deflated ? 8 : 0;
    const std::string common = littleEndian(uint16_t(20)) + littleEndian(member.flags) + littleEndian(method) +
                               littleEndian(uint32_t(0)) + littleEndian(uint32_t(crc ^ member.crcError)) +
                               narrow(packed.size()) + narrow(bytes) + littleEndian(uint16_t(member.name.size()));
    std::string extra;
    if (member.zip64)
      extra = littleEndian(uint16_t(1)) + littleEndian(uint16_t(24)) + littleEndian(bytes) +
              littleEndian(uint64_t(packed.size())) + littleEndian(at);
    file += "PK\x03\x04" + common + littleEndian(uint16_t(extra.size())) + member.name + extra + packed;
    list += "PK\x01\x02" + littleEndian(uint16_t(45)) + common + littleEndian(uint16_t(extra.size())) +
            std::string(10, '\0') + narrow(at) + member.name + extra;
  }
  const uint64_t at = file.size(), count = members.size();
  file += list;
  if (zip64End) {
    const uint64_t end = file.size();
    file += "PK\x06\x06" + littleEndian(uint64_t(44)) + std::string(12, '\0') + littleEndian(count) +
            littleEndian(count) + littleEndian(uint64_t(list.size())) + littleEndian(at);
    file += "PK\x06\x07" + littleEndian(uint32_t(0)) + littleEndian(end) + littleEndian(uint32_t(1));
  }
  auto narrow = [&](uint64_t value) { return littleEndian(zip64End ? ~uint32_t{0} : uint32_t(value)); };
  const auto entries = littleEndian(uint16_t(zip64End ? 0xffff : count));
  return file + "PK\x05\x06" + std::string(4, '\0') + entries + entries + narrow(list.size()) + narrow(at) +
         littleEndian(uint16_t(0));
}

} // namespace snn::test

#endif // SNN_TEST_UNIT_RUNTIME_TESTARRAYS_H
