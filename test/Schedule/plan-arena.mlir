// A place for each value that needs one. The check of the plan is apart from it: networks are planned and checked.
// RUN: %snn-opt %s --core-choose-chunk --core-plan-arena --core-check-plan | FileCheck %s
// RUN: %python %S/../tools/core-networks.py dense 784 128 500 --static | %snn-opt --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --snn-to-loops --core-check-plan -o %t.dense
// RUN: FileCheck --check-prefix=DENSE %s < %t.dense
// RUN: %python %S/../tools/core-networks.py deep 12 | %snn-opt --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --snn-to-loops --core-check-plan -o %t.deep
// RUN: %python %S/../tools/core-networks.py batch-norm 2 | %snn-opt --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --snn-to-loops --core-check-plan -o %t.norm
// RUN: %snn-opt %S/../Autodiff/vjp-slstm.mlir --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --snn-to-loops --core-check-plan -o %t.slstm
// RUN: %snn-opt %s --core-plan-arena --mlir-disable-threading --remarks-filter='scans|memory' -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// Spikes and their gradient have kernels, and the first layer's gradient, of as many terms as there are samples, is made for the
// whole batch.
// DENSE-LABEL: func.func @loss_vjp
// DENSE: core.batch_map
// DENSE-SAME: core.arena = #core.place<
// DENSE-SAME: core.chunk = {{[0-9]+}} : i64
// DENSE: core.contract {{.*}}core.kernel = #core.kernel<sparse>
// DENSE: core.contract {{.*}}core.kernel = #core.kernel<spikes>
// DENSE: core.contract {{.*}}core.kernel = #core.kernel<dense>
// DENSE: core.contract {{.*}}core.kernel = #core.kernel<spike_gradient>
// DENSE: core.parts
// DENSE: core.contract {{.*}}core.kernel = #core.kernel<sparse_gradient>, core.whole_batch

!t = !core.array<time x sample x 20 x f32>
!x = !core.array<sample x 20 x f32>
!w = !core.array<20 x 20 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#sn = affine_map<(s, n) -> (s, n)>
#row = affine_map<(t, s, o, i) -> (t, s, i)>
#column = affine_map<(t, s, o, i) -> (t, s, o)>
#w = affine_map<(t, s, o, i) -> (o, i)>
#order = #core.order<run = 64, parts = 16, part = 256, descending = true>

