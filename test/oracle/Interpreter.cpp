// See Interpreter.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Interpreter.h"
#include "test/oracle/Scalars.h"
#include "test/oracle/Sums.h"

#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace snn::interpreter {
namespace {

using core::ArrayType;
using SharedArray = std::shared_ptr<const Array>;

ArrayType arrayTypeOf(Value value) { return cast<ArrayType>(value.getType()); }

Error faultAt(Operation *op, const Twine &text) {
  std::string where;
  if (auto file = op->getLoc()->findInstanceOf<FileLineColLoc>())
    where = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn())).str();
  else
    llvm::raw_string_ostream(where) << op->getLoc();
  return fault(where + ": '" + op->getName().getStringRef() + "' " + text);
}

Error inside(Operation *op, Error error) {
  return error ? faultAt(op, llvm::toString(std::move(error))) : Error::success();
}

/// What is the same each time that an op is run in a call: a scan runs its ops once a step.
struct Plan {
  SmallVector<int64_t> extents;
  std::vector<Access> reads, writes;
  std::optional<Body> body;
  std::optional<Rows> rows; // along all dims that are not summed
};

class Execution {
public:
  Execution(const Call &call, Numbers numbers) : call(call), numbers(numbers) {}

  /// Runs the ops of a block whose arguments have values. What its terminator takes can be asked for afterwards.
  Error run(Block &block);
  void set(Value value, SharedArray array) { values[value] = std::move(array); }
  SharedArray get(Value value) const { return values.lookup(value); }

private:
  Error run(Operation *op);
  Error runMap(core::MapOp op, Plan &plan);
  Error runContract(core::ContractOp op, Plan &plan);
  Error runAdd(core::FoldOp op, Plan &plan);
  Error runBest(core::FoldOp op, Plan &plan);
  Error runScan(core::ScanOp op);
  Error runPhase(core::BatchMapOp op);
  Error runSegments(core::SegmentsOp op);

  Expected<Plan *> planOf(core::IndexedOpInterface op);
  Expected<Order> orderOf(Operation *op, std::optional<core::OrderAttr> order, ArrayRef<int64_t> along) const;
  /// All +0.
  Expected<Array> emptyArray(ArrayType type) const;
  template <typename Real> Array contract(core::ContractOp op, Plan &plan, const Order &order, Array result);
  template <typename Real> Array addUp(core::FoldOp op, Plan &plan, const Order &order, Array result);

  const Call &call;
  Numbers numbers;
  std::optional<int64_t> step; // of the scan whose body is run, counted from the first that the state has seen
  llvm::DenseMap<Value, SharedArray> values;
  llvm::DenseMap<Operation *, std::unique_ptr<Plan>> plans;
};

Error Execution::run(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (Error error = run(&op))
      return error;
    // What nobody reads any more makes room.
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() == &block &&
          llvm::all_of(operand.getUsers(), [&](Operation *user) { return user == &op || user->isBeforeInBlock(&op); }))
        values.erase(operand);
  }
  return Error::success();
}

Error Execution::run(Operation *op) {
  if (auto scan = dyn_cast<core::ScanOp>(op))
    return runScan(scan);
  if (auto phase = dyn_cast<core::BatchMapOp>(op))
    return runPhase(phase);
  if (auto segments = dyn_cast<core::SegmentsOp>(op))
    return runSegments(segments);
  auto indexed = dyn_cast<core::IndexedOpInterface>(op);
  if (!indexed)
    return faultAt(op, "is not known to the interpreter");
  Expected<Plan *> plan = planOf(indexed);
  if (!plan)
    return inside(op, plan.takeError());
  if (auto map = dyn_cast<core::MapOp>(op))
    return runMap(map, **plan);
  if (auto contract = dyn_cast<core::ContractOp>(op))
    return runContract(contract, **plan);
  if (auto fold = dyn_cast<core::FoldOp>(op))
    return fold.getKind() == core::FoldKind::Add ? runAdd(fold, **plan) : runBest(fold, **plan);
  return faultAt(op, "is not known to the interpreter");
}

