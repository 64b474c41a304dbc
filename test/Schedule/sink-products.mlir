// Products of few terms come into the pointwise scan that alone reads them.
// RUN: %snn-opt %s --core-choose-kernels=sparse-columns=0 --core-sink-products | FileCheck %s
// RUN: %snn-opt %s --core-choose-kernels=sparse-columns=0 --core-sink-products=most-terms=9 | FileCheck %s --check-prefix=FEWER
// RUN: %snn-opt %s --core-choose-kernels=sparse-columns=0 --core-sink-products=steps=3 | FileCheck %s --check-prefix=FEWER
// RUN: %snn-opt %s --core-choose-kernels=sparse-columns=0 --core-sink-products --mlir-disable-threading --remarks-filter=kernels -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// REMARK: remark: [Passed] lanes | {{.*}}Function=f | Reason="so few terms take less time than to write the sums and to read them", Remark="lanes: each lane of the scan that reads the product adds up its own sum"
// REMARK-NOT: [Passed] lanes | {{.*}}Function={{[ghi]}}

!e = !core.array<time x sample x 10 x f32>
!w = !core.array<10 x 32 x f32>
!y = !core.array<sample x 32 x f32>
!t = !core.array<time x sample x 32 x f32>
#id = affine_map<(s, n) -> (s, n)>
#e = affine_map<(t, s, o, n) -> (t, s, o)>
#w = affine_map<(t, s, o, n) -> (o, n)>
#t = affine_map<(t, s, o, n) -> (t, s, n)>

// The step reads the errors, and the weights beside what else is the same at all steps. The order stays.
// CHECK-DAG: #[[E:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[ERRORS:[a-z0-9]*]]: {{.*}}, %[[WEIGHTS:[a-z0-9]*]]: !core.array<10 x 32 x f32>, %[[MEM:[a-z0-9]*]]: !core.array<time x sample x 32 x f32>, %[[SCALE:[a-z0-9]*]]: {{.*}}, %[[ZERO:[a-z0-9]*]]:
// CHECK-NOT: core.contract
// CHECK: core.scan reverse sliced(%[[ERRORS]], %[[MEM]] : {{.*}}) invariant(%[[SCALE]], %[[WEIGHTS]] : {{.*}}) init(%[[ZERO]] :
// CHECK-NEXT: ^bb0(%[[ERROR:[a-z0-9]*]]: !core.array<sample x 10 x f32>, %{{.*}}, %{{.*}}, %[[ROWS:[a-z0-9]*]]: !core.array<10 x 32 x f32>, %{{.*}}):
// CHECK-NEXT: %[[SUM:.*]] = core.contract over [sample, 10, 32] along [1] %[[ERROR]], %[[ROWS]] by [#[[E]], #[[W]]] writes #[[Y]] order <> {core.kernel = #core.kernel<lanes>}
// CHECK-NEXT: core.map {{.*}} reads(%[[SUM]],

// FEWER-LABEL: func.func @f(
// FEWER: core.contract over [time, sample, 10, 32]
// FEWER: core.scan
func.func @f(%e: !e, %w: !w, %mem: !t, %scale: !y, %zero: !y) -> !t {
  %d = core.contract over [time, sample, 10, 32] along [2] %e, %w by [#e, #w] writes #t order <> : !e, !w -> !t
  %out, %final = core.scan reverse sliced(%d, %mem : !t, !t) invariant(%scale : !y) init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %u: !y, %s: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %u, %s, %old : !y, !y, !y, !y) by [#id, #id, #id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32, %c: f32, %d0: f32):
      %m = arith.mulf %a, %b : f32
      %n = arith.mulf %m, %c : f32
      %o = arith.addf %n, %d0 : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  return %out : !t
}

// What the host gets as well has to be written.
// CHECK-LABEL: func.func @g(
// CHECK: core.contract over [time, sample, 10, 32]
// CHECK: core.scan
func.func @g(%e: !e, %w: !w, %zero: !y) -> (!t, !t) {
  %d = core.contract over [time, sample, 10, 32] along [2] %e, %w by [#e, #w] writes #t order <> : !e, !w -> !t
  %out, %final = core.scan reverse sliced(%d : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  return %d, %out : !t, !t
}

// A scan that goes step by step reads it from memory.
// CHECK-LABEL: func.func @h(
// CHECK: core.contract over [time, sample, 10, 32]
// CHECK: core.scan
func.func @h(%e: !e, %w: !w, %zero: !y) -> !t {
  %d = core.contract over [time, sample, 10, 32] along [2] %e, %w by [#e, #w] writes #t order <> : !e, !w -> !t
  %out, %final = core.scan sliced(%d : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, affine_map<(s, n) -> (s, 31 - n)>] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  return %out : !t
}

// Spikes have tables.
// CHECK-LABEL: func.func @i(
// CHECK: core.contract over [time, sample, 10, 32]
// CHECK: core.scan
func.func @i(%e: !core.array<time x sample x 10 x i1>, %w: !w, %zero: !y) -> !t {
  %d = core.contract over [time, sample, 10, 32] along [2] %e, %w by [#e, #w] writes #t order <group = 4> : !core.array<time x sample x 10 x i1>, !w -> !t
  %out, %final = core.scan sliced(%d : !t) invariant() init(%zero : !y) -> stacked(!t) final(!y) {
  ^bb0(%in: !y, %old: !y):
    %new = core.map over [sample, 32] reads(%in, %old : !y, !y) by [#id, #id] writes [#id] -> !y {
    ^bb0(%a: f32, %b: f32):
      %o = arith.addf %a, %b : f32
      core.yield %o : f32
    }
    core.step stacked(%new : !y) next(%new : !y)
  }
  return %out : !t
}
