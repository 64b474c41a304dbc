// Of forward steps is kept what takes least memory on the way to the gradients.
// RUN: %snn-opt %s --pass-pipeline='builtin.module(func.func(core-cut-residuals))' | FileCheck %s
// RUN: %snn-opt %s --pass-pipeline='builtin.module(func.func(core-cut-residuals))' --mlir-disable-threading --remarks-filter=memory -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

!t = !core.array<time x sample x 32 x f32>
!b = !core.array<time x sample x 32 x i1>
!x = !core.array<sample x 32 x f32>
!s = !core.array<sample x 32 x i1>
!one = !core.array<f32>
#sn = affine_map<(s, n) -> (s, n)>
#none = affine_map<(s, n) -> ()>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#all = affine_map<(t, s, n) -> ()>

// The gradient depends on the membrane after the step alone, which is given out anyway: the reverse scan reads that, and neither
// the membrane before the step nor the current.
// CHECK-LABEL: func.func @membrane(
// CHECK: %[[F:.*]]:2, %{{.*}} = core.scan sliced(%arg0 :
// CHECK: core.step stacked(%[[U:.*]]#0, %[[U]]#1 : !core.array<sample x 32 x i1>, !core.array<sample x 32 x f32>)
// CHECK-NEXT: }
// CHECK: core.scan reverse sliced(%arg1, %[[F]]#1 : !core.array<time x sample x 32 x f32>, !core.array<time x sample x 32 x f32>) invariant()
// CHECK: core.map over [sample, 32] reads(
// CHECK-NOT: arith.uitofp
// CHECK: core.step
// REMARK: Function=membrane | Reason="what it is made of takes more, {{.*}}", Remark="1 value of each step is kept for the reverse scan and sums over time", bits of a sample and step=1024, bits of what it is made of=1024
func.func @membrane(%current: !t, %error: !t, %zero: !x) -> (!b, !t, !t) {
  %stacked:3, %last = core.scan sliced(%current : !t) invariant() init(%zero : !x) -> stacked(!b, !t, !t) final(!x) {
  ^bb0(%i: !x, %before: !x):
    %u:2 = core.map over [sample, 32] reads(%i, %before : !x, !x) by [#sn, #sn] writes [#sn, #sn] -> !s, !x {
    ^bb0(%a: f32, %m: f32):
      %decay = arith.constant 0.9 : f32
      %threshold = arith.constant 1.0 : f32
      %reset = arith.cmpf ogt, %m, %threshold : f32
      %r = arith.uitofp %reset : i1 to f32
      %d = arith.mulf %m, %decay : f32
      %e = arith.addf %d, %a : f32
      %next = arith.subf %e, %r : f32
      %spike = arith.cmpf ogt, %next, %threshold : f32
      core.yield %spike, %next : i1, f32
    }
    core.step stacked(%u#0, %u#1, %before : !s, !x, !x) next(%u#1 : !x)
  }
  %gradient, %first = core.scan reverse sliced(%error, %stacked#2, %current : !t, !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%g: !x, %before: !x, %i: !x, %behind: !x):
    %v:2 = core.map over [sample, 32] reads(%i, %before, %g, %behind : !x, !x, !x, !x) by [#sn, #sn, #sn, #sn] writes [#sn, #sn] -> !x, !x {
    ^bb0(%a: f32, %m: f32, %outer: f32, %later: f32):
      %decay = arith.constant 0.9 : f32
      %threshold = arith.constant 1.0 : f32
      %reset = arith.cmpf ogt, %m, %threshold : f32
      %r = arith.uitofp %reset : i1 to f32
      %d = arith.mulf %m, %decay : f32
      %e = arith.addf %d, %a : f32
      %next = arith.subf %e, %r : f32
      %slope = arith.mulf %next, %next : f32
      %own = arith.mulf %outer, %slope : f32
      %sum = arith.addf %own, %later : f32
      %back = arith.mulf %sum, %decay : f32
      core.yield %sum, %back : f32, f32
    }
    core.step stacked(%v#0 : !x) next(%v#1 : !x)
  }
  return %stacked#0, %stacked#1, %gradient : !b, !t, !t
}

// A membrane that is reset to zero has no gradient then: one bit says so.
// CHECK-LABEL: func.func @reset_to_zero(
// CHECK: core.scan sliced(
// CHECK: core.step stacked(%{{.*}}#1, %{{.*}}#2 : !core.array<sample x 32 x i1>, !core.array<sample x 32 x f32>)
// CHECK: core.scan reverse sliced(%arg1, %{{.*}}#0, %{{.*}}#1 : !core.array<time x sample x 32 x f32>, !core.array<time x sample x 32 x i1>, !core.array<time x sample x 32 x f32>)
func.func @reset_to_zero(%host: !t, %error: !t, %zero: !x) -> !t {
  %current = core.map over [time, sample, 32] reads(%host : !t) by [#tsn] writes [#tsn] -> !t {
  ^bb0(%a: f32):
    %b = math.absf %a : f32
    core.yield %b : f32
  }
  %stacked, %last = core.scan sliced(%current : !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%i: !x, %before: !x):
    %u = core.map over [sample, 32] reads(%i, %before : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %m: f32):
      %none = arith.constant 0.0 : f32
      %threshold = arith.constant 1.0 : f32
      %e = arith.addf %m, %a : f32
      %reset = arith.cmpf ogt, %m, %threshold : f32
      %next = arith.select %reset, %none, %e : f32
      core.yield %next : f32
    }
    core.step stacked(%before : !x) next(%u : !x)
  }
  %gradient, %first = core.scan reverse sliced(%error, %stacked, %current : !t, !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%g: !x, %before: !x, %i: !x, %behind: !x):
    %v = core.map over [sample, 32] reads(%i, %before, %g, %behind : !x, !x, !x, !x) by [#sn, #sn, #sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %m: f32, %outer: f32, %later: f32):
      %none = arith.constant 0.0 : f32
      %threshold = arith.constant 1.0 : f32
      %e = arith.addf %m, %a : f32
      %reset = arith.cmpf ogt, %m, %threshold : f32
      %next = arith.select %reset, %none, %e : f32
      %slope = arith.mulf %next, %next : f32
      %own = arith.mulf %outer, %slope : f32
      %sum = arith.addf %own, %later : f32
      %back = arith.select %reset, %none, %sum : f32
      core.yield %back : f32
    }
    core.step stacked(%v : !x) next(%v : !x)
  }
  return %gradient : !t
}

