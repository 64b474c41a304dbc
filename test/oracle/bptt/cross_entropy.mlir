// Class-weighted cross entropy on spikes of each step: linear 12 -> 10, leaky, five classes of two neurons each; at each step
// log_softmax of a class's spikes with the maximum detached; the mean over samples divides by the sum of the weights of the
// batch's labels, so it depends on the whole batch.
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/cross_entropy.in.safetensors --outputs=%t.safetensors --wide
// RUN: %snn-compare %t.safetensors %S/cross_entropy.want.safetensors --rtol=1e-12
// RUN: %snn-interpret %s --function=loss_and_gradient --inputs=%S/cross_entropy.in.safetensors --outputs=%t.f32.safetensors
// RUN: %snn-compare %t.f32.safetensors %S/cross_entropy.want.safetensors --rtol=5e-5

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

func.func @loss_and_gradient(
    %input: !ts12 {snn.bind = @input}, %labels: !labels {snn.bind = @labels}, %class_weight: !n5 {snn.bind = @class_weight},
    %w: !w {snn.bind = @"0.weight"}, %b: !n10 {snn.bind = @"0.bias"})
    -> (!number {snn.bind = @loss}, !ts10 {snn.bind = @membrane}, !ts5 {snn.bind = @log_softmax},
        !ts12 {snn.bind = @grad.input}, !w {snn.bind = @"grad.0.weight"}, !n10 {snn.bind = @"grad.0.bias"}) {
  // ---- Forward.
  %product = core.contract over [time, sample, 10, 12] along [3] %input, %w by [#in, #weight] writes #out order <group = 1>
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
  // Nothing learns in it, so the step's start is not stacked.
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
      %spike = arith.cmpf ogt, %v, %zero : f32
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%fires, %next : !bits10, !s10) next(%next : !s10)
  }

  // ---- Loss.
  %votes = core.fold add over [time, sample, 5, 2] along [3] reads(%spikes : !spikes10) by [#member] writes #class
      order <group = 1> -> !ts5 {
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
  %exps = core.fold add over [time, sample, 5] along [2] reads(%votes, %largest : !ts5, !ts) by [#tsn, #tsn_ts] writes #tsn_ts
      order <lanes = 32> -> !ts {
  ^bb0(%a: f32, %m: f32):
    %d = arith.subf %a, %m : f32
    %y = math.exp %d : f32
    core.yield %y : f32
  }
  %log_softmax = core.map over [time, sample, 5] reads(%votes, %largest, %exps : !ts5, !ts, !ts) by [#tsn, #tsn_ts, #tsn_ts]
      writes [#tsn] -> !ts5 {
  ^bb0(%a: f32, %m: f32, %z: f32):
    %d = arith.subf %a, %m : f32
    %l = math.log %z : f32
    %y = arith.subf %d, %l : f32
    core.yield %y : f32
  }
  // "at label": a sum of one term that is not zero.
  %at_label = core.fold add over [time, sample, 5] along [2] reads(%log_softmax, %labels : !ts5, !labels) by [#tsn, #tsn_s]
      writes #tsn_ts order <lanes = 32> -> !ts {
  ^bb0(%a: f32, %label: i64):
    %zero = arith.constant 0.0 : f32
    %c = core.index 2
    %is = arith.cmpi eq, %c, %label : i64
    %y = arith.select %is, %a, %zero : f32
    core.yield %y : f32
  }
  %weights = core.fold add over [sample, 5] along [1] reads(%class_weight, %labels : !n5, !labels) by [#sn_n, #sn_s] writes #sn_s
      order <lanes = 32> -> !s {
  ^bb0(%a: f32, %label: i64):
    %zero = arith.constant 0.0 : f32
    %c = core.index 1
    %is = arith.cmpi eq, %c, %label : i64
    %y = arith.select %is, %a, %zero : f32
    core.yield %y : f32
  }
  // Over the batch: numbers that belong to no element, f64. Nothing of the sum over time depends on the denominator.
  %denominator = core.fold add over [sample] along [0] reads(%weights : !s) by [#s] writes #s_none
      order <run = 64, parts = 16, part = 256> -> !number {
  ^bb0(%a: f32):
    %y = arith.extf %a : f32 to f64
    core.yield %y : f64
  }
  %total = core.fold add over [time, sample] along [1, 0] reads(%at_label, %weights : !ts, !s) by [#ts, #ts_s] writes #ts_none
      order <run = 64, parts = 16, part = 256, descending = true> -> !number {
  ^bb0(%a: f32, %k: f32):
    %ak = arith.mulf %a, %k : f32
    %n = arith.negf %ak : f32
    %y = arith.extf %n : f32 to f64
    core.yield %y : f64
  }
  %steps = core.fold add over [time] along [0] reads() by [] writes affine_map<(t) -> ()> order <group = 1> -> !number {
    %one = arith.constant 1.0 : f64
    core.yield %one : f64
  }
  %loss, %d_total = core.map over [] reads(%total, %denominator, %steps : !number, !number, !number)
      by [#nothing, #nothing, #nothing] writes [#nothing, #nothing] -> !number, !number {
  ^bb0(%sum: f64, %d: f64, %t: f64):
    %one = arith.constant 1.0 : f64
    %mean = arith.divf %sum, %d : f64
    %l = arith.divf %mean, %t : f64
    %g = arith.divf %one, %t : f64
    %g1 = arith.divf %g, %d : f64
    core.yield %l, %g1 : f64, f64
  }

  // ---- Backward.
  %d_at_label = core.map over [time, sample] reads(%weights, %d_total : !s, !number) by [#ts_s, #ts_none] writes [#ts] -> !ts {
  ^bb0(%k: f32, %g: f64):
    %g0 = arith.truncf %g : f64 to f32
    %n = arith.negf %g0 : f32
    %y = arith.mulf %n, %k : f32
    core.yield %y : f32
  }
  // Of "at label": the fold's body as a map, with a place for each class.
  %d_log_softmax = core.map over [time, sample, 5] reads(%d_at_label, %labels : !ts, !labels) by [#tsn_ts, #tsn_s]
      writes [#tsn] -> !ts5 {
  ^bb0(%g: f32, %label: i64):
    %zero = arith.constant 0.0 : f32
    %c = core.index 2
    %is = arith.cmpi eq, %c, %label : i64
    %y = arith.select %is, %g, %zero : f32
    core.yield %y : f32
  }
  // Of log(sum): a fold, as the sum lacks the class.
  %d_exps = core.fold add over [time, sample, 5] along [2] reads(%d_log_softmax, %exps : !ts5, !ts) by [#tsn, #tsn_ts]
      writes #tsn_ts order <lanes = 32> -> !ts {
  ^bb0(%g: f32, %z: f32):
    %q = arith.divf %g, %z : f32
    %y = arith.negf %q : f32
    core.yield %y : f32
  }
  // Votes have two uses with a gradient, in the order of the text: within the sum, and by themselves.
  %d_votes = core.map over [time, sample, 5] reads(%votes, %largest, %d_exps, %d_log_softmax : !ts5, !ts, !ts, !ts5)
      by [#tsn, #tsn_ts, #tsn_ts, #tsn] writes [#tsn] -> !ts5 {
  ^bb0(%a: f32, %m: f32, %gz: f32, %g: f32):
    %d = arith.subf %a, %m : f32
    %e = math.exp %d : f32
    %through = arith.mulf %gz, %e : f32
    %y = arith.addf %through, %g : f32
    core.yield %y : f32
  }
  %d_spikes = core.map over [time, sample, 5, 2] reads(%d_votes : !ts5) by [#class] writes [#member] -> !ts10 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %no_gradient = core.map over [sample, 10] reads() by [] writes [#sn] -> !s10 {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  %d_mem, %d_start = core.scan reverse sliced(%d_spikes, %mem : !ts10, !ts10) invariant() init(%no_gradient : !s10)
      -> stacked(!ts10) final(!s10) {
  ^bb0(%g0: !s10, %m0: !s10, %later: !s10):
    %delta0, %earlier = core.map over [sample, 10] reads(%g0, %m0, %later : !s10, !s10, !s10) by [#sn, #sn, #sn]
        writes [#sn, #sn] -> !s10, !s10 {
    ^bb0(%gs: f32, %m: f32, %l: f32):
      %one = arith.constant 1.0 : f32
      %slope = arith.constant 25.0 : f32
      %threshold = arith.constant 1.0 : f32
      %decay = arith.constant 0.875 : f32
      %v = arith.subf %m, %threshold : f32
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
    core.step stacked(%delta0 : !s10) next(%earlier : !s10)
  }
  %d_b = core.fold add over [time, sample, 10] along [1, 0] reads(%d_mem : !ts10) by [#tsn] writes #tsn_n
      order <run = 64, parts = 16, part = 256, descending = true> -> !n10 {
  ^bb0(%g: f32):
    core.yield %g : f32
  }
  %d_w = core.contract over [time, sample, 10, 12] along [1, 0] %d_mem, %input by [#out, #in] writes #weight
      order <run = 64, parts = 16, part = 256, descending = true> : !ts10, !ts12 -> !w
  %d_input = core.contract over [time, sample, 10, 12] along [2] %d_mem, %w by [#out, #weight] writes #in order <group = 1>
      : !ts10, !w -> !ts12
  return %loss, %mem, %log_softmax, %d_input, %d_w, %d_b : !number, !ts10, !ts5, !ts12, !w, !n10
}
