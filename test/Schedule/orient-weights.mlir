// Weights that a kernel reads across their rows get a copy, once for the call if they are the function's.
// RUN: %snn-opt %s --core-choose-kernels --cse --core-form-phases | FileCheck %s
// RUN: %snn-opt %s --core-choose-kernels --core-choose-kernels --cse --core-form-phases | FileCheck %s

!w = !core.array<5 x 7 x f32>
!y = !core.array<sample x 5 x f32>
!x = !core.array<sample x 7 x f32>
#out = affine_map<(s, o, i) -> (s, o)>
#in = affine_map<(s, o, i) -> (s, i)>
#w = affine_map<(s, o, i) -> (o, i)>

// Both products with the transpose read one copy; the layer itself reads the weight. The copy is row-major and no parameter,
// so its maps are identities.
// CHECK-LABEL: func.func @phase
// CHECK-SAME: %[[W:[^:]*]]: !core.array<5 x 7 x f32>
// CHECK: %[[COPY:.*]] = core.map over [5, 7] reads(%[[W]] : !core.array<5 x 7 x f32>) by [#[[ID:.*]]] writes [#[[ID]]] -> !core.array<5 x 7 x f32>
// CHECK: core.batch_map {{.*}} invariant(%[[W]], %[[COPY]] :
// CHECK-NEXT: ^bb0(%[[XS:[^:]*]]: {{[^,]*}}, %[[IN:[^:]*]]: {{[^,]*}}, %[[COPIED:[^:]*]]:
// CHECK: core.contract {{.*}} %[[XS]], %[[IN]] by
// CHECK: core.contract {{.*}}, %[[COPIED]] by
// CHECK: core.contract {{.*}}, %[[COPIED]] by
func.func @phase(%w: !w {snn.bind = @w}, %x: !x) -> !x {
  %1 = core.contract over [sample, 5, 7] along [2] %x, %w by [#in, #w] writes #out order <> : !x, !w -> !y
  %2 = core.contract over [sample, 5, 7] along [1] %1, %w by [#out, #w] writes #in order <> : !y, !w -> !x
  %3 = core.contract over [sample, 5, 7] along [2] %2, %w by [#in, #w] writes #out order <> : !x, !w -> !y
  %4 = core.contract over [sample, 5, 7] along [1] %3, %w by [#out, #w] writes #in order <> : !y, !w -> !x
  return %4 : !x
}

// Into the phase and the scan in it, before the carry.
// CHECK-LABEL: func.func @scan
// CHECK: %[[COPY:.*]] = core.map over [5, 7]
// CHECK: core.batch_map {{.*}} invariant(%[[COPY]] :
// CHECK-NEXT: ^bb0({{.*}}, %[[INNER:[^:]*]]: !core.array<5 x 7 x f32>):
// CHECK: core.scan sliced({{.*}}) invariant(%[[INNER]] : {{.*}}) init(
// CHECK-NEXT: ^bb0({{.*}}, %[[COPIED:[^:]*]]: !core.array<5 x 7 x f32>, %{{[^:]*}}: !core.array<sample x 7 x f32>):
// CHECK: core.contract {{.*}}, %[[COPIED]] by
func.func @scan(%w: !w {snn.bind = @w}, %x: !x, %y: !core.array<time x sample x 5 x f32>) -> !x {
  %1 = core.scan sliced(%y : !core.array<time x sample x 5 x f32>) invariant(%w : !w) init(%x : !x) -> final(!x) {
  ^bb0(%step: !y, %inner: !w, %carry: !x):
    %2 = core.contract over [sample, 5, 7] along [1] %step, %inner by [#out, #w] writes #in order <> : !y, !w -> !x
    %3 = core.map over [sample, 7] reads(%2, %carry : !x, !x) by [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>] writes [affine_map<(s, n) -> (s, n)>] -> !x {
    ^bb0(%a: f32, %b: f32):
      %c = arith.addf %a, %b : f32
      core.yield %c : f32
    }
    core.step stacked() next(%3 : !x)
  }
  return %1 : !x
}

// What is computed is row-major: the layer reads it turned, and the copy is written that way.
// CHECK-LABEL: func.func @computed
// CHECK: %[[HALF:.*]] = core.map over [5, 7]
// CHECK: %[[COPY:.*]] = core.map over [5, 7] reads(%[[HALF]] : {{.*}}) by [#[[ID:.*]]] writes [#[[TURNED:.*]]] -> !core.array<7 x 5 x f32>
// CHECK: core.batch_map {{.*}} invariant(%[[COPY]] :
// CHECK: core.contract over [sample, 5, 7] along [2] %{{.*}}, %{{.*}} by
// CHECK-SAME: <sample x 7 x f32>, <7 x 5 x f32> -> <sample x 5 x f32>
func.func @computed(%w: !w {snn.bind = @w}, %x: !x) -> !y {
  %half = core.map over [5, 7] reads(%w : !w) by [affine_map<(o, i) -> (o, i)>] writes [affine_map<(o, i) -> (o, i)>] -> !w {
  ^bb0(%a: f32):
    %b = arith.mulf %a, %a : f32
    core.yield %b : f32
  }
  %0 = core.contract over [sample, 5, 7] along [2] %x, %half by [#in, #w] writes #out order <> : !x, !w -> !y
  return %0 : !y
}
