// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One compilation, from the input to the files: what is needed of which stage, in order.

#include "compiler/Driver/Compile.h"

#include "compiler/Driver/Choices.h"
#include "compiler/Driver/Guard.h"
#include "compiler/Driver/Input.h"
#include "compiler/Driver/Messages.h"
#include "compiler/Driver/Output.h"
#include "compiler/Driver/Weights.h"
#include "compiler/Emit/Header.h"
#include "compiler/Emit/Link.h"
#include "compiler/Emit/Native.h"
#include "compiler/Emit/UseLists.h"
#include "compiler/Model/Passes.h"
#include "compiler/Remarks/Printer.h"
#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/CheckPlan.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace snn {
namespace {

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo(/*enable=*/true, /*prettyForm=*/false));
  stream << '\n';
  return text;
}

class Compilation {
public:
  Compilation(const CompileOptions &options, llvm::raw_ostream &errors)
      : options(options), errors(errors), context(registry(), MLIRContext::Threading::DISABLED) {
    context.printOpOnDiagnostic(false); // messages show the line of the input
    if (!options.remarks.empty())
      printRemarks(context, options.remarks, errors);
    timing.setEnabled(options.timeReport);
    timing.setOutput(createOutputStrategy(DefaultTimingManager::OutputFormat::Text, errors));
    total = timing.getRootScope();
  }

  ExitStatus run();

private:
  static DialectRegistry registry() {
    DialectRegistry result;
    registerStageDialects(result);
    return result;
  }

  bool wants(Stage stage) const { return llvm::is_contained(options.emit, stage); }
  ExitStatus refuse(const std::optional<Refusal> &refusal);
  ExitStatus load();
  ExitStatus runStages();
  ExitStatus runStage(Stage stage);
  ExitStatus takeWeights();
  ExitStatus makeHeader();
  ExitStatus makeNative();
  ExitStatus writeResults();
  ExitStatus reached(Stage stage);
  ExitStatus checkArena();
  ExitStatus checkAddresses();
  ExitStatus checkInstructions();
  ExitStatus limitMemory(OwningOpRef<ModuleOp> before);

  ExitStatus saveTemporary(Stage stage, StringRef contents);
  ExitStatus complain(ExitStatus status, const Twine &message);
  ExitStatus cannotMake(StringRef what, StringRef reason, bool ended, ModuleOp before, StringRef pipeline);
  ExitStatus internalError(StringRef what, StringRef reason, ModuleOp before, StringRef pipeline);

  const CompileOptions &options;
  llvm::raw_ostream &errors;
  DefaultTimingManager timing;
  TimingScope total;
  llvm::SourceMgr sources;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  unsigned reported = 0; ///< errors of passes and of the parser
  /// What has been made so far.
  std::map<Stage, std::string> results;
};

ExitStatus Compilation::complain(ExitStatus status, const Twine &message) {
  printError(errors, message);
  return status;
}

ExitStatus Compilation::refuse(const std::optional<Refusal> &refusal) {
  return refusal ? complain(refusal->status, refusal->message) : kExitSuccess;
}

ExitStatus Compilation::load() {
  TimingScope scope = total.nest("read");
  Input input{options, sources, context, errors};
  std::string reason;
  ExitStatus status = kExitInternalError;
  if (!runGuarded([&] { status = input.read(lastModuleStage(options) > Stage::Ast); }, reason) ||
      status == kExitInternalError)
    return internalError("reading the input", reason, ModuleOp(), "");
  if (status != kExitSuccess)
    return status;
  module = std::move(input.module);
  if (!options.from) {
    if (wants(Stage::Ast))
      results.emplace(Stage::Ast, input.ast);
    if ((status = saveTemporary(Stage::Ast, input.ast)) != kExitSuccess || !module)
      return status;
  }
  if (options.from != Stage::Llvm && !getModel(options.from == Stage::Cpu ? variantsOf(*module).front() : *module))
    return complain(kExitModelError, options.input + " has no snn.model, which the text of this stage has");
  return refuse(refuseForModel(options, *module));
}

