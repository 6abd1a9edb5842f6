// Transposes of codes that are made on the way: channels last of 1, 3, 16 and 19, squares of 8 and 16 with and without rests, also
// of scales along an axis, which are not turned.
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --exact
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=7 --exact --values=outliers
// RUN: not lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=7 --exact --corrupt=0
// REQUIRES: lutra-compile, x86-64
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --exact
// RUN: lutra-compile %s --target-cpu=baseline -o %t.baseline.so
// RUN: lutra-run %t.baseline.so --compare=%s --seed=7 --exact

func.func @main(%a: tensor<2x3x5x37xf32> {lutra.name = "a", lutra.dim_names = ["", "", "", ""]}, %b: tensor<1x16x33xf32> {lutra.name = "b", lutra.dim_names = ["", "", ""]}, %c: tensor<19x16xf32> {lutra.name = "c", lutra.dim_names = ["", ""]}, %d: tensor<7x1x20xf32> {lutra.name = "d", lutra.dim_names = ["", "", ""]})
    -> (tensor<2x5x37x3xui8> {lutra.name = "p", lutra.dim_names = ["", "", "", ""]}, tensor<1x33x16xi8> {lutra.name = "q", lutra.dim_names = ["", "", ""]}, tensor<16x19xui8> {lutra.name = "r", lutra.dim_names = ["", ""]}, tensor<20x1x7xi8> {lutra.name = "s", lutra.dim_names = ["", "", ""]}, tensor<16x19xi8> {lutra.name = "t", lutra.dim_names = ["", ""]}) {
  %s = lutra.constant dense<0.01> : tensor<f32>
  %z = lutra.constant dense<131> : tensor<ui8>
  %y = lutra.constant dense<-5> : tensor<i8>
  %t = lutra.constant dense<[0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16]> : tensor<16xf32>
  %0 = lutra.quantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x5x37xf32> -> tensor<2x3x5x37xui8>
  %1 = lutra.transpose %0 [0, 2, 3, 1] : tensor<2x3x5x37xui8> -> tensor<2x5x37x3xui8>
  %2 = lutra.unary<relu> %b : tensor<1x16x33xf32> -> tensor<1x16x33xf32>
  %3 = lutra.quantize %2 scale(%s : tensor<f32>) zero_point(%y : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x16x33xf32> -> tensor<1x16x33xi8>
  %4 = lutra.transpose %3 [0, 2, 1] : tensor<1x16x33xi8> -> tensor<1x33x16xi8>
  %5 = lutra.quantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<19x16xf32> -> tensor<19x16xui8>
  %6 = lutra.transpose %5 [1, 0] : tensor<19x16xui8> -> tensor<16x19xui8>
  %7 = lutra.quantize %d scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<7x1x20xf32> -> tensor<7x1x20xi8>
  %8 = lutra.transpose %7 [2, 1, 0] : tensor<7x1x20xi8> -> tensor<20x1x7xi8>
  %9 = lutra.quantize %c scale(%t : tensor<16xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<19x16xf32> -> tensor<19x16xi8>
  %10 = lutra.transpose %9 [1, 0] : tensor<19x16xi8> -> tensor<16x19xi8>
  return %1, %4, %6, %8, %10 : tensor<2x5x37x3xui8>, tensor<1x33x16xi8>, tensor<16x19xui8>, tensor<20x1x7xi8>, tensor<16x19xi8>
}
