// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// encoding E1
// expected-error @below {{encoding has no term; give at least one dense, sparse or lowrank term}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[]>>)

// -----
// encoding E2
// expected-error @below {{encoding has a code with 0; all its numbers must be at least 1}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<0>, affine>]>>)

// -----
// encoding E2
// expected-error @below {{encoding has codes of 17 bits; 1 to 16 are possible}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<17>, affine>]>>)

// -----
// encoding E2
// expected-error @below {{encoding packs 4 digits of base 3 into 5 bits, which do not hold them}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<radix<3, 4, 5>, affine>]>>)

// -----
// encoding E2
// expected-error @below {{encoding has dictionary runs of}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<dict<8, @t, fixed<0>>, affine>]>>)

// -----
// encoding E3
// expected-error @below {{encoding reads values of 6 bits from codes of 4 bits; make them equal}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, float<3, 2, 3>>]>>)

// -----
// encoding E3
// expected-error @below {{encoding has floats of 0 exponent and 3 mantissa bits}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, float<0, 3, 0>>]>>)

// -----
// encoding E3
// expected-error @below {{encoding reads values of 5 bits from codes of 3 bits}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<3>, pot<2, 2>>]>>)

// -----
// encoding E3
// expected-error @below {{encoding reads signed codes through a map of bit fields; use uint}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<4>, bipolar>]>>)

// -----
// encoding E3
// expected-error @below {{encoding reads values of 9 bits from codes of 8 bits; make them equal}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<dict<8, @t, fixed<2>>, float<4, 4, 7>>]>>)

// -----
// encoding E4
// expected-error @below {{encoding has scales for groups of 0 x 32; a group has at least one element}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 0, 32]>]>>)

// -----
// encoding E4
// expected-error @below {{encoding has zero points for groups of 1 x 0}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine, zero = tensor<u4, 1, 0>>]>>)

// -----
// encoding E4
// expected-error @below {{encoding has scales for groups of 1 x 9223372036854775807; a group has at least one element and at most 2^31}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 9223372036854775807]>]>>)

// -----
// encoding E5
// expected-error @below {{encoding has scales for groups of 1 x 256 under scales for 1 x 32; list the finest first}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 256] * [u6, 1, 32]>]>>)

// -----
// encoding E6
// expected-error @below {{encoding has a table of 5 entries for codes of 2 bits, which name 4; use wider codes}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<2>, table<5, f16>>]>>)

// -----
// encoding E6
// expected-error @below {{encoding lists 3 table values, but 1 tables of 4 x 1 hold 4; list all or none}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<2>, table<4, f16, [0.0, 1.0, 2.0]>>]>>)

// -----
// encoding E6
// expected-error @below {{encoding has a table of 4 entries of 0 values}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<2>, table<4, f16, vec<0>>>]>>)

// -----
// encoding E6
// expected-error @below {{encoding has a table of 65537 entries of 1 values, selected by 0 bits; use 1 to 65536, 1 to 4096}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<dict<8, @t, fixed<2>>, table<65537, f16>>]>>)

// -----
// encoding E7
// expected-error @below {{encoding has a sparse term that stores every element; use dense}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[sparse<uint<4>, affine>]>>)

// -----
// encoding E7
// expected-error @below {{encoding keeps 5 of 4 elements with indices of 2 bits}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[sparse<uint<4>, affine, nm<5, 4, 2>>]>>)

// -----
// encoding E7
// expected-error @below {{encoding keeps 1 of 2 elements with indices of 64 bits; n is at most m, and m indices must fit in at most 32}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[sparse<uint<4>, affine, nm<1, 2, 64>>]>>)

// -----
// encoding E7
// expected-error @below {{encoding has a sparsity with sizes 64, 0 and density 0.0}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[sparse<uint<4>, affine, bitmap<64>, density<0.0>>]>>)

// -----
// encoding E8
// expected-error @below {{encoding has a lowrank term of rank 0; use at least 1}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[lowrank<0, {int<8>, affine}, {int<8>, affine}>]>>)

// -----
// encoding E8
// expected-error @below {{encoding has a part of rows 8 to 4}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[parts<rows<8, 4> columns<0, *> {int<8>, affine}>]>>)

// -----
// encoding E8
// expected-error @below {{encoding maps blocks of 1 x 16 to 2 formats with 2 shares that add up to 0.75}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[typemap<@t, 1, 16, [0.5, 0.25], {int<8>, affine}, {int<4>, affine}>]>>)

// -----
// encoding E9
// expected-error @below {{encoding wants activations of 0 bits}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], act = int<0, sym, row>>>)

// -----
// encoding E9
// expected-error @below {{encoding wants activations of fp8 in groups of -5}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], act = e4m3<group<-5>>>>)

// -----
// encoding E9
// expected-error @below {{encoding wants 1 forms of activations in blocks of 128}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], act = blocks<@t, 128, [bf16]>>>)

