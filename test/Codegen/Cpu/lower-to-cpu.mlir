// From a planned module: tasks, entry points, no core ops, no allocation, no i1 in memory.
// RUN: %snn-opt --snn-to-loops %s -o %t.loops
// RUN: %snn-opt --core-lower-to-cpu %t.loops | FileCheck %s
// RUN: %snn-opt --core-lower-to-cpu %t.loops | FileCheck %s --check-prefix=NONE --allow-empty \
// RUN:   --implicit-check-not='memref' --implicit-check-not='alloca' --implicit-check-not='malloc' --implicit-check-not='{{core\.(map|fold|contract|scan|batch_map)}}' \
// RUN:   --implicit-check-not='{{llvm.(load|store).*[ x]i1[, >]}}' --implicit-check-not='{{getelementptr.*, i1$}}'
// NONE: module

// The declarations stay: the table of the library is made of them.
// CHECK: snn.model @m
// CHECK: snn.parameter @w
// A task is a frame that sets the floating-point mode around the arithmetic.
// CHECK: func.func private @snn_enter_float_mode() -> i64
// CHECK: func.func private @snn_leave_float_mode(i64)
// CHECK: func.func private @snn_task_forward_0(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK-NEXT: %[[MODE:.*]] = call @snn_enter_float_mode()
// CHECK-NEXT: call @snn_task_forward_0_body(
// CHECK-NEXT: call @snn_leave_float_mode(%[[MODE]])
// CHECK-NEXT: return
// CHECK: func.func private @snn_task_forward_0_body({{.*}} attributes {passthrough = ["noinline"
// CHECK-DAG: func.func @snn_entry_forward(%{{.*}}: !llvm.ptr) -> i32
// CHECK-DAG: func.func @snn_entry_step(%{{.*}}: !llvm.ptr) -> i32
// CHECK-DAG: func.func @snn_arena_size(%{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64) -> i64
!x = !core.array<time x sample x 5 x f32>
!y = !core.array<time x sample x 20 x f32>
!w = !core.array<20 x 5 x f32>
!m = !core.array<sample x 20 x f32>
!b = !core.array<sample x 20 x i1>
!s = !core.array<time x sample x 20 x i1>
#sn = affine_map<(s, n) -> (s, n)>
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256 : i64}} {
  snn.model @m infer real = f32 max_steps = 100 classes = 2 batch = 1 epochs = 0
  snn.parameter @w : !w init #snn.fill<0.0>
  snn.input @input : !x
  snn.output @spikes : !s
  snn.output @count : !core.array<sample x 2 x f32>
  snn.state @mem : !m rest 0.0
  func.func @forward(%x: !x {snn.bind = @input}, %w: !w {snn.bind = @w}, %rest: !m {snn.bind = @mem})
      -> (!s {snn.bind = @spikes}, !core.array<sample x 2 x f32> {snn.bind = @count}, !m {snn.bind = @mem}) {
    %current = core.contract over [time, sample, 20, 5] along [3] %x, %w
        by [affine_map<(t, s, o, i) -> (t, s, i)>, affine_map<(t, s, o, i) -> (o, i)>] writes affine_map<(t, s, o, i) -> (t, s, o)>
        order <> : !x, !w -> !y
    %spikes, %last = core.scan sliced(%current : !y) invariant() init(%rest : !m) -> stacked(!s) final(!m) {
    ^bb0(%now: !m, %mem: !m):
      %fired, %next = core.map over [sample, 20] reads(%mem, %now : !m, !m) by [#sn, #sn] writes [#sn, #sn] -> !b, !m {
      ^bb1(%a: f32, %b: f32):
        %sum = arith.addf %a, %b : f32
        %one = arith.constant 1.0 : f32
        %spike = arith.cmpf ogt, %sum, %one : f32
        core.yield %spike, %sum : i1, f32
      }
      core.step stacked(%fired : !b) next(%next : !m)
    }
    %count = core.fold add over [time, sample, 2, 10] along [0, 3] reads(%spikes : !s)
        by [affine_map<(t, s, c, n) -> (t, s, c * 10 + n)>] writes affine_map<(t, s, c, n) -> (s, c)>
        order <descending = true> -> !core.array<sample x 2 x f32> {
    ^bb0(%a: i1):
      %b = arith.uitofp %a : i1 to f32
      core.yield %b : f32
    }
    return %spikes, %count, %last : !s, !core.array<sample x 2 x f32>, !m
  }
}
