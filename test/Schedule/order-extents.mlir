// The order of extents between two products.
// RUN: %snn-opt %s --split-input-file --core-order-extents --canonicalize | FileCheck %s
// RUN: %snn-opt %s --split-input-file --core-order-extents --mlir-disable-threading --remarks-filter=windows -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// REMARK: remark: [Passed] order | {{.*}}Function=pooled | Reason="those who write and read them then find the elements of a vector side by side", Remark="the extent of 32 comes last in

!y = !core.array<time x sample x 8 x 8 x 32 x f32>
!x = !core.array<time x sample x 32 x 8 x 8 x f32>
!p = !core.array<time x sample x 32 x 4 x 4 x f32>
#y = affine_map<(t, s, c, i, j, p, q) -> (t, s, 2 * i + p, 2 * j + q, c)>
#p = affine_map<(t, s, c, i, j, p, q) -> (t, s, c, i, j)>
#turn = affine_map<(t, s, i, j, c) -> (t, s, c, i, j)>
#same = affine_map<(t, s, i, j, c) -> (t, s, i, j, c)>

// A pooling of a product, a scan, and a copy for the next product: channels stay last, and the copy is none. What the
// host gives and gets has its own order.
// CHECK-LABEL: func.func @pooled(
// CHECK-SAME: %[[Y:.*]]: !core.array<time x sample x 8 x 8 x 32 x f32>, %[[STATE:.*]]: !core.array<sample x 32 x 4 x 4 x f32>
// CHECK: %[[MAX:.*]], %{{.*}} = core.fold max over [time, sample, 4, 4, 32, 2, 2] along [5, 6] reads(%[[Y]]
// CHECK-SAME: -> <time x sample x 4 x 4 x 32 x f32>
// CHECK: %[[INIT:.*]] = core.map over [sample, 4, 4, 32] reads(%[[STATE]]
// CHECK: %[[SCAN:.*]], %[[FINAL:.*]] = core.scan sliced(%[[MAX]] : {{.*}}) invariant() init(%[[INIT]] : !core.array<sample x 4 x 4 x 32 x f32>)
// CHECK: core.map over [sample, 4, 4, 32]
// CHECK: %[[GIVEN:.*]] = core.map over [sample, 32, 4, 4] reads(%[[FINAL]] : !core.array<sample x 4 x 4 x 32 x f32>)
// CHECK: %[[NEXT:.*]] = core.contract {{.*}} %[[SCAN]], %arg2
// CHECK: return %[[NEXT]], %[[GIVEN]]
func.func @pooled(%y: !y, %state: !core.array<sample x 32 x 4 x 4 x f32>, %w: !core.array<32 x 16 x f32>) -> (!core.array<time x sample x 4 x 4 x 16 x f32>, !core.array<sample x 32 x 4 x 4 x f32>) {
  %max, %winner = core.fold max over [time, sample, 32, 4, 4, 2, 2] along [5, 6] reads(%y : !y) by [#y] writes #p
      -> <time x sample x 32 x 4 x 4 x f32> winner !core.array<time x sample x 32 x 4 x 4 x i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %out, %final = core.scan sliced(%max : !p) invariant() init(%state : !core.array<sample x 32 x 4 x 4 x f32>)
      -> stacked(!p) final(!core.array<sample x 32 x 4 x 4 x f32>) {
  ^bb0(%now: !core.array<sample x 32 x 4 x 4 x f32>, %old: !core.array<sample x 32 x 4 x 4 x f32>):
    %new = core.map over [sample, 32, 4, 4] reads(%now, %old : !core.array<sample x 32 x 4 x 4 x f32>, !core.array<sample x 32 x 4 x 4 x f32>)
        by [affine_map<(s, c, i, j) -> (s, c, i, j)>, affine_map<(s, c, i, j) -> (s, c, i, j)>]
        writes [affine_map<(s, c, i, j) -> (s, c, i, j)>] -> !core.array<sample x 32 x 4 x 4 x f32> {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      core.yield %c : f32
    }
    core.step stacked(%new : !core.array<sample x 32 x 4 x 4 x f32>) next(%new : !core.array<sample x 32 x 4 x 4 x f32>)
  }
  %last = core.map over [time, sample, 4, 4, 32] reads(%out : !p) by [#turn] writes [#same] -> !core.array<time x sample x 4 x 4 x 32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %next = core.contract over [time, sample, 4, 4, 16, 32] along [5] %last, %w
      by [affine_map<(t, s, i, j, n, c) -> (t, s, i, j, c)>, affine_map<(t, s, i, j, n, c) -> (c, n)>]
      writes affine_map<(t, s, i, j, n, c) -> (t, s, i, j, n)> order <>
      : !core.array<time x sample x 4 x 4 x 32 x f32>, !core.array<32 x 16 x f32> -> !core.array<time x sample x 4 x 4 x 16 x f32>
  return %next, %final : !core.array<time x sample x 4 x 4 x 16 x f32>, !core.array<sample x 32 x 4 x 4 x f32>
}

// -----

!y = !core.array<time x sample x 4 x 4 x 32 x f32>
!x = !core.array<time x sample x 32 x 4 x 4 x f32>
!s = !core.array<time x sample x 32 x 4 x 4 x i1>
#turn = affine_map<(t, s, c, i, j) -> (t, s, i, j, c)>
#same = affine_map<(t, s, c, i, j) -> (t, s, c, i, j)>

// Random numbers are counted by the order of the dims, which stays.
// CHECK-LABEL: func.func @random(
// CHECK: core.map over [time, sample, 32, 4, 4]
// CHECK: return
func.func @random(%y: !y) -> !x {
  %x = core.map over [time, sample, 32, 4, 4] reads(%y : !y) by [#turn] writes [#same] -> !x {
  ^bb0(%a: f32):
    %r = core.random 3 : f32
    %b = arith.addf %a, %r : f32
    core.yield %b : f32
  }
  %z = core.map over [time, sample, 32, 4, 4] reads(%x : !x) by [#same] writes [#same] -> !x {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  return %z : !x
}

// Copies of spikes read them as they were; a number of the body that says where it is keeps its dim.
// CHECK-LABEL: func.func @spikes(
// CHECK: %[[SPIKES:.*]] = core.map over [time, sample, 4, 4, 32]
// CHECK: core.index 4
// CHECK: %[[BACK:.*]] = core.map over [time, sample, 32, 4, 4] reads(%[[SPIKES]] : !core.array<time x sample x 4 x 4 x 32 x i1>)
// CHECK: core.map over [time, sample, 2, 2, 32, 3, 3] reads(%[[BACK]] : !core.array<time x sample x 32 x 4 x 4 x i1>)
func.func @spikes(%y: !y) -> !core.array<time x sample x 2 x 2 x 288 x i1> {
  %s = core.map over [time, sample, 32, 4, 4] reads(%y : !y) by [#turn] writes [#same] -> !s {
  ^bb0(%a: f32):
    %zero = arith.constant 0.0 : f32
    %n = core.index 2
    %limit = arith.constant 7 : i64
    %few = arith.cmpi slt, %n, %limit : i64
    %fires = arith.cmpf ogt, %a, %zero : f32
    %b = arith.andi %few, %fires : i1
    core.yield %b : i1
  }
  %patches = core.map over [time, sample, 2, 2, 32, 3, 3] reads(%s : !s) by [affine_map<(t, s, i, j, c, p, q) -> (t, s, c, i + p, j + q)>]
      writes [affine_map<(t, s, i, j, c, p, q) -> (t, s, i, j, c * 9 + p * 3 + q)>] -> !core.array<time x sample x 2 x 2 x 288 x i1> {
  ^bb0(%a: i1):
    core.yield %a : i1
  }
  return %patches : !core.array<time x sample x 2 x 2 x 288 x i1>
}

// -----

!x = !core.array<time x sample x 32 x 64 x f32>
!turned = !core.array<time x sample x 64 x 32 x f32>
#same = affine_map<(t, s, i, j) -> (t, s, i, j)>
#turn = affine_map<(t, s, i, j) -> (t, s, j, i)>
#mirrored = affine_map<(t, s, i, j) -> (t, s, j, 63 - j)>

// What is made of the sums would like them turned, but the sums of a mirrored diagonal are found by the first of the
// two positions alone, which stays in front.
// CHECK-LABEL: func.func @mirrored(
// CHECK: core.fold add {{.*}} -> <time x sample x 32 x 64 x f32>
func.func @mirrored(%x: !turned) -> !turned {
  %squares = core.map over [time, sample, 32, 64] reads(%x : !turned) by [#turn] writes [#same] -> !x {
  ^bb0(%a: f32):
    %square = arith.mulf %a, %a : f32
    core.yield %square : f32
  }
  %diagonal = core.fold add over [time, sample, 32, 64] along [2] reads(%squares : !x) by [#same] writes #mirrored
      -> <time x sample x 32 x 64 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %turned = core.map over [time, sample, 64, 32] reads(%diagonal : !x) by [#turn] writes [#same] -> !turned {
  ^bb0(%a: f32):
    %square = arith.mulf %a, %a : f32
    core.yield %square : f32
  }
  return %turned : !turned
}

// -----

!x = !core.array<time x sample x 32 x f32>
!y = !core.array<time x sample x 32 x 16 x f32>
!turned = !core.array<time x sample x 16 x 32 x f32>
#x = affine_map<(t, s, i) -> (t, s, i)>
#half = affine_map<(t, s, i) -> (t, s, i, i floordiv 2)>
#same = affine_map<(t, s, i, j) -> (t, s, i, j)>
#turn = affine_map<(t, s, i, j) -> (t, s, j, i)>

// The same of a map: half of a number says where it is written only behind the number itself.
// CHECK-LABEL: func.func @half(
// CHECK: core.map over [time, sample, 32] {{.*}} -> !core.array<time x sample x 32 x 16 x f32>
func.func @half(%x: !x) -> !turned {
  %squares = core.map over [time, sample, 32] reads(%x : !x) by [#x] writes [#half] -> !y {
  ^bb0(%a: f32):
    %square = arith.mulf %a, %a : f32
    core.yield %square : f32
  }
  %turned = core.map over [time, sample, 16, 32] reads(%squares : !y) by [#turn] writes [#same] -> !turned {
  ^bb0(%a: f32):
    %square = arith.mulf %a, %a : f32
    core.yield %square : f32
  }
  return %turned : !turned
}
