// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registration, the array type and the order of summation.

#include "dialect/core/CoreDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn::core {
namespace {

/// `time`, `sample` or a number.
ParseResult parseExtent(AsmParser &parser, int64_t &extent) {
  if (succeeded(parser.parseOptionalKeyword("time")))
    return extent = ArrayType::kTime, success();
  if (succeeded(parser.parseOptionalKeyword("sample")))
    return extent = ArrayType::kSample, success();
  SMLoc loc = parser.getCurrentLocation();
  OptionalParseResult number = parser.parseOptionalInteger(extent);
  if (!number.has_value())
    return parser.emitError(loc, "expected 'time', 'sample' or a number");
  if (failed(*number))
    return failure();
  if (extent < 0)
    return parser.emitError(loc, "expected an extent of at least 0");
  return success();
}

void printExtent(AsmPrinter &printer, int64_t extent) {
  if (extent == ArrayType::kTime)
    printer << "time";
  else if (extent == ArrayType::kSample)
    printer << "sample";
  else
    printer << extent;
}

/// time x sample x 500 x f32
ParseResult parseTypedExtents(AsmParser &parser, SmallVector<int64_t> &shape, Type &element) {
  while (true) {
    OptionalParseResult type = parser.parseOptionalType(element);
    if (type.has_value())
      return *type;
    if (parseExtent(parser, shape.emplace_back()) || parser.parseKeyword("x"))
      return failure();
  }
}

void printTypedExtents(AsmPrinter &printer, ArrayRef<int64_t> shape, Type element) {
  for (int64_t extent : shape) {
    printExtent(printer, extent);
    printer << " x ";
  }
  printer << element;
}

} // namespace

/// [time, sample, 500]
static ParseResult parseExtents(OpAsmParser &parser, DenseI64ArrayAttr &extents) {
  SmallVector<int64_t> values;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     [&] { return parseExtent(parser, values.emplace_back()); }))
    return failure();
  extents = parser.getBuilder().getDenseI64ArrayAttr(values);
  return success();
}

static void printExtents(OpAsmPrinter &printer, Operation *, DenseI64ArrayAttr extents) {
  printer << '[';
  llvm::interleaveComma(extents.asArrayRef(), printer, [&](int64_t extent) { printExtent(printer, extent); });
  printer << ']';
}

/// What core.index counts along: a dim by its number, or time or the sample wherever they are.
static ParseResult parseCoordinate(OpAsmParser &parser, IntegerAttr &dim) {
  int64_t value;
  if (parseExtent(parser, value))
    return failure();
  dim = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

static void printCoordinate(OpAsmPrinter &printer, Operation *, IntegerAttr dim) { printExtent(printer, dim.getInt()); }

} // namespace snn::core

#include "dialect/core/CoreDialect.cpp.inc"
#include "dialect/core/CoreEnums.cpp.inc"
#include "dialect/core/CoreOpInterfaces.cpp.inc"

using namespace snn::core;

#define GET_TYPEDEF_CLASSES
#include "dialect/core/CoreTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/core/CoreAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/core/CoreOps.cpp.inc"

namespace snn::core {

void CoreDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/core/CoreTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/core/CoreAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/core/CoreOps.cpp.inc"
      >();
}

LogicalResult ArrayType::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> shape, Type element) {
  if (llvm::count(shape, kTime) > 1 || llvm::count(shape, kSample) > 1)
    return emitError() << "an array has one time and one sample extent at most [array_c1]";
  int64_t elements = 1;
  for (int64_t extent : shape)
    if (extent >= 0 && (extent == 0 || llvm::MulOverflow(elements, extent, elements) || elements > (int64_t(1) << 31)))
      return emitError() << "expected extents of at least 1 and at most 2^31 elements for a sample and step [array_c2]";
  if (isa<Float32Type, Float64Type>(element) || element.isSignlessInteger(1) || element.isUnsignedInteger(8) ||
      element.isSignlessInteger(32) || element.isSignlessInteger(64))
    return success();
  return emitError() << "elements are " << element << ", but expected f32, f64, i1, ui8, i32 or i64 [array_c3]";
}

LogicalResult CheckpointsType::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> shape,
                                      Type element) {
  if (llvm::is_contained(shape, ArrayType::kTime))
    return emitError() << "a checkpoint is a value before a step and has no time extent [checkpoints_c1]";
  return ArrayType::verify(emitError, shape, element);
}

CheckpointsType CheckpointsType::of(ArrayType array) {
  return CheckpointsType::get(array.getContext(), array.getShape(), array.getElementType());
}

ArrayType CheckpointsType::getArray() const { return ArrayType::get(getContext(), getShape(), getElementType()); }

int64_t ArrayType::dimOf(int64_t extent) const {
  const auto *found = llvm::find(getShape(), extent);
  return found == getShape().end() ? -1 : found - getShape().begin();
}

Type ArrayType::scalarType() const {
  Type element = getElementType();
  return element.isUnsignedInteger(8) ? IntegerType::get(getContext(), 8) : element;
}

ArrayType ArrayType::withElement(Type element) const { return ArrayType::get(getContext(), getShape(), element); }

ArrayType ArrayType::atOneStep() const {
  return ArrayType::get(getContext(), getShape().drop_front(), getElementType());
}

ArrayType ArrayType::overTime() const {
  SmallVector<int64_t> shape{kTime};
  llvm::append_range(shape, getShape());
  return ArrayType::get(getContext(), shape, getElementType());
}

LogicalResult OrderAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t group, int64_t block,
                                int64_t level, int64_t lanes, int64_t run, int64_t parts, int64_t part,
                                bool descending) {
  constexpr int64_t most = int64_t(1) << 20;
  if (std::max({group, block, level, lanes, run, parts, part}) > most)
    return emitError() << "expected numbers of at most " << most << " [order_c1]";
  auto isPowerOfTwo = [](int64_t n) { return n >= 1 && (n & (n - 1)) == 0; };
  if (group < 1 || block < 1 || block % group != 0 || level < 2 || run < 0 || part < 1)
    return emitError() << "expected groups of at least 1 in whole blocks, levels of at least 2 and no negative number "
                          "[order_c1]";
  if (!isPowerOfTwo(lanes) || !isPowerOfTwo(parts))
    return emitError() << "lanes and parts are added as trees: expected powers of two [order_c2]";
  if (parts > 1 && run == 0)
    return emitError() << "only sums over samples have parts, and those have runs [order_c3]";
  if (lanes > 1 && run > 0)
    return emitError() << "only sums without runs go over lanes [order_c3]";
  return success();
}

} // namespace snn::core
