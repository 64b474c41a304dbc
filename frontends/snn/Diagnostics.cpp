// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects and shows errors and warnings about a model's text.

#include "frontends/snn/Diagnostics.h"

#include "frontends/snn/Limits.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <charconv>

using namespace llvm;

namespace snn::frontend {

StringRef idOf(DiagId id) {
  switch (id) {
#define X(enumerator, text)                                                                                            \
  case DiagId::enumerator:                                                                                             \
    return text;
    SNN_DIAGNOSTICS(X)
#undef X
  }
  return "";
}

bool Diagnostics::full() const { return errors > limits::kErrors; }

void Diagnostics::add(Kind kind, DiagId id, unsigned &count, SMRange where, const Twine &message) {
  dropped = count >= limits::kErrors;
  ++count;
  if (!dropped)
    groups.push_back({{kind, where, (message + " [" + idOf(id) + "]").str()}});
}

void Diagnostics::error(DiagId id, SMRange where, const Twine &message) {
  add(SourceMgr::DK_Error, id, errors, where, message);
}

void Diagnostics::warning(DiagId id, SMRange where, const Twine &message) {
  add(SourceMgr::DK_Warning, id, warnings, where, message);
}

bool Diagnostics::isSilent(function_ref<void()> check) {
  const size_t before = groups.size();
  const auto counts = std::tuple(std::exchange(errors, 0), warnings, dropped);
  check();
  const bool silent = errors == 0;
  groups.resize(before);
  std::tie(errors, warnings, dropped) = counts;
  return silent;
}

void Diagnostics::note(SMRange where, const Twine &message) {
  if (!dropped)
    groups.back().push_back({SourceMgr::DK_Note, where, message.str()});
}

namespace {

/// What is shown of a line: a long one is cut to a window around the place.
constexpr size_t kShownColumns = 160, kShownBefore = 60;

/// Colours, where the stream shows them.
class Paint {
public:
  explicit Paint(raw_ostream &os) : os(os), on(os.has_colors()) {}
  void operator()(raw_ostream::Colors colour) {
    if (on)
      os.changeColor(colour, /*Bold=*/true);
  }
  void reset() {
    if (on)
      os.resetColor();
  }

private:
  raw_ostream &os;
  bool on;
};

/// Columns that a terminal needs: bytes that continue a character of UTF-8 have none.
size_t columnsOf(StringRef text) {
  return llvm::count_if(text, [](char c) { return (c & 0xc0) != 0x80; });
}

void writeLine(raw_ostream &os, StringRef line, size_t column, size_t length) {
  size_t begin = column > kShownColumns - kShownBefore && line.size() > kShownColumns ? column - kShownBefore : 0;
  StringRef shown = line.substr(begin, kShownColumns).rtrim("\r");
  StringRef before = begin > 0 ? "..." : "", after = begin + kShownColumns < line.size() ? "..." : "";
  os << before;
  for (char c : shown) // a tab's width would depend on the terminal
    os << (c == '\t' ? ' ' : c);
  os << after << '\n';
  size_t caret = column - begin;
  os.indent(before.size() + columnsOf(shown.take_front(caret)));
  Paint paint(os);
  paint(raw_ostream::GREEN);
  os << '^';
  size_t marked = columnsOf(shown.substr(caret, length));
  for (size_t at = 1; at < marked; ++at)
    os << '~';
  paint.reset();
  os << '\n';
}

} // namespace

void Diagnostics::show(raw_ostream &os, const Entry &entry, bool withLine) const {
  unsigned buffer = entry.where.isValid() ? sources.FindBufferContainingLoc(entry.where.Start) : 0;
  StringRef line;
  size_t column = 0, length = 0;
  Paint paint(os);
  paint(raw_ostream::SAVEDCOLOR);
  if (buffer != 0) {
    StringRef text = sources.getMemoryBuffer(buffer)->getBuffer();
    size_t at = entry.where.Start.getPointer() - text.data();
    size_t begin = text.rfind('\n', at) + 1; // npos + 1 is 0
    line = text.slice(begin, text.find('\n', at));
    column = at - begin;
    length = entry.where.End.getPointer() - entry.where.Start.getPointer();
    os << sources.getMemoryBuffer(buffer)->getBufferIdentifier() << ':'
       << sources.FindLineNumber(entry.where.Start, buffer) << ':' << column + 1 << ": ";
  }
  bool isNote = entry.kind == SourceMgr::DK_Note, isError = entry.kind == SourceMgr::DK_Error;
  paint(isNote ? raw_ostream::CYAN : isError ? raw_ostream::RED : raw_ostream::MAGENTA);
  os << (isNote ? "note: " : isError ? "error: " : "warning: ");
  paint.reset();
  paint(raw_ostream::SAVEDCOLOR);
  os << entry.message << '\n';
  paint.reset();
  if (buffer != 0 && withLine && !line.trim().empty())
    writeLine(os, line, column, length);
}

void Diagnostics::render(raw_ostream &os) const {
  // Within a buffer, addresses are positions; what belongs to the command line comes first.
  std::vector<std::pair<const char *, size_t>> order;
  for (auto [index, group] : enumerate(groups))
    order.emplace_back(group.front().where.Start.getPointer(), index);
  llvm::sort(order);
  for (auto [position, index] : order)
    for (const Entry &entry : groups[index]) {
      // A note about the very place, or about what holds it, needs no second picture of it.
      SMRange first = groups[index].front().where;
      bool again = entry.kind == SourceMgr::DK_Note && entry.where.isValid() &&
                   entry.where.Start.getPointer() <= first.Start.getPointer() &&
                   entry.where.End.getPointer() >= first.End.getPointer();
      show(os, entry, !again);
    }
  if (errors > limits::kErrors)
    os << "error: too many errors, the rest is not shown\n";
  if (warnings > limits::kErrors)
    os << "warning: too many warnings, the rest is not shown\n";
}

std::string shortened(StringRef text) {
  constexpr size_t most = 64, kept = 24;
  return text.size() > most ? (text.take_front(kept) + "..." + text.take_back(kept)).str() : text.str();
}

void Diagnostics::addAlias(StringRef spelling, StringRef meant) {
  auto &meanings = aliases[spelling.lower()];
  if (!is_contained(meanings, meant))
    meanings.push_back(meant);
}

StringRef Diagnostics::nearest(StringRef found, ArrayRef<StringRef> candidates) const {
  found = found.substr(found.rfind('.') + 1); // npos + 1 is 0
  // Nobody would see it; and the time that it takes is quadratic in the length.
  if (full() || found.size() > limits::kNameCharacters)
    return "";
  for (StringRef candidate : candidates)
    if (found.equals_insensitive(candidate))
      return candidate;
  for (const Diagnostics *place : {standard, this})
    for (StringRef meant : place ? place->aliases.lookup(found.lower()) : SmallVector<StringRef, 1>())
      if (is_contained(candidates, meant))
        return meant;
  unsigned best = found.size() / 3 + 1; // one letter of three may be wrong
  StringRef nearest;
  for (StringRef candidate : candidates)
    if (unsigned distance = found.edit_distance_insensitive(candidate, /*AllowReplacements=*/true, best);
        distance < best) {
      best = distance;
      nearest = candidate;
    }
  return nearest;
}

std::string Diagnostics::didYouMean(StringRef found, ArrayRef<StringRef> candidates) const {
  StringRef name = nearest(found, candidates);
  return name.empty() ? "" : ("; did you mean '" + name + "'?").str();
}

std::string listOf(ArrayRef<StringRef> words) {
  constexpr size_t most = 20;
  if (words.size() > most)
    return llvm::join(words.take_front(most), ", ") + " and " + std::to_string(words.size() - most) + " more";
  std::string text;
  for (auto [index, word] : enumerate(words)) {
    if (index)
      text += index + 1 == words.size() ? " and " : ", ";
    text += word;
  }
  return text;
}

std::string numberText(double value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  return std::string(buffer, end);
}

} // namespace snn::frontend
