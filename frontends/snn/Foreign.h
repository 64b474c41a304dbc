// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What people write who come from Python, C or PyTorch, and what to tell them. These tables hold spellings of syntax;
// names of layers and parameters of other frameworks are `alias` lines in the prelude.

#ifndef SNN_FRONTENDS_SNN_FOREIGN_H
#define SNN_FRONTENDS_SNN_FOREIGN_H

#include "llvm/ADT/StringRef.h"

namespace snn::frontend {

/// A symbol of another language, and a clause that says how the same is written here.
struct ForeignSymbol {
  llvm::StringRef text, hint;
};

/// The longest foreign symbol that `text` begins with, or null.
const ForeignSymbol *foreignSymbol(llvm::StringRef text);

/// A character beyond ASCII, and what stands for it in ASCII, such as '*' for a multiplication sign.
struct ForeignCharacter {
  llvm::StringRef bytes, ascii;
};

/// The one that `text` begins with, or null.
const ForeignCharacter *foreignCharacter(llvm::StringRef text);

/// What to say about a line of a file, or of a neuron's body, that begins with this word of another language; empty if
/// it is none.
llvm::StringRef foreignItem(llvm::StringRef word);
llvm::StringRef foreignStatement(llvm::StringRef word);

/// The same for a word that stands where an operator would.
llvm::StringRef foreignOperator(llvm::StringRef word);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_FOREIGN_H
