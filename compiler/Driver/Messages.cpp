// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Printable text and coloured messages.

#include "compiler/Driver/Messages.h"

#include "llvm/Support/ConvertUTF.h"
#include <cstdlib>

using namespace llvm;

namespace snn {
namespace {

/// Of characters beyond ASCII: the second set of control characters, and those that reorder the text around them.
bool isPrintable(UTF32 character) {
  return character >= 0xa0 && !(character >= 0x202a && character <= 0x202e) &&
         !(character >= 0x2066 && character <= 0x2069) && character != 0x200e && character != 0x200f &&
         character != 0x61c;
}

void print(raw_ostream &os, raw_ostream::Colors color, StringRef kind, const Twine &message) {
  os << "snnc: ";
  if (os.has_colors())
    os.changeColor(color, /*bold=*/true, /*background=*/false);
  os << kind << ": ";
  if (os.has_colors())
    os.resetColor();
  os << message << '\n';
}

} // namespace

std::string printable(StringRef text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const unsigned char byte = text[i];
    if (byte < 0x80) {
      const bool isControl = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
      result += isControl ? '?' : char(byte);
      ++i;
      continue;
    }
    const auto *from = reinterpret_cast<const UTF8 *>(text.data() + i), *next = from;
    UTF32 character = 0, *to = &character;
    const size_t size = std::min<size_t>(getNumBytesForUTF8(byte), text.size() - i);
    const bool isCharacter = ConvertUTF8toUTF32(&next, from + size, &to, to + 1, strictConversion) == conversionOK;
    if (isCharacter && isPrintable(character))
      result += text.substr(i, size);
    else
      result.append(isCharacter ? size : 1, '?');
    i += isCharacter ? size : 1;
  }
  return result;
}

PrintableStream::PrintableStream(raw_ostream &to) : raw_ostream(/*unbuffered=*/true), to(to) {
  const char *no = std::getenv("NO_COLOR");
  colors = to.has_colors() && !(no && *no);
}

PrintableStream::~PrintableStream() { pass(); }

void PrintableStream::write_impl(const char *data, size_t size) {
  written += size;
  line.append(data, size);
  const size_t end = line.rfind('\n');
  if (end == std::string::npos)
    return;
  std::string rest = line.substr(end + 1);
  line.resize(end + 1);
  pass();
  line = std::move(rest);
}

void PrintableStream::pass() {
  to << printable(line);
  line.clear();
}

raw_ostream &PrintableStream::changeColor(Colors color, bool bold, bool background) {
  pass();
  if (colors)
    to.changeColor(color, bold, background);
  return *this;
}

raw_ostream &PrintableStream::resetColor() {
  pass();
  if (colors)
    to.resetColor();
  return *this;
}

void printError(raw_ostream &os, const Twine &message) { print(os, raw_ostream::RED, "error", message); }
void printNote(raw_ostream &os, const Twine &message) { print(os, raw_ostream::CYAN, "note", message); }

} // namespace snn
