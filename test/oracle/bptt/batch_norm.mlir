// Batch normalisation of 3 channels of 4 x 4, with the statistics of the batch, twice from the same value: once over time,
// samples and space, once with statistics of each time step. The value is used six times; its gradient is the sum of six.
// The host gives the gradients of both outputs. Running statistics move on by a tenth (variance without bias), the first from
// all steps; those of single steps take part in nothing and are left out.
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/batch_norm.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %S/batch_norm.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/batch_norm.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/batch_norm.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!channel = !core.array<3 x f32>
!step_channel = !core.array<time x 3 x f32>
!image = !core.array<time x sample x 3 x 4 x 4 x f32>

#nothing = affine_map<() -> ()>
#c = affine_map<(c) -> (c)>
#c_none = affine_map<(c) -> ()>
#tc = affine_map<(t, c) -> (t, c)>
#tc_none = affine_map<(t, c) -> ()>
#tscyx = affine_map<(t, s, c, y, x) -> (t, s, c, y, x)>
#tscyx_c = affine_map<(t, s, c, y, x) -> (c)>
#tscyx_tc = affine_map<(t, s, c, y, x) -> (t, c)>
#tscyx_none = affine_map<(t, s, c, y, x) -> ()>

func.func @loss_and_gradient(
    %x: !image {snn.bind = @input}, %seed1: !image {snn.bind = @seed.all}, %seed2: !image {snn.bind = @seed.step},
    %gamma1: !channel {snn.bind = @"all.weight"}, %shift1: !channel {snn.bind = @"all.bias"},
    %gamma2: !channel {snn.bind = @"step.weight"}, %shift2: !channel {snn.bind = @"step.bias"},
    %running_mean: !channel {snn.bind = @"all.running_mean"}, %running_var: !channel {snn.bind = @"all.running_var"})
    -> (!number {snn.bind = @loss}, !image {snn.bind = @output.all}, !image {snn.bind = @output.step},
        !channel {snn.bind = @"next.all.running_mean"}, !channel {snn.bind = @"next.all.running_var"}, !image {snn.bind = @grad.input},
        !channel {snn.bind = @"grad.all.weight"}, !channel {snn.bind = @"grad.all.bias"},
        !channel {snn.bind = @"grad.step.weight"}, !channel {snn.bind = @"grad.step.bias"}) {
  // ---- Forward. How many elements a channel has, over everything and at one step.
  %count1 = core.fold add over [time, sample, 4, 4] along [1, 0, 2, 3] reads() by [] writes affine_map<(t, s, y, x) -> ()>
      order <run = 64, parts = 16, part = 256, descending = true> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }
  %count2 = core.fold add over [sample, 4, 4] along [0, 1, 2] reads() by [] writes affine_map<(s, y, x) -> ()>
      order <run = 64, parts = 16, part = 256> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }

  // Over everything: 64 positions per sample, each sample is a run.
  %sum1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%x : !image) by [#tscyx] writes #tscyx_c
      order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %mean1 = core.map over [3] reads(%sum1, %count1 : !channel, !number) by [#c, #c_none] writes [#c] -> !channel {
  ^bb0(%a: f32, %count: f64):
    %k = arith.truncf %count : f64 to f32
    %y = arith.divf %a, %k : f32
    core.yield %y : f32
  }
  // Squares of what is left without the mean: a second pass, exact where the mean is large.
  %squares1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%x, %mean1 : !image, !channel)
      by [#tscyx, #tscyx_c] writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%a: f32, %m: f32):
    %d = arith.subf %a, %m : f32
    %y = arith.mulf %d, %d : f32
    core.yield %y : f32
  }
  %scale1 = core.map over [3] reads(%squares1, %count1 : !channel, !number) by [#c, #c_none] writes [#c] -> !channel {
  ^bb0(%q: f32, %count: f64):
    %one = arith.constant 1.0 : f32
    %eps = arith.constant 1.0e-05 : f32
    %k = arith.truncf %count : f64 to f32
    %var = arith.divf %q, %k : f32
    %more = arith.addf %var, %eps : f32
    %root = math.sqrt %more : f32
    %y = arith.divf %one, %root : f32
    core.yield %y : f32
  }
  %output1 = core.map over [time, sample, 3, 4, 4] reads(%x, %mean1, %scale1, %gamma1, %shift1 : !image, !channel, !channel, !channel, !channel)
      by [#tscyx, #tscyx_c, #tscyx_c, #tscyx_c, #tscyx_c] writes [#tscyx] -> !image {
  ^bb0(%a: f32, %m: f32, %r: f32, %g: f32, %b: f32):
    %d = arith.subf %a, %m : f32
    %normal = arith.mulf %d, %r : f32
    %scaled = arith.mulf %normal, %g : f32
    %y = arith.addf %scaled, %b : f32
    core.yield %y : f32
  }

  // Per step: 16 positions per sample, 4 samples are a run. Time is a dim like channels.
  %sum2 = core.fold add over [time, sample, 3, 4, 4] along [1, 3, 4] reads(%x : !image) by [#tscyx] writes #tscyx_tc
      order <run = 64, parts = 16, part = 256> -> !step_channel {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %mean2 = core.map over [time, 3] reads(%sum2, %count2 : !step_channel, !number) by [#tc, #tc_none] writes [#tc] -> !step_channel {
  ^bb0(%a: f32, %count: f64):
    %k = arith.truncf %count : f64 to f32
    %y = arith.divf %a, %k : f32
    core.yield %y : f32
  }
  // Squares of what is left without the mean: a second pass, exact where the mean is large.
  %squares2 = core.fold add over [time, sample, 3, 4, 4] along [1, 3, 4] reads(%x, %mean2 : !image, !step_channel)
      by [#tscyx, #tscyx_tc] writes #tscyx_tc order <run = 64, parts = 16, part = 256> -> !step_channel {
  ^bb0(%a: f32, %m: f32):
    %d = arith.subf %a, %m : f32
    %y = arith.mulf %d, %d : f32
    core.yield %y : f32
  }
  %scale2 = core.map over [time, 3] reads(%squares2, %count2 : !step_channel, !number) by [#tc, #tc_none] writes [#tc] -> !step_channel {
  ^bb0(%q: f32, %count: f64):
    %one = arith.constant 1.0 : f32
    %eps = arith.constant 1.0e-05 : f32
    %k = arith.truncf %count : f64 to f32
    %var = arith.divf %q, %k : f32
    %more = arith.addf %var, %eps : f32
    %root = math.sqrt %more : f32
    %y = arith.divf %one, %root : f32
    core.yield %y : f32
  }
  %output2 = core.map over [time, sample, 3, 4, 4] reads(%x, %mean2, %scale2, %gamma2, %shift2 : !image, !step_channel, !step_channel, !channel, !channel)
      by [#tscyx, #tscyx_tc, #tscyx_tc, #tscyx_c, #tscyx_c] writes [#tscyx] -> !image {
  ^bb0(%a: f32, %m: f32, %r: f32, %g: f32, %b: f32):
    %d = arith.subf %a, %m : f32
    %normal = arith.mulf %d, %r : f32
    %scaled = arith.mulf %normal, %g : f32
    %y = arith.addf %scaled, %b : f32
    core.yield %y : f32
  }

  // Running statistics.
  %next_mean, %next_var = core.map over [3] reads(%running_mean, %running_var, %mean1, %squares1, %count1 : !channel, !channel, !channel, !channel, !number)
      by [#c, #c, #c, #c, #c_none] writes [#c, #c] -> !channel, !channel {
  ^bb0(%rm: f32, %rv: f32, %m: f32, %q: f32, %count: f64):
    %one = arith.constant 1.0 : f64
    %keep = arith.constant 0.9 : f32
    %take = arith.constant 0.1 : f32
    %less = arith.subf %count, %one : f64
    %k = arith.truncf %less : f64 to f32
    %var = arith.divf %q, %k : f32
    %a = arith.mulf %keep, %rm : f32
    %b = arith.mulf %take, %m : f32
    %c = arith.addf %a, %b : f32
    %d = arith.mulf %keep, %rv : f32
    %e = arith.mulf %take, %var : f32
    %f = arith.addf %d, %e : f32
    core.yield %c, %f : f32, f32
  }
  // What the host's gradients are the gradients of.
  %loss = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 2, 3, 4] reads(%output1, %seed1, %output2, %seed2 : !image, !image, !image, !image)
      by [#tscyx, #tscyx, #tscyx, #tscyx] writes #tscyx_none order <run = 64, parts = 16, part = 256, descending = true> -> !number {
  ^bb0(%y1: f32, %g1: f32, %y2: f32, %g2: f32):
    %a = arith.extf %y1 : f32 to f64
    %b = arith.extf %g1 : f32 to f64
    %c = arith.extf %y2 : f32 to f64
    %d = arith.extf %g2 : f32 to f64
    %ab = arith.mulf %a, %b : f64
    %cd = arith.mulf %c, %d : f64
    %y = arith.addf %ab, %cd : f64
    core.yield %y : f64
  }

  // ---- Backward. Time descends in sums.

  // Over everything.
  // Of the output: to its five operands. That to the value is a map, the others lack dims and are folds.
  %d_x_output1 = core.map over [time, sample, 3, 4, 4] reads(%seed1, %scale1, %gamma1 : !image, !channel, !channel)
      by [#tscyx, #tscyx_c, #tscyx_c] writes [#tscyx] -> !image {
  ^bb0(%g: f32, %r: f32, %w: f32):
    %a = arith.mulf %g, %w : f32
    %y = arith.mulf %a, %r : f32
    core.yield %y : f32
  }
  %d_mean_output1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%seed1, %scale1, %gamma1 : !image, !channel, !channel)
      by [#tscyx, #tscyx_c, #tscyx_c] writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32, %r: f32, %w: f32):
    %a = arith.mulf %g, %w : f32
    %b = arith.mulf %a, %r : f32
    %y = arith.negf %b : f32
    core.yield %y : f32
  }
  %d_scale1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%seed1, %x, %mean1, %gamma1 : !image, !image, !channel, !channel)
      by [#tscyx, #tscyx, #tscyx_c, #tscyx_c] writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32, %a: f32, %m: f32, %w: f32):
    %d = arith.subf %a, %m : f32
    %b = arith.mulf %g, %w : f32
    %y = arith.mulf %b, %d : f32
    core.yield %y : f32
  }
  %d_gamma1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%seed1, %x, %mean1, %scale1 : !image, !image, !channel, !channel)
      by [#tscyx, #tscyx, #tscyx_c, #tscyx_c] writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32, %a: f32, %m: f32, %r: f32):
    %d = arith.subf %a, %m : f32
    %normal = arith.mulf %d, %r : f32
    %y = arith.mulf %g, %normal : f32
    core.yield %y : f32
  }
  %d_shift1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%seed1 : !image) by [#tscyx] writes #tscyx_c
      order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  // Of the scale, (squares / count + eps) ^ -1/2.
  %d_squares1 = core.map over [3] reads(%d_scale1, %scale1, %count1 : !channel, !channel, !number) by [#c, #c, #c_none]
      writes [#c] -> !channel {
  ^bb0(%g: f32, %r: f32, %count: f64):
    %half = arith.constant -0.5 : f32
    %k = arith.truncf %count : f64 to f32
    %a = arith.mulf %r, %r : f32
    %b = arith.mulf %a, %r : f32
    %c = arith.mulf %b, %half : f32
    %d = arith.mulf %c, %g : f32
    %y = arith.divf %d, %k : f32
    core.yield %y : f32
  }
  // Of the squares, to the value and to the mean (which is 0 but for rounding: the rules do not know).
  %d_x_squares1 = core.map over [time, sample, 3, 4, 4] reads(%d_squares1, %x, %mean1 : !channel, !image, !channel)
      by [#tscyx_c, #tscyx, #tscyx_c] writes [#tscyx] -> !image {
  ^bb0(%g: f32, %a: f32, %m: f32):
    %two = arith.constant 2.0 : f32
    %d = arith.subf %a, %m : f32
    %b = arith.mulf %two, %d : f32
    %y = arith.mulf %b, %g : f32
    core.yield %y : f32
  }
  %d_mean_squares1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%d_squares1, %x, %mean1 : !channel, !image, !channel)
      by [#tscyx_c, #tscyx, #tscyx_c] writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32, %a: f32, %m: f32):
    %two = arith.constant -2.0 : f32
    %d = arith.subf %a, %m : f32
    %b = arith.mulf %two, %d : f32
    %y = arith.mulf %b, %g : f32
    core.yield %y : f32
  }
  // Of the mean: two uses, in the order of the text, then divided for the sum.
  %d_sum1 = core.map over [3] reads(%d_mean_squares1, %d_mean_output1, %count1 : !channel, !channel, !number)
      by [#c, #c, #c_none] writes [#c] -> !channel {
  ^bb0(%a: f32, %b: f32, %count: f64):
    %k = arith.truncf %count : f64 to f32
    %both = arith.addf %a, %b : f32
    %y = arith.divf %both, %k : f32
    core.yield %y : f32
  }
  // Of the sum: to each element.
  %d_x_sum1 = core.map over [time, sample, 3, 4, 4] reads(%d_sum1 : !channel) by [#tscyx_c] writes [#tscyx] -> !image {
  ^bb0(%g: f32):
    core.yield %g : f32
  }

  // Per step. Only the parameters' gradients sum over time.
  // Of the output: to its five operands. That to the value is a map, the others lack dims and are folds.
  %d_x_output2 = core.map over [time, sample, 3, 4, 4] reads(%seed2, %scale2, %gamma2 : !image, !step_channel, !channel)
      by [#tscyx, #tscyx_tc, #tscyx_c] writes [#tscyx] -> !image {
  ^bb0(%g: f32, %r: f32, %w: f32):
    %a = arith.mulf %g, %w : f32
    %y = arith.mulf %a, %r : f32
    core.yield %y : f32
  }
  %d_mean_output2 = core.fold add over [time, sample, 3, 4, 4] along [1, 3, 4] reads(%seed2, %scale2, %gamma2 : !image, !step_channel, !channel)
      by [#tscyx, #tscyx_tc, #tscyx_c] writes #tscyx_tc order <run = 64, parts = 16, part = 256> -> !step_channel {
  ^bb0(%g: f32, %r: f32, %w: f32):
    %a = arith.mulf %g, %w : f32
    %b = arith.mulf %a, %r : f32
    %y = arith.negf %b : f32
    core.yield %y : f32
  }
  %d_scale2 = core.fold add over [time, sample, 3, 4, 4] along [1, 3, 4] reads(%seed2, %x, %mean2, %gamma2 : !image, !image, !step_channel, !channel)
      by [#tscyx, #tscyx, #tscyx_tc, #tscyx_c] writes #tscyx_tc order <run = 64, parts = 16, part = 256> -> !step_channel {
  ^bb0(%g: f32, %a: f32, %m: f32, %w: f32):
    %d = arith.subf %a, %m : f32
    %b = arith.mulf %g, %w : f32
    %y = arith.mulf %b, %d : f32
    core.yield %y : f32
  }
  %d_gamma2 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%seed2, %x, %mean2, %scale2 : !image, !image, !step_channel, !step_channel)
      by [#tscyx, #tscyx, #tscyx_tc, #tscyx_tc] writes #tscyx_c order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32, %a: f32, %m: f32, %r: f32):
    %d = arith.subf %a, %m : f32
    %normal = arith.mulf %d, %r : f32
    %y = arith.mulf %g, %normal : f32
    core.yield %y : f32
  }
  %d_shift2 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%seed2 : !image) by [#tscyx] writes #tscyx_c
      order <run = 64, parts = 16, part = 256, descending = true> -> !channel {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  // Of the scale, (squares / count + eps) ^ -1/2.
  %d_squares2 = core.map over [time, 3] reads(%d_scale2, %scale2, %count2 : !step_channel, !step_channel, !number) by [#tc, #tc, #tc_none]
      writes [#tc] -> !step_channel {
  ^bb0(%g: f32, %r: f32, %count: f64):
    %half = arith.constant -0.5 : f32
    %k = arith.truncf %count : f64 to f32
    %a = arith.mulf %r, %r : f32
    %b = arith.mulf %a, %r : f32
    %c = arith.mulf %b, %half : f32
    %d = arith.mulf %c, %g : f32
    %y = arith.divf %d, %k : f32
    core.yield %y : f32
  }
  // Of the squares, to the value and to the mean (which is 0 but for rounding: the rules do not know).
  %d_x_squares2 = core.map over [time, sample, 3, 4, 4] reads(%d_squares2, %x, %mean2 : !step_channel, !image, !step_channel)
      by [#tscyx_tc, #tscyx, #tscyx_tc] writes [#tscyx] -> !image {
  ^bb0(%g: f32, %a: f32, %m: f32):
    %two = arith.constant 2.0 : f32
    %d = arith.subf %a, %m : f32
    %b = arith.mulf %two, %d : f32
    %y = arith.mulf %b, %g : f32
    core.yield %y : f32
  }
  %d_mean_squares2 = core.fold add over [time, sample, 3, 4, 4] along [1, 3, 4] reads(%d_squares2, %x, %mean2 : !step_channel, !image, !step_channel)
      by [#tscyx_tc, #tscyx, #tscyx_tc] writes #tscyx_tc order <run = 64, parts = 16, part = 256> -> !step_channel {
  ^bb0(%g: f32, %a: f32, %m: f32):
    %two = arith.constant -2.0 : f32
    %d = arith.subf %a, %m : f32
    %b = arith.mulf %two, %d : f32
    %y = arith.mulf %b, %g : f32
    core.yield %y : f32
  }
  // Of the mean: two uses, in the order of the text, then divided for the sum.
  %d_sum2 = core.map over [time, 3] reads(%d_mean_squares2, %d_mean_output2, %count2 : !step_channel, !step_channel, !number)
      by [#tc, #tc, #tc_none] writes [#tc] -> !step_channel {
  ^bb0(%a: f32, %b: f32, %count: f64):
    %k = arith.truncf %count : f64 to f32
    %both = arith.addf %a, %b : f32
    %y = arith.divf %both, %k : f32
    core.yield %y : f32
  }
  // Of the sum: to each element.
  %d_x_sum2 = core.map over [time, sample, 3, 4, 4] reads(%d_sum2 : !step_channel) by [#tscyx_tc] writes [#tscyx] -> !image {
  ^bb0(%g: f32):
    core.yield %g : f32
  }

  // The value: six uses, in the order of the text.
  %d_x = core.map over [time, sample, 3, 4, 4] reads(%d_x_sum1, %d_x_squares1, %d_x_output1, %d_x_sum2, %d_x_squares2, %d_x_output2 : !image, !image, !image, !image, !image, !image)
      by [#tscyx, #tscyx, #tscyx, #tscyx, #tscyx, #tscyx] writes [#tscyx] -> !image {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %e: f32, %f: f32):
    %ab = arith.addf %a, %b : f32
    %abc = arith.addf %ab, %c : f32
    %abcd = arith.addf %abc, %d : f32
    %abcde = arith.addf %abcd, %e : f32
    %y = arith.addf %abcde, %f : f32
    core.yield %y : f32
  }
  return %loss, %output1, %output2, %next_mean, %next_var, %d_x, %d_gamma1, %d_shift1, %d_gamma2, %d_shift2
      : !number, !image, !image, !channel, !channel, !image, !channel, !channel, !channel, !channel
}
