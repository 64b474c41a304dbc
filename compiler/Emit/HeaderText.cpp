// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See HeaderText.h.

#include "compiler/Emit/HeaderText.h"

#include "llvm/ADT/StringExtras.h"

namespace snn::header {

/// Words that C or C++ keeps for itself; and macros of the headers that are included.
static bool isReserved(llvm::StringRef name) {
  static const llvm::StringSet<> words = {
      "alignas",  "alignof",     "and",     "and_eq",    "asm",       "auto",     "bitand",   "bitor",    "bool",
      "break",    "case",        "catch",   "char",      "class",     "compl",    "concept",  "const",    "constexpr",
      "continue", "decltype",    "default", "delete",    "do",        "double",   "else",     "enum",     "explicit",
      "export",   "extern",      "false",   "float",     "for",       "friend",   "goto",     "if",       "inline",
      "int",      "long",        "mutable", "namespace", "new",       "noexcept", "not",      "not_eq",   "nullptr",
      "operator", "or",          "or_eq",   "private",   "protected", "public",   "register", "requires", "restrict",
      "return",   "short",       "signed",  "sizeof",    "static",    "struct",   "switch",   "template", "this",
      "throw",    "true",        "try",     "typedef",   "typeid",    "typename", "typeof",   "union",    "unsigned",
      "using",    "virtual",     "void",    "volatile",  "wchar_t",   "while",    "xor",      "xor_eq",   "linux",
      "unix",     "thread_local"};
  return words.contains(name);
}

const char *dtypeName(snn_dtype dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return "f32";
  case SNN_DTYPE_F64:
    return "f64";
  case SNN_DTYPE_U8:
    return "u8";
  case SNN_DTYPE_I64:
    return "i64";
  }
  return "?";
}

std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t extent : shape) {
    if (text.size() > 1)
      text += ", ";
    text += extent == SNN_EXTENT_BATCH ? "batch" : extent == SNN_EXTENT_TIME ? "time" : std::to_string(extent);
  }
  return text + "]";
}

std::string upperCase(const std::string &name) {
  std::string upper = name;
  for (char &c : upper)
    if (c >= 'a' && c <= 'z')
      c = char(c - 'a' + 'A');
  return upper;
}

const char *typeName(snn_dtype dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return "float";
  case SNN_DTYPE_F64:
    return "double";
  case SNN_DTYPE_U8:
    return "uint8_t";
  case SNN_DTYPE_I64:
    return "int64_t";
  }
  return "void";
}

std::string Identifiers::of(const std::string &name) {
  std::string identifier;
  for (char c : name)
    identifier += llvm::isAlnum(c) ? c : '_';
  while (isReserved(identifier) || !seen.insert(identifier).second)
    identifier += '_';
  return identifier;
}

std::string Identifiers::ofField(const std::string &name) {
  std::string field = of(name);
  if (llvm::isDigit(field.front()))
    field.insert(0, "_");
  return field;
}

} // namespace snn::header
