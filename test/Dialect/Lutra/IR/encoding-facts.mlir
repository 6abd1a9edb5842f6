// Facts computed from the attribute: stored bytes and bits for each weight with side data, range of the
// values, the unit in which they are 8-bit integers, whether they are bf16 numbers, odd symmetric,
// monotone in the code, and what a product must add up besides.
// RUN: lutra-opt %s --lutra-test-encoding --verify-diagnostics

// 8192 bytes of codes, 512 scales of 4 bytes, 512 zero points of 4 bits.
// expected-remark @below {{bytes 10496, bits 5.125; [0, 15] int8 x 1 bf16 monotone sums of 32}}
func.func private @matmul_nbits(tensor<64x256xf32,
  #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<u4, 1, 32>>]>>)

// expected-remark @below {{bytes 8320, bits 4.062; [-8, 7] int8 x 1 bf16 monotone row scale}}
func.func private @int4(tensor<64x256xf16, #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>>)

// expected-remark @below {{bytes 16512, bits 8.062; [-128, 127] bf16 monotone row scale}}
func.func private @int8(tensor<64x256xf16, #lutra.encoding<[dense<int<8>, affine, scales = [f16, row]>]>>)

// 4.5 bits as in ggml.
// expected-remark @below {{bytes 9216, bits 4.500; [0, 15] int8 x 1 bf16 monotone sums of 32}}
func.func private @q4_k(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<4>, affine, scales = [u6, 1, 32] * [f16, 1, 256], zero = min<u6, 1, 32, [f16, 1, 256]>>]>>)

// expected-remark @below {{bytes 7040, bits 3.438; [-4, 3] int8 x 1 bf16 monotone}}
func.func private @q3_k(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<2, 1>, affine<-4>, scales = [u6, 1, 16, affine<-32.0>] * [f16, 1, 256]>]>>)

// expected-remark @below {{bytes 13440, bits 6.562; [-32, 31] int8 x 1 bf16 monotone}}
func.func private @q6_k(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<4, 2>, affine<-32>, scales = [i8, 1, 16] * [f16, 1, 256]>]>>)

// Twice an e2m1 number is an integer up to 12.
// expected-remark @below {{bytes 9220, bits 4.502; [-6, 6] int8 x 0.5 bf16 odd row scale}}
func.func private @nvfp4(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<4>, float<2, 1, 1>, scales = [ue4m3, 1, 16] * [f32, tensor]>]>>)

// Eight times an e2m3 number is an integer up to 60; sixteen times an e3m2 one reaches 448.
// expected-remark @below {{bytes 12288, bits 6.000; [-7.5, 7.5] int8 x 0.125 bf16 odd}}
func.func private @e2m3(tensor<64x256xf32, #lutra.encoding<[dense<uint<6>, float<2, 3, 1>>]>>)
// expected-remark @below {{bytes 12800, bits 6.250; [-28, 28] bf16 odd}}
func.func private @mxfp6(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<4, 2>, float<3, 2, 3>, scales = [e8m0, 1, 32]>]>>)

// expected-remark @below {{bytes 16384, bits 8.000; [-448, 448] bf16 odd}}
func.func private @e4m3(tensor<64x256xf32, #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>>]>>)
// expected-remark @below {{bytes 16384, bits 8.000; [-57344, 57344] bf16 odd}}
func.func private @e5m2(tensor<64x256xf32, #lutra.encoding<[dense<uint<8>, float<5, 2, 15, ieee>>]>>)

// 6144 bytes of codes, 128 scales of 2 bytes, 64 rows of 2 selectors of 2 bits.
// expected-remark @below {{bytes 6464, bits 3.156; [-6, 6] int8 x 1 bf16 odd}}
func.func private @bitmod3(tensor<64x256xf32, #lutra.encoding<[
  dense<uint<3>, table<8, i8, select<group, 2>,
    [0.0, 1.0, 2.0, 4.0, 3.0, -1.0, -2.0, -4.0, 0.0, 1.0, 2.0, 4.0, -3.0, -1.0, -2.0, -4.0,
     0.0, 1.0, 2.0, 4.0, 6.0, -1.0, -2.0, -4.0, 0.0, 1.0, 2.0, 4.0, -6.0, -1.0, -2.0, -4.0]>,
    scales = [f16, 1, 128]>]>>)

// 86 words of 5 bits in each row, which make 54 bytes; one scale.
// expected-remark @below {{bytes 3460, bits 1.689; [-1, 1] int8 x 1 bf16 odd monotone row scale}}
func.func private @ternary(tensor<64x256xf32, #lutra.encoding<[
  dense<radix<3, 3, 5>, affine<-1>, scales = [f32, tensor]>]>>)

// expected-remark @below {{bytes 4352, bits 2.125; [-3, 3] int8 x 1 bf16 odd monotone row scale}}
func.func private @bipolar(tensor<64x256xf32, #lutra.encoding<[dense<uint<2>, bipolar, scales = [f32, row]>]>>)

// expected-remark @below {{bytes 6144, bits 3.000; [-8, 8] int8 x 1 bf16 odd}}
func.func private @shift(tensor<64x256xf32, #lutra.encoding<[dense<uint<3>, pot<1, 2>>]>>)

// A table apart: 128 entries of 2 bytes behind half as many codes.
// expected-remark @below {{bytes 6400, bits 3.125; stored table}}
func.func private @palettised(tensor<64x256xf16, #lutra.encoding<[dense<uint<6>, table<64, f16, vec<2>>>]>>)

// 3 bits, scales and zero points of 3 bits under fp16 pairs, then 164 outliers of 16 bits and their columns, 65 row
// starts of 4 bytes.
// expected-remark @below {{bytes 8084, bits 3.947; [0, 7] int8 x 1 bf16 monotone sums of 16; [-65504, 65504] odd}}
func.func private @spqr(tensor<64x256xf32, #lutra.encoding<[
  dense<planes<3>, affine, scales = [u3, 1, 16, minus<f16, 16, 16>] * [f16, 16, 16], zero = tensor<u3, 1, 16>>,
  sparse<uint<16>, float<5, 10, 15, ieee>, csr<16, 32>, density<0.01>>]>>)

// Half of the elements in 8 bits, and 2 bits for each place.
// expected-remark @below {{bytes 10240, bits 5.000; [-128, 127] bf16 monotone}}
func.func private @two_of_four(tensor<64x256xf32, #lutra.encoding<[sparse<int<8>, affine, nm<2, 4, 2>>]>>)
