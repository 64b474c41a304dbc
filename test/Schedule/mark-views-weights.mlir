// Weights whose rows a kernel reads as the host has them are not copied, unless the model trains.
// RUN: %snn-opt %s --core-mark-views --split-input-file | FileCheck %s

// CHECK: snn.model @infers infer
// CHECK: core.map {{.*}} reads(%{{.*}} : !core.array<16 x 2 x 3 x 3 x f32>) {{.*}} {core.view}
// CHECK: core.map {{.*}} reads(%{{.*}} : !core.array<12 x 2 x 3 x 3 x f32>)
// CHECK-NOT: core.view
module {
  snn.model @infers infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
  snn.parameter @wide : !core.array<16 x 2 x 3 x 3 x f32> init #snn.fill<0.0 : f64>
  snn.parameter @narrow : !core.array<12 x 2 x 3 x 3 x f32> init #snn.fill<0.0 : f64>
  func.func @forward(%wide: !core.array<16 x 2 x 3 x 3 x f32> {snn.bind = @wide}, %narrow: !core.array<12 x 2 x 3 x 3 x f32> {snn.bind = @narrow})
      -> (!core.array<2 x 3 x 3 x 16 x f32>, !core.array<2 x 3 x 3 x 16 x f32>) {
    %0 = core.map over [2, 3, 3, 16] reads(%wide : !core.array<16 x 2 x 3 x 3 x f32>) by [affine_map<(i, y, x, o) -> (o, i, y, x)>]
        writes [affine_map<(i, y, x, o) -> (i, y, x, o)>] -> !core.array<2 x 3 x 3 x 16 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %1 = core.map over [2, 3, 3, 12] reads(%narrow : !core.array<12 x 2 x 3 x 3 x f32>) by [affine_map<(i, y, x, o) -> (o, i, y, x)>]
        writes [affine_map<(i, y, x, o) -> (i, y, x, o)>] -> !core.array<2 x 3 x 3 x 16 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    return %0, %1 : !core.array<2 x 3 x 3 x 16 x f32>, !core.array<2 x 3 x 3 x 16 x f32>
  }
}

// -----

// CHECK: snn.model @trains train
// CHECK-NOT: core.view
module {
  snn.model @trains train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
  snn.parameter @wide : !core.array<16 x 2 x 3 x 3 x f32> init #snn.fill<0.0 : f64>
  func.func @forward(%wide: !core.array<16 x 2 x 3 x 3 x f32> {snn.bind = @wide}) -> !core.array<2 x 3 x 3 x 16 x f32> {
    %0 = core.map over [2, 3, 3, 16] reads(%wide : !core.array<16 x 2 x 3 x 3 x f32>) by [affine_map<(i, y, x, o) -> (o, i, y, x)>]
        writes [affine_map<(i, y, x, o) -> (i, y, x, o)>] -> !core.array<2 x 3 x 3 x 16 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    return %0 : !core.array<2 x 3 x 3 x 16 x f32>
  }
}
