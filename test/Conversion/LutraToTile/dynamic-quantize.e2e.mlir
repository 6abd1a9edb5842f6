// Codes of rows: whole groups and short ones, of one row and of none, with and without zero points, beside what computes
// the rows. Those of plain inputs and of exact ops are equal to the evaluator's in every bit.
// RUN: split-file %s %t
// RUN: lutra-run %t/exact.mlir --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=5 --dim=*=3 --exact
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %t/exact.mlir --target-cpu=avx512,avx2 -o %t/exact.so
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=7 --exact
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=1 --exact
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=0 --exact
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=3 --exact --values=huge
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=3 --exact --values=subnormal
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=3 --exact --values=one-inf
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=3 --exact --values=one-nan
// RUN: lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=3 --exact --values=integers
// RUN: env LUTRA_ISA=avx2 lutra-run %t/exact.so --compare=%t/exact.mlir --seed=6 --dim=n=7 --exact
// RUN: not lutra-run %t/exact.so --compare=%t/exact.mlir --seed=5 --dim=n=7 --exact --corrupt=0
// RUN: lutra-compile %t/rows.mlir --target-cpu=avx512,avx2 -o %t/rows.so
// RUN: lutra-run %t/rows.so --compare=%t/rows.mlir --seed=5 --dim=n=7
// RUN: lutra-run %t/rows.so --compare=%t/rows.mlir --seed=5 --dim=n=1
// RUN: lutra-run %t/rows.so --compare=%t/rows.mlir --seed=5 --dim=n=0
// RUN: env LUTRA_ISA=avx2 lutra-run %t/rows.so --compare=%t/rows.mlir --seed=6 --dim=n=7
// RUN: not lutra-run %t/rows.so --compare=%t/rows.mlir --seed=5 --dim=n=7 --corrupt=0

//--- exact.mlir
func.func @main(%x: tensor<?x70xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<2x?x300xf32> {lutra.name = "y", lutra.dim_names = ["", "n", ""]}, %h: tensor<?x48xbf16> {lutra.name = "h", lutra.dim_names = ["n", ""]}) -> (tensor<?x70xi8>, tensor<?x3xf32>, tensor<2x?x300xi8>, tensor<2x?x1xf32>, tensor<2x?x1xi8>, tensor<?x48xi8>, tensor<?x3xf32>, tensor<?x3xi8>, tensor<?x70xi8>, tensor<?x1xf32>, tensor<?x1xi8>, tensor<?x70xf32>) {
  %a:2 = lutra.dynamic_quantize %x {bits = 8 : i64, block = 32 : i64, floor = 1.0e-35 : f32} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x3xf32>
  %b:3 = lutra.dynamic_quantize %y {bits = 8 : i64, block = 512 : i64, floor = 1.0e-35 : f32} : tensor<2x?x300xf32> -> tensor<2x?x300xi8>, tensor<2x?x1xf32>, tensor<2x?x1xi8>
  %c:3 = lutra.dynamic_quantize %h {bits = 4 : i64, block = 16 : i64, floor = 1.0e-5 : f32} : tensor<?x48xbf16> -> tensor<?x48xi8>, tensor<?x3xf32>, tensor<?x3xi8>
  %r = lutra.unary<relu> %x : tensor<?x70xf32> -> tensor<?x70xf32>
  %d:3 = lutra.dynamic_quantize %r {bits = 6 : i64, block = 70 : i64, floor = 1.0e-35 : f32} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x1xf32>, tensor<?x1xi8>
  %z = lutra.unary<neg> %r : tensor<?x70xf32> -> tensor<?x70xf32>
  return %a#0, %a#1, %b#0, %b#1, %b#2, %c#0, %c#1, %c#2, %d#0, %d#1, %d#2, %z : tensor<?x70xi8>, tensor<?x3xf32>, tensor<2x?x300xi8>, tensor<2x?x1xf32>, tensor<2x?x1xi8>, tensor<?x48xi8>, tensor<?x3xf32>, tensor<?x3xi8>, tensor<?x70xi8>, tensor<?x1xf32>, tensor<?x1xi8>, tensor<?x70xf32>
}

//--- rows.mlir
func.func @main(%x: tensor<?x70xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<2x?x300xf32> {lutra.name = "y", lutra.dim_names = ["", "n", ""]}, %g: tensor<70xf32> {lutra.name = "g"}) -> (tensor<?x70xf32>, tensor<?x70xf32>, tensor<?x70xf32>, tensor<2x?x300xf32>, tensor<?x70xf32>) {
  %h = lutra.binary<add> %x, %g : (tensor<?x70xf32>, tensor<70xf32>) -> tensor<?x70xf32>
  %n = lutra.rms_norm %h scale(%g : tensor<70xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x70xf32> -> tensor<?x70xf32>
  %a:2 = lutra.dynamic_quantize %n {bits = 8 : i64, block = 32 : i64, floor = 1.0e-35 : f32} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x3xf32>
  %da = lutra.dequantize %a#0 scale(%a#1 : tensor<?x3xf32>) {axis = 1 : i64, block = 32 : i64} : tensor<?x70xi8> -> tensor<?x70xf32>
  %z = lutra.binary<add> %n, %h : (tensor<?x70xf32>, tensor<?x70xf32>) -> tensor<?x70xf32>
  %l = lutra.layer_norm %x {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x70xf32> -> tensor<?x70xf32>
  %b:3 = lutra.dynamic_quantize %l {bits = 8 : i64, block = 70 : i64, floor = 1.0e-35 : f32} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x1xf32>, tensor<?x1xi8>
  %db = lutra.dequantize %b#0 scale(%b#1 : tensor<?x1xf32>) zero_point(%b#2 : tensor<?x1xi8>) {axis = 1 : i64, block = 70 : i64} : tensor<?x70xi8> -> tensor<?x70xf32>
  %s = lutra.softmax %y {axis = 2 : i64} : tensor<2x?x300xf32>
  %c:2 = lutra.dynamic_quantize %s {bits = 8 : i64, block = 300 : i64, floor = 1.0e-35 : f32} : tensor<2x?x300xf32> -> tensor<2x?x300xi8>, tensor<2x?x1xf32>
  %dc = lutra.dequantize %c#0 scale(%c#1 : tensor<2x?x1xf32>) {axis = 2 : i64, block = 300 : i64} : tensor<2x?x300xi8> -> tensor<2x?x300xf32>
  %e = lutra.unary<silu> %x : tensor<?x70xf32> -> tensor<?x70xf32>
  %m = lutra.binary<mul> %e, %h : (tensor<?x70xf32>, tensor<?x70xf32>) -> tensor<?x70xf32>
  %d:2 = lutra.dynamic_quantize %m {bits = 8 : i64, block = 16 : i64, floor = 1.0e-35 : f32} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x5xf32>
  %dd = lutra.dequantize %d#0 scale(%d#1 : tensor<?x5xf32>) {axis = 1 : i64, block = 16 : i64} : tensor<?x70xi8> -> tensor<?x70xf32>
  return %da, %z, %db, %dc, %dd : tensor<?x70xf32>, tensor<?x70xf32>, tensor<?x70xf32>, tensor<2x?x300xf32>, tensor<?x70xf32>
}
