// Depthwise convolutions as loops over channels that lie side by side.
// RUN: %snn-opt %s --core-turn-channels --core-choose-kernels | FileCheck %s
// Nothing is left to do the second time.
// RUN: %snn-opt %s --core-turn-channels --core-turn-channels --core-choose-kernels | FileCheck %s
// RUN: %snn-opt %s --core-turn-channels --mlir-disable-threading --remarks-filter=windows -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// Channels come last, as those of the weights do.
// CHECK-LABEL: func.func @depthwise(
// CHECK: %[[X:.*]] = core.map over [sample, 9, 20] reads(%arg0 : {{.*}} -> !core.array<sample x 9 x 20 x f32>
// CHECK: %[[Y:.*]] = core.contract over [sample, 20, 8, 1, 2] along [3, 4] %[[X]], %arg1 by {{.*}} {core.kernel = #core.kernel<loops>} : {{.*}} -> <sample x 8 x 20 x f32>
// CHECK: core.map over [sample, 20, 8] reads(%[[Y]] :
// REMARK: remark: [Passed] channels | {{.*}}Function=depthwise | Reason="each channel has weights of its own", Remark="channels become the last extent of what does not have them there: lanes are 20 channels"
func.func @depthwise(%x: !core.array<sample x 20 x 9 x f32>, %w: !core.array<20 x 1 x 2 x f32> {snn.bind = @w}) -> !core.array<sample x 20 x 8 x f32> {
  %0 = core.contract over [sample, 20, 8, 1, 2] along [3, 4] %x, %w
      by [affine_map<(s, o, j, c, q) -> (s, o + c, j + q)>, affine_map<(s, o, j, c, q) -> (o, c, q)>]
      writes affine_map<(s, o, j, c, q) -> (s, o, j)> order <> : !core.array<sample x 20 x 9 x f32>, !core.array<20 x 1 x 2 x f32> -> !core.array<sample x 20 x 8 x f32>
  return %0 : !core.array<sample x 20 x 8 x f32>
}
