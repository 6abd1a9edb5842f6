// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx512vnni | FileCheck %s
// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2 | FileCheck %s --check-prefix=WIDE

// With VNNI alone bytes with one scale a column pay where they save more scales of groups than many rows share unpacking:
// with short groups from 32 rows on, with long ones from more. Levels without it take codes as they are.
#w32 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = const<8.0>>]>
#w128 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128], zero = const<8.0>>]>

// CHECK-LABEL: lutra.kernel @short_groups
// CHECK: strategy = #lutra.strategy<"rescaled">
// WIDE-LABEL: lutra.kernel @short_groups
// WIDE: strategy = #lutra.strategy<"coded">
lutra.kernel @short_groups(%a: tensor<32x4096xi8>, %s: tensor<32x1xf32>, %w: tensor<4096x4096xf32, #w32>) -> tensor<32x4096xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<32x1xf32>) {transpose_rhs, block = 4096 : i64, rounds_rhs} : (tensor<32x4096xi8>, tensor<4096x4096xf32, #w32>) -> tensor<32x4096xf32>
  lutra.yield %r : tensor<32x4096xf32>
}

// CHECK-LABEL: lutra.kernel @few_rows
// CHECK: strategy = #lutra.strategy<"coded">
lutra.kernel @few_rows(%a: tensor<32x4096xi8>, %s: tensor<32x1xf32>, %w: tensor<4096x4096xf32, #w128>) -> tensor<32x4096xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<32x1xf32>) {transpose_rhs, block = 4096 : i64, rounds_rhs} : (tensor<32x4096xi8>, tensor<4096x4096xf32, #w128>) -> tensor<32x4096xf32>
  lutra.yield %r : tensor<32x4096xf32>
}

// CHECK-LABEL: lutra.kernel @many_rows
// CHECK: strategy = #lutra.strategy<"rescaled">
lutra.kernel @many_rows(%a: tensor<128x4096xi8>, %s: tensor<128x1xf32>, %w: tensor<4096x4096xf32, #w128>) -> tensor<128x4096xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<128x1xf32>) {transpose_rhs, block = 4096 : i64, rounds_rhs} : (tensor<128x4096xi8>, tensor<4096x4096xf32, #w128>) -> tensor<128x4096xf32>
  lutra.yield %r : tensor<128x4096xf32>
}
