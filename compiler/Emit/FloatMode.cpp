// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See FloatMode.h. Another architecture is another subclass of ModeRegister and a case in registerOf().

#include "compiler/Emit/FloatMode.h"
#include "compiler/Codegen/FloatMode.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace snn {
namespace {

/// The register that holds the mode, as an i64.
class ModeRegister {
public:
  virtual ~ModeRegister() = default;
  /// Round to nearest, subnormals kept, no traps, no sticky flags.
  virtual int64_t standard() const = 0;
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

/// FPCR, Arm Architecture Reference Manual for A-profile, section C5.2.8; its sticky flags are another register (FPSR),
/// which nothing here changes but the arithmetic itself.
class Fpcr : public ModeRegister {
  int64_t standard() const override { return 0; }
  Value read(ImplicitLocOpBuilder &b) const override {
    StringAttr intrinsic = b.getStringAttr("llvm.aarch64.get.fpcr");
    return LLVM::CallIntrinsicOp::create(b, b.getI64Type(), intrinsic, ValueRange()).getResult(0);
  }
  void write(ImplicitLocOpBuilder &b, Value mode) const override {
    LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.aarch64.set.fpcr"), mode);
  }
};

std::unique_ptr<ModeRegister> registerOf(const llvm::Triple &triple) {
  if (triple.isX86())
    return std::make_unique<Mxcsr>();
  if (triple.isAArch64())
    return std::make_unique<Fpcr>();
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
    Value before = mode->read(*enter);
    mode->write(*enter,
                LLVM::ConstantOp::create(*enter, enter->getI64Type(), enter->getI64IntegerAttr(mode->standard())));
    LLVM::ReturnOp::create(*enter, before);
  }
  if (leave) {
    mode->write(*leave, leave->getInsertionBlock()->getArgument(0));
    LLVM::ReturnOp::create(*leave, ValueRange());
  }
  return success();
}

} // namespace snn
