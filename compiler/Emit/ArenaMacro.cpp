// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See ArenaMacro.h. The bytes are those of core::CallMemory, written in `b` samples, `s` steps and `w` workers.

#include "compiler/Emit/ArenaMacro.h"

#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/Sizes.h"
#include "snn/abi.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace mlir;

namespace snn {
namespace {

using core::CallSize;
using core::Place;
using core::SumClass;

/// No expression repeats its operands more often than this.
constexpr size_t kMostTerms = 4;

/// The largest of some expressions, each of which is repeated as often as there are others, at most.
std::string largest(ArrayRef<std::string> terms) {
  if (terms.size() == 1)
    return terms.front();
  const std::string a = largest(terms.take_front(terms.size() / 2)), b = largest(terms.drop_front(terms.size() / 2));
  return fmt::format("({0} > {1} ? {0} : {1})", a, b);
}

/// A sum of products with numbers: "(64 + 8 * s)".
class Sum {
public:
  void add(int64_t factor, const std::string &of = "") {
    if (of.empty())
      constant += factor;
    else if (factor != 0)
      terms.push_back(factor == 1 ? of : fmt::format("{} * {}", factor, of));
  }
  std::string text() const {
    std::vector<std::string> all = terms;
    if (constant != 0 || all.empty())
      all.insert(all.begin(), std::to_string(constant));
    return all.size() == 1 && terms.empty() ? all.front() : fmt::format("({})", fmt::join(all, " + "));
  }

private:
  int64_t constant = 0;
  std::vector<std::string> terms;
};

/// A function of a number from 1 to `end` that never falls, as comparisons with where it rises.
std::string stepFunction(const std::string &number, int64_t end, function_ref<int64_t(int64_t)> value) {
  std::string text;
  int64_t at = 1;
  for (const int64_t last = value(end); value(at) < last;) {
    const int64_t here = value(at);
    int64_t low = at, high = end; // value(low) == here < value(high)
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (value(middle) == here ? low : high) = middle;
    }
    text += fmt::format("{} < {} ? {} : ", number, high, here);
    at = high;
  }
  return text.empty() ? std::to_string(value(end)) : fmt::format("({}{})", text, value(at));
}

/// Memory of one worker for the chunks of a phase, in calls of any number of steps.
struct WorkerBound {
  Place place;      ///< for the planned chunk
  Place inSegments; ///< of a segment, for that

  bool covers(const WorkerBound &other) const {
    return place.atLeast(other.place) == place && inSegments.atLeast(other.inSegments) == inSegments;
  }
  /// Becomes a bound of the other, too.
  void include(const WorkerBound &other) {
    place = place.atLeast(other.place);
    inSegments = inSegments.atLeast(other.inSegments);
  }
};

/// What a function's calls take.
class FunctionBytes {
public:
  FunctionBytes(func::FuncOp function, std::optional<int64_t> fixedSteps)
      : memory(function), fixed(fixedSteps), mostSteps(core::mostStepsOf(function)) {
    ModelOp model = getModel(function->getParentOfType<ModuleOp>());
    const int64_t all = model.getSteps() ? int64_t(*model.getSteps()) : int64_t(model.getMaxSteps());
    steps = fixed ? std::to_string(*fixed) : mostSteps < all ? fmt::format("(s < {0} ? s : {0})", mostSteps) : "s";
    if (std::optional<core::SegmentsOp> segments = core::firstSegments(function))
      length = segments->getLength().value_or(kMaxSteps);
  }

  std::string text() const {
    Sum sum;
    sum.add(1, sums());
    const Place &shared = memory.sharedPlace();
    sum.add(shared.fixed);
    if (fixed) {
      sum.add(shared.steps * *fixed);
      sum.add(shared.samples + shared.rows * *fixed, "b");
    } else {
      sum.add(shared.steps, steps);
      sum.add(shared.samples, "b");
      sum.add(shared.rows, "b * " + steps);
    }
    sum.add(1, "w * " + workerBytes());
    return sum.text();
  }

private:
  static int64_t largestOf(ArrayRef<SumClass> classes, function_ref<int64_t(const SumClass &)> number) {
    int64_t result = 1;
    for (const SumClass &sum : classes)
      result = std::max(result, number(sum));
    return result;
  }

