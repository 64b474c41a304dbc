// RUN: not %snn-opt %s --core-mark-whole-batch 2>&1 | FileCheck %s

// CHECK: error: 'core.contract' op sums over samples without an order, which core-fix-order gives it
func.func @f(%y: !core.array<sample x 10 x f32>, %x: !core.array<sample x 20 x f32>) -> !core.array<10 x 20 x f32> {
  %weight = core.contract over [sample, 10, 20] along [0] %y, %x by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (s, i)>]
      writes affine_map<(s, o, i) -> (o, i)> : !core.array<sample x 10 x f32>, !core.array<sample x 20 x f32> -> !core.array<10 x 20 x f32>
  return %weight : !core.array<10 x 20 x f32>
}
