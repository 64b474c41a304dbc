// RUN: %snn-opt --snn-differentiate %s | FileCheck %s

snn.model @m train real = f32 steps = 3 max_steps = 3 classes = 2 batch = 16 epochs = 1
snn.parameter @weight : tensor<4x5xf32> init #snn.fill<0.0>
snn.parameter @beta : tensor<4xf32> init #snn.fill<0.0>
// CHECK: snn.output @grad.input over_time : tensor<3x?x5xf32>
snn.input @input over_time : tensor<3x?x5xf32>
snn.input @labels : tensor<?xi64>
snn.hyper @lr = 0.125
snn.hyper @momentum = 0.0
snn.hyper @weight_decay = 0.0
snn.hyper @loss.correct = 1.0
snn.hyper @loss.incorrect = 0.0
snn.optimizer sgd

// CHECK-NOT: func.func @loss(
// CHECK-LABEL: func.func @loss_and_gradient
// CHECK-SAME: (%[[INPUT:.*]]: tensor<3x?x5xf32> {snn.bind = @input}, %[[LABELS:.*]]: tensor<?xi64> {snn.bind = @labels}
// CHECK-SAME: -> (f64 {snn.bind = @loss}, tensor<3x?x5xf32> {snn.bind = @grad.input}, tensor<4x5xf32> {snn.bind = @weight, snn.span = #snn.span<gradients>}, tensor<4xf32> {snn.bind = @beta, snn.span = #snn.span<gradients>})

// The share of each sample in the mean is one more sharded operand.
// CHECK: %[[SHARE:.*]] = snn.batch_mean_grad %[[INPUT]] : tensor<3x?x5xf32> -> tensor<?xf32>
// CHECK: %[[CONCAT:.*]]:2, %[[SUM:.*]]:2 = snn.batch_map sharded(%[[INPUT]], %[[LABELS]], %[[SHARE]] : tensor<3x?x5xf32>, tensor<?xi64>, tensor<?xf32>) invariant({{.*}}) -> concat(tensor<?xf32>, tensor<3x?x5xf32>) sum(tensor<4x5xf32>, tensor<4xf32>) {
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<3x?x5xf32>, %{{.*}}: tensor<?xi64>, %[[SEED:.*]]: tensor<?xf32>, %[[W:.*]]: tensor<4x5xf32>, %[[BETA:.*]]: tensor<4xf32>, %{{.*}}: f64, %{{.*}}: f64):
// CHECK: %[[CURRENT:.*]] = snn.linear %[[X]], %[[W]]

// The forward scan also stacks its carry: the adjoint of the membrane's decay asks for the membrane before the step.
// CHECK: %[[FORWARD:.*]]:{{[0-9]+}}, %{{.*}} = snn.scan neurons 4 sliced(%[[CURRENT]] : tensor<3x?x4xf32>) {{.*}} params(%[[BETA]] : tensor<4xf32>) {{.*}} -> stacked(tensor<3x?x4xi1>, {{.*}}tensor<3x?x4xf32>) final(tensor<?x4xf32>)
// CHECK: %[[LOSS:.*]] = snn.mse_count_loss
// CHECK: %[[DCOUNT:.*]] = snn.mse_count_loss_grad {{.*}} seed %[[SEED]]
// CHECK: %[[DSPIKES:.*]] = snn.population_count_grad %[[DCOUNT]]

