// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cpuid and xgetbv, by the feature lists of the x86-64 psABI, section 3.1.1 (micro-architecture levels). Registers and
// bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID, and volume 1, section 13.3.

#include "compiler/Emit/CpuLevel.h"

using namespace mlir;

namespace snn {
namespace {

enum Register : int64_t { A, B, C, D };

constexpr uint32_t bits(std::initializer_list<int> places) {
  uint32_t mask = 0;
  for (int place : places)
    mask |= uint32_t(1) << place;
  return mask;
}

constexpr uint32_t kExtended = 0x80000001;
/// SSE3, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C: leaf 1, C.
constexpr uint32_t kLevel3Of1 = bits({0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29});
/// BMI1, AVX2, BMI2: leaf 7, B.
constexpr uint32_t kLevel3Of7 = bits({3, 5, 8});
/// LAHF-SAHF, LZCNT: kExtended, C.
constexpr uint32_t kLevel3OfExtended = bits({0, 5});
/// AVX512F, AVX512DQ, AVX512CD, AVX512BW, AVX512VL: leaf 7, B.
constexpr uint32_t kLevel4Of7 = bits({16, 17, 28, 30, 31});
/// What the system saves, in XCR0: SSE and AVX; also opmasks and both parts of AVX-512.
constexpr uint32_t kLevel3Saved = bits({1, 2}), kLevel4Saved = bits({1, 2, 5, 6, 7});

class LevelWriter {
public:
  explicit LevelWriter(ImplicitLocOpBuilder &b) : b(b), word(b.getI32Type()) {}

  /// From the entry block on: `saved` looks at XCR0, which may be read where OSXSAVE is there; `none` gives up.
  void write(Block *entry, Block *saved, Block *none) {
    b.setInsertionPointToEnd(entry);
    Value known = atLeast(cpuid(0, A), 7);
    known = both(known, atLeast(cpuid(0x80000000, A), kExtended));
    Value leaf7 = cpuid(7, B);
    Value level3 = both(known, both(has(cpuid(1, C), kLevel3Of1), has(leaf7, kLevel3Of7)));
    level3 = both(level3, has(cpuid(kExtended, C), kLevel3OfExtended));
    LLVM::CondBrOp::create(b, level3, saved, none);

    b.setInsertionPointToEnd(saved);
    Value state = assembly("xgetbv", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", {number(0)}, 2, A);
    Value level =
        LLVM::SelectOp::create(b, both(has(leaf7, kLevel4Of7), has(state, kLevel4Saved)), number(4), number(3));
    level = LLVM::SelectOp::create(b, has(state, kLevel3Saved), level, number(0));
    LLVM::ReturnOp::create(b, level);

    b.setInsertionPointToEnd(none);
    LLVM::ReturnOp::create(b, number(0));
  }

private:
  Value number(uint32_t value) { return LLVM::ConstantOp::create(b, word, b.getI32IntegerAttr(int32_t(value))); }
  Value both(Value x, Value y) { return LLVM::AndOp::create(b, x, y); }
  Value atLeast(Value x, uint32_t least) { return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::uge, x, number(least)); }
  Value has(Value x, uint32_t mask) {
    Value set = LLVM::AndOp::create(b, x, number(mask));
    return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, set, number(mask));
  }

  /// A leaf without, or with its first, subleaf.
  Value cpuid(uint32_t leaf, Register result) {
    return assembly("cpuid", "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}", {number(leaf), number(0)},
                    4, result);
  }

  Value assembly(StringRef text, StringRef constraints, ArrayRef<Value> operands, int64_t results, Register result) {
    auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(size_t(results), word));
    auto op = LLVM::InlineAsmOp::create(b, type, operands, text, constraints, /*has_side_effects=*/true,
                                        /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                        LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
                                        /*operand_attrs=*/ArrayAttr());
    return LLVM::ExtractValueOp::create(b, op.getRes(), ArrayRef<int64_t>{result});
  }

  ImplicitLocOpBuilder &b;
  Type word;
};

} // namespace

LLVM::LLVMFuncOp writeCpuLevel(ImplicitLocOpBuilder &b) {
  auto function = LLVM::LLVMFuncOp::create(b, "snn_cpu_level", LLVM::LLVMFunctionType::get(b.getI32Type(), {}),
                                           LLVM::Linkage::Internal);
  OpBuilder::InsertionGuard guard(b);
  Block *entry = function.addEntryBlock(b);
  LevelWriter(b).write(entry, &function.getBody().emplaceBlock(), &function.getBody().emplaceBlock());
  return function;
}

} // namespace snn
