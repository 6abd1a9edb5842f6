// A choice changes no value, and both strategies compute the same within the bound of the sums (machine code).
// REQUIRES: lutra-run, lutra-compile, avx2
// RUN: rm -rf %t && mkdir %t
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2}" --seed=7
// RUN: not lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2}" --seed=7 --corrupt=0
// RUN: lutra-compile %s --target-cpu=avx2 --strategy=tiled -o %t/tiled.so
// RUN: lutra-run %t/tiled.so --compare=%s --seed=7
// RUN: not lutra-run %t/tiled.so --compare=%s --seed=7 --corrupt=0
// RUN: lutra-compile %s --target-cpu=avx2 --strategy=scalar -o %t/scalar.so
// RUN: lutra-run %t/scalar.so --compare=%s --seed=7
// RUN: lutra-compile %s --target-cpu=avx2 --strategy=lookup,scalar,auto -o %t/list.so
// RUN: lutra-run %t/list.so --compare=%s --seed=7
func.func @main(%x: tensor<2x37x23xf32>, %w: tensor<19x23xf32>, %i: tensor<1x9x9x5xf32>, %f: tensor<3x3x5x18xf32>) -> (tensor<2x37x19xf32>, tensor<1x7x7x18xf32>) {
  %p = lutra.matmul %x, %w {transpose_rhs} : (tensor<2x37x23xf32>, tensor<19x23xf32>) -> tensor<2x37x19xf32>
  %q = lutra.conv<channels_last> %i, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x9x9x5xf32>, tensor<3x3x5x18xf32>) -> tensor<1x7x7x18xf32>
  return %p, %q : tensor<2x37x19xf32>, tensor<1x7x7x18xf32>
}
