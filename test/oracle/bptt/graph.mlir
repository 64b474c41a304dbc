// A graph: linear 6 -> 8, leaky a with a learned threshold for each neuron. Its spikes have three uses: through a dropout
// mask (the same at each step) and linear 8 -> 8 into leaky b; beside b's in concat(a, b) -> linear 16 -> 5; and in
// add(a, b) -> linear 8 -> 5. The host gives the gradients of both outputs.
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/graph.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %S/graph.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/graph.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/graph.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!n8 = !core.array<8 x f32>
!w_a = !core.array<8 x 6 x f32>
!w_b = !core.array<8 x 8 x f32>
!w_concat = !core.array<5 x 16 x f32>
!w_add = !core.array<5 x 8 x f32>
!mask = !core.array<sample x 8 x i1>
!s8 = !core.array<sample x 8 x f32>
!bits8 = !core.array<sample x 8 x i1>
!ts5 = !core.array<time x sample x 5 x f32>
!ts6 = !core.array<time x sample x 6 x f32>
!ts8 = !core.array<time x sample x 8 x f32>
!ts16 = !core.array<time x sample x 16 x f32>
!spikes8 = !core.array<time x sample x 8 x i1>
!spikes16 = !core.array<time x sample x 16 x i1>

#sn = affine_map<(s, n) -> (s, n)>
#sn_n = affine_map<(s, n) -> (n)>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_sn = affine_map<(t, s, n) -> (s, n)>
#tsn_n = affine_map<(t, s, n) -> (n)>
#tsn_none = affine_map<(t, s, n) -> ()>
// Where neuron n of a concatenation is in its second part.
#second = affine_map<(t, s, n) -> (t, s, n - 8)>
#in = affine_map<(t, s, o, i) -> (t, s, i)>
#out = affine_map<(t, s, o, i) -> (t, s, o)>
#weight = affine_map<(t, s, o, i) -> (o, i)>

