// Convolutions as products: a row for each place, columns in whole vectors.
// RUN: %snn-opt %s --core-unfold-windows --core-choose-kernels=sparse-columns=0 | FileCheck %s
// Nothing is left to do the second time.
// RUN: %snn-opt %s --core-unfold-windows --core-unfold-windows --core-choose-kernels=sparse-columns=0 | FileCheck %s
// RUN: %snn-opt %s --core-unfold-windows --mlir-disable-threading --remarks-filter=windows -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

!image = !core.array<sample x 3 x 9 x 9 x f32>
!spikes = !core.array<time x sample x 3 x 9 x 9 x i1>
!w = !core.array<20 x 3 x 2 x 2 x f32>

// Windows of reals are read where they lie; weights lie with their columns together, padded with zeros.
// CHECK-LABEL: func.func @forward(
// CHECK: %[[W:.*]] = core.map over [3, 2, 2, 20] reads(%{{.*}} : !core.array<20 x 3 x 2 x 2 x f32>){{.*}} -> !core.array<3 x 2 x 2 x 32 x f32>
// CHECK: %[[Y:.*]] = core.contract over [sample, 8, 8, 32, 3, 2, 2] along [4, 5, 6] %arg0, %[[W]] by {{.*}} order <> {core.kernel = #core.kernel<dense>} : {{.*}} -> <sample x 8 x 8 x 32 x f32>
// CHECK: core.map over [sample, 20, 8, 8] reads(%[[Y]] :
// REMARK: remark: [Passed] product | {{.*}}Function=forward | {{.*}}with 64 rows for each sample and step: windows, read where they lie"
func.func @forward(%x: !image, %w: !w {snn.bind = @w}) -> !core.array<sample x 20 x 8 x 8 x f32> {
  %0 = core.contract over [sample, 20, 8, 8, 3, 2, 2] along [4, 5, 6] %x, %w
      by [affine_map<(s, o, i, j, c, p, q) -> (s, c, i + p, j + q)>, affine_map<(s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(s, o, i, j, c, p, q) -> (s, o, i, j)> order <> : !image, !w -> !core.array<sample x 20 x 8 x 8 x f32>
  return %0 : !core.array<sample x 20 x 8 x 8 x f32>
}

// Among zeros where they are read outside.
// CHECK-LABEL: func.func @padded(
// CHECK: %[[X:.*]] = core.map over [sample, 3, 9, 9] reads(%arg0 : {{.*}} -> !core.array<sample x 3 x 12 x 12 x f32>
// CHECK: core.contract over [sample, 5, 5, 32, 3, 2, 2] along [4, 5, 6] %[[X]], %{{.*}} {core.kernel = #core.kernel<dense>}
func.func @padded(%x: !image, %w: !w {snn.bind = @w}) -> !core.array<sample x 20 x 5 x 5 x f32> {
  %0 = core.contract over [sample, 20, 5, 5, 3, 2, 2] along [4, 5, 6] %x, %w
      by [affine_map<(s, o, i, j, c, p, q) -> (s, c, i * 2 + p * 3 - 1, j * 2 + q * 3 - 1)>, affine_map<(s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(s, o, i, j, c, p, q) -> (s, o, i, j)> order <> : !image, !w -> !core.array<sample x 20 x 5 x 5 x f32>
  return %0 : !core.array<sample x 20 x 5 x 5 x f32>
}

// Windows of spikes are copied into rows of bits.
// CHECK-LABEL: func.func @spikes(
// CHECK: %[[P:.*]] = core.map over [time, sample, 8, 8, 3, 2, 2] reads(%arg0 : {{.*}} -> !core.array<time x sample x 8 x 8 x 16 x i1>
// CHECK: core.contract over [time, sample, 8, 8, 32, 3, 2, 2] along [5, 6, 7] %[[P]], %{{.*}} {core.kernel = #core.kernel<spikes>}
// REMARK: remark: [Passed] product | {{.*}}Function=spikes | {{.*}}with 64 rows for each sample and step: copies of windows, as bits"
func.func @spikes(%x: !spikes, %w: !w {snn.bind = @w}) -> !core.array<time x sample x 20 x 8 x 8 x f32> {
  %0 = core.contract over [time, sample, 20, 8, 8, 3, 2, 2] along [5, 6, 7] %x, %w
      by [affine_map<(t, s, o, i, j, c, p, q) -> (t, s, c, i + p, j + q)>, affine_map<(t, s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(t, s, o, i, j, c, p, q) -> (t, s, o, i, j)> order <group = 4> : !spikes, !w -> !core.array<time x sample x 20 x 8 x 8 x f32>
  return %0 : !core.array<time x sample x 20 x 8 x 8 x f32>
}

// The gradient to the input: places of errors, whose rows are written over windows.
// CHECK-LABEL: func.func @to_input(
// CHECK: %[[E:.*]] = core.map over [sample, 4, 4, 20] reads(%arg0 : {{.*}} -> !core.array<sample x 4 x 4 x 32 x f32>
// CHECK: %[[W:.*]] = core.map over [2, 2, 20, 3] reads(%arg1 : {{.*}} -> !core.array<2 x 2 x 20 x 16 x f32>
// CHECK: %[[X:.*]] = core.contract over [sample, 4, 4, 3, 2, 2, 20] along [4, 5, 6] %[[E]], %[[W]] {{.*}} {core.kernel = #core.kernel<overlap>} : {{.*}} -> <sample x 9 x 9 x 3 x f32>
// CHECK: core.map over [sample, 3, 9, 9] reads(%[[X]] :
// REMARK: remark: [Passed] overlap | {{.*}}Function=to_input | {{.*}}written over windows, tap by tap"
func.func @to_input(%e: !core.array<sample x 20 x 4 x 4 x f32>, %w: !w {snn.bind = @w}) -> !image {
  %0 = core.contract over [sample, 20, 4, 4, 3, 2, 2] along [5, 6, 1] %e, %w
      by [affine_map<(s, o, i, j, c, p, q) -> (s, o, i, j)>, affine_map<(s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(s, o, i, j, c, p, q) -> (s, c, i * 2 + p, j * 2 + q)> order <> : !core.array<sample x 20 x 4 x 4 x f32>, !w -> !image
  return %0 : !image
}

// Errors behind a max pooling are mostly zero, for which such a product has a form.
// CHECK-LABEL: func.func @behind_pooling(
// CHECK: core.contract over [sample, 8, 8, 3, 3, 3, 32] {{.*}} {core.kernel = #core.kernel<overlap>}
// CHECK-LABEL: func.func @not_behind(
// CHECK: core.contract over [sample, 8, 8, 16, 3, 3, 32] {{.*}} {core.kernel = #core.kernel<dense>}
!errors = !core.array<sample x 32 x 8 x 8 x f32>
!image_of_8 = !core.array<sample x 3 x 8 x 8 x f32>
!w_of_32 = !core.array<32 x 3 x 3 x 3 x f32>
func.func @behind_pooling(%x: !errors, %e: !core.array<sample x 32 x 4 x 4 x f32>, %w: !w_of_32 {snn.bind = @w}) -> (!image_of_8, !core.array<sample x 32 x 4 x 4 x f32>) {
  %value, %winner = core.fold max over [sample, 32, 4, 4, 2, 2] along [4, 5] reads(%x : !errors) by [affine_map<(s, o, i, j, p, q) -> (s, o, i * 2 + p, j * 2 + q)>]
      writes affine_map<(s, o, i, j, p, q) -> (s, o, i, j)> -> !core.array<sample x 32 x 4 x 4 x f32> winner !core.array<sample x 32 x 4 x 4 x i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %0 = core.map over [sample, 32, 4, 4, 2, 2] reads(%e, %winner : !core.array<sample x 32 x 4 x 4 x f32>, !core.array<sample x 32 x 4 x 4 x i32>)
      by [affine_map<(s, o, i, j, p, q) -> (s, o, i, j)>, affine_map<(s, o, i, j, p, q) -> (s, o, i, j)>] writes [affine_map<(s, o, i, j, p, q) -> (s, o, i * 2 + p, j * 2 + q)>] -> !errors {
  ^bb0(%a: f32, %n: i32):
    %zero = arith.constant 0.0 : f32
    %two = arith.constant 2 : i64
    %p = core.index 4
    %q = core.index 5
    %line = arith.muli %p, %two : i64
    %place = arith.addi %line, %q : i64
    %number = arith.trunci %place : i64 to i32
    %is = arith.cmpi eq, %n, %number : i32
    %b = arith.select %is, %a, %zero : f32
    core.yield %b : f32
  }
  %1 = core.contract over [sample, 32, 8, 8, 3, 3, 3] along [5, 6, 1] %0, %w
      by [affine_map<(s, o, i, j, c, p, q) -> (s, o, i, j)>, affine_map<(s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(s, o, i, j, c, p, q) -> (s, c, i + p - 1, j + q - 1)> order <> : !errors, !w_of_32 -> !image_of_8
  return %1, %value : !image_of_8, !core.array<sample x 32 x 4 x 4 x f32>
}

func.func @not_behind(%e: !errors, %w: !w_of_32 {snn.bind = @w}) -> !image_of_8 {
  %0 = core.contract over [sample, 32, 8, 8, 3, 3, 3] along [5, 6, 1] %e, %w
      by [affine_map<(s, o, i, j, c, p, q) -> (s, o, i, j)>, affine_map<(s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(s, o, i, j, c, p, q) -> (s, c, i + p - 1, j + q - 1)> order <> : !errors, !w_of_32 -> !image_of_8
  return %0 : !image_of_8
}

// Where that leaves too many sums in memory on the way: windows of errors among zeros, two apart where the stride was two.
// CHECK-LABEL: func.func @few_to_input(
// CHECK: %[[E:.*]] = core.map over [sample, 4, 3, 3] reads(%arg0 : {{.*}} -> !core.array<sample x 4 x 5 x 5 x f32>
// CHECK: core.contract over [sample, 4, 4, 16, 2, 2, 4] along [4, 5, 6] %[[E]], %{{.*}} {core.kernel = #core.kernel<dense>}
func.func @few_to_input(%e: !core.array<sample x 4 x 3 x 3 x f32>, %w: !core.array<4 x 3 x 2 x 2 x f32> {snn.bind = @w}) -> !core.array<sample x 3 x 4 x 4 x f32> {
  %0 = core.contract over [sample, 4, 3, 3, 3, 2, 2] along [5, 6, 1] %e, %w
      by [affine_map<(s, o, i, j, c, p, q) -> (s, o, i, j)>, affine_map<(s, o, i, j, c, p, q) -> (o, c, p, q)>]
      writes affine_map<(s, o, i, j, c, p, q) -> (s, c, i + p, j + q)> order <> : !core.array<sample x 4 x 3 x 3 x f32>, !core.array<4 x 3 x 2 x 2 x f32> -> !core.array<sample x 3 x 4 x 4 x f32>
  return %0 : !core.array<sample x 3 x 4 x 4 x f32>
}

// The gradient to the weights keeps its result: places are summed as they were.
// CHECK-LABEL: func.func @to_weights(
// CHECK: %[[P:.*]] = core.map over [time, sample, 8, 8, 3, 2, 2] reads(%arg1 :
// CHECK: %[[E:.*]] = core.map over [time, sample, 8, 8, 20] reads(%arg0 : {{.*}} -> !core.array<time x sample x 8 x 8 x 32 x f32>
// CHECK: core.contract over [time, sample, 8, 8, 20, 3, 2, 2] along [1, 0, 2, 3] %[[E]], %[[P]] {{.*}} order <group = 4, run = 64, parts = 16, part = 256, descending = true> {core.kernel = #core.kernel<spike_gradient>} {{.*}} -> <20 x 3 x 2 x 2 x f32>
func.func @to_weights(%e: !core.array<time x sample x 20 x 8 x 8 x f32>, %x: !spikes) -> (!w {snn.bind = @"grad.w"}) {
  %0 = core.contract over [time, sample, 20, 8, 8, 3, 2, 2] along [1, 0, 3, 4] %e, %x
      by [affine_map<(t, s, o, i, j, c, p, q) -> (t, s, o, i, j)>, affine_map<(t, s, o, i, j, c, p, q) -> (t, s, c, i + p, j + q)>]
      writes affine_map<(t, s, o, i, j, c, p, q) -> (o, c, p, q)> order <group = 4, run = 64, parts = 16, part = 256, descending = true>
      : !core.array<time x sample x 20 x 8 x 8 x f32>, !spikes -> !w
  return %0 : !w
}

// Another matrix for each group of channels is no product.
// CHECK-LABEL: func.func @groups(
// CHECK-NEXT: core.contract {{.*}} {core.kernel = #core.kernel<loops>}
// REMARK: remark: [Missed] loops | {{.*}}Function=groups | Reason="each place or channel has weights of its own"
func.func @groups(%x: !core.array<sample x 6 x 9 x f32>, %w: !core.array<4 x 3 x 2 x f32> {snn.bind = @w}) -> !core.array<sample x 4 x 8 x f32> {
  %0 = core.contract over [sample, 4, 8, 3, 2] along [3, 4] %x, %w
      by [affine_map<(s, o, j, c, q) -> (s, (o floordiv 2) * 3 + c, j + q)>, affine_map<(s, o, j, c, q) -> (o, c, q)>]
      writes affine_map<(s, o, j, c, q) -> (s, o, j)> order <> : !core.array<sample x 6 x 9 x f32>, !core.array<4 x 3 x 2 x f32> -> !core.array<sample x 4 x 8 x f32>
  return %0 : !core.array<sample x 4 x 8 x f32>
}
