// RUN: %snn-opt --snn-expose-detached=mode=record %s | FileCheck %s --check-prefix=RECORD
// RUN: %snn-opt --snn-expose-detached=mode=replay %s | FileCheck %s --check-prefix=REPLAY

module {
  // Declared once for all functions, although two have the value.
  // RECORD: snn.output @detached.0 over_time : tensor<3x?x4xf32>
  // RECORD-NOT: snn.output @detached
  // REPLAY: snn.input @detached.0 over_time : tensor<3x?x4xf32>
  // REPLAY-NOT: snn.input @detached
  snn.model @m infer real = f32 steps = 3 max_steps = 3 classes = 2 batch = 1 epochs = 0
  snn.input @x : tensor<?x4xf32>
  snn.state @mem : tensor<4xf32> rest 0.0

  // RECORD-LABEL: func.func @forward
  // RECORD-SAME: -> (tensor<3x?x4xi1>, tensor<3x?x4xf32> {snn.bind = @detached.0})
  // RECORD: %[[MAP:.*]]:2 = snn.batch_map sharded(%{{[^,]*}}, %{{[^,]*}} : tensor<?x4xf32>, tensor<?x4xf32>)
  // RECORD: %[[SCAN:.*]]:2, %{{.*}} = snn.scan neurons 4 sliced()
  // RECORD: ^bb0(%{{.*}}: tensor<?x4xf32>, %[[MEM:.*]]: tensor<?x4xf32>):
  // RECORD: snn.detach %[[MEM]]
  // RECORD: snn.scan_yield stacked(%{{.*}}, %[[MEM]] : tensor<?x4xi1>, tensor<?x4xf32>)
  // RECORD: snn.map_yield concat(%[[SCAN]]#0, %[[SCAN]]#1
  // RECORD: return %[[MAP]]#0, %[[MAP]]#1

  // REPLAY-LABEL: func.func @forward
  // REPLAY-SAME: %[[GIVEN:[^:]*]]: tensor<3x?x4xf32> {snn.bind = @detached.0})
  // REPLAY: snn.batch_map sharded(%{{[^,]*}}, %{{[^,]*}}, %[[GIVEN]] : tensor<?x4xf32>, tensor<?x4xf32>, tensor<3x?x4xf32>)
  // REPLAY-NEXT: ^bb0(%{{.*}}: tensor<?x4xf32>, %{{.*}}: tensor<?x4xf32>, %[[SHARD:.*]]: tensor<3x?x4xf32>):
  // REPLAY: snn.scan neurons 4 sliced(%[[SHARD]] : tensor<3x?x4xf32>)
  // REPLAY-NEXT: ^bb0(%[[SLICE:.*]]: tensor<?x4xf32>, %[[X:.*]]: tensor<?x4xf32>, %{{.*}}: tensor<?x4xf32>):
  // REPLAY-NOT: snn.detach
  // REPLAY: arith.addf %[[SLICE]], %[[X]]
  func.func @forward(%x: tensor<?x4xf32> {snn.bind = @x}, %mem: tensor<?x4xf32> {snn.bind = @mem}) -> tensor<3x?x4xi1> {
    %y = snn.batch_map sharded(%x, %mem : tensor<?x4xf32>, tensor<?x4xf32>) invariant() -> concat(tensor<3x?x4xi1>) {
    ^bb0(%xs: tensor<?x4xf32>, %mems: tensor<?x4xf32>):
      %s, %f = snn.scan neurons 4 sliced() invariant(%xs : tensor<?x4xf32>) params() init(%mems : tensor<?x4xf32>)
          -> stacked(tensor<3x?x4xi1>) final(tensor<?x4xf32>) {
      ^bb0(%xt: tensor<?x4xf32>, %m: tensor<?x4xf32>):
        %d = snn.detach %m : tensor<?x4xf32>
        %next = arith.addf %d, %xt : tensor<?x4xf32>
        %spike = snn.fire #snn.atan<2.0>(%next) : tensor<?x4xf32> -> tensor<?x4xi1>
        snn.scan_yield stacked(%spike : tensor<?x4xi1>) next(%next : tensor<?x4xf32>)
      }
      snn.map_yield concat(%s : tensor<3x?x4xi1>) sum()
    }
    return %y : tensor<3x?x4xi1>
  }

  // A streaming step is left alone.
  // RECORD-LABEL: func.func @step
  // RECORD-NOT: detached.
  // REPLAY-LABEL: func.func @step
  // REPLAY: snn.detach
  func.func @step(%x: tensor<?x4xf32> {snn.bind = @x}) -> tensor<1x?x4xf32> {
    %y = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<1x?x4xf32>) {
    ^bb0(%xs: tensor<?x4xf32>):
      %s = snn.scan neurons 4 sliced() invariant(%xs : tensor<?x4xf32>) params() init() -> stacked(tensor<1x?x4xf32>) {
      ^bb0(%xt: tensor<?x4xf32>):
        %d = snn.detach %xt : tensor<?x4xf32>
        snn.scan_yield stacked(%d : tensor<?x4xf32>) next()
      }
      snn.map_yield concat(%s : tensor<1x?x4xf32>) sum()
    }
    return %y : tensor<1x?x4xf32>
  }
}