Expected<Plan *> Execution::planOf(core::IndexedOpInterface op) {
  std::unique_ptr<Plan> &slot = plans[op];
  if (slot)
    return slot.get();
  auto plan = std::make_unique<Plan>();
  Expected<std::vector<int64_t>> extents = resolve(op.getDomain(), call);
  if (!extents)
    return extents.takeError();
  plan->extents.assign(extents->begin(), extents->end());
  auto addAccess = [&](std::vector<Access> &to, AffineMap map, Value value) -> Error {
    Expected<std::vector<int64_t>> shape = resolve(arrayTypeOf(value).getShape(), call);
    if (!shape)
      return shape.takeError();
    Expected<Access> access = Access::of(map, *shape);
    if (!access)
      return access.takeError();
    to.push_back(std::move(*access));
    return Error::success();
  };
  for (auto [map, operand] : llvm::zip_equal(op.getReadMaps(), op->getOperands()))
    if (Error error = addAccess(plan->reads, map, operand))
      return std::move(error);
  for (auto [map, result] : llvm::zip_equal(op.getWriteMaps(), op->getResults()))
    if (Error error = addAccess(plan->writes, map, result))
      return std::move(error);
  if (op->getNumRegions() == 1) {
    Expected<Body> body =
        Body::translate(op->getRegion(0).front(), op.getDomain(), plan->extents, call, numbers, step.has_value());
    if (!body)
      return body.takeError();
    plan->body = std::move(*body);
  }
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < int64_t(plan->extents.size()); ++dim)
    if (!llvm::is_contained(op.getAlong(), dim))
      dims.push_back(dim);
  plan->rows.emplace(plan->extents, dims);
  slot = std::move(plan);
  return slot.get();
}

Expected<Array> Execution::emptyArray(ArrayType type) const {
  Expected<std::vector<int64_t>> shape = resolve(type.getShape(), call);
  if (!shape)
    return shape.takeError();
  return Array(elementOf(type, numbers), std::move(*shape));
}

Error Execution::runMap(core::MapOp op, Plan &plan) {
  std::vector<Array> outputs;
  for (Value output : op.getOutputs()) {
    Expected<Array> array = emptyArray(arrayTypeOf(output));
    if (!array)
      return inside(op, array.takeError());
    outputs.push_back(std::move(*array));
  }
  SmallVector<std::optional<Scalar>> absent(op.getInputs().size());
  if (op.getAbsent())
    for (auto [value, attribute] : llvm::zip_equal(absent, *op.getAbsent()))
      value = Scalar::of(attribute);
  SmallVector<SharedArray> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(get(input));

  int readsOutside = -1;
  int64_t offsets[rowLength];
  Row row;
  row.point.assign(plan.extents.size(), 0);
  plan.rows->forEach(row, [&] {
    for (auto [index, input] : llvm::enumerate(inputs)) {
      plan.reads[index].offsets(row, offsets);
      if (!absent[index] && llvm::is_contained(ArrayRef(offsets, row.count), -1))
        readsOutside = index;
      plan.body->load(index, *input, offsets, row.count, absent[index].value_or(Scalar()));
    }
    plan.body->run(row, step);
    for (auto [index, output] : llvm::enumerate(outputs)) {
      plan.writes[index].offsets(row, offsets);
      plan.body->store(index, output, offsets, row.count);
    }
  });
  if (readsOutside >= 0)
    return faultAt(op, "reads outside of input #" + Twine(readsOutside) + ", for which it has no value");
  for (auto [value, output] : llvm::zip_equal(op.getOutputs(), outputs))
    set(value, std::make_shared<Array>(std::move(output)));
  return Error::success();
}

Expected<Order> Execution::orderOf(Operation *op, std::optional<core::OrderAttr> order, ArrayRef<int64_t> along) const {
  if (order)
    return Order::of(*order);
  if (along.empty() || numbers == Numbers::Wide)
    return Order::plain();
  return faultAt(op, "adds terms, but states no order of summation");
}

