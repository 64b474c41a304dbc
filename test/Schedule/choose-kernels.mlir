// Which contracts have a kernel: products of matrices whose rows are samples and steps.
// RUN: %snn-opt %s --core-choose-kernels | FileCheck %s
// RUN: %snn-opt %s --core-choose-kernels=sparse-columns=0 | FileCheck %s --check-prefix=NEVER
// RUN: %snn-opt %s --core-choose-kernels --mlir-disable-threading --remarks-filter=kernels -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s
// RUN: %snn-opt %s --core-choose-kernels=large-matrix=100 | FileCheck %s --check-prefix=LARGE
// NEVER-NOT: kernel<sparse

// A linear layer; the order of the row dims does not matter.
// CHECK-LABEL: func.func @dense(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
// LARGE-LABEL: func.func @dense(
// LARGE: core.contract {{.*}}{core.kernel = #core.kernel<dense>, core.panels}
// REMARK: remark: [Passed] dense | {{.*}}Function=dense | Reason="what the host gives may be mostly zero, but so few products of an element do not pay for looking", Remark="dense, 12,800 x 7 x 5 (rows x inputs x columns)", bytes=1638848, multiply-adds=448000
func.func @dense(%a: !core.array<time x sample x 7 x f32>, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<sample x time x 5 x f32>) {
  %0 = core.contract over [sample, time, 5, 7] along [3] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <> : !core.array<time x sample x 7 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x time x 5 x f32>
  return %0 : !core.array<sample x time x 5 x f32>
}

// The weights lie across the columns: orient-weights.mlir.
// CHECK-LABEL: func.func @input_gradient(
// CHECK: core.map
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
// REMARK: Function=input_gradient | {{.*}}"dense, 128 x 5 x 7 (rows x inputs x columns), of a turned copy of the weights"
func.func @input_gradient(%a: !core.array<sample x 5 x f32>, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<sample x 7 x f32>) {
  %0 = core.contract over [sample, 5, 7] along [1] %a, %b by [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d1, d2)>]
      writes affine_map<(d0, d1, d2) -> (d0, d2)> order <> : !core.array<sample x 5 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// Without samples and steps there is one row.
// CHECK-LABEL: func.func @one_row(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
// REMARK: Function=one_row | Reason="both factors are reals"
func.func @one_row(%a: !core.array<7 x f32> {snn.bind = @w}, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<5 x f32>) {
  %0 = core.contract over [5, 7] along [1] %a, %b by [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>]
      writes affine_map<(d0, d1) -> (d0)> order <> : !core.array<7 x f32>, !core.array<5 x 7 x f32> -> !core.array<5 x f32>
  return %0 : !core.array<5 x f32>
}

// Weights may come first.
// CHECK-LABEL: func.func @swapped(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
func.func @swapped(%a: !core.array<5 x 7 x f32> {snn.bind = @w}, %b: !core.array<sample x 7 x f32>) -> (!core.array<sample x 5 x f32>) {
  %0 = core.contract over [sample, 5, 7] along [2] %a, %b by [affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d2)>]
      writes affine_map<(d0, d1, d2) -> (d0, d1)> order <> : !core.array<5 x 7 x f32>, !core.array<sample x 7 x f32> -> !core.array<sample x 5 x f32>
  return %0 : !core.array<sample x 5 x f32>
}

// CHECK-LABEL: func.func @spikes(
// LARGE-LABEL: func.func @spikes(
// LARGE: core.contract {{.*}}{core.kernel = #core.kernel<spikes>}
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<spikes>}
// REMARK: remark: [Passed] spikes | {{.*}}Function=spikes | Reason="a factor is spikes: {{.*}}additions by tables=115200
func.func @spikes(%a: !core.array<time x sample x 7 x i1>, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<time x sample x 5 x f32>) {
  %0 = core.contract over [time, sample, 5, 7] along [3] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <group = 4> : !core.array<time x sample x 7 x i1>, !core.array<5 x 7 x f32> -> !core.array<time x sample x 5 x f32>
  return %0 : !core.array<time x sample x 5 x f32>
}

