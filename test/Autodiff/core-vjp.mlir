// What the gradient of a recurrent layer is made of.
// RUN: %snn-opt %s --core-vjp="function=layer" --canonicalize --cse | FileCheck %s
// RUN: not %snn-opt %s --core-vjp="function=layer of-loss" 2>&1 | FileCheck --check-prefix=LOSS %s
// RUN: not %snn-opt %s --core-vjp="function=nothing" 2>&1 | FileCheck --check-prefix=NOTHING %s

// LOSS: error: expected a result without extents that is bound to @loss
// NOTHING: error: expected a function @nothing

!recurrent = !core.array<8 x 8 x f32>
!n8 = !core.array<8 x f32>
!s8 = !core.array<sample x 8 x f32>
!ts8 = !core.array<time x sample x 8 x f32>

#sn = affine_map<(s, n) -> (s, n)>
#sn_n = affine_map<(s, n) -> (n)>
#in = affine_map<(s, o, i) -> (s, i)>
#out = affine_map<(s, o, i) -> (s, o)>
#weight = affine_map<(s, o, i) -> (o, i)>

// CHECK-DAG: #[[TS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[TI:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[OI:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>

// What is bound to @x has a gradient that is bound to @grad.x, and a result y a seed that is bound to @seed.y. Labels have none.
// CHECK-LABEL: func.func @layer_vjp
// CHECK-SAME: %[[X:[a-z0-9]+]]: !core.array<time x sample x 8 x f32> {snn.bind = @input}, %[[V:[a-z0-9]+]]: !core.array<8 x 8 x f32> {snn.bind = @weight}
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: !core.array<8 x i1>
// CHECK-SAME: %[[SEED:[a-z0-9]+]]: !core.array<time x sample x 8 x f32> {snn.bind = @seed.state}
// CHECK-SAME: -> (!core.array<time x sample x 8 x f32> {snn.bind = @state}, !core.array<time x sample x 8 x f32> {snn.bind = @grad.input}, !core.array<8 x 8 x f32> {snn.bind = @grad.weight}, !core.array<8 x f32> {snn.bind = @grad.decay}, !core.array<sample x 8 x f32> {snn.bind = @grad.start})

// The forward scan stacks the state that each step starts from, which the reverse scan needs.
// CHECK: %[[FORWARD:.*]]:2, %{{.*}} = core.scan sliced(%[[X]] : {{[^)]*}}) invariant({{[^)]*}}) init({{[^)]*}})
// CHECK-SAME: {kept} -> stacked(!core.array<time x sample x 8 x f32>, !core.array<time x sample x 8 x f32>)

// One carry, the gradient of the state: none for the invariants. What they need is stacked.
// CHECK: %[[REVERSE:.*]]:3, %[[START:.*]] = core.scan reverse sliced(%[[SEED]] : {{[^)]*}}) invariant({{[^)]*}}) init(%{{[a-z0-9_]*}} : !core.array<sample x 8 x f32>)
// CHECK-SAME: final(!core.array<sample x 8 x f32>)
// CHECK: core.contract over [sample, 8, 8] along [1]
// CHECK: core.step
// CHECK: }

// The weight's gradient is one sum over samples and time, outside of the reverse scan.
// CHECK: %[[WEIGHT:.*]] = core.contract over [time, sample, 8, 8] along [1, 0] %[[REVERSE]]#1, %[[FORWARD]]#1 by [#[[TS]], #[[TI]]] writes #[[OI]]
// CHECK: %[[DECAY:.*]] = core.fold add over [time, sample, 8] along [1, 0]
// CHECK: return %[[FORWARD]]#0, %[[REVERSE]]#0, %[[WEIGHT]], %[[DECAY]], %[[START]]
func.func @layer(%x: !ts8 {snn.bind = @input}, %v: !recurrent {snn.bind = @weight}, %decay: !n8 {snn.bind = @decay},
                 %mask: !core.array<8 x i1> {snn.bind = @mask}, %start: !s8 {snn.bind = @start}) -> (!ts8 {snn.bind = @state}) {
  %states, %end = core.scan sliced(%x : !ts8) invariant(%v, %decay, %mask : !recurrent, !n8, !core.array<8 x i1>) init(%start : !s8)
      {kept} -> stacked(!ts8) final(!s8) {
  ^bb0(%xt: !s8, %v0: !recurrent, %d0: !n8, %k0: !core.array<8 x i1>, %m: !s8):
    %back = core.contract over [sample, 8, 8] along [2] %m, %v0 by [#in, #weight] writes #out : !s8, !recurrent -> !s8
    %next = core.map over [sample, 8] reads(%xt, %d0, %m, %back, %k0 : !s8, !n8, !s8, !s8, !core.array<8 x i1>)
        by [#sn, #sn_n, #sn, #sn, #sn_n] writes [#sn] -> !s8 {
    ^bb0(%a: f32, %d: f32, %m0: f32, %p: f32, %keep: i1):
      %kept = arith.mulf %d, %m0 : f32
      %charged = arith.addf %kept, %a : f32
      %all = arith.addf %charged, %p : f32
      %y = arith.select %keep, %all, %a : f32
      core.yield %y : f32
    }
    core.step stacked(%next : !s8) next(%next : !s8)
  }
  return %states : !ts8
}
