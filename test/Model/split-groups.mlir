// A convolution of groups of channels is one for each group; of single channels, or of too many groups, it stays.
// RUN: %snn-opt %s --core-split-groups | FileCheck %s
// RUN: %snn-opt %s --core-split-groups=most-groups=1 | FileCheck --check-prefix=WHOLE %s
// RUN: %snn-opt %s --core-split-groups --mlir-disable-threading --remarks-filter=windows -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

#grouped = affine_map<(t, s, o, y, i, k) -> (t, s, (o floordiv 3) * 4 + i, y + k)>
#depthwise = affine_map<(t, s, o, y, i, k) -> (t, s, o + i, y + k)>
#weights = affine_map<(t, s, o, y, i, k) -> (o, i, k)>
#result = affine_map<(t, s, o, y, i, k) -> (t, s, o, y)>

// CHECK-DAG: #[[SECOND:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + 4, d3)>
// CHECK-DAG: #[[OWN:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d4, d3 + d5)>
// CHECK-DAG: #[[BEHIND:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 - 3, d3)>

// CHECK-LABEL: func.func @grouped(
// CHECK: %[[X0:.+]] = core.map over [time, sample, 4, 9] reads(%arg0
// CHECK: %[[W0:.+]] = core.map over [3, 4, 2] reads(%arg1
// CHECK: %[[Y0:.+]] = core.contract over [time, sample, 3, 8, 4, 2] along [4, 5] %[[X0]], %[[W0]] by [#[[OWN]],
// CHECK: %[[X1:.+]] = core.map over [time, sample, 4, 9] reads(%arg0 {{.*}} by [#[[SECOND]]]
// CHECK: %[[Y1:.+]] = core.contract over [time, sample, 3, 8, 4, 2] along [4, 5] %[[X1]],
// CHECK: core.map over [time, sample, 6, 8] reads(%[[Y0]], %[[Y1]] {{.*}} by [{{.*}}, #[[BEHIND]]] {{.*}}absent = [0.000000e+00 : f32, 0.000000e+00 : f32]
// CHECK: arith.addf
// CHECK-NOT: core.contract
// WHOLE-LABEL: func.func @grouped(
// WHOLE-NOT: core.map
// REMARK: Function=grouped | {{.*}}Remark="a convolution for each of 2 groups
func.func @grouped(%x: !core.array<time x sample x 8 x 9 x i1>, %w: !core.array<6 x 4 x 2 x f32>) -> !core.array<time x sample x 6 x 8 x f32> {
  %0 = core.contract over [time, sample, 6, 8, 4, 2] along [4, 5] %x, %w by [#grouped, #weights] writes #result
      : !core.array<time x sample x 8 x 9 x i1>, !core.array<6 x 4 x 2 x f32> -> !core.array<time x sample x 6 x 8 x f32>
  return %0 : !core.array<time x sample x 6 x 8 x f32>
}

// CHECK-LABEL: func.func @depthwise(
// CHECK-NOT: core.map
// CHECK: core.contract over [time, sample, 6, 8, 1, 2]
func.func @depthwise(%x: !core.array<time x sample x 6 x 9 x f32>, %w: !core.array<6 x 1 x 2 x f32>) -> !core.array<time x sample x 6 x 8 x f32> {
  %0 = core.contract over [time, sample, 6, 8, 1, 2] along [4, 5] %x, %w by [#depthwise, #weights] writes #result
      : !core.array<time x sample x 6 x 9 x f32>, !core.array<6 x 1 x 2 x f32> -> !core.array<time x sample x 6 x 8 x f32>
  return %0 : !core.array<time x sample x 6 x 8 x f32>
}
