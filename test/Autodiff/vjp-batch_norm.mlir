// Batch normalisation twice from one value: with statistics of everything and of each step. The text is the forward half of
// test/oracle/bptt/batch_norm.mlir, whose adjoint was written by hand: the pass agrees with what that must agree with.
// RUN: %snn-opt %s --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.mlir
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/batch_norm.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/batch_norm.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/batch_norm.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/batch_norm.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!channel = !core.array<3 x f32>
!step_channel = !core.array<time x 3 x f32>
!image = !core.array<time x sample x 3 x 4 x 4 x f32>

#c = affine_map<(c) -> (c)>
#c_none = affine_map<(c) -> ()>
#tc = affine_map<(t, c) -> (t, c)>
#tc_none = affine_map<(t, c) -> ()>
#tscyx = affine_map<(t, s, c, y, x) -> (t, s, c, y, x)>
#tscyx_c = affine_map<(t, s, c, y, x) -> (c)>
#tscyx_tc = affine_map<(t, s, c, y, x) -> (t, c)>
#tscyx_none = affine_map<(t, s, c, y, x) -> ()>

func.func @loss(
    %x: !image {snn.bind = @input}, %seed1: !image {snn.bind = @seed.all}, %seed2: !image {snn.bind = @seed.step},
    %gamma1: !channel {snn.bind = @"all.weight"}, %shift1: !channel {snn.bind = @"all.bias"},
    %gamma2: !channel {snn.bind = @"step.weight"}, %shift2: !channel {snn.bind = @"step.bias"},
    %running_mean: !channel {snn.bind = @"all.running_mean"}, %running_var: !channel {snn.bind = @"all.running_var"})
    -> (!number {snn.bind = @loss}, !image {snn.bind = @output.all}, !image {snn.bind = @output.step}, !channel {snn.bind = @"next.all.running_mean"}, !channel {snn.bind = @"next.all.running_var"}) {
  // How many elements a channel has, over everything and at one step.
  %count1 = core.fold add over [time, sample, 4, 4] along [1, 0, 2, 3] reads() by [] writes affine_map<(t, s, y, x) -> ()> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }
  %count2 = core.fold add over [sample, 4, 4] along [0, 1, 2] reads() by [] writes affine_map<(s, y, x) -> ()> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }

  // Over everything: 64 positions per sample, each sample is a run.
  %sum1 = core.fold add over [time, sample, 3, 4, 4] along [1, 0, 3, 4] reads(%x : !image) by [#tscyx] writes #tscyx_c -> !channel {
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
      by [#tscyx, #tscyx_c] writes #tscyx_c -> !channel {
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
  %sum2 = core.fold add over [time, sample, 3, 4, 4] along [1, 3, 4] reads(%x : !image) by [#tscyx] writes #tscyx_tc -> !step_channel {
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
      by [#tscyx, #tscyx_tc] writes #tscyx_tc -> !step_channel {
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
      by [#tscyx, #tscyx, #tscyx, #tscyx] writes #tscyx_none -> !number {
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
  return %loss, %output1, %output2, %next_mean, %next_var : !number, !image, !image, !channel, !channel
}
