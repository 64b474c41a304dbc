// RUN: not %snn-opt %s --core-orient-weights 2>&1 | FileCheck %s

// CHECK: error: 'core.contract' op has the kernel #core.kernel<dense>, but is no product of matrices of rows
func.func @f(%x: !core.array<sample x 8 x f32>, %w: !core.array<5 x 3 x f32>) -> !core.array<sample x 5 x 6 x f32> {
  %0 = core.contract over [sample, 5, 6, 3] along [3] %x, %w by [affine_map<(s, o, x, k) -> (s, x + k)>, affine_map<(s, o, x, k) -> (o, k)>]
      writes affine_map<(s, o, x, k) -> (s, o, x)> order <> {core.kernel = #core.kernel<dense>}
      : !core.array<sample x 8 x f32>, !core.array<5 x 3 x f32> -> !core.array<sample x 5 x 6 x f32>
  return %0 : !core.array<sample x 5 x 6 x f32>
}
