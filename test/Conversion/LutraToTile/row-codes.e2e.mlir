// Rows of codes to rows of codes: one kernel each, which reads and writes bytes. Softmax, norms and the sum of two tensors
// with scales of their own, codes of both kinds over their whole range, rows that no vector divides.
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512vnni,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7
// RUN: lutra-run %t.so --compare=%s --seed=7 --values=saturating
// RUN: lutra-run %t.so --compare=%s --seed=7 --values=zeros
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=8
// RUN: not lutra-run %t.so --compare=%s --seed=7 --corrupt=0
// RUN: lutra-compile %s --target-cpu=avx2 --stop-after=fused -o - | FileCheck %s
// CHECK-COUNT-4: lutra.kernel @{{.*}}xi8>
// CHECK-NOT: lutra.kernel

func.func @main(%a: tensor<9x133xi8> {lutra.name = "a"}, %b: tensor<9x133xi8> {lutra.name = "b"}, %c: tensor<9x133xi8> {lutra.name = "c"}, %d: tensor<9x133xi8> {lutra.name = "d"}, %f: tensor<9x133xi8> {lutra.name = "f"}, %w: tensor<133xf32> {lutra.name = "w"}, %v: tensor<133xf32> {lutra.name = "v"}) -> (tensor<9x133xui8>, tensor<9x133xi8>, tensor<9x133xi8>, tensor<9x133xi8>) {
  %s = lutra.constant dense<0.0437> : tensor<f32>
  %t = lutra.constant dense<0.0213> : tensor<f32>
  %u = lutra.constant dense<0.00390625> : tensor<f32>
  %p = lutra.constant dense<-9> : tensor<i8>
  %x = lutra.dequantize %a scale(%s : tensor<f32>) zero_point(%p : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xi8> -> tensor<9x133xf32>
  %y = lutra.dequantize %b scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xi8> -> tensor<9x133xf32>
  %i = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%p : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xi8> -> tensor<9x133xf32>
  %j = lutra.dequantize %d scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xi8> -> tensor<9x133xf32>
  %k = lutra.dequantize %f scale(%s : tensor<f32>) zero_point(%p : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xi8> -> tensor<9x133xf32>
  %m = lutra.softmax %x {axis = 1 : i64} : tensor<9x133xf32>
  %q0 = lutra.quantize %m scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xf32> -> tensor<9x133xui8>
  %l = lutra.layer_norm %i scale(%w : tensor<133xf32>) bias(%v : tensor<133xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<9x133xf32> -> tensor<9x133xf32>
  %q1 = lutra.quantize %l scale(%t : tensor<f32>) zero_point(%p : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xf32> -> tensor<9x133xi8>
  %r = lutra.rms_norm %j scale(%w : tensor<133xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<9x133xf32> -> tensor<9x133xf32>
  %q2 = lutra.quantize %r scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xf32> -> tensor<9x133xi8>
  %e = lutra.binary<add> %k, %y : (tensor<9x133xf32>, tensor<9x133xf32>) -> tensor<9x133xf32>
  %q3 = lutra.quantize %e scale(%s : tensor<f32>) zero_point(%p : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<9x133xf32> -> tensor<9x133xi8>
  return %q0, %q1, %q2, %q3 : tensor<9x133xui8>, tensor<9x133xi8>, tensor<9x133xi8>, tensor<9x133xi8>
}
