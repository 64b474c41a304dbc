// The text of stage bptt in which results share values: an output that is yielded twice, one sum that is the gradient of
// two parameters, and one zero that is the gradient of two others.
module {
  snn.model @yielded_twice train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 4 epochs = 1 {snn.hash = 1 : i64}
  snn.parameter @w : tensor<4x5xf32> init #snn.uniform<-1.0, 1.0>
  snn.parameter @b : tensor<4xf32> init #snn.fill<0.5>
  snn.parameter @same.b : tensor<4xf32> init #snn.fill<0.5>
  snn.parameter @gone : tensor<4xf32> init #snn.fill<0.25>
  snn.parameter @same.gone : tensor<4xf32> init #snn.fill<0.25>
  snn.input @input : tensor<?x5xf32>
  snn.input @labels : tensor<?xi64>
  snn.output @spikes over_time : tensor<1x?x4xf32>
  snn.output @count : tensor<?x2xf32>
  snn.output @same.count : tensor<?x2xf32>
  snn.output @zero : tensor<?x2xf32>
  snn.output @same.zero : tensor<?x2xf32>
  snn.hyper @lr = 0.5
  snn.hyper @momentum = 0.0
  snn.hyper @weight_decay = 0.0
  snn.hyper @loss.correct = 1.0
  snn.hyper @loss.incorrect = 0.0
  snn.optimizer sgd
  func.func @forward(%x: tensor<?x5xf32> {snn.bind = @input}, %w: tensor<4x5xf32> {snn.bind = @w},
      %b: tensor<4xf32> {snn.bind = @b})
      -> (tensor<1x?x4xf32> {snn.bind = @spikes}, tensor<?x2xf32> {snn.bind = @count},
          tensor<?x2xf32> {snn.bind = @same.count}) {
    %c:3 = snn.batch_map sharded(%x : tensor<?x5xf32>) invariant(%w, %b : tensor<4x5xf32>, tensor<4xf32>)
        -> concat(tensor<1x?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
    ^bb0(%xs: tensor<?x5xf32>, %ws: tensor<4x5xf32>, %bs: tensor<4xf32>):
      %y = snn.linear %xs, %ws bias(%bs : tensor<4xf32>) : tensor<?x5xf32>, tensor<4x5xf32> -> tensor<?x4xf32>
      %stacked = snn.scan neurons 4 sliced() invariant(%y : tensor<?x4xf32>) params() init()
          -> stacked(tensor<1x?x4xi1>) {
      ^bb1(%in: tensor<?x4xf32>):
        %level = snn.constant 0.25 : tensor<?x4xf32>
        %spike = arith.cmpf ogt, %in, %level : tensor<?x4xf32>
        snn.scan_yield stacked(%spike : tensor<?x4xi1>) next()
      }
      %out = snn.cast %stacked : tensor<1x?x4xi1> -> tensor<1x?x4xf32>
      %count = snn.population_count %stacked of 4 : tensor<1x?x4xi1> -> tensor<?x2xf32>
      snn.map_yield concat(%out, %count, %count : tensor<1x?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>) sum()
    }
    return %c#0, %c#1, %c#2 : tensor<1x?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>
  }
  func.func @loss_and_gradient(%x: tensor<?x5xf32> {snn.bind = @input}, %l: tensor<?xi64> {snn.bind = @labels},
      %w: tensor<4x5xf32> {snn.bind = @w}, %b: tensor<4xf32> {snn.bind = @b},
      %on: f64 {snn.bind = @loss.correct}, %off: f64 {snn.bind = @loss.incorrect})
      -> (f64 {snn.bind = @loss}, tensor<1x?x4xf32> {snn.bind = @spikes},
          tensor<?x2xf32> {snn.bind = @count}, tensor<?x2xf32> {snn.bind = @same.count},
          tensor<?x2xf32> {snn.bind = @zero}, tensor<?x2xf32> {snn.bind = @same.zero},
          tensor<4x5xf32> {snn.bind = @w, snn.span = #snn.span<gradients>},
          tensor<4xf32> {snn.bind = @b, snn.span = #snn.span<gradients>},
          tensor<4xf32> {snn.bind = @same.b, snn.span = #snn.span<gradients>},
          tensor<4xf32> {snn.bind = @gone, snn.span = #snn.span<gradients>},
          tensor<4xf32> {snn.bind = @same.gone, snn.span = #snn.span<gradients>}) {
    %share = snn.batch_mean_grad %x : tensor<?x5xf32> -> tensor<?xf32>
    %c:6, %s:5 = snn.batch_map sharded(%x, %l, %share : tensor<?x5xf32>, tensor<?xi64>, tensor<?xf32>)
        invariant(%w, %b, %on, %off : tensor<4x5xf32>, tensor<4xf32>, f64, f64)
        -> concat(tensor<?xf32>, tensor<1x?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>)
           sum(tensor<4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    ^bb0(%xs: tensor<?x5xf32>, %ls: tensor<?xi64>, %seed: tensor<?xf32>, %ws: tensor<4x5xf32>, %bs: tensor<4xf32>,
         %one: f64, %none: f64):
      %y = snn.linear %xs, %ws bias(%bs : tensor<4xf32>) : tensor<?x5xf32>, tensor<4x5xf32> -> tensor<?x4xf32>
      %stacked = snn.scan neurons 4 sliced() invariant(%y : tensor<?x4xf32>) params() init()
          -> stacked(tensor<1x?x4xi1>) {
      ^bb1(%in: tensor<?x4xf32>):
        %level = snn.constant 0.25 : tensor<?x4xf32>
        %spike = arith.cmpf ogt, %in, %level : tensor<?x4xf32>
        snn.scan_yield stacked(%spike : tensor<?x4xi1>) next()
      }
      %out = snn.cast %stacked : tensor<1x?x4xi1> -> tensor<1x?x4xf32>
      %count = snn.population_count %stacked of 4 : tensor<1x?x4xi1> -> tensor<?x2xf32>
      %loss = snn.mse_count_loss %count, %ls correct %one incorrect %none population 2
          : tensor<?x2xf32>, tensor<?xi64> -> tensor<?xf32>
      %dcount = snn.mse_count_loss_grad %count, %ls correct %one incorrect %none population 2 seed %seed
          : tensor<?x2xf32>, tensor<?xi64>, tensor<?xf32> -> tensor<?x2xf32>
      %dy = snn.population_count_grad %dcount : tensor<?x2xf32> -> tensor<?x4xf32>
      %dw = snn.linear_weight_grad %xs, %dy : tensor<?x5xf32>, tensor<?x4xf32> -> tensor<4x5xf32>
      %db = snn.sum_to %dy : tensor<?x4xf32> -> tensor<4xf32>
      %nothing = snn.constant 0.0 : tensor<4xf32>
      %zeros = snn.constant 0.0 : tensor<?x2xf32>
      snn.map_yield concat(%loss, %out, %count, %count, %zeros, %zeros
          : tensor<?xf32>, tensor<1x?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>)
        sum(%dw, %db, %db, %nothing, %nothing
          : tensor<4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
    }
    %mean = snn.batch_mean %c#0 : tensor<?xf32>
    return %mean, %c#1, %c#2, %c#3, %c#4, %c#5, %s#0, %s#1, %s#2, %s#3, %s#4
        : f64, tensor<1x?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>,
          tensor<4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  func.func @update(%lr: f64 {snn.bind = @lr}, %m: f64 {snn.bind = @momentum}, %d: f64 {snn.bind = @weight_decay},
      %w: tensor<4x5xf32> {snn.bind = @w},
      %gw: tensor<4x5xf32> {snn.bind = @w, snn.span = #snn.span<gradients>},
      %vw: tensor<4x5xf32> {snn.bind = @w, snn.copy = 0, snn.span = #snn.span<optimizer>},
      %b: tensor<4xf32> {snn.bind = @b},
      %gb: tensor<4xf32> {snn.bind = @b, snn.span = #snn.span<gradients>},
      %vb: tensor<4xf32> {snn.bind = @b, snn.copy = 0, snn.span = #snn.span<optimizer>},
      %b2: tensor<4xf32> {snn.bind = @same.b},
      %gb2: tensor<4xf32> {snn.bind = @same.b, snn.span = #snn.span<gradients>},
      %vb2: tensor<4xf32> {snn.bind = @same.b, snn.copy = 0, snn.span = #snn.span<optimizer>},
      %n: tensor<4xf32> {snn.bind = @gone},
      %gn: tensor<4xf32> {snn.bind = @gone, snn.span = #snn.span<gradients>},
      %vn: tensor<4xf32> {snn.bind = @gone, snn.copy = 0, snn.span = #snn.span<optimizer>},
      %n2: tensor<4xf32> {snn.bind = @same.gone},
      %gn2: tensor<4xf32> {snn.bind = @same.gone, snn.span = #snn.span<gradients>},
      %vn2: tensor<4xf32> {snn.bind = @same.gone, snn.copy = 0, snn.span = #snn.span<optimizer>})
      -> (tensor<4x5xf32> {snn.bind = @w}, tensor<4x5xf32> {snn.bind = @w, snn.copy = 0, snn.span = #snn.span<optimizer>},
          tensor<4xf32> {snn.bind = @b}, tensor<4xf32> {snn.bind = @b, snn.copy = 0, snn.span = #snn.span<optimizer>},
          tensor<4xf32> {snn.bind = @same.b}, tensor<4xf32> {snn.bind = @same.b, snn.copy = 0, snn.span = #snn.span<optimizer>},
          tensor<4xf32> {snn.bind = @gone}, tensor<4xf32> {snn.bind = @gone, snn.copy = 0, snn.span = #snn.span<optimizer>},
          tensor<4xf32> {snn.bind = @same.gone}, tensor<4xf32> {snn.bind = @same.gone, snn.copy = 0, snn.span = #snn.span<optimizer>}) {
    %0:2 = snn.sgd %w grad %gw state(%vw) lr %lr momentum %m weight_decay %d : tensor<4x5xf32>
    %1:2 = snn.sgd %b grad %gb state(%vb) lr %lr momentum %m weight_decay %d : tensor<4xf32>
    %2:2 = snn.sgd %b2 grad %gb2 state(%vb2) lr %lr momentum %m weight_decay %d : tensor<4xf32>
    %3:2 = snn.sgd %n grad %gn state(%vn) lr %lr momentum %m weight_decay %d : tensor<4xf32>
    %4:2 = snn.sgd %n2 grad %gn2 state(%vn2) lr %lr momentum %m weight_decay %d : tensor<4xf32>
    return %0#0, %0#1, %1#0, %1#1, %2#0, %2#1, %3#0, %3#1, %4#0, %4#1
        : tensor<4x5xf32>, tensor<4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
}
