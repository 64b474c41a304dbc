// Turns bodies into instructions. See Scalars.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Scalars.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace snn::interpreter {
namespace {

double reciprocalRoot(double x) { return 1 / std::sqrt(x); }

/// Functions of the math dialect that libm has, by the op's name. In f32 they are computed in f64 and rounded once.
double (*unaryFunction(StringRef name))(double) {
  static const llvm::StringMap<double (*)(double)> functions = {
      {"math.exp", std::exp},
      {"math.exp2", std::exp2},
      {"math.expm1", std::expm1},
      {"math.log", std::log},
      {"math.log2", std::log2},
      {"math.log10", std::log10},
      {"math.log1p", std::log1p},
      {"math.tanh", std::tanh},
      {"math.sqrt", std::sqrt},
      {"math.rsqrt", reciprocalRoot},
      {"math.absf", std::fabs},
      {"math.floor", std::floor},
      {"math.ceil", std::ceil},
      {"math.trunc", std::trunc},
      {"math.round", std::round},
      {"math.roundeven", std::nearbyint}, // in the rounding mode that is on, to nearest even
      {"math.sin", std::sin},
      {"math.cos", std::cos},
      {"math.tan", std::tan},
      {"math.atan", std::atan},
      {"math.sinh", std::sinh},
      {"math.cosh", std::cosh},
      {"math.erf", std::erf}};
  return functions.lookup(name);
}

double (*binaryFunction(StringRef name))(double, double) {
  static const llvm::StringMap<double (*)(double, double)> functions = {
      {"math.powf", std::pow}, {"math.atan2", std::atan2}, {"math.copysign", std::copysign}};
  return functions.lookup(name);
}

unsigned widthOf(Type type) { return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 0; }

} // namespace

std::optional<Scalar> Scalar::of(Attribute attribute) {
  if (auto real = dyn_cast<FloatAttr>(attribute)) {
    APFloat value = real.getValue();
    bool inexact;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
    return Scalar{value.convertToDouble(), 0};
  }
  if (auto integer = dyn_cast<IntegerAttr>(attribute); integer && integer.getValue().getBitWidth() <= 64)
    return Scalar{0, integer.getType().isInteger(1) ? int64_t(integer.getValue().getZExtValue())
                                                    : integer.getValue().getSExtValue()};
  return std::nullopt;
}

llvm::Expected<Body> Body::translate(Block &block, ArrayRef<int64_t> domain, ArrayRef<int64_t> extents,
                                     const Call &call, Numbers numbers, bool isInScan) {
  Body body;
  body.isInScan = isInScan;
  body.domain.assign(domain.begin(), domain.end());
  body.extents.assign(extents.begin(), extents.end());
  body.call = &call;
  body.numbers = numbers;
  for (auto [dim, extent] : llvm::enumerate(domain)) {
    if (extent == core::ArrayType::kTime)
      body.timeDim = dim;
    if (extent == core::ArrayType::kSample)
      body.sampleDim = dim;
  }
  for (BlockArgument argument : block.getArguments())
    body.arguments.push_back(body.define(argument));
  if (llvm::Error error = body.translateBlock(block))
    return std::move(error);
  for (Value value : block.getTerminator()->getOperands())
    body.yields.push_back(body.registers.lookup(value));
  body.registers.clear();
  return body;
}

Body::Register Body::define(Value value) {
  bool isReal = isa<FloatType>(value.getType());
  Register result{isReal, unsigned(realBank.size() / rowLength)};
  realBank.resize(realBank.size() + rowLength);
  integerBank.resize(integerBank.size() + rowLength);
  registers[value] = result;
  return result;
}

llvm::Error Body::translateBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (llvm::Error error = translate(op))
      return error;
  return llvm::Error::success();
}

llvm::Error Body::translate(Operation &op) {
  auto unknown = [&](const Twine &what) {
    return fault("operation '" + op.getName().getStringRef() + "'" + what + " is not known to the interpreter");
  };
  for (Type type :
       llvm::concat<const Type>(llvm::to_vector(op.getOperandTypes()), llvm::to_vector(op.getResultTypes())))
    if (!type.isF32() && !type.isF64() && !(isa<IntegerType>(type) && widthOf(type) <= 64))
      return unknown(" on other numbers than f32, f64 and integers");

  if (auto custom = dyn_cast<core::CustomVjpOp>(op)) {
    Block &value = custom.getValue().front();
    for (auto [argument, input] : llvm::zip_equal(value.getArguments(), custom.getInputs()))
      registers[argument] = registers.lookup(input);
    if (llvm::Error error = translateBlock(value))
      return error;
    for (auto [result, yielded] : llvm::zip_equal(custom.getOutputs(), value.getTerminator()->getOperands()))
      registers[result] = registers.lookup(yielded);
    return llvm::Error::success();
  }
  if (op.getNumResults() != 1)
    return unknown("");
  if (auto detach = dyn_cast<core::DetachOp>(op)) {
    registers[op.getResult(0)] = registers.lookup(detach.getInput());
    return llvm::Error::success();
  }
  Register result = define(op.getResult(0));
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::optional<Scalar> value = Scalar::of(constant.getValue());
    if (!value)
      return unknown(" of this kind");
    if (result.isReal)
      std::fill_n(realRow(result.index), rowLength, value->real);
    else
      std::fill_n(integerRow(result.index), rowLength, value->integer);
    return llvm::Error::success();
  }

  if (auto index = dyn_cast<core::IndexOp>(op)) {
    int64_t dim = index.getDim();
    if ((dim == core::ArrayType::kTime && timeDim < 0 && !isInScan) ||
        (dim == core::ArrayType::kSample && sampleDim < 0))
      return fault("core.index counts along time or the sample, but the op has none");
  }

  Instruction instruction{};
  instruction.result = result.index;
  instruction.single = numbers == Numbers::AsStated && op.getResult(0).getType().isF32();
  instruction.width = widthOf(op.getResult(0).getType());
  unsigned *operands[] = {&instruction.a, &instruction.b, &instruction.c};
  if (op.getNumOperands() > 3)
    return unknown("");
  for (auto [index, operand] : llvm::enumerate(op.getOperands()))
    *operands[index] = registers.lookup(operand).index;
  if (op.getNumOperands() > 0)
    instruction.fromWidth = widthOf(op.getOperand(0).getType());
  if (!translateReal(op, instruction) && !translateInteger(op, instruction))
    return unknown("");
  instructions.push_back(instruction);
  return llvm::Error::success();
}

