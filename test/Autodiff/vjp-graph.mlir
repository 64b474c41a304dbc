// A graph: spikes with three uses, a dropout mask, concat, add, a learned threshold. The text is the forward half of
// test/oracle/bptt/graph.mlir, whose adjoint was written by hand: the pass agrees with what that must agree with.
// RUN: %snn-opt %s --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.mlir
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/graph.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/graph.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/graph.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/graph.want.safetensors --rtol=5e-5

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
!spikes8 = !core.array<time x sample x 8 x i1>
!spikes16 = !core.array<time x sample x 16 x i1>

#sn = affine_map<(s, n) -> (s, n)>
#sn_n = affine_map<(s, n) -> (n)>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_sn = affine_map<(t, s, n) -> (s, n)>
#tsn_none = affine_map<(t, s, n) -> ()>
// Where neuron n of a concatenation is in its second part.
#second = affine_map<(t, s, n) -> (t, s, n - 8)>
#in = affine_map<(t, s, o, i) -> (t, s, i)>
#out = affine_map<(t, s, o, i) -> (t, s, o)>
#weight = affine_map<(t, s, o, i) -> (o, i)>

func.func @loss(
    %input: !ts6 {snn.bind = @input}, %mask: !mask {snn.bind = @mask}, %seed_concat: !ts5 {snn.bind = @seed.concat}, %seed_add: !ts5 {snn.bind = @seed.add},
    %w_a: !w_a {snn.bind = @a.weight}, %threshold: !n8 {snn.bind = @a.threshold}, %w_b: !w_b {snn.bind = @b.weight},
    %w_concat: !w_concat {snn.bind = @concat.weight}, %w_add: !w_add {snn.bind = @add.weight})
    -> (!number {snn.bind = @loss}, !ts8 {snn.bind = @membrane.a}, !ts8 {snn.bind = @membrane.b}) {
  // Layer a.
  %x_a = core.contract over [time, sample, 8, 6] along [3] %input, %w_a by [#in, #weight] writes #out
      : !ts6, !w_a -> !ts8
  %rest_a = core.map over [sample, 8] reads() by [] writes [#sn] -> !s8 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %a, %mem_a, %end_a = core.scan sliced(%x_a : !ts8) invariant(%threshold : !n8) init(%rest_a : !s8)
      -> stacked(!spikes8, !ts8) final(!s8) {
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
    core.step stacked(%fires, %next : !bits8, !s8) next(%next : !s8)
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
  %x_b = core.contract over [time, sample, 8, 8] along [3] %dropped, %w_b by [#in, #weight] writes #out
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
  %output_concat = core.contract over [time, sample, 5, 16] along [3] %both, %w_concat by [#in, #weight] writes #out : !spikes16, !w_concat -> !ts5
  // add: 0, 1 or 2 at once.
  %sum = core.map over [time, sample, 8] reads(%a, %b : !spikes8, !spikes8) by [#tsn, #tsn] writes [#tsn] -> !ts8 {
  ^bb0(%first: i1, %second: i1):
    %f = arith.uitofp %first : i1 to f32
    %s = arith.uitofp %second : i1 to f32
    %y = arith.addf %f, %s : f32
    core.yield %y : f32
  }
  %output_add = core.contract over [time, sample, 5, 8] along [3] %sum, %w_add by [#in, #weight] writes #out
      : !ts8, !w_add -> !ts5
  // What the host's gradients are the gradients of: 25 positions per sample, 4 samples are a run.
  %loss = core.fold add over [time, sample, 5] along [1, 0, 2] reads(%output_concat, %seed_concat, %output_add, %seed_add : !ts5, !ts5, !ts5, !ts5)
      by [#tsn, #tsn, #tsn, #tsn] writes #tsn_none -> !number {
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
  return %loss, %mem_a, %mem_b : !number, !ts8, !ts8
}
