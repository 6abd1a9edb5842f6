// The instances that the grammar must express, each printed as it was written.
// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// MatMulNBits: 4 bits, zero points packed like codes.
// CHECK: @matmul_nbits(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<u4, 1, 32>>]>>)
func.func private @matmul_nbits(tensor<64x256xf32,
  #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<u4, 1, 32>>]>>)

// Symmetric int4 of one scale for each row, stored with an offset.
// CHECK: @int4(tensor<64x256xf16, #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>>)
func.func private @int4(tensor<64x256xf16, #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>>)

// Zero points of floats outside the scales.
// CHECK: zero = tensor<f16, 1, 64, value>
func.func private @float_zero(tensor<64x256xf32,
  #lutra.encoding<[dense<uint<2>, affine, scales = [f16, 1, 64], zero = tensor<f16, 1, 64, value>>]>>)

// Q4_K: 6-bit scales and minima under fp16 ones.
// CHECK: @q4_k({{.*}}dense<uint<4>, affine, scales = [u6, 1, 32] * [f16, 1, 256], zero = min<u6, 1, 32, [f16, 1, 256]>>
func.func private @q4_k(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<4>, affine, scales = [u6, 1, 32] * [f16, 1, 256], zero = min<u6, 1, 32, [f16, 1, 256]>>]>>)

// CHECK: @q3_k({{.*}}dense<planes<2, 1>, affine<-4>, scales = [u6, 1, 16, affine<-32.0>] * [f16, 1, 256]>
func.func private @q3_k(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<2, 1>, affine<-4>, scales = [u6, 1, 16, affine<-32.0>] * [f16, 1, 256]>]>>)

// CHECK: @q6_k({{.*}}dense<planes<4, 2>, affine<-32>, scales = [i8, 1, 16] * [f16, 1, 256]>
func.func private @q6_k(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<4, 2>, affine<-32>, scales = [i8, 1, 16] * [f16, 1, 256]>]>>)

// CHECK: @nvfp4({{.*}}dense<uint<4>, float<2, 1, 1>, scales = [ue4m3, 1, 16] * [f32, tensor]>
func.func private @nvfp4(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<4>, float<2, 1, 1>, scales = [ue4m3, 1, 16] * [f32, tensor]>]>>)

// CHECK: @mxfp6({{.*}}dense<planes<4, 2>, float<3, 2, 3>, scales = [e8m0, 1, 32]>
func.func private @mxfp6(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<4, 2>, float<3, 2, 3>, scales = [e8m0, 1, 32]>]>>)

// CHECK: @fp8({{.*}}dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, 128, 128]>
func.func private @fp8(tensor<256x256xf32, #lutra.encoding<[
  dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, 128, 128]>]>>)

// BitMoD: a selector for each group picks the table.
// CHECK: @bitmod3({{.*}}dense<uint<3>, table<8, i8, select<group, 2>, [0.0, 1.0, 2.0, 4.0, 3.0, -1.0, -2.0, -4.0, 0.0, 1.0
func.func private @bitmod3(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<3>, table<8, i8, select<group, 2>,
    [0.0, 1.0, 2.0, 4.0, 3.0, -1.0, -2.0, -4.0, 0.0, 1.0, 2.0, 4.0, -3.0, -1.0, -2.0, -4.0,
     0.0, 1.0, 2.0, 4.0, 6.0, -1.0, -2.0, -4.0, 0.0, 1.0, 2.0, 4.0, -6.0, -1.0, -2.0, -4.0]>,
    scales = [f16, 1, 128]>]>>)

// Ternary numbers, three in five bits.
// CHECK: @ternary({{.*}}dense<radix<3, 3, 5>, affine<-1>, scales = [f32, tensor]>
func.func private @ternary(tensor<64x256xf32, #lutra.encoding<[
  dense<radix<3, 3, 5>, affine<-1>, scales = [f32, tensor]>]>>)