// CHECK-LABEL: func.func @swapped_spikes(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<spikes>}
func.func @swapped_spikes(%a: !core.array<5 x 7 x f32> {snn.bind = @w}, %b: !core.array<time x sample x 7 x i1>) -> (!core.array<time x sample x 5 x f32>) {
  %0 = core.contract over [time, sample, 5, 7] along [3] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <group = 4> : !core.array<5 x 7 x f32>, !core.array<time x sample x 7 x i1> -> !core.array<time x sample x 5 x f32>
  return %0 : !core.array<time x sample x 5 x f32>
}

// CHECK-LABEL: func.func @gradient(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense_gradient>}
func.func @gradient(%a: !core.array<time x sample x 5 x f32>, %b: !core.array<time x sample x 7 x f32>) -> (!core.array<5 x 7 x f32> {snn.bind = @"grad.w"}) {
  %0 = core.contract over [time, sample, 5, 7] along [1, 0] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d2, d3)> order <run = 64, parts = 16, part = 256, descending = true> : !core.array<time x sample x 5 x f32>, !core.array<time x sample x 7 x f32> -> !core.array<5 x 7 x f32>
  return %0 : !core.array<5 x 7 x f32>
}

// Bits select rows of the other factor, which has the columns: those of a parameter are its first extent.
// CHECK-LABEL: func.func @spike_gradient(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<spike_gradient>}
func.func @spike_gradient(%a: !core.array<time x sample x 5 x f32>, %b: !core.array<time x sample x 7 x i1>) -> (!core.array<5 x 7 x f32> {snn.bind = @"grad.w"}) {
  %0 = core.contract over [time, sample, 5, 7] along [1, 0] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d2, d3)> order <group = 4, run = 64, parts = 16, part = 256, descending = true> : !core.array<time x sample x 5 x f32>, !core.array<time x sample x 7 x i1> -> !core.array<5 x 7 x f32>
  return %0 : !core.array<5 x 7 x f32>
}

// Else they are the last extent, so that here bits would have to be columns.
// CHECK-LABEL: func.func @turned_gradient(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
func.func @turned_gradient(%a: !core.array<time x sample x 5 x f32>, %b: !core.array<time x sample x 7 x i1>) -> (!core.array<5 x 7 x f32>) {
  %0 = core.contract over [time, sample, 5, 7] along [1, 0] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d2, d3)> order <group = 4, run = 64, parts = 16, part = 256, descending = true> : !core.array<time x sample x 5 x f32>, !core.array<time x sample x 7 x i1> -> !core.array<5 x 7 x f32>
  return %0 : !core.array<5 x 7 x f32>
}

// CHECK-LABEL: func.func @spike_gradient_2(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<spike_gradient>}
func.func @spike_gradient_2(%a: !core.array<time x sample x 5 x f32>, %b: !core.array<time x sample x 7 x i1>) -> (!core.array<7 x 5 x f32>) {
  %0 = core.contract over [time, sample, 5, 7] along [1, 0] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d3, d2)> order <group = 4, run = 64, parts = 16, part = 256, descending = true> : !core.array<time x sample x 5 x f32>, !core.array<time x sample x 7 x i1> -> !core.array<7 x 5 x f32>
  return %0 : !core.array<7 x 5 x f32>
}

// Both factors are bits.
// CHECK-LABEL: func.func @spikes_alone(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
func.func @spikes_alone(%a: !core.array<sample x 7 x i1>, %b: !core.array<5 x 7 x i1>) -> (!core.array<sample x 5 x f32>) {
  %0 = core.contract over [sample, 5, 7] along [2] %a, %b by [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>]
      writes affine_map<(d0, d1, d2) -> (d0, d1)> order <group = 4> : !core.array<sample x 7 x i1>, !core.array<5 x 7 x i1> -> !core.array<sample x 5 x f32>
  return %0 : !core.array<sample x 5 x f32>
}

