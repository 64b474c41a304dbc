// The text of stage bptt in which results share values: an output that is given twice, one sum that is the gradient of
// two parameters, and one zero that is the gradient of two others.
!x = !core.array<sample x 5 x f32>
!y = !core.array<sample x 4 x f32>
!w = !core.array<4 x 5 x f32>
!b = !core.array<4 x f32>
!s = !core.array<time x sample x 4 x i1>
!r = !core.array<f32>
!h = !core.array<f64>
!i = !core.array<i64>
#row = affine_map<(s, o, i) -> (s, i)>
#column = affine_map<(s, o, i) -> (s, o)>
#weight = affine_map<(s, o, i) -> (o, i)>
#sn = affine_map<(s, n) -> (s, n)>
#n = affine_map<(s, n) -> (n)>
#none = affine_map<() -> ()>
#order = #core.order<run = 64, parts = 16, part = 256>
module {
  snn.model @yielded_twice train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 4 epochs = 1 {snn.hash = 1 : i64}
  snn.parameter @w : !w init #snn.uniform<-1.0, 1.0>
  snn.parameter @b : !b init #snn.fill<0.5>
  snn.parameter @same.b : !b init #snn.fill<0.5>
  snn.parameter @gone : !b init #snn.fill<0.25>
  snn.parameter @same.gone : !b init #snn.fill<0.25>
  snn.input @input : !x
  snn.input @labels : !core.array<sample x i64>
  snn.output @spikes : !s
  snn.output @current : !y
  snn.output @same.current : !y
  snn.output @zero : !y
  snn.output @same.zero : !y
  snn.hyper @lr = 0.5
  func.func @forward(%x: !x {snn.bind = @input}, %w: !w {snn.bind = @w}, %b: !b {snn.bind = @b})
      -> (!s {snn.bind = @spikes}, !y {snn.bind = @current}, !y {snn.bind = @same.current}) {
    %product = core.contract over [sample, 4, 5] along [2] %x, %w by [#row, #weight] writes #column order <> : !x, !w -> !y
    %y = core.map over [sample, 4] reads(%product, %b : !y, !b) by [#sn, #n] writes [#sn] -> !y {
    ^bb0(%p: f32, %q: f32):
      %sum = arith.addf %p, %q : f32
      core.yield %sum : f32
    }
    %spikes = core.map over [time, sample, 4] reads(%y : !y) by [affine_map<(t, s, n) -> (s, n)>]
        writes [affine_map<(t, s, n) -> (t, s, n)>] -> !s {
    ^bb0(%p: f32):
      %level = arith.constant 0.25 : f32
      %spike = arith.cmpf ogt, %p, %level : f32
      core.yield %spike : i1
    }
    return %spikes, %y, %y : !s, !y, !y
  }
  func.func @loss_and_gradient(%x: !x {snn.bind = @input}, %l: !core.array<sample x i64> {snn.bind = @labels},
      %w: !w {snn.bind = @w}, %b: !b {snn.bind = @b})
      -> (!h {snn.bind = @loss}, !y {snn.bind = @current}, !y {snn.bind = @same.current}, !y {snn.bind = @zero},
          !y {snn.bind = @same.zero}, !w {snn.bind = @w, snn.span = #snn.span<gradients>},
          !b {snn.bind = @b, snn.span = #snn.span<gradients>}, !b {snn.bind = @same.b, snn.span = #snn.span<gradients>},
          !b {snn.bind = @gone, snn.span = #snn.span<gradients>},
          !b {snn.bind = @same.gone, snn.span = #snn.span<gradients>}) {
    %product = core.contract over [sample, 4, 5] along [2] %x, %w by [#row, #weight] writes #column order <> : !x, !w -> !y
    %y = core.map over [sample, 4] reads(%product, %b : !y, !b) by [#sn, #n] writes [#sn] -> !y {
    ^bb0(%p: f32, %q: f32):
      %sum = arith.addf %p, %q : f32
      core.yield %sum : f32
    }
    // Half of the square: its gradient is the value itself.
    %loss = core.fold add over [sample, 4] along [0, 1] reads(%y : !y) by [#sn] writes affine_map<(s, n) -> ()> order #order -> !h {
    ^bb0(%p: f32):
      %wide = arith.extf %p : f32 to f64
      %half = arith.constant 0.5 : f64
      %square = arith.mulf %wide, %wide : f64
      %share = arith.mulf %square, %half : f64
      core.yield %share : f64
    }
    %zeros = core.map over [sample, 4] reads() by [] writes [#sn] -> !y {
      %zero = arith.constant 0.0 : f32
      core.yield %zero : f32
    }
    %nothing = core.map over [4] reads() by [] writes [affine_map<(n) -> (n)>] -> !b {
      %zero = arith.constant 0.0 : f32
      core.yield %zero : f32
    }
    %dw = core.contract over [sample, 4, 5] along [0] %y, %x by [#column, #row] writes #weight order #order : !y, !x -> !w
    %db = core.fold add over [sample, 4] along [0] reads(%y : !y) by [#sn] writes #n order #order -> !b {
    ^bb0(%p: f32):
      core.yield %p : f32
    }
    return %loss, %y, %y, %zeros, %zeros, %dw, %db, %db, %nothing, %nothing : !h, !y, !y, !y, !y, !w, !b, !b, !b, !b
  }
  func.func @update(%p: !r {snn.bind = @p, snn.span = #snn.span<parameters>},
      %g: !r {snn.bind = @g, snn.span = #snn.span<gradients>}, %lr: !h {snn.bind = @lr})
      -> (!r {snn.bind = @p, snn.span = #snn.span<parameters>}) {
    %next = core.map over [] reads(%p, %g, %lr : !r, !r, !h) by [#none, #none, #none] writes [#none] -> !r {
    ^bb0(%a: f32, %b: f32, %c: f64):
      %rate = arith.truncf %c : f64 to f32
      %step = arith.mulf %rate, %b : f32
      %less = arith.subf %a, %step : f32
      core.yield %less : f32
    }
    return %next : !r
  }
}
