// Recurrence through a matrix: linear 8 -> 12, rleaky whose spikes of the step before come back through linear 12 -> 12. One
// window of truncated BPTT: state comes in as operands and goes out, and no gradient goes with it. The second run goes on
// where the first one ended. The host gives the gradients of spikes and membranes. The gradients of the start state are
// results too, for a host that does not truncate.
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/rleaky_1.in.safetensors --outputs=%t.1.safetensors --wide
// RUN: %snn-compare %t.1.safetensors %S/rleaky_1.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/rleaky_2.in.safetensors --outputs=%t.2.safetensors --wide
// RUN: %snn-compare %t.2.safetensors %S/rleaky_2.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/rleaky_2.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/rleaky_2.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!n12 = !core.array<12 x f32>
!w = !core.array<12 x 8 x f32>
!recurrent = !core.array<12 x 12 x f32>
!s12 = !core.array<sample x 12 x f32>
!bits12 = !core.array<sample x 12 x i1>
!ts8 = !core.array<time x sample x 8 x f32>
!ts12 = !core.array<time x sample x 12 x f32>
!spikes12 = !core.array<time x sample x 12 x i1>

#n = affine_map<(n) -> (n)>
#sn = affine_map<(s, n) -> (s, n)>
#sn_n = affine_map<(s, n) -> (n)>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_n = affine_map<(t, s, n) -> (n)>
#tsn_none = affine_map<(t, s, n) -> ()>
// A linear layer over time, and at one step.
#in = affine_map<(t, s, o, i) -> (t, s, i)>
#out = affine_map<(t, s, o, i) -> (t, s, o)>
#weight = affine_map<(t, s, o, i) -> (o, i)>
#step_in = affine_map<(s, o, i) -> (s, i)>
#step_out = affine_map<(s, o, i) -> (s, o)>
#step_weight = affine_map<(s, o, i) -> (o, i)>