func.func @loss_and_gradient(
    %input: !ts6 {snn.bind = @input}, %mask: !mask {snn.bind = @mask}, %seed_concat: !ts5 {snn.bind = @seed.concat}, %seed_add: !ts5 {snn.bind = @seed.add},
    %w_a: !w_a {snn.bind = @a.weight}, %threshold: !n8 {snn.bind = @a.threshold}, %w_b: !w_b {snn.bind = @b.weight},
    %w_concat: !w_concat {snn.bind = @concat.weight}, %w_add: !w_add {snn.bind = @add.weight})
    -> (!number {snn.bind = @loss}, !ts8 {snn.bind = @membrane.a}, !ts8 {snn.bind = @membrane.b}, !ts6 {snn.bind = @grad.input},
        !w_a {snn.bind = @grad.a.weight}, !n8 {snn.bind = @grad.a.threshold}, !w_b {snn.bind = @grad.b.weight},
        !w_concat {snn.bind = @grad.concat.weight}, !w_add {snn.bind = @grad.add.weight}) {
  // ---- Forward. Layer a.
  %x_a = core.contract over [time, sample, 8, 6] along [3] %input, %w_a by [#in, #weight] writes #out order <group = 1>
      : !ts6, !w_a -> !ts8
  %rest_a = core.map over [sample, 8] reads() by [] writes [#sn] -> !s8 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %a, %mem_a, %before_a, %end_a = core.scan sliced(%x_a : !ts8) invariant(%threshold : !n8) init(%rest_a : !s8)
      -> stacked(!spikes8, !ts8, !ts8) final(!s8) {
  ^bb0(%x0: !s8, %theta0: !n8, %m0: !s8):
    %fires, %next = core.map over [sample, 8] reads(%x0, %theta0, %m0 : !s8, !n8, !s8) by [#sn, #sn_n, #sn]
        writes [#sn, #sn] -> !bits8, !s8 {
    ^bb0(%x: f32, %theta: f32, %m: f32):
      %zero = arith.constant 0.0 : f32
      %decay = arith.constant 0.75 : f32
      %over = arith.subf %m, %theta : f32
      %fired = arith.cmpf ogt, %over, %zero : f32
      %r = arith.uitofp %fired : i1 to f32
      %kept = arith.mulf %decay, %m : f32
      %charged = arith.addf %kept, %x : f32
      %reset = arith.mulf %r, %theta : f32
      %m1 = arith.subf %charged, %reset : f32
      %v = arith.subf %m1, %theta : f32
      %spike = arith.cmpf ogt, %v, %zero : f32
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires, %next, %m0 : !bits8, !s8, !s8) next(%next : !s8)
  }
  // Dropout with p = 1/2: the mask lacks time.
  %dropped = core.map over [time, sample, 8] reads(%a, %mask : !spikes8, !mask) by [#tsn, #tsn_sn] writes [#tsn] -> !ts8 {
  ^bb0(%spike: i1, %keep: i1):
    %zero = arith.constant 0.0 : f32
    %scale = arith.constant 2.0 : f32
    %s = arith.uitofp %spike : i1 to f32
    %scaled = arith.mulf %s, %scale : f32
    %y = arith.select %keep, %scaled, %zero : f32
    core.yield %y : f32
  }
  // Layer b.
  %x_b = core.contract over [time, sample, 8, 8] along [3] %dropped, %w_b by [#in, #weight] writes #out order <group = 1>
      : !ts8, !w_b -> !ts8
  %rest_b = core.map over [sample, 8] reads() by [] writes [#sn] -> !s8 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %b, %mem_b, %end_b = core.scan sliced(%x_b : !ts8) invariant() init(%rest_b : !s8) -> stacked(!spikes8, !ts8) final(!s8) {
  ^bb0(%x0: !s8, %m0: !s8):
    %fires, %next = core.map over [sample, 8] reads(%x0, %m0 : !s8, !s8) by [#sn, #sn] writes [#sn, #sn] -> !bits8, !s8 {
    ^bb0(%x: f32, %m: f32):
      %zero = arith.constant 0.0 : f32
      %theta = arith.constant 1.0 : f32
      %decay = arith.constant 0.75 : f32
      %over = arith.subf %m, %theta : f32
      %fired = arith.cmpf ogt, %over, %zero : f32
      %r = arith.uitofp %fired : i1 to f32
      %kept = arith.mulf %decay, %m : f32
      %charged = arith.addf %kept, %x : f32
      %reset = arith.mulf %r, %theta : f32
      %m1 = arith.subf %charged, %reset : f32
      %v = arith.subf %m1, %theta : f32
      %spike = arith.cmpf ogt, %v, %zero : f32
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires, %next : !bits8, !s8) next(%next : !s8)
  }
  // concat: each part reads as silent where it has no neuron.
  %both = core.map over [time, sample, 16] reads(%a, %b : !spikes8, !spikes8) by [#tsn, #second] writes [#tsn]
      {absent = [false, false]} -> !spikes16 {
  ^bb0(%first: i1, %second: i1):
    %eight = arith.constant 8 : i64
    %n = core.index 2
    %is = arith.cmpi slt, %n, %eight : i64
    %y = arith.select %is, %first, %second : i1
    core.yield %y : i1
  }
  %output_concat = core.contract over [time, sample, 5, 16] along [3] %both, %w_concat by [#in, #weight] writes #out
      order <group = 4> : !spikes16, !w_concat -> !ts5
  // add: 0, 1 or 2 at once.
  %sum = core.map over [time, sample, 8] reads(%a, %b : !spikes8, !spikes8) by [#tsn, #tsn] writes [#tsn] -> !ts8 {
  ^bb0(%first: i1, %second: i1):
    %f = arith.uitofp %first : i1 to f32
    %s = arith.uitofp %second : i1 to f32
    %y = arith.addf %f, %s : f32
    core.yield %y : f32
  }
  %output_add = core.contract over [time, sample, 5, 8] along [3] %sum, %w_add by [#in, #weight] writes #out order <group = 1>
      : !ts8, !w_add -> !ts5
  // What the host's gradients are the gradients of: 25 positions per sample, 4 samples are a run.
  %loss = core.fold add over [time, sample, 5] along [1, 0, 2] reads(%output_concat, %seed_concat, %output_add, %seed_add : !ts5, !ts5, !ts5, !ts5)
      by [#tsn, #tsn, #tsn, #tsn] writes #tsn_none order <run = 64, parts = 16, part = 256, descending = true> -> !number {
  ^bb0(%y1: f32, %g1: f32, %y2: f32, %g2: f32):
    %p = arith.extf %y1 : f32 to f64
    %q = arith.extf %g1 : f32 to f64
    %r = arith.extf %y2 : f32 to f64
    %s = arith.extf %g2 : f32 to f64
    %pq = arith.mulf %p, %q : f64
    %rs = arith.mulf %r, %s : f64
    %y = arith.addf %pq, %rs : f64
    core.yield %y : f64
  }

  // ---- Backward. add.
  %d_w_add = core.contract over [time, sample, 5, 8] along [1, 0] %seed_add, %sum by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts5, !ts8 -> !w_add
  %d_sum = core.contract over [time, sample, 5, 8] along [2] %seed_add, %w_add by [#out, #weight] writes #in order <group = 1>
      : !ts5, !w_add -> !ts8
  // concat: the map's read maps write; neurons of the other part are written outside, which has no place.
  %d_w_concat = core.contract over [time, sample, 5, 16] along [1, 0] %seed_concat, %both by [#out, #in] writes #weight
      order <group = 4, run = 64, parts = 16, part = 256, descending = true> : !ts5, !spikes16 -> !w_concat
  %d_both = core.contract over [time, sample, 5, 16] along [2] %seed_concat, %w_concat by [#out, #weight] writes #in order <group = 1>
      : !ts5, !w_concat -> !ts16
  %d_a_concat, %d_b_concat = core.map over [time, sample, 16] reads(%d_both : !ts16) by [#tsn] writes [#tsn, #second] -> !ts8, !ts8 {
  ^bb0(%g: f32):
    %zero = arith.constant 0.0 : f32
    %eight = arith.constant 8 : i64
    %n = core.index 2
    %is = arith.cmpi slt, %n, %eight : i64
    %first = arith.select %is, %g, %zero : f32
    %second = arith.select %is, %zero, %g : f32
    core.yield %first, %second : f32, f32
  }
  // b's spikes: two uses, in the order of the text. add's gradient goes to each of its operands as it is.
  %d_b = core.map over [time, sample, 8] reads(%d_b_concat, %d_sum : !ts8, !ts8) by [#tsn, #tsn] writes [#tsn] -> !ts8 {
  ^bb0(%g1: f32, %g2: f32):
    %y = arith.addf %g1, %g2 : f32
    core.yield %y : f32
  }
  %no_gradient_b = core.map over [sample, 8] reads() by [] writes [#sn] -> !s8 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_mem_b, %d_start_b = core.scan reverse sliced(%d_b, %mem_b : !ts8, !ts8) invariant() init(%no_gradient_b : !s8)
      -> stacked(!ts8) final(!s8) {
  ^bb0(%g0: !s8, %m0: !s8, %later: !s8):
    %delta0, %earlier = core.map over [sample, 8] reads(%g0, %m0, %later : !s8, !s8, !s8) by [#sn, #sn, #sn]
        writes [#sn, #sn] -> !s8, !s8 {
    ^bb0(%gs: f32, %m: f32, %l: f32):
      %one = arith.constant 1.0 : f32
      %slope = arith.constant 25.0 : f32
      %theta = arith.constant 1.0 : f32
      %decay = arith.constant 0.75 : f32
      %v = arith.subf %m, %theta : f32
      %abs = math.absf %v : f32
      %scaled = arith.mulf %slope, %abs : f32
      %more = arith.addf %scaled, %one : f32
      %square = arith.mulf %more, %more : f32
      %derivative = arith.divf %one, %square : f32
      %through = arith.mulf %gs, %derivative : f32
      %delta = arith.addf %through, %l : f32
      %back = arith.mulf %decay, %delta : f32
      core.yield %delta, %back : f32, f32
    }
    core.step stacked(%delta0 : !s8) next(%earlier : !s8)
  }
  %d_w_b = core.contract over [time, sample, 8, 8] along [1, 0] %d_mem_b, %dropped by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts8, !ts8 -> !w_b
  %d_dropped = core.contract over [time, sample, 8, 8] along [2] %d_mem_b, %w_b by [#out, #weight] writes #in order <group = 1>
      : !ts8, !w_b -> !ts8
  %d_a_dropped = core.map over [time, sample, 8] reads(%d_dropped, %mask : !ts8, !mask) by [#tsn, #tsn_sn] writes [#tsn] -> !ts8 {
  ^bb0(%g: f32, %keep: i1):
    %zero = arith.constant 0.0 : f32
    %scale = arith.constant 2.0 : f32
    %scaled = arith.mulf %g, %scale : f32
    %y = arith.select %keep, %scaled, %zero : f32
    core.yield %y : f32
  }
  // a's spikes: three uses, in the order of the text.
  %d_a = core.map over [time, sample, 8] reads(%d_a_dropped, %d_a_concat, %d_sum : !ts8, !ts8, !ts8) by [#tsn, #tsn, #tsn]
      writes [#tsn] -> !ts8 {
  ^bb0(%g1: f32, %g2: f32, %g3: f32):
    %two = arith.addf %g1, %g2 : f32
    %y = arith.addf %two, %g3 : f32
    core.yield %y : f32
  }
  // The threshold is an invariant whose gradient is no product of two stacked values: its terms are stacked and folded.
  %no_gradient_a = core.map over [sample, 8] reads() by [] writes [#sn] -> !s8 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_mem_a, %d_theta_a, %d_start_a = core.scan reverse sliced(%d_a, %mem_a, %before_a : !ts8, !ts8, !ts8) invariant(%threshold : !n8)
      init(%no_gradient_a : !s8) -> stacked(!ts8, !ts8) final(!s8) {
  ^bb0(%g0: !s8, %m0: !s8, %before0: !s8, %theta0: !n8, %later: !s8):
    %delta0, %d_theta0, %earlier = core.map over [sample, 8] reads(%g0, %m0, %before0, %theta0, %later : !s8, !s8, !s8, !n8, !s8)
        by [#sn, #sn, #sn, #sn_n, #sn] writes [#sn, #sn, #sn] -> !s8, !s8, !s8 {
    ^bb0(%gs: f32, %m: f32, %mb: f32, %theta: f32, %l: f32):
      %zero = arith.constant 0.0 : f32
      %one = arith.constant 1.0 : f32
      %slope = arith.constant 25.0 : f32
      %decay = arith.constant 0.75 : f32
      %over = arith.subf %mb, %theta : f32
      %fired = arith.cmpf ogt, %over, %zero : f32
      %r = arith.uitofp %fired : i1 to f32
      %v = arith.subf %m, %theta : f32
      %abs = math.absf %v : f32
      %scaled = arith.mulf %slope, %abs : f32
      %more = arith.addf %scaled, %one : f32
      %square = arith.mulf %more, %more : f32
      %derivative = arith.divf %one, %square : f32
      %through = arith.mulf %gs, %derivative : f32
      %delta = arith.addf %through, %l : f32
      %by_reset = arith.mulf %r, %delta : f32
      %both_ways = arith.addf %through, %by_reset : f32
      %d_theta = arith.negf %both_ways : f32
      %back = arith.mulf %decay, %delta : f32
      core.yield %delta, %d_theta, %back : f32, f32, f32
    }
    core.step stacked(%delta0, %d_theta0 : !s8, !s8) next(%earlier : !s8)
  }
  %d_threshold = core.fold add over [time, sample, 8] along [1, 0] reads(%d_theta_a : !ts8) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n8 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w_a = core.contract over [time, sample, 8, 6] along [1, 0] %d_mem_a, %input by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts8, !ts6 -> !w_a
  %d_input = core.contract over [time, sample, 8, 6] along [2] %d_mem_a, %w_a by [#out, #weight] writes #in order <group = 1>
      : !ts8, !w_a -> !ts6
  return %loss, %mem_a, %mem_b, %d_input, %d_w_a, %d_threshold, %d_w_b, %d_w_concat, %d_w_add
      : !number, !ts8, !ts8, !ts6, !w_a, !n8, !w_b, !w_concat, !w_add
}
