// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See HeaderText.h.

#include "compiler/Emit/HeaderText.h"

#include "llvm/ADT/StringExtras.h"

namespace snn::header {

/// Words that C or C++ keeps for itself; and macros of headers of C that programs include beside ours.
static bool isReserved(llvm::StringRef name) {
  static const llvm::StringSet<> words = {
      // C, and both
      "alignas", "alignof", "asm", "auto", "bool", "break", "case", "char", "const", "constexpr", "continue", "default",
      "do", "double", "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int", "long",
      "nullptr", "register", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert", "struct",
      "switch", "thread_local", "true", "typedef", "typeof", "typeof_unqual", "union", "unsigned", "void", "volatile",
      "while",
      // C++
      "and", "and_eq", "bitand", "bitor", "catch", "char8_t", "char16_t", "char32_t", "class", "compl", "concept",
      "consteval", "constinit", "const_cast", "co_await", "co_return", "co_yield", "decltype", "delete", "dynamic_cast",
      "explicit", "export", "friend", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "operator", "or",
      "or_eq", "private", "protected", "public", "reinterpret_cast", "requires", "static_cast", "template", "this",
      "throw", "try", "typeid", "typename", "using", "virtual", "wchar_t", "xor", "xor_eq",
      // macros
      "assert", "complex", "errno", "imaginary", "linux", "noreturn", "offsetof", "setjmp", "signbit", "stderr",
      "stdin", "stdout", "unix", "BUFSIZ", "EDOM", "EOF", "ERANGE", "HUGE_VAL", "HUGE_VALF", "I", "INFINITY", "NAN",
      "NULL", "RAND_MAX", "SIGABRT", "SIGINT", "TIME_UTC", "TMP_MAX", "WEOF"};
  // _Bool, _Generic and others: a compiler may have more of them than a standard.
  const bool isOfCompiler = name.size() > 1 && name[0] == '_' && (name[1] == '_' || llvm::isUpper(name[1]));
  return isOfCompiler ? !name.ends_with("_") : words.contains(name);
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

std::string guard(const char *kind, const std::string &model) {
  return fmt::format(
      "#ifndef SNN_{0}_{1}_H\n"
      "#define SNN_{0}_{1}_H\n\n"
      "#ifdef SNN_MACROS_OF_{0}_{2}\n"
      "#error \"two models whose names differ in case alone have the same macros: include one of them\"\n"
      "#endif\n"
      "#define SNN_MACROS_OF_{0}_{2}\n\n",
      kind, model, upperCase(model));
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
