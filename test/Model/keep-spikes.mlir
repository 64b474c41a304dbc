// The largest of spikes is a spike, and so is what moves it; who computes with it makes it a real.
// RUN: %snn-opt %s --snn-keep-spikes | FileCheck %s
// RUN: %snn-opt %s --snn-keep-spikes --mlir-disable-threading --remarks-filter=spikes -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

#window = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 2 + d3)>
#result = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#same = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// CHECK-LABEL: func.func @pooled(
// CHECK: core.fold max {{.*}} -> <time x sample x 8 x i1>
// CHECK-NOT: uitofp
// CHECK: core.map {{.*}} -> !core.array<time x sample x 8 x i1>
// CHECK: core.contract {{.*}} : <time x sample x 8 x i1>, <5 x 8 x f32>
// CHECK: core.map
// CHECK: ^bb0(%[[X:.*]]: i1
// CHECK-NEXT: arith.uitofp %[[X]] : i1 to f32
// REMARK: remark: [Passed] spikes | {{.*}}Function=pooled | Remark="the largest of spikes stays a spike: a bit, by which products select rows of weights"
func.func @pooled(%s: !core.array<time x sample x 16 x i1>, %w: !core.array<5 x 8 x f32>) -> (!core.array<time x sample x 5 x f32>, !core.array<time x sample x 8 x f32>) {
  %m, %p = core.fold max over [time, sample, 8, 2] along [3] reads(%s : !core.array<time x sample x 16 x i1>) by [#window] writes #result
      -> !core.array<time x sample x 8 x f32> winner !core.array<time x sample x 8 x i32> {
  ^bb0(%x: i1):
    %r = arith.uitofp %x : i1 to f32
    core.yield %r : f32
  }
  %v = core.map over [time, sample, 8] reads(%m : !core.array<time x sample x 8 x f32>) by [#same] writes [#same] -> !core.array<time x sample x 8 x f32> {
  ^bb0(%x: f32):
    core.yield %x : f32
  }
  %0 = core.contract over [time, sample, 5, 8] along [3] %v, %w by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes #result : !core.array<time x sample x 8 x f32>, !core.array<5 x 8 x f32> -> !core.array<time x sample x 5 x f32>
  %1 = core.map over [time, sample, 8] reads(%v : !core.array<time x sample x 8 x f32>) by [#same] writes [#same] -> !core.array<time x sample x 8 x f32> {
  ^bb0(%x: f32):
    %two = arith.addf %x, %x : f32
    core.yield %two : f32
  }
  return %0, %1 : !core.array<time x sample x 5 x f32>, !core.array<time x sample x 8 x f32>
}

// A window may lie beside its input: the largest of nothing is no spike.
// CHECK-LABEL: func.func @padded(
// CHECK: core.fold max {{.*}} -> <time x sample x 9 x f32>
// REMARK: remark: [Missed] reals | {{.*}}Function=padded | Reason="a window may hold nothing but padding, of which there is no largest spike"
func.func @padded(%s: !core.array<time x sample x 16 x i1>, %w: !core.array<5 x 9 x f32>) -> !core.array<time x sample x 5 x f32> {
  %m, %p = core.fold max over [time, sample, 9, 2] along [3] reads(%s : !core.array<time x sample x 16 x i1>) by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 2 + d3 - 1)>]
      writes #result -> !core.array<time x sample x 9 x f32> winner !core.array<time x sample x 9 x i32> {
  ^bb0(%x: i1):
    %r = arith.uitofp %x : i1 to f32
    core.yield %r : f32
  }
  %0 = core.contract over [time, sample, 5, 9] along [3] %m, %w by [affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>]
      writes #result : !core.array<time x sample x 9 x f32>, !core.array<5 x 9 x f32> -> !core.array<time x sample x 5 x f32>
  return %0 : !core.array<time x sample x 5 x f32>
}

// The host is given reals.
// CHECK-LABEL: func.func @returned(
// CHECK: core.fold max {{.*}} -> <time x sample x 8 x f32>
// REMARK: remark: [Missed] reals | {{.*}}Function=returned | Reason="not all who read it take spikes"
func.func @returned(%s: !core.array<time x sample x 16 x i1>) -> !core.array<time x sample x 8 x f32> {
  %m, %p = core.fold max over [time, sample, 8, 2] along [3] reads(%s : !core.array<time x sample x 16 x i1>) by [#window] writes #result
      -> !core.array<time x sample x 8 x f32> winner !core.array<time x sample x 8 x i32> {
  ^bb0(%x: i1):
    %r = arith.uitofp %x : i1 to f32
    core.yield %r : f32
  }
  return %m : !core.array<time x sample x 8 x f32>
}
