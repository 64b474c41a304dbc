// What nobody uses goes, what stands twice stands once, and what is the same at each step of a scan is computed before it. Attributes
// of the op stay.
// RUN: %snn-opt %s --canonicalize | FileCheck %s

!v = !core.array<4 x f32>
!tv = !core.array<time x 4 x f32>

#n = affine_map<(n) -> (n)>
#back = affine_map<(n) -> (n - 1)>

// The second input is the first one once more; the same array by another map, or with another value where it is absent, is not.
// CHECK-LABEL: func.func @inputs_of_maps
// CHECK: core.map over [4] reads(%[[X:.*]], %[[X]], %[[X]] : {{.*}}) by [#{{.*}}, #[[BACK:.*]], #[[BACK]]] writes [#{{.*}}] {absent = [unit, 0.000000e+00 : f32, 1.000000e+00 : f32]}
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32):
// CHECK-NEXT: arith.mulf %[[A]], %[[A]]
func.func @inputs_of_maps(%x: !v, %unused: !v) -> !v {
  %y = core.map over [4] reads(%x, %x, %unused, %x, %x : !v, !v, !v, !v, !v) by [#n, #n, #back, #back, #back] writes [#n]
      {absent = [unit, unit, 2.0 : f32, 0.0 : f32, 1.0 : f32]} -> !v {
  ^bb0(%a: f32, %b: f32, %u: f32, %c: f32, %d: f32):
    %e = arith.mulf %a, %b : f32
    %f = arith.addf %e, %c : f32
    %g = arith.addf %f, %d : f32
    core.yield %g : f32
  }
  return %y : !v
}

// CHECK-LABEL: func.func @results_of_maps
// CHECK: %[[Y:.*]]:2 = core.map over [4] {{.*}} writes [#[[N:.*]], #[[BACK]]] {kept}
// CHECK: core.yield %[[E:.*]], %[[E]] : f32, f32
// CHECK: return %[[Y]]#0, %[[Y]]#0, %[[Y]]#1
func.func @results_of_maps(%x: !v) -> (!v, !v, !v) {
  %unused, %a, %same, %shifted = core.map over [4] reads(%x : !v) by [#n] writes [#n, #n, #n, #back] {kept} -> !v, !v, !v, !v {
  ^bb0(%v: f32):
    %w = math.exp %v : f32
    core.yield %v, %w, %w, %w : f32, f32, f32, f32
  }
  return %a, %same, %shifted : !v, !v, !v
}

// An unused result may be the first of two equal ones.
// CHECK-LABEL: func.func @first_of_equal_results
// CHECK: %[[Y:.*]] = core.map over [4]
// CHECK: core.yield %{{.*}} : f32
// CHECK: return %[[Y]]
func.func @first_of_equal_results(%x: !v) -> !v {
  %unused, %same = core.map over [4] reads(%x : !v) by [#n] writes [#n, #n] -> !v, !v {
  ^bb0(%v: f32):
    %w = math.exp %v : f32
    core.yield %w, %w : f32, f32
  }
  return %same : !v
}

// Where an input of a fold is absent there is no term, so one that may be absent stays.
// CHECK-LABEL: func.func @inputs_of_folds
// CHECK-SAME: (%[[X:.*]]: {{.*}}, %[[INSIDE:.*]]: {{.*}}, %[[OUTSIDE:.*]]: {{.*}})
// CHECK: core.fold add over [4] along [0] reads(%[[X]], %[[OUTSIDE]] : {{.*}}) by [#[[N]], #[[BACK]]]
func.func @inputs_of_folds(%x: !v, %inside: !v, %outside: !v) -> !core.array<f32> {
  %y = core.fold add over [4] along [0] reads(%x, %inside, %outside, %x : !v, !v, !v, !v) by [#n, #n, #back, #n]
      writes affine_map<(n) -> ()> -> !core.array<f32> {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %e = arith.mulf %a, %d : f32
    core.yield %e : f32
  }
  return %y : !core.array<f32>
}

// CHECK-LABEL: func.func @scans
// CHECK-SAME: (%[[X:.*]]: {{.*}}, %[[W:.*]]: {{.*}}, %[[M:.*]]: {{.*}})
// CHECK: %[[STACKED:.*]], %[[FINAL:.*]] = core.scan sliced(%[[X]] : {{[^)]*}}) invariant(%[[W]] : {{[^)]*}}) init(%[[M]] : {{[^)]*}}) {kept}
// CHECK: core.map over [4] reads(%[[XT:.*]], %[[WT:.*]], %[[MT:.*]] :
// CHECK: core.step stacked(%[[MT]] : {{.*}}) next(%
// CHECK: return %[[STACKED]], %[[STACKED]], %[[FINAL]], %[[FINAL]]
func.func @scans(%x: !tv, %w: !v, %m: !v) -> (!tv, !tv, !v, !v) {
  %unused, %a, %b, %end1, %end2, %dead = core.scan sliced(%x, %x, %x : !tv, !tv, !tv) invariant(%w, %w, %w : !v, !v, !v) init(%m, %m, %w : !v, !v, !v)
      {kept} -> stacked(!tv, !tv, !tv) final(!v, !v, !v) {
  ^bb0(%x0: !v, %x1: !v, %x2: !v, %w0: !v, %w1: !v, %w2: !v, %m0: !v, %m1: !v, %d: !v):
    %next = core.map over [4] reads(%x1, %x2, %w1, %w2, %m0, %m1 : !v, !v, !v, !v, !v, !v) by [#n, #n, #n, #n, #n, #n] writes [#n] -> !v {
    ^bb0(%p: f32, %q: f32, %r: f32, %s: f32, %t: f32, %u: f32):
      %pq = arith.mulf %p, %q : f32
      %rs = arith.mulf %r, %s : f32
      %tu = arith.mulf %t, %u : f32
      %pr = arith.addf %pq, %rs : f32
      %pt = arith.addf %pr, %tu : f32
      core.yield %pt : f32
    }
    core.step stacked(%m0, %m0, %m1 : !v, !v, !v) next(%next, %next, %next : !v, !v, !v)
  }
  return %a, %b, %end1, %end2 : !tv, !tv, !v, !v
}

// A carry that only its own next step depends on, through a product, and what it alone reads.
// CHECK-LABEL: func.func @dead_carry
// CHECK: core.scan sliced(%{{[^,]*}} : !core.array<time x 4 x f32>) invariant() init(%{{[^,]*}} : !core.array<4 x f32>)
// CHECK-SAME: -> final(!core.array<4 x f32>)
// CHECK-NOT: arith.mulf
// CHECK: core.step
func.func @dead_carry(%x: !tv, %w: !v, %m: !v) -> !v {
  %end, %dead = core.scan sliced(%x : !tv) invariant(%w : !v) init(%m, %w : !v, !v) -> final(!v, !v) {
  ^bb0(%xt: !v, %w0: !v, %m0: !v, %d: !v):
    %next = core.map over [4] reads(%xt, %m0 : !v, !v) by [#n, #n] writes [#n] -> !v {
    ^bb0(%p: f32, %q: f32):
      %r = arith.addf %p, %q : f32
      core.yield %r : f32
    }
    %more = core.map over [4] reads(%next, %d, %w0 : !v, !v, !v) by [#n, #n, #n] writes [#n] -> !v {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %s = arith.mulf %p, %q : f32
      %t = arith.mulf %r, %s : f32
      core.yield %t : f32
    }
    core.step stacked() next(%next, %more : !v, !v)
  }
  return %end : !v
}

// What is the same at each step is computed once. What counts steps is not the same; a constant, or a copy for each sample,
// is cheaper where it is.
// CHECK-LABEL: func.func @same_at_each_step
// CHECK-SAME: (%{{[^,]*}}, %[[BETA:.*]]: !core.array<4 x f32>)
// CHECK: %[[DECAY:.*]] = core.map over [4] reads(%[[BETA]] :
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.tanh
// CHECK: core.scan sliced({{[^)]*}}) invariant(%[[BETA]], %[[DECAY]] : {{[^)]*}}) init() {kept}
// CHECK: core.map over [4] reads() by []
// CHECK: core.map over [4] reads(
// CHECK: core.index time
// CHECK: core.map over [sample, 4]
// CHECK: math.exp
// CHECK: core.map over [sample, 4]
// CHECK: core.step
func.func @same_at_each_step(%x: !core.array<time x sample x 4 x f32>, %beta: !v) -> !core.array<time x sample x 4 x f32> {
  %y = core.scan sliced(%x : !core.array<time x sample x 4 x f32>) invariant(%beta : !v) init() {kept} -> stacked(!core.array<time x sample x 4 x f32>) {
  ^bb0(%xt: !core.array<sample x 4 x f32>, %b: !v):
    %decay = core.map over [4] reads(%b : !v) by [#n] writes [#n] -> !v {
    ^bb0(%p: f32):
      %q = math.tanh %p : f32
      core.yield %q : f32
    }
    %constant = core.map over [4] reads() by [] writes [#n] -> !v {
      %q = arith.constant 2.0 : f32
      core.yield %q : f32
    }
    %growing = core.map over [4] reads(%b : !v) by [#n] writes [#n] -> !v {
    ^bb0(%p: f32):
      %t = core.index time
      %k = arith.sitofp %t : i64 to f32
      %q = arith.mulf %p, %k : f32
      core.yield %q : f32
    }
    %copies = core.map over [sample, 4] reads(%b : !v) by [affine_map<(s, n) -> (n)>] writes [affine_map<(s, n) -> (s, n)>] -> !core.array<sample x 4 x f32> {
    ^bb0(%p: f32):
      %q = math.exp %p : f32
      core.yield %q : f32
    }
    %z = core.map over [sample, 4] reads(%xt, %decay, %constant, %growing, %copies : !core.array<sample x 4 x f32>, !v, !v, !v, !core.array<sample x 4 x f32>)
        by [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (n)>, affine_map<(s, n) -> (n)>, affine_map<(s, n) -> (n)>, affine_map<(s, n) -> (s, n)>]
        writes [affine_map<(s, n) -> (s, n)>] -> !core.array<sample x 4 x f32> {
    ^bb0(%p: f32, %q: f32, %r: f32, %s: f32, %t: f32):
      %pq = arith.mulf %p, %q : f32
      %pqr = arith.mulf %pq, %r : f32
      %pqrs = arith.mulf %pqr, %s : f32
      %u = arith.addf %pqrs, %t : f32
      core.yield %u : f32
    }
    core.step stacked(%z : !core.array<sample x 4 x f32>) next()
  }
  return %y : !core.array<time x sample x 4 x f32>
}

// A sum of one term is that term, without the extent; what could be -0 is added to +0.
// CHECK-LABEL: func.func @sums_of_one(
// CHECK: %[[COUNT:.*]] = core.map over [sample, 5] reads(%arg0 : {{.*}}) by [#[[ID:.*]]] writes [#[[ID]]]
// CHECK-NEXT: ^bb0(%[[SPIKE:.*]]: i1
// CHECK-NEXT: %[[ONE:.*]] = arith.uitofp %[[SPIKE]]
// CHECK-NEXT: core.yield %[[ONE]]
// CHECK: %[[REAL:.*]] = core.map over [sample, 5] reads(%arg1 :
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: arith.addf %{{.*}}, %[[ZERO]]
// CHECK: core.fold add over [sample, 5, 1] along [2] reads(%arg1
// CHECK: core.fold add over [sample, 5, 1] along [2] reads(%arg1
// CHECK: core.fold max over [sample, 5, 1] along [2]
func.func @sums_of_one(%s: !core.array<sample x 5 x i1>, %x: !core.array<sample x 5 x f32>) -> (!core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>) {
  %count = core.fold add over [sample, 5, 1] along [2] reads(%s : !core.array<sample x 5 x i1>) by [affine_map<(s, c, n) -> (s, c + n)>] writes affine_map<(s, c, n) -> (s, c)> -> !core.array<sample x 5 x f32> {
  ^bb0(%a: i1):
    %b = arith.uitofp %a : i1 to f32
    core.yield %b : f32
  }
  %real = core.fold add over [sample, 5, 1] along [2] reads(%x : !core.array<sample x 5 x f32>) by [affine_map<(s, c, n) -> (s, c + n)>] writes affine_map<(s, c, n) -> (s, c)> -> !core.array<sample x 5 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  // It counts along the extent, and has a term where it reads inside alone.
  %placed = core.fold add over [sample, 5, 1] along [2] reads(%x : !core.array<sample x 5 x f32>) by [affine_map<(s, c, n) -> (s, c + n)>] writes affine_map<(s, c, n) -> (s, c)> -> !core.array<sample x 5 x f32> {
  ^bb0(%a: f32):
    %i = core.index 1
    %f = arith.sitofp %i : i64 to f32
    %b = arith.mulf %a, %f : f32
    core.yield %b : f32
  }
  %inside = core.fold add over [sample, 5, 1] along [2] reads(%x : !core.array<sample x 5 x f32>) by [affine_map<(s, c, n) -> (s, c + n)>] writes affine_map<(s, c, n) -> (s, c)> -> !core.array<sample x 5 x f32> {
  ^bb0(%a: f32):
    %own = core.custom_vjp(%a) : (f32) -> f32 value {
    ^bb0(%v: f32):
      %i = core.index 1
      %f = arith.sitofp %i : i64 to f32
      %b = arith.addf %v, %f : f32
      core.yield %b : f32
    } vjp {
    ^bb0(%v: f32, %result: f32, %grad: f32):
      core.yield %grad : f32
    }
    core.yield %own : f32
  }
  %max, %at = core.fold max over [sample, 5, 1] along [2] reads(%x : !core.array<sample x 5 x f32>) by [affine_map<(s, c, n) -> (s, c + n)>] writes affine_map<(s, c, n) -> (s, c)> -> !core.array<sample x 5 x f32> winner !core.array<sample x 5 x i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %count, %real, %placed, %inside, %max : !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>, !core.array<sample x 5 x f32>
}
