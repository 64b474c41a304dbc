// Carries of two widths that change places at each step, two and three of them.
!n = !core.array<sample x 20 x f32>
!w = !core.array<sample x 40 x f32>
!ns = !core.array<time x sample x 20 x f32>
!ws = !core.array<time x sample x 40 x f32>
#sn = affine_map<(s, n) -> (s, n)>
module {
  snn.model @carries infer real = f32 max_steps = 9 classes = 2 batch = 4 epochs = 0 {snn.hash = 1 : i64}
  snn.input @input : !ws
  snn.output @narrow : !ns
  snn.output @wide : !ws
  func.func @forward(%x: !ws {snn.bind = @input}) -> (!ns {snn.bind = @narrow}, !ws {snn.bind = @wide}) {
    %a = core.map over [sample, 20] reads() by [] writes [#sn] -> !n {
      %one = arith.constant 1.0 : f32
      core.yield %one : f32
    }
    %b = core.map over [sample, 20] reads() by [] writes [#sn] -> !n {
      %two = arith.constant 2.0 : f32
      core.yield %two : f32
    }
    %c = core.map over [sample, 40] reads() by [] writes [#sn] -> !w {
      %three = arith.constant 3.0 : f32
      core.yield %three : f32
    }
    %d = core.map over [sample, 40] reads() by [] writes [#sn] -> !w {
      %four = arith.constant 4.0 : f32
      core.yield %four : f32
    }
    %e = core.map over [sample, 40] reads() by [] writes [#sn] -> !w {
      %five = arith.constant 5.0 : f32
      core.yield %five : f32
    }
    %narrow, %wide, %f:5 = core.scan sliced(%x : !ws) invariant() init(%a, %b, %c, %d, %e : !n, !n, !w, !w, !w) -> stacked(!ns, !ws) final(!n, !n, !w, !w, !w) {
    ^bb0(%xt: !w, %at: !n, %bt: !n, %ct: !w, %dt: !w, %et: !w):
      %twice = core.map over [sample, 20] reads(%at : !n) by [#sn] writes [#sn] -> !n {
      ^bb0(%p: f32):
        %q = arith.addf %p, %p : f32
        core.yield %q : f32
      }
      %sum = core.map over [sample, 40] reads(%xt, %ct : !w, !w) by [#sn, #sn] writes [#sn] -> !w {
      ^bb0(%p: f32, %r: f32):
        %q = arith.addf %p, %r : f32
        core.yield %q : f32
      }
      core.step stacked(%twice, %sum : !n, !w) next(%bt, %at, %dt, %et, %ct : !n, !n, !w, !w, !w)
    }
    return %narrow, %wide : !ns, !ws
  }
}