// The gradient of a decay that is learned takes the state before the step. That after it was the state before the step that the
// reverse scan has been at, so it is carried, from the last one on. The sum takes the error that the reverse scan has stacked
// for other sums, and what this is made of is not stacked.
// CHECK-LABEL: func.func @decay(
// CHECK: %[[BEFORE:.*]], %[[LAST:.*]] = core.scan sliced(
// CHECK: %[[ERROR:.*]], %{{.*}}:2 = core.scan reverse sliced(%arg1, %[[BEFORE]] : !core.array<time x sample x 32 x f32>, !core.array<time x sample x 32 x f32>) invariant(%arg2 : !core.array<f32>) init(%arg3, %[[LAST]] :
// CHECK: ^bb0(%{{.*}}: !core.array<sample x 32 x f32>, %[[M:.*]]: !core.array<sample x 32 x f32>, %{{.*}}: !core.array<f32>, %{{.*}}: !core.array<sample x 32 x f32>, %[[NEXT:.*]]: !core.array<sample x 32 x f32>):
// CHECK: core.map over [sample, 32] reads(%{{.*}}, %[[NEXT]] :
// CHECK: core.step stacked(%{{.*}}#0 : !core.array<sample x 32 x f32>) next(%{{.*}}#1, %[[M]] :
// CHECK: core.fold add over [time, sample, 32] along [1, 0, 2] reads(%[[BEFORE]], %[[ERROR]] :
// CHECK-NEXT: ^bb0(
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: core.yield
func.func @decay(%host: !t, %error: !t, %decay: !one, %zero: !x) -> (!one, !core.array<32 x f32>) {
  %current = core.map over [time, sample, 32] reads(%host : !t) by [#tsn] writes [#tsn] -> !t {
  ^bb0(%a: f32):
    %b = math.absf %a : f32
    core.yield %b : f32
  }
  %stacked, %last = core.scan sliced(%current : !t) invariant(%decay : !one) init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%i: !x, %d: !one, %before: !x):
    %u = core.map over [sample, 32] reads(%i, %before, %d : !x, !x, !one) by [#sn, #sn, #none] writes [#sn] -> !x {
    ^bb0(%a: f32, %m: f32, %f: f32):
      %e = arith.mulf %m, %f : f32
      %next = arith.addf %e, %a : f32
      core.yield %next : f32
    }
    core.step stacked(%before : !x) next(%u : !x)
  }
  %gradient:2, %first = core.scan reverse sliced(%error, %stacked, %current : !t, !t, !t) invariant(%decay : !one) init(%zero : !x) -> stacked(!t, !t) final(!x) {
  ^bb0(%g: !x, %before: !x, %i: !x, %d: !one, %behind: !x):
    %v:2 = core.map over [sample, 32] reads(%i, %before, %g, %behind, %d : !x, !x, !x, !x, !one) by [#sn, #sn, #sn, #sn, #none] writes [#sn, #sn] -> !x, !x {
    ^bb0(%a: f32, %m: f32, %outer: f32, %later: f32, %f: f32):
      %e = arith.mulf %m, %f : f32
      %next = arith.addf %e, %a : f32
      %slope = arith.mulf %next, %next : f32
      %own = arith.mulf %outer, %slope : f32
      %sum = arith.addf %own, %later : f32
      %back = arith.mulf %sum, %f : f32
      core.yield %sum, %back : f32, f32
    }
    core.step stacked(%v#0, %behind : !x, !x) next(%v#1 : !x)
  }
  %of_decay = core.fold add over [time, sample, 32] along [1, 0, 2] reads(%current, %stacked, %error, %gradient#1, %decay : !t, !t, !t, !t, !one)
      by [#tsn, #tsn, #tsn, #tsn, #all] writes affine_map<(t, s, n) -> ()> order <run = 64, descending = true> -> !one {
  ^bb0(%a: f32, %m: f32, %outer: f32, %later: f32, %f: f32):
    %e = arith.mulf %m, %f : f32
    %next = arith.addf %e, %a : f32
    %slope = arith.mulf %next, %next : f32
    %own = arith.mulf %outer, %slope : f32
    %sum = arith.addf %own, %later : f32
    %term = arith.mulf %sum, %m : f32
    core.yield %term : f32
  }
  %bias = core.fold add over [time, sample, 32] along [1, 0] reads(%gradient#0 : !t) by [#tsn]
      writes affine_map<(t, s, n) -> (n)> order <run = 64, descending = true> -> !core.array<32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %of_decay, %bias : !one, !core.array<32 x f32>
}

// A product of two arrays that nobody else keeps, which no forward step has computed: it is made there.
// CHECK-LABEL: func.func @made(
// CHECK: core.scan sliced(
// CHECK: %[[U:.*]]:2 = core.map
// CHECK: arith.addf
// CHECK: arith.mulf
// CHECK: core.step stacked(%{{.*}}, %[[U]]#1 :
// CHECK: core.scan reverse sliced(%arg2, %[[F:.*]]#0, %[[F]]#1 : !core.array<time x sample x 32 x f32>, !core.array<time x sample x 32 x f32>, !core.array<time x sample x 32 x f32>)
// CHECK-NOT: arith.addf
// CHECK: core.step
// Nothing is gained where both are kept for others: what a sum behind the reverse scan reads lies there until then.
// CHECK-LABEL: func.func @kept_for_others(
// CHECK: core.scan reverse sliced(%arg2, %{{.*}}, %{{.*}} :
// CHECK: arith.mulf
// CHECK: core.step
func.func @made(%one: !t, %other: !t, %error: !t, %zero: !x) -> !t {
  %p:2 = core.map over [time, sample, 32] reads(%one, %other : !t, !t) by [#tsn, #tsn] writes [#tsn, #tsn] -> !t, !t {
  ^bb0(%a: f32, %b: f32):
    %c = math.absf %a : f32
    %d = math.absf %b : f32
    core.yield %c, %d : f32, f32
  }
  %stacked, %last = core.scan sliced(%p#0, %p#1 : !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%i: !x, %j: !x, %before: !x):
    %u = core.map over [sample, 32] reads(%i, %j, %before : !x, !x, !x) by [#sn, #sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32, %m: f32):
      %c = arith.addf %a, %b : f32
      %d = arith.addf %c, %m : f32
      core.yield %d : f32
    }
    core.step stacked(%before : !x) next(%u : !x)
  }
  %gradient, %first = core.scan reverse sliced(%error, %p#0, %p#1, %stacked : !t, !t, !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%g: !x, %i: !x, %j: !x, %m: !x, %behind: !x):
    %v = core.map over [sample, 32] reads(%i, %j, %g, %behind, %m : !x, !x, !x, !x, !x) by [#sn, #sn, #sn, #sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32, %outer: f32, %later: f32, %state: f32):
      %product = arith.mulf %a, %b : f32
      %own = arith.mulf %outer, %product : f32
      %sum = arith.subf %own, %later : f32
      %all = arith.divf %sum, %state : f32
      core.yield %all : f32
    }
    core.step stacked(%v : !x) next(%v : !x)
  }
  return %gradient : !t
}
func.func @kept_for_others(%one: !t, %other: !t, %error: !t, %zero: !x) -> (!t, !core.array<32 x f32>) {
  %p:2 = core.map over [time, sample, 32] reads(%one, %other : !t, !t) by [#tsn, #tsn] writes [#tsn, #tsn] -> !t, !t {
  ^bb0(%a: f32, %b: f32):
    %c = math.absf %a : f32
    %d = math.absf %b : f32
    core.yield %c, %d : f32, f32
  }
  %stacked, %last = core.scan sliced(%p#0, %p#1 : !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%i: !x, %j: !x, %before: !x):
    %u = core.map over [sample, 32] reads(%i, %j, %before : !x, !x, !x) by [#sn, #sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32, %m: f32):
      %c = arith.addf %a, %b : f32
      %d = arith.addf %c, %m : f32
      core.yield %d : f32
    }
    core.step stacked(%before : !x) next(%u : !x)
  }
  %gradient, %first = core.scan reverse sliced(%error, %p#0, %p#1, %stacked : !t, !t, !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
  ^bb0(%g: !x, %i: !x, %j: !x, %m: !x, %behind: !x):
    %v = core.map over [sample, 32] reads(%i, %j, %g, %behind, %m : !x, !x, !x, !x, !x) by [#sn, #sn, #sn, #sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32, %outer: f32, %later: f32, %state: f32):
      %product = arith.mulf %a, %b : f32
      %own = arith.mulf %outer, %product : f32
      %sum = arith.subf %own, %later : f32
      %all = arith.addf %sum, %state : f32
      core.yield %all : f32
    }
    core.step stacked(%v : !x) next(%v : !x)
  }
  %late = core.fold add over [time, sample, 32] along [1, 0] reads(%p#0, %p#1 : !t, !t) by [#tsn, #tsn]
      writes affine_map<(t, s, n) -> (n)> order <run = 64, descending = true> -> !core.array<32 x f32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    core.yield %c : f32
  }
  return %gradient, %late : !t, !core.array<32 x f32>
}
