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

void Diagnostics::add(SourceMgr::DiagKind kind, SMRange where, std::string message) {
  entries.push_back({kind, where, std::move(message)});
}

void Diagnostics::error(DiagId id, SMRange where, const Twine &message) {
  if (full())
    return;
  ++errors;
  if (full())
    return add(SourceMgr::DK_Error, {}, "too many errors, the rest is not shown");
  add(SourceMgr::DK_Error, where, (message + " [" + idOf(id) + "]").str());
}

void Diagnostics::note(SMRange where, const Twine &message) {
  if (!full())
    add(SourceMgr::DK_Note, where, message.str());
}

void Diagnostics::render(raw_ostream &os) const {
  for (const Entry &entry : entries) {
    if (!entry.where.isValid()) {
      os << (entry.kind == SourceMgr::DK_Error ? "error: " : "note: ") << entry.message << '\n';
      continue;
    }
    SMDiagnostic diagnostic = sources.GetMessage(entry.where.Start, entry.kind, entry.message, entry.where);
    diagnostic.print(nullptr, os, /*ShowColors=*/false);
  }
}

std::string didYouMean(StringRef found, ArrayRef<StringRef> candidates) {
  unsigned best = std::max<unsigned>(1, found.size() / 3) + 1;
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
