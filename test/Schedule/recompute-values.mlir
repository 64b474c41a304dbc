// What later phases compute again.
// RUN: %snn-opt %s --core-form-phases --core-recompute-values | FileCheck %s
// RUN: %snn-opt %s --core-form-phases --core-recompute-values=least-bytes=-1 | FileCheck %s --check-prefix=KEPT
// RUN: %snn-opt %s --core-form-phases --core-recompute-values=least-bytes=100000 | FileCheck %s --check-prefix=KEPT
// RUN: %snn-opt %s --core-form-phases --core-recompute-values --mlir-disable-threading --remarks-filter=memory -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// REMARK: remark: [Passed] again | {{.*}}Function=f | Reason="it would stay in memory for the whole batch", Remark="a later phase computes the value again, with 2 ops", bytes of a sample and step=832

!x = !core.array<time x sample x 200 x f32>
!n = !core.array<200 x f32>
!s = !core.array<sample x 200 x f32>
#id = affine_map<(t, s, n) -> (t, s, n)>
#n = affine_map<(t, s, n) -> (n)>

// The product stays, and what the second phase needs of the scan that follows it is made again, of the product and of
// what the host gave. The host's own result of the scan comes from the first phase.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[X:[a-z0-9]*]]: {{.*}}, %[[W:[a-z0-9]*]]: {{.*}}, %[[STATE:[a-z0-9]*]]: !core.array<sample x 200 x f32>
// CHECK: %[[ONE:.*]]:2, %[[SUM:.*]] = core.batch_map
// CHECK: core.contract
// CHECK: core.scan
// CHECK: core.map
// CHECK: core.parts concat(%{{.*}}, %{{.*}} : !core.array<time x sample x 200 x f32>, !core.array<sample x 200 x f32>) sum(
// CHECK: core.batch_map sharded(%[[ONE]]#0, %[[STATE]] : {{.*}}) invariant(%[[SUM]] :
// CHECK-NOT: core.contract
// CHECK: %[[AGAIN:.*]], %{{.*}} = core.scan sliced
// CHECK: %[[EXP:.*]] = core.map over [time, sample, 200] reads(%[[AGAIN]] :
// CHECK: math.exp
// CHECK: core.map over [time, sample, 200] reads(%[[EXP]],
// CHECK: return

// KEPT: %[[ONE:.*]]:3, %{{.*}} = core.batch_map
// KEPT: core.batch_map sharded(%[[ONE]]#{{[02]}}, %[[ONE]]#{{[02]}} :
// KEPT-NOT: core.scan
// KEPT: return
func.func @f(%x: !x, %w: !core.array<200 x 200 x f32>, %state: !s) -> (!x, !s, !n) {
  %y = core.contract over [time, sample, 200, 200] along [3] %x, %w by [affine_map<(t, s, o, i) -> (t, s, i)>, affine_map<(t, s, o, i) -> (o, i)>]
      writes affine_map<(t, s, o, i) -> (t, s, o)> order <> : !x, !core.array<200 x 200 x f32> -> !x
  %mem, %final = core.scan sliced(%y : !x) invariant() init(%state : !s) -> stacked(!x) final(!s) {
  ^bb0(%now: !s, %old: !s):
    %new = core.map over [sample, 200] reads(%now, %old : !s, !s) by [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>]
        writes [affine_map<(s, n) -> (s, n)>] -> !s {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      core.yield %c : f32
    }
    core.step stacked(%new : !s) next(%new : !s)
  }
  %exp = core.map over [time, sample, 200] reads(%mem : !x) by [#id] writes [#id] -> !x {
  ^bb0(%a: f32):
    %b = math.exp %a : f32
    core.yield %b : f32
  }
  %sum = core.fold add over [time, sample, 200] along [1, 0] reads(%exp : !x) by [#id] writes #n order <run = 64, descending = true> -> !n {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %less = core.map over [time, sample, 200] reads(%exp, %sum, %y : !x, !n, !x) by [#id, #n, #id] writes [#id] -> !x {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.subf %a, %b : f32
    %e = arith.addf %d, %c : f32
    core.yield %e : f32
  }
  return %less, %final, %sum : !x, !s, !n
}


// The error stays as long as the product of it and a number for each channel would: the second phase and the sum
// between the two make that again.
// CHECK-LABEL: func.func @one_for_another(
// CHECK-SAME: %{{.*}}: {{.*}}, %{{.*}}: {{.*}}, %[[GAMMA:[a-z0-9]*]]: !core.array<200 x f32>
// CHECK: %[[G:.*]] = core.batch_map
// CHECK: core.parts concat(%{{.*}} : !core.array<time x sample x 200 x f32>) sum()
// CHECK: core.fold {{.*}} reads(%[[G]] :
// CHECK: %[[DOT:.*]] = core.fold {{.*}} reads(%[[G]], %[[GAMMA]] :
// CHECK: arith.mulf
// CHECK: core.batch_map sharded(%[[G]] : {{.*}}) invariant(%[[DOT]], %[[GAMMA]] :
// CHECK: arith.mulf
// CHECK: arith.subf

// KEPT-LABEL: func.func @one_for_another(
// KEPT: core.parts concat(%{{.*}}, %{{.*}} :
func.func @one_for_another(%x: !x, %w: !core.array<200 x 200 x f32>, %gamma: !n) -> (!x, !n, !n) {
  %g = core.contract over [time, sample, 200, 200] along [3] %x, %w by [affine_map<(t, s, o, i) -> (t, s, i)>, affine_map<(t, s, o, i) -> (o, i)>]
      writes affine_map<(t, s, o, i) -> (t, s, o)> order <> : !x, !core.array<200 x 200 x f32> -> !x
  %scaled = core.map over [time, sample, 200] reads(%g, %gamma : !x, !n) by [#id, #n] writes [#id] -> !x {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %b : f32
    core.yield %c : f32
  }
  %sum = core.fold add over [time, sample, 200] along [1, 0] reads(%g : !x) by [#id] writes #n order <run = 64, descending = true> {core.whole_batch} -> !n {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %dot = core.fold add over [time, sample, 200] along [1, 0] reads(%scaled : !x) by [#id] writes #n order <run = 64, descending = true> {core.whole_batch} -> !n {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %less = core.map over [time, sample, 200] reads(%scaled, %dot : !x, !n) by [#id, #n] writes [#id] -> !x {
  ^bb0(%a: f32, %b: f32):
    %c = arith.subf %a, %b : f32
    core.yield %c : f32
  }
  return %less, %sum, %dot : !x, !n, !n
}
