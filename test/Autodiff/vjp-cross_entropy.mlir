// Class-weighted cross entropy on the spikes of each step, with a detached maximum. The text is the forward half of
// test/oracle/bptt/cross_entropy.mlir, whose adjoint was written by hand: the pass agrees with what that must agree with.
// RUN: %snn-opt %s --core-vjp="function=loss of-loss" --core-resolve-vjps --core-fix-order --canonicalize --cse > %t.mlir
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/cross_entropy.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %bptt/cross_entropy.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %t.mlir --function=loss_vjp --inputs=%bptt/cross_entropy.in.safetensors --outputs=%t.safetensors
// RUN: %snn-compare %t.safetensors %bptt/cross_entropy.want.safetensors --rtol=5e-5

!number = !core.array<f64>
!n5 = !core.array<5 x f32>
!n10 = !core.array<10 x f32>
!w = !core.array<10 x 12 x f32>
!labels = !core.array<sample x i64>
!s = !core.array<sample x f32>
!s10 = !core.array<sample x 10 x f32>
!bits10 = !core.array<sample x 10 x i1>
!ts = !core.array<time x sample x f32>
!ts_winner = !core.array<time x sample x i32>
!ts5 = !core.array<time x sample x 5 x f32>
!ts10 = !core.array<time x sample x 10 x f32>
!ts12 = !core.array<time x sample x 12 x f32>
!spikes10 = !core.array<time x sample x 10 x i1>

#nothing = affine_map<() -> ()>
#s = affine_map<(s) -> (s)>
#s_none = affine_map<(s) -> ()>
#sn = affine_map<(s, n) -> (s, n)>
#sn_s = affine_map<(s, n) -> (s)>
#sn_n = affine_map<(s, n) -> (n)>
#ts = affine_map<(t, s) -> (t, s)>
#ts_s = affine_map<(t, s) -> (s)>
#ts_none = affine_map<(t, s) -> ()>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#tsn_ts = affine_map<(t, s, n) -> (t, s)>
#tsn_s = affine_map<(t, s, n) -> (s)>
#tsn_n = affine_map<(t, s, n) -> (n)>
#in = affine_map<(t, s, o, i) -> (t, s, i)>
#out = affine_map<(t, s, o, i) -> (t, s, o)>
#weight = affine_map<(t, s, o, i) -> (o, i)>
#member = affine_map<(t, s, c, j) -> (t, s, c * 2 + j)>
#class = affine_map<(t, s, c, j) -> (t, s, c)>

