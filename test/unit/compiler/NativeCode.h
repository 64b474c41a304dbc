// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code that an Emitter writes, compiled as models are and loaded into the process.

#ifndef SNN_TEST_UNIT_COMPILER_NATIVECODE_H
#define SNN_TEST_UNIT_COMPILER_NATIVECODE_H

#include "compiler/Codegen/Cpu/Emitter.h"
#include "compiler/Emit/Target.h"

#include <array>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <memory>

namespace snn {

/// Lanes of a vector of f32, and the bits of one: NaNs are one value, as their signs and payloads are not promised.
using Vector = std::array<float, kLanes>;
inline uint32_t bitsOf(float x) { return std::isnan(x) ? ~0U : std::bit_cast<uint32_t>(x); }

/// Functions of one array of words each, pointers and numbers as they come.
class NativeCode {
public:
  NativeCode(const Target &target, bool f64);
  ~NativeCode();

  /// What `write` gets for word i of its array.
  class Words {
  public:
    Words(Emitter &e, mlir::Value array) : e(e), array(array) {}
    mlir::Value number(int64_t i) const;                ///< index
    Memory memory(int64_t i, mlir::Type element) const; ///< at a pointer
    Memory reals(int64_t i) const { return memory(i, e.real); }

  private:
    Emitter &e;
    mlir::Value array;
  };
  /// A function that returns the index that `write` gives, or 0 for a null value.
  void add(llvm::StringRef name, const std::function<mlir::Value(Emitter &, mlir::ModuleOp, Words)> &write);

  /// After that nothing may be added. Ends the process if anything is wrong, with a message.
  void compile();

  template <typename... Word> int64_t call(const char *name, Word... words) const {
    const int64_t array[] = {word(words)...};
    return function(name)(array);
  }

private:
  using Function = int64_t (*)(const int64_t *);
  Function function(const char *name) const;
  static int64_t word(const void *pointer) { return reinterpret_cast<int64_t>(pointer); }
  static int64_t word(int64_t number) { return number; }
  static int64_t word(int number) { return number; }
  static int64_t word(bool flag) { return flag; }

  struct State;
  std::unique_ptr<State> state;
};

} // namespace snn

#endif // SNN_TEST_UNIT_COMPILER_NATIVECODE_H
