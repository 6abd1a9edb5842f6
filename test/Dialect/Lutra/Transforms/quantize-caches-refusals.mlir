// What keeps an argument that rows are appended to, each by name.
// RUN: not lutra-opt %s --lutra-quantize-caches 2>&1 | FileCheck %s
// RUN: not lutra-opt %s --lutra-quantize-caches=spec=kv=int8:asym 2>&1 | FileCheck %s --check-prefix=ASYM
// ASYM: E0301: --quantize asks for kv=int8:asym, but no input is a cache
// CHECK: E0301: --quantize asks for kv=int8, but no input is a cache: an f32 tensor to which one concat appends new rows, or into which one scatter_nd writes them, whose result is returned and read by products; 'h' has elements of f16; those of f32 alone get codes; 'r' has rows of unknown length; 't' holds tokens along its last dimension, across which no row has a scale; 'a' is read without the new rows, too; 'e' is read by lutra.unary, but codes reach products behind movement of whole rows alone; 'n' is read by no product; 'l' is read on the left of a product; those on the right alone read codes
func.func @main(%h: tensor<?x16xf16> {lutra.name = "h"}, %x: tensor<1x16xf16>, %r: tensor<?x?xf32> {lutra.name = "r"}, %y: tensor<1x?xf32>, %t: tensor<16x8xf32> {lutra.name = "t"}, %z: tensor<16x1xf32>, %a: tensor<?x16xf32> {lutra.name = "a"}, %e: tensor<?x16xf32> {lutra.name = "e"}, %n: tensor<?x16xf32> {lutra.name = "n"}, %l: tensor<?x16xf32> {lutra.name = "l"}, %w: tensor<1x16xf32>) -> (tensor<?x16xf16>, tensor<?x?xf32>, tensor<16x9xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<1x?xf32>, tensor<?x1xf32>) {
  %ch = lutra.concat %h, %x {axis = 0 : i64} : (tensor<?x16xf16>, tensor<1x16xf16>) -> tensor<?x16xf16>
  %cr = lutra.concat %r, %y {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %ct = lutra.concat %t, %z {axis = 1 : i64} : (tensor<16x8xf32>, tensor<16x1xf32>) -> tensor<16x9xf32>
  %ca = lutra.concat %a, %w {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %ua = lutra.unary<neg> %a : tensor<?x16xf32> -> tensor<?x16xf32>
  %ce = lutra.concat %e, %w {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %ue = lutra.unary<exp> %ce : tensor<?x16xf32> -> tensor<?x16xf32>
  %pe = lutra.matmul %w, %ue {transpose_rhs} : (tensor<1x16xf32>, tensor<?x16xf32>) -> tensor<1x?xf32>
  %cn = lutra.concat %n, %w {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %cl = lutra.concat %l, %w {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %pl = lutra.matmul %cl, %w {transpose_rhs} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x1xf32>
  return %ch, %cr, %ct, %ca, %ua, %ce, %cn, %cl, %pe, %pl : tensor<?x16xf16>, tensor<?x?xf32>, tensor<16x9xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<1x?xf32>, tensor<?x1xf32>
}
