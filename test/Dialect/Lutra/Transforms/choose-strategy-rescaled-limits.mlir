// RUN: lutra-opt %s "--lutra-choose-strategy=targets=amx strategy=rescaled" --split-input-file --verify-diagnostics | FileCheck %s

// Sums of all of K are integers: 32 bits hold 132,104 products of bytes.
#r4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128]>]>
// CHECK-LABEL: lutra.kernel @whole
// CHECK: strategy = #lutra.strategy<"rescaled"
lutra.kernel @whole(%a: tensor<64x132096xi8>, %s: tensor<64x1xf32>, %w: tensor<16x132096xf32, #r4>) -> tensor<64x16xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<64x1xf32>) {transpose_rhs, block = 132096 : i64, rounds_rhs} : (tensor<64x132096xi8>, tensor<16x132096xf32, #r4>) -> tensor<64x16xf32>
  lutra.yield %r : tensor<64x16xf32>
}

// -----

#r4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128]>]>
lutra.kernel @longer(%a: tensor<64x132224xi8>, %s: tensor<64x1xf32>, %w: tensor<16x132224xf32, #r4>) -> tensor<64x16xf32> {
  // expected-error @below {{takes at most 132104 elements along K, whose sums 32 bits hold}}
  %r = lutra.matmul %a, %w scale(%s : tensor<64x1xf32>) {transpose_rhs, block = 132224 : i64, rounds_rhs} : (tensor<64x132224xi8>, tensor<16x132224xf32, #r4>) -> tensor<64x16xf32>
  lutra.yield %r : tensor<64x16xf32>
}