  static int64_t slots(ArrayRef<SumClass> classes, CallSize size) {
    return largestOf(classes, [&](const SumClass &sum) { return sum.parts(size); }) *
           largestOf(classes, [&](const SumClass &sum) { return sum.levels(size); });
  }

  /// No fewer blocks than in any call in which samples times steps are `rows`.
  static int64_t blocksBound(const SumClass &sum, int64_t rows) {
    // Most of a row have samples of one run, or of one and what is left of a second one; the batch's last run may have
    // less than 128 terms for two blocks.
    int64_t most = 0, ofRows = 1;
    for (int64_t steps = 1; steps <= 2 * kernels::kRun; ++steps) {
      const int64_t unit = sum.unit(steps), blocks = sum.blocks({unit, steps});
      if (blocks * ofRows > most * unit * steps) {
        most = blocks;
        ofRows = unit * steps;
      }
    }
    return rows * most / ofRows + 2;
  }

  /// No fewer slots than in any call in which samples times steps are `rows`, of so few samples that they make up to
  /// `mostParts` parts.
  static int64_t slotsBound(ArrayRef<SumClass> classes, int64_t rows, int64_t mostParts) {
    auto parts = [&](const SumClass &sum) {
      int64_t parts = 1;
      while (parts * 2 <= std::min(sum.maxParts, mostParts) &&
             rows >= int64_t(llvm::divideCeil(sum.part * parts * 2, sum.positions)))
        parts *= 2;
      return parts;
    };
    auto levels = [&](const SumClass &sum) {
      int64_t levels = 1;
      for (int64_t all = blocksBound(sum, rows); all >= kernels::kLevel && levels < kernels::kMaxLevels;
           all /= kernels::kLevel)
        ++levels;
      return levels;
    };
    return largestOf(classes, parts) * largestOf(classes, levels);
  }

  /// The fault records and the sums.
  std::string sums() const {
    std::vector<core::CallMemory::Sums> ofSamples, ofRows;
    for (const core::CallMemory::Sums &sums : memory.allSums())
      (fixed || llvm::none_of(sums.classes, [](const SumClass &sum) { return sum.overTime; }) ? ofSamples : ofRows)
          .push_back(sums);
    std::string text = stepFunction("b", SNN_MAX_BATCH, [&](int64_t batch) {
      int64_t bytes = kernels::kFaultBytes;
      for (const core::CallMemory::Sums &sums : ofSamples)
        bytes += slots(sums.classes, {batch, fixed.value_or(1)}) * sums.bytes;
      return bytes;
    });
    if (ofRows.empty())
      return text;
    // A part has a sample at least.
    auto ofParts = [&](int64_t mostParts, int64_t mostSamples) {
      return stepFunction("b * " + steps, mostSamples * mostSteps, [&](int64_t rows) {
        int64_t bytes = 0;
        for (const core::CallMemory::Sums &sums : ofRows)
          bytes += slotsBound(sums.classes, rows, mostParts) * sums.bytes;
        return bytes;
      });
    };
    int64_t most = 1;
    for (const core::CallMemory::Sums &sums : ofRows)
      for (const SumClass &sum : sums.classes)
        most = std::max(most, sum.maxParts);
    std::string byRows;
    for (int64_t parts = 1; parts < most; parts *= 2)
      byRows += fmt::format("b < {} ? {} : ", 2 * parts, ofParts(parts, 2 * parts - 1));
    return fmt::format("{} + ({}{})", text, byRows, ofParts(most, SNN_MAX_BATCH));
  }

  std::string workerBytes() const {
    std::vector<std::string> terms;
    if (fixed) {
      int64_t bytes = 0;
      for (const core::CallMemory::Phase &phase : memory.allPhases())
        bytes = std::max(bytes, core::CallMemory::phaseBytes(phase, *fixed, length));
      terms.push_back(std::to_string(bytes));
    } else {
      for (const WorkerBound &bound : phaseBounds())
        terms.push_back(textOf(bound));
      if (const std::string bytes = bytesOfRuns(); bytes != "0")
        terms.push_back(bytes);
    }
    const Place &scratch = memory.scratchPlace();
    Sum sum;
    sum.add(scratch.fixed);
    sum.add(scratch.steps, steps);
    sum.add(scratch.samples, "b");
    sum.add(scratch.rows, "b * " + steps);
    if (scratch != Place() || terms.empty())
      terms.push_back(sum.text());
    return largest(terms);
  }

