// RUN: %snn-opt --snn-expose-detached=mode=record %s | %snn-opt --snn-check-module | FileCheck %s --check-prefix=RECORD
// RUN: %snn-opt --snn-expose-detached=mode=replay %s | %snn-opt --snn-check-module | FileCheck %s --check-prefix=REPLAY
// RUN: not %snn-opt --snn-expose-detached=mode=other %s 2>&1 | FileCheck %s --check-prefix=MODE
// MODE: mode is 'other', expected record or replay

// Truth values, and what is the same for all samples, are left alone.
// RECORD: snn.output @detached.1 : !core.array<time x sample x 4 x f32>
// RECORD-NEXT: snn.output @detached.0 : !core.array<time x sample x 4 x f32>
// RECORD-NOT: @detached.2
// REPLAY: snn.input @detached.1 : !core.array<time x sample x 4 x f32>
// REPLAY-NEXT: snn.input @detached.0 : !core.array<time x sample x 4 x f32>
// REPLAY-NOT: @detached.2

// A whole array as it is, a value of a point of a step over points and time.
// RECORD-LABEL: func.func @network
// RECORD-SAME: -> (!core.array<time x sample x 4 x i1> {snn.bind = @spikes}, !core.array<sample x 4 x f32> {snn.bind = @mem}, !core.array<time x sample x 4 x f32> {snn.bind = @detached.0}, !core.array<time x sample x 4 x f32> {snn.bind = @detached.1})
// RECORD: %[[ALL:.*]] = core.detach %{{.*}} : !core.array<time x sample x 4 x f32>
// RECORD: core.detach %{{.*}} : f32
// RECORD: %[[STACKED:.*]]:2, %[[FINAL:.*]] = core.scan
// RECORD: %[[MAP:.*]]:3 = core.map over [sample, 4]
// RECORD: core.detach %{{.*}} : i1
// RECORD: %[[OLD:.*]] = core.detach %{{.*}} : f32
// RECORD: core.yield %{{.*}}, %{{.*}}, %[[OLD]] : i1, f32, f32
// RECORD: core.step stacked(%[[MAP]]#0, %[[MAP]]#2
// RECORD-SAME: next(%[[MAP]]#1
// RECORD: return %[[STACKED]]#0, %[[FINAL]], %[[ALL]], %[[STACKED]]#1

// REPLAY-LABEL: func.func @network
// REPLAY-SAME: %[[FIRST:[^ ]*]]: !core.array<time x sample x 4 x f32> {snn.bind = @detached.0}, %[[SECOND:[^ ]*]]: !core.array<time x sample x 4 x f32> {snn.bind = @detached.1})
// REPLAY-NOT: core.detach %{{.*}} : !core.array
// REPLAY: core.scan sliced(%[[FIRST]], %[[SECOND]] :
// REPLAY-NEXT: ^bb0(%[[Z:[^ ]*]]: !core.array<sample x 4 x f32>, %[[SLICE:[^ ]*]]: !core.array<sample x 4 x f32>,
// REPLAY: core.map over [sample, 4] reads(%{{[^,]*}}, %{{[^,]*}}, %[[Z]], %{{[^,]*}}, %[[SLICE]] :
// REPLAY-NEXT: ^bb0(%{{[^ ]*}}: f32, %[[X:[^ ]*]]: f32, %{{[^ ]*}}: f32, %{{[^ ]*}}: f32, %[[GIVEN:[^ ]*]]: f32):
// REPLAY: core.detach %{{.*}} : i1
// REPLAY-NOT: core.detach
// REPLAY: arith.addf %[[GIVEN]], %[[X]] : f32
snn.model @m infer real = f32 steps = 3 max_steps = 3 classes = 2 batch = 1 epochs = 0
snn.input @x : !core.array<sample x 4 x f32>
snn.input @z : !core.array<time x sample x 4 x f32>
snn.state @mem : !core.array<sample x 4 x f32> rest 0.0
snn.output @spikes : !core.array<time x sample x 4 x i1>
#sn = affine_map<(s, n) -> (s, n)>
#n = affine_map<(n) -> (n)>
func.func @network(%x: !core.array<sample x 4 x f32> {snn.bind = @x}, %z: !core.array<time x sample x 4 x f32> {snn.bind = @z}, %mem: !core.array<sample x 4 x f32> {snn.bind = @mem})
    -> (!core.array<time x sample x 4 x i1> {snn.bind = @spikes}, !core.array<sample x 4 x f32> {snn.bind = @mem}) {
  %all = core.detach %z : !core.array<time x sample x 4 x f32>
  %same = core.map over [4] reads() by [] writes [#n] -> !core.array<4 x f32> {
    %a = arith.constant 1.0 : f32
    %d = core.detach %a : f32
    core.yield %d : f32
  }
  %s, %f = core.scan sliced(%all : !core.array<time x sample x 4 x f32>) invariant(%x, %same : !core.array<sample x 4 x f32>, !core.array<4 x f32>) init(%mem : !core.array<sample x 4 x f32>)
      -> stacked(!core.array<time x sample x 4 x i1>) final(!core.array<sample x 4 x f32>) {
  ^bb0(%zt: !core.array<sample x 4 x f32>, %xs: !core.array<sample x 4 x f32>, %w: !core.array<4 x f32>, %m: !core.array<sample x 4 x f32>):
    %0:2 = core.map over [sample, 4] reads(%m, %xs, %zt, %w : !core.array<sample x 4 x f32>, !core.array<sample x 4 x f32>, !core.array<sample x 4 x f32>, !core.array<4 x f32>)
        by [#sn, #sn, #sn, affine_map<(s, n) -> (n)>] writes [#sn, #sn] -> !core.array<sample x 4 x i1>, !core.array<sample x 4 x f32> {
    ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
      %zero = arith.constant 0.0 : f32
      %fired = arith.cmpf ogt, %a, %zero : f32
      %flag = core.detach %fired : i1
      %old = core.detach %a : f32
      %sum = arith.addf %old, %b : f32
      %next = arith.select %flag, %sum, %c : f32
      core.yield %fired, %next : i1, f32
    }
    core.step stacked(%0#0 : !core.array<sample x 4 x i1>) next(%0#1 : !core.array<sample x 4 x f32>)
  }
  return %s, %f : !core.array<time x sample x 4 x i1>, !core.array<sample x 4 x f32>
}
