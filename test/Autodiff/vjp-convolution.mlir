// Windows: strides, padding, groups, max pooling that overlaps, max pooling of spikes, average pooling, flatten. The text is the forward half of
// test/oracle/bptt/convolution.mlir, whose adjoint was written by hand: the pass agrees with what that must agree with.
// RUN: %snn-opt %s --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.mlir
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/convolution.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/convolution.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/convolution.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/convolution.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!real = !core.array<f32>
!kernel = !core.array<6 x 2 x 3 x 3 x f32>
!channel = !core.array<6 x f32>
!w = !core.array<7 x 54 x f32>
!n7 = !core.array<7 x f32>
!ts7 = !core.array<time x sample x 7 x f32>
!flat = !core.array<time x sample x 54 x f32>
!image = !core.array<time x sample x 4 x 18 x 18 x f32>
!convolved = !core.array<time x sample x 6 x 9 x 9 x f32>
!pooled = !core.array<time x sample x 6 x 5 x 5 x f32>
!winner = !core.array<time x sample x 6 x 5 x 5 x i32>
!spikes = !core.array<time x sample x 6 x 5 x 5 x i1>
!small = !core.array<time x sample x 6 x 2 x 2 x f32>
!small_winner = !core.array<time x sample x 6 x 2 x 2 x i32>
!mean = !core.array<time x sample x 6 x 3 x 3 x f32>
!step = !core.array<sample x 6 x 5 x 5 x f32>
!step_bits = !core.array<sample x 6 x 5 x 5 x i1>

#nothing = affine_map<() -> ()>
// The convolution: g group, o its output channel, (y, x) where, (ky, kx) in the window, i the group's input channel.
#conv_in = affine_map<(t, s, g, o, y, x, ky, kx, i) -> (t, s, g * 2 + i, y * 2 + ky - 1, x * 2 + kx - 1)>
#conv_weight = affine_map<(t, s, g, o, y, x, ky, kx, i) -> (g * 3 + o, i, ky, kx)>
#conv_out = affine_map<(t, s, g, o, y, x, ky, kx, i) -> (t, s, g * 3 + o, y, x)>
#tscyx = affine_map<(t, s, c, y, x) -> (t, s, c, y, x)>
#tscyx_c = affine_map<(t, s, c, y, x) -> (c)>
#scyx = affine_map<(s, c, y, x) -> (s, c, y, x)>
#scyx_none = affine_map<(s, c, y, x) -> ()>
// Windows of pooling.
#window = affine_map<(t, s, c, y, x, ky, kx) -> (t, s, c, y, x)>
#pool3 = affine_map<(t, s, c, y, x, ky, kx) -> (t, s, c, y * 2 + ky - 1, x * 2 + kx - 1)>
#pool2 = affine_map<(t, s, c, y, x, ky, kx) -> (t, s, c, y * 2 + ky, x * 2 + kx)>
#average = affine_map<(t, s, c, y, x, ky, kx) -> (t, s, c, y + ky - 1, x + kx - 1)>
#flat = affine_map<(t, s, c, y, x) -> (t, s, c * 9 + y * 3 + x)>
// The linear layer.
#in = affine_map<(t, s, o, i) -> (t, s, i)>
#out = affine_map<(t, s, o, i) -> (t, s, o)>
#weight = affine_map<(t, s, o, i) -> (o, i)>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_n = affine_map<(t, s, n) -> (n)>
#tsn_none = affine_map<(t, s, n) -> ()>