ExitStatus Compilation::runStages() {
  if (options.from) {
    sortUseLists(*module);
    if (ExitStatus status = reached(*options.from); status != kExitSuccess)
      return status;
  }
  const Stage start = options.from ? Stage(int(*options.from) + 1) : Stage::Snn;
  for (Stage stage = start; stage <= lastModuleStage(options); stage = Stage(int(stage) + 1)) {
    OwningOpRef<ModuleOp> before;
    if (stage == Stage::Loops && options.memoryLimit)
      before = module->clone();
    if (stage == stageOfWeights(isStreaming(*module)) && !options.weights.empty())
      if (ExitStatus status = takeWeights(); status != kExitSuccess)
        return status;
    if (ExitStatus status = runStage(stage); status != kExitSuccess)
      return status;
    if (before)
      if (ExitStatus status = limitMemory(std::move(before)); status != kExitSuccess)
        return status;
    if (ExitStatus status = reached(stage); status != kExitSuccess)
      return status;
    if (stage == Stage::Loops)
      if (ExitStatus status = checkArena(); status != kExitSuccess)
        return status;
    if (stage == Stage::Llvm)
      if (ExitStatus status = checkInstructions(); status != kExitSuccess)
        return status;
  }
  return kExitSuccess;
}

ExitStatus Compilation::runStage(Stage stage) {
  const StageInfo &info = describe(stage);
  TimingScope scope = total.nest(info.name);
  if (stage == Stage::Loops) {
    const std::optional<Target> host = hostTarget();
    if (!options.targets.empty())
      setTargets(*module, options.targets);
    else if (host)
      setTargets(*module, *host);
    else
      return complain(kExitModelError, kNoHostTarget);
    if (std::optional<int64_t> bytes = options.forThisMachine ? hostCacheBytes() : std::nullopt)
      (*module)->setAttr(SnnDialect::cacheBytesAttrName(), Builder(&context).getI64IntegerAttr(*bytes));
  }
  sortUseLists(*module);

  auto passes = PassManager::on<ModuleOp>(&context);
  passes.enableTiming(scope);
  buildCheck(passes, stage);
  if (stage == Stage::Bptt && !options.detached.empty())
    passes.addPass(createExposeDetached({options.detached}));
  buildStage(passes, stage, hasSeveralTargets(*module));
  // Texts of these stages are long. What comes out of the first is looked at once; LLVM has a verifier of its own.
  const bool late = stage == Stage::Cpu || stage == Stage::Llvm;
  passes.enableVerifier(!late);

  OwningOpRef<ModuleOp> before = module->clone();
  std::string reason;
  bool succeeded = false;
  const bool ended = runGuarded(
      [&] {
        succeeded = mlir::succeeded(passes.run(*module)) && (stage != Stage::Cpu || mlir::succeeded(verify(*module)));
      },
      reason);
  if (ended && succeeded)
    return kExitSuccess;
  std::string pipeline;
  llvm::raw_string_ostream stream(pipeline);
  passes.printAsTextualPipeline(stream);
  (void)module.release(); // A module that a crash left behind cannot be destroyed safely.
  return cannotMake(("stage " + info.name).str(), reason, ended, *before, pipeline);
}

/// What takes more than the limit is planned again, in segments of time. `before` is the module before the stage loops.
ExitStatus Compilation::limitMemory(OwningOpRef<ModuleOp> before) {
  ModelOp model = getModel(*module);
  const int64_t limit = *options.memoryLimit;
  const core::CallSize size{int64_t(model.getBatch()), int64_t(model.getSteps().value_or(model.getMaxSteps()))};
  const int64_t bytes = core::callBytes(*module, size);
  auto ofCall = [&](int64_t bytes) {
    return ("a call of " + Twine(size.batch) + " samples and " + Twine(size.steps) + " steps takes " + Twine(bytes) +
            " bytes with one thread")
        .str();
  };
  if (bytes <= limit) {
    printNote(errors, ofCall(bytes) + ", within the limit");
    return kExitSuccess;
  }
  OwningOpRef<ModuleOp> whole = std::move(module);
  module = std::move(before);
  (*module)->setAttr(SnnDialect::memoryLimitAttrName(), Builder(&context).getI64IntegerAttr(limit));
  if (ExitStatus status = runStage(Stage::Loops); status != kExitSuccess)
    return status;
  const int64_t inSegments = core::callBytes(*module, size);
  if (inSegments > limit)
    return complain(kExitModelError, ofCall(std::min(inSegments, bytes)) + " at least, more than the limit of " +
                                         Twine(limit) + "; fewer samples in a batch take less");
  printNote(errors, ofCall(inSegments) + ", without the limit " + Twine(bytes));
  for (func::FuncOp function : module->getOps<func::FuncOp>())
    if (std::optional<core::SegmentsOp> segments = core::firstSegments(function)) {
      const int64_t steps = core::mostStepsOf(function), count = core::segmentsOf(*segments, steps);
      const double again = core::workOf(function, {size.batch, steps}) /
                           core::workOf(whole->lookupSymbol<func::FuncOp>(function.getName()), {size.batch, steps});
      if (count > 1)
        printNote(errors, function.getName() + " has " + Twine(count) + " segments of " +
                              Twine(*segments->getLength()) + " steps, and about " +
                              Twine(int64_t(std::lround(100 * (again - 1)))) + " % more work");
    }
  return kExitSuccess;
}

