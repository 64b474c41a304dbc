// A step of several samples looks spikes up in tables that are made once for all steps.
// RUN: %snn-opt %s --split-input-file --core-hold-tables --mlir-disable-threading --remarks-filter=kernels 2>%t.remarks | FileCheck %s
// RUN: FileCheck --check-prefix=REMARK %s < %t.remarks
// RUN: %snn-opt %s --split-input-file --core-hold-tables=most-bytes=117823 | FileCheck --check-prefix=SMALL %s
// RUN: %snn-opt %s --split-input-file --core-hold-tables=most-bytes=117824 | FileCheck --check-prefix=ENOUGH %s
// RUN: %snn-opt %s --split-input-file --core-hold-tables=steps=3 | FileCheck --check-prefix=SHORT %s

// 23 tables of 16 entries of 80 numbers, and 64 bytes that say whether they are made, are 117,824 bytes.
!t = !core.array<time x sample x 80 x f32>
!x = !core.array<sample x 80 x f32>
!s = !core.array<sample x 90 x i1>
!w = !core.array<90 x 80 x f32>
#row = affine_map<(s, o, i) -> (s, i)>
#w = affine_map<(s, o, i) -> (i, o)>
#out = affine_map<(s, o, i) -> (s, o)>
#sn = affine_map<(s, n) -> (s, n)>
// REMARK: remark: [Passed] held_spikes | {{.*}} | Reason="they are the same at each step, and each step has few rows", Remark="held_spikes: tables of the weights are made once for all steps", bytes=117824
// CHECK-LABEL: func @f
// ENOUGH-LABEL: func @f
// SMALL-LABEL: func @f
// SHORT-LABEL: func @f
func.func @f(%x: !t, %s: !s, %few: !s, %w: !w {snn.bind = @w}) -> (!x, !x, !x) {
  %0:3 = core.batch_map sharded(%x, %s, %few : !t, !s, !s) invariant(%w : !w) {core.chunk = 8 : i64} -> concat(!x, !x, !x) {
  ^bb0(%xs: !t, %ss: !s, %ones: !s, %ws: !w):
    %zero = core.map over [sample, 80] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    // CHECK: core.scan
    // ENOUGH: core.scan
    // SMALL: core.scan
    // SHORT: core.scan
    %last:3 = core.scan sliced(%xs : !t) invariant(%ws, %ones : !w, !s) init(%zero, %zero, %ss : !x, !x, !s) -> final(!x, !x, !s) {
    ^bb0(%step: !x, %weights: !w, %same: !s, %one: !x, %two: !x, %fired: !s):
      // CHECK: core.kernel<held_spikes>
      // ENOUGH: core.kernel<held_spikes>
      // SMALL: core.kernel<spikes>
      // SHORT: core.kernel<spikes>
      %product = core.contract over [sample, 80, 90] along [2] %fired, %weights by [#row, #w] writes #out order <group = 4> {core.kernel = #core.kernel<spikes>} : !s, !w -> !x
      // The second tables take as much.
      // CHECK: core.kernel<held_spikes>
      // ENOUGH: core.kernel<spikes>
      // SMALL: core.kernel<spikes>
      %other = core.contract over [sample, 80, 90] along [2] %same, %weights by [#row, #w] writes #out order <group = 4> {core.kernel = #core.kernel<spikes>} : !s, !w -> !x
      core.step stacked() next(%product, %other, %fired : !x, !x, !s)
    }
    // Not in a scan: all rows at once.
    // CHECK: core.kernel<spikes>
    %all = core.contract over [sample, 80, 90] along [2] %ss, %ws by [#row, #w] writes #out order <group = 4> {core.kernel = #core.kernel<spikes>} : !s, !w -> !x
    core.parts concat(%last#0, %last#1, %all : !x, !x, !x) sum()
  }
  return %0#0, %0#1, %0#2 : !x, !x, !x
}

// -----

// Two samples are too few rows.
!x = !core.array<sample x 80 x f32>
!s = !core.array<sample x 90 x i1>
!w = !core.array<90 x 80 x f32>
#sn = affine_map<(s, n) -> (s, n)>
// CHECK-LABEL: func @one
func.func @one(%x: !core.array<time x sample x 80 x f32>, %s: !s, %w: !w {snn.bind = @w}) -> !x {
  %0 = core.batch_map sharded(%x, %s : !core.array<time x sample x 80 x f32>, !s) invariant(%w : !w) {core.chunk = 2 : i64} -> concat(!x) {
  ^bb0(%xs: !core.array<time x sample x 80 x f32>, %ss: !s, %ws: !w):
    %zero = core.map over [sample, 80] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %last:2 = core.scan sliced(%xs : !core.array<time x sample x 80 x f32>) invariant(%ws : !w) init(%zero, %ss : !x, !s) -> final(!x, !s) {
    ^bb0(%step: !x, %weights: !w, %now: !x, %fired: !s):
      // CHECK: core.kernel<spikes>
      %product = core.contract over [sample, 80, 90] along [2] %fired, %weights by [affine_map<(s, o, i) -> (s, i)>, affine_map<(s, o, i) -> (i, o)>]
          writes affine_map<(s, o, i) -> (s, o)> order <group = 4> {core.kernel = #core.kernel<spikes>} : !s, !w -> !x
      core.step stacked() next(%product, %fired : !x, !s)
    }
    core.parts concat(%last#0 : !x) sum()
  }
  return %0 : !x
}

// -----

// A limit of memory is not there to be filled with tables.
!x = !core.array<sample x 80 x f32>
!s = !core.array<sample x 90 x i1>
!w = !core.array<90 x 80 x f32>
#sn = affine_map<(s, n) -> (s, n)>
module attributes {snn.memory_limit = 1000000000 : i64} {
  // CHECK-LABEL: func @limited
  func.func @limited(%x: !core.array<time x sample x 80 x f32>, %s: !s, %w: !w {snn.bind = @w}) -> !x {
    %0 = core.batch_map sharded(%x, %s : !core.array<time x sample x 80 x f32>, !s) invariant(%w : !w) {core.chunk = 8 : i64} -> concat(!x) {
    ^bb0(%xs: !core.array<time x sample x 80 x f32>, %ss: !s, %ws: !w):
      %zero = core.map over [sample, 80] reads() by [] writes [#sn] -> !x {
        %c = arith.constant 0.0 : f32
        core.yield %c : f32
      }
      %last:2 = core.scan sliced(%xs : !core.array<time x sample x 80 x f32>) invariant(%ws : !w) init(%zero, %ss : !x, !s) -> final(!x, !s) {
      ^bb0(%step: !x, %weights: !w, %now: !x, %fired: !s):
        // CHECK: core.kernel<spikes>
        %product = core.contract over [sample, 80, 90] along [2] %fired, %weights by [affine_map<(s, o, i) -> (s, i)>, affine_map<(s, o, i) -> (i, o)>]
            writes affine_map<(s, o, i) -> (s, o)> order <group = 4> {core.kernel = #core.kernel<spikes>} : !s, !w -> !x
        core.step stacked() next(%product, %fired : !x, !s)
      }
      core.parts concat(%last#0 : !x) sum()
    }
    return %0 : !x
  }
}
