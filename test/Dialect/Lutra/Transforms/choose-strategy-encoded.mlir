// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2,avx512 --split-input-file --verify-diagnostics | FileCheck %s

// Codes of whole bytes, affine values, one scale.
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<u4, 1, 32>>]>
// CHECK-LABEL: lutra.kernel @decoded
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"decode">
lutra.kernel @decoded(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #w4>) -> tensor<?x19xf32> {
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #w4>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

// What no strategy reads is an error that says what each one lacks.
#w16 = #lutra.encoding<[dense<uint<16>, affine, scales = [f32, 1, 32]>]>
lutra.kernel @sixteen(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #w16>) -> tensor<?x19xf32> {
  // expected-error @below {{E0601: no strategy computes 'lutra.matmul': tiled (avx2: reads no encoded weight); coded (avx2: takes products of codes with scales alone); decode (avx2: takes one dense term of codes of up to 8 bits alone); bfloat (avx2: takes encoded weights with act = bf16 alone); bytes (avx2: takes products of matrices without scales and encodings alone); dot (avx2: takes integers of 8 or 16 bits into 32 alone); lookup (avx2: takes products of codes with scales alone); ternary (avx2: the level finds no bytes among 32 by one instruction); rescaled (avx2: takes products that may round their weight alone); bitserial (avx2: takes products of codes with scales alone); shift (avx2: takes products of codes with scales alone); scalar (avx2: reads no encoded weight)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #w16>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#table = #lutra.encoding<[dense<uint<4>, table<16, f16, vec<2>>, scales = [f32, 1, 32]>]>
lutra.kernel @table(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #table>) -> tensor<?x19xf32> {
  // expected-error @below {{decode (avx2: only tables of single values, one or one for each group, have panels)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #table>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#minus = #lutra.encoding<[dense<uint<4>, affine, scales = [u3, 1, 16, minus<f16, 16, 16>] * [f16, 16, 16]>]>
lutra.kernel @scale(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #minus>) -> tensor<?x19xf32> {
  // expected-error @below {{decode (avx2: only scales without zeros of their own have panels)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #minus>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#groups = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 12]>]>
lutra.kernel @group(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #groups>) -> tensor<?x19xf32> {
  // expected-error @below {{decode (avx2: takes groups of multiples of 8 along K alone)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #groups>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#half = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32]>]>
lutra.kernel @values(%a: tensor<?x64xf16>, %w: tensor<19x64xf16, #half>) -> tensor<?x19xf16> {
  // expected-error @below {{decode (avx2: takes values of f32 alone)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf16>, tensor<19x64xf16, #half>) -> tensor<?x19xf16>
  lutra.yield %r : tensor<?x19xf16>
}

// -----

#wide = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], packing = #lutra.packing<width = 32, depth = 2>>
lutra.kernel @width(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #wide>) -> tensor<?x19xf32> {
  // expected-error @below {{decode (avx2: takes panels of the level's width and of whole bytes alone)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #wide>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

// Codes on both sides.
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<u4, 1, 32>>]>
// CHECK-LABEL: lutra.kernel @coded
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"coded">
lutra.kernel @coded(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #w4>) -> tensor<?x19xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #w4>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#wide8 = #lutra.encoding<[dense<uint<8>, table<256, f32>, scales = [f32, 1, 32]>]>
lutra.kernel @wide8(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #wide8>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes values that the encoding states alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #wide8>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#float8 = #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, 1, 32]>]>
lutra.kernel @float8(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #float8>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes tables of at most 64 entries)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #float8>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#other = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 64]>]>
lutra.kernel @other(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #other>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes scales on the left for whole groups of the weight alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #other>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#normal = #lutra.encoding<[dense<uint<2>, table<4, f32, [-1.0, -0.25, 0.30000001192092896, 1.0]>, scales = [f32, 1, 32]>]>
lutra.kernel @normal(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #normal>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes values that are multiples of a power of two alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #normal>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#short = #lutra.encoding<[dense<uint<2>, affine, scales = [f32, 1, 8]>]>
lutra.kernel @short(%a: tensor<?x64xi8>, %s: tensor<?x8xf32>, %w: tensor<19x64xf32, #short>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes groups of multiples of 16 along K alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x8xf32>) {transpose_rhs, block = 8 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #short>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#narrow = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], packing = #lutra.packing<width = 16, depth = 2>>
lutra.kernel @narrow(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #narrow>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes panels of the level's width and of words of 4 bytes alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #narrow>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

// The sums of so many groups would not fit the stack.
#groups = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 16]>]>
lutra.kernel @long(%a: tensor<?x131072xi8>, %s: tensor<?x8192xf32>, %w: tensor<19x131072xf32, #groups>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes at most 6144 groups along K alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x8192xf32>) {transpose_rhs, block = 16 : i64} : (tensor<?x131072xi8>, tensor<19x131072xf32, #groups>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

// So would copies of rows that end within a step.
#row = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, row]>]>
lutra.kernel @copied(%a: tensor<?x60001xi8>, %s: tensor<?x1xf32>, %w: tensor<19x60001xf32, #row>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes at most 49152 elements along K that end within a step)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x1xf32>) {transpose_rhs, block = 60001 : i64} : (tensor<?x60001xi8>, tensor<19x60001xf32, #row>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}