  SmallVector<WorkerBound> phaseBounds() const {
    SmallVector<WorkerBound> bounds;
    for (const core::CallMemory::Phase &phase : memory.allPhases()) {
      const WorkerBound bound = boundOf(phase);
      if (llvm::any_of(bounds, [&](const WorkerBound &other) { return other.covers(bound); }))
        continue;
      llvm::erase_if(bounds, [&](const WorkerBound &other) { return bound.covers(other); });
      bounds.push_back(bound);
    }
    while (bounds.size() > kMostTerms) {
      const WorkerBound last = bounds.pop_back_val();
      bounds.back().include(last);
    }
    return bounds;
  }

  static WorkerBound boundOf(const core::CallMemory::Phase &phase) {
    auto ofChunk = [&](const Place &place) {
      return Place{place.fixed + place.samples * phase.chunk, place.steps + place.rows * phase.chunk, 0, 0,
                   place.segments * phase.chunk};
    };
    WorkerBound bound{ofChunk(phase.arena), {}};
    for (const Place &behind : phase.behind)
      bound.inSegments = bound.inSegments.atLeast(ofChunk(behind));
    return bound;
  }

  /// Calls of so few steps that more samples than planned go together, because a run is not less, have at most these;
  /// an arena of more steps must do for them, too.
  std::string bytesOfRuns() const {
    std::string text;
    int64_t bytes = 0, before = 0;
    for (int64_t few = 1, end = 1; few < kernels::kRun && few <= mostSteps; ++few) {
      for (const core::CallMemory::Phase &phase : memory.allPhases())
        if (llvm::any_of(phase.sums, [&](const SumClass &sum) { return sum.unit(few) > phase.chunk; }))
          bytes = std::max(bytes, core::CallMemory::phaseBytes(phase, few, length));
      // Rows of a run are 64 to 127, and the more of these the more steps there were: soon, numbers in between differ
      // by little.
      const bool isLast = few + 1 == kernels::kRun || few == mostSteps;
      if (few >= 4 && !isLast && !llvm::isPowerOf2_64(few + 1))
        continue;
      if (bytes > before && before > 0)
        text += fmt::format("{} < {} ? {} : ", steps, end, before);
      before = bytes;
      end = few + 1;
    }
    return text.empty() ? std::to_string(bytes) : fmt::format("({}{})", text, bytes);
  }

  std::string textOf(const WorkerBound &bound) const {
    Sum sum;
    sum.add(bound.place.fixed + bound.inSegments.fixed);
    sum.add(bound.place.steps, steps);
    sum.add(bound.place.segments, fmt::format("(({} + {}) / {})", steps, length - 1, length));
    sum.add(bound.inSegments.steps, fmt::format("({0} < {1} ? {0} : {1})", steps, length));
    return sum.text();
  }

  core::CallMemory memory;
  std::optional<int64_t> fixed;
  int64_t mostSteps, length = kMaxSteps;
  std::string steps; ///< an expression
};

} // namespace

std::string arenaMacro(ModuleOp module, StringRef name) {
  ModelOp model = getModel(module);
  std::vector<std::string> macros, uses;
  std::string text;
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || core::isElementwise(function))
      continue;
    const bool inWindows = isOfWindow(function.getName()) && model.getWindow();
    const bool anySteps = (function.getName() == kForward && model.getSteps() != 1) || !model.getSteps() || inWindows;
    const std::string body =
        FunctionBytes(function, anySteps ? std::nullopt : std::optional<int64_t>(*model.getSteps())).text();
    if (llvm::is_contained(macros, body))
      continue;
    macros.push_back(body);
    uses.push_back(fmt::format("{}_{}_(b, s, w)", name.str(), macros.size()));
    text += fmt::format("#define {} {}\n", uses.back(), body);
  }
  return text + fmt::format("#define {}_(b, s, w) {}\n", name.str(), largest(uses)) +
         fmt::format("#define {0}(batch, steps, workers) {0}_((uint64_t)(batch), (uint64_t)(steps), "
                     "(uint64_t)(workers))\n",
                     name.str());
}

} // namespace snn
