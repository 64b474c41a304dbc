// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The body of a definition -> ops of the core, where it is used.

#ifndef SNN_FRONTENDS_SNN_IMPORTBODY_H
#define SNN_FRONTENDS_SNN_IMPORTBODY_H

#include "frontends/snn/Checked.h"
#include "frontends/snn/ImportScalars.h"

#include "dialect/core/CoreDialect.h"
#include "llvm/ADT/DenseMap.h"

#include <functional>
#include <map>
#include <set>

namespace snn::frontend {

/// Where definitions are used: what is known when the model is compiled.
struct ImportContext {
  const DefinitionFile &definitions;
  mlir::Type real;                             ///< the element type: f32 or f64
  llvm::SmallVector<int64_t> shape = {1};      ///< the extents of the axes neuron and parameter
  int64_t classes = 1;                         ///< the extent of class, which divides their product
  std::optional<int64_t> steps = std::nullopt; ///< those of a run, unless the data say how many; a call may have fewer
  bool training = true;                        ///< what the word `training` is
  bool softSpikes = false;                     ///< what states a derivative has its `soft` value
  std::set<const Definition *> *leftOut = nullptr; ///< what has none, and has been told of
  int64_t *purposes = nullptr;                     ///< counts the uses of `random` in the model

  int64_t neurons() const;
};

/// A whole array of the core, whose extents are its axes in the order time, sample, neuron, class. Of an array of a
/// layer `axes` are the first extents; an index stands for each of the others.
struct ArrayValue {
  mlir::Value value;
  AxisSet axes;
  ValueType::Kind kind = ValueType::Kind::Real;
  bool network = true;
  std::optional<Axis> of = std::nullopt; ///< of integers: the axis along which they are coordinates
};

/// What a name stands for.
struct Binding {
  std::optional<Scalar> scalar; ///< known, or a value in the body that is being written
  std::optional<ArrayValue> array;
  llvm::SmallVector<ArrayValue> elements; ///< of a tuple
  std::string word;                       ///< of an option
  const Expr *surrogate = nullptr;        ///< a surrogate's name or call, or a function's
  std::function<ArrayValue(ArrayValue)> layer;

  static Binding number(double value) {
    Binding binding;
    binding.scalar = Scalar::number(value);
    return binding;
  }
  static Binding of(ArrayValue array) {
    Binding binding;
    binding.array = array;
    return binding;
  }
};

/// Writes ops at `builder`. Everything that is pointwise goes into the body of one map until an array is asked for;
/// what a reduction or a layer needs of it is computed in an op of its own before it.
class BodyImporter {
public:
  BodyImporter(const ImportContext &context, mlir::OpBuilder &builder, mlir::Location location);
  ~BodyImporter();

  /// Names that the body sees: inputs, parameters, states, and words such as `fired` or `update`.
  std::map<llvm::StringRef, Binding> names;

  /// Imports the lines of a checked definition. In `arrays`, each assignment is an array, so that lines may have
  /// different axes; else all values are of the axes that the body is used with.
  void importLines(const Statements &body, bool arrays);
  Scalar importExpr(const Expr &expr);

  /// What `spike`, `value` or `next` said, or the result.
  std::optional<Scalar> output;
  bool graded = false;                     ///< the factor of a spike is not 1; else it is left out
  bool inStep = false;                     ///< of a neuron: time is no axis, but the number of the step
  std::function<ArrayValue()> stepsOfCall; ///< in a step: their count, which is computed before the first
  /// In a clip: what a fold of this parameter leads to with those of all others.
  std::function<ArrayValue(llvm::StringRef fold, ArrayValue part)> overParameters;
  const LayerShapes *layer = nullptr;    ///< of the definition of a layer: its numbers and indices
  bool overTime = false;                 ///< whether an input of the layer differs from step to step
  llvm::SmallVector<LayerIndex> indices; ///< of the line, first those of its left side; a later name hides others
  const Statement *line = nullptr;       ///< of a layer, of which terms of its sum may land where its left side says