/// Small processors have not all that functions are made of. Most of f64 are helper functions of compilers, but these
/// are none of them.
ExitStatus Compilation::checkInstructions() {
  const std::optional<Target> target = bareTargetOf(*module);
  if (!target)
    return kExitSuccess;
  const WalkResult result = module->walk([&](Operation *op) {
    if (!isa<LLVM::FMAOp, LLVM::SqrtOp>(op) || !getElementTypeOrSelf(op->getResult(0).getType()).isF64())
      return WalkResult::advance();
    emitError(op->getLoc()) << "this is computed by " << (isa<LLVM::FMAOp>(op) ? "fused multiply-adds" : "square roots")
                            << " of f64, which " << target->name << " does not have";
    return WalkResult::interrupt();
  });
  return result.wasInterrupted() ? kExitModelError : kExitSuccess;
}

/// All that a streaming build works on is one sample and one step; small processors cannot count as many bytes as some
/// models have.
ExitStatus Compilation::checkAddresses() {
  const FailureOr<ModelInterface> model = ModelInterface::of(*module);
  const FailureOr<Target> target = targetOf(*module);
  if (failed(model) || failed(target))
    return cannotMake("the streaming build", "", /*ended=*/true, *module, "");
  const int64_t most = target->pointerBits() == 32 ? INT32_MAX : core::kMaxArena;
  const int64_t bytes =
      std::max({core::callBytes(*module, {1, 1}), model->parameterBytes, model->bufferBytes, model->stateBytes});
  if (bytes <= most)
    return kExitSuccess;
  return complain(kExitModelError, "the model is too large: weights, values or states of it take " + Twine(bytes) +
                                       " bytes, at most " + Twine(most) + " are possible on " + target->name);
}

/// A model may ask for more memory than any machine has; only the plan shows it.
ExitStatus Compilation::checkArena() {
  ModelOp model = getModel(*module);
  if (isStreaming(*module))
    return checkAddresses();
  double bytes = 0;
  module->walk([&](Operation *op) {
    const auto arena = op->getAttrOfType<core::PlaceAttr>(core::kArenaAttr);
    if (!arena)
      return;
    auto function = isa<func::FuncOp>(op) ? cast<func::FuncOp>(op) : op->getParentOfType<func::FuncOp>();
    const double steps =
        double(isOfWindow(function.getName()) ? model.getWindow().value_or(model.getMaxSteps()) : model.getMaxSteps());
    const auto chunk = op->getAttrOfType<IntegerAttr>(core::kChunkAttr);
    const double samples = double(chunk ? chunk.getInt() : model.getBatch());
    bytes = std::max(bytes, double(arena.getFixed()) + double(arena.getSteps()) * steps +
                                (double(arena.getSamples()) + double(arena.getRows()) * steps) * samples);
  });
  if (bytes <= double(core::kMaxArena))
    return kExitSuccess;
  return complain(kExitModelError, "the model is too large: its values take " +
                                       Twine(int64_t(bytes / double(1 << 30))) + " GiB of memory, at most " +
                                       Twine(core::kMaxArena >> 30) +
                                       " GiB are possible; fewer time steps, neurons or inputs take less");
}

/// The module is in the state of that stage.
ExitStatus Compilation::reached(Stage stage) {
  if (stage == Stage::Loops && wants(Stage::Header))
    if (ExitStatus status = makeHeader(); status != kExitSuccess)
      return status;
  if (!wants(stage) && options.saveTemps.empty())
    return kExitSuccess;
  TimingScope scope = total.nest("print");
  std::string text = textOf(*module);
  const ExitStatus status = saveTemporary(stage, text);
  if (wants(stage))
    results.emplace(stage, std::move(text));
  return status;
}

