// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is asked of the front end for a sequence of bytes, whatever they are.

#ifndef SNN_TEST_FUZZ_TARGET_H
#define SNN_TEST_FUZZ_TARGET_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace snn::fuzz {

/// Reads and checks the text, as a model if one is in it, else as definitions. What has no error is printed: the print
/// must have no error either and print as itself. Returns what is wrong with the front end, or "".
std::string checkText(llvm::StringRef text);

/// The same for a model, and makes a module of it, which must be valid.
std::string importText(llvm::StringRef text);

} // namespace snn::fuzz

#endif // SNN_TEST_FUZZ_TARGET_H
