// Sums over time of what a scan makes for them alone become carries, where a call has one block of steps.
// RUN: %snn-opt %s --split-input-file --core-form-phases --core-sum-in-scans | FileCheck %s
// RUN: %snn-opt %s --split-input-file --core-form-phases --core-sum-in-scans --mlir-disable-threading --remarks-filter=scans -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// REMARK: remark: [Passed] sum | {{.*}}Function=f | Reason="nobody else reads its values of each step", Remark="the scan adds up what it makes, and does not write it"
// REMARK-NOT: [Passed] sum | {{.*}}Function={{[ghij]}}

!y = !core.array<sample x 32 x f32>
!t = !core.array<time x sample x 32 x f32>
#id = affine_map<(s, n) -> (s, n)>
#all = affine_map<(t, s, n) -> (t, s, n)>
#y = affine_map<(t, s, n) -> (s, n)>

snn.model @m train real = f32 steps = 64 max_steps = 64 classes = 4 batch = 8 epochs = 0

// The sum starts from the zeros that are there. What else is stacked stays.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[E:[a-z0-9]*]]: !core.array<time x sample x 32 x f32>
// CHECK: %[[ZERO:.*]] = core.map over [sample, 32] reads()
// CHECK: %[[OUT:.*]]:2, %[[END:.*]]:2 = core.scan reverse sliced({{.*}}) invariant() init(%[[ZERO]], %[[ZERO]] : {{.*}}) -> stacked(!core.array<time x sample x 32 x f32>, !core.array<time x sample x 32 x f32>)
// CHECK: ^bb0(%[[IN:.*]]: {{.*}}, %{{.*}}: {{.*}}, %[[SUM:[a-z0-9]*]]: !core.array<sample x 32 x f32>
// CHECK: %[[NEW:.*]]:3 = core.map
// CHECK: %[[NEXT:.*]] = core.map over [sample, 32] reads(%[[SUM]], %[[NEW]]#1 :
// CHECK: arith.addf
// CHECK: core.step stacked(%[[NEW]]#0, %[[NEW]]#2 : {{.*}}) next(%[[NEW]]#0, %[[NEXT]] :
// CHECK-NOT: core.fold
// CHECK: core.parts concat(%[[OUT]]#0, %[[OUT]]#1, %[[END]]#1 :
func.func @f(%e: !t) -> (!t, !t, !y) {
  %zero = core.map over [sample, 32] reads() by [] writes [#id] -> !y {
    %c = arith.constant 0.0 : f32
    core.yield %c : f32
  }
  %out:3, %final = core.scan reverse sliced(%e : !t) invariant() init(%zero : !y) -> stacked(!t, !t, !t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new:3 = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id, #id, #id] -> !y, !y, !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      %p = arith.mulf %a, %b : f32
      %q = arith.subf %a, %b : f32
      core.yield %o, %p, %q : f32, f32, f32
    }
    core.step stacked(%new#0, %new#1, %new#2 : !y, !y, !y) next(%new#0 : !y)
  }
  %sum = core.fold add over [time, sample, 32] along [0] reads(%out#1 : !t) by [#all] writes #y order <descending = true> -> <sample x 32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %out#0, %out#2, %sum : !t, !t, !y
}

// Who else reads them wants them written.
// CHECK-LABEL: func.func @g(
// CHECK: core.fold
func.func @g(%e: !t, %zero: !y) -> (!t, !y) {
  %out, %final = core.scan reverse sliced(%e : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  %sum = core.fold add over [time, sample, 32] along [0] reads(%out : !t) by [#all] writes #y order <descending = true> -> <sample x 32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %out, %sum : !t, !y
}

// The other order is another sum.
// CHECK-LABEL: func.func @h(
// CHECK: core.fold
func.func @h(%e: !t, %zero: !y) -> !y {
  %out, %final = core.scan sliced(%e : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  %sum = core.fold add over [time, sample, 32] along [0] reads(%out : !t) by [#all] writes #y order <descending = true> -> <sample x 32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %sum : !y
}

// Of a term that is made of it, too.
// CHECK-LABEL: func.func @i(
// CHECK: core.fold
func.func @i(%e: !t, %zero: !y) -> !y {
  %out, %final = core.scan reverse sliced(%e : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  %sum = core.fold add over [time, sample, 32] along [0] reads(%out : !t) by [#all] writes #y order <descending = true> -> <sample x 32 x f32> {
  ^bb0(%a: f32):
    %b = arith.mulf %a, %a : f32
    core.yield %b : f32
  }
  return %sum : !y
}

// -----

// A second block begins another chain.
!y = !core.array<sample x 32 x f32>
!t = !core.array<time x sample x 32 x f32>
#id = affine_map<(s, n) -> (s, n)>

snn.model @m train real = f32 steps = 65 max_steps = 65 classes = 4 batch = 8 epochs = 0

// CHECK-LABEL: func.func @j(
// CHECK: core.fold
func.func @j(%e: !t, %zero: !y) -> !y {
  %out, %final = core.scan reverse sliced(%e : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  %sum = core.fold add over [time, sample, 32] along [0] reads(%out : !t) by [affine_map<(t, s, n) -> (t, s, n)>] writes affine_map<(t, s, n) -> (s, n)> order <descending = true> -> <sample x 32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %sum : !y
}
