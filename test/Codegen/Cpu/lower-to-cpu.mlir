// From a planned module: a task for a lane, entry points, no tensors, no allocation, no i1 in memory.
// RUN: %snn-opt --snn-to-loops %s -o %t.loops
// RUN: %snn-opt --snn-lower-to-cpu %t.loops | FileCheck %s
// RUN: %snn-opt --snn-lower-to-cpu %t.loops | FileCheck %s --check-prefix=NONE --allow-empty \
// RUN:   --implicit-check-not='memref.alloc' --implicit-check-not='memref.copy' --implicit-check-not='tensor.' \
// RUN:   --implicit-check-not='snn.batch_map' --implicit-check-not='snn.scan' --implicit-check-not='{{memref<[^>]*xi1[,>]}}'
// NONE: module

// The declarations stay: the table of the library is made of them.
// CHECK: snn.model @m
// CHECK: snn.parameter @w
// A task is a frame that sets the floating-point mode around the arithmetic.
// CHECK: func.func private @snn_enter_float_mode() -> i64
// CHECK: func.func private @snn_leave_float_mode(i64)
// CHECK: func.func private @snn_lane_forward(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK-NEXT: %[[MODE:.*]] = call @snn_enter_float_mode()
// CHECK-NEXT: call @snn_lane_forward_body(
// CHECK-NEXT: call @snn_leave_float_mode(%[[MODE]])
// CHECK-NEXT: return
// CHECK: func.func private @snn_lane_forward_body({{.*}} attributes {passthrough = ["noinline"]}
// CHECK-DAG: func.func @snn_entry_forward(%{{.*}}: !llvm.ptr) -> i32
// CHECK-DAG: func.func @snn_arena_size(%{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64) -> i64
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256 : i64}} {
  snn.model @m infer real = f32 max_steps = 100 classes = 2 batch = 1 epochs = 0
  snn.parameter @w : tensor<20x5xf32> init #snn.fill<0.0>
  snn.input @input over_time : tensor<?x?x5xf32>
  snn.output @spikes over_time : tensor<?x?x20xf32>
  snn.output @count : tensor<?x2xf32>
  func.func @forward(%x: tensor<?x?x5xf32> {snn.bind = @input}, %w: tensor<20x5xf32> {snn.bind = @w})
      -> (tensor<?x?x20xf32> {snn.bind = @spikes}, tensor<?x2xf32> {snn.bind = @count}) {
    %y, %n = snn.batch_map sharded(%x : tensor<?x?x5xf32>) invariant(%w : tensor<20x5xf32>)
        -> concat(tensor<?x?x20xf32>, tensor<?x2xf32>) {
    ^bb0(%xs: tensor<?x?x5xf32>, %ws: tensor<20x5xf32>):
      %current = snn.linear %xs, %ws : tensor<?x?x5xf32>, tensor<20x5xf32> -> tensor<?x?x20xf32>
      %rest = snn.constant 0.0 : tensor<?x20xf32>
      %s, %f = snn.scan neurons 20 sliced(%current : tensor<?x?x20xf32>) invariant() params() init(%rest : tensor<?x20xf32>)
          -> stacked(tensor<?x?x20xi1>) final(tensor<?x20xf32>) {
      ^bb0(%xt: tensor<?x20xf32>, %m: tensor<?x20xf32>):
        %next = arith.addf %m, %xt : tensor<?x20xf32>
        %spike = snn.fire #snn.atan<2.0>(%next) : tensor<?x20xf32> -> tensor<?x20xi1>
        snn.scan_yield stacked(%spike : tensor<?x20xi1>) next(%next : tensor<?x20xf32>)
      }
      %out = snn.cast %s : tensor<?x?x20xi1> -> tensor<?x?x20xf32>
      %count = snn.population_count %s of 20 : tensor<?x?x20xi1> -> tensor<?x2xf32>
      snn.map_yield concat(%out, %count : tensor<?x?x20xf32>, tensor<?x2xf32>) sum()
    }
    return %y, %n : tensor<?x?x20xf32>, tensor<?x2xf32>
  }
}
