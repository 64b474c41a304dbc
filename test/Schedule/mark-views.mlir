// Flattening and its like move nothing in memory.
// RUN: %snn-opt %s --core-mark-views | FileCheck %s
// RUN: %snn-opt %s --core-mark-views --mlir-disable-threading --remarks-filter=views -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

!image = !core.array<sample x 2 x 6 x 10 x f32>
!row = !core.array<sample x 120 x f32>

// One row, written or read by three coordinates. Digits of digits move nothing either, but that does not show in their form.
// CHECK-LABEL: func.func @flatten
// CHECK: math.exp
// CHECK: core.map {{.*}} {core.view} -> !core.array<sample x 120 x f32>
// CHECK: core.map {{.*}} {core.view} -> !core.array<sample x 2 x 6 x 10 x f32>
// CHECK: core.map over [sample, 120] {{.*}} writes [{{[^]]*}}] -> !core.array<sample x 120 x f32>
// CHECK: core.map {{.*}} {core.view} -> !core.array<sample x 2 x 6 x 10 x f32>
// CHECK-NOT: core.view
// REMARK: remark: [Passed] view | {{.*}}Function=flatten | Remark="elements get other coordinates, not other places: nothing is copied"
// REMARK: remark: [Passed] view
// REMARK: remark: [Passed] view
func.func @flatten(%host: !image) -> !core.array<sample x 2 x 10 x 6 x f32> {
  %x = core.map over [sample, 2, 6, 10] reads(%host : !image) by [affine_map<(s, c, y, x) -> (s, c, y, x)>] writes [affine_map<(s, c, y, x) -> (s, c, y, x)>] -> !image {
  ^bb0(%a: f32):
    %b = math.exp %a : f32
    core.yield %b : f32
  }
  %row = core.map over [sample, 2, 6, 10] reads(%x : !image) by [affine_map<(s, c, y, x) -> (s, c, y, x)>]
      writes [affine_map<(s, c, y, x) -> (s, c * 60 + y * 10 + x)>] -> !row {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %image = core.map over [sample, 2, 6, 10] reads(%row : !row) by [affine_map<(s, c, y, x) -> (s, c * 60 + y * 10 + x)>]
      writes [affine_map<(s, c, y, x) -> (s, c, y, x)>] -> !image {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %flat = core.map over [sample, 120] reads(%image : !image) by [affine_map<(s, n) -> (s, n floordiv 60, (n mod 60) floordiv 10, n mod 10)>]
      writes [affine_map<(s, n) -> (s, n)>] -> !row {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %back = core.map over [sample, 2, 6, 10] reads(%flat : !row) by [affine_map<(s, c, y, x) -> (s, c * 60 + y * 10 + x)>]
      writes [affine_map<(s, c, y, x) -> (s, c, y, x)>] -> !image {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %turned = core.map over [sample, 2, 6, 10] reads(%back : !image) by [affine_map<(s, c, y, x) -> (s, c, y, x)>]
      writes [affine_map<(s, c, y, x) -> (s, c, x, y)>] -> !core.array<sample x 2 x 10 x 6 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %turned : !core.array<sample x 2 x 10 x 6 x f32>
}

// Not what the host gives in memory of its own, not what computes, not the padded rows of a matrix without samples, not a
// shift in time.
// CHECK-LABEL: func.func @others
// CHECK-NOT: core.view
// CHECK: return
// REMARK-NOT: remark
func.func @others(%host: !image, %late: !core.array<time x sample x 3 x f32>) -> (!row, !core.array<12 x f32>, !core.array<time x sample x 3 x f32>) {
  %flat = core.map over [sample, 2, 6, 10] reads(%host : !image) by [affine_map<(s, c, y, x) -> (s, c, y, x)>]
      writes [affine_map<(s, c, y, x) -> (s, c * 60 + y * 10 + x)>] -> !row {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %matrix = core.map over [3, 4] reads() by [] writes [affine_map<(y, x) -> (y, x)>] -> !core.array<3 x 4 x f32> {
    %one = arith.constant 1.0 : f32
    core.yield %one : f32
  }
  %vector = core.map over [3, 4] reads(%matrix : !core.array<3 x 4 x f32>) by [affine_map<(y, x) -> (y, x)>] writes [affine_map<(y, x) -> (y * 4 + x)>] -> !core.array<12 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %now = core.map over [time, sample, 3] reads(%late : !core.array<time x sample x 3 x f32>) by [affine_map<(t, s, n) -> (t, s, n)>] writes [affine_map<(t, s, n) -> (t, s, n)>] -> !core.array<time x sample x 3 x f32> {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  %before = core.map over [time, sample, 3] reads(%now : !core.array<time x sample x 3 x f32>) by [affine_map<(t, s, n) -> (t - 1, s, n)>] writes [affine_map<(t, s, n) -> (t, s, n)>] {absent = [0.0 : f32]} -> !core.array<time x sample x 3 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %flat, %vector, %before : !row, !core.array<12 x f32>, !core.array<time x sample x 3 x f32>
}

// -----

// What no point writes is zero, and no view has zeros.
// CHECK-LABEL: func.func @outside
// CHECK-NOT: core.view
// CHECK: return
func.func @outside(%x: !core.array<sample x 5 x f32>) -> !core.array<sample x 4 x f32> {
  %0 = core.map over [sample, 5] reads(%x : !core.array<sample x 5 x f32>) by [affine_map<(s, n) -> (s, n)>] writes [affine_map<(s, n) -> (s, n)>] -> !core.array<sample x 5 x f32> {
  ^bb0(%a: f32):
    %b = arith.negf %a : f32
    core.yield %b : f32
  }
  %1 = core.map over [sample, 4] reads(%0 : !core.array<sample x 5 x f32>) by [affine_map<(s, n) -> (s, n + 1)>] writes [affine_map<(s, n) -> (s, n + 1)>] -> !core.array<sample x 4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %1 : !core.array<sample x 4 x f32>
}
