// Everything with windows. At each step: a convolution of 4 to 6 channels in 2 groups (kernel 3, stride 2, padding 1, bias),
// max pooling (kernel 3, stride 2, padding 1: windows overlap and reach outside), leaky, max pooling of spikes (kernel 2: the
// last row and column are in no window, most windows are all zero), average pooling (kernel 2, stride 1, padding 1, which
// counts), flatten, linear to 7. The host gives the gradient of the output.
//   4 x 18 x 18 -> 6 x 9 x 9 -> 6 x 5 x 5 -> 6 x 2 x 2 -> 6 x 3 x 3 -> 54 -> 7
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/convolution.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %S/convolution.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/convolution.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/convolution.want.safetensors --rtol=5e-5

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

func.func @loss_and_gradient(
    %input: !image {snn.bind = @input}, %seed: !ts7 {snn.bind = @seed},
    %k: !kernel {snn.bind = @"0.weight"}, %kb: !channel {snn.bind = @"0.bias"}, %beta: !real {snn.bind = @"2.beta"},
    %w: !w {snn.bind = @"6.weight"}, %wb: !n7 {snn.bind = @"6.bias"})
    -> (!number {snn.bind = @loss}, !ts7 {snn.bind = @output},
        !image {snn.bind = @grad.input}, !kernel {snn.bind = @"grad.0.weight"}, !channel {snn.bind = @"grad.0.bias"}, !real {snn.bind = @"grad.2.beta"},
        !w {snn.bind = @"grad.6.weight"}, !n7 {snn.bind = @"grad.6.bias"}) {
  // ---- Forward.
  // 18 terms in a sum: all of them are one run. What the padding would give is absent.
  %product = core.contract over [time, sample, 2, 3, 9, 9, 3, 3, 2] along [6, 7, 8] %input, %k by [#conv_in, #conv_weight]
      writes #conv_out order <group = 1> : !image, !kernel -> !convolved
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
  %spikes, %mem, %before, %end = core.scan sliced(%x1 : !pooled) invariant(%decay : !real) init(%rest : !step)
      -> stacked(!spikes, !pooled, !pooled) final(!step) {
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
      %spike = arith.cmpf ogt, %v, %zero : f32
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires, %next, %m0 : !step_bits, !step, !step) next(%next : !step)
  }
  // All-zero windows: the first one wins.
  %x3, %winner3 = core.fold max over [time, sample, 6, 2, 2, 2, 2] along [5, 6] reads(%spikes : !spikes) by [#pool2]
      writes #window -> !small winner !small_winner {
  ^bb0(%spike: i1):
    %y = arith.uitofp %spike : i1 to f32
    core.yield %y : f32
  }
  // Absent terms count as zeros: the divisor is 4 everywhere.
  %x4 = core.fold add over [time, sample, 6, 3, 3, 2, 2] along [5, 6] reads(%x3 : !small) by [#average] writes #window
      order <group = 1> -> !mean {
  ^bb0(%a: f32):
    %quarter = arith.constant 0.25 : f32
    %y = arith.mulf %a, %quarter : f32
    core.yield %y : f32
  }
  %x5 = core.map over [time, sample, 6, 3, 3] reads(%x4 : !mean) by [#tscyx] writes [#flat] -> !flat {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %product6 = core.contract over [time, sample, 7, 54] along [3] %x5, %w by [#in, #weight] writes #out order <group = 1>
      : !flat, !w -> !ts7
  %output = core.map over [time, sample, 7] reads(%product6, %wb : !ts7, !n7) by [#tsn, #tsn_n] writes [#tsn] -> !ts7 {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %b : f32
    core.yield %y : f32
  }
  // What the host's gradient is the gradient of: 21 positions per sample, so 4 samples are a run.
  %loss = core.fold add over [time, sample, 7] along [1, 0, 2] reads(%output, %seed : !ts7, !ts7) by [#tsn, #tsn]
      writes #tsn_none order <run = 64, parts = 16, part = 256, descending = true> -> !number {
  ^bb0(%a: f32, %g: f32):
    %a0 = arith.extf %a : f32 to f64
    %g0 = arith.extf %g : f32 to f64
    %y = arith.mulf %a0, %g0 : f64
    core.yield %y : f64
  }

  // ---- Backward. The gradient of the output is %seed.
  %d_wb = core.fold add over [time, sample, 7] along [1, 0] reads(%seed : !ts7) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n7 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w = core.contract over [time, sample, 7, 54] along [1, 0] %seed, %x5 by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts7, !flat -> !w
  %d_x5 = core.contract over [time, sample, 7, 54] along [2] %seed, %w by [#out, #weight] writes #in order <group = 1>
      : !ts7, !w -> !flat
  // Flatten: read and write map change places.
  %d_x4 = core.map over [time, sample, 6, 3, 3] reads(%d_x5 : !flat) by [#flat] writes [#tscyx] -> !mean {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  // Average pooling: the fold with maps exchanged. What would be written outside has no place.
  %d_x3 = core.fold add over [time, sample, 6, 3, 3, 2, 2] along [5, 6] reads(%d_x4 : !mean) by [#window] writes #average
      order <group = 1> -> !small {
  ^bb0(%g: f32):
    %quarter = arith.constant 0.25 : f32
    %y = arith.mulf %g, %quarter : f32
    core.yield %y : f32
  }
  // Max pooling: each window gives its gradient to its winner. Windows of kernel 2 do not overlap, so this is a map, and the
  // last row and column, which no window reads, are +0.
  %d_spikes = core.map over [time, sample, 6, 2, 2, 2, 2] reads(%d_x3, %winner3 : !small, !small_winner) by [#window, #window]
      writes [#pool2] -> !pooled {
  ^bb0(%g: f32, %winner: i32):
    %zero = arith.constant 0.0 : f32
    %two = arith.constant 2 : i64
    %ky = core.index 5
    %kx = core.index 6
    %row = arith.muli %ky, %two : i64
    %here = arith.addi %row, %kx : i64
    %won = arith.extsi %winner : i32 to i64
    %is = arith.cmpi eq, %here, %won : i64
    %y = arith.select %is, %g, %zero : f32
    core.yield %y : f32
  }
  %no_gradient = core.map over [sample, 6, 5, 5] reads() by [] writes [#scyx] -> !step {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_x1, %d_start = core.scan reverse sliced(%d_spikes, %mem : !pooled, !pooled) invariant(%decay : !real)
      init(%no_gradient : !step) -> stacked(!pooled) final(!step) {
  ^bb0(%g: !step, %m0: !step, %d0: !real, %later: !step):
    %d_mem, %earlier = core.map over [sample, 6, 5, 5] reads(%g, %m0, %d0, %later : !step, !step, !real, !step)
        by [#scyx, #scyx, #scyx_none, #scyx] writes [#scyx, #scyx] -> !step, !step {
    ^bb0(%gs: f32, %m: f32, %d: f32, %l: f32):
      %one = arith.constant 1.0 : f32
      %slope = arith.constant 25.0 : f32
      %threshold = arith.constant 1.0 : f32
      %v = arith.subf %m, %threshold : f32
      %abs = math.absf %v : f32
      %scaled = arith.mulf %slope, %abs : f32
      %more = arith.addf %scaled, %one : f32
      %square = arith.mulf %more, %more : f32
      %derivative = arith.divf %one, %square : f32
      %through = arith.mulf %gs, %derivative : f32
      %delta = arith.addf %through, %l : f32
      %back = arith.mulf %d, %delta : f32
      core.yield %delta, %back : f32, f32
    }
    core.step stacked(%d_mem : !step) next(%earlier : !step)
  }
  // 450 positions per sample: each sample is a run.
  %d_decay = core.contract over [time, sample, 6, 5, 5] along [1, 0, 2, 3, 4] %d_x1, %before by [#tscyx, #tscyx]
      writes affine_map<(t, s, c, y, x) -> ()> order <run = 64, parts = 16, part = 256, descending = true>
      : !pooled, !pooled -> !real
  %d_beta = core.map over [] reads(%d_decay, %beta : !real, !real) by [#nothing, #nothing] writes [#nothing] -> !real {
  ^bb0(%g: f32, %b: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %above = arith.cmpf oge, %b, %zero : f32
    %below = arith.cmpf ole, %b, %one : f32
    %inside = arith.andi %above, %below : i1
    %y = arith.select %inside, %g, %zero : f32
    core.yield %y : f32
  }
  // Windows of kernel 3 overlap: up to four of them give to one element, which is a fold.
  %d_convolved = core.fold add over [time, sample, 6, 5, 5, 3, 3] along [5, 6] reads(%d_x1, %winner1 : !pooled, !winner)
      by [#window, #window] writes #pool3 order <group = 1> -> !convolved {
  ^bb0(%g: f32, %winner: i32):
    %zero = arith.constant 0.0 : f32
    %three = arith.constant 3 : i64
    %ky = core.index 5
    %kx = core.index 6
    %row = arith.muli %ky, %three : i64
    %here = arith.addi %row, %kx : i64
    %won = arith.extsi %winner : i32 to i64
    %is = arith.cmpi eq, %here, %won : i64
    %y = arith.select %is, %g, %zero : f32
    core.yield %y : f32
  }
  // The convolution: 243 positions per sample.
  %d_kb = core.fold add over [time, sample, 6, 9, 9] along [1, 0, 3, 4] reads(%d_convolved : !convolved) by [#tscyx]
      writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_k = core.contract over [time, sample, 2, 3, 9, 9, 3, 3, 2] along [1, 0, 4, 5] %d_convolved, %input
      by [#conv_out, #conv_in] writes #conv_weight order <run = 64, parts = 16, part = 256, descending = true>
      : !convolved, !image -> !kernel
  // Which windows reach an element depends on (ky, kx) alone: of those that would have to start between two strides, no
  // point is there to write.
  %d_input = core.contract over [time, sample, 2, 3, 9, 9, 3, 3, 2] along [3, 6, 7] %d_convolved, %k
      by [#conv_out, #conv_weight] writes #conv_in order <group = 1> : !convolved, !kernel -> !image
  return %loss, %output, %d_input, %d_k, %d_kb, %d_beta, %d_w, %d_wb
      : !number, !ts7, !image, !kernel, !channel, !real, !w, !n7
}
