// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sorting use lists.

#include "compiler/Emit/UseLists.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace snn {

static void sortUses(Value value, const DenseMap<OpOperand *, unsigned> &position) {
  if (value.use_empty() || value.hasOneUse())
    return;
  SmallVector<unsigned> keys;
  for (OpOperand &use : value.getUses())
    keys.push_back(position.lookup(&use));
  SmallVector<unsigned> sorted(keys);
  llvm::sort(sorted);
  // shuffleUseList wants, for each use in the present order, its place in the new one.
  for (unsigned &key : keys)
    key = llvm::lower_bound(sorted, key) - sorted.begin();
  value.shuffleUseList(keys);
}

void sortUseLists(Operation *root) {
  DenseMap<OpOperand *, unsigned> position;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands())
      position.insert({&operand, unsigned(position.size())});
  });
  root->walk([&](Operation *op) {
    for (Value result : op->getResults())
      sortUses(result, position);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          sortUses(argument, position);
  });
}

} // namespace snn
