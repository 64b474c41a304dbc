// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scopes of names over branches.

#include "frontends/snn/NeuronFlow.h"

using namespace llvm;

namespace snn::frontend {

const NeuronFlow::Entry *NeuronFlow::find(StringRef name) const {
  auto it = names.find(name);
  return it == names.end() ? nullptr : &it->second;
}

static std::optional<SMRange> lookUp(const std::map<StringRef, SMRange> &places, StringRef name) {
  auto it = places.find(name);
  return it == places.end() ? std::nullopt : std::optional(it->second);
}

std::optional<SMRange> NeuronFlow::fixedAt(StringRef name) const { return lookUp(fixed, name); }

std::optional<SMRange> NeuronFlow::assignedAt(StringRef name) const { return lookUp(assigned, name); }

void NeuronFlow::set(StringRef name, Entry entry) {
  if (!branches.empty()) {
    const Entry *before = find(name);
    branches.back().before.try_emplace(name, before ? std::optional(*before) : std::nullopt);
  }
  names[name] = entry;
}

void NeuronFlow::fix(StringRef name, SMRange range) {
  if (fixed.try_emplace(name, range).second && !branches.empty())
    branches.back().fixed.push_back(name);
}

void NeuronFlow::endBranch() {
  BranchState branch = std::move(branches.back());
  branches.pop_back();
  Changes &after = ifs.back().outcomes.emplace_back();
  for (const auto &[name, before] : branch.before) {
    after[name] = names[name];
    if (before)
      names[name] = *before;
    else
      names.erase(name);
  }
  for (StringRef name : branch.fixed) {
    ifs.back().fixed.emplace_back(name, fixed[name]);
    fixed.erase(name);
  }
}

void NeuronFlow::endIf(bool complete) {
  IfState state = std::move(ifs.back());
  ifs.pop_back();
  struct Assignments {
    size_t count = 0;
    Entry entry; ///< the first, of the type that all have
  };
  std::map<StringRef, Assignments> found;
  for (const Changes &outcome : state.outcomes)
    for (const auto &[name, entry] : outcome) {
      Assignments &assignments = found[name];
      if (assignments.count++ == 0)
        assignments.entry = *entry;
      assignments.entry.type = oneOf(assignments.entry.type, entry->type);
    }
  for (const auto &[name, assignments] : found) {
    const Entry *before = find(name);
    const bool always = complete && assignments.count == state.outcomes.size();
    // An array that has an option's name is there on some paths only.
    if (before ? before->kind == Kind::State || before->kind == Kind::Option : !always)
      continue;
    Entry entry = assignments.entry;
    if (!always)
      entry.type = oneOf(entry.type, before->type);
    set(name, entry);
  }
  for (auto [name, range] : state.fixed)
    fix(name, range);
}

} // namespace snn::frontend
