// Recurrence through a matrix, with spikes as a carry. The state comes in and goes out. The text is the forward half of
// test/oracle/bptt/rleaky.mlir, whose adjoint was written by hand: the pass agrees with what that must agree with.
// RUN: %snn-opt %s --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.mlir
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/rleaky_1.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/rleaky_1.want.safetensors --rtol=1e-12 --names=loss,membrane,next.\*,grad.[!s]\*,grad.state.mem
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/rleaky_1.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/rleaky_1.want.safetensors --rtol=5e-5 --names=loss,membrane,next.\*,grad.[!s]\*,grad.state.mem
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/rleaky_2.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/rleaky_2.want.safetensors --rtol=1e-12 --names=loss,membrane,next.\*,grad.[!s]\*,grad.state.mem
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/rleaky_2.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/rleaky_2.want.safetensors --rtol=5e-5 --names=loss,membrane,next.\*,grad.[!s]\*,grad.state.mem

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

func.func @loss(
    %input: !ts8 {snn.bind = @input}, %seed_spikes: !ts12 {snn.bind = @seed.spikes}, %seed_mem: !ts12 {snn.bind = @seed.membrane},
    %start_mem: !s12 {snn.bind = @state.mem}, %start_spikes: !bits12 {snn.bind = @state.fired},
    %w: !w {snn.bind = @"0.weight"}, %b: !n12 {snn.bind = @"0.bias"}, %beta: !n12 {snn.bind = @"1.beta"},
    %v: !recurrent {snn.bind = @"1.recurrent.weight"}, %vb: !n12 {snn.bind = @"1.recurrent.bias"})
    -> (!number {snn.bind = @loss}, !ts12 {snn.bind = @membrane}, !s12 {snn.bind = @next.mem}, !bits12 {snn.bind = @next.fired}) {
  // The product with the input stands outside of time, that with spikes inside.
  %product = core.contract over [time, sample, 12, 8] along [3] %input, %w by [#in, #weight] writes #out
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
  // Carried: membrane and spikes.
  %spikes, %mem, %next_mem, %next_spikes = core.scan sliced(%x : !ts12)
      invariant(%decay, %v, %vb : !n12, !recurrent, !n12) init(%start_mem, %start_spikes : !s12, !bits12)
      -> stacked(!spikes12, !ts12) final(!s12, !bits12) {
  ^bb0(%xt: !s12, %d0: !n12, %v0: !recurrent, %vb0: !n12, %m0: !s12, %s0: !bits12):
    %back = core.contract over [sample, 12, 12] along [2] %s0, %v0 by [#step_in, #step_weight] writes #step_out : !bits12, !recurrent -> !s12
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
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires, %next : !bits12, !s12) next(%next, %fires : !s12, !bits12)
  }
  // What the host's gradients are the gradients of: 48 positions per sample, 4 samples are a run.
  %loss = core.fold add over [time, sample, 12] along [1, 0, 2] reads(%spikes, %seed_spikes, %mem, %seed_mem : !spikes12, !ts12, !ts12, !ts12)
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
  return %loss, %mem, %next_mem, %next_spikes : !number, !ts12, !s12, !bits12
}