// Samples stay, time is summed.
// CHECK-LABEL: func.func @over_time(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
// REMARK: remark: [Passed] loops | {{.*}}Function=over_time | Reason="it sums over steps or samples, and gives something for each", Remark="loops, 12,800 x 35 (rows x products)"
func.func @over_time(%a: !core.array<time x sample x 5 x f32>, %b: !core.array<time x sample x 7 x f32>) -> (!core.array<sample x 5 x 7 x f32>) {
  %0 = core.contract over [time, sample, 5, 7] along [0] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)> order <descending = true> : !core.array<time x sample x 5 x f32>, !core.array<time x sample x 7 x f32> -> !core.array<sample x 5 x 7 x f32>
  return %0 : !core.array<sample x 5 x 7 x f32>
}

// A weight for each of several positions.
// CHECK-LABEL: func.func @positions(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
func.func @positions(%a: !core.array<sample x 3 x 7 x f32>, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<sample x 3 x 5 x f32>) {
  %0 = core.contract over [sample, 3, 5, 7] along [3] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <> : !core.array<sample x 3 x 7 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 3 x 5 x f32>
  return %0 : !core.array<sample x 3 x 5 x f32>
}

// A convolution.
// CHECK-LABEL: func.func @window(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
func.func @window(%a: !core.array<sample x 8 x f32>, %b: !core.array<5 x 3 x f32> {snn.bind = @w}) -> (!core.array<sample x 5 x 6 x f32>) {
  %0 = core.contract over [sample, 5, 6, 3] along [3] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d2 + d3)>, affine_map<(d0, d1, d2, d3) -> (d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <> : !core.array<sample x 8 x f32>, !core.array<5 x 3 x f32> -> !core.array<sample x 5 x 6 x f32>
  return %0 : !core.array<sample x 5 x 6 x f32>
}

// Not all of the input is summed.
// CHECK-LABEL: func.func @part_of_input(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
func.func @part_of_input(%a: !core.array<sample x 7 x f32>, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<sample x 5 x f32>) {
  %0 = core.contract over [sample, 5, 6] along [2] %a, %b by [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>]
      writes affine_map<(d0, d1, d2) -> (d0, d1)> order <> : !core.array<sample x 7 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 5 x f32>
  return %0 : !core.array<sample x 5 x f32>
}

// The steps before.
// CHECK-LABEL: func.func @earlier_step(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
// REMARK: Function=earlier_step | Reason="it reads or writes outside of an array
func.func @earlier_step(%a: !core.array<time x sample x 7 x f32>, %b: !core.array<5 x 7 x f32> {snn.bind = @w}) -> (!core.array<time x sample x 5 x f32>) {
  %0 = core.contract over [time, sample, 5, 7] along [3] %a, %b by [affine_map<(d0, d1, d2, d3) -> (d0 - 1, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <> : !core.array<time x sample x 7 x f32>, !core.array<5 x 7 x f32> -> !core.array<time x sample x 5 x f32>
  return %0 : !core.array<time x sample x 5 x f32>
}

// Rows that are written over windows.
// CHECK-LABEL: func.func @overlap(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<overlap>}
// REMARK: remark: [Passed] overlap | {{.*}}Reason="rows are written over windows that overlap", Remark="overlap, 2,560 x 96 x 16 (rows x inputs x columns)"
func.func @overlap(%a: !core.array<sample x 4 x 5 x 16 x f32>, %b: !core.array<3 x 2 x 16 x 16 x f32>) -> (!core.array<sample x 6 x 6 x 16 x f32>) {
  %0 = core.contract over [sample, 4, 5, 16, 3, 2, 16] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, p, q, k) -> (s, i, j, k)>, affine_map<(s, i, j, n, p, q, k) -> (p, q, k, n)>]
      writes affine_map<(s, i, j, n, p, q, k) -> (s, i + p, j + q, n)> order <> : !core.array<sample x 4 x 5 x 16 x f32>, !core.array<3 x 2 x 16 x 16 x f32> -> !core.array<sample x 6 x 6 x 16 x f32>
  return %0 : !core.array<sample x 6 x 6 x 16 x f32>
}