func.func @loss(
    %input: !image {snn.bind = @input}, %seed: !ts7 {snn.bind = @seed},
    %k: !kernel {snn.bind = @"0.weight"}, %kb: !channel {snn.bind = @"0.bias"}, %beta: !real {snn.bind = @"2.beta"},
    %w: !w {snn.bind = @"6.weight"}, %wb: !n7 {snn.bind = @"6.bias"})
    -> (!number {snn.bind = @loss}, !ts7 {snn.bind = @output}) {
  //
  // 18 terms in a sum: all of them are one run. What the padding would give is absent.
  %product = core.contract over [time, sample, 2, 3, 9, 9, 3, 3, 2] along [6, 7, 8] %input, %k by [#conv_in, #conv_weight]
      writes #conv_out : !image, !kernel -> !convolved
  %convolved = core.map over [time, sample, 6, 9, 9] reads(%product, %kb : !convolved, !channel) by [#tscyx, #tscyx_c]
      writes [#tscyx] -> !convolved {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %b : f32
    core.yield %y : f32
  }
  // The padding has no terms, so it never wins. The winner is ky * 3 + kx.
  %x1, %winner1 = core.fold max over [time, sample, 6, 5, 5, 3, 3] along [5, 6] reads(%convolved : !convolved) by [#pool3]
      writes #window -> !pooled winner !winner {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %rest = core.map over [sample, 6, 5, 5] reads() by [] writes [#scyx] -> !step {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %decay = core.map over [] reads(%beta : !real) by [#nothing] writes [#nothing] -> !real {
  ^bb0(%b: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %low = arith.maximumf %b, %zero : f32
    %y = arith.minimumf %low, %one : f32
    core.yield %y : f32
  }
  %spikes, %end = core.scan sliced(%x1 : !pooled) invariant(%decay : !real) init(%rest : !step)
      -> stacked(!spikes) final(!step) {
  ^bb0(%x: !step, %d0: !real, %m0: !step):
    %fires, %next = core.map over [sample, 6, 5, 5] reads(%x, %d0, %m0 : !step, !real, !step) by [#scyx, #scyx_none, #scyx]
        writes [#scyx, #scyx] -> !step_bits, !step {
    ^bb0(%a: f32, %d: f32, %m: f32):
      %zero = arith.constant 0.0 : f32
      %threshold = arith.constant 1.0 : f32
      %over = arith.subf %m, %threshold : f32
      %fired = arith.cmpf ogt, %over, %zero : f32
      %r = arith.uitofp %fired : i1 to f32
      %kept = arith.mulf %d, %m : f32
      %charged = arith.addf %kept, %a : f32
      %reset = arith.mulf %r, %threshold : f32
      %m1 = arith.subf %charged, %reset : f32
      %v = arith.subf %m1, %threshold : f32
      %spike = core.custom_vjp(%v) : (f32) -> i1 value {
      ^bb0(%over_by: f32):
        %nothing = arith.constant 0.0 : f32
        %fires = arith.cmpf ogt, %over_by, %nothing : f32
        core.yield %fires : i1
      } vjp {
      ^bb0(%over_by: f32, %fired_it: i1, %on_spike: f32):
        %unit = arith.constant 1.0 : f32
        %slope = arith.constant 25.0 : f32
        %abs = math.absf %over_by : f32
        %scaled = arith.mulf %slope, %abs : f32
        %more = arith.addf %scaled, %unit : f32
        %square = arith.mulf %more, %more : f32
        %derivative = arith.divf %unit, %square : f32
        %through = arith.mulf %on_spike, %derivative : f32
        core.yield %through : f32
      }
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires : !step_bits) next(%next : !step)
  }
  // All-zero windows: the first one wins.
  %x3, %winner3 = core.fold max over [time, sample, 6, 2, 2, 2, 2] along [5, 6] reads(%spikes : !spikes) by [#pool2]
      writes #window -> !small winner !small_winner {
  ^bb0(%spike: i1):
    %y = arith.uitofp %spike : i1 to f32
    core.yield %y : f32
  }
  // Absent terms count as zeros: the divisor is 4 everywhere.
  %x4 = core.fold add over [time, sample, 6, 3, 3, 2, 2] along [5, 6] reads(%x3 : !small) by [#average] writes #window -> !mean {
  ^bb0(%a: f32):
    %quarter = arith.constant 0.25 : f32
    %y = arith.mulf %a, %quarter : f32
    core.yield %y : f32
  }
  %x5 = core.map over [time, sample, 6, 3, 3] reads(%x4 : !mean) by [#tscyx] writes [#flat] -> !flat {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %product6 = core.contract over [time, sample, 7, 54] along [3] %x5, %w by [#in, #weight] writes #out
      : !flat, !w -> !ts7
  %output = core.map over [time, sample, 7] reads(%product6, %wb : !ts7, !n7) by [#tsn, #tsn_n] writes [#tsn] -> !ts7 {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %b : f32
    core.yield %y : f32
  }
  // What the host's gradient is the gradient of: 21 positions per sample, so 4 samples are a run.
  %loss = core.fold add over [time, sample, 7] along [1, 0, 2] reads(%output, %seed : !ts7, !ts7) by [#tsn, #tsn]
      writes #tsn_none -> !number {
  ^bb0(%a: f32, %g: f32):
    %a0 = arith.extf %a : f32 to f64
    %g0 = arith.extf %g : f32 to f64
    %y = arith.mulf %a0, %g0 : f64
    core.yield %y : f64
  }
  return %loss, %output : !number, !ts7
}