// A result of the phase that is read later lies in the function's memory, and in the body the value that becomes it has no
// other place; results that are only returned have none, nor have sums. The start of the scan takes the
// place of the inputs, which have been read; products over spikes have scratch memory.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: attributes {core.arena = #core.place<fixed = 256, rows = 128>}
// CHECK: core.batch_map
// CHECK-SAME: core.arena = #core.place<fixed = 37568, samples = 128, rows = 320>
// CHECK-SAME: core.places = [#core.place<>, unit, unit, #core.place<rows = 128>]
// CHECK: core.map {{.*}}core.load, core.places = [#core.place<>]}
// CHECK: core.contract {{.*}}core.places = [#core.place<samples = 128, rows = 128>]}
// CHECK: core.map {{.*}}core.places = [#core.place<>]}
// CHECK: core.scan {{.*}}core.places = [#core.place<fixed = 37568, samples = 128, rows = 256>, unit]}
// CHECK: core.map
// CHECK-NOT: core.places
// CHECK: core.step
// CHECK: core.contract {{.*}}core.places = [unit, #core.place<samples = 128, rows = 128>]}
// CHECK: core.contract {{.*}}core.places = [unit, #core.place<samples = 128, rows = 128>]}
// CHECK: core.map {{.*}}core.places = [#core.place<fixed = 128, rows = 128>]}
// CHECK: core.fold {{.*}}core.places = [#core.place<rows = 128>]
// CHECK: return
// REMARK: remark: [Analysis] scan | {{.*}}Function=f | Reason="a step reads its own element only", Remark="runs lane by lane, all steps of a lane in registers"
// REMARK: remark: [Passed] arena | {{.*}}Function=f | Remark="shared by all workers, for 128 samples of 100 steps: 4 values in 3 places", bytes=1638656, bytes if none shared a place={{[0-9]+}}
// REMARK: remark: [Passed] arena | {{.*}}Function=f | Remark="of each worker, for 1 sample of 100 steps: 6 values in 3 places"
func.func @f(%x: !t, %w: !w {snn.bind = @w}) -> (!core.array<20 x f32>, !w {snn.bind = @grad.w}, !core.array<20 x f32>, !x) {
  %0:2, %1:2 = core.batch_map sharded(%x : !t) invariant(%w : !w) -> concat(!t, !x) sum(!w, !core.array<20 x f32>) {
  ^bb0(%xs: !t, %ws: !w):
    %rows = core.map over [time, sample, 20] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %product = core.contract over [time, sample, 20, 20] along [3] %rows, %ws by [#row, #w] writes #column order <> {core.kernel = #core.kernel<dense>} : !t, !w -> !t
    %zero = core.map over [sample, 20] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %spikes, %last = core.scan sliced(%product : !t) invariant() init(%zero : !x) -> stacked(!core.array<time x sample x 20 x i1>) final(!x) {
    ^bb0(%step: !x, %carry: !x):
      %s, %next = core.map over [sample, 20] reads(%step, %carry : !x, !x) by [#sn, #sn] writes [#sn, #sn] -> !core.array<sample x 20 x i1>, !x {
      ^bb0(%a: f32, %b: f32):
        %c = arith.addf %a, %b : f32
        %d = arith.cmpf ogt, %c, %a : f32
        core.yield %d, %c : i1, f32
      }
      core.step stacked(%s : !core.array<sample x 20 x i1>) next(%next : !x)
    }
    %again = core.contract over [time, sample, 20, 20] along [3] %spikes, %ws by [#row, #w] writes #column order <group = 4> {core.kernel = #core.kernel<spikes>} : !core.array<time x sample x 20 x i1>, !w -> !t
    %gradient = core.contract over [time, sample, 20, 20] along [1, 0] %again, %spikes by [#column, #row] writes #w
        order <group = 4, run = 64, parts = 16, part = 256, descending = true> {core.kernel = #core.kernel<spike_gradient>} : !t, !core.array<time x sample x 20 x i1> -> !w
    %bias = core.fold add over [time, sample, 20] along [1, 0] reads(%again : !t) by [#tsn] writes affine_map<(t, s, n) -> (n)> order #order -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%again, %last : !t, !x) sum(%gradient, %bias : !w, !core.array<20 x f32>)
  }
  %mean = core.map over [20] reads(%1#1 : !core.array<20 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<20 x f32> {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  %sum = core.fold add over [time, sample, 20] along [1, 0] reads(%0#0 : !t) by [#tsn] writes affine_map<(t, s, n) -> (n)> order #order {core.whole_batch} -> !core.array<20 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %mean, %1#0, %sum, %0#1 : !core.array<20 x f32>, !w, !core.array<20 x f32>, !x
}

// A scan that is no pointwise one has its body's values in memory, and its carries as scratch, in which what comes next is
// computed; the currents of each step are read where they lie.
// CHECK-LABEL: func.func @stepwise(
// CHECK: core.scan {{.*}}core.places = [unit, #core.place<samples = 128, rows = 128>]}
// CHECK: core.contract {{.*}}core.places = [#core.place<samples = 256, rows = 128>]}
// CHECK: core.map
// CHECK-NOT: core.places
// CHECK: core.step
// REMARK: remark: [Analysis] scan | {{.*}}Function=stepwise | Reason="a step holds a product or a sum", Remark="runs step by step, states in memory"
func.func @stepwise(%x: !t, %w: !w {snn.bind = @w}) -> !x {
  %0 = core.batch_map sharded(%x : !t) invariant(%w : !w) -> concat(!x) {
  ^bb0(%xs: !t, %ws: !w):
    %rows = core.map over [time, sample, 20] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %zero = core.map over [sample, 20] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %last = core.scan sliced(%rows : !t) invariant(%ws : !w) init(%zero : !x) -> final(!x) {
    ^bb0(%step: !x, %wss: !w, %carry: !x):
      %product = core.contract over [sample, 20, 20] along [2] %carry, %wss by [affine_map<(s, o, i) -> (s, i)>, affine_map<(s, o, i) -> (o, i)>]
          writes affine_map<(s, o, i) -> (s, o)> order <> {core.kernel = #core.kernel<dense>} : !x, !w -> !x
      %next = core.map over [sample, 20] reads(%step, %product : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
      ^bb0(%a: f32, %b: f32):
        %c = arith.addf %a, %b : f32
        core.yield %c : f32
      }
      core.step stacked() next(%next : !x)
    }
    core.parts concat(%last : !x) sum()
  }
  return %0 : !x
}

// The present carry is read where the next one is known, or becomes another carry: then that has a place beside it, but not
// the last one, of which each element is read before it is written.
// CHECK-LABEL: func.func @carries(
// CHECK: core.map {{.*}}core.places = [#core.place<samples = {{[0-9]+}}, rows = 128>, #core.place<samples = {{[0-9]+}}, rows = 128>, unit]}
// CHECK: core.contract
func.func @carries(%x: !t, %w: !w {snn.bind = @w}) -> !x {
  %0 = core.batch_map sharded(%x : !t) invariant(%w : !w) -> concat(!x) {
  ^bb0(%xs: !t, %ws: !w):
    %rows = core.map over [time, sample, 20] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %zero = core.map over [sample, 20] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %last:4 = core.scan sliced(%rows : !t) invariant(%ws : !w) init(%zero, %zero, %zero, %zero : !x, !x, !x, !x)
        -> final(!x, !x, !x, !x) {
    ^bb0(%step: !x, %wss: !w, %read: !x, %passed: !x, %own: !x, %product: !x):
      %next:3 = core.map over [sample, 20] reads(%step, %read, %own, %product : !x, !x, !x, !x) by [#sn, #sn, #sn, #sn]
          writes [#sn, #sn, #sn] -> !x, !x, !x {
      ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
        %e = arith.addf %a, %b : f32
        %f = arith.addf %c, %d : f32
        core.yield %e, %f, %f : f32, f32, f32
      }
      %later = core.contract over [sample, 20, 20] along [2] %read, %wss by [affine_map<(s, o, i) -> (s, i)>, affine_map<(s, o, i) -> (o, i)>]
          writes affine_map<(s, o, i) -> (s, o)> order <> {core.kernel = #core.kernel<dense>} : !x, !w -> !x
      core.step stacked() next(%next#0, %next#1, %next#2, %passed : !x, !x, !x, !x)
    }
    core.parts concat(%last#0 : !x) sum()
  }
  return %0 : !x
}

// A rule for each element of every parameter has no memory.
// CHECK-LABEL: func.func @update(
// CHECK-NOT: core.place
// CHECK: return
func.func @update(%p: !core.array<f32>, %g: !core.array<f32>) -> !core.array<f32> {
  %0 = core.map over [] reads(%p, %g : !core.array<f32>, !core.array<f32>) by [affine_map<() -> ()>, affine_map<() -> ()>] writes [affine_map<() -> ()>] -> !core.array<f32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.subf %a, %b : f32
    core.yield %c : f32
  }
  %1 = core.map over [] reads(%0 : !core.array<f32>) by [affine_map<() -> ()>] writes [affine_map<() -> ()>] -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %1 : !core.array<f32>
}

// What a map or scan reads for the last time is overwritten by what it gives, if elements lie alike and each is read where it is
// written: rows of a load, currents, membranes, errors. That a value goes to the host does not keep its place. Not in place:
// other elements than the own (%turned), reals (%reals) in that of bytes.
// CHECK-LABEL: func.func @in_place(
// CHECK: core.map {{.*}}core.load, core.places = [#core.place<>]}
// CHECK: core.scan {{.*}}core.places = [#core.place<>, unit]}
// CHECK: arith.mulf
// CHECK: core.map {{.*}}core.places = [#core.place<rows = 128>]}
// CHECK: core.scan reverse {{.*}}core.places = [#core.place<>, unit]}
// CHECK: core.map {{.*}}core.load, core.places = [#core.place<rows = 128>]}
// CHECK: core.map {{.*}}core.places = [#core.place<samples = 64, rows = 256>]}
// CHECK: core.fold
func.func @in_place(%x: !t, %given: !core.array<sample x 20 x ui8>) -> (!t, !t, !core.array<20 x f32>, !core.array<20 x f32>) {
  %0:2, %1:2 = core.batch_map sharded(%x, %given : !t, !core.array<sample x 20 x ui8>) invariant() {core.chunk = 2 : i64} -> concat(!t, !t) sum(!core.array<20 x f32>, !core.array<20 x f32>) {
  ^bb0(%xs: !t, %bs: !core.array<sample x 20 x ui8>):
    %rows = core.map over [time, sample, 20] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %start = core.map over [sample, 20] reads() by [] writes [#sn] -> !x {
      %zero = arith.constant 0.0 : f32
      core.yield %zero : f32
    }
    %up, %last = core.scan sliced(%rows : !t) invariant() init(%start : !x) -> stacked(!t) final(!x) {
    ^bb0(%now: !x, %before: !x):
      %m = core.map over [sample, 20] reads(%now, %before : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
      ^bb0(%a: f32, %b: f32):
        %c = arith.addf %a, %b : f32
        core.yield %c : f32
      }
      core.step stacked(%m : !x) next(%m : !x)
    }
    %kept = core.map over [time, sample, 20] reads(%up : !t) by [#tsn] writes [#tsn] -> !t {
    ^bb0(%a: f32):
      %c = arith.mulf %a, %a : f32
      core.yield %c : f32
    }
    %turned = core.map over [time, sample, 20] reads(%kept : !t) by [affine_map<(t, s, n) -> (t, s, 19 - n)>] writes [#tsn] -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %down, %first = core.scan reverse sliced(%kept, %turned : !t, !t) invariant() init(%start : !x) -> stacked(!t) final(!x) {
    ^bb0(%now: !x, %other: !x, %before: !x):
      %m = core.map over [sample, 20] reads(%now, %other, %before : !x, !x, !x) by [#sn, #sn, #sn] writes [#sn] -> !x {
      ^bb0(%a: f32, %b: f32, %d: f32):
        %c = arith.addf %a, %b : f32
        %e = arith.addf %c, %d : f32
        core.yield %e : f32
      }
      core.step stacked(%m : !x) next(%m : !x)
    }
    %bytes = core.map over [sample, 20] reads(%bs : !core.array<sample x 20 x ui8>) by [#sn] writes [#sn] {core.load} -> !core.array<sample x 20 x ui8> {
    ^bb0(%a: i8):
      core.yield %a : i8
    }
    %reals = core.map over [sample, 20] reads(%bytes : !core.array<sample x 20 x ui8>) by [#sn] writes [#sn] -> !x {
    ^bb0(%a: i8):
      %c = arith.uitofp %a : i8 to f32
      core.yield %c : f32
    }
    %4 = core.fold add over [time, sample, 20] along [1, 0] reads(%down : !t) by [#tsn] writes affine_map<(t, s, n) -> (n)> order #order -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %5 = core.fold add over [time, sample, 20] along [1, 0] reads(%reals : !x) by [affine_map<(t, s, n) -> (s, n)>] writes affine_map<(t, s, n) -> (n)> order #order -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%up, %kept : !t, !t) sum(%4, %5 : !core.array<20 x f32>, !core.array<20 x f32>)
  }
  return %0#0, %0#1, %1#0, %1#1 : !t, !t, !core.array<20 x f32>, !core.array<20 x f32>
}