// A tap that does not move would have its terms in another order.
// CHECK-LABEL: func.func @still_tap(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
func.func @still_tap(%a: !core.array<sample x 4 x 5 x 16 x f32>, %b: !core.array<3 x 2 x 16 x 16 x f32>) -> (!core.array<sample x 6 x 5 x 16 x f32>) {
  %0 = core.contract over [sample, 4, 5, 16, 3, 2, 16] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, p, q, k) -> (s, i, j, k)>, affine_map<(s, i, j, n, p, q, k) -> (p, q, k, n)>]
      writes affine_map<(s, i, j, n, p, q, k) -> (s, i + p, j, n)> order <> : !core.array<sample x 4 x 5 x 16 x f32>, !core.array<3 x 2 x 16 x 16 x f32> -> !core.array<sample x 6 x 5 x 16 x f32>
  return %0 : !core.array<sample x 6 x 5 x 16 x f32>
}

// What the host gives may be mostly zero, also behind maps of single elements. Bytes that are reals as they are need no map.
// CHECK-LABEL: func.func @given(
// CHECK-NOT: core.map over [time, sample, 70]
// CHECK: core.contract {{.*}} %arg0, %{{.*}}{core.kernel = #core.kernel<sparse>}
// CHECK: core.contract {{.*}}, %arg0 {{.*}}{core.kernel = #core.kernel<sparse_gradient>}
// REMARK: remark: [Passed] sparse | {{.*}}Function=given | Reason="what the host gives may be mostly zero: by what is not, or dense if that is most of it"
func.func @given(%a: !core.array<time x sample x 70 x ui8>, %b: !core.array<40 x 70 x f32> {snn.bind = @w}) -> (!core.array<time x sample x 40 x f32>, !core.array<40 x 70 x f32> {snn.bind = @"grad.w"}) {
  %0 = core.map over [time, sample, 70] reads(%a : !core.array<time x sample x 70 x ui8>) by [affine_map<(d0, d1, d2) -> (d0, d1, d2)>]
      writes [affine_map<(d0, d1, d2) -> (d0, d1, d2)>] -> !core.array<time x sample x 70 x f32> {
  ^bb0(%x: i8):
    %1 = arith.uitofp %x : i8 to f32
    core.yield %1 : f32
  }
  %2 = core.contract over [time, sample, 40, 70] along [3] %0, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <> : !core.array<time x sample x 70 x f32>, !core.array<40 x 70 x f32> -> !core.array<time x sample x 40 x f32>
  %3 = core.contract over [time, sample, 40, 70] along [1, 0] %2, %0 by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d2, d3)> order <run = 64, parts = 16, part = 256, descending = true> : !core.array<time x sample x 40 x f32>, !core.array<time x sample x 70 x f32> -> !core.array<40 x 70 x f32>
  return %2, %3 : !core.array<time x sample x 40 x f32>, !core.array<40 x 70 x f32>
}

// Others do.
// CHECK-LABEL: func.func @scaled(
// CHECK: %[[REAL:.*]] = core.map over [time, sample, 70]
// CHECK: core.contract {{.*}} %[[REAL]], %{{.*}}{core.kernel = #core.kernel<sparse>}
func.func @scaled(%a: !core.array<time x sample x 70 x ui8>, %b: !core.array<40 x 70 x f32> {snn.bind = @w}) -> !core.array<time x sample x 40 x f32> {
  %0 = core.map over [time, sample, 70] reads(%a : !core.array<time x sample x 70 x ui8>) by [affine_map<(d0, d1, d2) -> (d0, d1, d2)>]
      writes [affine_map<(d0, d1, d2) -> (d0, d1, d2)>] -> !core.array<time x sample x 70 x f32> {
  ^bb0(%x: i8):
    %c = arith.constant 255.0 : f32
    %1 = arith.uitofp %x : i8 to f32
    %q = arith.divf %1, %c : f32
    core.yield %q : f32
  }
  %2 = core.contract over [time, sample, 40, 70] along [3] %0, %b by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)> order <> : !core.array<time x sample x 70 x f32>, !core.array<40 x 70 x f32> -> !core.array<time x sample x 40 x f32>
  return %2 : !core.array<time x sample x 40 x f32>
}

