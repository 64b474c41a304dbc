// Two leaky layers over time: linear 20 -> 16, leaky (beta learned, one number), linear 16 -> 10, leaky (beta learned, one
// per neuron), five classes of two neurons each, mse_count. Gradients of all parameters and of the input.
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/dense.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %S/dense.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/dense.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/dense.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!real = !core.array<f32>
!n10 = !core.array<10 x f32>
!n16 = !core.array<16 x f32>
!w1 = !core.array<16 x 20 x f32>
!w2 = !core.array<10 x 16 x f32>
!s5 = !core.array<sample x 5 x f32>
!s10 = !core.array<sample x 10 x f32>
!s16 = !core.array<sample x 16 x f32>
!bits10 = !core.array<sample x 10 x i1>
!bits16 = !core.array<sample x 16 x i1>
!labels = !core.array<sample x i64>
!ts10 = !core.array<time x sample x 10 x f32>
!ts16 = !core.array<time x sample x 16 x f32>
!ts20 = !core.array<time x sample x 20 x f32>
!spikes10 = !core.array<time x sample x 10 x i1>
!spikes16 = !core.array<time x sample x 16 x i1>

#nothing = affine_map<() -> ()>
#n = affine_map<(n) -> (n)>
// At one step.
#sn = affine_map<(s, n) -> (s, n)>
#sn_n = affine_map<(s, n) -> (n)>
#sn_s = affine_map<(s, n) -> (s)>
#sn_none = affine_map<(s, n) -> ()>
// Over time.
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_n = affine_map<(t, s, n) -> (n)>
#tsn_none = affine_map<(t, s, n) -> ()>
// A linear layer: o outputs, i inputs.
#in = affine_map<(t, s, o, i) -> (t, s, i)>
#out = affine_map<(t, s, o, i) -> (t, s, o)>
#weight = affine_map<(t, s, o, i) -> (o, i)>
// A population: neuron c * 2 + j belongs to class c.
#member = affine_map<(t, s, c, j) -> (t, s, c * 2 + j)>
#class = affine_map<(t, s, c, j) -> (s, c)>

