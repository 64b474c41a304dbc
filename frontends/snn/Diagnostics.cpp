// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects and shows errors in a model's text.

#include "frontends/snn/Diagnostics.h"

#include "frontends/snn/Limits.h"

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

void Diagnostics::error(DiagId id, SMRange where, const Twine &message) {
  if (full())
    return;
  ++errors;
  if (!full())
    groups.push_back({{where, (message + " [" + idOf(id) + "]").str()}});
}

void Diagnostics::note(SMRange where, const Twine &message) {
  if (!full())
    groups.back().push_back({where, message.str()});
}

void Diagnostics::show(raw_ostream &os, const Entry &entry, SourceMgr::DiagKind kind) const {
  if (entry.where.isValid())
    sources.GetMessage(entry.where.Start, kind, entry.message, entry.where).print(nullptr, os, /*ShowColors=*/false);
  else
    os << (kind == SourceMgr::DK_Error ? "error: " : "note: ") << entry.message << '\n';
}

void Diagnostics::render(raw_ostream &os) const {
  // The model's text is one buffer, and all errors lie in it: addresses are positions.
  std::vector<std::pair<const char *, size_t>> order;
  for (auto [index, group] : enumerate(groups))
    order.emplace_back(group.front().where.Start.getPointer(), index);
  llvm::sort(order);
  for (auto [position, index] : order)
    for (const Entry &entry : groups[index])
      show(os, entry, &entry == &groups[index].front() ? SourceMgr::DK_Error : SourceMgr::DK_Note);
  if (full())
    os << "error: too many errors, the rest is not shown\n";
}

std::string didYouMean(StringRef found, ArrayRef<StringRef> candidates) {
  unsigned best = found.size() / 3 + 1; // one letter of three may be wrong
  StringRef nearest;
  for (StringRef candidate : candidates)
    if (unsigned distance = found.edit_distance(candidate, /*AllowReplacements=*/true, best); distance < best) {
      best = distance;
      nearest = candidate;
    }
  return nearest.empty() ? "" : ("; did you mean '" + nearest + "'?").str();
}

std::string listOf(ArrayRef<StringRef> words) {
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
