// With a limit of memory, phases go forward through time in segments, keep carries, and go back from them.
// RUN: %snn-opt %s --core-segment-time | FileCheck %s
// RUN: sed 's/snn.memory_limit/snn.other/' %s | %snn-opt --core-segment-time | FileCheck --check-prefix=WHOLE %s
// RUN: %snn-opt %s --core-segment-time --core-mark-views --core-mark-wanted --core-choose-chunk --core-plan-arena --core-choose-segments="batch=3" -o %t
// RUN: %snn-opt %t --core-check-plan | FileCheck --check-prefix=PLAN %s

// WHOLE-NOT: core.segments

!t = !core.array<time x sample x 8 x f32>
!x = !core.array<sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#before = affine_map<(t, s, n) -> (t - 1, s, n)>
#sn = affine_map<(s, n) -> (s, n)>
#perSample = affine_map<(t, s, n) -> (s, n)>
#n = affine_map<(t, s, n) -> (n)>
#order = #core.order<run = 64, parts = 16, part = 256, descending = true>

module attributes {snn.memory_limit = 100000 : i64} {

// The input is loaded in each pass, in segments, and so is what is computed of it step by step. The forward pass gives its carry at the start of
// each segment, and for all of time what the sum reads for which the backward pass waits.
// CHECK-LABEL: func.func @both
// CHECK: core.batch_map
// CHECK: %[[START:.*]] = core.map over [sample, 8] reads()
// CHECK: %[[FORWARD:.*]]:2, %{{.*}} = core.segments cut(%{{.*}} : !core.array<time x sample x 8 x f32>) invariant() init(%[[START]] : {{.*}}) -> stacked(!core.array<time x sample x 8 x f32>, !core.checkpoints<sample x 8 x f32>) final(
// CHECK: core.map over [time, sample, 8] {{.*}}{core.load}
// CHECK: %[[STACKED:.*]]:2, %[[LAST:.*]] = core.scan sliced(
// CHECK: core.segment stacked(%[[STACKED]]#0, %[[CARRY:.*]] : {{.*}}) sum() next(%[[LAST]] :
// CHECK: %[[COUNT:.*]] = core.fold add over [time, sample, 8] along [0] reads(%[[FORWARD]]#0 :
// The segment is computed again from its checkpoint, then come the reverse scan and the sums, of each sample and of all.
// CHECK: core.segments reverse cut(%{{.*}}, %[[FORWARD]]#0, %[[FORWARD]]#1 : {{.*}}) invariant(%[[COUNT]] : {{.*}}) init({{.*}}) -> stacked(!core.array<time x sample x 8 x f32>) sum(!core.array<sample x 8 x f32>, !core.array<8 x f32>) final(
// CHECK-NEXT: ^bb0(%{{[^:]*}}: !core.array<time x sample x 8 x f32>, %{{[^:]*}}: !core.array<time x sample x 8 x f32>, %[[CHECKPOINT:[^:]*]]: !core.array<sample x 8 x f32>,
// CHECK: {core.load}
// CHECK: core.scan sliced({{.*}}) invariant() init(%[[CHECKPOINT]] :
// CHECK: core.scan reverse
// CHECK: core.fold add {{.*}} along [0]
// CHECK: core.fold add {{.*}} along [1, 0]
// CHECK: core.parts

// Both passes have segments of one length; each pass has an arena of its own for them, behind that of the phase.
// PLAN-LABEL: func.func @both
// PLAN: core.batch_map {{.*}}core.chunk = 1 : i64
// PLAN: core.segments of [[STEPS:[0-9]+]] cut({{.*}}core.arena = #core.place<{{[^>]*}}rows = {{[0-9]+}}>
// PLAN: core.segments reverse of [[STEPS]] cut({{.*}}core.arena = #core.place<{{[^>]*}}rows = {{[0-9]+}}>
func.func @both(%x: !t) -> (!x, !t, !x, !core.array<8 x f32>) {
  %0:3, %1 = core.batch_map sharded(%x : !t) invariant() -> concat(!x, !t, !x) sum(!core.array<8 x f32>) {
  ^bb0(%xs: !t):
    %rows = core.map over [time, sample, 8] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %zero = core.map over [sample, 8] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %twice = core.map over [time, sample, 8] reads(%rows : !t) by [#tsn] writes [#tsn] -> !t {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %mem:2, %last = core.scan sliced(%twice : !t) invariant() init(%zero : !x) -> stacked(!t, !t) final(!x) {
    ^bb0(%a: !x, %carry: !x):
      %next = core.map over [sample, 8] reads(%a, %carry : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
      ^bb0(%p: f32, %q: f32):
        %s = arith.addf %p, %q : f32
        core.yield %s : f32
      }
      core.step stacked(%next, %carry : !x, !x) next(%next : !x)
    }
    %count = core.fold add over [time, sample, 8] along [0] reads(%mem#0 : !t) by [#tsn] writes #perSample order <descending = true> -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %error = core.map over [time, sample, 8] reads(%mem#0, %count : !t, !x) by [#tsn, #perSample] writes [#tsn] -> !t {
    ^bb0(%a: f32, %b: f32):
      %s = arith.subf %a, %b : f32
      core.yield %s : f32
    }
    %back, %first = core.scan reverse sliced(%error, %mem#1 : !t, !t) invariant() init(%zero : !x) -> stacked(!t) final(!x) {
    ^bb0(%a: !x, %b: !x, %carry: !x):
      %next = core.map over [sample, 8] reads(%a, %b, %carry : !x, !x, !x) by [#sn, #sn, #sn] writes [#sn] -> !x {
      ^bb0(%p: f32, %q: f32, %r: f32):
        %s = arith.mulf %p, %q : f32
        %u = arith.addf %s, %r : f32
        core.yield %u : f32
      }
      core.step stacked(%next : !x) next(%next : !x)
    }
    %each = core.fold add over [time, sample, 8] along [0] reads(%back : !t) by [#tsn] writes #perSample order <descending = true> -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %all = core.fold add over [time, sample, 8] along [1, 0] reads(%back, %rows : !t, !t) by [#tsn, #tsn] writes #n order #order -> !core.array<8 x f32> {
    ^bb0(%a: f32, %b: f32):
      %s = arith.mulf %a, %b : f32
      core.yield %s : f32
    }
    core.parts concat(%count, %back, %each : !x, !t, !x) sum(%all : !core.array<8 x f32>)
  }
  return %0#0, %0#1, %0#2, %1 : !x, !t, !x, !core.array<8 x f32>
}

// What looks at other steps, here the one before, has all of time; with no step behind it, one pass is enough.
// CHECK-LABEL: func.func @shifted
// CHECK: %[[ALL:.*]] = core.map over [time, sample, 8] {{.*}}{core.load}
// CHECK: %[[DELTA:.*]] = core.map over [time, sample, 8] reads(%[[ALL]], %[[ALL]] :
// CHECK: core.segments cut(%[[DELTA]] :
// CHECK-NOT: core.segments
// CHECK: return
func.func @shifted(%x: !t) -> !x {
  %0 = core.batch_map sharded(%x : !t) invariant() -> concat(!x) {
  ^bb0(%xs: !t):
    %rows = core.map over [time, sample, 8] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %delta = core.map over [time, sample, 8] reads(%rows, %rows : !t, !t) by [#tsn, #before] writes [#tsn] {absent = [unit, 0.0 : f32]} -> !t {
    ^bb0(%a: f32, %b: f32):
      %s = arith.subf %a, %b : f32
      core.yield %s : f32
    }
    %zero = core.map over [sample, 8] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %last = core.scan sliced(%delta : !t) invariant() init(%zero : !x) -> final(!x) {
    ^bb0(%a: !x, %carry: !x):
      %next = core.map over [sample, 8] reads(%a, %carry : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
      ^bb0(%p: f32, %q: f32):
        %s = arith.addf %p, %q : f32
        core.yield %s : f32
      }
      core.step stacked() next(%next : !x)
    }
    core.parts concat(%last : !x) sum()
  }
  return %0 : !x
}

// A second forward pass, behind the first one: the phase stays as it is.
// CHECK-LABEL: func.func @again
// CHECK-NOT: core.segments
// CHECK: return
func.func @again(%x: !t) -> !x {
  %0 = core.batch_map sharded(%x : !t) invariant() -> concat(!x) {
  ^bb0(%xs: !t):
    %rows = core.map over [time, sample, 8] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %zero = core.map over [sample, 8] reads() by [] writes [#sn] -> !x {
      %c = arith.constant 0.0 : f32
      core.yield %c : f32
    }
    %last = core.scan sliced(%rows : !t) invariant() init(%zero : !x) -> final(!x) {
    ^bb0(%a: !x, %carry: !x):
      %next = core.map over [sample, 8] reads(%a, %carry : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
      ^bb0(%p: f32, %q: f32):
        %s = arith.addf %p, %q : f32
        core.yield %s : f32
      }
      core.step stacked() next(%next : !x)
    }
    %more = core.scan sliced(%rows : !t) invariant() init(%last : !x) -> final(!x) {
    ^bb0(%a: !x, %carry: !x):
      %next = core.map over [sample, 8] reads(%a, %carry : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
      ^bb0(%p: f32, %q: f32):
        %s = arith.mulf %p, %q : f32
        core.yield %s : f32
      }
      core.step stacked() next(%next : !x)
    }
    core.parts concat(%more : !x) sum()
  }
  return %0 : !x
}

}