// CHECK: @bipolar({{.*}}dense<uint<2>, bipolar, scales = [f32, row]>
func.func private @bipolar(tensor<64x256xf32, #lutra.encoding<[dense<uint<2>, bipolar, scales = [f32, row]>]>>)

// DenseShift and a sum of powers of two.
// CHECK: @shift({{.*}}dense<uint<3>, pot<1, 2>, scales = [f16, row]>
func.func private @shift(tensor<64x256xf32, #lutra.encoding<[dense<uint<3>, pot<1, 2>, scales = [f16, row]>]>>)
// CHECK: @apot({{.*}}dense<uint<5>, pot<2, 2>, scales = [f16, row]>
func.func private @apot(tensor<64x256xf32, #lutra.encoding<[dense<uint<5>, pot<2, 2>, scales = [f16, row]>]>>)

// A table that the checkpoint brings, of pairs.
// CHECK: @palettised({{.*}}dense<uint<6>, table<64, f16, vec<2>>>
func.func private @palettised(tensor<64x256xf16, #lutra.encoding<[dense<uint<6>, table<64, f16, vec<2>>>]>>)

// A grid of magnitudes with signs of their own.
// CHECK: @iq2({{.*}}dense<dict<8, @grid256, fixed<8>>, signed_by<parity7, affine>, scales = [u4, 1, 32, affine<0.5>] * [f16, 1, 256]>
func.func private @iq2(tensor<64x256xf32, #lutra.encoding<[
  dense<dict<8, @grid256, fixed<8>>, signed_by<parity7, affine>,
        scales = [u4, 1, 32, affine<0.5>] * [f16, 1, 256]>]>>)

// SpQR: zero points and scales have scales of their own, outliers are a second term.
// CHECK: @spqr({{.*}}[dense<planes<3>, affine, scales = [u3, 1, 16, minus<f16, 16, 16>] * [f16, 16, 16], zero = tensor<u3, 1, 16>>, sparse<uint<16>, float<5, 10, 15, ieee>, csr<16, 32>, density<0.01>>]
func.func private @spqr(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<3>, affine, scales = [u3, 1, 16, minus<f16, 16, 16>] * [f16, 16, 16], zero = tensor<u3, 1, 16>>,
  sparse<uint<16>, float<5, 10, 15, ieee>, csr<16, 32>, density<0.01>>]>>)

// Zero points with a zero and scales of their own, inside and outside the scales, and minima.
// CHECK: @second_order({{.*}}zero = tensor<u3, 1, 16, minus<f16, 16, 16>, [f16, 16, 16]>
func.func private @second_order(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<3>, affine, scales = [f16, 16, 16], zero = tensor<u3, 1, 16, minus<f16, 16, 16>, [f16, 16, 16]>>]>>)
// CHECK: @second_order_outside({{.*}}zero = tensor<f16, 1, 16, value, minus<f16, row>>
func.func private @second_order_outside(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<3>, affine, zero = tensor<f16, 1, 16, value, minus<f16, row>>>]>>)
// CHECK: @second_order_minimum({{.*}}zero = min<u6, 1, 16, minus<f16, tensor>, [f16, row]>
func.func private @second_order_minimum(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<3>, affine, zero = min<u6, 1, 16, minus<f16, tensor>, [f16, row]>>]>>)

// CHECK: @qmoe({{.*}}dense<dict<16, @trits, prefix<20.5>>, table<3, bf16, select<row>>>
func.func private @qmoe(tensor<64x256xbf16, #lutra.encoding<[
  dense<dict<16, @trits, prefix<20.5>>, table<3, bf16, select<row>>>]>>)

// CHECK: @sparse_kinds({{.*}}sparse<int<8>, affine, scales = [f32, row], nm<2, 4, 2>>, sparse<int<8>, affine, block<4, 1, csr>, density<0.2>>, sparse<int<4>, affine, bitmap<64>, density<0.5>>
func.func private @sparse_kinds(tensor<64x256xf32, #lutra.encoding<[
  sparse<int<8>, affine, scales = [f32, row], nm<2, 4, 2>>,
  sparse<int<8>, affine, block<4, 1, csr>, density<0.2>>,
  sparse<int<4>, affine, bitmap<64>, density<0.5>>]>>)

