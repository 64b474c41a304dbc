// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How each contract is computed, and weights in the form that its kernel reads.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/Sizes.h"
#include "dialect/core/Maps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSEKERNELS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Whether samples are what the host gives, perhaps element by element through maps such as `/ 255`: events and images
/// are mostly zero. Whether these are (and whether the map keeps zeros) the code finds out, for little beside a
/// product.
bool isGiven(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp()) && cast<ArrayType>(value.getType()).sampleDim() >= 0;
  auto map = value.getDefiningOp<MapOp>();
  return map && map.getInputs().size() == 1 && isGiven(map.getInputs().front());
}

class ChooseKernels : public impl::ChooseKernelsBase<ChooseKernels> {
public:
  using ChooseKernelsBase::ChooseKernelsBase;

private:
  void runOnOperation() override {
    CallSize size = CallSize::of(getOperation(), batch, steps);
    streams = isStreaming(getOperation());
    getOperation().walk([&](ContractOp op) {
      StringRef whyNoProduct;
      std::optional<MatrixProduct> product = matchProduct(op, &whyNoProduct);
      const Choice choice = chosenFor(op, product);
      op->setAttr(kKernelAttr, KernelAttr::get(&getContext(), choice.kernel));
      op->removeAttr(kPanelsAttr);
      if (product && takesPanels(*product, choice.kernel))
        op->setAttr(kPanelsAttr, UnitAttr::get(&getContext()));
      if (auto remark = remarks::chosen(op, remarks::kKernels, stringifyKernel(choice.kernel)))
        explain(remark, op, product, {choice.kernel, choice.kernel == Kernel::Loops ? whyNoProduct : choice.reason},
                size);
      if (product && !product->oriented)
        orient(op, *product);
      // Windows that are not by what is not zero read each element again and again.
      if (llvm::is_contained({Kernel::Sparse, Kernel::SparseGradient}, choice.kernel) && !product->window)
        readBytes(op, *product);
    });
    // Copies of weights that are the same at each step come before the scan.
    RewritePatternSet patterns(&getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }

  bool streams = false;

  struct Choice {
    Kernel kernel;
    StringRef reason;
  };

  Choice chosenFor(ContractOp op, const std::optional<MatrixProduct> &product) {
    const Kernel kernel = kernelFor(op);
    if (!product)
      return {kernel, "rows are written over windows that overlap"};
    if (std::optional<Kernel> gather = streams ? product->gatherKernel() : std::nullopt)
      return {*gather, "a factor is spikes, and a step of one sample has too few rows for tables"};
    if (product->spikes)
      return {kernel, "a factor is spikes: by tables or by gathering, whichever their number makes faster"};
    if (sparseColumns <= 0 || !isGiven(product->a))
      return {kernel, "both factors are reals"};
    if (product->perElement() < sparseColumns)
      return {kernel,
              "what the host gives may be mostly zero, but so few products of an element do not pay for looking"};
    if (isa<ScanOp>(op->getParentOp()))
      return {kernel, "what the host gives may be mostly zero, but there are too few rows at a time to look"};
    if (std::optional<Kernel> sparse = product->sparseKernel())
      return {*sparse, "what the host gives may be mostly zero: by what is not, or dense if that is most of it"};
    return {kernel, "what the host gives may be mostly zero, but is read at windows that have no kernel for that"};
  }

  /// Else rows of so large a factor are fetched from afar again and again: those that are a power of two apart leave
  /// the caches at once.
  bool takesPanels(const MatrixProduct &product, Kernel kernel) const {
    // Images that are not by what is not zero have the memory of those that are.
    const bool isDense = kernel == Kernel::Dense || (kernel == Kernel::Sparse && !product.window);
    // Rows of the factor, turned or not, are whole vectors of columns.
    const int64_t bytes = product.depth * paddedWidth(product.columns) * layoutOf(product.b).elementBytes();
    return !streams && isDense && largeMatrix > 0 && bytes > largeMatrix && kernels::levelsOf(product.depth) == 1;
  }

  static void explain(remarks::Remark &remark, ContractOp op, const std::optional<MatrixProduct> &product,
                      Choice choice, CallSize size) {
    // A text may have any extents.
    auto times = [](uint64_t x, uint64_t y) { return llvm::SaturatingMultiply(x, y); };
    const bool atStep = isa<ScanOp>(op->getParentOp());
    uint64_t rows = 1, points = 1;
    for (int64_t extent : op.getDomain())
      if (extent < 0)
        rows = times(rows, extent == ArrayType::kTime ? size.steps : size.batch);
      else
        points = times(points, extent);
    const uint64_t inAll = times(rows, atStep ? size.steps : 1);
    std::string text = stringifyKernel(choice.kernel).str() + ", ";
    if (product)
      text += llvm::formatv("{0:N} x {1:N} x {2:N} (rows x inputs x columns)", times(rows, product->places),
                            product->depth, product->columns);
    else if (std::optional<OverlapProduct> overlap = matchOverlap(op))
      text += llvm::formatv("{0:N} x {1:N} x {2:N} (rows x inputs x columns)", times(rows, overlap->shape.places()),
                            overlap->shape.terms(), overlap->shape.columns);
    else
      text += llvm::formatv("{0:N} x {1:N} (rows x products)", rows, points);
    if (atStep)
      text += " at each step";
    if (product && !product->oriented)
      text += ", of a turned copy of the weights";
    if (choice.kernel == Kernel::Dense && op->hasAttr(kPanelsAttr))
      text += ", strips of the weights copied for all rows";
    remark << text << remarks::because(choice.reason);
    // A group of spikes is one addition then, once tables are made.
    if (product && product->spikes && choice.kernel != Kernel::Gather)
      remark << remark::metric("additions by tables",
                               times(inAll, llvm::divideCeil(points, uint64_t(kernels::kGroup))));
    else
      remark << remark::metric(choice.kernel == Kernel::Gather ? "additions at most"
                               : llvm::is_contained({Kernel::Sparse, Kernel::SparseGradient}, choice.kernel)
                                   ? "multiply-adds at most"
                                   : "multiply-adds",
                               times(inAll, points));
    int64_t bytes = 0;
    for (Value value : {op.getLhs(), op.getRhs(), op.getResult()})
      bytes += footprintOf(value).at(size.steps, size.batch);
    remark << remark::metric("bytes", bytes);
  }

  /// Reads bytes of the host as they are: reals of them would take four times the memory, for as little as is not zero.
  static void readBytes(ContractOp op, const MatrixProduct &product) {
    auto map = product.a.getDefiningOp<MapOp>();
    if (!map || map.getInputs().size() != 1 || map.getOutputs().size() != 1)
      return;
    auto given = cast<ArrayType>(map.getInputs()[0].getType()), taken = cast<ArrayType>(product.a.getType());
    Block &body = map.getBody().front();
    auto real = body.getTerminator()->getOperand(0).getDefiningOp<arith::UIToFPOp>();
    if (!given.getElementType().isUnsignedInteger(8) || given.getShape() != taken.getShape() || !real ||
        real.getIn() != body.getArgument(0) || map.getReadMaps()[0] != map.getWriteMaps()[0] ||
        !writesAll(map.getWriteMaps()[0], map.getDomain(), taken.getShape()))
      return;
    op->setOperand(product.swapped ? 1 : 0, map.getInputs()[0]);
    if (map->use_empty())
      map->erase();
  }

  /// Reads a row-major copy, of which the columns are the last extent.
  void orient(ContractOp op, const MatrixProduct &product) {
    unsigned operand = product.swapped ? 0 : 1;
    AffineMap read = op.getReadMaps()[operand], identity = AffineMap::getMultiDimIdentityMap(2, &getContext());
    auto type = cast<ArrayType>(product.b.getType());
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<AffineExpr> positions(read.getResults());
    const bool turned = read.getDimPosition(1) != product.columnDim;
    if (turned) {
      std::swap(shape[0], shape[1]);
      std::swap(positions[0], positions[1]);
    }
    AffineMap write = turned ? AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, &getContext()) : identity;
    OpBuilder builder(op);
    auto copy =
        MapOp::create(builder, op.getLoc(), ArrayType::get(&getContext(), shape, type.getElementType()), product.b,
                      type.getShape(), identity, write, ArrayAttr(),
                      [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
    op->setOperand(operand, copy.getResult(0));
    SmallVector<Attribute> reads(op.getReads().getValue());
    reads[operand] = AffineMapAttr::get(AffineMap::get(read.getNumDims(), 0, positions, &getContext()));
    op.setReadsAttr(builder.getArrayAttr(reads));
  }
};

} // namespace
} // namespace snn::core