func.func @loss_and_gradient(
    %input: !ts20 {snn.bind = @input}, %labels: !labels {snn.bind = @labels},
    %w1: !w1 {snn.bind = @"0.weight"}, %b1: !n16 {snn.bind = @"0.bias"}, %beta1: !real {snn.bind = @"1.beta"},
    %w2: !w2 {snn.bind = @"2.weight"}, %b2: !n10 {snn.bind = @"2.bias"}, %beta2: !n10 {snn.bind = @"3.beta"},
    %correct: !number {snn.bind = @correct}, %incorrect: !number {snn.bind = @incorrect})
    -> (!number {snn.bind = @loss}, !ts10 {snn.bind = @membrane},
        !ts20 {snn.bind = @grad.input}, !w1 {snn.bind = @"grad.0.weight"}, !n16 {snn.bind = @"grad.0.bias"}, !real {snn.bind = @"grad.1.beta"},
        !w2 {snn.bind = @"grad.2.weight"}, !n10 {snn.bind = @"grad.2.bias"}, !n10 {snn.bind = @"grad.3.beta"}) {
  // ---- Forward.
  // Layer 0: 20 terms of reals, one block.
  %product1 = core.contract over [time, sample, 16, 20] along [3] %input, %w1 by [#in, #weight] writes #out order <group = 1>
      : !ts20, !w1 -> !ts16
  // The bias comes last.
  %x1 = core.map over [time, sample, 16] reads(%product1, %b1 : !ts16, !n16) by [#tsn, #tsn_n] writes [#tsn] -> !ts16 {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %b : f32
    core.yield %y : f32
  }
  // Layer 1. Decay is clamped to 0 .. 1 in the value.
  %decay1 = core.map over [] reads(%beta1 : !real) by [#nothing] writes [#nothing] -> !real {
  ^bb0(%b: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %low = arith.maximumf %b, %zero : f32
    %y = arith.minimumf %low, %one : f32
    core.yield %y : f32
  }
  %rest1 = core.map over [sample, 16] reads() by [] writes [#sn] -> !s16 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  // Stacked: spikes, the membranes that fire, the membranes that steps start from.
  %spikes1, %mem1, %before1, %end1 = core.scan sliced(%x1 : !ts16) invariant(%decay1 : !real) init(%rest1 : !s16)
      -> stacked(!spikes16, !ts16, !ts16) final(!s16) {
  ^bb0(%x: !s16, %decay: !real, %mem: !s16):
    %spikes, %next = core.map over [sample, 16] reads(%x, %decay, %mem : !s16, !real, !s16) by [#sn, #sn_none, #sn]
        writes [#sn, #sn] -> !bits16, !s16 {
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
      %fires = arith.cmpf ogt, %v, %zero : f32
      core.yield %fires, %m1 : i1, f32
    }
    core.step stacked(%spikes, %next, %mem : !bits16, !s16, !s16) next(%next : !s16)
  }
  // Layer 2: terms of spikes come in groups of four.
  %product2 = core.contract over [time, sample, 10, 16] along [3] %spikes1, %w2 by [#in, #weight] writes #out
      order <group = 4> : !spikes16, !w2 -> !ts10
  %x2 = core.map over [time, sample, 10] reads(%product2, %b2 : !ts10, !n10) by [#tsn, #tsn_n] writes [#tsn] -> !ts10 {
  ^bb0(%a: f32, %b: f32):
    %y = arith.addf %a, %b : f32
    core.yield %y : f32
  }
  // Layer 3.
  %decay2 = core.map over [10] reads(%beta2 : !n10) by [#n] writes [#n] -> !n10 {
  ^bb0(%b: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %low = arith.maximumf %b, %zero : f32
    %y = arith.minimumf %low, %one : f32
    core.yield %y : f32
  }
  %rest2 = core.map over [sample, 10] reads() by [] writes [#sn] -> !s10 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %spikes2, %mem2, %before2, %end2 = core.scan sliced(%x2 : !ts10) invariant(%decay2 : !n10) init(%rest2 : !s10)
      -> stacked(!spikes10, !ts10, !ts10) final(!s10) {
  ^bb0(%x: !s10, %decay: !n10, %mem: !s10):
    %spikes, %next = core.map over [sample, 10] reads(%x, %decay, %mem : !s10, !n10, !s10) by [#sn, #sn_n, #sn]
        writes [#sn, #sn] -> !bits10, !s10 {
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
      %fires = arith.cmpf ogt, %v, %zero : f32
      core.yield %fires, %m1 : i1, f32
    }
    core.step stacked(%spikes, %next, %mem : !bits10, !s10, !s10) next(%next : !s10)
  }

  // ---- Loss: mean over samples and classes of (count - target)^2, divided by the steps.
  // How many steps and samples a call has is a sum of ones.
  %steps = core.fold add over [time] along [0] reads() by [] writes affine_map<(t) -> ()> order <group = 1> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }
  %batch = core.fold add over [sample] along [0] reads() by [] writes affine_map<(s) -> ()>
      order <run = 64, parts = 16, part = 256> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }
  // Targets belong to no element: f64 until they meet counts.
  %spike_target, %silence_target = core.map over [] reads(%steps, %correct, %incorrect : !number, !number, !number)
      by [#nothing, #nothing, #nothing] writes [#nothing, #nothing] -> !number, !number {
  ^bb0(%t: f64, %yes: f64, %no: f64):
    %per_class = arith.constant 2.0 : f64
    %a = arith.mulf %t, %yes : f64
    %b = arith.mulf %a, %per_class : f64
    %c = math.trunc %b : f64
    %d = arith.mulf %t, %no : f64
    %e = arith.mulf %d, %per_class : f64
    %f = math.trunc %e : f64
    core.yield %c, %f : f64, f64
  }
  %counts = core.fold add over [time, sample, 5, 2] along [0, 3] reads(%spikes2 : !spikes10) by [#member] writes #class
      order <group = 1> -> !s5 {
  ^bb0(%spike: i1):
    %y = arith.uitofp %spike : i1 to f32
    core.yield %y : f32
  }
  %error = core.map over [sample, 5] reads(%counts, %labels, %spike_target, %silence_target : !s5, !labels, !number, !number)
      by [#sn, #sn_s, #sn_none, #sn_none] writes [#sn] -> !s5 {
  ^bb0(%count: f32, %label: i64, %yes: f64, %no: f64):
    %c = core.index 1
    %is = arith.cmpi eq, %c, %label : i64
    %t = arith.select %is, %yes, %no : f64
    %target = arith.truncf %t : f64 to f32
    %y = arith.subf %count, %target : f32
    core.yield %y : f32
  }
  %squares = core.fold add over [sample, 5] along [0, 1] reads(%error : !s5) by [#sn] writes #sn_none
      order <run = 64, parts = 16, part = 256> -> !number {
  ^bb0(%e: f32):
    %square = arith.mulf %e, %e : f32
    %y = arith.extf %square : f32 to f64
    core.yield %y : f64
  }
  // The loss, and the gradient of one square.
  %loss, %per_square = core.map over [] reads(%squares, %batch, %steps : !number, !number, !number)
      by [#nothing, #nothing, #nothing] writes [#nothing, #nothing] -> !number, !number {
  ^bb0(%sum: f64, %b: f64, %t: f64):
    %classes = arith.constant 5.0 : f64
    %one = arith.constant 1.0 : f64
    %bc = arith.mulf %b, %classes : f64
    %mean = arith.divf %sum, %bc : f64
    %l = arith.divf %mean, %t : f64
    %g = arith.divf %one, %bc : f64
    %g1 = arith.divf %g, %t : f64
    core.yield %l, %g1 : f64, f64
  }

  // ---- Backward.
  // Of the square: map to map.
  %d_counts = core.map over [sample, 5] reads(%error, %per_square : !s5, !number) by [#sn, #sn_none] writes [#sn] -> !s5 {
  ^bb0(%e: f32, %g: f64):
    %two = arith.constant 2.0 : f32
    %g0 = arith.truncf %g : f64 to f32
    %e2 = arith.mulf %two, %e : f32
    %y = arith.mulf %e2, %g0 : f32
    core.yield %y : f32
  }
  // Of the counts: a fold's read map becomes the map's write map. Each neuron is written once.
  %d_spikes2 = core.map over [time, sample, 5, 2] reads(%d_counts : !s5) by [#class] writes [#member] -> !ts10 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  // Of layer 3, backwards in time: the gradient of the membrane is that of the spike by the surrogate, and what the next
  // step passes on. The reset is detached.
  %no_gradient2 = core.map over [sample, 10] reads() by [] writes [#sn] -> !s10 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_mem2, %d_start2 = core.scan reverse sliced(%d_spikes2, %mem2 : !ts10, !ts10) invariant(%decay2 : !n10)
      init(%no_gradient2 : !s10) -> stacked(!ts10) final(!s10) {
  ^bb0(%g: !s10, %mem: !s10, %decay: !n10, %later: !s10):
    %d_mem, %earlier = core.map over [sample, 10] reads(%g, %mem, %decay, %later : !s10, !s10, !n10, !s10)
        by [#sn, #sn, #sn_n, #sn] writes [#sn, #sn] -> !s10, !s10 {
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
    core.step stacked(%d_mem : !s10) next(%earlier : !s10)
  }
  // An invariant of the scan: its factors are stacked, and the sum is taken outside. Per sample 6 steps: 8 samples a run.
  %d_decay2 = core.contract over [time, sample, 10] along [1, 0] %d_mem2, %before2 by [#tsn, #tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> : !ts10, !ts10 -> !n10
  %d_beta2 = core.map over [10] reads(%d_decay2, %beta2 : !n10, !n10) by [#n, #n] writes [#n] -> !n10 {
  ^bb0(%g: f32, %b: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %above = arith.cmpf ogt, %b, %zero : f32
    %below = arith.cmpf olt, %b, %one : f32
    %inside = arith.andi %above, %below : i1
    %y = arith.select %inside, %g, %zero : f32
    core.yield %y : f32
  }
  // Of layer 2: the product three times, with roles permuted.
  %d_b2 = core.fold add over [time, sample, 10] along [1, 0] reads(%d_mem2 : !ts10) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n10 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w2 = core.contract over [time, sample, 10, 16] along [1, 0] %d_mem2, %spikes1 by [#out, #in] writes #weight
      order <group = 4, run = 64, parts = 16, part = 256, descending = true> : !ts10, !spikes16 -> !w2
  %d_spikes1 = core.contract over [time, sample, 10, 16] along [2] %d_mem2, %w2 by [#out, #weight] writes #in
      order <group = 1> : !ts10, !w2 -> !ts16
  // Of layer 1.
  %no_gradient1 = core.map over [sample, 16] reads() by [] writes [#sn] -> !s16 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_mem1, %d_start1 = core.scan reverse sliced(%d_spikes1, %mem1 : !ts16, !ts16) invariant(%decay1 : !real)
      init(%no_gradient1 : !s16) -> stacked(!ts16) final(!s16) {
  ^bb0(%g: !s16, %mem: !s16, %decay: !real, %later: !s16):
    %d_mem, %earlier = core.map over [sample, 16] reads(%g, %mem, %decay, %later : !s16, !s16, !real, !s16)
        by [#sn, #sn, #sn_none, #sn] writes [#sn, #sn] -> !s16, !s16 {
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
    core.step stacked(%d_mem : !s16) next(%earlier : !s16)
  }
  // One number for all neurons: 96 positions per sample, so each sample is a run.
  %d_decay1 = core.contract over [time, sample, 16] along [1, 0, 2] %d_mem1, %before1 by [#tsn, #tsn] writes #tsn_none
      order <run = 64, parts = 16, part = 256, descending = true> : !ts16, !ts16 -> !real
  %d_beta1 = core.map over [] reads(%d_decay1, %beta1 : !real, !real) by [#nothing, #nothing] writes [#nothing] -> !real {
  ^bb0(%g: f32, %b: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %above = arith.cmpf ogt, %b, %zero : f32
    %below = arith.cmpf olt, %b, %one : f32
    %inside = arith.andi %above, %below : i1
    %y = arith.select %inside, %g, %zero : f32
    core.yield %y : f32
  }
  // Of layer 0.
  %d_b1 = core.fold add over [time, sample, 16] along [1, 0] reads(%d_mem1 : !ts16) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n16 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w1 = core.contract over [time, sample, 16, 20] along [1, 0] %d_mem1, %input by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts16, !ts20 -> !w1
  %d_input = core.contract over [time, sample, 16, 20] along [2] %d_mem1, %w1 by [#out, #weight] writes #in
      order <group = 1> : !ts16, !w1 -> !ts20
  return %loss, %mem2, %d_input, %d_w1, %d_b1, %d_beta1, %d_w2, %d_b2, %d_beta2
      : !number, !ts10, !ts20, !w1, !n16, !real, !w2, !n10, !n10
}
