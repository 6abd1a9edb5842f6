// Functions of codes, each code at several places, become tables that the compiled kernels look up: equal to the evaluator
// on every code, with and without a sign, alone, behind a product and in rows that no vector divides.
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512vnni,avx2,baseline -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --exact
// RUN: env LUTRA_ISA=baseline lutra-run %t.so --compare=%s --seed=7 --exact
// RUN: %if avx512-vbmi %{ lutra-compile %s --target-cpu=avx512vbmi -o %t.vbmi.so %}
// RUN: %if avx512-vbmi %{ lutra-run %t.vbmi.so --compare=%s --seed=7 --exact %}
// RUN: not lutra-run %t.so --compare=%s --seed=7 --exact --corrupt=0
// RUN: lutra-compile %s --target-cpu=avx512vbmi --stop-after=tiled -o - | FileCheck %s
// CHECK: lutra.tile_gather {{.*}} memref<256xi8>, <128xi8> -> <128xi8>
// CHECK-NOT: math.tanh

func.func @main(%a: tensor<4x256xi8> {lutra.name = "a"}, %x: tensor<7x16xi8> {lutra.name = "x"}, %w: tensor<16x35xi8> {lutra.name = "w"}) -> (tensor<4x256xi8>, tensor<4x256xui8>, tensor<7x35xi8>, tensor<35x7xi8>) {
  %i = lutra.iota() {axis = 1 : i64} : tensor<4x256xi32>
  %c = lutra.cast %i : tensor<4x256xi32> -> tensor<4x256xi8>
  %m = lutra.binary<xor> %a, %c : (tensor<4x256xi8>, tensor<4x256xi8>) -> tensor<4x256xi8>
  %n = lutra.binary<xor> %m, %a : (tensor<4x256xi8>, tensor<4x256xi8>) -> tensor<4x256xi8>
  %u = lutra.cast %n : tensor<4x256xi8> -> tensor<4x256xui8>
  %s = lutra.constant dense<0.0437> : tensor<f32>
  %t = lutra.constant dense<0.0213> : tensor<f32>
  %y = lutra.constant dense<0.0078125> : tensor<f32>
  %z = lutra.constant dense<131> : tensor<ui8>
  %p = lutra.constant dense<-9> : tensor<i8>
  %d0 = lutra.dequantize %n scale(%s : tensor<f32>) zero_point(%p : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x256xi8> -> tensor<4x256xf32>
  %g0 = lutra.unary<gelu_erf> %d0 : tensor<4x256xf32> -> tensor<4x256xf32>
  %q0 = lutra.quantize %g0 scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x256xf32> -> tensor<4x256xi8>
  %d1 = lutra.dequantize %u scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x256xui8> -> tensor<4x256xf32>
  %g1 = lutra.unary<tanh> %d1 : tensor<4x256xf32> -> tensor<4x256xf32>
  %q1 = lutra.quantize %g1 scale(%y : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x256xf32> -> tensor<4x256xui8>
  // A product's sums, rounded to codes and looked up in its kernel.
  %r = lutra.matmul %x, %w : (tensor<7x16xi8>, tensor<16x35xi8>) -> tensor<7x35xi32>
  %f = lutra.cast %r : tensor<7x35xi32> -> tensor<7x35xf32>
  %k = lutra.constant dense<512.0> : tensor<f32>
  %v = lutra.quantize %f scale(%k : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<7x35xf32> -> tensor<7x35xi8>
  %d2 = lutra.dequantize %v scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<7x35xi8> -> tensor<7x35xf32>
  %g2 = lutra.unary<silu> %d2 : tensor<7x35xf32> -> tensor<7x35xf32>
  %q2 = lutra.quantize %g2 scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<7x35xf32> -> tensor<7x35xi8>
  %b = lutra.transpose %q2 [1, 0] : tensor<7x35xi8> -> tensor<35x7xi8>
  return %q0, %q1, %q2, %b : tensor<4x256xi8>, tensor<4x256xui8>, tensor<7x35xi8>, tensor<35x7xi8>
}
