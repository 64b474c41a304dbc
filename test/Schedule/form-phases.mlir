// How many phases networks and their gradients have. Samples are independent but for what is reduced over them and read again.
// RUN: %snn-opt %S/../Autodiff/vjp-dense.mlir --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.dense.mlir
// RUN: %snn-opt %t.dense.mlir --core-form-phases | FileCheck --check-prefix=DENSE %s
// RUN: %snn-opt %S/../Autodiff/vjp-batch_norm.mlir --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.norm.mlir
// RUN: %snn-opt %t.norm.mlir --core-form-phases | FileCheck --check-prefix=NORM %s
// RUN: %snn-opt %s --split-input-file --core-form-phases | FileCheck %s
// RUN: %snn-opt %s --split-input-file --core-form-phases --mlir-disable-threading --remarks-filter=phases -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// Forward, loss and backward are one phase: the loss divides by how many samples there are, which no phase finds out.
// DENSE-LABEL: func.func @loss_vjp
// DENSE: core.fold add over [sample] along [0] reads() by []
// DENSE: core.batch_map sharded(%arg0, %arg1 : !core.array<time x sample x 20 x f32>, !core.array<sample x i64>)
// DENSE-SAME: concat(!core.array<time x sample x 10 x f32>, !core.array<time x sample x 20 x f32>)
// DENSE: core.scan sliced
// DENSE: core.scan reverse
// DENSE: core.parts
// DENSE-NOT: core.batch_map
// DENSE: return

// Sums, squares of what is left without the mean, outputs and the first sums of the adjoint, those of the variance's
// gradient to the mean, the gradient of the input. The fourth is there because an adjoint map with several results waits for
// all that it reads: apart, some of its results could be summed in the phases before.
// NORM-LABEL: func.func @loss_vjp
// NORM-COUNT-5: core.batch_map
// NORM-NOT: core.batch_map
// NORM: return

!x = !core.array<sample x 4 x f32>
#sn = affine_map<(s, n) -> (s, n)>
#n = affine_map<(s, n) -> (n)>
#only = affine_map<(n) -> (n)>

// What has no samples stands between the phases: here the mean of a batch, which the second phase takes off. An op belongs
// to the first phase in which it can be computed: the exponential, which the second one reads.
// CHECK-LABEL: func.func @f
// CHECK-SAME: (%[[X:.*]]: !core.array<sample x 4 x f32>)
// CHECK: %[[COUNT:.*]] = core.fold add over [sample]
// CHECK: %[[EXP:.*]], %[[SUM:.*]] = core.batch_map sharded(%[[X]] : !core.array<sample x 4 x f32>) invariant() -> concat(!core.array<sample x 4 x f32>) sum(!core.array<4 x f32>) {
// CHECK: ^bb0(%[[XS:.*]]: !core.array<sample x 4 x f32>):
// CHECK-NEXT: %[[PART:.*]] = core.fold
// CHECK: math.exp
// CHECK: core.parts concat({{.*}}) sum(%[[PART]] : !core.array<4 x f32>)
// CHECK: %[[MEAN:.*]] = core.map over [4] reads(%[[SUM]], %[[COUNT]] :
// CHECK: %[[Y:.*]] = core.batch_map sharded(%[[EXP]] : !core.array<sample x 4 x f32>) invariant(%[[MEAN]] : !core.array<4 x f32>) -> concat(!core.array<sample x 4 x f32>) {
// CHECK: core.parts concat(
// CHECK: return %[[Y]]
// REMARK: [[#@LINE+2]]:1: remark: [Analysis] phase | {{.*}}Function=f | Remark="phase 1 of 2 has 2 ops, of which 1 sum over samples"
// REMARK: [[#@LINE+20]]:8: remark: {{.*}}Function=f | Reason="it needs what is summed over all samples at line [[#@LINE+15]]", Remark="phase 2 of 2 has 1 op, of which 0 sum over samples"
func.func @f(%x: !x) -> !x {
  %count = core.fold add over [sample] along [0] reads() by [] writes affine_map<(s) -> ()> order <run = 64> -> !core.array<f32> {
    %one = arith.constant 1.0 : f32
    core.yield %one : f32
  }
  %sum = core.fold add over [sample, 4] along [0] reads(%x : !x) by [#sn] writes #n order <run = 64> -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %exp = core.map over [sample, 4] reads(%x : !x) by [#sn] writes [#sn] -> !x {
  ^bb0(%a: f32):
    %b = math.exp %a : f32
    core.yield %b : f32
  }
  %mean = core.map over [4] reads(%sum, %count : !core.array<4 x f32>, !core.array<f32>) by [#only, affine_map<(n) -> ()>] writes [#only] -> !core.array<4 x f32> {
  ^bb0(%a: f32, %k: f32):
    %b = arith.divf %a, %k : f32
    core.yield %b : f32
  }
  %y = core.map over [sample, 4] reads(%exp, %mean : !x, !core.array<4 x f32>) by [#sn, #n] writes [#sn] -> !x {
  ^bb0(%a: f32, %m: f32):
    %b = arith.subf %a, %m : f32
    core.yield %b : f32
  }
  return %y : !x
}

