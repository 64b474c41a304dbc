// The ops of the core in every form that a stage gives them.
// RUN: %snn-opt --verify-roundtrip %s | FileCheck %s

// CHECK: core.contract over [time, sample, 2, 3, 5, 5, 3, 3, 2] along [6, 7, 8] {{.*}} order <>
// CHECK: core.scan sliced({{.*}}) invariant({{.*}}) init({{.*}})
// CHECK: core.map over [sample, 10]
// CHECK: core.custom_vjp(%{{.*}}) : (f32) -> i1 value {
// CHECK: core.step stacked({{.*}}) next({{.*}})

// A strided, padded, grouped convolution: 4 channels in 2 groups to 6, kernel 3, stride 2, padding 1, 9 x 9 to 5 x 5.
#x  = affine_map<(t, s, g, o, y, x, ky, kx, i) -> (t, s, g * 2 + i, y * 2 + ky - 1, x * 2 + kx - 1)>
#w  = affine_map<(t, s, g, o, y, x, ky, kx, i) -> (g * 3 + o, i, ky, kx)>
#y  = affine_map<(t, s, g, o, y, x, ky, kx, i) -> (t, s, g * 3 + o, y, x)>
func.func @conv(%x: !core.array<time x sample x 4 x 9 x 9 x f32>, %w: !core.array<6 x 2 x 3 x 3 x f32>) -> !core.array<time x sample x 6 x 5 x 5 x f32> {
  %y = core.contract over [time, sample, 2, 3, 5, 5, 3, 3, 2] along [6, 7, 8] %x, %w by [#x, #w] writes #y order <group = 1>
      : !core.array<time x sample x 4 x 9 x 9 x f32>, !core.array<6 x 2 x 3 x 3 x f32> -> !core.array<time x sample x 6 x 5 x 5 x f32>
  return %y : !core.array<time x sample x 6 x 5 x 5 x f32>
}

#id = affine_map<(s, n) -> (s, n)>
#n  = affine_map<(s, n) -> (n)>
#none = affine_map<(s, n) -> ()>
func.func @leaky(%x: !core.array<time x sample x 10 x f32>, %beta: !core.array<10 x f32>, %mem: !core.array<sample x 10 x f32>) -> (!core.array<time x sample x 10 x i1>, !core.array<time x sample x 10 x f32>, !core.array<sample x 10 x f32>) {
  %spikes, %before, %final = core.scan sliced(%x : !core.array<time x sample x 10 x f32>) invariant(%beta : !core.array<10 x f32>) init(%mem : !core.array<sample x 10 x f32>)
      -> stacked(!core.array<time x sample x 10 x i1>, !core.array<time x sample x 10 x f32>) final(!core.array<sample x 10 x f32>) {
  ^bb0(%xt: !core.array<sample x 10 x f32>, %b: !core.array<10 x f32>, %m: !core.array<sample x 10 x f32>):
    %s, %next = core.map over [sample, 10] reads(%xt, %b, %m : !core.array<sample x 10 x f32>, !core.array<10 x f32>, !core.array<sample x 10 x f32>) by [#id, #n, #id]
        writes [#id, #id] -> !core.array<sample x 10 x i1>, !core.array<sample x 10 x f32> {
    ^bb0(%a: f32, %beta0: f32, %m0: f32):
      %one = arith.constant 1.0 : f32
      %zero = arith.constant 0.0 : f32
      %d0 = arith.subf %m0, %one : f32
      %fired = arith.cmpf ogt, %d0, %zero : f32
      %reset = arith.uitofp %fired : i1 to f32
      %decayed = arith.mulf %beta0, %m0 : f32
      %sum = arith.addf %decayed, %a : f32
      %r = core.detach %reset : f32
      %m1 = arith.subf %sum, %r : f32
      %d = arith.subf %m1, %one : f32
      %spike = core.custom_vjp(%d) : (f32) -> i1 value {
      ^bb0(%v: f32):
        %z = arith.constant 0.0 : f32
        %f = arith.cmpf ogt, %v, %z : f32
        core.yield %f : i1
      } vjp {
      ^bb0(%v: f32, %result: i1, %grad: f32):
        core.yield %grad : f32
      }
      core.yield %spike, %m1 : i1, f32
    }
    core.step stacked(%s, %m : !core.array<sample x 10 x i1>, !core.array<sample x 10 x f32>) next(%next : !core.array<sample x 10 x f32>)
  }
  return %spikes, %before, %final : !core.array<time x sample x 10 x i1>, !core.array<time x sample x 10 x f32>, !core.array<sample x 10 x f32>
}

// Flattened where there is one pixel: dims of extent 1 are told by nothing and need not be.
// CHECK-LABEL: func.func @one_pixel
func.func @one_pixel(%x: !core.array<sample x 6 x 1 x 1 x f32>) -> !core.array<sample x 6 x f32> {
  %y = core.map over [sample, 6, 1, 1] reads(%x : !core.array<sample x 6 x 1 x 1 x f32>) by [affine_map<(s, c, y, x) -> (s, c, y, x)>]
      writes [affine_map<(s, c, y, x) -> (s, c + y + x)>] -> !core.array<sample x 6 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %y : !core.array<sample x 6 x f32>
}

// CHECK-LABEL: func.func @segments
// CHECK: core.segments of 128 cut({{.*}}) invariant() init({{.*}}) -> stacked(!core.array<time x sample x 4 x f32>, !core.checkpoints<sample x 4 x f32>) final(
// CHECK: core.segment stacked({{.*}}) sum() next(
// CHECK: core.segments reverse cut({{.*}} : !core.array<time x sample x 4 x f32>, !core.checkpoints<sample x 4 x f32>) {{.*}} sum(!core.array<sample x 4 x f32>)
func.func @segments(%x: !core.array<time x sample x 4 x f32>, %start: !core.array<sample x 4 x f32>) -> !core.array<sample x 4 x f32> {
  %0 = core.batch_map sharded(%x, %start : !core.array<time x sample x 4 x f32>, !core.array<sample x 4 x f32>) invariant() -> concat(!core.array<sample x 4 x f32>) {
  ^bb0(%xs: !core.array<time x sample x 4 x f32>, %first: !core.array<sample x 4 x f32>):
    %1:2, %2 = core.segments of 128 cut(%xs : !core.array<time x sample x 4 x f32>) invariant() init(%first : !core.array<sample x 4 x f32>)
        -> stacked(!core.array<time x sample x 4 x f32>, !core.checkpoints<sample x 4 x f32>) final(!core.array<sample x 4 x f32>) {
    ^bb0(%part: !core.array<time x sample x 4 x f32>, %carry: !core.array<sample x 4 x f32>):
      %3, %4 = core.scan sliced(%part : !core.array<time x sample x 4 x f32>) invariant() init(%carry : !core.array<sample x 4 x f32>)
          -> stacked(!core.array<time x sample x 4 x f32>) final(!core.array<sample x 4 x f32>) {
      ^bb0(%a: !core.array<sample x 4 x f32>, %b: !core.array<sample x 4 x f32>):
        core.step stacked(%b : !core.array<sample x 4 x f32>) next(%a : !core.array<sample x 4 x f32>)
      }
      core.segment stacked(%3, %carry : !core.array<time x sample x 4 x f32>, !core.array<sample x 4 x f32>) sum() next(%4 : !core.array<sample x 4 x f32>)
    }
    %5 = core.segments reverse cut(%1#0, %1#1 : !core.array<time x sample x 4 x f32>, !core.checkpoints<sample x 4 x f32>) invariant() init()
        -> sum(!core.array<sample x 4 x f32>) {
    ^bb0(%part: !core.array<time x sample x 4 x f32>, %begin: !core.array<sample x 4 x f32>):
      %6 = core.fold add over [time, sample, 4] along [0] reads(%part, %begin : !core.array<time x sample x 4 x f32>, !core.array<sample x 4 x f32>)
          by [affine_map<(t, s, n) -> (t, s, n)>, affine_map<(t, s, n) -> (s, n)>] writes affine_map<(t, s, n) -> (s, n)> order <descending = true>
          -> !core.array<sample x 4 x f32> {
      ^bb0(%a: f32, %b: f32):
        %c = arith.mulf %a, %b : f32
        core.yield %c : f32
      }
      core.segment stacked() sum(%6 : !core.array<sample x 4 x f32>) next()
    }
    core.parts concat(%5 : !core.array<sample x 4 x f32>) sum()
  }
  return %0 : !core.array<sample x 4 x f32>
}
