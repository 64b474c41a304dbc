// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adjoints of map, fold and contract. The gradient of input i is the same op with i's map as the map that writes, and
// with sums along the dims that this map does not determine.

#include "compiler/Autodiff/Adjoints.h"

#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {
namespace {

/// A map or fold whose adjoint is being written.
class BodyReverser {
public:
  BodyReverser(IndexedOpInterface op, OpBuilder &builder, Adjoints &outer)
      : op(op), builder(builder), outer(outer), body(op->getRegion(0).front()), reads(op.getReadMaps()),
        domain(op.getDomain()) {
    for (auto [result, write] : llvm::zip(op->getResults(), op.getWriteMaps()))
      if (Value gradient = outer.lookup(result)) {
        gradients.push_back(gradient);
        gradientReads.push_back(write);
        gradientOf.push_back(cast<OpResult>(result).getResultNumber());
      }
    if (auto fold = dyn_cast<FoldOp>(op.getOperation()); fold && fold.getWinner()) {
      winner = fold.getWinner();
      gradientReads.push_back(fold.getWrite());
    }
  }

  LogicalResult run() {
    SmallVector<unsigned> plain; // inputs whose elements are each read at one point only
    for (auto [index, input] : llvm::enumerate(op->getOperands())) {
      if (!outer.isActive(input) || !reaches(index))
        continue;
      if (dimsToSum(index).empty() && (isa<MapOp>(op) || !anyMayBeAbsent()))
        plain.push_back(index);
      else
        addSum(index);
    }
    if (!plain.empty())
      addMap(plain);
    return failure(fault);
  }

private:
  /// Whether the body's value depends on input `index` in a way that has a gradient.
  bool reaches(unsigned index) {
    Adjoints inner(realType());
    inner.setActive(body.getArgument(index));
    inner.propagate(opsOf(body));
    return llvm::any_of(gradientOf,
                        [&](unsigned result) { return inner.isActive(body.getTerminator()->getOperand(result)); });
  }

  SmallVector<int64_t> dimsToSum(unsigned index) {
    SmallVector<AffineMap> all(reads);
    llvm::append_range(all, op.getWriteMaps());
    return summationDims(domain, determinedDims(reads[index], domain), all);
  }

  SmallVector<Value> inputs() {
    SmallVector<Value> values(op->getOperands());
    llvm::append_range(values, gradients);
    if (winner)
      values.push_back(winner);
    return values;
  }

  SmallVector<AffineMap> inputMaps() {
    SmallVector<AffineMap> maps(reads);
    llvm::append_range(maps, gradientReads);
    return maps;
  }

  /// The body of the gradient op: the forward body once more, then its adjoint. Returns the adjoints of the inputs
  /// `wanted`, zero where nothing reaches them.
  SmallVector<Value> writeBody(ImplicitLocOpBuilder &b, ValueRange arguments, ArrayRef<unsigned> wanted) {
    SmallVector<Value> yields = cloneBody(b, body, arguments.take_front(body.getNumArguments()));
    SmallVector<Operation *> forward = llvm::to_vector(llvm::make_pointer_range(*b.getInsertionBlock()));
    Adjoints inner(realType());
    for (unsigned index : wanted)
      inner.setActive(arguments[index]);
    inner.propagate(forward);
    ValueRange grads = arguments.slice(body.getNumArguments(), gradients.size());
    for (auto [number, grad] : llvm::zip(gradientOf, grads)) {
      Value seed = grad;
      if (winner) {
        Value won = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arguments.back(), pointNumber(b));
        seed = arith::SelectOp::create(b, won, grad, arith::ConstantOp::create(b, b.getZeroAttr(grad.getType())));
      }
      inner.add(b, yields[number], seed);
    }
    if (failed(inner.reverse(b, forward)))
      fault = true;
    SmallVector<Value> results;
    for (unsigned index : wanted) {
      Value gradient = inner.lookup(arguments[index]);
      Type type = scalarGradientType(index);
      if (!gradient)
        gradient = arith::ConstantOp::create(b, b.getZeroAttr(type));
      results.push_back(gradient);
    }
    return results;
  }

  /// A point's number in row-major order of the summed dims: what a winner is told by.
  Value pointNumber(ImplicitLocOpBuilder &b) {
    Value number;
    for (int64_t dim : op.getAlong()) {
      Value at = IndexOp::create(b, b.getI64Type(), b.getI64IntegerAttr(dim));
      if (number) {
        Value extent = arith::ConstantOp::create(b, b.getI64IntegerAttr(domain[dim]));
        at = arith::AddIOp::create(b, arith::MulIOp::create(b, number, extent), at);
      }
      number = at;
    }
    if (!number)
      return arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
    return arith::TruncIOp::create(b, b.getI32Type(), number);
  }

  Type scalarGradientType(unsigned index) {
    return gradientType(op->getOperand(index).getType(), realType()).getElementType();
  }

  Type realType() { return outer.getReal(); }

  /// Whether there are points at which an input has its default, or one of several gradients is that of no element.
  bool anyMayBeAbsent() {
    auto isOutside = [&](Value value, AffineMap read) {
      return !isInside(read, domain, cast<ArrayType>(value.getType()).getShape());
    };
    for (unsigned index = 0; index < op->getNumOperands(); ++index)
      if (op.mayReadOutside(index) && isOutside(op->getOperand(index), reads[index]))
        return true;
    return gradients.size() > 1 && llvm::any_of(llvm::zip(gradients, gradientReads), [&](auto pair) {
             return isOutside(std::get<0>(pair), std::get<1>(pair));
           });
  }