Error Execution::runContract(core::ContractOp op, Plan &plan) {
  Expected<Order> order = orderOf(op, op.getOrder(), op.getAlong());
  if (!order)
    return order.takeError();
  Expected<Array> result = emptyArray(arrayTypeOf(op.getResult()));
  if (!result)
    return inside(op, result.takeError());
  bool isSingle = result->element() == Element::F32;
  set(op.getResult(), std::make_shared<Array>(isSingle ? contract<float>(op, plan, *order, std::move(*result))
                                                       : contract<double>(op, plan, *order, std::move(*result))));
  return Error::success();
}

/// The factors of a row as reals; a factor that is 0 because it is a spike that did not come makes no term.
template <typename Real>
static void loadFactors(const Array &array, const int64_t *offsets, int64_t count, Real *factors, int64_t *target) {
  bool isSpike = array.element() == Element::Spike;
  std::visit(
      [&](const auto &elements) {
        for (int64_t i = 0; i < count; ++i) {
          if (offsets[i] < 0 || (isSpike && elements[offsets[i]] == 0))
            target[i] = -1;
          else
            factors[i] = Real(elements[offsets[i]]);
        }
      },
      array.data());
}

template <typename Real> Array Execution::contract(core::ContractOp op, Plan &plan, const Order &order, Array result) {
  SharedArray lhs = get(op.getLhs()), rhs = get(op.getRhs());
  Row row;
  row.point.assign(plan.extents.size(), 0);
  int64_t offsets[rowLength], target[rowLength];
  Real a[rowLength], b[rowLength];
  result.data() = sumInOrder<Real>(order, op.getDomain(), plan.extents, op.getAlong(), result.size(), row.point,
                                   [&](Sums<Real> &sums) {
                                     plan.rows->forEach(row, [&] {
                                       plan.writes[0].offsets(row, target);
                                       plan.reads[0].offsets(row, offsets);
                                       loadFactors(*lhs, offsets, row.count, a, target);
                                       plan.reads[1].offsets(row, offsets);
                                       loadFactors(*rhs, offsets, row.count, b, target);
                                       for (int64_t i = 0; i < row.count; ++i)
                                         if (target[i] >= 0)
                                           sums.addProduct(target[i], a[i], b[i]);
                                     });
                                   });
  return result;
}

/// Loads the arguments of a fold's body, and sets the target of each point that reads outside of an input to -1.
static void loadTerms(ArrayRef<SharedArray> inputs, Plan &plan, const Row &row, int64_t *target) {
  int64_t offsets[rowLength];
  plan.writes[0].offsets(row, target);
  for (auto [index, input] : llvm::enumerate(inputs)) {
    plan.reads[index].offsets(row, offsets);
    for (int64_t i = 0; i < row.count; ++i)
      if (offsets[i] < 0)
        target[i] = -1;
    plan.body->load(index, *input, offsets, row.count);
  }
}

Error Execution::runAdd(core::FoldOp op, Plan &plan) {
  Expected<Order> order = orderOf(op, op.getOrder(), op.getAlong());
  if (!order)
    return order.takeError();
  Expected<Array> result = emptyArray(arrayTypeOf(op.getValue()));
  if (!result)
    return inside(op, result.takeError());
  bool isSingle = result->element() == Element::F32;
  set(op.getValue(), std::make_shared<Array>(isSingle ? addUp<float>(op, plan, *order, std::move(*result))
                                                      : addUp<double>(op, plan, *order, std::move(*result))));
  return Error::success();
}

template <typename Real> Array Execution::addUp(core::FoldOp op, Plan &plan, const Order &order, Array result) {
  SmallVector<SharedArray> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(get(input));
  Row row;
  row.point.assign(plan.extents.size(), 0);
  int64_t target[rowLength];
  result.data() = sumInOrder<Real>(order, op.getDomain(), plan.extents, op.getAlong(), result.size(), row.point,
                                   [&](Sums<Real> &sums) {
                                     plan.rows->forEach(row, [&] {
                                       loadTerms(inputs, plan, row, target);
                                       plan.body->run(row, step);
                                       const double *terms = plan.body->reals(0);
                                       for (int64_t i = 0; i < row.count; ++i)
                                         if (target[i] >= 0)
                                           sums.add(target[i], Real(terms[i]));
                                     });
                                   });
  return result;
}

