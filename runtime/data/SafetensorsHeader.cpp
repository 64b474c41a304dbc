// A state machine over nlohmann's SAX events.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/SafetensorsHeader.h"
#include "runtime/data/Errors.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

using namespace snn;

namespace {

class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
public:
  HeaderReader(SafetensorsHeader &header, const std::string &path) : header(header), path(path) {}

  bool start_object(std::size_t) override {
    switch (place) {
    case Place::Start:
      place = Place::Top;
      return true;
    case Place::TopValue:
      place = currentName == "__metadata__" ? Place::Metadata : Place::Entry;
      fields.clear();
      if (place == Place::Entry)
        header.entries.push_back({currentName, {}, {}, {}});
      return true;
    default:
      unexpected("an object");
    }
  }

  bool key(string_t &name) override {
    if (place == Place::Top) {
      if (!names.insert(name).second)
        fail(fmt::format("tensor \"{}\" is there twice", name));
      currentName = name;
      place = Place::TopValue;
      return true;
    }
    if (!fields.insert(name).second)
      fail(fmt::format("\"{}\" of \"{}\" is there twice", name, currentName));
    currentField = name;
    if (place == Place::Metadata)
      place = Place::MetadataValue;
    else if (name == "dtype")
      place = Place::Dtype;
    else if (name == "shape" || name == "data_offsets")
      place = Place::List;
    else
      fail(fmt::format("tensor \"{}\" has the unknown field \"{}\", expected dtype, shape and data_offsets",
                       currentName, name));
    return true;
  }

  bool end_object() override {
    if (place == Place::Entry) {
      const HeaderEntry &entry = header.entries.back();
      if (!entry.hasDtype || !entry.hasShape || !entry.hasOffsets)
        fail(fmt::format("tensor \"{}\" lacks dtype, shape or data_offsets", currentName));
    }
    place = place == Place::Top ? Place::End : Place::Top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place != Place::List)
      unexpected("a list");
    place = Place::ListElement;
    return true;
  }

  bool end_array() override {
    (currentField == "shape" ? header.entries.back().hasShape : header.entries.back().hasOffsets) = true;
    place = Place::Entry;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place != Place::ListElement)
      unexpected("a number");
    (currentField == "shape" ? header.entries.back().shape : header.entries.back().offsets).push_back(value);
    return true;
  }

  bool string(string_t &value) override {
    if (place == Place::MetadataValue) {
      header.metadata[currentField] = value;
      place = Place::Metadata;
    } else if (place == Place::Dtype) {
      header.entries.back().dtype = value;
      header.entries.back().hasDtype = true;
      place = Place::Entry;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t &) override { unexpected("a number that is no integer"); }
  bool binary(binary_t &) override { unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string &, const nlohmann::detail::exception &error) override {
    fail(fmt::format("not valid JSON at byte {} of the header: {}", position, error.what()));
  }

private:
  enum class Place { Start, Top, TopValue, Entry, Dtype, List, ListElement, Metadata, MetadataValue, End };

  [[noreturn]] void fail(const std::string &what) const {
    throw DataError(fmt::format("{}: is not a valid safetensors file: {}", path, what));
  }
  [[noreturn]] void unexpected(const char *what) const {
    fail(currentName.empty() ? fmt::format("the header has {} where an object was expected", what)
                             : fmt::format("\"{}\" has {} where something else was expected{}", currentName, what,
                                           currentField.empty() ? "" : " (after \"" + currentField + "\")"));
  }

  SafetensorsHeader &header;
  const std::string &path;
  Place place = Place::Start;
  std::string currentName, currentField;
  std::set<std::string> names, fields;
};

} // namespace

SafetensorsHeader snn::parseSafetensorsHeader(std::string_view text, const std::string &path) {
  SafetensorsHeader header;
  HeaderReader reader(header, path);
  auto fail = [&](const std::string &what) {
    throw DataError(fmt::format("{}: is not a valid safetensors file: {}", path, what));
  };
  // The JSON reader takes a zero byte for the end of the text.
  if (size_t zero = text.find('\0'); zero != std::string_view::npos)
    fail(fmt::format("byte {} of the header is zero", zero));
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  // It also skips more than spaces, with which alone the format pads.
  size_t end = text.find_last_not_of(' ');
  if (text[end] != '}')
    fail(fmt::format("byte {} of the header is 0x{:02x}, expected spaces only after the last '}}'", end,
                     uint8_t(text[end])));
  return header;
}