// LoRC: the error of a coarse term in low rank.
// CHECK: @lorc({{.*}}lowrank<8, {int<8>, affine, scales = [f16, row]}, {int<8>, affine, scales = [f16, tensor], zero = const<3.0>}>
func.func private @lorc(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<3>, affine<-4>, scales = [f16, 1, 64]>,
  lowrank<8, {int<8>, affine, scales = [f16, row]}, {int<8>, affine, scales = [f16, tensor], zero = const<3.0>}>]>>)

// MixLLM: a tenth of the rows in 8 bits, gathered by a permutation.
// CHECK: @mixllm({{.*}}[parts<rows<0, 6> columns<0, *> {int<8>, affine, scales = [f16, row]}, rows<6, *> columns<0, *> {uint<4>, affine, scales = [f16, 1, 128], zero = tensor<u4, 1, 128>}>], perm_n = @order>
func.func private @mixllm(tensor<64x256xf32, #lutra.encoding<[
  parts<rows<0, 6> columns<0, *> {int<8>, affine, scales = [f16, row]},
        rows<6, *> columns<0, *> {uint<4>, affine, scales = [f16, 1, 128], zero = tensor<u4, 1, 128>}>],
  perm_n = @order>>)

// Fast 2-bit: most groups in 2 bits, some in 4.
// CHECK: typemap<@kinds, 1, 16, [0.75, 0.25], {uint<2>, affine, scales = [u4, 1, 16] * [f16, 1, 256]}, {uint<4>, affine<-8>, scales = [u4, 1, 16] * [f16, 1, 256]}>
func.func private @fast2(tensor<64x256xf32, #lutra.encoding<[
  typemap<@kinds, 1, 16, [0.75, 0.25], {uint<2>, affine, scales = [u4, 1, 16] * [f16, 1, 256]},
    {uint<4>, affine<-8>, scales = [u4, 1, 16] * [f16, 1, 256]}>]>>)

// COMET: the other operand in 4 or 8 bits, by blocks along k.
// CHECK: @comet({{.*}}, perm_k = @order, act = blocks<@kinds, 128, [int<4, sym, row>, int<8, sym, row>]>>
func.func private @comet(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, 1, 128]>],
  perm_k = @order, act = blocks<@kinds, 128, [int<4, sym, row>, int<8, sym, row>]>>>)

// CHECK: act = int<8, asym, group<32>>
func.func private @act_group(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>>], act = int<8, asym, group<32>>>>)
// CHECK: act = e4m3>
func.func private @act_fp8(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>>], act = e4m3>>)
// CHECK: act = e4m3<row>
func.func private @act_fp8_row(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>>], act = e4m3<row>>>)
// CHECK: act = e5m2<group<32>>
func.func private @act_fp8_group(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>>], act = e5m2<group<32>>>>)
// CHECK: act = bf16
func.func private @act_float(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>>], act = bf16>>)

// How it lies in memory is a second attribute.
// CHECK: @packed({{.*}}dense<int<8>, affine>], packing = #lutra.packing<width = 16, depth = 4>>
func.func private @packed(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>],
  packing = #lutra.packing<width = 16, depth = 4>>>)

// 17 rows of 33 bits, each in 5 bytes; scales from byte 128 on, 34 bytes.
// CHECK: lutra.global @w
lutra.global @w : tensor<17x33xf32, #lutra.encoding<[dense<uint<1>, bipolar, scales = [f16, row]>]>> = dense<0> : tensor<162xi8>

// CHECK: func @decode
func.func @decode(%a: tensor<4x8xf32, #lutra.encoding<[dense<int<8>, affine>]>>) -> tensor<4x8xf32> {
  %0 = lutra.decode %a : tensor<4x8xf32, #lutra.encoding<[dense<int<8>, affine>]>> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
