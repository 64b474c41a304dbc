// A spiking LSTM: one value that a map reads four times, by four maps. The text is the forward half of
// test/oracle/bptt/slstm.mlir, whose adjoint was written by hand: the pass agrees with what that must agree with.
// RUN: %snn-opt %s --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.mlir
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/slstm.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/slstm.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/slstm.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/slstm.want.safetensors --rtol=5e-5

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

func.func @loss(
    %input: !ts6 {snn.bind = @input}, %seed_spikes: !ts8 {snn.bind = @seed.spikes}, %seed_mem: !ts8 {snn.bind = @seed.membrane},
    %start_syn: !s8 {snn.bind = @state.syn}, %start_mem: !s8 {snn.bind = @state.mem},
    %w: !w {snn.bind = @weight_ih}, %v: !recurrent {snn.bind = @weight_hh}, %b: !n32 {snn.bind = @bias_ih}, %vb: !n32 {snn.bind = @bias_hh})
    -> (!number {snn.bind = @loss}, !ts8 {snn.bind = @membrane}, !s8 {snn.bind = @next.syn}, !s8 {snn.bind = @next.mem}) {
  //
  %product = core.contract over [time, sample, 32, 6] along [3] %input, %w by [#in, #weight] writes #out
      : !ts6, !w -> !ts32
  %x = core.map over [time, sample, 32] reads(%product, %b : !ts32, !n32) by [#tsn, #tsn_n] writes [#tsn] -> !ts32 {
  ^bb0(%a: f32, %c: f32):
    %y = arith.addf %a, %c : f32
    core.yield %y : f32
  }
  %spikes, %mem, %next_syn, %next_mem = core.scan sliced(%x : !ts32)
      invariant(%v, %vb : !recurrent, !n32) init(%start_syn, %start_mem : !s8, !s8)
      -> stacked(!spikes8, !ts8) final(!s8, !s8) {
  ^bb0(%xt: !s32, %v0: !recurrent, %vb0: !n32, %syn0: !s8, %mem0: !s8):
    %back = core.contract over [sample, 32, 8] along [2] %mem0, %v0 by [#step_in, #step_weight] writes #step_out : !s8, !recurrent -> !s32
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
      %spike = core.custom_vjp(%u) : (f32) -> i1 value {
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
      core.yield %spike, %syn, %h : i1, f32, f32
    }
    core.step stacked(%fires, %mem1 : !bits8, !s8) next(%syn1, %mem1 : !s8, !s8)
  }
  // What the host's gradients are the gradients of: 40 positions per sample, 4 samples are a run.
  %loss = core.fold add over [time, sample, 8] along [1, 0, 2] reads(%spikes, %seed_spikes, %mem, %seed_mem : !spikes8, !ts8, !ts8, !ts8)
      by [#tsn, #tsn, #tsn, #tsn] writes #tsn_none -> !number {
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
  return %loss, %mem, %next_syn, %next_mem : !number, !ts8, !s8, !s8
}
