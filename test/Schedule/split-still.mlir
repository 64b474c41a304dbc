// Products that are the same at all steps get a phase before, if their weights are large.
// RUN: %snn-opt %s --core-choose-kernels --core-form-phases --core-split-still=cache-bytes=1000 | FileCheck %s
// RUN: %snn-opt %s --core-choose-kernels --core-form-phases --core-split-still=cache-bytes=10000 | FileCheck %s --check-prefix=SMALL
// RUN: %snn-opt %s --core-choose-kernels --core-form-phases --core-split-still=cache-bytes=1000 --mlir-disable-threading --remarks-filter=phases -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// REMARK: remark: [Passed] still | {{.*}}Function=f | Reason="it is the same at all steps, and its weights would leave the cache from chunk to chunk", Remark="the product runs in a phase before, for more samples at a time"

!x = !core.array<sample x 20 x f32>
!y = !core.array<sample x 32 x f32>
!t = !core.array<time x sample x 32 x f32>
#id = affine_map<(s, n) -> (s, n)>
#x = affine_map<(s, o, i) -> (s, i)>
#w = affine_map<(s, o, i) -> (i, o)>
#y = affine_map<(s, o, i) -> (s, o)>

// What the product is made of comes along. The host's result of it comes from the first phase; the second one reads it,
// and nothing that it needs no more.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[X:[a-z0-9]*]]: {{.*}}, %[[W:[a-z0-9]*]]: {{.*}}, %[[STATE:[a-z0-9]*]]: !core.array<sample x 32 x f32>
// CHECK: %[[Y:.*]] = core.batch_map sharded(%[[X]] : {{.*}}) invariant(%[[W]] : {{.*}})
// CHECK: core.map
// CHECK: %[[IN:.*]] = core.contract
// CHECK: core.parts concat(%[[IN]] :
// CHECK: %[[TWO:.*]]:2 = core.batch_map sharded(%[[STATE]], %[[Y]] : {{.*}}) invariant()
// CHECK-NOT: core.contract
// CHECK: core.scan
// CHECK: return %[[Y]], %[[TWO]]#0

// SMALL: core.batch_map
// SMALL-NOT: core.batch_map
// SMALL: func.func @g(
func.func @f(%x: !x, %w: !core.array<20 x 32 x f32>, %state: !y) -> (!y, !t, !y) {
  %half = core.map over [sample, 20] reads(%x : !x) by [#id] writes [#id] -> !x {
  ^bb0(%a: f32):
    %c = arith.constant 0.5 : f32
    %b = arith.mulf %a, %c : f32
    core.yield %b : f32
  }
  %y = core.contract over [sample, 32, 20] along [2] %half, %w by [#x, #w] writes #y order <> : !x, !core.array<20 x 32 x f32> -> !y
  %mem, %final = core.scan sliced() invariant(%y : !y) init(%state : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      core.yield %c : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  return %y, %mem, %final : !y, !t, !y
}

// Of a product that varies over time nothing comes before.
// CHECK-LABEL: func.func @g(
// CHECK: core.batch_map
// CHECK-NOT: core.batch_map
func.func @g(%x: !core.array<time x sample x 20 x f32>, %w: !core.array<20 x 32 x f32>) -> !t {
  %y = core.contract over [time, sample, 32, 20] along [3] %x, %w by [affine_map<(t, s, o, i) -> (t, s, i)>, affine_map<(t, s, o, i) -> (i, o)>]
      writes affine_map<(t, s, o, i) -> (t, s, o)> order <> : !core.array<time x sample x 20 x f32>, !core.array<20 x 32 x f32> -> !t
  return %y : !t
}
