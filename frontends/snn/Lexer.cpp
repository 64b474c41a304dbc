// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text -> tokens.

#include "frontends/snn/Lexer.h"

#include "frontends/snn/Foreign.h"
#include "frontends/snn/Limits.h"

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
  return "'" + shortened(text) + "'";
}

namespace {

class Scanner {
public:
  Scanner(StringRef text, Diagnostics &diagnostics) : text(text), diagnostics(diagnostics) {}

  std::vector<Token> run() {
    if (text.starts_with("\xEF\xBB\xBF")) // the mark that some editors put before UTF-8
      at = 3;
    while (at < text.size() && !diagnostics.full())
      scan();
    tokens.push_back({Token::Kind::Newline, text.substr(text.size())});
    tokens.push_back({Token::Kind::End, text.substr(text.size())});
    return std::move(tokens);
  }

private:
  void push(Token::Kind kind, size_t length) {
    tokens.push_back({kind, text.substr(at, length)});
    at += length;
  }

  /// A token of `length` bytes about which `message` says everything.
  void invalid(DiagId id, size_t length, const Twine &message) {
    diagnostics.error(id, rangeOf(text.substr(at, length)), message);
    push(Token::Kind::Invalid, length);
  }

  void scan() {
    char c = text[at];
    StringRef rest = text.substr(at);
    if (c == '\n')
      push(Token::Kind::Newline, 1);
    else if (c == ' ' || c == '\t' || c == '\r')
      ++at;
    else if (c == '#')
      at += std::min(rest.find('\n'), rest.size());
    else if (startsName(c))
      scanName(rest);
    else if (startsElement(rest))
      scanElement(rest);
    else if (isDigit(c) || (c == '.' && rest.size() > 1 && isDigit(rest[1])))
      scanNumber(rest);
    else if (c == '"' || c == '\'')
      scanQuoted(rest);
    else if (rest.starts_with("//") || rest.starts_with("/*"))
      scanComment(rest);
    else if (rest.starts_with("<=") || rest.starts_with(">=") || rest.starts_with("==") || rest.starts_with("!="))
      push(Token::Kind::Symbol, 2);
    else if (rest.starts_with("..."))
      push(Token::Kind::Symbol, 3);
    else if (c == '^' && !rest.starts_with("^="))
      push(Token::Kind::Symbol, 1);
    else if (const ForeignSymbol *symbol = foreignSymbol(rest))
      invalid(DiagId::ForeignSyntax, symbol->text.size(),
              "'" + symbol->text + "' has no meaning in this language; " + symbol->hint);
    else if (StringRef("()[]{},;:=+-*/<>?").contains(c))
      push(Token::Kind::Symbol, 1);
    else if (const ForeignCharacter *character = foreignCharacter(rest))
      invalid(DiagId::ForeignSyntax, character->bytes.size(),
              quoted(character->bytes) + " is outside of ASCII, which is allowed in comments only; write " +
                  (character->ascii.contains(' ') ? character->ascii.str() : quoted(character->ascii)));
    else if (isPrint(c))
      invalid(DiagId::InvalidCharacter, 1, quoted(rest.take_front(1)) + " has no meaning in this language");
    else
      invalid(DiagId::InvalidCharacter,
              rest.take_while([](char c) { return !isPrint(c) && !StringRef("\n\r\t").contains(c); }).size(),
              "bytes outside of printable ASCII are allowed in comments only");
  }

  static std::string quoted(StringRef word) { return ("'" + word + "'").str(); }

  /// A name, or a path of names, which other languages have.
  void scanName(StringRef rest) {
    size_t length = rest.take_while(continuesName).size();
    while (length + 1 < rest.size() && rest[length] == '.' && startsName(rest[length + 1]))
      length += 1 + rest.substr(length + 1).take_while(continuesName).size();
    push(Token::Kind::Name, length);
    if (length <= limits::kNameCharacters)
      return;
    Token &token = tokens.back();
    diagnostics.error(DiagId::NameTooLong, token.range(),
                      "a name may have " + Twine(limits::kNameCharacters) + " characters, but this one has " +
                          Twine(length));
    token.text = token.text.take_front(limits::kNameCharacters);
  }

