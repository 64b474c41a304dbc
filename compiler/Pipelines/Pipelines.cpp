// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of all passes, with the reason for each place. Read it from top to bottom to know the compiler.

#include "compiler/Pipelines/Pipelines.h"

#include "compiler/Autodiff/Passes.h"
#include "compiler/Codegen/Cpu/Passes.h"
#include "compiler/Emit/Passes.h"
#include "compiler/Model/Passes.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace snn {

/// Constants fold, and what nobody uses goes: passes that expand or differentiate leave duplicates behind. It comes
/// before whatever depends on the form of the text (the hash, sizes, places) and not after, as it may not change what
/// that says.
static void tidy(OpPassManager &passes) {
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

void buildSnnStage(OpPassManager &passes) {
  // A pooling of spikes gives spikes. That says how the products behind it are summed, so it is part of what the model
  // is.
  passes.addPass(createKeepSpikes());

  // The hash is taken of the tidy text, so that two spellings of the same model have the same hash.
  tidy(passes);
  passes.addPass(createStampModel());
}

void buildBpttStage(OpPassManager &passes) {
  // Groups of channels are convolutions of their own, and so are their gradients, whose sums then have an order of
  // their own, too.
  passes.addPass(createSplitGroups());

  // The entries are composed while what states its own derivative, or has none, still says so. What several of them
  // compute alike is written again in each: an entry is what a host calls, and stands alone.
  passes.addPass(createComposeEntries());
  passes.addPass(createResolveVjps());

  // Unused gradients go before sums get their order, and duplicates after it: sums that differ in their order alone are
  // not the same.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createFixOrder());
  tidy(passes);
}

void buildLoopsStage(OpPassManager &passes) {
  // Products have whole matrices, and so have convolutions.
  passes.addPass(core::createCutWeights());
  // What needs no state is multiplied outside of time, before it is known what else a step does.
  passes.addNestedPass<func::FuncOp>(createLiftProducts());

  // What is kept of forward steps is chosen while each value still is one: in fused maps, nothing says what could be
  // kept in place of what is computed again.
  passes.addNestedPass<func::FuncOp>(createCutResiduals());

  // Convolutions become products of matrices, depthwise ones loops over channels that lie side by side, with maps
  // around them that move elements. Most of these go into other maps.
  passes.addPass(core::createUnfoldWindows());
  passes.addPass(core::createTurnChannels());

  // What is computed where it is read needs no memory. Less is left then to decide on, and all costs that follow are
  // costs of what will run.
  passes.addNestedPass<func::FuncOp>(createFuseMaps());

  // Channels last where products want them so, also in what comes between: it is known now who reads what. Copies that
  // then move nothing are tidied away.
  passes.addNestedPass<func::FuncOp>(core::createOrderExtents());
  tidy(passes);

  // How contracts are computed. Weights are copied into the orientation in which a product reads them, once for all
  // that read them alike. Copies would be tidied away, so nothing may be from here on. Phases then are given the
  // copies.
  passes.addPass(core::createChooseKernels());
  passes.addPass(createCSEPass());

  // Which sums a phase makes decides where phases end, so that is marked first. Products with large weights that are
  // the same at all steps come into a phase of their own. What would stay from phase to phase is known then, and much
  // of it need not. Then each phase loads its own inputs.
  passes.addPass(core::createMarkWholeBatch());
  passes.addNestedPass<func::FuncOp>(createFormPhases());
  passes.addPass(core::createSplitStill());
  passes.addNestedPass<func::FuncOp>(core::createRecomputeValues());
  passes.addPass(core::createLoadInputs());

  // With a limit of memory, phases go through time in segments. All ops are there that will run, and none has a place.
  passes.addPass(core::createSegmentTime());

  // A scan computes products of few terms itself. All that asks whether a product stands in a scan has done so: there
  // it means that a step needs the one before.
  passes.addPass(core::createSinkProducts());

  // And adds up over time what it makes for a sum alone, whatever it makes that of.
  passes.addPass(core::createSumInScans());

  // Views need no places. They are found among what has a layout of ours: after inputs are loaded.
  passes.addPass(core::createMarkViews());

  // What is left between phases would be one worker's. Large copies of weights are not.
  passes.addPass(core::createShareMaps());

  // All values are there: what each is for, how many samples of them fit into a cache, where they lie. Nothing may
  // add a value after that.
  passes.addPass(core::createMarkWanted());
  passes.addPass(core::createChooseChunk());

  // A step of several samples looks them up in tables of its weights. These are as large whatever the chunk, which must
  // not shrink for them; but they have a place.
  passes.addPass(core::createHoldTables());

  // The places rest on the chunk, as it decides which values are large.
  passes.addPass(core::createPlanArena());

  // How long segments may be is seen from the places of what they hold, whatever their length.
  passes.addPass(core::createChooseSegments());
}

void buildCpuStage(OpPassManager &passes, bool severalTargets) {
  // The text of this stage may come out of an editor, and generated code takes the plan for granted.
  passes.addPass(core::createCheckPlan());

  // Vectors have the width of the target's registers; nothing before depends on a target.
  if (severalTargets)
    passes.addPass(createSplitTargets());
  OpPassManager &each = severalTargets ? passes.nest<ModuleOp>() : passes;
  each.addPass(createLowerToCpu());

  // Kernels are written without a look at their callers. While those are in sight, what they agree on is found: less
  // text for all that comes, and LLVM compiles a function without those that call it.
  each.addPass(createBindArguments());

  // exp and its like become polynomials while they are still ops on vectors: LLVM would call libm for them.
  each.addPass(createExpandMath());

  // The builders fold as they go, and LLVM does the rest in less time than a canonicalizer; duplicates cost every pass
  // that comes.
  each.addPass(createCSEPass());
}

void buildConversionToLlvm(OpPassManager &passes) { passes.addPass(createConvertToLlvm()); }

void buildLlvmStage(OpPassManager &passes, bool severalTargets) {
  OpPassManager &each = severalTargets ? passes.nest<ModuleOp>() : passes;
  buildConversionToLlvm(each);

  // The declarations have served every pass and become the table; then all functions get their target.
  each.addPass(createEmitDescriptor());
  each.addPass(createApplyTarget());

  // Last comes what runs on any machine, to choose.
  passes.addPass(createEmitQuery());
}

void buildCheck(OpPassManager &passes, Stage stage) {
  // Each of these may begin with a text that came out of an editor. What passes take for granted is checked first:
  // verifiers of ops see one op only.
  if (llvm::is_contained({Stage::Bptt, Stage::Loops, Stage::Cpu}, stage))
    passes.addPass(createCheckModule());
}

void buildStage(OpPassManager &passes, Stage stage, bool severalTargets) {
  switch (stage) {
  case Stage::Snn:
    return buildSnnStage(passes);
  case Stage::Bptt:
    return buildBpttStage(passes);
  case Stage::Loops:
    return buildLoopsStage(passes);
  case Stage::Cpu:
    return buildCpuStage(passes, severalTargets);
  case Stage::Llvm:
    return buildLlvmStage(passes, severalTargets);
  case Stage::Ast:
  case Stage::Asm:
  case Stage::Obj:
  case Stage::So:
  case Stage::Header:
    llvm_unreachable("not a module stage");
  }
}

} // namespace snn
