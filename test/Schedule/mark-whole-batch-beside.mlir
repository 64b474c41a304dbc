// Sums of different units stay in one phase if a unit is a sample, as where each sample has many steps, and they have as many parts.
// RUN: %snn-opt %s --core-mark-whole-batch | FileCheck %s
// RUN: %snn-opt %s --core-mark-whole-batch --core-form-phases | FileCheck --check-prefix=PHASES %s

!y = !core.array<time x sample x 10 x f32>
!x = !core.array<time x sample x 20 x f32>
#y = affine_map<(t, s, o, i) -> (t, s, o)>
#x = affine_map<(t, s, o, i) -> (t, s, i)>
#w = affine_map<(t, s, o, i) -> (o, i)>
#order = #core.order<run = 64, parts = 16, part = 256, descending = true>

module {
  snn.model @long train real = f32 steps = 100 max_steps = 100 classes = 2 batch = 128 epochs = 1

  // The gradient of a weight, and of a decay that a layer has one of.
  // CHECK-LABEL: func.func @beside
  // CHECK-NOT: core.whole_batch
  // CHECK-LABEL: func.func @apart
  // PHASES-LABEL: func.func @beside
  // PHASES: core.batch_map
  // PHASES-SAME: sum(!core.array<10 x 20 x f32>, !core.array<f32>)
  func.func @beside(%y: !y, %x: !x) -> (!core.array<10 x 20 x f32>, !core.array<f32>) {
    %weight = core.contract over [time, sample, 10, 20] along [1, 0] %y, %x by [#y, #x] writes #w order #order : !y, !x -> !core.array<10 x 20 x f32>
    %decay = core.fold add over [time, sample, 10] along [1, 0, 2] reads(%y : !y) by [affine_map<(t, s, o) -> (t, s, o)>]
        writes affine_map<(t, s, o) -> ()> order #order -> !core.array<f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    return %weight, %decay : !core.array<10 x 20 x f32>, !core.array<f32>
  }

  // One that counts each sample once has fewer parts.
  // CHECK: core.contract
  // CHECK-NOT: core.whole_batch
  // CHECK: core.fold
  // CHECK-SAME: {core.whole_batch}
  func.func @apart(%y: !y, %x: !x, %z: !core.array<sample x f32>) -> (!core.array<10 x 20 x f32>, !core.array<f32>) {
    %weight = core.contract over [time, sample, 10, 20] along [1, 0] %y, %x by [#y, #x] writes #w order #order : !y, !x -> !core.array<10 x 20 x f32>
    %loss = core.fold add over [sample] along [0] reads(%z : !core.array<sample x f32>) by [affine_map<(s) -> (s)>]
        writes affine_map<(s) -> ()> order <run = 64, parts = 16, part = 256> -> !core.array<f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    return %weight, %loss : !core.array<10 x 20 x f32>, !core.array<f32>
  }
}