func.func @loss(
    %input: !ts12 {snn.bind = @input}, %labels: !labels {snn.bind = @labels}, %class_weight: !n5 {snn.bind = @class_weight},
    %w: !w {snn.bind = @"0.weight"}, %b: !n10 {snn.bind = @"0.bias"})
    -> (!number {snn.bind = @loss}, !ts10 {snn.bind = @membrane}, !ts5 {snn.bind = @log_softmax}) {
  //
  %product = core.contract over [time, sample, 10, 12] along [3] %input, %w by [#in, #weight] writes #out
      : !ts12, !w -> !ts10
  %x = core.map over [time, sample, 10] reads(%product, %b : !ts10, !n10) by [#tsn, #tsn_n] writes [#tsn] -> !ts10 {
  ^bb0(%a: f32, %c: f32):
    %y = arith.addf %a, %c : f32
    core.yield %y : f32
  }
  %rest = core.map over [sample, 10] reads() by [] writes [#sn] -> !s10 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %spikes, %mem, %end = core.scan sliced(%x : !ts10) invariant() init(%rest : !s10)
      -> stacked(!spikes10, !ts10) final(!s10) {
  ^bb0(%x0: !s10, %m0: !s10):
    %fires, %next = core.map over [sample, 10] reads(%x0, %m0 : !s10, !s10) by [#sn, #sn] writes [#sn, #sn] -> !bits10, !s10 {
    ^bb0(%a: f32, %m: f32):
      %zero = arith.constant 0.0 : f32
      %threshold = arith.constant 1.0 : f32
      %decay = arith.constant 0.875 : f32
      %over = arith.subf %m, %threshold : f32
      %fired = arith.cmpf ogt, %over, %zero : f32
      %r = arith.uitofp %fired : i1 to f32
      %kept = arith.mulf %decay, %m : f32
      %charged = arith.addf %kept, %a : f32
      %reset = arith.mulf %r, %threshold : f32
      %m1 = arith.subf %charged, %reset : f32
      %v = arith.subf %m1, %threshold : f32
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
    core.step stacked(%fires, %next : !bits10, !s10) next(%next : !s10)
  }

  // ---- Loss.
  %votes = core.fold add over [time, sample, 5, 2] along [3] reads(%spikes : !spikes10) by [#member] writes #class -> !ts5 {
  ^bb0(%spike: i1):
    %y = arith.uitofp %spike : i1 to f32
    core.yield %y : f32
  }
  // The winner is not used; the maximum is detached.
  %largest, %unused = core.fold max over [time, sample, 5] along [2] reads(%votes : !ts5) by [#tsn] writes #tsn_ts
      -> !ts winner !ts_winner {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  // Sums over classes, an axis of lanes, are chains and a tree.
  %exps = core.fold add over [time, sample, 5] along [2] reads(%votes, %largest : !ts5, !ts) by [#tsn, #tsn_ts] writes #tsn_ts -> !ts {
  ^bb0(%a: f32, %m0: f32):
    %m = core.detach %m0 : f32
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    core.yield %y : f32
  }
  %log_softmax = core.map over [time, sample, 5] reads(%votes, %largest, %exps : !ts5, !ts, !ts) by [#tsn, #tsn_ts, #tsn_ts]
      writes [#tsn] -> !ts5 {
  ^bb0(%a: f32, %m0: f32, %z: f32):
    %m = core.detach %m0 : f32
    %d = arith.subf %a, %m : f32
    %l = math.log %z : f32
    %y = arith.subf %d, %l : f32
    core.yield %y : f32
  }
  // "at label": a sum of one term that is not zero.
  %at_label = core.fold add over [time, sample, 5] along [2] reads(%log_softmax, %labels : !ts5, !labels) by [#tsn, #tsn_s]
      writes #tsn_ts -> !ts {
  ^bb0(%a: f32, %label: i64):
    %zero = arith.constant 0.0 : f32
    %c = core.index 2
    %is = arith.cmpi eq, %c, %label : i64
    %y = arith.select %is, %a, %zero : f32
    core.yield %y : f32
  }
  %weights = core.fold add over [sample, 5] along [1] reads(%class_weight, %labels : !n5, !labels) by [#sn_n, #sn_s] writes #sn_s -> !s {
  ^bb0(%a: f32, %label: i64):
    %zero = arith.constant 0.0 : f32
    %c = core.index 1
    %is = arith.cmpi eq, %c, %label : i64
    %y = arith.select %is, %a, %zero : f32
    core.yield %y : f32
  }
  // Over the batch: numbers that belong to no element, f64. Nothing of the sum over time depends on the denominator.
  %denominator = core.fold add over [sample] along [0] reads(%weights : !s) by [#s] writes #s_none -> !number {
  ^bb0(%a: f32):
    %y = arith.extf %a : f32 to f64
    core.yield %y : f64
  }
  %total = core.fold add over [time, sample] along [1, 0] reads(%at_label, %weights : !ts, !s) by [#ts, #ts_s] writes #ts_none -> !number {
  ^bb0(%a: f32, %k: f32):
    %ak = arith.mulf %a, %k : f32
    %n = arith.negf %ak : f32
    %y = arith.extf %n : f32 to f64
    core.yield %y : f64
  }
  %steps = core.fold add over [time] along [0] reads() by [] writes affine_map<(t) -> ()> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }
  %loss = core.map over [] reads(%total, %denominator, %steps : !number, !number, !number)
      by [#nothing, #nothing, #nothing] writes [#nothing] -> !number {
  ^bb0(%sum: f64, %d: f64, %t: f64):
    %mean = arith.divf %sum, %d : f64
    %l = arith.divf %mean, %t : f64
    core.yield %l : f64
  }
  return %loss, %mem, %log_softmax : !number, !ts10, !ts5
}
