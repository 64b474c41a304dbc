// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> tokens.

#include "frontends/snn/Lexer.h"

#include "llvm/ADT/StringExtras.h"

#include <charconv>

using namespace llvm;

namespace snn::frontend {
namespace {

bool startsName(char c) { return isAlpha(c) || c == '_'; }
bool continuesName(char c) { return isAlnum(c) || c == '_'; }

/// Length of the number at the start of `text`, which begins with a digit.
size_t numberLength(StringRef text) {
  size_t at = 0;
  auto digits = [&] {
    while (at < text.size() && isDigit(text[at]))
      ++at;
  };
  digits();
  if (at + 1 < text.size() && text[at] == '.' && isDigit(text[at + 1])) {
    ++at;
    digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-'))
      ++exponent;
    if (exponent < text.size() && isDigit(text[exponent])) {
      at = exponent;
      digits();
    }
  }
  return at;
}

bool convert(StringRef text, double &value) {
  auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  return error == std::errc() && end == text.end();
}

SMRange rangeOf(StringRef text) { return {SMLoc::getFromPointer(text.begin()), SMLoc::getFromPointer(text.end())}; }

} // namespace

std::string Token::describe() const {
  if (kind == Kind::End)
    return "the end of the file";
  if (kind == Kind::Newline)
    return "the end of the line";
  return ("'" + text + "'").str();
}

std::vector<Token> lex(StringRef text, Diagnostics &diagnostics) {
  std::vector<Token> tokens;
  size_t at = 0;
  auto push = [&](Token::Kind kind, size_t length) {
    tokens.push_back({kind, text.substr(at, length)});
    at += length;
  };
  while (at < text.size()) {
    char c = text[at];
    StringRef rest = text.substr(at);
    if (c == '\n') {
      push(Token::Kind::Newline, 1);
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (c == '#') {
      at += std::min(rest.find('\n'), rest.size());
    } else if (startsName(c)) {
      push(Token::Kind::Name, rest.take_while(continuesName).size());
    } else if (isDigit(c)) {
      push(Token::Kind::Number, numberLength(rest));
      Token &token = tokens.back();
      StringRef tail = text.substr(at).take_while([](char c) { return continuesName(c) || c == '.'; });
      if (!tail.empty()) {
        token.text = rest.take_front(token.text.size() + tail.size());
        at += tail.size();
      }
      if (!tail.empty() || !convert(token.text, token.number))
        diagnostics.error(DiagId::InvalidNumber, token.range(),
                          "'" + token.text + "' is no number; numbers are written 12, 0.5 or 2e-3");
    } else if (rest.starts_with("<=") || rest.starts_with(">=") || rest.starts_with("==") || rest.starts_with("!=")) {
      push(Token::Kind::Symbol, 2);
    } else if (StringRef("()[]{},;:=+-*/<>?").contains(c)) {
      push(Token::Kind::Symbol, 1);
    } else {
      StringRef strange = rest.take_while([](char c) { return !isPrint(c) && !isSpace(c); });
      strange = rest.take_front(std::max<size_t>(1, strange.size()));
      bool printable = isPrint(c);
      diagnostics.error(DiagId::InvalidCharacter, rangeOf(strange),
                        printable ? "'" + strange + "' has no meaning in this language"
                                  : Twine("bytes outside of printable ASCII are allowed in comments only"));
      at += strange.size();
    }
  }
  tokens.push_back({Token::Kind::Newline, text.substr(text.size())});
  tokens.push_back({Token::Kind::End, text.substr(text.size())});
  return tokens;
}

bool parseNumber(StringRef text, double &value) {
  bool negative = text.consume_front("-");
  if (text.empty() || !isDigit(text.front()) || numberLength(text) != text.size() || !convert(text, value))
    return false;
  if (negative)
    value = -value;
  return true;
}

} // namespace snn::frontend
