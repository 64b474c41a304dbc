// A spiking LSTM: 6 inputs, 8 cells, threshold 0.125, no reset. One linear layer gives the four gates of all cells, in PyTorch's
// order input, forget, cell, output. The state (syn, mem) comes in as operands. The host gives the gradients of spikes and membranes.
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/slstm.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %S/slstm.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/slstm.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/slstm.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!n32 = !core.array<32 x f32>
!w = !core.array<32 x 6 x f32>
!recurrent = !core.array<32 x 8 x f32>
!s8 = !core.array<sample x 8 x f32>
!s32 = !core.array<sample x 32 x f32>
!bits8 = !core.array<sample x 8 x i1>
!ts6 = !core.array<time x sample x 6 x f32>
!ts8 = !core.array<time x sample x 8 x f32>
!ts32 = !core.array<time x sample x 32 x f32>
!spikes8 = !core.array<time x sample x 8 x i1>

#sn = affine_map<(s, n) -> (s, n)>
#sn_n = affine_map<(s, n) -> (n)>
// The gates of cell n.
#input_gate = affine_map<(s, n) -> (s, n)>
#forget_gate = affine_map<(s, n) -> (s, n + 8)>
#cell_gate = affine_map<(s, n) -> (s, n + 16)>
#output_gate = affine_map<(s, n) -> (s, n + 24)>
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
    %input: !ts6 {snn.bind = @input}, %seed_spikes: !ts8 {snn.bind = @seed.spikes}, %seed_mem: !ts8 {snn.bind = @seed.membrane},
    %start_syn: !s8 {snn.bind = @state.syn}, %start_mem: !s8 {snn.bind = @state.mem},
    %w: !w {snn.bind = @weight_ih}, %v: !recurrent {snn.bind = @weight_hh}, %b: !n32 {snn.bind = @bias_ih}, %vb: !n32 {snn.bind = @bias_hh})
    -> (!number {snn.bind = @loss}, !ts8 {snn.bind = @membrane}, !s8 {snn.bind = @next.syn}, !s8 {snn.bind = @next.mem},
        !ts6 {snn.bind = @grad.input}, !w {snn.bind = @grad.weight_ih}, !recurrent {snn.bind = @grad.weight_hh},
        !n32 {snn.bind = @grad.bias_ih}, !n32 {snn.bind = @grad.bias_hh}, !s8 {snn.bind = @grad.state.syn}, !s8 {snn.bind = @grad.state.mem}) {
  // ---- Forward.
  %product = core.contract over [time, sample, 32, 6] along [3] %input, %w by [#in, #weight] writes #out order <group = 1>
      : !ts6, !w -> !ts32
  %x = core.map over [time, sample, 32] reads(%product, %b : !ts32, !n32) by [#tsn, #tsn_n] writes [#tsn] -> !ts32 {
  ^bb0(%a: f32, %c: f32):
    %y = arith.addf %a, %c : f32
    core.yield %y : f32
  }
  // Stacked for the adjoint: gates before their functions, and the state that the step starts from.
  %spikes, %mem, %gates, %syn_before, %mem_before, %next_syn, %next_mem = core.scan sliced(%x : !ts32)
      invariant(%v, %vb : !recurrent, !n32) init(%start_syn, %start_mem : !s8, !s8)
      -> stacked(!spikes8, !ts8, !ts32, !ts8, !ts8) final(!s8, !s8) {
  ^bb0(%xt: !s32, %v0: !recurrent, %vb0: !n32, %syn0: !s8, %mem0: !s8):
    %back = core.contract over [sample, 32, 8] along [2] %mem0, %v0 by [#step_in, #step_weight] writes #step_out
        order <group = 1> : !s8, !recurrent -> !s32
    %all = core.map over [sample, 32] reads(%xt, %back, %vb0 : !s32, !s32, !n32) by [#sn, #sn, #sn_n] writes [#sn] -> !s32 {
    ^bb0(%a: f32, %p: f32, %pb: f32):
      %recurrent = arith.addf %p, %pb : f32
      %y = arith.addf %a, %recurrent : f32
      core.yield %y : f32
    }
    // One value read four times, by four maps.
    %fires, %syn1, %mem1 = core.map over [sample, 8] reads(%all, %all, %all, %all, %syn0 : !s32, !s32, !s32, !s32, !s8)
        by [#input_gate, #forget_gate, #cell_gate, #output_gate, #sn] writes [#sn, #sn, #sn] -> !bits8, !s8, !s8 {
    ^bb0(%i: f32, %f: f32, %g: f32, %o: f32, %c: f32):
      %one = arith.constant 1.0 : f32
      %threshold = arith.constant 0.125 : f32
      %zero = arith.constant 0.0 : f32
      %ni = arith.negf %i : f32
      %ei = math.exp %ni : f32
      %di = arith.addf %one, %ei : f32
      %si = arith.divf %one, %di : f32
      %nf = arith.negf %f : f32
      %ef = math.exp %nf : f32
      %df = arith.addf %one, %ef : f32
      %sf = arith.divf %one, %df : f32
      %no = arith.negf %o : f32
      %eo = math.exp %no : f32
      %do = arith.addf %one, %eo : f32
      %so = arith.divf %one, %do : f32
      %tg = math.tanh %g : f32
      %kept = arith.mulf %sf, %c : f32
      %new = arith.mulf %si, %tg : f32
      %syn = arith.addf %kept, %new : f32
      %tc = math.tanh %syn : f32
      %h = arith.mulf %so, %tc : f32
      %u = arith.subf %h, %threshold : f32
      %spike = arith.cmpf ogt, %u, %zero : f32
      core.yield %spike, %syn, %h : i1, f32, f32
    }
    core.step stacked(%fires, %mem1, %all, %syn0, %mem0 : !bits8, !s8, !s32, !s8, !s8) next(%syn1, %mem1 : !s8, !s8)
  }
  // What the host's gradients are the gradients of: 40 positions per sample, 4 samples are a run.
  %loss = core.fold add over [time, sample, 8] along [1, 0, 2] reads(%spikes, %seed_spikes, %mem, %seed_mem : !spikes8, !ts8, !ts8, !ts8)
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

  // ---- Backward. Carried: the gradients of syn and mem.
  %no_gradient = core.map over [sample, 8] reads() by [] writes [#sn] -> !s8 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_gates, %d_start_syn, %d_start_mem = core.scan reverse sliced(%seed_spikes, %seed_mem, %gates, %syn_before : !ts8, !ts8, !ts32, !ts8)
      invariant(%v : !recurrent) init(%no_gradient, %no_gradient : !s8, !s8) -> stacked(!ts32) final(!s8, !s8) {
  ^bb0(%gs0: !s8, %gm0: !s8, %all0: !s32, %syn0: !s8, %v0: !recurrent, %syn_later0: !s8, %mem_later0: !s8):
    // The adjoint of a map with one value read four times: four results, each written by one of the four maps. What a map
    // does not write is +0, so their sum is the gradient.
    %d_input0, %d_forget0, %d_cell0, %d_output0, %syn_earlier = core.map over [sample, 8]
        reads(%gs0, %gm0, %mem_later0, %syn_later0, %all0, %all0, %all0, %all0, %syn0 : !s8, !s8, !s8, !s8, !s32, !s32, !s32, !s32, !s8)
        by [#sn, #sn, #sn, #sn, #input_gate, #forget_gate, #cell_gate, #output_gate, #sn]
        writes [#input_gate, #forget_gate, #cell_gate, #output_gate, #sn] -> !s32, !s32, !s32, !s32, !s8 {
    ^bb0(%gs: f32, %gm: f32, %ml: f32, %sl: f32, %i: f32, %f: f32, %g: f32, %o: f32, %c: f32):
      // Values of the forward body, computed again.
      %one = arith.constant 1.0 : f32
      %threshold = arith.constant 0.125 : f32
      %ni = arith.negf %i : f32
      %ei = math.exp %ni : f32
      %di = arith.addf %one, %ei : f32
      %si = arith.divf %one, %di : f32
      %nf = arith.negf %f : f32
      %ef = math.exp %nf : f32
      %df = arith.addf %one, %ef : f32
      %sf = arith.divf %one, %df : f32
      %no = arith.negf %o : f32
      %eo = math.exp %no : f32
      %do = arith.addf %one, %eo : f32
      %so = arith.divf %one, %do : f32
      %tg = math.tanh %g : f32
      %kept = arith.mulf %sf, %c : f32
      %new = arith.mulf %si, %tg : f32
      %syn = arith.addf %kept, %new : f32
      %tc = math.tanh %syn : f32
      %h = arith.mulf %so, %tc : f32
      %u = arith.subf %h, %threshold : f32
      // Spike, by the surrogate.
      %slope = arith.constant 25.0 : f32
      %abs = math.absf %u : f32
      %scaled = arith.mulf %slope, %abs : f32
      %more = arith.addf %scaled, %one : f32
      %square = arith.mulf %more, %more : f32
      %derivative = arith.divf %one, %square : f32
      %through = arith.mulf %gs, %derivative : f32
      // Membrane: given by the host, wanted by the next step, and what the spike wants.
      %outside = arith.addf %gm, %ml : f32
      %d_h = arith.addf %outside, %through : f32
      %d_so = arith.mulf %d_h, %tc : f32
      %d_tc = arith.mulf %d_h, %so : f32
      // syn.
      %tc2 = arith.mulf %tc, %tc : f32
      %tc_slope = arith.subf %one, %tc2 : f32
      %d_syn0 = arith.mulf %d_tc, %tc_slope : f32
      %d_syn = arith.addf %sl, %d_syn0 : f32
      %d_c = arith.mulf %d_syn, %sf : f32
      %d_sf = arith.mulf %d_syn, %c : f32
      %d_si = arith.mulf %d_syn, %tg : f32
      %d_tg = arith.mulf %d_syn, %si : f32
      // The gates, before their functions.
      %tg2 = arith.mulf %tg, %tg : f32
      %tg_slope = arith.subf %one, %tg2 : f32
      %d_g = arith.mulf %d_tg, %tg_slope : f32
      %ri = arith.subf %one, %si : f32
      %si_slope = arith.mulf %si, %ri : f32
      %d_i = arith.mulf %d_si, %si_slope : f32
      %rf = arith.subf %one, %sf : f32
      %sf_slope = arith.mulf %sf, %rf : f32
      %d_f = arith.mulf %d_sf, %sf_slope : f32
      %ro = arith.subf %one, %so : f32
      %so_slope = arith.mulf %so, %ro : f32
      %d_o = arith.mulf %d_so, %so_slope : f32
      core.yield %d_i, %d_f, %d_g, %d_o, %d_c : f32, f32, f32, f32, f32
    }
    %d_all = core.map over [sample, 32] reads(%d_input0, %d_forget0, %d_cell0, %d_output0 : !s32, !s32, !s32, !s32)
        by [#sn, #sn, #sn, #sn] writes [#sn] -> !s32 {
    ^bb0(%a: f32, %c: f32, %d: f32, %e: f32):
      %ac = arith.addf %a, %c : f32
      %acd = arith.addf %ac, %d : f32
      %y = arith.addf %acd, %e : f32
      core.yield %y : f32
    }
    %mem_earlier = core.contract over [sample, 32, 8] along [1] %d_all, %v0 by [#step_out, #step_weight] writes #step_in
        order <group = 1> : !s32, !recurrent -> !s8
    core.step stacked(%d_all : !s32) next(%syn_earlier, %mem_earlier : !s8, !s8)
  }
  // Weights and biases, outside of the scan. 5 steps: 8 samples are a run.
  %d_v = core.contract over [time, sample, 32, 8] along [1, 0] %d_gates, %mem_before by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts32, !ts8 -> !recurrent
  %d_vb = core.fold add over [time, sample, 32] along [1, 0] reads(%d_gates : !ts32) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n32 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_b = core.fold add over [time, sample, 32] along [1, 0] reads(%d_gates : !ts32) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n32 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w = core.contract over [time, sample, 32, 6] along [1, 0] %d_gates, %input by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts32, !ts6 -> !w
  %d_input = core.contract over [time, sample, 32, 6] along [2] %d_gates, %w by [#out, #weight] writes #in order <group = 1>
      : !ts32, !w -> !ts6
  return %loss, %mem, %next_syn, %next_mem, %d_input, %d_w, %d_v, %d_b, %d_vb, %d_start_syn, %d_start_mem
      : !number, !ts8, !s8, !s8, !ts6, !w, !recurrent, !n32, !n32, !s8, !s8
}