// So are windows of images, of which each element has as many multiply-adds as a row of columns.
// CHECK-LABEL: func.func @images(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<sparse>}
func.func @images(%a: !core.array<sample x 2 x 12 x 12 x f32>, %b: !core.array<2 x 3 x 3 x 16 x f32>) -> !core.array<sample x 10 x 10 x 16 x f32> {
  %0 = core.contract over [sample, 10, 10, 16, 2, 3, 3] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, k, p, q) -> (s, k, i + p, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)> order <> : !core.array<sample x 2 x 12 x 12 x f32>, !core.array<2 x 3 x 3 x 16 x f32> -> !core.array<sample x 10 x 10 x 16 x f32>
  return %0 : !core.array<sample x 10 x 10 x 16 x f32>
}

// Steps of places, or of taps.
// CHECK-LABEL: func.func @apart(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<sparse>}
func.func @apart(%a: !core.array<sample x 2 x 19 x 14 x f32>, %b: !core.array<2 x 3 x 3 x 16 x f32>) -> !core.array<sample x 9 x 8 x 16 x f32> {
  %0 = core.contract over [sample, 9, 8, 16, 2, 3, 3] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, k, p, q) -> (s, k, 2 * i + p, j + 3 * q)>, affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)> order <> : !core.array<sample x 2 x 19 x 14 x f32>, !core.array<2 x 3 x 3 x 16 x f32> -> !core.array<sample x 9 x 8 x 16 x f32>
  return %0 : !core.array<sample x 9 x 8 x 16 x f32>
}

// But not both.
// CHECK-LABEL: func.func @both_apart(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
// REMARK: remark: [Passed] dense | {{.*}}Function=both_apart | Reason="what the host gives may be mostly zero, but is read at windows that have no kernel for that"
func.func @both_apart(%a: !core.array<sample x 2 x 21 x 12 x f32>, %b: !core.array<2 x 3 x 3 x 32 x f32>) -> !core.array<sample x 9 x 10 x 32 x f32> {
  %0 = core.contract over [sample, 9, 10, 32, 2, 3, 3] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, k, p, q) -> (s, k, 2 * i + 2 * p, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)> order <> : !core.array<sample x 2 x 21 x 12 x f32>, !core.array<2 x 3 x 3 x 32 x f32> -> !core.array<sample x 9 x 10 x 32 x f32>
  return %0 : !core.array<sample x 9 x 10 x 32 x f32>
}