// The adjoint scan runs the other way. The gradient of beta is added up in a carry, one row, not stacked.
// CHECK: %[[DCURRENT:.*]], %[[CARRIES:.*]]:2 = snn.scan reverse neurons 4 sliced({{.*}}) invariant({{.*}}%[[DSPIKES]]{{.*}}) params({{.*}}%[[BETA]]{{.*}}) {{.*}} -> stacked(tensor<3x?x4xf32>) final(tensor<?x4xf32>, tensor<?x4xf32>)
// CHECK: snn.surrogate_grad #snn.atan<2.000000e+00 : f64>
// CHECK: %[[DBETA:.*]] = snn.sum_to %[[CARRIES]]#{{[01]}} : tensor<?x4xf32> -> tensor<4xf32>
// CHECK-DAG: %[[DW:.*]] = snn.linear_weight_grad %[[X]], %[[DCURRENT]] : tensor<3x?x5xf32>, tensor<3x?x4xf32> -> tensor<4x5xf32>
// CHECK-DAG: %[[DX:.*]] = snn.linear_input_grad %[[DCURRENT]], %[[W]] : tensor<3x?x4xf32>, tensor<4x5xf32> -> tensor<3x?x5xf32>
// CHECK: snn.map_yield concat(%[[LOSS]], %[[DX]] : {{.*}}) sum(%[[DW]], %[[DBETA]] :
// CHECK: %[[MEAN:.*]] = snn.batch_mean %[[CONCAT]]#0
// CHECK: return %[[MEAN]], %[[CONCAT]]#1, %[[SUM]]#0, %[[SUM]]#1
func.func @loss(%input: tensor<3x?x5xf32> {snn.bind = @input}, %labels: tensor<?xi64> {snn.bind = @labels},
                %w: tensor<4x5xf32> {snn.bind = @weight}, %beta: tensor<4xf32> {snn.bind = @beta},
                %correct: f64 {snn.bind = @loss.correct}, %incorrect: f64 {snn.bind = @loss.incorrect}) -> (f64 {snn.bind = @loss}) {
  %losses = snn.batch_map sharded(%input, %labels : tensor<3x?x5xf32>, tensor<?xi64>)
      invariant(%w, %beta, %correct, %incorrect : tensor<4x5xf32>, tensor<4xf32>, f64, f64) -> concat(tensor<?xf32>) {
  ^bb0(%x: tensor<3x?x5xf32>, %l: tensor<?xi64>, %ws: tensor<4x5xf32>, %betas: tensor<4xf32>, %c: f64, %i: f64):
    %current = snn.linear %x, %ws : tensor<3x?x5xf32>, tensor<4x5xf32> -> tensor<3x?x4xf32>
    %rest = snn.constant 0.0 : tensor<?x4xf32>
    %spikes, %final = snn.scan neurons 4 sliced(%current : tensor<3x?x4xf32>) invariant() params(%betas : tensor<4xf32>)
        init(%rest : tensor<?x4xf32>) -> stacked(tensor<3x?x4xi1>) final(tensor<?x4xf32>) {
    ^bb0(%xt: tensor<?x4xf32>, %b: tensor<?x4xf32>, %m: tensor<?x4xf32>):
      %decayed = arith.mulf %b, %m : tensor<?x4xf32>
      %next = arith.addf %decayed, %xt : tensor<?x4xf32>
      %spike = snn.fire #snn.atan<2.0>(%next) : tensor<?x4xf32> -> tensor<?x4xi1>
      snn.scan_yield stacked(%spike : tensor<?x4xi1>) next(%next : tensor<?x4xf32>)
    }
    %count = snn.population_count %spikes of 4 : tensor<3x?x4xi1> -> tensor<?x2xf32>
    %loss = snn.mse_count_loss %count, %l correct %c incorrect %i population 2 : tensor<?x2xf32>, tensor<?xi64> -> tensor<?xf32>
    snn.map_yield concat(%loss : tensor<?xf32>) sum()
  }
  %mean = snn.batch_mean %losses : tensor<?xf32>
  return %mean : f64
}

// CHECK-LABEL: func.func @update
// CHECK-SAME: %[[LR:.*]]: f64 {snn.bind = @lr}, %[[MOMENTUM:.*]]: f64 {snn.bind = @momentum}, %[[DECAY:.*]]: f64 {snn.bind = @weight_decay}
// CHECK-SAME: %[[P:.*]]: tensor<4x5xf32> {snn.bind = @weight}, %[[G:.*]]: tensor<4x5xf32> {snn.bind = @weight, snn.span = #snn.span<gradients>}, %[[V:.*]]: tensor<4x5xf32> {snn.bind = @weight, snn.copy = 0 : i64, snn.span = #snn.span<optimizer>}
// CHECK: snn.sgd %[[P]] grad %[[G]] state(%[[V]]) lr %[[LR]] momentum %[[MOMENTUM]] weight_decay %[[DECAY]] : tensor<4x5xf32>
// CHECK: snn.sgd {{.*}} : tensor<4xf32>
