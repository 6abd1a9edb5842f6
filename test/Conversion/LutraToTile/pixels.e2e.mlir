// Pixels are rows of one product only where all in a kernel takes their dimensions alike.
// REQUIRES: lutra-compile
// RUN: lutra-compile %s --target-cpu=avx2,baseline -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=1 | FileCheck %s
// RUN: env LUTRA_ISA=baseline lutra-run %t.so --compare=%s --seed=1 | FileCheck %s
// CHECK: y: ok: 1155 elements
func.func @main(%x: tensor<1x5x7x64xf32>, %w: tensor<64x33xf32>, %r: tensor<7x1xf32>) -> (tensor<1x5x7x33xf32> {lutra.name = "y"}) {
  %0 = lutra.matmul %x, %w : (tensor<1x5x7x64xf32>, tensor<64x33xf32>) -> tensor<1x5x7x33xf32>
  %1 = lutra.binary<add> %0, %r : (tensor<1x5x7x33xf32>, tensor<7x1xf32>) -> tensor<1x5x7x33xf32>
  return %1 : tensor<1x5x7x33xf32>
}
