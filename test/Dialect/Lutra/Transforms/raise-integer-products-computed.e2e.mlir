// Attention of codes: scores of rows with rows, then rows with columns, with zero points on both sides; in the evaluator
// and as machine code.
// RUN: lutra-run %s --before-after="lutra-raise-integer-products{targets=avx512vnni}" --seed=7
// RUN: not lutra-run %s --before-after="lutra-raise-integer-products{targets=avx512vnni}" --seed=7 --corrupt=0
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=avx512vnni --lutra-choose-layout --lutra-form-kernels=targets=avx512vnni --lutra-choose-strategy=targets=avx512vnni | FileCheck %s
// One kernel reads codes and writes codes.
// CHECK: lutra.kernel @{{.*}}(%{{.*}}: tensor<3x20x8xi8>, %{{.*}}: tensor<3x18x8xi8>) -> tensor<3x20x18xui8>
// CHECK: strategy<"bytes">
// CHECK: lutra.kernel @{{.*}}(%{{.*}}: tensor<3x20x18xui8>, %{{.*}}: tensor<3x18x33xui8>) -> tensor<3x20x33xf32>
// CHECK: strategy<"bytes">
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=amx,avx512vnni,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7
// RUN: not lutra-run %t.so --compare=%s --seed=7 --corrupt=0
func.func @main(%q: tensor<20x3x8xi8> {lutra.name = "q"}, %k: tensor<3x18x8xi8> {lutra.name = "k"}, %v: tensor<3x18x33xui8> {lutra.name = "v"}) -> tensor<3x20x33xf32> {
  %s = lutra.constant dense<0.25> : tensor<f32>
  %zq = lutra.constant dense<-11> : tensor<i8>
  %zk = lutra.constant dense<23> : tensor<i8>
  %zp = lutra.constant dense<100> : tensor<ui8>
  %zv = lutra.constant dense<131> : tensor<ui8>
  %t = lutra.transpose %q [1, 0, 2] : tensor<20x3x8xi8> -> tensor<3x20x8xi8>
  %l = lutra.dequantize %t scale(%s : tensor<f32>) zero_point(%zq : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x20x8xi8> -> tensor<3x20x8xf32>
  %r = lutra.dequantize %k scale(%s : tensor<f32>) zero_point(%zk : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x18x8xi8> -> tensor<3x18x8xf32>
  %p = lutra.matmul %l, %r {transpose_rhs} : (tensor<3x20x8xf32>, tensor<3x18x8xf32>) -> tensor<3x20x18xf32>
  %step = lutra.constant dense<32.0> : tensor<f32>
  %c = lutra.quantize %p scale(%step : tensor<f32>) zero_point(%zp : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x20x18xf32> -> tensor<3x20x18xui8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%zp : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x20x18xui8> -> tensor<3x20x18xf32>
  %y = lutra.dequantize %v scale(%s : tensor<f32>) zero_point(%zv : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x18x33xui8> -> tensor<3x18x33xf32>
  %o = lutra.matmul %x, %y : (tensor<3x20x18xf32>, tensor<3x18x33xf32>) -> tensor<3x20x33xf32>
  return %o : tensor<3x20x33xf32>
}