/// The first of the largest or smallest terms, and its number among the points along the dims that are folded.
Error Execution::runBest(core::FoldOp op, Plan &plan) {
  Expected<Array> result = emptyArray(arrayTypeOf(op.getValue()));
  if (!result)
    return inside(op, result.takeError());
  int64_t positions = 1;
  for (int64_t dim : op.getAlong())
    if (llvm::MulOverflow(positions, plan.extents[dim], positions) || positions > INT32_MAX)
      return faultAt(op, "has more points than i32 can number");
  bool isMax = op.getKind() == core::FoldKind::Max;
  double worst = isMax ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  std::vector<double> best(result->size(), worst);
  std::vector<int32_t> winner(result->size(), -1);
  SmallVector<SharedArray> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(get(input));
  Row row;
  row.point.assign(plan.extents.size(), 0);
  int64_t target[rowLength];
  double terms[rowLength];
  int32_t position = 0;
  forEachPoint(op.getAlong(), plan.extents, row.point, -1, [&] {
    plan.rows->forEach(row, [&] {
      loadTerms(inputs, plan, row, target);
      plan.body->run(row, step);
      plan.body->copy(0, terms, row.count);
      for (int64_t i = 0; i < row.count; ++i) {
        if (target[i] < 0)
          continue;
        double &soFar = best[target[i]];
        if (winner[target[i]] < 0 || (isMax ? terms[i] > soFar : terms[i] < soFar)) {
          soFar = terms[i];
          winner[target[i]] = position;
        }
      }
    });
    ++position;
  });
  Array winners(Element::I32, result->shape());
  winners.data() = std::move(winner);
  set(op.getValue(), std::make_shared<Array>(result->element(), result->shape(), best));
  set(op.getWinner(), std::make_shared<Array>(std::move(winners)));
  return Error::success();
}

/// Copies the elements of step `t` between an array over time and one without.
static Array sliceOf(const Array &array, int64_t t) {
  Array slice(array.element(), {array.shape().begin() + 1, array.shape().end()});
  std::visit(
      [&](const auto &from, auto &to) { std::copy_n(from.begin() + t * slice.size(), slice.size(), to.begin()); },
      array.data(), slice.data());
  return slice;
}

static void putSlice(const Array &slice, int64_t t, Array &array) {
  std::visit([&](const auto &from, auto &to) { llvm::copy(from, to.begin() + t * slice.size()); }, slice.data(),
             array.data());
}

/// One chunk, the whole batch: what the phase computes does not depend on how it is cut.
Error Execution::runPhase(core::BatchMapOp op) {
  Block &body = op.getBody().front();
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), op->getOperands()))
    set(argument, get(operand));
  if (Error error = run(body))
    return error;
  for (auto [result, given] : llvm::zip_equal(op->getResults(), op.getYield()->getOperands()))
    set(result, get(given));
  return Error::success();
}

/// As one segment, of all of time: whatever their length, they compute the same. Checkpoints are what carries are at
/// its start.
Error Execution::runSegments(core::SegmentsOp op) {
  Block &body = op.getBody().front();
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), op->getOperands()))
    set(argument, get(operand));
  if (Error error = run(body))
    return error;
  for (auto [result, given] : llvm::zip_equal(op->getResults(), op.getYield()->getOperands()))
    set(result, get(given));
  return Error::success();
}

