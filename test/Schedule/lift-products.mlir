// A product of a slice and of weights is computed for all of time before the scan; products of states stay, and so do those that have
// more elements than the weights.
// RUN: %snn-opt %s --core-lift-products | FileCheck %s

!t = !core.array<time x sample x 3 x f32>
!x = !core.array<sample x 3 x f32>
!h = !core.array<sample x 4 x f32>
!w = !core.array<4 x 3 x f32>
!v = !core.array<4 x 4 x f32>
#x = affine_map<(s, o, i) -> (s, i)>
#w = affine_map<(s, o, i) -> (o, i)>
#y = affine_map<(s, o, i) -> (s, o)>
#sn = affine_map<(s, n) -> (s, n)>

// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @step(
// CHECK: %[[ALL:.*]] = core.contract over [time, sample, 4, 3] along [3] %arg0, %arg1 by [#[[X]], #[[W]]] writes #[[Y]] order <> : <time x sample x 3 x f32>, <4 x 3 x f32> -> <time x sample x 4 x f32>
// CHECK: core.scan sliced(%[[ALL]] : {{.*}}) invariant(%arg2 :
// CHECK: core.contract over [sample, 4, 4]
// CHECK-NOT: core.contract
// CHECK: return
func.func @step(%x: !t, %w: !w, %v: !v, %start: !h) -> !core.array<time x sample x 4 x f32> {
  %y, %last = core.scan sliced(%x : !t) invariant(%w, %v : !w, !v) init(%start : !h) -> stacked(!core.array<time x sample x 4 x f32>) final(!h) {
  ^bb0(%xt: !x, %wt: !w, %vt: !v, %h: !h):
    %0 = core.contract over [sample, 4, 3] along [2] %xt, %wt by [#x, #w] writes #y order <> : !x, !w -> !h
    %1 = core.contract over [sample, 4, 4] along [2] %h, %vt by [#x, #w] writes #y order <> : !h, !v -> !h
    %2 = core.map over [sample, 4] reads(%0, %1 : !h, !h) by [#sn, #sn] writes [#sn] -> !h {
    ^bb0(%a: f32, %b: f32):
      %sum = arith.addf %a, %b : f32
      core.yield %sum : f32
    }
    core.step stacked(%2 : !h) next(%2 : !h)
  }
  return %y : !core.array<time x sample x 4 x f32>
}

// 2 weights for 8 elements of each sample.
// CHECK-LABEL: func.func @window(
// CHECK: core.scan
// CHECK: core.contract over [sample, 8, 2]
func.func @window(%x: !core.array<time x sample x 9 x f32>, %w: !core.array<2 x f32>, %start: !core.array<sample x 8 x f32>) -> !core.array<sample x 8 x f32> {
  %last = core.scan sliced(%x : !core.array<time x sample x 9 x f32>) invariant(%w : !core.array<2 x f32>) init(%start : !core.array<sample x 8 x f32>) -> final(!core.array<sample x 8 x f32>) {
  ^bb0(%xt: !core.array<sample x 9 x f32>, %wt: !core.array<2 x f32>, %h: !core.array<sample x 8 x f32>):
    %0 = core.contract over [sample, 8, 2] along [2] %xt, %wt by [affine_map<(s, o, i) -> (s, o + i)>, affine_map<(s, o, i) -> (i)>]
        writes #y order <> : !core.array<sample x 9 x f32>, !core.array<2 x f32> -> !core.array<sample x 8 x f32>
    %1 = core.map over [sample, 8] reads(%0, %h : !core.array<sample x 8 x f32>, !core.array<sample x 8 x f32>) by [#sn, #sn] writes [#sn] -> !core.array<sample x 8 x f32> {
    ^bb0(%a: f32, %b: f32):
      %sum = arith.addf %a, %b : f32
      core.yield %sum : f32
    }
    core.step stacked() next(%1 : !core.array<sample x 8 x f32>)
  }
  return %last : !core.array<sample x 8 x f32>
}
