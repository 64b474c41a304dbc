// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tables of foreign syntax.

#include "frontends/snn/Foreign.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace snn::frontend {

const ForeignSymbol *foreignSymbol(StringRef text) {
  // Longer ones first.
  static constexpr ForeignSymbol table[] = {
      {"**=", "write a product, as in y = y * y"},
      {"//=", "write y = y / x"},
      {"**", "a power is written x^2"},
      {"+=", "write y = y + x"},
      {"-=", "write y = y - x"},
      {"*=", "write y = y * x"},
      {"/=", "write y = y / x"},
      {"->", "layers and statements stand on lines of their own"},
      {"=>", "layers and statements stand on lines of their own"},
      {"++", "write y = y + 1"},
      {"&&", "a product is 1 where both are: (a > 0) * (b > 0)"},
      {"||", "the larger of two is 1 where one of them is: max(a > 0, b > 0)"},
      {"&", "a product is 1 where both are: (a > 0) * (b > 0)"},
      {"|", "the larger of two is 1 where one of them is: max(a > 0, b > 0)"},
      {"!", "the opposite of a comparison c is 1 - c"},
      {"~", "the opposite of a comparison c is 1 - c"},
      {"%", "there is no remainder, and shares are written as numbers, such as 0.1"},
      {"@", "products with a matrix are layers, such as linear(100)"},
      {"\\", "inside of parentheses a line may go on on the next one"},
  };
  for (const ForeignSymbol &symbol : table)
    if (text.starts_with(symbol.text))
      return &symbol;
  return nullptr;
}

const ForeignCharacter *foreignCharacter(StringRef text) {
  static constexpr ForeignCharacter table[] = {
      {"\xC3\x97", "*"},
      {"\xC2\xB7", "*"},
      {"\xE2\x8B\x85", "*"},
      {"\xC3\xB7", "/"},
      {"\xE2\x88\x92", "-"},
      {"\xE2\x80\x93", "-"},
      {"\xE2\x80\x94", "-"},
      {"\xE2\x89\xA4", "<="},
      {"\xE2\x89\xA5", ">="},
      {"\xE2\x89\xA0", "!="},
      {"\xC2\xB2", "a product"},
      {"\xC2\xA0", "a blank"},
      {"\xCE\xB1", "alpha"},
      {"\xCE\xB2", "beta"},
      {"\xCE\xB3", "gamma"},
      {"\xCE\xB8", "theta"},
      {"\xCE\xB7", "eta"},
      {"\xCF\x84", "tau"},
      {"\xCF\x81", "rho"},
      {"\xCE\xBA", "kappa"},
      {"\xE2\x80\x9C", "a word without quotes"},
      {"\xE2\x80\x9D", "a word without quotes"},
      {"\xE2\x80\x98", "a word without quotes"},
      {"\xE2\x80\x99", "a word without quotes"},
  };
  for (const ForeignCharacter &character : table)
    if (text.starts_with(character.bytes))
      return &character;
  return nullptr;
}

StringRef foreignOperator(StringRef word) {
  return StringSwitch<StringRef>(word)
      .Case("and", "a product is 1 where both are: (a > 0) * (b > 0)")
      .Case("or", "the larger of two is 1 where one of them is: max(a > 0, b > 0)")
      .Case("not", "the opposite of a comparison c is 1 - c")
      .Cases({"if", "else", "?"}, "a choice is written 'if CONDITION then VALUE else VALUE'")
      .Default("");
}

StringRef foreignItem(StringRef word) {
  return StringSwitch<StringRef>(word)
      .Cases({"def", "class", "struct", "fn", "function"},
             "a neuron is defined by 'neuron NAME(x; PARAMETER = DEFAULT) { ... }'")
      .Cases({"import", "include", "using", "from"},
             "there is nothing to import: the standard neurons and surrogates are always known")
      .Cases({"const", "let", "var", "auto", "int", "float", "double"}, "a number with a name is 'param NAME = NUMBER'")
      .Cases({"input", "steps", "linear", "flatten", "population"}, "layers stand in 'model NAME { ... }'")
      .Cases({"loss", "optimizer", "batch", "epochs"}, "this stands in 'train { ... }'")
      .Default("");
}

StringRef foreignStatement(StringRef word) {
  return StringSwitch<StringRef>(word)
      .Case("return", "what a neuron gives is said by 'spike fire(VALUE, SURROGATE)'")
      .Cases({"for", "while"}, "the body is one time step, and the compiler repeats it; there are no loops")
      .Cases({"elif", "elseif"}, "write 'else if' behind the closing brace")
      .Cases({"def", "class", "import", "global", "nonlocal", "pass", "print", "with", "try", "lambda"},
             "this is no Python: a body holds states, assignments, 'if' on options, and one 'spike'")
      .Cases({"let", "var", "const", "auto", "float", "double", "int"},
             "a value needs no declaration: write NAME = VALUE")
      .Cases({"param", "parameter", "weight"}, "parameters stand behind the ';' in the neuron's parentheses")
      .Default("");
}

} // namespace snn::frontend
