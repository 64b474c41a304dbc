// snn-opt --pass-pipeline='builtin.module(core-check-plan,core-lower-to-cpu,snn-expand-math,canonicalize{  max-iterations=10 max-num-rewrites=-1 region-simplify=normal test-convergence=false top-down=true},cse)'
#loc = loc("examples/fashion_mnist/population.snn":5:7)
#loc1 = loc("examples/fashion_mnist/population.snn":10:3)
#loc2 = loc("examples/fashion_mnist/population.snn":12:3)
#loc3 = loc("examples/fashion_mnist/population.snn":11:3)
#loc4 = loc("examples/fashion_mnist/population.snn":13:3)
#loc5 = loc("examples/fashion_mnist/population.snn":6:3)
#loc6 = loc("examples/fashion_mnist/population.snn":18:14)
#loc7 = loc("examples/fashion_mnist/population.snn":14:3)
#loc8 = loc("examples/fashion_mnist/population.snn":19:14)
#map = affine_map<() -> ()>
#map1 = affine_map<(d0, d1) -> (d0, d1)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d2 * 28 + d3)>
#map4 = affine_map<(d0, d1, d2) -> (d0, d2)>
#map5 = affine_map<(d0, d1, d2) -> (d1, d2)>
#map6 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map7 = affine_map<(d0, d1) -> (d1)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#map9 = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 50 + d3)>
#map12 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map13 = affine_map<(d0) -> ()>
#map14 = affine_map<(d0) -> (d0)>
#map15 = affine_map<(d0, d1) -> (d0)>
#map16 = affine_map<(d0, d1) -> ()>
#map17 = affine_map<(d0, d1, d2) -> (d2)>
module attributes {snn.target = {cpu = "x86-64-v4", vector_bits = 512 : i64}} {
  snn.model @population  train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 128 epochs = 5 {snn.hash = 4407469172453216857 : i64} loc(#loc)
  snn.parameter @"1.weight" : !core.array<128 x 784 x f32> init #snn.uniform<-0.035714285714285712 : f64, 0.035714285714285712 : f64> loc(#loc1)
  snn.parameter @"1.bias" : !core.array<128 x f32> init #snn.uniform<-0.035714285714285712 : f64, 0.035714285714285712 : f64> loc(#loc1)
  snn.parameter @"3.weight" : !core.array<500 x 128 x f32> init #snn.uniform<-0.088388347648318433 : f64, 0.088388347648318433 : f64> loc(#loc2)
  snn.parameter @"3.bias" : !core.array<500 x f32> init #snn.uniform<-0.088388347648318433 : f64, 0.088388347648318433 : f64> loc(#loc2)
  snn.fixed @"2.beta" = 9.000000e-01 loc(#loc3)
  snn.fixed @"2.threshold" = 1.000000e+00 loc(#loc3)
  snn.fixed @"2.graded_spikes_factor" = 1.000000e+00 loc(#loc3)
  snn.fixed @"2.reset_mechanism_val" = 0.000000e+00 loc(#loc3)
  snn.fixed @"4.beta" = 9.000000e-01 loc(#loc4)
  snn.fixed @"4.threshold" = 1.000000e+00 loc(#loc4)
  snn.fixed @"4.graded_spikes_factor" = 1.000000e+00 loc(#loc4)
  snn.fixed @"4.reset_mechanism_val" = 0.000000e+00 loc(#loc4)
  snn.input @input : !core.array<sample x 1 x 28 x 28 x ui8> loc(#loc5)
  snn.input @labels : !core.array<sample x i64> loc(#loc6)
  snn.output @spikes : !core.array<time x sample x 500 x i1> loc(#loc4)
  snn.output @membrane : !core.array<time x sample x 500 x f32> loc(#loc4)
  snn.output @hidden.2 : !core.array<time x sample x 128 x i1> loc(#loc3)
  snn.output @hidden_membrane.2 : !core.array<time x sample x 128 x f32> loc(#loc3)
  snn.output @count : !core.array<sample x 10 x f32> loc(#loc7)
  snn.state @"2.mem" : !core.array<sample x 128 x f32> rest 0.000000e+00 loc(#loc3)
  snn.state @"4.mem" : !core.array<sample x 500 x f32> rest 0.000000e+00 loc(#loc4)
  snn.hyper @loss.correct = 1.000000e+00 in <from 0.000000e+00 : f64 to 1.000000e+00 : f64> loc(#loc6)
  snn.hyper @loss.incorrect = 0.000000e+00 in <from 0.000000e+00 : f64 to 1.000000e+00 : f64> loc(#loc6)
  snn.hyper @lr = 2.000000e-03 in <from 0.000000e+00 : f64> loc(#loc8)
  snn.hyper @beta1 = 9.000000e-01 in <from 0.000000e+00 : f64 below 1.000000e+00 : f64> loc(#loc8)
  snn.hyper @beta2 = 0.99899999999999999 in <from 0.000000e+00 : f64 below 1.000000e+00 : f64> loc(#loc8)
  snn.hyper @eps = 1.000000e-08 in <from 0.000000e+00 : f64> loc(#loc8)
  snn.hyper @weight_decay = 0.000000e+00 in <from 0.000000e+00 : f64> loc(#loc8)
  snn.output @loss : !core.array<f64> loc(#loc6)
  func.func @update(%arg0: !core.array<f32> {snn.bind = @p, snn.span = #snn.span<parameters>} loc("examples/fashion_mnist/population.snn":19:14), %arg1: !core.array<f32> {snn.bind = @g, snn.span = #snn.span<gradients>} loc("examples/fashion_mnist/population.snn":19:14), %arg2: !core.array<f32> {snn.bind = @m, snn.copy = 0 : i64, snn.span = #snn.span<optimizer>} loc("examples/fashion_mnist/population.snn":19:14), %arg3: !core.array<f32> {snn.bind = @v, snn.copy = 1 : i64, snn.span = #snn.span<optimizer>} loc("examples/fashion_mnist/population.snn":19:14), %arg4: !core.array<f64> {snn.bind = @lr} loc("examples/fashion_mnist/population.snn":19:14), %arg5: !core.array<f64> {snn.bind = @beta1} loc("examples/fashion_mnist/population.snn":19:14), %arg6: !core.array<f64> {snn.bind = @beta2} loc("examples/fashion_mnist/population.snn":19:14), %arg7: !core.array<f64> {snn.bind = @eps} loc("examples/fashion_mnist/population.snn":19:14), %arg8: !core.array<f64> {snn.bind = @weight_decay} loc("examples/fashion_mnist/population.snn":19:14), %arg9: !core.array<i64> {snn.bind = @update} loc("examples/fashion_mnist/population.snn":19:14), %arg10: !core.array<i64> {snn.bind = @updates} loc("examples/fashion_mnist/population.snn":19:14), %arg11: !core.array<i64> {snn.bind = @epoch} loc("examples/fashion_mnist/population.snn":19:14), %arg12: !core.array<i64> {snn.bind = @epochs} loc("examples/fashion_mnist/population.snn":19:14)) -> (!core.array<f32> {snn.bind = @p, snn.span = #snn.span<parameters>}, !core.array<f32> {snn.bind = @m, snn.copy = 0 : i64, snn.span = #snn.span<optimizer>}, !core.array<f32> {snn.bind = @v, snn.copy = 1 : i64, snn.span = #snn.span<optimizer>}) {
    %0:3 = core.map over [] reads(%arg1, %arg8, %arg0, %arg5, %arg2, %arg6, %arg3, %arg7, %arg9, %arg4 : !core.array<f32>, !core.array<f64>, !core.array<f32>, !core.array<f64>, !core.array<f32>, !core.array<f64>, !core.array<f32>, !core.array<f64>, !core.array<i64>, !core.array<f64>) by [#map, #map, #map, #map, #map, #map, #map, #map, #map, #map] writes [#map, #map, #map] -> !core.array<f32>, !core.array<f32>, !core.array<f32> {
    ^bb0(%arg13: f32 loc("examples/fashion_mnist/population.snn":19:14), %arg14: f64 loc("examples/fashion_mnist/population.snn":19:14), %arg15: f32 loc("examples/fashion_mnist/population.snn":19:14), %arg16: f64 loc("examples/fashion_mnist/population.snn":19:14), %arg17: f32 loc("examples/fashion_mnist/population.snn":19:14), %arg18: f64 loc("examples/fashion_mnist/population.snn":19:14), %arg19: f32 loc("examples/fashion_mnist/population.snn":19:14), %arg20: f64 loc("examples/fashion_mnist/population.snn":19:14), %arg21: i64 loc("examples/fashion_mnist/population.snn":19:14), %arg22: f64 loc("examples/fashion_mnist/population.snn":19:14)):
      %cst = arith.constant 1.000000e+00 : f64 loc(#loc9)
      %1 = arith.sitofp %arg21 : i64 to f64 loc(#loc10)
      %2 = math.powf %arg16, %1 : f64 loc(#loc10)
      %3 = arith.subf %cst, %2 : f64 loc(#loc11)
      %4 = arith.divf %arg22, %3 : f64 loc(#loc12)
      %5 = math.powf %arg18, %1 : f64 loc(#loc13)
      %6 = arith.subf %cst, %5 : f64 loc(#loc14)
      %7 = math.sqrt %6 : f64 loc(#loc15)
      %8 = arith.subf %cst, %arg18 : f64 loc(#loc16)
      %9 = arith.subf %cst, %arg16 : f64 loc(#loc17)
      %10 = arith.truncf %arg14 : f64 to f32 loc(#loc18)
      %11 = arith.mulf %10, %arg15 : f32 loc(#loc18)
      %12 = arith.addf %arg13, %11 : f32 loc(#loc19)
      %13 = arith.truncf %arg16 : f64 to f32 loc(#loc20)
      %14 = arith.mulf %13, %arg17 : f32 loc(#loc20)
      %15 = arith.truncf %9 : f64 to f32 loc(#loc21)
      %16 = arith.mulf %15, %12 : f32 loc(#loc21)
      %17 = arith.addf %14, %16 : f32 loc(#loc22)
      %18 = arith.truncf %arg18 : f64 to f32 loc(#loc23)
      %19 = arith.mulf %18, %arg19 : f32 loc(#loc23)
      %20 = arith.mulf %12, %12 : f32 loc(#loc24)
      %21 = arith.truncf %8 : f64 to f32 loc(#loc25)
      %22 = arith.mulf %21, %20 : f32 loc(#loc25)
      %23 = arith.addf %19, %22 : f32 loc(#loc26)
      %24 = math.sqrt %23 : f32 loc(#loc27)
      %25 = arith.truncf %7 : f64 to f32 loc(#loc28)
      %26 = arith.divf %24, %25 : f32 loc(#loc28)
      %27 = arith.truncf %arg20 : f64 to f32 loc(#loc29)
      %28 = arith.addf %26, %27 : f32 loc(#loc29)
      %29 = arith.divf %17, %28 : f32 loc(#loc30)
      %30 = arith.truncf %4 : f64 to f32 loc(#loc31)
      %31 = arith.mulf %30, %29 : f32 loc(#loc31)
      %32 = arith.subf %arg15, %31 : f32 loc(#loc32)
      core.yield %32, %17, %23 : f32, f32, f32 loc(#loc8)
    } loc(#loc8)
    return %0#0, %0#1, %0#2 : !core.array<f32>, !core.array<f32>, !core.array<f32> loc(#loc8)
  } loc(#loc8)
  func.func @forward(%arg0: !core.array<sample x 1 x 28 x 28 x ui8> {snn.bind = @input} loc("examples/fashion_mnist/population.snn":5:7), %arg1: !core.array<128 x 784 x f32> {snn.bind = @"1.weight"} loc("examples/fashion_mnist/population.snn":5:7), %arg2: !core.array<128 x f32> {snn.bind = @"1.bias"} loc("examples/fashion_mnist/population.snn":5:7), %arg3: !core.array<500 x 128 x f32> {snn.bind = @"3.weight"} loc("examples/fashion_mnist/population.snn":5:7), %arg4: !core.array<500 x f32> {snn.bind = @"3.bias"} loc("examples/fashion_mnist/population.snn":5:7), %arg5: !core.array<sample x 128 x f32> {snn.bind = @"2.mem"} loc("examples/fashion_mnist/population.snn":5:7), %arg6: !core.array<sample x 500 x f32> {snn.bind = @"4.mem"} loc("examples/fashion_mnist/population.snn":5:7)) -> (!core.array<time x sample x 500 x i1> {snn.bind = @spikes}, !core.array<time x sample x 500 x f32> {snn.bind = @membrane}, !core.array<time x sample x 128 x i1> {snn.bind = @hidden.2}, !core.array<time x sample x 128 x f32> {snn.bind = @hidden_membrane.2}, !core.array<sample x 10 x f32> {snn.bind = @count}, !core.array<sample x 128 x f32> {snn.bind = @"2.mem"}, !core.array<sample x 500 x f32> {snn.bind = @"4.mem"}) attributes {core.arena = #core.place<>} {
    %concat:7 = core.batch_map sharded(%arg0, %arg5, %arg6 : !core.array<sample x 1 x 28 x 28 x ui8>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>) invariant(%arg1, %arg2, %arg3, %arg4 : !core.array<128 x 784 x f32>, !core.array<128 x f32>, !core.array<500 x 128 x f32>, !core.array<500 x f32>) {core.arena = #core.place<fixed = 32768, samples = 6528, rows = 2176>, core.chunk = 64 : i64, core.wanted = [[@hidden.2], [@hidden_membrane.2], unit, [@spikes], [@membrane], unit, [@count]]} -> concat(!core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 10 x f32>) {
    ^bb0(%arg7: !core.array<sample x 1 x 28 x 28 x ui8> loc("examples/fashion_mnist/population.snn":5:7), %arg8: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg9: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg10: !core.array<128 x 784 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg11: !core.array<128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg12: !core.array<500 x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg13: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7)):
      %0 = core.map over [sample, 500] reads(%arg9 : !core.array<sample x 500 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<>]} -> !core.array<sample x 500 x f32> {
      ^bb0(%arg14: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg14 : f32 loc(#loc)
      } loc(#loc)
      %1 = core.map over [sample, 128] reads(%arg8 : !core.array<sample x 128 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<samples = 2048>]} -> !core.array<sample x 128 x f32> {
      ^bb0(%arg14: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg14 : f32 loc(#loc)
      } loc(#loc)
      %2 = core.map over [sample, 1, 28, 28] reads(%arg7 : !core.array<sample x 1 x 28 x 28 x ui8>) by [#map2] writes [#map2] {core.load, core.places = [#core.place<samples = 2560, rows = 2048>]} -> !core.array<sample x 1 x 28 x 28 x ui8> {
      ^bb0(%arg14: i8 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg14 : i8 loc(#loc)
      } loc(#loc)
      %3 = core.map over [sample, 1, 28, 28] reads(%2 : !core.array<sample x 1 x 28 x 28 x ui8>) by [#map2] writes [#map3] {core.places = [#core.place<samples = 3392, rows = 2112>]} -> !core.array<sample x 784 x f32> {
      ^bb0(%arg14: i8 loc("examples/fashion_mnist/population.snn":6:3)):
        %cst = arith.constant 2.550000e+02 : f32 loc(#loc5)
        %7 = arith.uitofp %arg14 : i8 to f32 loc(#loc5)
        %8 = arith.divf %7, %cst : f32 loc(#loc5)
        core.yield %8 : f32 loc(#loc33)
      } loc(#loc33)
      %4 = core.contract over [sample, 128, 784] along [2] %3, %arg10 by [#map4, #map5] writes #map6 order <> {core.kernel = #core.kernel<dense>, core.places = [#core.place<samples = 2560, rows = 2048>]} : <sample x 784 x f32>, <128 x 784 x f32> -> <sample x 128 x f32> loc(#loc1)
      %5 = core.map over [sample, 128] reads(%4, %arg11 : !core.array<sample x 128 x f32>, !core.array<128 x f32>) by [#map1, #map7] writes [#map1] {core.places = [#core.place<samples = 3392, rows = 2112>]} -> !core.array<sample x 128 x f32> {
      ^bb0(%arg14: f32 loc("examples/fashion_mnist/population.snn":10:3), %arg15: f32 loc("examples/fashion_mnist/population.snn":10:3)):
        %7 = arith.addf %arg14, %arg15 : f32 loc(#loc1)
        core.yield %7 : f32 loc(#loc1)
      } loc(#loc1)
      %stacked:2, %finals = core.scan sliced() invariant(%5 : !core.array<sample x 128 x f32>) init(%1 : !core.array<sample x 128 x f32>) {core.places = [#core.place<samples = 2560, rows = 2048>, unit, unit], core.wanted = [unit, [@hidden_membrane.2], unit]} -> stacked(!core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>) final(!core.array<sample x 128 x f32>) {
      ^bb0(%arg14: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg15: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3)):
        %7:2 = core.map over [sample, 128] reads(%arg15, %arg14 : !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>) by [#map1, #map1] writes [#map1, #map1] -> !core.array<sample x 128 x i1>, !core.array<sample x 128 x f32> {
        ^bb0(%arg16: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg17: f32 loc("examples/fashion_mnist/population.snn":11:3)):
          %cst = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_3 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_4 = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %8 = arith.subf %arg16, %cst_4 : f32 loc(#loc35)
          %9 = arith.cmpf ogt, %8, %cst_3 : f32 loc(#loc36)
          %10 = arith.mulf %arg16, %cst : f32 loc(#loc34)
          %11 = arith.addf %10, %arg17 : f32 loc(#loc37)
          %12 = arith.uitofp %9 : i1 to f32 loc(#loc38)
          %13 = arith.subf %11, %12 : f32 loc(#loc39)
          %14 = arith.subf %13, %cst_4 : f32 loc(#loc40)
          %15 = arith.cmpf ogt, %14, %cst_3 : f32 loc(#loc41)
          core.yield %15, %13 : i1, f32 loc(#loc3)
        } loc(#loc3)
        core.step stacked(%7#0, %7#1 : !core.array<sample x 128 x i1>, !core.array<sample x 128 x f32>) next(%7#1 : !core.array<sample x 128 x f32>) loc(#loc3)
      } loc(#loc3)
      %6 = core.contract over [time, sample, 500, 128] along [3] %stacked#0, %arg12 by [#map8, #map9] writes #map10 order <group = 4> {core.kernel = #core.kernel<spikes>, core.places = [#core.place<samples = 2048>, #core.place<samples = 3392, rows = 2112>]} : <time x sample x 128 x i1>, <500 x 128 x f32> -> <time x sample x 500 x f32> loc(#loc2)
      %stacked_0:2, %finals_1 = core.scan sliced(%6 : !core.array<time x sample x 500 x f32>) invariant(%arg13 : !core.array<500 x f32>) init(%0 : !core.array<sample x 500 x f32>) {core.places = [#core.place<samples = 3392, rows = 2112>, unit, unit], core.wanted = [[@spikes, @count], [@membrane], unit]} -> stacked(!core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>) final(!core.array<sample x 500 x f32>) {
      ^bb0(%arg14: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":12:3), %arg15: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg16: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3)):
        %7:2 = core.map over [sample, 500] reads(%arg16, %arg14, %arg15 : !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<500 x f32>) by [#map1, #map1, #map7] writes [#map1, #map1] {core.wanted = [[@spikes, @count], unit]} -> !core.array<sample x 500 x i1>, !core.array<sample x 500 x f32> {
        ^bb0(%arg17: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg18: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg19: f32 loc("examples/fashion_mnist/population.snn":12:3)):
          %cst = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %cst_3 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_4 = arith.constant 0.899999976 : f32 loc(#loc34)
          %8 = arith.addf %arg18, %arg19 : f32 loc(#loc2)
          %9 = arith.subf %arg17, %cst : f32 loc(#loc35)
          %10 = arith.cmpf ogt, %9, %cst_3 : f32 loc(#loc36)
          %11 = arith.mulf %arg17, %cst_4 : f32 loc(#loc34)
          %12 = arith.addf %11, %8 : f32 loc(#loc37)
          %13 = arith.uitofp %10 : i1 to f32 loc(#loc38)
          %14 = arith.subf %12, %13 : f32 loc(#loc39)
          %15 = arith.subf %14, %cst : f32 loc(#loc40)
          %16 = arith.cmpf ogt, %15, %cst_3 : f32 loc(#loc41)
          core.yield %16, %14 : i1, f32 loc(#loc4)
        } loc(#loc4)
        core.step stacked(%7#0, %7#1 : !core.array<sample x 500 x i1>, !core.array<sample x 500 x f32>) next(%7#1 : !core.array<sample x 500 x f32>) loc(#loc4)
      } loc(#loc4)
      %value = core.fold  add over [time, sample, 10, 50] along [3] reads(%stacked_0#0 : !core.array<time x sample x 500 x i1>) by [#map11] writes #map10 order <lanes = 32> {core.places = [#core.place<samples = 2048>], core.wanted = [[@count]]} -> <time x sample x 10 x f32> {
      ^bb0(%arg14: i1 loc("examples/fashion_mnist/population.snn":14:3)):
        %7 = arith.uitofp %arg14 : i1 to f32 loc(#loc7)
        core.yield %7 : f32 loc(#loc7)
      } loc(#loc7)
      %value_2 = core.fold  add over [time, sample, 10] along [0] reads(%value : !core.array<time x sample x 10 x f32>) by [#map12] writes #map5 order <descending = true> {core.wanted = [[@count]]} -> <sample x 10 x f32> {
      ^bb0(%arg14: f32 loc("examples/fashion_mnist/population.snn":14:3)):
        core.yield %arg14 : f32 loc(#loc7)
      } loc(#loc7)
      core.parts concat(%stacked#0, %stacked#1, %finals, %stacked_0#0, %stacked_0#1, %finals_1, %value_2 : !core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 10 x f32>) sum() loc(#loc)
    } loc(#loc)
    return %concat#3, %concat#4, %concat#0, %concat#1, %concat#6, %concat#2, %concat#5 : !core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<sample x 10 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32> loc(#loc)
  } loc(#loc)
  func.func @loss_and_gradient(%arg0: !core.array<sample x 1 x 28 x 28 x ui8> {snn.bind = @input} loc("examples/fashion_mnist/population.snn":5:7), %arg1: !core.array<128 x 784 x f32> {snn.bind = @"1.weight"} loc("examples/fashion_mnist/population.snn":5:7), %arg2: !core.array<128 x f32> {snn.bind = @"1.bias"} loc("examples/fashion_mnist/population.snn":5:7), %arg3: !core.array<500 x 128 x f32> {snn.bind = @"3.weight"} loc("examples/fashion_mnist/population.snn":5:7), %arg4: !core.array<500 x f32> {snn.bind = @"3.bias"} loc("examples/fashion_mnist/population.snn":5:7), %arg5: !core.array<sample x 128 x f32> {snn.bind = @"2.mem"} loc("examples/fashion_mnist/population.snn":5:7), %arg6: !core.array<sample x 500 x f32> {snn.bind = @"4.mem"} loc("examples/fashion_mnist/population.snn":5:7), %arg7: !core.array<sample x i64> {snn.bind = @labels} loc("examples/fashion_mnist/population.snn":5:7), %arg8: !core.array<f64> {snn.bind = @loss.correct} loc("examples/fashion_mnist/population.snn":5:7), %arg9: !core.array<f64> {snn.bind = @loss.incorrect} loc("examples/fashion_mnist/population.snn":5:7)) -> (!core.array<f64> {snn.bind = @loss}, !core.array<time x sample x 500 x i1> {snn.bind = @spikes}, !core.array<time x sample x 500 x f32> {snn.bind = @membrane}, !core.array<time x sample x 128 x i1> {snn.bind = @hidden.2}, !core.array<time x sample x 128 x f32> {snn.bind = @hidden_membrane.2}, !core.array<sample x 10 x f32> {snn.bind = @count}, !core.array<sample x 128 x f32> {snn.bind = @"2.mem"}, !core.array<sample x 500 x f32> {snn.bind = @"4.mem"}, !core.array<128 x 784 x f32> {snn.bind = @"1.weight", snn.span = #snn.span<gradients>}, !core.array<128 x f32> {snn.bind = @"1.bias", snn.span = #snn.span<gradients>}, !core.array<500 x 128 x f32> {snn.bind = @"3.weight", snn.span = #snn.span<gradients>}, !core.array<500 x f32> {snn.bind = @"3.bias", snn.span = #snn.span<gradients>}) attributes {core.arena = #core.place<fixed = 256384, samples = 3712, rows = 2112>} {
    %0 = core.map over [500, 128] reads(%arg3 : !core.array<500 x 128 x f32>) by [#map1] writes [#map1] {core.places = [#core.place<>]} -> !core.array<500 x 128 x f32> {
    ^bb0(%arg10: f32 loc("examples/fashion_mnist/population.snn":5:7)):
      core.yield %arg10 : f32 loc(#loc)
    } loc(#loc)
    %value = core.fold  add over [time] along [0] reads() by [] writes #map13 order <descending = true> {core.places = [#core.place<fixed = 256000>]} -> <f64> {
      %cst = arith.constant 1.000000e+00 : f64 loc(#loc42)
      core.yield %cst : f64 loc(#loc6)
    } loc(#loc6)
    %value_0 = core.fold  add over [sample] along [0] reads() by [] writes #map13 order <run = 64, parts = 16, part = 256> {core.places = [#core.place<fixed = 256128>]} -> <f64> {
      %cst = arith.constant 1.000000e+00 : f64 loc(#loc6)
      core.yield %cst : f64 loc(#loc6)
    } loc(#loc6)
    %1 = core.map over [] reads(%value_0 : !core.array<f64>) by [#map] writes [#map] {core.places = [#core.place<fixed = 256256>]} -> !core.array<f64> {
    ^bb0(%arg10: f64 loc("examples/fashion_mnist/population.snn":18:14)):
      %cst = arith.constant 1.000000e+00 : f64 loc(#loc6)
      %5 = arith.divf %cst, %arg10 : f64 loc(#loc6)
      core.yield %5 : f64 loc(#loc6)
    } loc(#loc6)
    %concat:11 = core.batch_map sharded(%arg0, %arg5, %arg6, %arg7 : !core.array<sample x 1 x 28 x 28 x ui8>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x i64>) invariant(%arg1, %arg2, %arg3, %arg4, %arg8, %arg9, %value, %1, %0 : !core.array<128 x 784 x f32>, !core.array<128 x f32>, !core.array<500 x 128 x f32>, !core.array<500 x f32>, !core.array<f64>, !core.array<f64>, !core.array<f64>, !core.array<f64>, !core.array<500 x 128 x f32>) {core.arena = #core.place<fixed = 32768, samples = 4160, rows = 6784>, core.chunk = 32 : i64, core.places = [#core.place<fixed = 256384>, #core.place<fixed = 256384, samples = 3136>, unit, unit, unit, unit, unit, unit, #core.place<fixed = 256384, samples = 3136, rows = 64>, #core.place<fixed = 256384, samples = 3200, rows = 64>, #core.place<fixed = 256384, samples = 3200, rows = 2112>], core.wanted = [unit, unit, [@hidden_membrane.2], unit, [@spikes], [@membrane], unit, [@count], [@loss], unit, unit]} -> concat(!core.array<sample x 784 x f32>, !core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 10 x f32>, !core.array<sample x f32>, !core.array<time x sample x 500 x f32>, !core.array<sample x 128 x f32>) {
    ^bb0(%arg10: !core.array<sample x 1 x 28 x 28 x ui8> loc("examples/fashion_mnist/population.snn":5:7), %arg11: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg12: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg13: !core.array<sample x i64> loc("examples/fashion_mnist/population.snn":5:7), %arg14: !core.array<128 x 784 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg15: !core.array<128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg16: !core.array<500 x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg17: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg18: !core.array<f64> loc("examples/fashion_mnist/population.snn":5:7), %arg19: !core.array<f64> loc("examples/fashion_mnist/population.snn":5:7), %arg20: !core.array<f64> loc("examples/fashion_mnist/population.snn":18:14), %arg21: !core.array<f64> loc("examples/fashion_mnist/population.snn":18:14), %arg22: !core.array<500 x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7)):
      %5 = core.map over [sample] reads(%arg13 : !core.array<sample x i64>) by [#map14] writes [#map14] {core.load, core.places = [#core.place<>]} -> !core.array<sample x i64> {
      ^bb0(%arg23: i64 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg23 : i64 loc(#loc)
      } loc(#loc)
      %6 = core.map over [sample, 500] reads(%arg12 : !core.array<sample x 500 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<samples = 128>]} -> !core.array<sample x 500 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg23 : f32 loc(#loc)
      } loc(#loc)
      %7 = core.map over [sample, 128] reads(%arg11 : !core.array<sample x 128 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<samples = 2176, rows = 64>]} -> !core.array<sample x 128 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg23 : f32 loc(#loc)
      } loc(#loc)
      %8 = core.map over [sample, 1, 28, 28] reads(%arg10 : !core.array<sample x 1 x 28 x 28 x ui8>) by [#map2] writes [#map2] {core.load, core.places = [#core.place<samples = 2688, rows = 2112>]} -> !core.array<sample x 1 x 28 x 28 x ui8> {
      ^bb0(%arg23: i8 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg23 : i8 loc(#loc)
      } loc(#loc)
      %9 = core.map over [sample, 1, 28, 28] reads(%8 : !core.array<sample x 1 x 28 x 28 x ui8>) by [#map2] writes [#map3] -> !core.array<sample x 784 x f32> {
      ^bb0(%arg23: i8 loc("examples/fashion_mnist/population.snn":6:3)):
        %cst = arith.constant 2.550000e+02 : f32 loc(#loc5)
        %21 = arith.uitofp %arg23 : i8 to f32 loc(#loc5)
        %22 = arith.divf %21, %cst : f32 loc(#loc5)
        core.yield %22 : f32 loc(#loc33)
      } loc(#loc33)
      %10 = core.contract over [sample, 128, 784] along [2] %9, %arg14 by [#map4, #map5] writes #map6 order <> {core.kernel = #core.kernel<dense>, core.places = [#core.place<samples = 2688, rows = 2112>]} : <sample x 784 x f32>, <128 x 784 x f32> -> <sample x 128 x f32> loc(#loc1)
      %11 = core.map over [sample, 128] reads(%10, %arg15 : !core.array<sample x 128 x f32>, !core.array<128 x f32>) by [#map1, #map7] writes [#map1] {core.places = [#core.place<samples = 3520, rows = 2624>]} -> !core.array<sample x 128 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":10:3), %arg24: f32 loc("examples/fashion_mnist/population.snn":10:3)):
        %21 = arith.addf %arg23, %arg24 : f32 loc(#loc1)
        core.yield %21 : f32 loc(#loc1)
      } loc(#loc1)
      %stacked:3, %finals = core.scan sliced() invariant(%11 : !core.array<sample x 128 x f32>) init(%7 : !core.array<sample x 128 x f32>) {core.places = [unit, unit, #core.place<samples = 2688, rows = 2112>, unit], core.wanted = [unit, [@hidden_membrane.2], unit, unit]} -> stacked(!core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<time x sample x 128 x f32>) final(!core.array<sample x 128 x f32>) {
      ^bb0(%arg23: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg24: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3)):
        %21:2 = core.map over [sample, 128] reads(%arg24, %arg23 : !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>) by [#map1, #map1] writes [#map1, #map1] -> !core.array<sample x 128 x i1>, !core.array<sample x 128 x f32> {
        ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg26: f32 loc("examples/fashion_mnist/population.snn":11:3)):
          %cst = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_14 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_15 = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %22 = arith.subf %arg25, %cst_15 : f32 loc(#loc35)
          %23 = arith.cmpf ogt, %22, %cst_14 : f32 loc(#loc36)
          %24 = arith.mulf %arg25, %cst : f32 loc(#loc34)
          %25 = arith.addf %24, %arg26 : f32 loc(#loc37)
          %26 = arith.uitofp %23 : i1 to f32 loc(#loc38)
          %27 = arith.subf %25, %26 : f32 loc(#loc39)
          %28 = arith.subf %27, %cst_15 : f32 loc(#loc40)
          %29 = arith.cmpf ogt, %28, %cst_14 : f32 loc(#loc41)
          core.yield %29, %27 : i1, f32 loc(#loc3)
        } loc(#loc3)
        core.step stacked(%21#0, %21#1, %arg24 : !core.array<sample x 128 x i1>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>) next(%21#1 : !core.array<sample x 128 x f32>) loc(#loc3)
      } loc(#loc3)
      %12 = core.contract over [time, sample, 500, 128] along [3] %stacked#0, %arg16 by [#map8, #map9] writes #map10 order <group = 4> {core.kernel = #core.kernel<spikes>, core.places = [#core.place<samples = 2176, rows = 64>, #core.place<samples = 4032, rows = 2624>]} : <time x sample x 128 x i1>, <500 x 128 x f32> -> <time x sample x 500 x f32> loc(#loc2)
      %stacked_4:3, %finals_5 = core.scan sliced(%12 : !core.array<time x sample x 500 x f32>) invariant(%arg17 : !core.array<500 x f32>) init(%6 : !core.array<sample x 500 x f32>) {core.places = [#core.place<samples = 4032, rows = 2624>, unit, #core.place<fixed = 32768, samples = 4032, rows = 2688>, unit], core.wanted = [unit, [@membrane], unit, unit]} -> stacked(!core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>) final(!core.array<sample x 500 x f32>) {
      ^bb0(%arg23: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":12:3), %arg24: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg25: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3)):
        %21:2 = core.map over [sample, 500] reads(%arg25, %arg23, %arg24 : !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<500 x f32>) by [#map1, #map1, #map7] writes [#map1, #map1] -> !core.array<sample x 500 x i1>, !core.array<sample x 500 x f32> {
        ^bb0(%arg26: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg27: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg28: f32 loc("examples/fashion_mnist/population.snn":12:3)):
          %cst = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %cst_14 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_15 = arith.constant 0.899999976 : f32 loc(#loc34)
          %22 = arith.addf %arg27, %arg28 : f32 loc(#loc2)
          %23 = arith.subf %arg26, %cst : f32 loc(#loc35)
          %24 = arith.cmpf ogt, %23, %cst_14 : f32 loc(#loc36)
          %25 = arith.mulf %arg26, %cst_15 : f32 loc(#loc34)
          %26 = arith.addf %25, %22 : f32 loc(#loc37)
          %27 = arith.uitofp %24 : i1 to f32 loc(#loc38)
          %28 = arith.subf %26, %27 : f32 loc(#loc39)
          %29 = arith.subf %28, %cst : f32 loc(#loc40)
          %30 = arith.cmpf ogt, %29, %cst_14 : f32 loc(#loc41)
          core.yield %30, %28 : i1, f32 loc(#loc4)
        } loc(#loc4)
        core.step stacked(%21#0, %21#1, %arg25 : !core.array<sample x 500 x i1>, !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>) next(%21#1 : !core.array<sample x 500 x f32>) loc(#loc4)
      } loc(#loc4)
      %value_6 = core.fold  add over [time, sample, 10, 50] along [3] reads(%stacked_4#0 : !core.array<time x sample x 500 x i1>) by [#map11] writes #map10 order <lanes = 32> {core.places = [#core.place<samples = 128>]} -> <time x sample x 10 x f32> {
      ^bb0(%arg23: i1 loc("examples/fashion_mnist/population.snn":14:3)):
        %21 = arith.uitofp %arg23 : i1 to f32 loc(#loc7)
        core.yield %21 : f32 loc(#loc7)
      } loc(#loc7)
      %value_7 = core.fold  add over [time, sample, 10] along [0] reads(%value_6 : !core.array<time x sample x 10 x f32>) by [#map12] writes #map5 order <descending = true> {core.places = [#core.place<fixed = 32768, samples = 4032, rows = 4736>]} -> <sample x 10 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":14:3)):
        core.yield %arg23 : f32 loc(#loc7)
      } loc(#loc7)
      %13 = core.map over [sample, 10] reads(%5, %arg18, %arg19 : !core.array<sample x i64>, !core.array<f64>, !core.array<f64>) by [#map15, #map16, #map16] writes [#map1] {core.places = [#core.place<samples = 128>]} -> !core.array<sample x 10 x f64> {
      ^bb0(%arg23: i64 loc("examples/fashion_mnist/population.snn":18:14), %arg24: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg25: f64 loc("examples/fashion_mnist/population.snn":18:14)):
        %21 = core.index 1 loc(#loc43)
        %22 = arith.cmpi eq, %arg23, %21 : i64 loc(#loc44)
        %23 = arith.select %22, %arg24, %arg25 : f64 loc(#loc45)
        core.yield %23 : f64 loc(#loc6)
      } loc(#loc6)
      %value_8 = core.fold  add over [sample, 10] along [1] reads(%value_7, %arg20, %13 : !core.array<sample x 10 x f32>, !core.array<f64>, !core.array<sample x 10 x f64>) by [#map1, #map16, #map1] writes #map15 order <lanes = 32> {core.wanted = [[@loss]]} -> <sample x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":18:14), %arg24: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg25: f64 loc("examples/fashion_mnist/population.snn":18:14)):
        %cst = arith.constant 5.000000e+01 : f64 loc(#loc46)
        %21 = arith.mulf %arg24, %arg25 : f64 loc(#loc47)
        %22 = arith.mulf %21, %cst : f64 loc(#loc46)
        %23 = arith.fptosi %22 : f64 to i64 loc(#loc48)
        %24 = arith.sitofp %23 : i64 to f32 loc(#loc58)
        %25 = arith.subf %arg23, %24 : f32 loc(#loc49)
        %26 = arith.mulf %25, %25 : f32 loc(#loc50)
        core.yield %26 : f32 loc(#loc6)
      } loc(#loc6)
      %14 = core.map over [sample] reads(%arg20, %arg21 : !core.array<f64>, !core.array<f64>) by [#map13, #map13] writes [#map14] {core.places = [#core.place<>]} -> !core.array<sample x f32> {
      ^bb0(%arg23: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg24: f64 loc("examples/fashion_mnist/population.snn":18:14)):
        %cst = arith.constant 1.000000e+01 : f32 loc(#loc51)
        %21 = arith.truncf %arg23 : f64 to f32 loc(#loc52)
        %22 = arith.truncf %arg24 : f64 to f32 loc(#loc6)
        %23 = arith.divf %22, %21 : f32 loc(#loc52)
        %24 = arith.divf %23, %cst : f32 loc(#loc51)
        core.yield %24 : f32 loc(#loc6)
      } loc(#loc6)
      %15 = core.map over [sample, 10] reads(%value_7, %arg20, %13, %14 : !core.array<sample x 10 x f32>, !core.array<f64>, !core.array<sample x 10 x f64>, !core.array<sample x f32>) by [#map1, #map16, #map1, #map15] writes [#map1] {core.places = [#core.place<fixed = 32768, samples = 4096, rows = 4736>]} -> !core.array<sample x 10 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":18:14), %arg24: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg25: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg26: f32 loc("examples/fashion_mnist/population.snn":18:14)):
        %cst = arith.constant 5.000000e+01 : f64 loc(#loc46)
        %21 = arith.mulf %arg24, %arg25 : f64 loc(#loc47)
        %22 = arith.mulf %21, %cst : f64 loc(#loc46)
        %23 = arith.fptosi %22 : f64 to i64 loc(#loc48)
        %24 = arith.sitofp %23 : i64 to f32 loc(#loc58)
        %25 = arith.subf %arg23, %24 : f32 loc(#loc49)
        %26 = arith.mulf %arg26, %25 : f32 loc(#loc50)
        %27 = arith.addf %26, %26 : f32 loc(#loc50)
        core.yield %27 : f32 loc(#loc6)
      } loc(#loc6)
      %16 = core.map over [time, sample, 10] reads(%15 : !core.array<sample x 10 x f32>) by [#map5] writes [#map12] {core.places = [#core.place<samples = 128>]} -> !core.array<time x sample x 10 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":18:14)):
        core.yield %arg23 : f32 loc(#loc6)
      } loc(#loc6)
      %17 = core.map over [time, sample, 10, 50] reads(%16 : !core.array<time x sample x 10 x f32>) by [#map10] writes [#map11] {core.places = [#core.place<fixed = 32768, samples = 4096, rows = 4736>]} -> !core.array<time x sample x 500 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":18:14)):
        core.yield %arg23 : f32 loc(#loc6)
      } loc(#loc6)
      %18 = core.map over [sample, 500] reads() by [] writes [#map1] {core.places = [#core.place<samples = 128>]} -> !core.array<sample x 500 x f32> {
        %cst = arith.constant 0.000000e+00 : f32 loc(#loc4)
        core.yield %cst : f32 loc(#loc4)
      } loc(#loc4)
      %stacked_9, %finals_10 = core.scan reverse sliced(%17, %stacked_4#2, %12 : !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>) invariant(%arg17 : !core.array<500 x f32>) init(%18 : !core.array<sample x 500 x f32>) {core.wanted = [unit, []]} -> stacked(!core.array<time x sample x 500 x f32>) final(!core.array<sample x 500 x f32>) {
      ^bb0(%arg23: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3), %arg24: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3), %arg25: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":12:3), %arg26: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg27: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3)):
        %21:2 = core.map over [sample, 500] reads(%arg24, %arg23, %arg27, %arg25, %arg26 : !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<500 x f32>) by [#map1, #map1, #map1, #map1, #map7] writes [#map1, #map1] -> !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32> {
        ^bb0(%arg28: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg29: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg30: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg31: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg32: f32 loc("examples/fashion_mnist/population.snn":12:3)):
          %cst = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %cst_14 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_15 = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_16 = arith.constant 2.500000e+01 : f32 loc(#loc53)
          %22 = arith.addf %arg31, %arg32 : f32 loc(#loc2)
          %23 = arith.subf %arg28, %cst : f32 loc(#loc35)
          %24 = arith.cmpf ogt, %23, %cst_14 : f32 loc(#loc36)
          %25 = arith.mulf %arg28, %cst_15 : f32 loc(#loc34)
          %26 = arith.addf %25, %22 : f32 loc(#loc37)
          %27 = arith.uitofp %24 : i1 to f32 loc(#loc38)
          %28 = arith.subf %26, %27 : f32 loc(#loc39)
          %29 = arith.subf %28, %cst : f32 loc(#loc40)
          %30 = math.absf %29 : f32 loc(#loc54)
          %31 = arith.mulf %30, %cst_16 : f32 loc(#loc53)
          %32 = arith.addf %31, %cst : f32 loc(#loc55)
          %33 = arith.mulf %32, %32 : f32 loc(#loc56)
          %34 = arith.divf %cst, %33 : f32 loc(#loc57)
          %35 = arith.mulf %arg29, %34 : f32 loc(#loc41)
          %36 = arith.addf %arg30, %35 : f32 loc(#loc41)
          %37 = arith.mulf %36, %cst_15 : f32 loc(#loc34)
          core.yield %37, %36 : f32, f32 loc(#loc4)
        } loc(#loc4)
        core.step stacked(%21#1 : !core.array<sample x 500 x f32>) next(%21#0 : !core.array<sample x 500 x f32>) loc(#loc4)
      } loc(#loc4)
      %19 = core.contract over [time, sample, 500, 128] along [2] %stacked_9, %arg22 by [#map10, #map9] writes #map8 order <> {core.kernel = #core.kernel<dense>, core.places = [#core.place<fixed = 32768, samples = 4032, rows = 2688>]} : <time x sample x 500 x f32>, <500 x 128 x f32> -> <time x sample x 128 x f32> loc(#loc2)
      %20 = core.map over [sample, 128] reads() by [] writes [#map1] {core.places = [#core.place<samples = 128>]} -> !core.array<sample x 128 x f32> {
        %cst = arith.constant 0.000000e+00 : f32 loc(#loc3)
        core.yield %cst : f32 loc(#loc3)
      } loc(#loc3)
      %stacked_11, %finals_12 = core.scan reverse sliced(%19, %stacked#2 : !core.array<time x sample x 128 x f32>, !core.array<time x sample x 128 x f32>) invariant(%11 : !core.array<sample x 128 x f32>) init(%20 : !core.array<sample x 128 x f32>) {core.places = [#core.place<fixed = 32768, samples = 4096, rows = 4736>, unit], core.wanted = [unit, []]} -> stacked(!core.array<time x sample x 128 x f32>) final(!core.array<sample x 128 x f32>) {
      ^bb0(%arg23: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg24: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg25: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg26: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3)):
        %21:2 = core.map over [sample, 128] reads(%arg24, %arg25, %arg23, %arg26 : !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>) by [#map1, #map1, #map1, #map1] writes [#map1, #map1] -> !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32> {
        ^bb0(%arg27: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg28: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg29: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg30: f32 loc("examples/fashion_mnist/population.snn":11:3)):
          %cst = arith.constant 2.500000e+01 : f32 loc(#loc53)
          %cst_14 = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_15 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_16 = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %22 = arith.subf %arg27, %cst_16 : f32 loc(#loc35)
          %23 = arith.cmpf ogt, %22, %cst_15 : f32 loc(#loc36)
          %24 = arith.mulf %arg27, %cst_14 : f32 loc(#loc34)
          %25 = arith.addf %24, %arg28 : f32 loc(#loc37)
          %26 = arith.uitofp %23 : i1 to f32 loc(#loc38)
          %27 = arith.subf %25, %26 : f32 loc(#loc39)
          %28 = arith.subf %27, %cst_16 : f32 loc(#loc40)
          %29 = math.absf %28 : f32 loc(#loc54)
          %30 = arith.mulf %29, %cst : f32 loc(#loc53)
          %31 = arith.addf %30, %cst_16 : f32 loc(#loc55)
          %32 = arith.mulf %31, %31 : f32 loc(#loc56)
          %33 = arith.divf %cst_16, %32 : f32 loc(#loc57)
          %34 = arith.mulf %arg29, %33 : f32 loc(#loc41)
          %35 = arith.addf %arg30, %34 : f32 loc(#loc41)
          %36 = arith.mulf %35, %cst_14 : f32 loc(#loc34)
          core.yield %36, %35 : f32, f32 loc(#loc3)
        } loc(#loc3)
        core.step stacked(%21#1 : !core.array<sample x 128 x f32>) next(%21#0 : !core.array<sample x 128 x f32>) loc(#loc3)
      } loc(#loc3)
      %value_13 = core.fold  add over [time, sample, 128] along [0] reads(%stacked_11 : !core.array<time x sample x 128 x f32>) by [#map12] writes #map5 order <descending = true> -> <sample x 128 x f32> {
      ^bb0(%arg23: f32 loc("examples/fashion_mnist/population.snn":11:3)):
        core.yield %arg23 : f32 loc(#loc3)
      } loc(#loc3)
      core.parts concat(%9, %stacked#0, %stacked#1, %finals, %stacked_4#0, %stacked_4#1, %finals_5, %value_7, %value_8, %stacked_9, %value_13 : !core.array<sample x 784 x f32>, !core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 10 x f32>, !core.array<sample x f32>, !core.array<time x sample x 500 x f32>, !core.array<sample x 128 x f32>) sum() loc(#loc)
    } loc(#loc)
    %value_1 = core.fold  add over [sample] along [0] reads(%value, %concat#8 : !core.array<f64>, !core.array<sample x f32>) by [#map13, #map14] writes #map13 order <run = 64, parts = 16, part = 256> {core.places = [#core.place<fixed = 256256>], core.wanted = [[@loss]], core.whole_batch} -> <f64> {
    ^bb0(%arg10: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg11: f32 loc("examples/fashion_mnist/population.snn":18:14)):
      %cst = arith.constant 1.000000e+01 : f32 loc(#loc51)
      %5 = arith.divf %arg11, %cst : f32 loc(#loc51)
      %6 = arith.truncf %arg10 : f64 to f32 loc(#loc52)
      %7 = arith.divf %5, %6 : f32 loc(#loc52)
      %8 = arith.extf %7 : f32 to f64 loc(#loc6)
      core.yield %8 : f64 loc(#loc6)
    } loc(#loc6)
    %2 = core.map over [] reads(%value_1, %value_0 : !core.array<f64>, !core.array<f64>) by [#map, #map] writes [#map] {core.places = [#core.place<fixed = 256000>], core.wanted = [[@loss]]} -> !core.array<f64> {
    ^bb0(%arg10: f64 loc("examples/fashion_mnist/population.snn":18:14), %arg11: f64 loc("examples/fashion_mnist/population.snn":18:14)):
      %5 = arith.divf %arg10, %arg11 : f64 loc(#loc6)
      core.yield %5 : f64 loc(#loc6)
    } loc(#loc6)
    %value_2 = core.fold  add over [time, sample, 500] along [1, 0] reads(%concat#9 : !core.array<time x sample x 500 x f32>) by [#map12] writes #map17 order <run = 64, parts = 16, part = 256, descending = true> {core.whole_batch} -> <500 x f32> {
    ^bb0(%arg10: f32 loc("examples/fashion_mnist/population.snn":12:3)):
      core.yield %arg10 : f32 loc(#loc2)
    } loc(#loc2)
    %3 = core.contract over [time, sample, 500, 128] along [1, 0] %concat#9, %concat#1 by [#map10, #map8] writes #map9 order <group = 4, run = 64, parts = 16, part = 256, descending = true> {core.kernel = #core.kernel<spike_gradient>, core.whole_batch} : <time x sample x 500 x f32>, <time x sample x 128 x i1> -> <500 x 128 x f32> loc(#loc2)
    %value_3 = core.fold  add over [sample, 128] along [0] reads(%concat#10 : !core.array<sample x 128 x f32>) by [#map1] writes #map7 order <run = 64, parts = 16, part = 256> {core.whole_batch} -> <128 x f32> {
    ^bb0(%arg10: f32 loc("examples/fashion_mnist/population.snn":10:3)):
      core.yield %arg10 : f32 loc(#loc1)
    } loc(#loc1)
    %4 = core.contract over [sample, 128, 784] along [0] %concat#10, %concat#0 by [#map6, #map4] writes #map5 order <run = 64, parts = 16, part = 256> {core.kernel = #core.kernel<dense_gradient>, core.whole_batch} : <sample x 128 x f32>, <sample x 784 x f32> -> <128 x 784 x f32> loc(#loc1)
    return %2, %concat#4, %concat#5, %concat#1, %concat#2, %concat#7, %concat#3, %concat#6, %4, %value_3, %3, %value_2 : !core.array<f64>, !core.array<time x sample x 500 x i1>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>, !core.array<sample x 10 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>, !core.array<128 x 784 x f32>, !core.array<128 x f32>, !core.array<500 x 128 x f32>, !core.array<500 x f32> loc(#loc)
  } loc(#loc)
  func.func @backward(%arg0: !core.array<sample x 1 x 28 x 28 x ui8> {snn.bind = @input} loc("examples/fashion_mnist/population.snn":5:7), %arg1: !core.array<128 x 784 x f32> {snn.bind = @"1.weight"} loc("examples/fashion_mnist/population.snn":5:7), %arg2: !core.array<128 x f32> {snn.bind = @"1.bias"} loc("examples/fashion_mnist/population.snn":5:7), %arg3: !core.array<500 x 128 x f32> {snn.bind = @"3.weight"} loc("examples/fashion_mnist/population.snn":5:7), %arg4: !core.array<500 x f32> {snn.bind = @"3.bias"} loc("examples/fashion_mnist/population.snn":5:7), %arg5: !core.array<sample x 128 x f32> {snn.bind = @"2.mem"} loc("examples/fashion_mnist/population.snn":5:7), %arg6: !core.array<sample x 500 x f32> {snn.bind = @"4.mem"} loc("examples/fashion_mnist/population.snn":5:7), %arg7: !core.array<time x sample x 500 x f32> {snn.bind = @grad.spikes} loc("examples/fashion_mnist/population.snn":5:7), %arg8: !core.array<time x sample x 500 x f32> {snn.bind = @grad.membrane} loc("examples/fashion_mnist/population.snn":5:7), %arg9: !core.array<time x sample x 128 x f32> {snn.bind = @grad.hidden.2} loc("examples/fashion_mnist/population.snn":5:7), %arg10: !core.array<time x sample x 128 x f32> {snn.bind = @grad.hidden_membrane.2} loc("examples/fashion_mnist/population.snn":5:7), %arg11: !core.array<sample x 10 x f32> {snn.bind = @grad.count} loc("examples/fashion_mnist/population.snn":5:7)) -> (!core.array<sample x 128 x f32> {snn.bind = @"2.mem"}, !core.array<sample x 500 x f32> {snn.bind = @"4.mem"}, !core.array<128 x 784 x f32> {snn.bind = @"1.weight", snn.span = #snn.span<gradients>}, !core.array<128 x f32> {snn.bind = @"1.bias", snn.span = #snn.span<gradients>}, !core.array<500 x 128 x f32> {snn.bind = @"3.weight", snn.span = #snn.span<gradients>}, !core.array<500 x f32> {snn.bind = @"3.bias", snn.span = #snn.span<gradients>}) attributes {core.arena = #core.place<fixed = 256000, samples = 3648, rows = 2112>} {
    %0 = core.map over [500, 128] reads(%arg3 : !core.array<500 x 128 x f32>) by [#map1] writes [#map1] {core.places = [#core.place<>]} -> !core.array<500 x 128 x f32> {
    ^bb0(%arg12: f32 loc("examples/fashion_mnist/population.snn":5:7)):
      core.yield %arg12 : f32 loc(#loc)
    } loc(#loc)
    %concat:6 = core.batch_map sharded(%arg0, %arg5, %arg6, %arg11, %arg8, %arg7, %arg10, %arg9 : !core.array<sample x 1 x 28 x 28 x ui8>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 10 x f32>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 128 x f32>, !core.array<time x sample x 128 x f32>) invariant(%arg1, %arg2, %arg3, %arg4, %0 : !core.array<128 x 784 x f32>, !core.array<128 x f32>, !core.array<500 x 128 x f32>, !core.array<500 x f32>, !core.array<500 x 128 x f32>) {core.arena = #core.place<fixed = 32768, samples = 3968, rows = 11840>, core.chunk = 32 : i64, core.places = [#core.place<fixed = 256000>, #core.place<fixed = 256000, samples = 3136>, unit, unit, #core.place<fixed = 256000, samples = 3136, rows = 64>, #core.place<fixed = 256000, samples = 3136, rows = 2112>]} -> concat(!core.array<sample x 784 x f32>, !core.array<time x sample x 128 x i1>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<sample x 128 x f32>) {
    ^bb0(%arg12: !core.array<sample x 1 x 28 x 28 x ui8> loc("examples/fashion_mnist/population.snn":5:7), %arg13: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg14: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg15: !core.array<sample x 10 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg16: !core.array<time x sample x 500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg17: !core.array<time x sample x 500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg18: !core.array<time x sample x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg19: !core.array<time x sample x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg20: !core.array<128 x 784 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg21: !core.array<128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg22: !core.array<500 x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg23: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg24: !core.array<500 x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7)):
      %3 = core.map over [sample, 10] reads(%arg15 : !core.array<sample x 10 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<>]} -> !core.array<sample x 10 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %4 = core.map over [time, sample, 128] reads(%arg18 : !core.array<time x sample x 128 x f32>) by [#map12] writes [#map12] {core.load, core.places = [#core.place<samples = 64, rows = 2048>]} -> !core.array<time x sample x 128 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %5 = core.map over [time, sample, 128] reads(%arg19 : !core.array<time x sample x 128 x f32>) by [#map12] writes [#map12] {core.load, core.places = [#core.place<samples = 64, rows = 2560>]} -> !core.array<time x sample x 128 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %6 = core.map over [time, sample, 500] reads(%arg16 : !core.array<time x sample x 500 x f32>) by [#map12] writes [#map12] {core.load, core.places = [#core.place<samples = 64, rows = 3072>]} -> !core.array<time x sample x 500 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %7 = core.map over [time, sample, 500] reads(%arg17 : !core.array<time x sample x 500 x f32>) by [#map12] writes [#map12] {core.load, core.places = [#core.place<samples = 64, rows = 5120>]} -> !core.array<time x sample x 500 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %8 = core.map over [sample, 500] reads(%arg14 : !core.array<sample x 500 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<samples = 64, rows = 7168>]} -> !core.array<sample x 500 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %9 = core.map over [sample, 128] reads(%arg13 : !core.array<sample x 128 x f32>) by [#map1] writes [#map1] {core.load, core.places = [#core.place<samples = 2112, rows = 7232>]} -> !core.array<sample x 128 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : f32 loc(#loc)
      } loc(#loc)
      %10 = core.map over [sample, 1, 28, 28] reads(%arg12 : !core.array<sample x 1 x 28 x 28 x ui8>) by [#map2] writes [#map2] {core.load, core.places = [#core.place<samples = 2624, rows = 9280>]} -> !core.array<sample x 1 x 28 x 28 x ui8> {
      ^bb0(%arg25: i8 loc("examples/fashion_mnist/population.snn":5:7)):
        core.yield %arg25 : i8 loc(#loc)
      } loc(#loc)
      %11 = core.map over [sample, 1, 28, 28] reads(%10 : !core.array<sample x 1 x 28 x 28 x ui8>) by [#map2] writes [#map3] -> !core.array<sample x 784 x f32> {
      ^bb0(%arg25: i8 loc("examples/fashion_mnist/population.snn":6:3)):
        %cst = arith.constant 2.550000e+02 : f32 loc(#loc5)
        %20 = arith.uitofp %arg25 : i8 to f32 loc(#loc5)
        %21 = arith.divf %20, %cst : f32 loc(#loc5)
        core.yield %21 : f32 loc(#loc33)
      } loc(#loc33)
      %12 = core.contract over [sample, 128, 784] along [2] %11, %arg20 by [#map4, #map5] writes #map6 order <> {core.kernel = #core.kernel<dense>, core.places = [#core.place<samples = 2624, rows = 9280>]} : <sample x 784 x f32>, <128 x 784 x f32> -> <sample x 128 x f32> loc(#loc1)
      %13 = core.map over [sample, 128] reads(%12, %arg21 : !core.array<sample x 128 x f32>, !core.array<128 x f32>) by [#map1, #map7] writes [#map1] {core.places = [#core.place<samples = 3456, rows = 9792>]} -> !core.array<sample x 128 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":10:3), %arg26: f32 loc("examples/fashion_mnist/population.snn":10:3)):
        %20 = arith.addf %arg25, %arg26 : f32 loc(#loc1)
        core.yield %20 : f32 loc(#loc1)
      } loc(#loc1)
      %stacked:2, %finals = core.scan sliced() invariant(%13 : !core.array<sample x 128 x f32>) init(%9 : !core.array<sample x 128 x f32>) {core.places = [unit, #core.place<samples = 2624, rows = 9280>, unit]} -> stacked(!core.array<time x sample x 128 x i1>, !core.array<time x sample x 128 x f32>) final(!core.array<sample x 128 x f32>) {
      ^bb0(%arg25: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg26: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3)):
        %20:2 = core.map over [sample, 128] reads(%arg26, %arg25 : !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>) by [#map1, #map1] writes [#map1, #map1] -> !core.array<sample x 128 x i1>, !core.array<sample x 128 x f32> {
        ^bb0(%arg27: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg28: f32 loc("examples/fashion_mnist/population.snn":11:3)):
          %cst = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_8 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_9 = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %21 = arith.subf %arg27, %cst_9 : f32 loc(#loc35)
          %22 = arith.cmpf ogt, %21, %cst_8 : f32 loc(#loc36)
          %23 = arith.mulf %arg27, %cst : f32 loc(#loc34)
          %24 = arith.addf %23, %arg28 : f32 loc(#loc37)
          %25 = arith.uitofp %22 : i1 to f32 loc(#loc38)
          %26 = arith.subf %24, %25 : f32 loc(#loc39)
          %27 = arith.subf %26, %cst_9 : f32 loc(#loc40)
          %28 = arith.cmpf ogt, %27, %cst_8 : f32 loc(#loc41)
          core.yield %28, %26 : i1, f32 loc(#loc3)
        } loc(#loc3)
        core.step stacked(%20#0, %arg26 : !core.array<sample x 128 x i1>, !core.array<sample x 128 x f32>) next(%20#1 : !core.array<sample x 128 x f32>) loc(#loc3)
      } loc(#loc3)
      %14 = core.contract over [time, sample, 500, 128] along [3] %stacked#0, %arg22 by [#map8, #map9] writes #map10 order <group = 4> {core.kernel = #core.kernel<spikes>, core.places = [#core.place<samples = 2112, rows = 7232>, #core.place<samples = 3968, rows = 9792>]} : <time x sample x 128 x i1>, <500 x 128 x f32> -> <time x sample x 500 x f32> loc(#loc2)
      %stacked_1, %finals_2 = core.scan sliced(%14 : !core.array<time x sample x 500 x f32>) invariant(%arg23 : !core.array<500 x f32>) init(%8 : !core.array<sample x 500 x f32>) {core.places = [#core.place<samples = 3968, rows = 9792>, unit]} -> stacked(!core.array<time x sample x 500 x f32>) final(!core.array<sample x 500 x f32>) {
      ^bb0(%arg25: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":12:3), %arg26: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg27: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3)):
        %20 = core.map over [sample, 500] reads(%arg27, %arg25, %arg26 : !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<500 x f32>) by [#map1, #map1, #map7] writes [#map1] -> !core.array<sample x 500 x f32> {
        ^bb0(%arg28: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg29: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg30: f32 loc("examples/fashion_mnist/population.snn":12:3)):
          %cst = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %cst_8 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_9 = arith.constant 0.899999976 : f32 loc(#loc34)
          %21 = arith.addf %arg29, %arg30 : f32 loc(#loc2)
          %22 = arith.subf %arg28, %cst : f32 loc(#loc35)
          %23 = arith.cmpf ogt, %22, %cst_8 : f32 loc(#loc36)
          %24 = arith.mulf %arg28, %cst_9 : f32 loc(#loc34)
          %25 = arith.addf %24, %21 : f32 loc(#loc37)
          %26 = arith.uitofp %23 : i1 to f32 loc(#loc38)
          %27 = arith.subf %25, %26 : f32 loc(#loc39)
          core.yield %27 : f32 loc(#loc4)
        } loc(#loc4)
        core.step stacked(%arg27 : !core.array<sample x 500 x f32>) next(%20 : !core.array<sample x 500 x f32>) loc(#loc4)
      } loc(#loc4)
      %15 = core.map over [time, sample, 10] reads(%3 : !core.array<sample x 10 x f32>) by [#map5] writes [#map12] {core.places = [#core.place<samples = 64, rows = 7168>]} -> !core.array<time x sample x 10 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":14:3)):
        core.yield %arg25 : f32 loc(#loc7)
      } loc(#loc7)
      %16 = core.map over [time, sample, 10, 50] reads(%15 : !core.array<time x sample x 10 x f32>) by [#map10] writes [#map11] {core.places = [#core.place<>]} -> !core.array<time x sample x 500 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":14:3)):
        core.yield %arg25 : f32 loc(#loc7)
      } loc(#loc7)
      %17 = core.map over [sample, 500] reads() by [] writes [#map1] {core.places = [#core.place<samples = 64, rows = 7168>]} -> !core.array<sample x 500 x f32> {
        %cst = arith.constant 0.000000e+00 : f32 loc(#loc4)
        core.yield %cst : f32 loc(#loc4)
      } loc(#loc4)
      %stacked_3, %finals_4 = core.scan reverse sliced(%6, %stacked_1, %7, %16, %14 : !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<time x sample x 500 x f32>) invariant(%arg23 : !core.array<500 x f32>) init(%17 : !core.array<sample x 500 x f32>) {core.wanted = [unit, []]} -> stacked(!core.array<time x sample x 500 x f32>) final(!core.array<sample x 500 x f32>) {
      ^bb0(%arg25: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3), %arg26: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3), %arg27: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg28: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":14:3), %arg29: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":12:3), %arg30: !core.array<500 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg31: !core.array<sample x 500 x f32> loc("examples/fashion_mnist/population.snn":13:3)):
        %20:2 = core.map over [sample, 500] reads(%arg26, %arg25, %arg31, %arg29, %arg30, %arg27, %arg28 : !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>, !core.array<500 x f32>, !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32>) by [#map1, #map1, #map1, #map1, #map7, #map1, #map1] writes [#map1, #map1] -> !core.array<sample x 500 x f32>, !core.array<sample x 500 x f32> {
        ^bb0(%arg32: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg33: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg34: f32 loc("examples/fashion_mnist/population.snn":13:3), %arg35: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg36: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg37: f32 loc("examples/fashion_mnist/population.snn":14:3), %arg38: f32 loc("examples/fashion_mnist/population.snn":14:3)):
          %cst = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %cst_8 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_9 = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_10 = arith.constant 2.500000e+01 : f32 loc(#loc53)
          %21 = arith.addf %arg37, %arg38 : f32 loc(#loc7)
          %22 = arith.addf %arg35, %arg36 : f32 loc(#loc2)
          %23 = arith.addf %arg33, %arg34 : f32 loc(#loc4)
          %24 = arith.subf %arg32, %cst : f32 loc(#loc35)
          %25 = arith.cmpf ogt, %24, %cst_8 : f32 loc(#loc36)
          %26 = arith.mulf %arg32, %cst_9 : f32 loc(#loc34)
          %27 = arith.addf %26, %22 : f32 loc(#loc37)
          %28 = arith.uitofp %25 : i1 to f32 loc(#loc38)
          %29 = arith.subf %27, %28 : f32 loc(#loc39)
          %30 = arith.subf %29, %cst : f32 loc(#loc40)
          %31 = math.absf %30 : f32 loc(#loc54)
          %32 = arith.mulf %31, %cst_10 : f32 loc(#loc53)
          %33 = arith.addf %32, %cst : f32 loc(#loc55)
          %34 = arith.mulf %33, %33 : f32 loc(#loc56)
          %35 = arith.divf %cst, %34 : f32 loc(#loc57)
          %36 = arith.mulf %21, %35 : f32 loc(#loc41)
          %37 = arith.addf %23, %36 : f32 loc(#loc41)
          %38 = arith.mulf %37, %cst_9 : f32 loc(#loc34)
          core.yield %38, %37 : f32, f32 loc(#loc4)
        } loc(#loc4)
        core.step stacked(%20#1 : !core.array<sample x 500 x f32>) next(%20#0 : !core.array<sample x 500 x f32>) loc(#loc4)
      } loc(#loc4)
      %18 = core.contract over [time, sample, 500, 128] along [2] %stacked_3, %arg24 by [#map10, #map9] writes #map8 order <> {core.kernel = #core.kernel<dense>, core.places = [#core.place<samples = 64, rows = 3072>]} : <time x sample x 500 x f32>, <500 x 128 x f32> -> <time x sample x 128 x f32> loc(#loc2)
      %19 = core.map over [sample, 128] reads() by [] writes [#map1] {core.places = [#core.place<samples = 64, rows = 7168>]} -> !core.array<sample x 128 x f32> {
        %cst = arith.constant 0.000000e+00 : f32 loc(#loc3)
        core.yield %cst : f32 loc(#loc3)
      } loc(#loc3)
      %stacked_5, %finals_6 = core.scan reverse sliced(%4, %stacked#1, %5, %18 : !core.array<time x sample x 128 x f32>, !core.array<time x sample x 128 x f32>, !core.array<time x sample x 128 x f32>, !core.array<time x sample x 128 x f32>) invariant(%13 : !core.array<sample x 128 x f32>) init(%19 : !core.array<sample x 128 x f32>) {core.places = [#core.place<samples = 64, rows = 5120>, unit], core.wanted = [unit, []]} -> stacked(!core.array<time x sample x 128 x f32>) final(!core.array<sample x 128 x f32>) {
      ^bb0(%arg25: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg26: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg27: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":5:7), %arg28: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":12:3), %arg29: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3), %arg30: !core.array<sample x 128 x f32> loc("examples/fashion_mnist/population.snn":11:3)):
        %20:2 = core.map over [sample, 128] reads(%arg26, %arg29, %arg25, %arg30, %arg27, %arg28 : !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32>) by [#map1, #map1, #map1, #map1, #map1, #map1] writes [#map1, #map1] -> !core.array<sample x 128 x f32>, !core.array<sample x 128 x f32> {
        ^bb0(%arg31: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg32: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg33: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg34: f32 loc("examples/fashion_mnist/population.snn":11:3), %arg35: f32 loc("examples/fashion_mnist/population.snn":12:3), %arg36: f32 loc("examples/fashion_mnist/population.snn":12:3)):
          %cst = arith.constant 1.000000e+00 : f32 loc(#loc9)
          %cst_8 = arith.constant 0.000000e+00 : f32 loc(#loc9)
          %cst_9 = arith.constant 0.899999976 : f32 loc(#loc34)
          %cst_10 = arith.constant 2.500000e+01 : f32 loc(#loc53)
          %21 = arith.addf %arg35, %arg36 : f32 loc(#loc2)
          %22 = arith.addf %arg33, %arg34 : f32 loc(#loc3)
          %23 = arith.subf %arg31, %cst : f32 loc(#loc35)
          %24 = arith.cmpf ogt, %23, %cst_8 : f32 loc(#loc36)
          %25 = arith.mulf %arg31, %cst_9 : f32 loc(#loc34)
          %26 = arith.addf %25, %arg32 : f32 loc(#loc37)
          %27 = arith.uitofp %24 : i1 to f32 loc(#loc38)
          %28 = arith.subf %26, %27 : f32 loc(#loc39)
          %29 = arith.subf %28, %cst : f32 loc(#loc40)
          %30 = math.absf %29 : f32 loc(#loc54)
          %31 = arith.mulf %30, %cst_10 : f32 loc(#loc53)
          %32 = arith.addf %31, %cst : f32 loc(#loc55)
          %33 = arith.mulf %32, %32 : f32 loc(#loc56)
          %34 = arith.divf %cst, %33 : f32 loc(#loc57)
          %35 = arith.mulf %21, %34 : f32 loc(#loc41)
          %36 = arith.addf %22, %35 : f32 loc(#loc41)
          %37 = arith.mulf %36, %cst_9 : f32 loc(#loc34)
          core.yield %37, %36 : f32, f32 loc(#loc3)
        } loc(#loc3)
        core.step stacked(%20#1 : !core.array<sample x 128 x f32>) next(%20#0 : !core.array<sample x 128 x f32>) loc(#loc3)
      } loc(#loc3)
      %value_7 = core.fold  add over [time, sample, 128] along [0] reads(%stacked_5 : !core.array<time x sample x 128 x f32>) by [#map12] writes #map5 order <descending = true> -> <sample x 128 x f32> {
      ^bb0(%arg25: f32 loc("examples/fashion_mnist/population.snn":11:3)):
        core.yield %arg25 : f32 loc(#loc3)
      } loc(#loc3)
      core.parts concat(%11, %stacked#0, %finals, %finals_2, %stacked_3, %value_7 : !core.array<sample x 784 x f32>, !core.array<time x sample x 128 x i1>, !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>, !core.array<time x sample x 500 x f32>, !core.array<sample x 128 x f32>) sum() loc(#loc)
    } loc(#loc)
    %value = core.fold  add over [time, sample, 500] along [1, 0] reads(%concat#4 : !core.array<time x sample x 500 x f32>) by [#map12] writes #map17 order <run = 64, parts = 16, part = 256, descending = true> {core.whole_batch} -> <500 x f32> {
    ^bb0(%arg12: f32 loc("examples/fashion_mnist/population.snn":12:3)):
      core.yield %arg12 : f32 loc(#loc2)
    } loc(#loc2)
    %1 = core.contract over [time, sample, 500, 128] along [1, 0] %concat#4, %concat#1 by [#map10, #map8] writes #map9 order <group = 4, run = 64, parts = 16, part = 256, descending = true> {core.kernel = #core.kernel<spike_gradient>, core.whole_batch} : <time x sample x 500 x f32>, <time x sample x 128 x i1> -> <500 x 128 x f32> loc(#loc2)
    %value_0 = core.fold  add over [sample, 128] along [0] reads(%concat#5 : !core.array<sample x 128 x f32>) by [#map1] writes #map7 order <run = 64, parts = 16, part = 256> {core.whole_batch} -> <128 x f32> {
    ^bb0(%arg12: f32 loc("examples/fashion_mnist/population.snn":10:3)):
      core.yield %arg12 : f32 loc(#loc1)
    } loc(#loc1)
    %2 = core.contract over [sample, 128, 784] along [0] %concat#5, %concat#0 by [#map6, #map4] writes #map5 order <run = 64, parts = 16, part = 256> {core.kernel = #core.kernel<dense_gradient>, core.whole_batch} : <sample x 128 x f32>, <sample x 784 x f32> -> <128 x 784 x f32> loc(#loc1)
    return %concat#2, %concat#3, %2, %value_0, %1, %value : !core.array<sample x 128 x f32>, !core.array<sample x 500 x f32>, !core.array<128 x 784 x f32>, !core.array<128 x f32>, !core.array<500 x 128 x f32>, !core.array<500 x f32> loc(#loc)
  } loc(#loc)
} loc(#loc)
#loc9 = loc(unknown)
#loc10 = loc("definitions.snn":198:29)
#loc11 = loc("definitions.snn":198:20)
#loc12 = loc("definitions.snn":198:15)
#loc13 = loc("definitions.snn":198:72)
#loc14 = loc("definitions.snn":198:63)
#loc15 = loc("definitions.snn":198:56)
#loc16 = loc("definitions.snn":197:24)
#loc17 = loc("definitions.snn":196:24)
#loc18 = loc("definitions.snn":195:24)
#loc19 = loc("definitions.snn":195:9)
#loc20 = loc("definitions.snn":196:15)
#loc21 = loc("definitions.snn":196:35)
#loc22 = loc("definitions.snn":196:19)
#loc23 = loc("definitions.snn":197:15)
#loc24 = loc("definitions.snn":197:38)
#loc25 = loc("definitions.snn":197:35)
#loc26 = loc("definitions.snn":197:19)
#loc27 = loc("definitions.snn":198:46)
#loc28 = loc("definitions.snn":198:54)
#loc29 = loc("definitions.snn":198:81)
#loc30 = loc("definitions.snn":198:43)
#loc31 = loc("definitions.snn":198:38)
#loc32 = loc("definitions.snn":198:10)
#loc33 = loc("examples/fashion_mnist/population.snn":9:3)
#loc34 = loc("definitions.snn":74:17)
#loc35 = loc("definitions.snn":70:28)
#loc36 = loc("definitions.snn":7:22)
#loc37 = loc("definitions.snn":74:23)
#loc38 = loc("definitions.snn":74:31)
#loc39 = loc("definitions.snn":74:27)
#loc40 = loc("definitions.snn":82:16)
#loc41 = loc("definitions.snn":82:7)
#loc42 = loc("definitions.snn":169:23)
#loc43 = loc("definitions.snn":168:23)
#loc44 = loc("definitions.snn":168:20)
#loc45 = loc("definitions.snn":168:11)
#loc46 = loc("definitions.snn":169:37)
#loc47 = loc("definitions.snn":169:29)
#loc48 = loc("definitions.snn":169:17)
#loc49 = loc("definitions.snn":169:15)
#loc50 = loc("definitions.snn":169:50)
#loc51 = loc("definitions.snn":169:3)
#loc52 = loc("definitions.snn":169:68)
#loc53 = loc("definitions.snn":13:25)
#loc54 = loc("definitions.snn":13:27)
#loc55 = loc("definitions.snn":13:34)
#loc56 = loc("definitions.snn":13:38)
#loc57 = loc("definitions.snn":13:16)
#loc58 = loc(fused[#loc49, #loc48])

