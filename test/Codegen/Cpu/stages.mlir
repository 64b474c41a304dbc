// Gradients of the whole batch that lie with the host are tiles of one stage. One with a place in the arena begins a stage:
// beside it, tiles of an op before it might still read what lay in its place.
// RUN: %snn-opt %s --snn-to-loops --core-lower-to-cpu | FileCheck %s

// The two shares of @w apart, the gradients of @u and @v together.
// CHECK-LABEL: @snn_task_loss_and_gradient_1_body(
// CHECK: call @snn_whole_contract
// CHECK-NOT: call @snn_whole_contract
// CHECK-LABEL: @snn_task_loss_and_gradient_2_body(
// CHECK: call @snn_whole_contract
// CHECK-NOT: call @snn_whole_contract
// CHECK-LABEL: @snn_task_loss_and_gradient_5_body(
// CHECK: call @snn_whole_contract
// CHECK: call @snn_whole_contract
// CHECK-NOT: call @snn_whole_contract
// CHECK-LABEL: @snn_numbers_loss_and_gradient_body(
!x = !core.array<sample x 48 x f32>
!y = !core.array<sample x 32 x f32>
!w = !core.array<32 x 48 x f32>
!r = !core.array<f32>
#row = affine_map<(s, o, i) -> (s, i)>
#column = affine_map<(s, o, i) -> (s, o)>
#weight = affine_map<(s, o, i) -> (o, i)>
#oi = affine_map<(o, i) -> (o, i)>
#none = affine_map<() -> ()>
#order = #core.order<run = 64, parts = 16, part = 256>
module {
  snn.model @stages train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 128 epochs = 1
  snn.parameter @w : !w init #snn.fill<0.0>
  snn.parameter @u : !w init #snn.fill<0.0>
  snn.parameter @v : !w init #snn.fill<0.0>
  snn.input @a : !x
  snn.input @b : !x
  snn.input @c : !y
  func.func @loss_and_gradient(%a: !x {snn.bind = @a}, %b: !x {snn.bind = @b}, %c: !y {snn.bind = @c}, %w: !w {snn.bind = @w})
      -> (!w {snn.bind = @w, snn.span = #snn.span<gradients>}, !w {snn.bind = @u, snn.span = #snn.span<gradients>},
          !w {snn.bind = @v, snn.span = #snn.span<gradients>}) {
    %first = core.contract over [sample, 32, 48] along [0] %c, %a by [#column, #row] writes #weight order #order : !y, !x -> !w
    %second = core.contract over [sample, 32, 48] along [0] %c, %b by [#column, #row] writes #weight order #order : !y, !x -> !w
    %sum = core.map over [32, 48] reads(%first, %second : !w, !w) by [#oi, #oi] writes [#oi] -> !w {
    ^bb0(%p: f32, %q: f32):
      %s = arith.addf %p, %q : f32
      core.yield %s : f32
    }
    %y = core.contract over [sample, 32, 48] along [2] %a, %w by [#row, #weight] writes #column order <> : !x, !w -> !y
    %u = core.contract over [sample, 32, 48] along [0] %y, %a by [#column, #row] writes #weight order #order : !y, !x -> !w
    %v = core.contract over [sample, 32, 48] along [0] %y, %b by [#column, #row] writes #weight order #order : !y, !x -> !w
    return %sum, %u, %v : !w, !w, !w
  }
}