/// The table, which the stage llvm writes, gets them from the model; so does the function of a streaming build.
ExitStatus Compilation::takeWeights() {
  for (ModuleOp variant : variantsOf(*module)) {
    const FailureOr<ModelInterface> model = ModelInterface::of(variant);
    if (failed(model))
      return cannotMake("the table", "", /*ended=*/true, *module, "");
    Weights weights;
    std::string message;
    if (ExitStatus status = readWeights(options.weights, *model, weights, message); status != kExitSuccess)
      return complain(status, message);
    ModelOp op = getModel(variant);
    op->setAttr(SnnDialect::initialParametersAttrName(), StringAttr::get(&context, weights.parameters));
    op->setAttr(SnnDialect::initialBuffersAttrName(), StringAttr::get(&context, weights.buffers));
  }
  return kExitSuccess;
}

ExitStatus Compilation::makeHeader() {
  // Whether weights fit is looked at where they become a part of the code; if nothing of it is asked for, here.
  if (isStreaming(*module) && !options.weights.empty() && lastModuleStage(options) < Stage::Cpu)
    if (ExitStatus status = takeWeights(); status != kExitSuccess)
      return status;
  const FailureOr<ModelInterface> model = ModelInterface::of(*module);
  if (failed(model))
    return cannotMake("the C header", "", /*ended=*/true, *module, "");
  const auto emit = isStreaming(*module) ? emitStreamHeader : emitHeader;
  results.emplace(Stage::Header, emit(*model, *module, !options.weights.empty()));
  return kExitSuccess;
}

ExitStatus Compilation::makeNative() {
  if (!wants(Stage::Asm) && !wants(Stage::Obj) && !wants(Stage::So))
    return kExitSuccess;
  TimingScope scope = total.nest("machine code");
  const bool keepsObject = wants(Stage::Obj) || !options.saveTemps.empty();
  std::string reason, assembly, object, library;
  bool succeeded = false;
  std::error_code refused; // by the system
  auto generate = [&](NativeForm form) -> FailureOr<SmallVector<std::string>> {
    TimingScope optimise = scope.nest("translate and optimise");
    FailureOr<NativeModule> native = NativeModule::build(*module, form, spreadGuarded);
    optimise.stop();
    if (failed(native))
      return failure();
    TimingScope generate = scope.nest("generate code");
    return native->emit(spreadGuarded);
  };
  auto take = [&](llvm::Expected<std::string> linked, std::string &result) {
    if (linked) {
      result = std::move(*linked);
      return true;
    }
    llvm::handleAllErrors(
        linked.takeError(), [&](const llvm::ECError &system) { refused = system.convertToErrorCode(); },
        [&](const llvm::ErrorInfoBase &other) { reason = other.message(); });
    return false;
  };
  const bool ended = runGuarded(
      [&] {
        if (wants(Stage::Asm)) {
          FailureOr<SmallVector<std::string>> text = generate(NativeForm::Assembly);
          if (failed(text))
            return;
          assembly = std::move(text->front());
        }
        if (wants(Stage::Obj) || wants(Stage::So)) {
          FailureOr<SmallVector<std::string>> objects = generate(NativeForm::Object);
          if (failed(objects))
            return;
          TimingScope link = scope.nest("link");
          if (keepsObject && !take(mergeObjects(*objects), object))
            return;
          const std::string path = outputPath(options, Stage::So);
          const std::string soname = path == "-" ? stemOf(options) + ".so" : llvm::sys::path::filename(path).str();
          if (wants(Stage::So) && !take(linkSharedLibrary(*objects, soname), library))
            return;
        }
        succeeded = true;
      },
      reason);
  if (ended && refused)
    return complain(refused == std::errc::not_enough_memory ? kExitOutOfMemory : kExitCannotWrite,
                    "cannot link: " + refused.message());
  if (!ended || !succeeded)
    return cannotMake("machine code", reason, ended, *module, "");
  if (!object.empty())
    if (ExitStatus status = saveTemporary(Stage::Obj, object); status != kExitSuccess)
      return status;
  if (wants(Stage::Asm))
    results.emplace(Stage::Asm, std::move(assembly));
  if (wants(Stage::Obj))
    results.emplace(Stage::Obj, std::move(object));
  if (wants(Stage::So))
    results.emplace(Stage::So, std::move(library));
  return kExitSuccess;
}

