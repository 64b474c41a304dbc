// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which names are known at a point of a body, whatever the options of a neuron are.

#ifndef SNN_FRONTENDS_SNN_NEURONFLOW_H
#define SNN_FRONTENDS_SNN_NEURONFLOW_H

#include "frontends/snn/ValueType.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"

#include <map>
#include <optional>
#include <vector>

namespace snn::frontend {

/// Follows a body statement by statement. The branches of an `if` are walked one after the other, each from what was
/// known before it: its changes are recorded and taken back, so the cost is that of the changes, not of the names.
class NeuronFlow {
public:
  /// Arrays are those of a layer: its inputs, what it learns, its buffers and what its lines compute.
  enum class Kind { Input, Number, Tuple, Option, Surrogate, Function, Layer, State, Local, Array, Learned, Buffer };
  struct Entry {
    Kind kind;
    llvm::SMRange range;
    ValueType type;    ///< of an array, of an element
    unsigned rank = 0; ///< of an array: the extents that an index stands for
    bool rest = false; ///< ... and the last of them for all others

    bool isArray() const { return kind >= Kind::Array || ((kind == Kind::Input || kind == Kind::State) && rank > 0); }
  };

  /// What is known of a name here; null if it is not known on every path.
  const Entry *find(llvm::StringRef name) const;
  const std::map<llvm::StringRef, Entry> &known() const { return names; }
  void set(llvm::StringRef name, Entry entry);

  /// Constants of a checkpoint that a path to here may have fixed.
  std::optional<llvm::SMRange> fixedAt(llvm::StringRef name) const;
  void fix(llvm::StringRef name, llvm::SMRange range);

  /// Where a path to here assigned the name first, also one that is left by now.
  std::optional<llvm::SMRange> assignedAt(llvm::StringRef name) const;
  void noteAssignment(llvm::StringRef name, llvm::SMRange range) { assigned.try_emplace(name, range); }

  /// In this order: beginIf, then for each branch beginBranch and endBranch, then endIf. After it a name is known only
  /// if each branch assigns it, and, unless the branches are `complete`, not even then; a constant is fixed if one
  /// fixes it.
  void beginIf() { ifs.emplace_back(); }
  void beginBranch() { branches.emplace_back(); }
  void endBranch();
  void endIf(bool complete);

private:
  using Changes = std::map<llvm::StringRef, std::optional<Entry>>; ///< nothing: not known
  using Fixed = std::pair<llvm::StringRef, llvm::SMRange>;
  struct BranchState {
    Changes before; ///< the entries that it changed, as they were
    llvm::SmallVector<llvm::StringRef> fixed;
  };
  struct IfState {
    std::vector<Changes> outcomes; ///< what each branch made of the entries that it changed
    llvm::SmallVector<Fixed> fixed;
  };

  std::map<llvm::StringRef, Entry> names;
  std::map<llvm::StringRef, llvm::SMRange> fixed, assigned;
  std::vector<BranchState> branches; ///< those around this point, the innermost last
  std::vector<IfState> ifs;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_NEURONFLOW_H
