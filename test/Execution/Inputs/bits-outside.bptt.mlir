// The text of stage bptt of a leaky layer whose spikes are moved three places to the front, past the beginning of their row.
#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map4 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map5 = affine_map<(d0, d1, d2) -> (d2)>
#map6 = affine_map<(d0, d1, d2) -> (d1, d2)>
module {
  snn.model @sh  infer real = f32 steps = 3 max_steps = 3 classes = 10 batch = 128 epochs = 10 {snn.hash = -650501742094179191 : i64}
  snn.parameter @"1.weight" : !core.array<10 x 40 x f32> init #snn.uniform<-0.15811388300841897 : f64, 0.15811388300841897 : f64>
  snn.parameter @"1.bias" : !core.array<10 x f32> init #snn.uniform<-0.15811388300841897 : f64, 0.15811388300841897 : f64>
  snn.fixed @"0.beta" = 9.000000e-01
  snn.fixed @"0.threshold" = 1.000000e+00
  snn.fixed @"0.graded_spikes_factor" = 1.000000e+00
  snn.fixed @"0.reset_mechanism_val" = 0.000000e+00
  snn.fixed @"2.beta" = 9.000000e-01
  snn.fixed @"2.threshold" = 1.000000e+00
  snn.fixed @"2.graded_spikes_factor" = 1.000000e+00
  snn.fixed @"2.reset_mechanism_val" = 0.000000e+00
  snn.input @input : !core.array<time x sample x 40 x f32>
  snn.output @spikes : !core.array<time x sample x 10 x i1>
  snn.output @membrane : !core.array<time x sample x 10 x f32>
  snn.output @hidden.0 : !core.array<time x sample x 40 x i1>
  snn.output @hidden_membrane.0 : !core.array<time x sample x 40 x f32>
  snn.output @count : !core.array<sample x 10 x f32>
  snn.state @"0.mem" : !core.array<sample x 40 x f32> rest 0.000000e+00
  snn.state @"2.mem" : !core.array<sample x 10 x f32> rest 0.000000e+00
  func.func @forward(%arg0: !core.array<time x sample x 40 x f32> {snn.bind = @input}, %arg1: !core.array<10 x 40 x f32> {snn.bind = @"1.weight"}, %arg2: !core.array<10 x f32> {snn.bind = @"1.bias"}, %arg3: !core.array<sample x 40 x f32> {snn.bind = @"0.mem"}, %arg4: !core.array<sample x 10 x f32> {snn.bind = @"2.mem"}) -> (!core.array<time x sample x 10 x i1> {snn.bind = @spikes}, !core.array<time x sample x 10 x f32> {snn.bind = @membrane}, !core.array<time x sample x 40 x i1> {snn.bind = @hidden.0}, !core.array<time x sample x 40 x f32> {snn.bind = @hidden_membrane.0}, !core.array<sample x 10 x f32> {snn.bind = @count}, !core.array<sample x 40 x f32> {snn.bind = @"0.mem"}, !core.array<sample x 10 x f32> {snn.bind = @"2.mem"}) {
    %stacked:2, %finals = core.scan sliced(%arg0 : !core.array<time x sample x 40 x f32>) invariant() init(%arg3 : !core.array<sample x 40 x f32>) -> stacked(!core.array<time x sample x 40 x i1>, !core.array<time x sample x 40 x f32>) final(!core.array<sample x 40 x f32>) {
    ^bb0(%arg5: !core.array<sample x 40 x f32>, %arg6: !core.array<sample x 40 x f32>):
      %3:2 = core.map over [sample, 40] reads(%arg6, %arg5 : !core.array<sample x 40 x f32>, !core.array<sample x 40 x f32>) by [#map, #map] writes [#map, #map] -> !core.array<sample x 40 x i1>, !core.array<sample x 40 x f32> {
      ^bb0(%arg7: f32, %arg8: f32):
        %cst = arith.constant 0.899999976 : f32
        %cst_2 = arith.constant 0.000000e+00 : f32
        %cst_3 = arith.constant 1.000000e+00 : f32
        %4 = arith.subf %arg7, %cst_3 : f32
        %5 = arith.cmpf ogt, %4, %cst_2 : f32
        %6 = arith.mulf %arg7, %cst : f32
        %7 = arith.addf %6, %arg8 : f32
        %8 = arith.uitofp %5 : i1 to f32
        %9 = arith.subf %7, %8 : f32
        %10 = arith.subf %9, %cst_3 : f32
        %11 = arith.cmpf ogt, %10, %cst_2 : f32
        core.yield %11, %9 : i1, f32
      }
      core.step stacked(%3#0, %3#1 : !core.array<sample x 40 x i1>, !core.array<sample x 40 x f32>) next(%3#1 : !core.array<sample x 40 x f32>)
    }
    %qq = core.map over [time, sample, 40] reads(%stacked#0 : !core.array<time x sample x 40 x i1>) by [affine_map<(d0, d1, d2) -> (d0, d1, d2)>] writes [affine_map<(d0, d1, d2) -> (d0, d1, d2 - 3)>] -> !core.array<time x sample x 40 x i1> {
 ^bb0(%qa: i1):
 %qt = arith.constant true
 %qb = arith.xori %qa, %qt : i1
 core.yield %qb : i1
 }
 %0 = core.contract over [time, sample, 10, 40] along [3] %qq, %arg1 by [#map1, #map2] writes #map3 order <group = 4> : <time x sample x 40 x i1>, <10 x 40 x f32> -> <time x sample x 10 x f32>
    %1 = core.map over [time, sample, 10] reads(%0, %arg2 : !core.array<time x sample x 10 x f32>, !core.array<10 x f32>) by [#map4, #map5] writes [#map4] -> !core.array<time x sample x 10 x f32> {
    ^bb0(%arg5: f32, %arg6: f32):
      %3 = arith.addf %arg5, %arg6 : f32
      core.yield %3 : f32
    }
    %stacked_0:2, %finals_1 = core.scan sliced(%1 : !core.array<time x sample x 10 x f32>) invariant() init(%arg4 : !core.array<sample x 10 x f32>) -> stacked(!core.array<time x sample x 10 x i1>, !core.array<time x sample x 10 x f32>) final(!core.array<sample x 10 x f32>) {
    ^bb0(%arg5: !core.array<sample x 10 x f32>, %arg6: !core.array<sample x 10 x f32>):
      %3:2 = core.map over [sample, 10] reads(%arg6, %arg5 : !core.array<sample x 10 x f32>, !core.array<sample x 10 x f32>) by [#map, #map] writes [#map, #map] -> !core.array<sample x 10 x i1>, !core.array<sample x 10 x f32> {
      ^bb0(%arg7: f32, %arg8: f32):
        %cst = arith.constant 0.899999976 : f32
        %cst_2 = arith.constant 0.000000e+00 : f32
        %cst_3 = arith.constant 1.000000e+00 : f32
        %4 = arith.subf %arg7, %cst_3 : f32
        %5 = arith.cmpf ogt, %4, %cst_2 : f32
        %6 = arith.mulf %arg7, %cst : f32
        %7 = arith.addf %6, %arg8 : f32
        %8 = arith.uitofp %5 : i1 to f32
        %9 = arith.subf %7, %8 : f32
        %10 = arith.subf %9, %cst_3 : f32
        %11 = arith.cmpf ogt, %10, %cst_2 : f32
        core.yield %11, %9 : i1, f32
      }
      core.step stacked(%3#0, %3#1 : !core.array<sample x 10 x i1>, !core.array<sample x 10 x f32>) next(%3#1 : !core.array<sample x 10 x f32>)
    }
    %2 = core.map over [time, sample, 10] reads(%stacked_0#0 : !core.array<time x sample x 10 x i1>) by [#map4] writes [#map4] -> !core.array<time x sample x 10 x f32> {
    ^bb0(%arg5: i1):
      %3 = arith.uitofp %arg5 : i1 to f32
      core.yield %3 : f32
    }
    %value = core.fold  add over [time, sample, 10] along [0] reads(%2 : !core.array<time x sample x 10 x f32>) by [#map4] writes #map6 order <descending = true> -> <sample x 10 x f32> {
    ^bb0(%arg5: f32):
      core.yield %arg5 : f32
    }
    return %stacked_0#0, %stacked_0#1, %stacked#0, %stacked#1, %value, %finals, %finals_1 : !core.array<time x sample x 10 x i1>, !core.array<time x sample x 10 x f32>, !core.array<time x sample x 40 x i1>, !core.array<time x sample x 40 x f32>, !core.array<sample x 10 x f32>, !core.array<sample x 40 x f32>, !core.array<sample x 10 x f32>
  }
}