  /// The dot of `betas.0`: right behind a name, and before a digit.
  bool startsElement(StringRef rest) const {
    return rest.size() > 1 && rest[0] == '.' && isDigit(rest[1]) && !tokens.empty() && tokens.back().isName() &&
           tokens.back().end().getPointer() == rest.data();
  }
  void scanElement(StringRef rest) {
    size_t digits = rest.drop_front().take_while(isDigit).size();
    push(Token::Kind::Symbol, 1);
    push(Token::Kind::Number, digits);
    convert(tokens.back().text.take_front(4), tokens.back().number); // no tuple is longer
  }

  void scanNumber(StringRef rest) {
    size_t length = numberLength(rest);
    auto continues = [](char c) { return continuesName(c) || c == '.'; };
    length += rest.substr(length).take_while(continues).size();
    if (StringRef("eE").contains(rest[length - 1]) && length + 1 < rest.size() &&
        StringRef("+-").contains(rest[length]) && isDigit(rest[length + 1]))
      length += 1 + rest.substr(length + 1).take_while(continues).size();
    double number = 0;
    if (isDigit(rest.front()) && convert(rest.take_front(length), number) && numberLength(rest) == length) {
      push(Token::Kind::Number, length);
      tokens.back().number = number;
      return;
    }
    StringRef word = rest.take_front(length);
    std::string hint = "numbers are written 12, 0.5 or 2e-3";
    if (word.front() == '.' && isNumber("0" + word.str()))
      hint = "write " + quoted("0" + word.str());
    else if (word.back() == '.' && isNumber(word.drop_back()))
      hint = "write " + quoted(word.drop_back());
    else if (std::string plain = without(word, '_'); plain != word && isNumber(plain))
      hint = "write " + quoted(plain);
    else if (StringRef("fF").contains(word.back()) && isNumber(word.drop_back()))
      hint = "write " + quoted(word.drop_back());
    else if (word.contains('x') && llvm::all_of(word, [](char c) { return isDigit(c) || c == 'x'; }))
      hint = "extents are separated by ','";
    invalid(DiagId::InvalidNumber, length, quoted(shortened(word)) + " is no number; " + hint);
  }

  static bool isNumber(StringRef word) {
    double ignored;
    return !word.empty() && isDigit(word.front()) && numberLength(word) == word.size() && convert(word, ignored);
  }
  static std::string without(StringRef word, char unwanted) {
    std::string result;
    for (char c : word)
      if (c != unwanted)
        result += c;
    return result;
  }

  /// "subtract": read as the word.
  void scanQuoted(StringRef rest) {
    StringRef line = rest.take_until([](char c) { return c == '\n'; });
    size_t end = line.find(rest.front(), 1);
    StringRef inner = line.slice(1, end);
    if (end != StringRef::npos && isNumber(inner)) {
      diagnostics.error(DiagId::ForeignSyntax, rangeOf(line.take_front(end + 1)),
                        "numbers are written without quotes: " + inner);
      ++at;
      scanNumber(inner);
      ++at;
      return;
    }
    if (end == StringRef::npos || inner.empty() || !startsName(inner.front()) || !llvm::all_of(inner, continuesName) ||
        inner.size() > limits::kNameCharacters)
      return invalid(DiagId::ForeignSyntax, end == StringRef::npos ? line.size() : end + 1,
                     "quotes have no meaning in this language: it has numbers and words, but no strings");
    diagnostics.error(DiagId::ForeignSyntax, rangeOf(line.take_front(end + 1)),
                      "words are written without quotes: " + inner);
    ++at;
    push(Token::Kind::Name, inner.size());
    ++at;
  }

  void scanComment(StringRef rest) {
    bool block = rest[1] == '*';
    size_t end = block ? rest.find("*/", 2) : rest.find('\n');
    diagnostics.error(DiagId::ForeignSyntax, rangeOf(rest.take_front(2)),
                      "'" + rest.take_front(2) + "' begins no comment here; comments begin with '#'");
    at += end == StringRef::npos ? rest.size() : block ? end + 2 : end;
  }

  StringRef text;
  Diagnostics &diagnostics;
  std::vector<Token> tokens;
  size_t at = 0;
};

} // namespace

std::vector<Token> lex(StringRef text, Diagnostics &diagnostics) { return Scanner(text, diagnostics).run(); }

bool parseNumber(StringRef text, double &value) {
  bool negative = text.consume_front("-");
  if (text.empty() || !isDigit(text.front()) || numberLength(text) != text.size() || !convert(text, value))
    return false;
  if (negative)
    value = -value;
  return true;
}

} // namespace snn::frontend