/// Operations on reals, and those of the core.
bool Body::translateReal(Operation &op, Instruction &instruction) {
  std::optional<Code> code = llvm::TypeSwitch<Operation *, std::optional<Code>>(&op)
                                 .Case<arith::AddFOp>([](auto) { return Code::Add; })
                                 .Case<arith::SubFOp>([](auto) { return Code::Subtract; })
                                 .Case<arith::MulFOp>([](auto) { return Code::Multiply; })
                                 .Case<arith::DivFOp>([](auto) { return Code::Divide; })
                                 .Case<arith::NegFOp>([](auto) { return Code::Negate; })
                                 .Case<arith::MaximumFOp>([](auto) { return Code::Maximum; })
                                 .Case<arith::MinimumFOp>([](auto) { return Code::Minimum; })
                                 .Case<arith::MaxNumFOp>([](auto) { return Code::MaximumNumber; })
                                 .Case<arith::MinNumFOp>([](auto) { return Code::MinimumNumber; })
                                 .Case<math::FmaOp>([](auto) { return Code::FusedMultiplyAdd; })
                                 .Case<arith::UIToFPOp>([](auto) { return Code::FromUnsigned; })
                                 .Case<arith::SIToFPOp>([](auto) { return Code::FromSigned; })
                                 .Case<arith::ExtFOp, arith::TruncFOp>([](auto) { return Code::Round; })
                                 .Case<core::IndexOp>([&](core::IndexOp index) {
                                   instruction.integer = int64_t(index.getDim());
                                   return Code::Index;
                                 })
                                 .Case<core::RandomOp>([&](core::RandomOp random) {
                                   instruction.integer = int64_t(random.getPurpose());
                                   instruction.perSample = random.getPerSample();
                                   return Code::Random;
                                 })
                                 .Case<arith::CmpFOp>([&](arith::CmpFOp compare) {
                                   instruction.integer = int64_t(compare.getPredicate());
                                   return Code::CompareReals;
                                 })
                                 .Default([](Operation *) { return std::nullopt; });
  if (!code) {
    StringRef name = op.getName().getStringRef();
    instruction.unary = unaryFunction(name);
    instruction.binary = binaryFunction(name);
    if (!instruction.unary && !instruction.binary)
      return false;
    code = instruction.unary ? Code::Unary : Code::Binary;
  }
  instruction.code = *code;
  return true;
}

bool Body::translateInteger(Operation &op, Instruction &instruction) {
  std::optional<Code> code = llvm::TypeSwitch<Operation *, std::optional<Code>>(&op)
                                 .Case<arith::AddIOp>([](auto) { return Code::IntegerAdd; })
                                 .Case<arith::SubIOp>([](auto) { return Code::IntegerSubtract; })
                                 .Case<arith::MulIOp>([](auto) { return Code::IntegerMultiply; })
                                 .Case<arith::AndIOp>([](auto) { return Code::And; })
                                 .Case<arith::OrIOp>([](auto) { return Code::Or; })
                                 .Case<arith::XOrIOp>([](auto) { return Code::Xor; })
                                 .Case<arith::FPToSIOp>([](auto) { return Code::ToSigned; })
                                 .Case<arith::FPToUIOp>([](auto) { return Code::ToUnsigned; })
                                 .Case<arith::ExtUIOp>([](auto) { return Code::ZeroExtend; })
                                 .Case<arith::ExtSIOp>([](auto) { return Code::SignExtend; })
                                 .Case<arith::TruncIOp>([](auto) { return Code::Truncate; })
                                 .Case<arith::SelectOp>([&](arith::SelectOp select) {
                                   return isa<FloatType>(select.getType()) ? Code::SelectReal : Code::SelectInteger;
                                 })
                                 .Case<arith::CmpIOp>([&](arith::CmpIOp compare) {
                                   instruction.integer = int64_t(compare.getPredicate());
                                   return Code::CompareIntegers;
                                 })
                                 .Default([](Operation *) { return std::nullopt; });
  if (code)
    instruction.code = *code;
  return code.has_value();
}

} // namespace snn::interpreter
