// Large maps of weights between phases: workers share their rows.
// RUN: %snn-opt %s --core-share-maps | FileCheck %s
// RUN: %snn-opt %s --core-share-maps=task-elements=0 | FileCheck %s --check-prefix=NONE
// RUN: %snn-opt %s --core-share-maps=task-elements=1000 | FileCheck %s --check-prefix=SMALL
// RUN: %snn-opt %s --core-share-maps --mlir-disable-threading --remarks-filter=phases -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s
// NONE-NOT: core.task_rows

!w = !core.array<300 x 200 x f32>
!t = !core.array<200 x 300 x f32>

// A turned copy: 55 rows of 300 would do, squares of 16 stay whole.
// CHECK-LABEL: func.func @turned
// CHECK: core.map {{.*}} {core.task_rows = 64 : i64} -> !core.array<200 x 300 x f32>
// SMALL-LABEL: func.func @turned
// SMALL: core.task_rows = 16 : i64
// REMARK: remark: [Passed] shared_map | {{.*}}Function=turned | Reason="it is large, and stands between phases", Remark="a map of weights is computed by all workers, in 4 tasks"
func.func @turned(%w: !w {snn.bind = @w}, %x: !core.array<sample x 300 x f32>) -> !core.array<sample x 200 x f32> {
  %0 = core.map over [200, 300] reads(%w : !w) by [affine_map<(i, j) -> (j, i)>] writes [affine_map<(i, j) -> (i, j)>] -> !t {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %1 = core.contract over [sample, 200, 300] along [2] %x, %0 by [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (n, k)>]
      writes affine_map<(s, n, k) -> (s, n)> order <> : !core.array<sample x 300 x f32>, !t -> !core.array<sample x 200 x f32>
  return %1 : !core.array<sample x 200 x f32>
}

// What another map makes is written while tasks run; what asks for its place counts from a task's first row; small ones
// and views are not worth it.
// CHECK-LABEL: func.func @others
// CHECK-NOT: core.task_rows
func.func @others(%w: !w {snn.bind = @w}, %v: !core.array<30 x 20 x f32> {snn.bind = @v}) -> (!core.array<200 x f32>, !core.array<f32>, !core.array<30 x f32>, !core.array<300 x f32>) {
  %one = core.map over [300] reads(%w : !w) by [affine_map<(i) -> (i, 0)>] writes [affine_map<(i) -> (i)>] -> !core.array<300 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %two = core.map over [200, 300] reads(%one : !core.array<300 x f32>) by [affine_map<(i, j) -> (j)>] writes [affine_map<(i, j) -> (i, j)>] -> !t {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %three = core.map over [200, 300] reads(%w : !w) by [affine_map<(i, j) -> (j, i)>] writes [affine_map<(i, j) -> (i, j)>] -> !t {
  ^bb0(%a: f32):
    %i = core.index 0
    %r = arith.uitofp %i : i64 to f32
    %b = arith.addf %a, %r : f32
    core.yield %b : f32
  }
  %four = core.map over [20, 30] reads(%v : !core.array<30 x 20 x f32>) by [affine_map<(i, j) -> (j, i)>] writes [affine_map<(i, j) -> (i, j)>] -> !core.array<20 x 30 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %s2 = core.fold add over [200, 300] along [1] reads(%two : !t) by [affine_map<(i, j) -> (i, j)>] writes affine_map<(i, j) -> (i)> order <> -> !core.array<200 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %s3 = core.fold add over [200, 300] along [0, 1] reads(%three : !t) by [affine_map<(i, j) -> (i, j)>] writes affine_map<(i, j) -> ()> order <> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %s4 = core.fold add over [30, 20] along [1] reads(%four : !core.array<20 x 30 x f32>) by [affine_map<(i, j) -> (j, i)>] writes affine_map<(i, j) -> (i)> order <> -> !core.array<30 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %s2, %s3, %s4, %one : !core.array<200 x f32>, !core.array<f32>, !core.array<30 x f32>, !core.array<300 x f32>
}
