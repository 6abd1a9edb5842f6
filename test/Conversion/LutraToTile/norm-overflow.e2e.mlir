// Sums of squares that f32 does not hold: a norm of codes sums integers and divides before it multiplies with the scale, the
// evaluator leaves the result open, and floats give 0.
// REQUIRES: lutra-compile
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=1 --values=saturating | FileCheck %s
// CHECK: codes: ok: 192 elements, {{.*}}192 undetermined
// CHECK: fitting: ok: 192 elements{{.*}}norm error {{[0-9.e-]+$}}
// CHECK: floats: ok: 192 elements, {{.*}}192 undetermined
func.func @main(%x: tensor<3x64xi8>) -> (tensor<3x64xf32> {lutra.name = "codes"}, tensor<3x64xf32> {lutra.name = "fitting"}, tensor<3x64xf32> {lutra.name = "floats"}) {
  %s = lutra.constant dense<1.0e+17> : tensor<f32>
  %d = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x64xi8> -> tensor<3x64xf32>
  %0 = lutra.rms_norm %d {dims = 1 : i64, epsilon = 1.0e-06 : f64} : tensor<3x64xf32> -> tensor<3x64xf32>
  %t = lutra.constant dense<1.0e+15> : tensor<f32>
  %e = lutra.dequantize %x scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x64xi8> -> tensor<3x64xf32>
  %1 = lutra.layer_norm %e {dims = 1 : i64, epsilon = 1.0e-06 : f64} : tensor<3x64xf32> -> tensor<3x64xf32>
  %f = lutra.cast %x : tensor<3x64xi8> -> tensor<3x64xf32>
  %g = lutra.binary<mul> %f, %s : (tensor<3x64xf32>, tensor<f32>) -> tensor<3x64xf32>
  %2 = lutra.layer_norm %g {dims = 1 : i64, epsilon = 1.0e-06 : f64} : tensor<3x64xf32> -> tensor<3x64xf32>
  return %0, %1, %2 : tensor<3x64xf32>, tensor<3x64xf32>, tensor<3x64xf32>
}