// -----

!steps = !core.array<time x sample x 4 x f32>
!x = !core.array<sample x 4 x f32>
#sn = affine_map<(s, n) -> (s, n)>
#n = affine_map<(s, n) -> (n)>

// A scan in which samples meet at each step stands between phases.
// CHECK-LABEL: func.func @meeting
// CHECK-NOT: core.batch_map
// CHECK: core.scan
// CHECK: return
func.func @meeting(%x: !steps) -> !steps {
  %y = core.scan sliced(%x : !steps) invariant() init() -> stacked(!steps) {
  ^bb0(%xt: !x):
    %sum = core.fold add over [sample, 4] along [0] reads(%xt : !x) by [#sn] writes #n order <run = 64> -> !core.array<4 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %z = core.map over [sample, 4] reads(%xt, %sum : !x, !core.array<4 x f32>) by [#sn, #n] writes [#sn] -> !x {
    ^bb0(%a: f32, %m: f32):
      %b = arith.subf %a, %m : f32
      core.yield %b : f32
    }
    core.step stacked(%z : !x) next()
  }
  return %y : !steps
}

// -----

!steps = !core.array<time x sample x 4 x f32>
!x = !core.array<sample x 4 x f32>
!n4 = !core.array<4 x f32>
#sn = affine_map<(s, n) -> (s, n)>
#n = affine_map<(s, n) -> (n)>
#only = affine_map<(n) -> (n)>

// A decay that grows from step to step belongs to no sample. What it becomes is a scan of its own, as no phase gives it.
// CHECK-LABEL: func.func @mixed
// CHECK: %[[DECAY:.*]] = core.scan sliced() invariant() init(%{{.*}} : !core.array<4 x f32>) -> final(!core.array<4 x f32>)
// CHECK: %[[Y:.*]] = core.batch_map
// CHECK: core.scan sliced({{.*}}) invariant() init({{.*}}) -> stacked(!core.array<time x sample x 4 x f32>) final(!core.array<4 x f32>)
// CHECK: core.parts concat(%{{.*}} : !core.array<time x sample x 4 x f32>) sum()
// CHECK: return %[[Y]], %[[DECAY]]
func.func @mixed(%x: !steps, %start: !n4) -> (!steps, !n4) {
  %y, %end = core.scan sliced(%x : !steps) invariant() init(%start : !n4) -> stacked(!steps) final(!n4) {
  ^bb0(%xt: !x, %d: !n4):
    %next = core.map over [4] reads(%d : !n4) by [#only] writes [#only] -> !n4 {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %z = core.map over [sample, 4] reads(%xt, %d : !x, !n4) by [#sn, #n] writes [#sn] -> !x {
    ^bb0(%a: f32, %m: f32):
      %b = arith.mulf %a, %m : f32
      core.yield %b : f32
    }
    core.step stacked(%z : !x) next(%next : !n4)
  }
  return %y, %end : !steps, !n4
}