func.func @loss_and_gradient(
    %input: !ts8 {snn.bind = @input}, %seed_spikes: !ts12 {snn.bind = @seed.spikes}, %seed_mem: !ts12 {snn.bind = @seed.membrane},
    %start_mem: !s12 {snn.bind = @state.mem}, %start_spikes: !bits12 {snn.bind = @state.fired},
    %w: !w {snn.bind = @"0.weight"}, %b: !n12 {snn.bind = @"0.bias"}, %beta: !n12 {snn.bind = @"1.beta"},
    %v: !recurrent {snn.bind = @"1.recurrent.weight"}, %vb: !n12 {snn.bind = @"1.recurrent.bias"})
    -> (!number {snn.bind = @loss}, !ts12 {snn.bind = @membrane}, !s12 {snn.bind = @next.mem}, !bits12 {snn.bind = @next.fired},
        !ts8 {snn.bind = @grad.input}, !w {snn.bind = @"grad.0.weight"}, !n12 {snn.bind = @"grad.0.bias"},
        !n12 {snn.bind = @"grad.1.beta"}, !recurrent {snn.bind = @"grad.1.recurrent.weight"},
        !n12 {snn.bind = @"grad.1.recurrent.bias"}, !s12 {snn.bind = @grad.state.mem}, !s12 {snn.bind = @grad.state.fired}) {
  // ---- Forward. The product with the input stands outside of time, that with spikes inside.
  %product = core.contract over [time, sample, 12, 8] along [3] %input, %w by [#in, #weight] writes #out order <group = 1>
      : !ts8, !w -> !ts12
  %x = core.map over [time, sample, 12] reads(%product, %b : !ts12, !n12) by [#tsn, #tsn_n] writes [#tsn] -> !ts12 {
  ^bb0(%a: f32, %b0: f32):
    %y = arith.addf %a, %b0 : f32
    core.yield %y : f32
  }
  %decay = core.map over [12] reads(%beta : !n12) by [#n] writes [#n] -> !n12 {
  ^bb0(%b0: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %low = arith.maximumf %b0, %zero : f32
    %y = arith.minimumf %low, %one : f32
    core.yield %y : f32
  }
  // Carried: membrane and spikes. Both are stacked as the step finds them, too.
  %spikes, %mem, %mem_before, %spikes_before, %next_mem, %next_spikes = core.scan sliced(%x : !ts12)
      invariant(%decay, %v, %vb : !n12, !recurrent, !n12) init(%start_mem, %start_spikes : !s12, !bits12)
      -> stacked(!spikes12, !ts12, !ts12, !spikes12) final(!s12, !bits12) {
  ^bb0(%xt: !s12, %d0: !n12, %v0: !recurrent, %vb0: !n12, %m0: !s12, %s0: !bits12):
    %back = core.contract over [sample, 12, 12] along [2] %s0, %v0 by [#step_in, #step_weight] writes #step_out
        order <group = 4> : !bits12, !recurrent -> !s12
    %fires, %next = core.map over [sample, 12] reads(%xt, %d0, %m0, %back, %vb0 : !s12, !n12, !s12, !s12, !n12)
        by [#sn, #sn_n, #sn, #sn, #sn_n] writes [#sn, #sn] -> !bits12, !s12 {
    ^bb0(%a: f32, %d: f32, %m: f32, %p: f32, %pb: f32):
      %zero = arith.constant 0.0 : f32
      %threshold = arith.constant 1.0 : f32
      %over = arith.subf %m, %threshold : f32
      %fired = arith.cmpf ogt, %over, %zero : f32
      %r = arith.uitofp %fired : i1 to f32
      %recurrent = arith.addf %p, %pb : f32
      %kept = arith.mulf %d, %m : f32
      %charged = arith.addf %kept, %a : f32
      %excited = arith.addf %charged, %recurrent : f32
      %reset = arith.mulf %r, %threshold : f32
      %m1 = arith.subf %excited, %reset : f32
      %u = arith.subf %m1, %threshold : f32
      %spike = arith.cmpf ogt, %u, %zero : f32
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires, %next, %m0, %s0 : !bits12, !s12, !s12, !bits12) next(%next, %fires : !s12, !bits12)
  }
  // What the host's gradients are the gradients of: 48 positions per sample, 4 samples are a run.
  %loss = core.fold add over [time, sample, 12] along [1, 0, 2] reads(%spikes, %seed_spikes, %mem, %seed_mem : !spikes12, !ts12, !ts12, !ts12)
      by [#tsn, #tsn, #tsn, #tsn] writes #tsn_none order <run = 64, parts = 16, part = 256, descending = true> -> !number {
  ^bb0(%s: i1, %gs: f32, %m: f32, %gm: f32):
    %s0 = arith.uitofp %s : i1 to f64
    %gs0 = arith.extf %gs : f32 to f64
    %m0 = arith.extf %m : f32 to f64
    %gm0 = arith.extf %gm : f32 to f64
    %a = arith.mulf %s0, %gs0 : f64
    %c = arith.mulf %m0, %gm0 : f64
    %y = arith.addf %a, %c : f64
    core.yield %y : f64
  }

  // ---- Backward. Two carries again: the gradient of the membrane and that of the spikes, a real number for each bit.
  %no_gradient = core.map over [sample, 12] reads() by [] writes [#sn] -> !s12 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_mem, %d_start_mem, %d_start_spikes = core.scan reverse sliced(%seed_spikes, %seed_mem, %mem : !ts12, !ts12, !ts12)
      invariant(%decay, %v : !n12, !recurrent) init(%no_gradient, %no_gradient : !s12, !s12)
      -> stacked(!ts12) final(!s12, !s12) {
  ^bb0(%gs0: !s12, %gm0: !s12, %m0: !s12, %d0: !n12, %v0: !recurrent, %later0: !s12, %spikes_later0: !s12):
    %delta0, %earlier = core.map over [sample, 12] reads(%gs0, %gm0, %m0, %d0, %later0, %spikes_later0 : !s12, !s12, !s12, !n12, !s12, !s12)
        by [#sn, #sn, #sn, #sn_n, #sn, #sn] writes [#sn, #sn] -> !s12, !s12 {
    ^bb0(%gs: f32, %gm: f32, %m: f32, %d: f32, %l: f32, %sl: f32):
      %one = arith.constant 1.0 : f32
      %slope = arith.constant 25.0 : f32
      %threshold = arith.constant 1.0 : f32
      %u = arith.subf %m, %threshold : f32
      %abs = math.absf %u : f32
      %scaled = arith.mulf %slope, %abs : f32
      %more = arith.addf %scaled, %one : f32
      %square = arith.mulf %more, %more : f32
      %derivative = arith.divf %one, %square : f32
      // Spikes have two uses, outside and in the next step; so has the membrane.
      %spike = arith.addf %gs, %sl : f32
      %through = arith.mulf %spike, %derivative : f32
      %membrane = arith.addf %gm, %l : f32
      %delta = arith.addf %through, %membrane : f32
      %back = arith.mulf %d, %delta : f32
      core.yield %delta, %back : f32, f32
    }
    %spikes_earlier = core.contract over [sample, 12, 12] along [1] %delta0, %v0 by [#step_out, #step_weight] writes #step_in
        order <group = 1> : !s12, !recurrent -> !s12
    core.step stacked(%delta0 : !s12) next(%earlier, %spikes_earlier : !s12, !s12)
  }
  // The gradients of the scan's invariants, outside of it: over the states that steps started from.
  %d_v = core.contract over [time, sample, 12, 12] along [1, 0] %d_mem, %spikes_before by [#out, #in] writes #weight
      order <group = 4, run = 64, parts = 16, part = 256, descending = true> : !ts12, !spikes12 -> !recurrent
  %d_vb = core.fold add over [time, sample, 12] along [1, 0] reads(%d_mem : !ts12) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n12 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_decay = core.contract over [time, sample, 12] along [1, 0] %d_mem, %mem_before by [#tsn, #tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> : !ts12, !ts12 -> !n12
  %d_beta = core.map over [12] reads(%d_decay, %beta : !n12, !n12) by [#n, #n] writes [#n] -> !n12 {
  ^bb0(%g: f32, %b0: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %above = arith.cmpf oge, %b0, %zero : f32
    %below = arith.cmpf ole, %b0, %one : f32
    %inside = arith.andi %above, %below : i1
    %y = arith.select %inside, %g, %zero : f32
    core.yield %y : f32
  }
  %d_b = core.fold add over [time, sample, 12] along [1, 0] reads(%d_mem : !ts12) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n12 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w = core.contract over [time, sample, 12, 8] along [1, 0] %d_mem, %input by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts12, !ts8 -> !w
  %d_input = core.contract over [time, sample, 12, 8] along [2] %d_mem, %w by [#out, #weight] writes #in order <group = 1>
      : !ts12, !w -> !ts8
  return %loss, %mem, %next_mem, %next_spikes, %d_input, %d_w, %d_b, %d_beta, %d_v, %d_vb, %d_start_mem, %d_start_spikes
      : !number, !ts12, !s12, !bits12, !ts8, !w, !n12, !n12, !recurrent, !n12, !s12, !s12
}