// Terms of a place come in the order of the image, or kernels would have to sort them.
// CHECK-LABEL: func.func @other_order_of_images(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
func.func @other_order_of_images(%a: !core.array<sample x 2 x 12 x 12 x f32>, %b: !core.array<3 x 3 x 2 x 16 x f32>) -> !core.array<sample x 10 x 10 x 16 x f32> {
  %0 = core.contract over [sample, 10, 10, 16, 2, 3, 3] along [5, 6, 4] %a, %b by [affine_map<(s, i, j, n, k, p, q) -> (s, k, i + p, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (p, q, k, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)> order <> : !core.array<sample x 2 x 12 x 12 x f32>, !core.array<3 x 3 x 2 x 16 x f32> -> !core.array<sample x 10 x 10 x 16 x f32>
  return %0 : !core.array<sample x 10 x 10 x 16 x f32>
}

// Windows begin where the image does.
// CHECK-LABEL: func.func @shifted_images(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
func.func @shifted_images(%a: !core.array<sample x 2 x 12 x 12 x f32>, %b: !core.array<2 x 3 x 3 x 16 x f32>) -> !core.array<sample x 9 x 10 x 16 x f32> {
  %0 = core.contract over [sample, 9, 10, 16, 2, 3, 3] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, k, p, q) -> (s, k, i + p + 1, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)> order <> : !core.array<sample x 2 x 12 x 12 x f32>, !core.array<2 x 3 x 3 x 16 x f32> -> !core.array<sample x 9 x 10 x 16 x f32>
  return %0 : !core.array<sample x 9 x 10 x 16 x f32>
}

// Each element has 29 multiply-adds.
// CHECK-LABEL: func.func @few_of_an_image(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense>}
// REMARK: remark: [Passed] dense | {{.*}}Function=few_of_an_image | Reason="what the host gives may be mostly zero, but so few products of an element do not pay for looking"
func.func @few_of_an_image(%a: !core.array<sample x 1 x 12 x 12 x f32>, %b: !core.array<1 x 1 x 2 x 16 x f32>) -> !core.array<sample x 12 x 11 x 16 x f32> {
  %0 = core.contract over [sample, 12, 11, 16, 1, 1, 2] along [4, 5, 6] %a, %b by [affine_map<(s, i, j, n, k, p, q) -> (s, k, i + p, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)> order <> : !core.array<sample x 1 x 12 x 12 x f32>, !core.array<1 x 1 x 2 x 16 x f32> -> !core.array<sample x 12 x 11 x 16 x f32>
  return %0 : !core.array<sample x 12 x 11 x 16 x f32>
}

// Blocks of a gradient begin with an image if it has 64 places.
// CHECK-LABEL: func.func @images_gradient(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<sparse_gradient>}
func.func @images_gradient(%a: !core.array<sample x 2 x 12 x 12 x f32>, %d: !core.array<sample x 10 x 10 x 16 x f32>) -> (!core.array<2 x 3 x 3 x 16 x f32>) {
  %0 = core.contract over [sample, 10, 10, 16, 2, 3, 3] along [0, 1, 2] %a, %d by [affine_map<(s, i, j, n, k, p, q) -> (s, k, i + p, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)> order <run = 64, parts = 16, part = 256> : !core.array<sample x 2 x 12 x 12 x f32>, !core.array<sample x 10 x 10 x 16 x f32> -> !core.array<2 x 3 x 3 x 16 x f32>
  return %0 : !core.array<2 x 3 x 3 x 16 x f32>
}

// Else they may hold several images.
// CHECK-LABEL: func.func @few_places_gradient(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<dense_gradient>}
func.func @few_places_gradient(%a: !core.array<sample x 2 x 9 x 9 x f32>, %d: !core.array<sample x 7 x 7 x 32 x f32>) -> (!core.array<2 x 3 x 3 x 32 x f32>) {
  %0 = core.contract over [sample, 7, 7, 32, 2, 3, 3] along [0, 1, 2] %a, %d by [affine_map<(s, i, j, n, k, p, q) -> (s, k, i + p, j + q)>, affine_map<(s, i, j, n, k, p, q) -> (s, i, j, n)>]
      writes affine_map<(s, i, j, n, k, p, q) -> (k, p, q, n)> order <run = 64, parts = 16, part = 256> : !core.array<sample x 2 x 9 x 9 x f32>, !core.array<sample x 7 x 7 x 32 x f32> -> !core.array<2 x 3 x 3 x 32 x f32>
  return %0 : !core.array<2 x 3 x 3 x 32 x f32>
}

// The factor that has the columns must be of reals.
// CHECK-LABEL: func.func @columns_of_bytes(
// CHECK: core.contract {{.*}}{core.kernel = #core.kernel<loops>}
func.func @columns_of_bytes(%a: !core.array<time x sample x 70 x ui8>, %d: !core.array<time x sample x 40 x ui8>) -> !core.array<70 x 40 x f32> {
  %0 = core.contract over [time, sample, 70, 40] along [1, 0] %a, %d by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>]
      writes affine_map<(d0, d1, d2, d3) -> (d2, d3)> order <run = 64, parts = 16, part = 256, descending = true> : !core.array<time x sample x 70 x ui8>, !core.array<time x sample x 40 x ui8> -> !core.array<70 x 40 x f32>
  return %0 : !core.array<70 x 40 x f32>
}
