// RUN: lutra-run %s --print | FileCheck %s

// 1 2 -3 4 and 0 0 0 -1 of 4 bits: 32 is added. Entry 5 is of the first and the third, 32 + 1 - 3.
// CHECK: @small 0: 1x1x2x16xi8 = {{\[\[\[\[}}32, 33, 34, 35, 29, 30, 31, 32, 36, 37, 38, 39, 33, 34, 35, 36], [32, 32, 32, 32, 32, 32, 32, 32, 31, 31, 31, 31, 31, 31, 31, 31]]]]
// CHECK: @small 1: 8xi8 = [1, 2, -3, 4, 0, 0, 0, -1]
func.func @small() -> (tensor<1x1x2x16xi8>, tensor<8xi8>) {
  %x = lutra.constant dense<[1, 2, -3, 4, 0, 0, 0, -1]> : tensor<8xi8>
  %t = lutra.subset_sums %x {lhs_bits = 4 : i64} : tensor<8xi8> -> tensor<1x1x2x16xi8>
  %y = lutra.with_tables %x, %t {lhs_bits = 4 : i64} : tensor<8xi8>, tensor<1x1x2x16xi8>
  return %t, %y : tensor<1x1x2x16xi8>, tensor<8xi8>
}

// Of 8 bits 512 is added, in parts: 510 is 30 + 32 * 15. The second row: -128 four times, then 127.
// CHECK: @parts 0: 2x1x4x16xi8 = {{\[\[\[\[}}0, 1, 2, 3, 29, 30, 31, 0, 4, 5, 6, 7, 1, 2, 3, 4], [16, 16, 16, 16, 15, 15, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16], [0, 0, 0, 0, 0, 0, 0, 0, 31, 31, 31, 31, 31, 31, 31, 31], [16, 16, 16, 16, 16, 16, 16, 16, 15, 15, 15, 15, 15, 15, 15, 15]]],
// CHECK-SAME: {{\[\[\[}}0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [16, 12, 12, 8, 12, 8, 8, 4, 12, 8, 8, 4, 8, 4, 4, 0], [0, 31, 31, 30, 31, 30, 30, 29, 31, 30, 30, 29, 30, 29, 29, 28], [16, 19, 19, 23, 19, 23, 23, 27, 19, 23, 23, 27, 23, 27, 27, 31]]]]
func.func @parts() -> tensor<2x1x4x16xi8> {
  %x = lutra.constant dense<[[1, 2, -3, 4, 0, 0, 0, -1], [-128, -128, -128, -128, 127, 127, 127, 127]]> : tensor<2x8xi8>
  %t = lutra.subset_sums %x : tensor<2x8xi8> -> tensor<2x1x4x16xi8>
  return %t : tensor<2x1x4x16xi8>
}
