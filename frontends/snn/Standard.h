// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The standard definitions, prelude.snn and spellings.snn, as all files see them.

#ifndef SNN_FRONTENDS_SNN_STANDARD_H
#define SNN_FRONTENDS_SNN_STANDARD_H

#include "frontends/snn/DefinitionChecker.h"

namespace snn::frontend {

/// Read and checked before any file is, and never changed by one: any number of files may share it, also at a time.
class Standard {
public:
  /// No definitions at all, which is what the prelude itself begins with.
  Standard() = default;

  /// Those of the library. Null, after a message, if they have an error.
  static std::shared_ptr<const Standard> read(llvm::raw_ostream &os);

  /// Makes places in the standard texts known to the sources of another file.
  void addSources(llvm::SourceMgr &sources) const;

  llvm::SourceMgr sources;
  Diagnostics diagnostics{sources};
  SourceFile file;
  Evaluator evaluator{diagnostics};
  DefinitionChecker checker{evaluator};
  std::vector<std::shared_ptr<const CheckedNeuron>> neurons;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_STANDARD_H
