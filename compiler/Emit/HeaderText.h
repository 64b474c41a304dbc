// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the C headers of libraries and of streaming builds have in common: names and types of C.

#ifndef SNN_COMPILER_EMIT_HEADERTEXT_H
#define SNN_COMPILER_EMIT_HEADERTEXT_H

#include "compiler/Emit/ModelInterface.h"

#include "llvm/ADT/StringSet.h"
#include <fmt/format.h>
#include <iterator>

namespace snn::header {

using Output = std::back_insert_iterator<std::string>;

/// "f32".
const char *dtypeName(snn_dtype dtype);
/// "float".
const char *typeName(snn_dtype dtype);
/// "[time, batch, 10]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);
std::string upperCase(const std::string &name);
/// Begins an include guard of a model, in which no other model comes whose macros would have the same names: those are
/// upper case. `kind`: "MODEL", or "STREAM" of streaming builds.
std::string guard(const char *kind, const std::string &model);

/// Names of C, or parts of them, for those of tensors, each another one: "hidden.1" becomes hidden_1.
class Identifiers {
public:
  std::string of(const std::string &name);
  /// A name that stands alone, as a field does: it begins with no digit.
  std::string ofField(const std::string &name);

private:
  llvm::StringSet<> seen;
};

} // namespace snn::header

#endif // SNN_COMPILER_EMIT_HEADERTEXT_H
