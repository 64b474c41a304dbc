// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See FloatMode.h. Another architecture is another subclass of ModeRegister and a case in registerOf().

#include "compiler/Emit/FloatMode.h"
#include "compiler/Codegen/FloatMode.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace snn {
namespace {

/// What holds the mode, as an i64.
class ModeRegister {
public:
  virtual ~ModeRegister() = default;
  /// Round to nearest, subnormals kept, no traps, no sticky flags.
  virtual int64_t standard() const = 0;
  /// The bits of what holds the mode that are none of it, and stay as they were.
  virtual int64_t others() const { return 0; }
  virtual Value read(ImplicitLocOpBuilder &b) const = 0;
  virtual void write(ImplicitLocOpBuilder &b, Value mode) const = 0;
};

/// MXCSR, Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, section 10.2.3. It is read and
/// written through memory. The x87 unit has a mode of its own, but no generated code uses it.
class Mxcsr : public ModeRegister {
  int64_t standard() const override { return 0x1f80; }

  Value read(ImplicitLocOpBuilder &b) const override {
    Value memory = slot(b);
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.x86.sse.stmxcsr"), memory);
    return LLVM::ZExtOp::create(b, b.getI64Type(), LLVM::LoadOp::create(b, b.getI32Type(), memory));
  }

  void write(ImplicitLocOpBuilder &b, Value mode) const override {
    Value memory = slot(b);
    LLVM::StoreOp::create(b, LLVM::TruncOp::create(b, b.getI32Type(), mode), memory);
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.x86.sse.ldmxcsr"), memory);
  }

  static Value slot(ImplicitLocOpBuilder &b) {
    Value one = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(1));
    return LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), b.getI32Type(), one);
  }
};

/// FPCR and FPSR, Arm Architecture Reference Manual for A-profile, sections C5.2.8 and C5.2.10. The mode is in the
/// first, the sticky flags in the second; both have 32 bits, and the second is the upper half here.
class FpcrAndFpsr : public ModeRegister {
  int64_t standard() const override { return 0; }

  Value read(ImplicitLocOpBuilder &b) const override {
    auto get = [&](StringRef intrinsic) {
      return LLVM::CallIntrinsicOp::create(b, b.getI64Type(), b.getStringAttr(intrinsic), ValueRange()).getResult(0);
    };
    Value control = get("llvm.aarch64.get.fpcr"), status = get("llvm.aarch64.get.fpsr");
    return LLVM::OrOp::create(b, control, LLVM::ShlOp::create(b, status, half(b)));
  }

  void write(ImplicitLocOpBuilder &b, Value mode) const override {
    Value lower = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(0xffffffff));
    Value control = LLVM::AndOp::create(b, mode, lower), status = LLVM::LShrOp::create(b, mode, half(b));
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.aarch64.set.fpcr"), control);
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.aarch64.set.fpsr"), status);
  }

  static Value half(ImplicitLocOpBuilder &b) {
    return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(32));
  }
};

/// FPSCR, Armv7-M Architecture Reference Manual, section A2.5.3: mode and sticky flags in one. Armv8.1-M keeps the size
/// of vectors there (LTPSIZE), on which callers rely; conditions are nobody's.
class Fpscr : public ModeRegister {
  /// AHP, DN, FZ and the rounding mode; FZ16; the sticky flags.
  static constexpr int64_t kMode = 0x7c00000 | 1 << 19 | 0x9f;
  int64_t standard() const override { return 0; }
  int64_t others() const override { return 0xffffffff & ~kMode; }

  Value read(ImplicitLocOpBuilder &b) const override {
    Value bits = LLVM::CallIntrinsicOp::create(b, b.getI32Type(), b.getStringAttr("llvm.arm.get.fpscr"), ValueRange())
                     .getResult(0);
    return LLVM::ZExtOp::create(b, b.getI64Type(), bits);
  }

  void write(ImplicitLocOpBuilder &b, Value mode) const override {
    Value bits = LLVM::TruncOp::create(b, b.getI32Type(), mode);
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.arm.set.fpscr"), bits);
  }
};

std::unique_ptr<ModeRegister> registerOf(const llvm::Triple &triple) {
  if (triple.isX86())
    return std::make_unique<Mxcsr>();
  if (triple.isAArch64())
    return std::make_unique<FpcrAndFpsr>();
  if (triple.isThumb())
    return std::make_unique<Fpscr>();
  return nullptr;
}

/// A builder at the start of the function of that name, if it is there and has no body yet.
std::optional<ImplicitLocOpBuilder> startBody(ModuleOp module, StringRef name) {
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function || !function.isExternal())
    return std::nullopt;
  function.setLinkage(LLVM::Linkage::Internal);
  function.setAlwaysInline(true);
  ImplicitLocOpBuilder b(function.getLoc(), module.getContext());
  b.setInsertionPointToStart(function.addEntryBlock(b));
  return b;
}

} // namespace

LogicalResult defineFloatMode(ModuleOp module, const llvm::Triple &triple) {
  const std::unique_ptr<ModeRegister> mode = registerOf(triple);
  auto enter = startBody(module, kEnterFloatMode), leave = startBody(module, kLeaveFloatMode);
  if (!mode && (enter || leave))
    return module.emitError("the floating-point mode of ") << triple.getArchName() << " processors is not known";
  if (enter) {
    auto number = [&](int64_t value) {
      return LLVM::ConstantOp::create(*enter, enter->getI64Type(), enter->getI64IntegerAttr(value));
    };
    Value before = mode->read(*enter), after = number(mode->standard());
    if (mode->others() != 0)
      after = LLVM::OrOp::create(*enter, after, LLVM::AndOp::create(*enter, before, number(mode->others())));
    mode->write(*enter, after);
    LLVM::ReturnOp::create(*enter, before);
  }
  if (leave) {
    mode->write(*leave, leave->getInsertionBlock()->getArgument(0));
    LLVM::ReturnOp::create(*leave, ValueRange());
  }
  return success();
}

} // namespace snn