Error Execution::runScan(core::ScanOp op) {
  if (step)
    return faultAt(op, "stands in the body of a scan");
  if (call.steps < 1)
    return faultAt(op, "has steps, but the number of steps is not known, and no input tells it");
  std::vector<Array> stacked;
  for (Value value : op.getStacked()) {
    Expected<Array> array = emptyArray(arrayTypeOf(value));
    if (!array)
      return inside(op, array.takeError());
    stacked.push_back(std::move(*array));
  }
  SmallVector<SharedArray> carries;
  for (Value init : op.getInit())
    carries.push_back(get(init));
  core::StepOp yield = op.getYield();
  for (int64_t i = 0; i < call.steps; ++i) {
    int64_t t = op.getReverse() ? call.steps - 1 - i : i;
    step = call.firstStep + t;
    for (auto [argument, operand] : llvm::zip_equal(op.getSlicedArgs(), op.getSliced()))
      set(argument, std::make_shared<Array>(sliceOf(*get(operand), t)));
    for (auto [argument, operand] : llvm::zip_equal(op.getInvariantArgs(), op.getInvariant()))
      set(argument, get(operand));
    for (auto [argument, carry] : llvm::zip_equal(op.getCarryArgs(), carries))
      set(argument, carry);
    if (Error error = run(op.getBody().front()))
      return error;
    for (auto [value, array] : llvm::zip_equal(yield.getStacked(), stacked))
      putSlice(*get(value), t, array);
    for (auto [value, carry] : llvm::zip_equal(yield.getNext(), carries))
      carry = get(value);
  }
  step.reset();
  for (auto [value, array] : llvm::zip_equal(op.getStacked(), stacked))
    set(value, std::make_shared<Array>(std::move(array)));
  for (auto [value, carry] : llvm::zip_equal(op.getFinals(), carries))
    set(value, carry);
  return Error::success();
}

/// The input as its argument's type has it.
Expected<Array> checkedInput(const Array &input, BlockArgument argument, const Call &call, Numbers numbers) {
  auto type = dyn_cast<ArrayType>(argument.getType());
  if (!type)
    return fault("argument #" + Twine(argument.getArgNumber()) + " is no array of the core");
  Expected<std::vector<int64_t>> shape = resolve(type.getShape(), call);
  if (!shape)
    return shape.takeError();
  Element element = elementOf(type, numbers);
  bool isWidened = element == Element::F64 && input.element() == Element::F32 && numbers == Numbers::Wide;
  if ((input.element() != element && !isWidened) || input.shape() != *shape)
    return fault("argument #" + Twine(argument.getArgNumber()) + " is " + describe(input.element(), input.shape()) +
                 ", but expected " + describe(element, *shape));
  return isWidened ? input.converted(element) : input;
}

} // namespace

Expected<std::vector<Array>> run(func::FuncOp function, ArrayRef<Array> inputs, const Call &call, Numbers numbers) {
  if (!function.getBody().hasOneBlock())
    return fault("function '" + function.getName() + "' has no body of one block");
  if (inputs.size() != function.getNumArguments())
    return fault("function '" + function.getName() + "' has " + Twine(function.getNumArguments()) + " arguments, but " +
                 Twine(inputs.size()) + " inputs were given");
  if (!call.sampleIds.empty() && int64_t(call.sampleIds.size()) != call.batch)
    return fault(Twine(call.sampleIds.size()) + " ids were given for " + Twine(call.batch) + " samples");
  if (call.firstStep < 0 || call.firstStep + call.steps > UINT32_MAX)
    return fault("the first step is " + Twine(call.firstStep) + ", but expected steps from 0 to 2^32 - 1");
  Execution execution(call, numbers);
  for (auto [argument, input] : llvm::zip_equal(function.getArguments(), inputs)) {
    Expected<Array> array = checkedInput(input, argument, call, numbers);
    if (!array)
      return array.takeError();
    execution.set(argument, std::make_shared<Array>(std::move(*array)));
  }
  Block &block = function.getBody().front();
  if (Error error = execution.run(block))
    return std::move(error);
  std::vector<Array> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(*execution.get(value));
  return results;
}

Expected<Call> inferExtents(func::FuncOp function, ArrayRef<std::vector<int64_t>> shapes, Call call) {
  for (auto [argument, shape] : llvm::zip(function.getArguments(), shapes)) {
    auto type = dyn_cast<ArrayType>(argument.getType());
    if (!type || type.getShape().size() != shape.size())
      continue;
    for (auto [mark, extent] : llvm::zip_equal(type.getShape(), shape)) {
      if (mark >= 0)
        continue;
      int64_t &known = mark == ArrayType::kTime ? call.steps : call.batch;
      if (known == 0)
        known = extent;
      else if (known != extent)
        return fault("argument #" + Twine(argument.getArgNumber()) + " has " + Twine(extent) +
                     (mark == ArrayType::kTime ? " steps" : " samples") + ", but expected " + Twine(known));
    }
  }
  return call;
}

} // namespace snn::interpreter