  /// What absent elements are: as before for the inputs; the gradient of an element that does not exist is 0.
  ArrayAttr absents(ArrayRef<Value> values, ArrayRef<AffineMap> maps) {
    SmallVector<Attribute> attributes;
    auto map = dyn_cast<MapOp>(op.getOperation());
    bool any = false;
    for (auto [index, value, read] : llvm::enumerate(values, maps)) {
      Attribute attribute = builder.getUnitAttr();
      if (index < op->getNumOperands()) {
        if (map && map.getAbsent())
          attribute = (*map.getAbsent())[index];
      } else if (!isInside(read, domain, cast<ArrayType>(value.getType()).getShape())) {
        attribute = builder.getZeroAttr(cast<ArrayType>(value.getType()).scalarType());
      }
      any |= !isa<UnitAttr>(attribute);
      attributes.push_back(attribute);
    }
    return any ? builder.getArrayAttr(attributes) : ArrayAttr();
  }

  MapOp createMap(TypeRange types, ArrayRef<AffineMap> writes, ArrayRef<unsigned> wanted) {
    SmallVector<Value> values = inputs();
    SmallVector<AffineMap> maps = inputMaps();
    return MapOp::create(
        builder, op->getLoc(), types, values, domain, maps, writes, absents(values, maps),
        [&](ImplicitLocOpBuilder &b, ValueRange arguments) { return writeBody(b, arguments, wanted); });
  }

  void addMap(ArrayRef<unsigned> wanted) {
    SmallVector<Type> types;
    SmallVector<AffineMap> writes;
    for (unsigned index : wanted) {
      types.push_back(gradientType(op->getOperand(index).getType(), realType()));
      writes.push_back(reads[index]);
    }
    for (auto [index, gradient] : llvm::zip(wanted, createMap(types, writes, wanted).getResults()))
      outer.add(builder, op->getOperand(index), gradient);
  }

  void addSum(unsigned index) {
    SmallVector<int64_t> along = dimsToSum(index);
    ArrayType type = gradientType(op->getOperand(index).getType(), realType());
    Value gradient;
    if (isa<MapOp>(op) && anyMayBeAbsent()) {
      // A map has a value where an input is absent, a fold has no term there: the terms are made first.
      Type whole = ArrayType::get(builder.getContext(), domain, type.getElementType());
      MapOp terms = createMap(whole, builder.getMultiDimIdentityMap(domain.size()), index);
      gradient = sumOf(builder, op->getLoc(), terms.getResult(0), type, along, reads[index]);
    } else {
      gradient =
          FoldOp::create(builder, op->getLoc(), type, inputs(), domain, along, inputMaps(), reads[index],
                         [&](ImplicitLocOpBuilder &b, ValueRange arguments) { return writeBody(b, arguments, index); })
              .getValue();
    }
    outer.add(builder, op->getOperand(index), gradient);
  }

  IndexedOpInterface op;
  OpBuilder &builder;
  Adjoints &outer;
  Block &body;
  SmallVector<AffineMap> reads;
  ArrayRef<int64_t> domain;
  SmallVector<Value> gradients;         ///< of the results that have one
  SmallVector<AffineMap> gradientReads; ///< and of the winner
  SmallVector<unsigned> gradientOf;
  Value winner;
  bool fault = false;
};

template <typename OpTy> struct BodyModel : DifferentiableOpInterface::ExternalModel<BodyModel<OpTy>, OpTy> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    return BodyReverser(cast<IndexedOpInterface>(op), builder, adjoints).run();
  }
};

/// d(x w) = dy w to x, dy x to w: the same domain with the roles of the maps exchanged.
struct ContractModel : DifferentiableOpInterface::ExternalModel<ContractModel, ContractOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    auto contract = cast<ContractOp>(op);
    Value grad = adjoints.lookup(contract.getResult());
    Type real = cast<ArrayType>(grad.getType()).getElementType();
    SmallVector<AffineMap> reads = contract.getReadMaps();
    SmallVector<AffineMap> all{reads[0], reads[1], contract.getWrite()};
    for (unsigned index : {0u, 1u}) {
      Value operand = op->getOperand(index);
      if (!adjoints.isActive(operand))
        continue;
      SmallVector<int64_t> along = summationDims(
          contract.getDomain(), determinedDims(reads[index], contract.getDomain(), contract.getWrite()), all);
      adjoints.add(builder, operand,
                   ContractOp::create(builder, op->getLoc(), gradientType(operand.getType(), real), grad,
                                      op->getOperand(1 - index), contract.getDomain(), along, contract.getWrite(),
                                      reads[1 - index], reads[index]));
    }
    return success();
  }
};

} // namespace

void registerIndexedRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, CoreDialect *) {
    MapOp::attachInterface<BodyModel<MapOp>>(*context);
    FoldOp::attachInterface<BodyModel<FoldOp>>(*context);
    ContractOp::attachInterface<ContractModel>(*context);
  });
}

} // namespace snn::core