  /// One op for all of these, which all have the axes `axes` and whatever else one of them depends on.
  llvm::SmallVector<ArrayValue> finish(llvm::ArrayRef<Scalar> values, AxisSet axes);
  /// An op of its own for a value, which has the axes of what it depends on.
  ArrayValue arrayOf(const Scalar &scalar);
  /// That of a line in a layer, whose left side has these indices; they follow its axes.
  /// It has all of `axes`, also if it does not depend on them.
  ArrayValue elementsOf(const Scalar &value, AxisSet axes, AxisSet left);
  /// A sum over axes, of f64 terms if `wide`.
  ArrayValue sumOf(const Scalar &scalar, AxisSet over, bool wide = false);
  /// A number for each class.
  ArrayValue ofClasses(llvm::ArrayRef<double> numbers);
  /// The sum, or what else the fold says, of numbers.
  ArrayValue together(llvm::StringRef fold, llvm::ArrayRef<mlir::Value> numbers);
  /// The mean over the samples, in f64; what is the same for all of them is its own mean.
  ArrayValue averageOf(const Scalar &scalar);
  /// As an element: bits of the network, or a real of the element type.
  Scalar asElement(const Scalar &scalar);
  Scalar asRealElement(const Scalar &scalar);
  Scalar asNumber(const Scalar &scalar);
  /// What a name stands for now.
  Scalar valueOf(llvm::StringRef name);
  /// The product of an element of each, of the network.
  Scalar product(const ArrayValue &a, const ArrayValue &b);
  /// An element of an array in the body.
  Scalar read(const ArrayValue &array);

private:
  struct Slice;
  /// A dim of an op's domain: an axis, or one of several extents of it.
  struct Dim {
    Axis axis;
    unsigned part = 0;
    bool operator==(const Dim &other) const { return axis == other.axis && part == other.part; }
  };
  /// What an argument of the body is.
  struct Read {
    ArrayValue array;
    AxisSet axes;                               ///< that the element depends on
    llvm::SmallVector<mlir::AffineExpr> places; ///< behind the array's axes, of dims that are numbered as axes are
    enum class Outside { Never, Absent, Number } outside = Outside::Never;
    double number = 0; ///< what a place outside gives
    bool operator==(const Read &other) const;
  };
  /// Places of a sum's terms along axes that none of them has, of dims that are numbered as axes are.
  struct Landings {
    AxisSet axes;
    llvm::SmallVector<mlir::AffineExpr> places; ///< in the order of the axes
  };
  Scalar importName(const Expr &expr);
  Scalar importCall(const Expr &expr);
  Scalar importDef(const Definition &def, const Expr &call);
  Scalar importFunction(const Expr &function, const Scalar &value);
  /// The text of a def, whose names are those of `inside`.
  Scalar importText(const Definition &def, std::map<llvm::StringRef, Binding> inside);
  std::map<llvm::StringRef, Binding> wordsInSight() const;
  void bindNumbers(const Definition &definition, const Expr &call, std::map<llvm::StringRef, Binding> &inside) const;
  /// The result of a def, with its names in sight.
  Scalar importBody(const Definition &def);
  /// That of a def which states derivatives; `inside` is what its names stand for.
  Scalar importStated(const Definition &def, std::map<llvm::StringRef, Binding> inside);
  Scalar importReduction(const Expr &expr);
  /// In a layer.
  Scalar importRead(const Expr &expr, Read::Outside outside, double number);
  std::optional<Scalar> importProducts(const Expr &value, AxisSet over, const Landings &landings);
  Landings landingsOf(const Expr &sum) const;
  mlir::AffineExpr placeOf(const Expr &expr) const;
  llvm::SmallVector<unsigned> indicesNamed(llvm::StringRef name) const;
  AxisSet importOver(const Argument &over, const Expr &call);
  Scalar read(Read element);
  llvm::SmallVector<mlir::AffineExpr> pointsOf(llvm::ArrayRef<Dim> dims) const;
  mlir::AffineMap mapOf(llvm::ArrayRef<Dim> dims, const Read &element) const;
  /// Puts what places outside give into an array of its own, where a reduction would leave such terms out.
  mlir::Value padded(mlir::Value term, core::FoldKind kind);
  Scalar importAt(const Expr &expr);
  Scalar importFire(const Expr &expr);
  /// With soft spikes: says, once, that it states a derivative of nothing that differences could be taken of.
  void leaveOut(const Definition &definition);
  Scalar importSurrogate(const Expr &surrogate, const Scalar &v, Statement::Kind line);
  Scalar importClasses(const Scalar &value);
  Scalar importMembers(const Scalar &value);
  ArrayValue foldOf(core::FoldKind kind, const Scalar &scalar, AxisSet over, bool winner, bool wide,
                    const Landings &landings = {});
  /// How many there are along the axes.
  Scalar countOf(AxisSet axes);
  /// Time, if a reduction over it is one of what is the same in all steps: one of them is computed with and stands for
  /// all.
  AxisSet stillOf(AxisSet axes, AxisSet over) const;
  /// A number that is the same for all elements, computed once in an op of its own.
  mlir::Value outside(mlir::Value number);
  Scalar coordinate(Axis axis);
  const Expr *surrogateOf(const Expr &expr) const;
  mlir::Location at(llvm::SMLoc place) const;

  Slice sliceOf(llvm::ArrayRef<mlir::Value> values) const;
  /// Copies the slice's ops to where `builder` stands, in the body of an op with these dims; gives `values` there.
  llvm::SmallVector<mlir::Value> copy(const Slice &slice, llvm::ArrayRef<Dim> dims, mlir::OpBuilder &builder,
                                      mlir::ValueRange arguments, llvm::ArrayRef<mlir::Value> values) const;
  llvm::SmallVector<Dim> dimsOf(AxisSet axes) const;
  llvm::SmallVector<int64_t> extentsOf(llvm::ArrayRef<Dim> dims) const;
  mlir::AffineMap mapOf(llvm::ArrayRef<Dim> dims, AxisSet axes) const;
  mlir::AffineMap mapOf(llvm::ArrayRef<Dim> dims, AxisSet axes, const Landings &landings) const;
  /// Those of `over` that are summed, where `left` stays; others follow from where terms land.
  llvm::SmallVector<int64_t> alongOf(llvm::ArrayRef<Dim> dims, AxisSet over, AxisSet left,
                                     const Landings &landings) const;
  mlir::ArrayAttr absentOf(const Slice &slice) const;
  mlir::Type arrayType(AxisSet axes, mlir::Type element) const;
  int64_t extentOf(Dim dim) const;

  const ImportContext &context;
  mlir::OpBuilder &outer;
  mlir::Location location;
  std::unique_ptr<mlir::Block> block; ///< the body that is being written
  mlir::ImplicitLocOpBuilder inner;
  ScalarBuilder scalars;
  std::map<Axis, ArrayValue> counts; ///< of steps and samples, once they were asked for
  bool inDef = false;                ///< in the text of a def, which does not see the indices of a layer
  llvm::SmallVector<Read> inputs;    ///< one for each argument of the block
  llvm::DenseMap<mlir::Operation *, AxisSet> varying; ///< axes of ops that no argument gives them
  llvm::DenseMap<mlir::Operation *, Dim> coordinates; ///< what core.index counts along
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_IMPORTBODY_H