// -----
// encoding E10
// expected-error @below {{encoding on a tensor of rank 2 of 'i32'; only floats in at least one dimension are encoded}}
func.func private @f(tensor<64x256xi32, #lutra.encoding<[dense<int<8>, affine>]>>)

// -----
// encoding E10
// expected-error @below {{encoding on a tensor of rank 0}}
func.func private @f(tensor<f32, #lutra.encoding<[dense<int<8>, affine>]>>)

// -----
// encoding E11
// expected-error @below {{encoding has parts 0 and 1, which overlap on 64 x 256 elements; give each element to one part}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[parts<rows<0, 8> columns<0, *> {int<8>, affine}, rows<4, *> columns<0, *> {int<4>, affine}>]>>)

// -----
// encoding E11
// expected-error @below {{encoding has 256 columns but indices of 7 bits, which count to 127; use wider indices}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[sparse<int<8>, affine, csr<7, 32>, density<0.1>>]>>)

// -----
// encoding E11
// expected-error @below {{encoding has blocks of 33554432 elements; at most 16777216 are possible}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[typemap<@t, 1, 33554432, [1.0], {int<8>, affine}>]>>)

// -----
// encoding syntax
// expected-error @below {{has the term dens; use dense, sparse, lowrank, parts or typemap}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dens<int<8>, affine>]>>)

// -----
// encoding syntax
// expected-error @below {{has the code form nat; use uint, int, planes, radix or dict}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<nat<8>, affine>]>>)

// -----
// encoding syntax
// expected-error @below {{has the value map linear; use affine}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, linear>]>>)

// -----
// encoding syntax
// expected-error @below {{has the value map signed_by}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<uint<2>, signed_by<plane, signed_by<plane, affine>>>]>>)

// -----
// encoding syntax
// expected-error @below {{has the element type f17; use u1 to u32}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine, scales = [f17, row]>]>>)

// -----
// encoding syntax
// expected-error @below {{has the zero form max; use const, tensor or min}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine, zero = max<u6, row>>]>>)

// -----
// encoding syntax
// expected-error @below {{has the sparsity ell; use nm, block, bitmap or csr}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[sparse<int<8>, affine, ell<8>>]>>)

// -----
// encoding syntax
// expected-error @below {{has the activation form fp8}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], act = fp8>>)

// -----
// encoding syntax
// expected-error @below {{has the field order; use perm_n, perm_k, act or packing}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], order = @p>>)

// -----
// packing E1
// expected-error @below {{packing has width 0 and depth 1, both must be at least 1}}
func.func private @f(tensor<4x4xf32, #lutra.packing<width = 0, depth = 1>>)

// -----
// packing E1
// expected-error @below {{packing has width 4294967296 and depth 1, both must be at least 1 and at most 16777216}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], packing = #lutra.packing<width = 4294967296, depth = 1>>>)

// -----
// packing E1
// expected-error @below {{packing has width 1 and depth 4611686018427387904}}
func.func private @f(tensor<64x256xf32, #lutra.encoding<[dense<int<8>, affine>], packing = #lutra.packing<width = 1, depth = 4611686018427387904>>>)

// -----
// packing E2
// expected-error @below {{packing on a tensor of rank 1; panels need a depth and columns, so at least 2 dimensions}}
func.func private @f(tensor<4xf32, #lutra.packing<width = 16, depth = 1>>)

// -----
// encoding E12
// expected-error @below {{encoding has a packing, but panels of depth 1 hold no whole bytes of codes of 4 bits}}
func.func private @f(tensor<4x8xf32, #lutra.encoding<[dense<int<4>, affine>], packing = #lutra.packing<width = 16, depth = 1>>>)

// -----
// pack E2
func.func @pack_e2(%a: tensor<4x8xf32, #lutra.encoding<[dense<int<8>, affine>]>>) {
  // expected-error @below {{a packing keeps the meaning, so the encodings must be equal}}
  %r = lutra.pack %a : tensor<4x8xf32, #lutra.encoding<[dense<int<8>, affine>]>>
         -> tensor<4x8xf32, #lutra.encoding<[dense<int<4>, affine>], packing = #lutra.packing<width = 16, depth = 8>>>
  return
}

// -----
// global E3
// expected-error @below {{which is stored in 162 bytes, but its data is 'tensor<104xi8>'; give tensor<162xi8>}}
lutra.global @w : tensor<17x33xf32, #lutra.encoding<[dense<uint<1>, bipolar, scales = [f16, row]>]>> = dense<0> : tensor<104xi8>

// -----
// encoding E12
// expected-error @below {{encoding has a packing, but only words of 1 or 4 bytes have panels}}
func.func private @f(tensor<4x8xf32, #lutra.encoding<[dense<int<4>, affine>], packing = #lutra.packing<width = 16, depth = 4>>>)
