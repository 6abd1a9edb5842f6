// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx512 --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>&1 >/dev/null | FileCheck %s --check-prefix=WORDS
// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2 --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>&1 >/dev/null | FileCheck %s --check-prefix=LANES
// RUN: lutra-opt %s --lutra-choose-strategy=targets=amx --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>&1 >/dev/null | FileCheck %s --check-prefix=TILES
// RUN: lutra-opt %s --lutra-choose-strategy=targets=neon --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>&1 >/dev/null | FileCheck %s --check-prefix=NEON
// RUN: not lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=shift" 2>&1 | FileCheck %s --check-prefix=REFUSED

// Powers up to 128 beside bytes are products of two digits, which vectors of 512 bits without VNNI take longer for than
// for shifts of 16 bits; with VNNI, and where lanes have 32 bits, products are quicker, and so they are with powers of a
// byte. Without products in fours aarch64 has no digits.
// WORDS: Chosen=shift, {{.*}}, M=4, N=64, {{.*}}Rejected="{{.*}}coded {{[0-9.e+]+}} cycles
// LANES: Chosen=coded, {{.*}}, M=4, N=64, {{.*}}Rejected="{{.*}}shift {{[0-9.e+]+}} cycles
// TILES: Chosen=coded, {{.*}}, M=4, N=64, {{.*}}Rejected="{{.*}}shift {{[0-9.e+]+}} cycles
// NEON: Chosen=shift, {{.*}}, M=4, N=64, {{.*}}Rejected="{{.*}}coded (neon:
#w4 = #lutra.encoding<[dense<uint<4>, pot<1, 3>, scales = [f16, 1, 32]>]>
lutra.kernel @four(%a: tensor<4x256xi8>, %s: tensor<4x1xf32>, %w: tensor<64x256xf32, #w4>) -> tensor<4x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<4x1xf32>) {transpose_rhs, block = 256 : i64} : (tensor<4x256xi8>, tensor<64x256xf32, #w4>) -> tensor<4x64xf32>
  lutra.yield %r : tensor<4x64xf32>
}

// WORDS: Chosen=coded, {{.*}}, M=4, N=48, {{.*}}Rejected="{{.*}}shift {{[0-9.e+]+}} cycles
// LANES: Chosen=coded, {{.*}}, M=4, N=48, {{.*}}Rejected="{{.*}}shift {{[0-9.e+]+}} cycles
// TILES: Chosen=coded, {{.*}}, M=4, N=48, {{.*}}Rejected="{{.*}}shift {{[0-9.e+]+}} cycles
// NEON: Chosen=coded, {{.*}}, M=4, N=48, {{.*}}Rejected="{{.*}}shift {{[0-9.e+]+}} cycles
#w3 = #lutra.encoding<[dense<uint<3>, pot<1, 2>, scales = [f16, row]>]>
lutra.kernel @three(%a: tensor<4x256xi8>, %s: tensor<4x1xf32>, %w: tensor<48x256xf32, #w3>) -> tensor<4x48xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<4x1xf32>) {transpose_rhs, block = 256 : i64} : (tensor<4x256xi8>, tensor<48x256xf32, #w3>) -> tensor<4x48xf32>
  lutra.yield %r : tensor<4x48xf32>
}

// REFUSED: shift (avx2: takes codes of 2 to 4 bits that are a sign and the exponent of a power of two alone)
#sums = #lutra.encoding<[dense<uint<5>, pot<2, 2>, scales = [f16, row]>]>
lutra.kernel @sums(%a: tensor<4x256xi8>, %s: tensor<4x1xf32>, %w: tensor<40x256xf32, #sums>) -> tensor<4x40xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<4x1xf32>) {transpose_rhs, block = 256 : i64} : (tensor<4x256xi8>, tensor<40x256xf32, #sums>) -> tensor<4x40xf32>
  lutra.yield %r : tensor<4x40xf32>
}
