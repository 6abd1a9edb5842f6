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
#w3 = #lutra.encoding<[dense<uint<3>, affine, scales = [f32, 1, 32]>]>
lutra.kernel @three(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #w3>) -> tensor<?x19xf32> {
  // expected-error @below {{E0601: no strategy computes 'lutra.matmul': tiled (avx2: reads no encoded weight); coded (avx2: takes products of codes with scales alone); decode (avx2: takes one dense term of codes of 1, 2, 4 or 8 bits alone); dot (avx2: takes integers of 8 or 16 bits into 32 alone); scalar (avx2: reads no encoded weight)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #w3>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#table = #lutra.encoding<[dense<uint<4>, bipolar, scales = [f32, 1, 32]>]>
lutra.kernel @table(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #table>) -> tensor<?x19xf32> {
  // expected-error @below {{decode (avx2: only affine values have panels)}}
  %r = lutra.matmul %a, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<19x64xf32, #table>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#minus = #lutra.encoding<[dense<uint<4>, affine, scales = [e8m0, 1, 32]>]>
lutra.kernel @scale(%a: tensor<?x64xf32>, %w: tensor<19x64xf32, #minus>) -> tensor<?x19xf32> {
  // expected-error @below {{decode (avx2: takes scales of f32, f16 and bf16 alone)}}
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

#wide8 = #lutra.encoding<[dense<uint<8>, affine, scales = [f32, 1, 32]>]>
lutra.kernel @wide8(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #wide8>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes codes of at most 4 bits without a sign alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #wide8>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#signed4 = #lutra.encoding<[dense<int<4>, affine, scales = [f32, 1, 32]>]>
lutra.kernel @signed4(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #signed4>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes codes of at most 4 bits without a sign alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #signed4>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#other = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 64]>]>
lutra.kernel @other(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #other>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes scales of one size of groups on both sides alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #other>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// -----

#halfpoint = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<7.5>>]>
lutra.kernel @halfpoint(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #halfpoint>) -> tensor<?x19xf32> {
  // expected-error @below {{coded (avx2: takes constant zero points that are integers up to 256 alone)}}
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<19x64xf32, #halfpoint>) -> tensor<?x19xf32>
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
