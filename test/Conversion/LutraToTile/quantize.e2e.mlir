// Codes of quotients that no division computes, and of those that one does: scales that no power of two is, with an
// inverse that takes one correction (0.1) and two (0.0437), one that is subnormal and one that is large; halves,
// infinities and NaN, which counts as 0. What codes stand for right after rounding. Bytes are turned over in squares and
// what they leave.
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=huge
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=subnormal
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=one-inf
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=one-nan
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --exact --values=one-nan
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=integers
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=8 --exact --values=integers
// RUN: lutra-compile %s --target-cpu=avx2 --stop-after=tiled -o - | FileCheck %s
// CHECK: func.func @k0
// CHECK: math.fma
// CHECK: arith.divf {{.*}} : f32

func.func @main(%x: tensor<40x300xf32> {lutra.name = "x"}, %b: tensor<2x37x5x19xi8> {lutra.name = "b"}) -> (tensor<40x300xi8>, tensor<40x300xui8>, tensor<40x300xi8>, tensor<40x300xi16>, tensor<2x5x19x37xi8>, tensor<40x300xf32>, tensor<40x300xui8>) {
  %s0 = lutra.constant dense<0.1> : tensor<f32>
  %s1 = lutra.constant dense<2.0> : tensor<f32>
  %s2 = lutra.constant dense<1.0e-39> : tensor<f32>
  %s3 = lutra.constant dense<3.0e-5> : tensor<f32>
  %z = lutra.constant dense<131> : tensor<ui8>
  %q0 = lutra.quantize %x scale(%s0 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<40x300xf32> -> tensor<40x300xi8>
  %q1 = lutra.quantize %x scale(%s1 : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<40x300xf32> -> tensor<40x300xui8>
  %q2 = lutra.quantize %x scale(%s2 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<40x300xf32> -> tensor<40x300xi8>
  %q3 = lutra.quantize %x scale(%s3 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<40x300xf32> -> tensor<40x300xi16>
  %t = lutra.transpose %b [0, 2, 3, 1] : tensor<2x37x5x19xi8> -> tensor<2x5x19x37xi8>
  %s4 = lutra.constant dense<0.0437> : tensor<f32>
  %f = lutra.dequantize %q1 scale(%s1 : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<40x300xui8> -> tensor<40x300xf32>
  %q4 = lutra.quantize %x scale(%s4 : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<40x300xf32> -> tensor<40x300xui8>
  return %q0, %q1, %q2, %q3, %t, %f, %q4 : tensor<40x300xi8>, tensor<40x300xui8>, tensor<40x300xi8>, tensor<40x300xi16>, tensor<2x5x19x37xi8>, tensor<40x300xf32>, tensor<40x300xui8>
}
