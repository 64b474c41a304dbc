// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A builder for loops over vectors: what ScalarEmitter has, loads and stores, single and in vectors.

#ifndef SNN_COMPILER_CODEGEN_CPU_EMITTER_H
#define SNN_COMPILER_CODEGEN_CPU_EMITTER_H

#include "compiler/Codegen/Cpu/Passes.h"
#include "compiler/Codegen/Host/ScalarEmitter.h"

namespace snn {

/// A one-dimensional memory of elements, from `offset` on. Offsets and strides count elements.
struct Memory {
  mlir::Value base;   ///< pointer
  mlir::Value offset; ///< index
  mlir::Type element;
};

/// Shows each value of a structure to `each`, which may replace it. This is how a function comes to look into the same
/// structure as its caller, with arguments for values.
using EachValue = llvm::function_ref<void(mlir::Value &)>;
inline void forEachValue(mlir::Value &value, EachValue each) { each(value); }
inline void forEachValue(Memory &memory, EachValue each) {
  each(memory.base);
  each(memory.offset);
}
template <typename Part> void forEachValue(llvm::SmallVectorImpl<Part> &parts, EachValue each) {
  for (Part &part : parts)
    forEachValue(part, each);
}

/// What the target gives: filled from the module's attribute `snn.target`.
struct TargetShape {
  int64_t vectorBits = 256; ///< 32: of single numbers
  int64_t pointerBits = 64;
  bool x86 = true; ///< where subnormal numbers may take long
  static TargetShape of(mlir::ModuleOp module);
  bool hasVectors() const { return vectorBits > 32; }
  /// AVX-512 and NEON have 32 vector registers, AVX2 has 16; Arm's M profile has 32 of single numbers.
  int64_t registers() const { return vectorBits == 256 ? 16 : 32; }
};

class Emitter : public ScalarEmitter {
public:
  Emitter(mlir::Location loc, mlir::OpBuilder &builder, mlir::Type real, TargetShape target)
      : ScalarEmitter(loc, builder), real(real), target(target) {}

  mlir::Type real;
  TargetShape target;

  int64_t realBytes() const { return real.getIntOrFloatBitWidth() / 8; }
  /// Reals in a machine vector.
  int64_t machineLanes() const { return target.vectorBits / real.getIntOrFloatBitWidth(); }

  mlir::Value constant(mlir::Type type, double value); ///< a float or a vector of floats

  mlir::VectorType vector(int64_t lanes, mlir::Type element) { return mlir::VectorType::get({lanes}, element); }
  mlir::Value splat(mlir::Value scalar, int64_t lanes);
  mlir::Value loadVector(Memory memory, mlir::Value at, int64_t lanes);
  void storeVector(mlir::Value value, Memory memory, mlir::Value at);
  /// With a mask (kLanes x i1), lanes that it leaves out are 0 and nothing is read for them, or not written.
  mlir::Value loadMasked(Memory memory, mlir::Value at, mlir::Value mask);
  void storeMasked(mlir::Value value, Memory memory, mlir::Value at, mlir::Value mask);
  /// The same for lanes that lie apart, at `lanes` (integers) behind `at`. Without a mask, all of them.
  mlir::Value gather(Memory memory, mlir::Value at, mlir::Value lanes, mlir::Value mask);
  void scatter(mlir::Value value, Memory memory, mlir::Value at, mlir::Value lanes, mlir::Value mask);
  /// Calls body(i, lanes) for all of `count` elements, kLanes at a time, and what is left over one by one.
  void strips(int64_t count, const std::function<void(mlir::Value i, int64_t lanes)> &body);
  mlir::Value load(Memory memory, mlir::Value at);
  void store(mlir::Value value, Memory memory, mlir::Value at);
  /// Bits with the first `count` set.
  mlir::Value laneMask(int64_t count, int64_t lanes = kLanes);
  /// A word of spikes as kLanes truth values, as reals, and back.
  mlir::Value wordToBits(mlir::Value word);
  mlir::Value bitsToWord(mlir::Value bits);
  /// A multiple of kLanes truth values as a vector of words.
  mlir::Value packBits(mlir::Value bits);
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);

  /// Elements from byte `offset` behind a pointer on.
  Memory view(mlir::Value bytes, mlir::Value offset, mlir::Type element);
  Memory atPointer(mlir::Value pointer, mlir::Type element) { return {pointer, index(0), element}; }
  /// Memory of the host that begins `elements` behind a pointer, or before it: strides of a host may be negative, while
  /// the offsets of a Memory are not.
  Memory displaced(mlir::Value pointer, mlir::Value elements, mlir::Type element);

  /// Calls the function of that name with all values of `parts` that are not null. The module gets it if it does not
  /// have it yet: make(emitter, parts...) writes it with its arguments in their places, and returns its results. Equal
  /// shapes share a kernel.
  template <typename Make, typename... Parts>
  mlir::func::CallOp call(mlir::ModuleOp module, llvm::StringRef name, mlir::TypeRange results, const Make &make,
                          Parts... parts) {
    llvm::SmallVector<mlir::Value> operands;
    auto collect = [&](mlir::Value &value) {
      if (value)
        operands.push_back(value);
    };
    (forEachValue(parts, collect), ...);
    mlir::func::FuncOp function = kernel(module, name, mlir::ValueRange(operands).getTypes(), results,
                                         [&](Emitter &inner, mlir::ValueRange arguments) {
                                           size_t next = 0;
                                           auto replace = [&](mlir::Value &value) {
                                             if (value)
                                               value = arguments[next++];
                                           };
                                           (forEachValue(parts, replace), ...);
                                           return make(inner, parts...);
                                         });
    return mlir::func::CallOp::create(b, function, operands);
  }
  /// The same for a body that takes its arguments as they come.
  mlir::func::FuncOp kernel(mlir::ModuleOp module, llvm::StringRef name, mlir::TypeRange arguments,
                            mlir::TypeRange results,
                            llvm::function_ref<llvm::SmallVector<mlir::Value>(Emitter &, mlir::ValueRange)> make);

private:
  mlir::Value address(Memory memory, mlir::Value at);
  /// The addresses of kLanes elements.
  mlir::Value addresses(Memory memory, mlir::Value at, mlir::Value lanes);
  mlir::Value allLanes(mlir::Value mask);
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_EMITTER_H
