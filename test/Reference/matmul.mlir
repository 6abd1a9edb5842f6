// RUN: lutra-run %s --print | FileCheck %s

// [1 2; 3 4] * [5 6; 7 8] = [19 22; 43 50]; transposed lhs: [26 30; 38 44]; rhs: [17 23; 39 53].
// CHECK: @plain 0: 2x2xf32 = {{\[\[}}19, 22], [43, 50]]
// CHECK: @plain 1: 2x2xf32 = {{\[\[}}26, 30], [38, 44]]
// CHECK: @plain 2: 2x2xf32 = {{\[\[}}17, 23], [39, 53]]
func.func @plain() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %a = lutra.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = lutra.constant dense<[[5.0, 6.0], [7.0, 8.0]]> : tensor<2x2xf32>
  %0 = lutra.matmul %a, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = lutra.matmul %a, %b {transpose_lhs} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = lutra.matmul %a, %b {transpose_rhs} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// One rhs for both batches.
// CHECK: @shared_rhs 0: 2x1x2xf32 = {{\[\[\[}}1, 3]], {{\[\[}}2, 4]]]
func.func @shared_rhs() -> tensor<2x1x2xf32> {
  %a = lutra.constant dense<[[[1.0, 0.0]], [[0.0, 1.0]]]> : tensor<2x1x2xf32>
  %b = lutra.constant dense<[[1.0, 3.0], [2.0, 4.0]]> : tensor<2x2xf32>
  %r = lutra.matmul %a, %b : (tensor<2x1x2xf32>, tensor<2x2xf32>) -> tensor<2x1x2xf32>
  return %r : tensor<2x1x2xf32>
}

// Saturating bytes: 255 * 127 + 255 * -128 = -255 in i32.
// CHECK: @bytes 0: 1x1xi32 = {{\[\[}}-255]]
func.func @bytes() -> tensor<1x1xi32> {
  %a = lutra.constant dense<[[255, 255]]> : tensor<1x2xui8>
  %b = lutra.constant dense<[[127], [-128]]> : tensor<2x1xi8>
  %r = lutra.matmul %a, %b : (tensor<1x2xui8>, tensor<2x1xi8>) -> tensor<1x1xi32>
  return %r : tensor<1x1xi32>
}

// Nothing to sum over.
// CHECK: @no_depth 0: 1x2xf32 = {{\[\[}}0, 0]]
func.func @no_depth() -> tensor<1x2xf32> {
  %a = lutra.constant dense<> : tensor<1x0xf32>
  %b = lutra.constant dense<> : tensor<0x2xf32>
  %r = lutra.matmul %a, %b : (tensor<1x0xf32>, tensor<0x2xf32>) -> tensor<1x2xf32>
  return %r : tensor<1x2xf32>
}

// The least code is one like the others: (-128 * 1 + 127 * 2) * 0.5 = 63.
// CHECK: @least_code 0: 1x1xf32 = {{\[\[}}63]]
func.func @least_code() -> tensor<1x1xf32> {
  %q = lutra.constant dense<[[-128, 127]]> : tensor<1x2xi8>
  %s = lutra.constant dense<[[0.5]]> : tensor<1x1xf32>
  %w = lutra.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %r = lutra.matmul %q, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 2 : i64} : (tensor<1x2xi8>, tensor<1x2xf32>) -> tensor<1x1xf32>
  return %r : tensor<1x1xf32>
}

// Codes 1 2 | -3 4 with scales 0.5 and 2 stand for 0.5 1 | -6 8. Times the columns [1 10 100 1000] and ones:
// 0.5 + 10 - 600 + 8000 = 7410.5 and 3.5. The last block may be short.
// CHECK: @scaled 0: 1x2xf32 = {{\[\[}}7410.5, 3.5]]
// CHECK: @scaled 1: 1x1xf32 = {{\[\[}}-4.5]]
func.func @scaled() -> (tensor<1x2xf32>, tensor<1x1xf32>) {
  %q = lutra.constant dense<[[1, 2, -3, 4]]> : tensor<1x4xi8>
  %s = lutra.constant dense<[[0.5, 2.0]]> : tensor<1x2xf32>
  %w = lutra.constant dense<[[1.0, 10.0, 100.0, 1000.0], [1.0, 1.0, 1.0, 1.0]]> : tensor<2x4xf32>
  %r = lutra.matmul %q, %w scale(%s : tensor<1x2xf32>) {transpose_rhs, block = 2 : i64} : (tensor<1x4xi8>, tensor<2x4xf32>) -> tensor<1x2xf32>
  %p = lutra.constant dense<[[1, 2, -3]]> : tensor<1x3xi8>
  %v = lutra.constant dense<[[1.0, 1.0, 1.0]]> : tensor<1x3xf32>
  %t = lutra.matmul %p, %v scale(%s : tensor<1x2xf32>) {transpose_rhs, block = 2 : i64} : (tensor<1x3xi8>, tensor<1x3xf32>) -> tensor<1x1xf32>
  return %r, %t : tensor<1x2xf32>, tensor<1x1xf32>
}
