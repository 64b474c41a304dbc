// Reading .npy files. What stands in the header is Python, of which only what NumPy itself writes is understood.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Npy.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

using namespace snn;

namespace {

constexpr size_t largestRank = 32; // NumPy's own, before its version 2

class Header {
public:
  Header(std::string_view text, const std::string &label) : rest(text), label(label) {}

  void parse() {
    expect('{');
    while (!take('}')) {
      std::string key = string();
      expect(':');
      if (key == "descr" && !descr)
        descr = type();
      else if (key == "fortran_order" && !fortranOrder)
        fortranOrder = truth();
      else if (key == "shape" && !shape)
        shape = extents();
      else
        fail(fmt::format("the header has \"{}\", expected descr, fortran_order and shape, each once", key));
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skipSpace();
    if (!rest.empty())
      fail("the header goes on after its dictionary");
    if (!descr || !fortranOrder || !shape)
      fail("the header lacks descr, fortran_order or shape");
  }

  [[noreturn]] void fail(const std::string &what) const {
    throw DataError(fmt::format("{}: is not a valid .npy file: {}", label, what));
  }

  std::optional<std::string> descr;
  std::optional<bool> fortranOrder;
  std::optional<std::vector<int64_t>> shape;

private:
  void skipSpace() { rest.remove_prefix(std::min(rest.find_first_not_of(" \n\t"), rest.size())); }
  bool take(char wanted) {
    skipSpace();
    if (rest.empty() || rest.front() != wanted)
      return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted))
      fail(rest.empty()
               ? fmt::format("the header ends where '{}' was expected", wanted)
               : fmt::format("the header has byte 0x{:02x} where '{}' was expected", uint8_t(rest.front()), wanted));
  }
  std::string string() {
    skipSpace();
    const char quote = rest.empty() ? '\0' : rest.front();
    const size_t end = quote == '\'' || quote == '"' ? rest.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos)
      fail("the header has something else where a text in quotes was expected");
    std::string text(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    return text;
  }
  std::string type() {
    skipSpace();
    if (rest.starts_with('['))
      throw DataError(label + ": has records of several fields, expected an array of numbers");
    return string();
  }
  bool truth() {
    skipSpace();
    for (std::string_view word : {"True", "False"})
      if (rest.starts_with(word)) {
        rest.remove_prefix(word.size());
        return word == "True";
      }
    fail("the header has something else where True or False was expected");
  }
  std::vector<int64_t> extents() {
    std::vector<int64_t> list;
    expect('(');
    while (!take(')')) {
      skipSpace();
      const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
      if (digits == 0 || digits > 18)
        fail("the shape has something else than numbers of 1 to 18 digits");
      list.push_back(std::stoll(std::string(rest.substr(0, digits))));
      rest.remove_prefix(digits);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    if (list.size() > largestRank)
      fail(fmt::format("it has {} dimensions, expected at most {}", list.size(), largestRank));
    return list;
  }

  std::string_view rest;
  const std::string &label;
};

struct TypeRow {
  std::string_view name;
  ElementType type;
};
constexpr TypeRow types[] = {{"b1", ElementType::Bool}, {"u1", ElementType::U8},  {"i1", ElementType::I8},
                             {"u2", ElementType::U16},  {"i2", ElementType::I16}, {"u4", ElementType::U32},
                             {"i4", ElementType::I32},  {"u8", ElementType::U64}, {"i8", ElementType::I64},
                             {"f4", ElementType::F32},  {"f8", ElementType::F64}};

ElementType typeOf(std::string_view descr) {
  if (descr.size() != 3)
    return ElementType::Other;
  for (const TypeRow &row : types)
    if (descr.substr(1) == row.name && (descr[0] == '<' || (descr[0] == '|' && elementBytes(row.type) == 1)))
      return row.type;
  return ElementType::Other;
}

} // namespace

Array snn::parseNpy(const FileBytes &file, const std::string &label) {
  const std::string_view text(reinterpret_cast<const char *>(file.bytes.data()), file.bytes.size());
  constexpr std::string_view magic = "\x93NUMPY";
  auto fail = [&](const std::string &what) {
    throw DataError(fmt::format("{}: is not a valid .npy file: {}", label, what));
  };
  if (!text.starts_with(magic) || text.size() < 10)
    fail("it does not start as one");
  const uint8_t version = uint8_t(text[6]);
  if (version < 1 || version > 3 || text[7] != 0)
    fail(fmt::format("it has version {}.{}, expected 1.0, 2.0 or 3.0", version, uint8_t(text[7])));
  const size_t lengthBytes = version == 1 ? 2 : 4, start = 8 + lengthBytes;
  uint64_t length = 0;
  for (size_t i = 0; i < lengthBytes && 8 + i < text.size(); ++i)
    length |= uint64_t(uint8_t(text[8 + i])) << 8 * i;
  if (text.size() < start || length > text.size() - start)
    fail(fmt::format("the length of the header is {}, but the file has only {} bytes", length, text.size()));
  Header header(text.substr(start, length), label);
  header.parse();

  Array array;
  array.label = label;
  array.typeName = *header.descr;
  array.type = typeOf(array.typeName);
  array.shape = *header.shape;
  array.owner = file.owner;
  array.bytes = file.bytes.subspan(start + length);
  if (array.type == ElementType::Other)
    throw DataError(fmt::format("{}: has elements of type \"{}\"{}, expected f4, f8, u1, b1 or integers, little-endian",
                                label, array.typeName,
                                array.typeName.starts_with('>') ? ", the bytes in the order of another machine" : ""));
  uint64_t expected = elementBytes(array.type);
  for (int64_t extent : array.shape)
    if (__builtin_mul_overflow(expected, uint64_t(extent), &expected))
      fail(fmt::format("an array of shape {} does not fit into memory", shapeText(array.shape)));
  if (expected != array.bytes.size())
    fail(fmt::format("it has {} bytes of data, expected {} for {} {}{}", array.bytes.size(), expected, array.typeName,
                     shapeText(array.shape), array.bytes.size() < expected ? ": it may be cut short" : ""));
  array.strides = contiguousStrides(array.shape, elementBytes(array.type), *header.fortranOrder);
  return array;
}
