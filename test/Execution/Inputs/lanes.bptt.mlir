// Sums of rows in more lanes than the compiler chooses: their totals are no power of two.
!x = !core.array<sample x 40 x f32>
!y = !core.array<sample x f32>
#sn = affine_map<(s, n) -> (s, n)>
#s = affine_map<(s, n) -> (s)>
module {
  snn.model @lanes infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 4 epochs = 0 {snn.hash = 1 : i64}
  snn.input @input : !x
  snn.output @some : !y
  snn.output @many : !y
  func.func @forward(%x: !x {snn.bind = @input}) -> (!y {snn.bind = @some}, !y {snn.bind = @many}) {
    %some = core.fold add over [sample, 40] along [1] reads(%x : !x) by [#sn] writes #s order <lanes = 64> -> !y {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %many = core.fold add over [sample, 40] along [1] reads(%x : !x) by [#sn] writes #s order <lanes = 1024> -> !y {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    return %some, %many : !y, !y
  }
}
