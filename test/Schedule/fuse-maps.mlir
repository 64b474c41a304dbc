// Maps move into what reads them, and only then: where each value is computed as often as before.
// RUN: %snn-opt %s --pass-pipeline='builtin.module(func.func(core-fuse-maps))' | FileCheck %s
// RUN: %snn-opt %s --pass-pipeline='builtin.module(func.func(core-fuse-maps))' --mlir-disable-threading --remarks-filter=fusion -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

#n = affine_map<(n) -> (n)>
#turned = affine_map<(n) -> (4 - n)>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_n = affine_map<(t, s, n) -> (n)>
#sn = affine_map<(s, n) -> (s, n)>
#sn_of_tsn = affine_map<(t, s, n) -> (s, n)>

// CHECK-LABEL: func.func @chain
// CHECK: core.map
// CHECK: math.tanh
// CHECK-NEXT: arith.addf
// CHECK-NOT: core.map
// CHECK: return
func.func @chain(%x: !core.array<5 x f32>) -> !core.array<5 x f32> {
  %y = core.map over [5] reads(%x : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %b = math.tanh %a : f32
    core.yield %b : f32
  }
  %z = core.map over [5] reads(%y : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  return %z : !core.array<5 x f32>
}

// Elements that no point writes are 0, which the reader's body would not know.
// CHECK-LABEL: func.func @partial
// CHECK-COUNT-2: core.map
func.func @partial(%x: !core.array<5 x f32>) -> !core.array<5 x f32> {
  %y = core.map over [3] reads(%x : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %b = math.tanh %a : f32
    core.yield %b : f32
  }
  %z = core.map over [5] reads(%y : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  return %z : !core.array<5 x f32>
}

// Read by two maps, each value would be computed twice.
// CHECK-LABEL: func.func @twice
// CHECK-COUNT-2: core.map
func.func @twice(%x: !core.array<5 x f32>) -> !core.array<5 x f32> {
  %y = core.map over [5] reads(%x : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %b = math.tanh %a : f32
    core.yield %b : f32
  }
  %z = core.map over [5] reads(%y, %y : !core.array<5 x f32>, !core.array<5 x f32>) by [#n, #turned] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32, %c: f32):
    %b = arith.addf %a, %c : f32
    core.yield %b : f32
  }
  return %z : !core.array<5 x f32>
}

// A bias is added in the steps of the scan.
// CHECK-LABEL: func.func @bias
// CHECK-SAME: %[[X:[a-z0-9]+]]: !core.array<time x sample x 5 x f32>, %[[B:[a-z0-9]+]]: !core.array<5 x f32>
// CHECK-NEXT: core.scan sliced(%[[X]] : {{.*}}) invariant(%[[B]] : {{.*}}) init({{.*}}) {kept}
// CHECK: arith.addf
// CHECK-NEXT: arith.mulf
// REMARK: remark: [Passed] maps | {{.*}}Function=bias | Remark="maps are computed where they are read: 1 in other maps, 0 in folds, 1 in steps of scans; once for all steps: 0; maps that are left: 1"
func.func @bias(%x: !core.array<time x sample x 5 x f32>, %b: !core.array<5 x f32>, %m: !core.array<sample x 5 x f32>) -> !core.array<sample x 5 x f32> {
  %y = core.map over [time, sample, 5] reads(%x, %b : !core.array<time x sample x 5 x f32>, !core.array<5 x f32>) by [#tsn, #tsn_n] writes [#tsn]
      -> !core.array<time x sample x 5 x f32> {
  ^bb0(%a: f32, %c: f32):
    %s = arith.addf %a, %c : f32
    core.yield %s : f32
  }
  %f = core.scan sliced(%y : !core.array<time x sample x 5 x f32>) invariant() init(%m : !core.array<sample x 5 x f32>) {kept} -> final(!core.array<sample x 5 x f32>) {
  ^bb0(%xt: !core.array<sample x 5 x f32>, %c: !core.array<sample x 5 x f32>):
    %s = core.map over [sample, 5] reads(%xt, %c : !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>) by [#sn, #sn] writes [#sn] -> !core.array<sample x 5 x f32> {
    ^bb0(%a: f32, %d: f32):
      %r = arith.mulf %a, %d : f32
      core.yield %r : f32
    }
    core.step stacked() next(%s : !core.array<sample x 5 x f32>)
  }
  return %f : !core.array<sample x 5 x f32>
}

// Windows that do not overlap see each element once: what is computed of it goes into the pooling. Those that overlap would compute it again.
// CHECK-LABEL: func.func @pooled
// CHECK-NEXT: core.fold max over [sample, 3, 2]
// CHECK-NOT: core.map
// CHECK: return
// REMARK: Function=pooled | {{.*}} 1 in folds,
func.func @pooled(%x: !core.array<sample x 6 x f32>) -> !core.array<sample x 3 x f32> {
  %y = core.map over [sample, 6] reads(%x : !core.array<sample x 6 x f32>) by [#sn] writes [#sn] -> !core.array<sample x 6 x f32> {
  ^bb0(%a: f32):
    %s = arith.mulf %a, %a : f32
    core.yield %s : f32
  }
  %m, %w = core.fold max over [sample, 3, 2] along [2] reads(%y : !core.array<sample x 6 x f32>) by [affine_map<(s, i, p) -> (s, i * 2 + p)>]
      writes affine_map<(s, i, p) -> (s, i)> -> !core.array<sample x 3 x f32> winner !core.array<sample x 3 x i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %m : !core.array<sample x 3 x f32>
}

// CHECK-LABEL: func.func @overlapping
// CHECK-NEXT: core.map
// CHECK: core.fold max
func.func @overlapping(%x: !core.array<sample x 6 x f32>) -> !core.array<sample x 5 x f32> {
  %y = core.map over [sample, 6] reads(%x : !core.array<sample x 6 x f32>) by [#sn] writes [#sn] -> !core.array<sample x 6 x f32> {
  ^bb0(%a: f32):
    %s = arith.mulf %a, %a : f32
    core.yield %s : f32
  }
  %m, %w = core.fold max over [sample, 5, 2] along [2] reads(%y : !core.array<sample x 6 x f32>) by [affine_map<(s, i, p) -> (s, i + p)>]
      writes affine_map<(s, i, p) -> (s, i)> -> !core.array<sample x 5 x f32> winner !core.array<sample x 5 x i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %m : !core.array<sample x 5 x f32>
}

// The first step has nothing of it.
// CHECK-LABEL: func.func @a_step_later(
// CHECK: core.map over [time, sample, 6]
func.func @a_step_later(%g: !core.array<sample x 6 x f32>) -> !core.array<time x sample x 6 x f32> {
  %0 = core.map over [time, sample, 6] reads(%g : !core.array<sample x 6 x f32>) by [affine_map<(t, s, n) -> (s, n)>]
      writes [affine_map<(t, s, n) -> (t + 1, s, n)>] -> !core.array<time x sample x 6 x f32> {
  ^bb0(%x: f32):
    core.yield %x : f32
  }
  %1 = core.map over [time, sample, 6] reads(%0, %0 : !core.array<time x sample x 6 x f32>, !core.array<time x sample x 6 x f32>)
      by [affine_map<(t, s, n) -> (t, s, n)>, affine_map<(t, s, n) -> (t, s, 5 - n)>] writes [affine_map<(t, s, n) -> (t, s, n)>] -> !core.array<time x sample x 6 x f32> {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    core.yield %z : f32
  }
  return %1 : !core.array<time x sample x 6 x f32>
}

// Rows of whole vectors are written at once, not copied; who else reads the values finds them there.
// CHECK-LABEL: func.func @wider(
// CHECK: %[[WIDE:.*]] = core.map over [time, sample, 12] {{.*}} -> !core.array<time x sample x 16 x f32>
// CHECK-NOT: core.map
// CHECK: core.fold add {{.*}} reads(%[[WIDE]] : !core.array<time x sample x 16 x f32>)
// CHECK: return %{{.*}}, %[[WIDE]]
#tsnm = affine_map<(t, s, n) -> (t, s, n)>
func.func @wider(%x: !core.array<time x sample x 12 x f32>) -> (!core.array<sample x 12 x f32>, !core.array<time x sample x 16 x f32>) {
  %y = core.map over [time, sample, 12] reads(%x : !core.array<time x sample x 12 x f32>) by [#tsnm] writes [#tsnm] -> !core.array<time x sample x 12 x f32> {
  ^bb0(%a: f32):
    %b = math.tanh %a : f32
    core.yield %b : f32
  }
  %sum = core.fold add over [time, sample, 12] along [0] reads(%y : !core.array<time x sample x 12 x f32>) by [#tsnm] writes #sn_of_tsn order <> -> !core.array<sample x 12 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %z = core.map over [time, sample, 12] reads(%y : !core.array<time x sample x 12 x f32>) by [#tsnm] writes [#tsnm] -> !core.array<time x sample x 16 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %sum, %z : !core.array<sample x 12 x f32>, !core.array<time x sample x 16 x f32>
}

// What would be read outside of the narrow array would be 0 in the wide one.
// CHECK-LABEL: func.func @not_wider(
// CHECK-COUNT-3: core.map
func.func @not_wider(%x: !core.array<12 x f32>) -> (!core.array<14 x f32>, !core.array<16 x f32>) {
  %y = core.map over [12] reads(%x : !core.array<12 x f32>) by [#n] writes [#n] -> !core.array<12 x f32> {
  ^bb0(%a: f32):
    %b = math.tanh %a : f32
    core.yield %b : f32
  }
  %w = core.map over [14] reads(%y : !core.array<12 x f32>) by [#n] writes [#n] {absent = [1.0 : f32]} -> !core.array<14 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %z = core.map over [12] reads(%y : !core.array<12 x f32>) by [#n] writes [#n] -> !core.array<16 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %w, %z : !core.array<14 x f32>, !core.array<16 x f32>
}

// What is written outside of the narrow array is nowhere, and would be in the wide one.
// CHECK-LABEL: func.func @cut(
// CHECK: core.map over [14] {{.*}} -> !core.array<12 x f32>
// CHECK: core.map over [12] {{.*}} -> !core.array<16 x f32>
func.func @cut(%x: !core.array<14 x f32>) -> !core.array<16 x f32> {
  %y = core.map over [14] reads(%x : !core.array<14 x f32>) by [#n] writes [#n] -> !core.array<12 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %z = core.map over [12] reads(%y : !core.array<12 x f32>) by [#n] writes [#n] -> !core.array<16 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %z : !core.array<16 x f32>
}

// What is the same at each step is computed once: the gradient of a count, spread over time and neurons.
// CHECK-LABEL: func.func @same_at_each_step(
// CHECK: %[[ONCE:.*]] = core.map over [sample, 2, 3] {{.*}} -> !core.array<sample x 6 x f32>
// CHECK: core.scan reverse sliced(%{{[^,]*}} : {{.*}}) invariant(%[[ONCE]] : !core.array<sample x 6 x f32>)
// REMARK: Function=same_at_each_step | {{.*}}once for all steps: 2; maps that are left: 2"
func.func @same_at_each_step(%g: !core.array<sample x 2 x f32>, %s: !core.array<time x sample x 6 x f32>, %i: !core.array<sample x 6 x f32>) -> !core.array<time x sample x 6 x f32> {
  %0 = core.map over [time, sample, 2] reads(%g : !core.array<sample x 2 x f32>) by [affine_map<(d0, d1, d2) -> (d1, d2)>]
      writes [affine_map<(d0, d1, d2) -> (d0, d1, d2)>] -> !core.array<time x sample x 2 x f32> {
  ^bb0(%x: f32):
    core.yield %x : f32
  }
  %1 = core.map over [time, sample, 2, 3] reads(%0 : !core.array<time x sample x 2 x f32>) by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>]
      writes [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 3 + d3)>] -> !core.array<time x sample x 6 x f32> {
  ^bb0(%x: f32):
    core.yield %x : f32
  }
  %stacked, %final = core.scan reverse sliced(%1, %s : !core.array<time x sample x 6 x f32>, !core.array<time x sample x 6 x f32>) invariant() init(%i : !core.array<sample x 6 x f32>)
      -> stacked(!core.array<time x sample x 6 x f32>) final(!core.array<sample x 6 x f32>) {
  ^bb0(%x: !core.array<sample x 6 x f32>, %y: !core.array<sample x 6 x f32>, %c: !core.array<sample x 6 x f32>):
    %2 = core.map over [sample, 6] reads(%x, %y, %c : !core.array<sample x 6 x f32>, !core.array<sample x 6 x f32>, !core.array<sample x 6 x f32>)
        by [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>] writes [affine_map<(d0, d1) -> (d0, d1)>] -> !core.array<sample x 6 x f32> {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %3 = arith.mulf %p, %q : f32
      %4 = arith.addf %3, %r : f32
      core.yield %4 : f32
    }
    core.step stacked(%2 : !core.array<sample x 6 x f32>) next(%2 : !core.array<sample x 6 x f32>)
  }
  return %stacked : !core.array<time x sample x 6 x f32>
}
