// Which sums over samples leave their phase, and what phases become of that.
// RUN: %snn-opt %s --core-mark-whole-batch | FileCheck %s
// RUN: %snn-opt %s --core-mark-whole-batch=batch=1024 | FileCheck --check-prefix=LARGE %s
// RUN: %snn-opt %s --core-mark-whole-batch=min-parts=17 | FileCheck --check-prefix=NONE %s
// RUN: %snn-opt %s --core-mark-whole-batch --core-form-phases | FileCheck --check-prefix=PHASES %s
// RUN: %snn-opt %s --core-mark-whole-batch --mlir-disable-threading --remarks-filter=sums -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

!y = !core.array<time x sample x 10 x f32>
!x = !core.array<time x sample x 20 x f32>
#y = affine_map<(t, s, o, i) -> (t, s, o)>
#x = affine_map<(t, s, o, i) -> (t, s, i)>
#w = affine_map<(t, s, o, i) -> (o, i)>
#order = #core.order<run = 64, parts = 16, part = 256, descending = true>
#at_once = #core.order<run = 64, parts = 16, part = 256>

// The gradients of a weight and its bias have as many terms per sample, the loss has not: it costs less and goes. Its factor
// is a result of the phase then.
// CHECK-LABEL: func.func @classes
// CHECK: core.contract
// CHECK-NOT: core.whole_batch
// CHECK: core.fold add over [time, sample, 10] along [1, 0]
// CHECK-NOT: core.whole_batch
// CHECK: core.fold add over [sample, 10] along [0, 1]
// CHECK-SAME: {core.whole_batch}
// NONE-LABEL: func.func @classes
// NONE: core.contract {{.*}}core.whole_batch
// PHASES-LABEL: func.func @classes
// PHASES: %[[PHASE:.*]], %{{.*}}:2 = core.batch_map
// PHASES-SAME: concat(!core.array<sample x 10 x f32>) sum(!core.array<10 x 20 x f32>, !core.array<10 x f32>)
// PHASES-NOT: core.batch_map
// PHASES: core.fold add over [sample, 10] along [0, 1] reads(%[[PHASE]]
// REMARK: remark: [Passed] whole_batch | {{.*}}Function=classes | Reason="sums of its phase that cost more fall into other parts", Remark="{{.*}}, over the whole batch, in 4 parts"
// REMARK: remark: [Passed] in_phase | {{.*}}Function=classes | Remark="a sum over samples is made by the phase, in 16 parts, which are its tasks"
func.func @classes(%y: !y, %x: !x) -> (!core.array<10 x 20 x f32>, !core.array<10 x f32>, !core.array<f32>) {
  %weight = core.contract over [time, sample, 10, 20] along [1, 0] %y, %x by [#y, #x] writes #w order #order : !y, !x -> !core.array<10 x 20 x f32>
  %bias = core.fold add over [time, sample, 10] along [1, 0] reads(%y : !y) by [affine_map<(t, s, o) -> (t, s, o)>]
      writes affine_map<(t, s, o) -> (o)> order #order -> !core.array<10 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %count = core.fold add over [time, sample, 10] along [0] reads(%y : !y) by [affine_map<(t, s, o) -> (t, s, o)>]
      writes affine_map<(t, s, o) -> (s, o)> order <descending = true> -> !core.array<sample x 10 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %loss = core.fold add over [sample, 10] along [0, 1] reads(%count : !core.array<sample x 10 x f32>) by [affine_map<(s, o) -> (s, o)>]
      writes affine_map<(s, o) -> ()> order #at_once -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %weight, %bias, %loss : !core.array<10 x 20 x f32>, !core.array<10 x f32>, !core.array<f32>
}

// 128 samples of one term are one part, 1,024 are four.
// CHECK-LABEL: func.func @few_parts
// CHECK: core.contract {{.*}}core.whole_batch
// LARGE-LABEL: func.func @few_parts
// LARGE-NOT: core.whole_batch
// LARGE-LABEL: func.func @largest
// REMARK: Function=few_parts | Reason="it has fewer parts than a phase should have tasks", Remark="{{.*}} in 1 part"
func.func @few_parts(%y: !core.array<sample x 10 x f32>, %x: !core.array<sample x 20 x f32>) -> !core.array<10 x 20 x f32> {
  %weight = core.contract over [sample, 10, 20] along [0] %y, %x by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (s, i)>]
      writes affine_map<(s, o, i) -> (o, i)> order #at_once : !core.array<sample x 10 x f32>, !core.array<sample x 20 x f32> -> !core.array<10 x 20 x f32>
  return %weight : !core.array<10 x 20 x f32>
}

// The largest of the batch has no parts.
// CHECK-LABEL: func.func @largest
// CHECK: core.fold max {{.*}}core.whole_batch
// REMARK: Function=largest | Reason="it is no sum, and has no parts"
func.func @largest(%x: !core.array<sample x f32>) -> !core.array<f32> {
  %value, %winner = core.fold max over [sample] along [0] reads(%x : !core.array<sample x f32>) by [affine_map<(s) -> (s)>]
      writes affine_map<(s) -> ()> -> !core.array<f32> winner !core.array<i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %value : !core.array<f32>
}