ExitStatus Compilation::writeResults() {
  TimingScope scope = total.nest("write");
  if (options.output && StringRef(*options.output).ends_with("/"))
    if (std::error_code code = llvm::sys::fs::create_directories(*options.output))
      return complain(kExitCannotWrite, "cannot make the folder '" + *options.output + "': " + code.message());
  std::vector<std::string> written;
  for (const auto &[stage, contents] : results) {
    const std::string path = outputPath(options, stage);
    if (path != "-" && llvm::sys::fs::equivalent(path, options.input))
      return complain(kExitCommandLine, "the output '" + path + "' is the input; name another file with -o");
    if (llvm::Error error = writeOutput(path, contents))
      return complain(kExitCannotWrite, "cannot write '" + path + "': " + llvm::toString(std::move(error)));
    written.push_back(path);
  }
  if (options.depfile.empty())
    return kExitSuccess;
  std::vector<std::string> sources;
  if (options.input != "-")
    sources.push_back(options.input);
  if (!options.weights.empty())
    sources.push_back(options.weights);
  if (llvm::Error error = writeOutput(options.depfile, dependencyRule(written, sources)))
    return complain(kExitCannotWrite, "cannot write '" + options.depfile + "': " + llvm::toString(std::move(error)));
  return kExitSuccess;
}

ExitStatus Compilation::saveTemporary(Stage stage, StringRef contents) {
  if (options.saveTemps.empty())
    return kExitSuccess;
  if (std::error_code code = llvm::sys::fs::create_directories(options.saveTemps))
    return complain(kExitCannotWrite, "cannot make the folder '" + options.saveTemps + "': " + code.message());
  SmallString<128> path(options.saveTemps);
  llvm::sys::path::append(path, stemOf(options) + describe(stage).extension);
  if (llvm::Error error = writeOutput(path, contents))
    return complain(kExitCannotWrite, "cannot write '" + path + "': " + llvm::toString(std::move(error)));
  return kExitSuccess;
}

/// Something came to its end without success. If that began with the text of a stage and passes have said what is wrong
/// with it, the text is at fault. A crash is always the compiler's fault.
ExitStatus Compilation::cannotMake(StringRef what, StringRef reason, bool ended, ModuleOp before, StringRef pipeline) {
  if (!ended || !options.from || (reported == 0 && reason.empty()))
    return internalError(what, reason, before, pipeline);
  return complain(kExitModelError, what + " cannot be made of '" + options.input +
                                       "', which is not the text of stage " + describe(*options.from).name +
                                       " as snnc writes it" + (reason.empty() ? "" : ": ") + reason.trim());
}

/// Says what failed and writes the module as it was before, with the passes that fail on it, for snn-opt or --from.
ExitStatus Compilation::internalError(StringRef what, StringRef reason, ModuleOp before, StringRef pipeline) {
  complain(kExitInternalError, "internal error in " + what + (reason.empty() ? "" : ": ") + reason.trim());
  if (!before) {
    printNote(errors, "the input itself reproduces it; please report it with that file");
    return kExitInternalError;
  }
  std::string text;
  if (!pipeline.empty())
    text = ("// snn-opt --pass-pipeline='" + pipeline + "'\n").str();
  text += textOf(before);
  SmallString<128> path(options.saveTemps);
  llvm::sys::path::append(path, stemOf(options) + ".reproducer.mlir");
  llvm::Error error = writeOutput(path, text);
  if (error && !llvm::sys::fs::createTemporaryFile("snnc", "reproducer.mlir", path)) {
    llvm::consumeError(std::move(error));
    error = writeOutput(path, text);
  }
  if (error)
    printNote(errors, "no reproducer could be written: " + llvm::toString(std::move(error)));
  else
    printNote(errors, "this is a defect of snnc; please report it with the file '" + path + "'");
  return kExitInternalError;
}

ExitStatus Compilation::run() {
  SourceMgrDiagnosticHandler diagnostics(sources, &context, errors);
  ScopedDiagnosticHandler count(&context, [&](Diagnostic &diagnostic) {
    reported += diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return failure(); // goes on to the one above
  });
  if (ExitStatus status = refuse(refuseOptions(options)); status != kExitSuccess)
    return status;
  if (ExitStatus status = load(); status != kExitSuccess)
    return status;
  if (!module)
    return writeResults();
  if (ExitStatus status = runStages(); status != kExitSuccess)
    return status;
  if (ExitStatus status = makeNative(); status != kExitSuccess)
    return status;
  return writeResults();
}

} // namespace

ExitStatus compile(const CompileOptions &options, llvm::raw_ostream &errors) {
  PrintableStream printable(errors);
  return Compilation(options, printable).run();
}

} // namespace snn
