// Products of codes with 8-bit activations take the widest instructions of a level, in loops that widen nothing.
// REQUIRES: x86-64
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx2 --strategy=coded | FileCheck %s --check-prefix=AVX2
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avxvnni --strategy=coded | FileCheck %s --check-prefix=YMM
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx512vnni --strategy=coded | FileCheck %s --check-prefix=ZMM
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=amx --strategy=coded | FileCheck %s --check-prefix=AMX

// AVX2-NOT: vpmovsxbw
// AVX2: vpmaddubsw
// AVX2-NEXT: vpmaddubsw
// AVX2-NEXT: vpaddw
// AVX2-NEXT: vpaddw
// AVX2-NOT: vpdpbusd
// YMM-NOT: vpmaddubsw
// YMM: vpdpbusd {{.*}}%ymm
// YMM-NOT: %zmm
// ZMM-NOT: vpmaddubsw
// ZMM: vpdpbusd {{.*}}%zmm
// ZMM-NOT: vpmovsxbw
// AMX: ldtilecfg
// AMX: tileloadd
// AMX: tdpbssd
// AMX: tilestored
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128], zero = const<8.0>>], act = int<8, sym, group<128>>>
lutra.global @w : tensor<64x256xf32, #w4> = dense<58> : tensor<8448xi8>
func.func @main(%x: tensor<32x256xf32> {lutra.name = "x"}) -> tensor<32x64xf32> {
  %w = lutra.weight @w : tensor<64x256xf32, #w4>
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<32x256xf32>, tensor<64x256xf32, #w4>) -> tensor<32x64xf32>
  return %r : tensor<32x64xf32>
}
