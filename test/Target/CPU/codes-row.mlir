// One row asks for codes some lines ahead on every level; what 32 rows unpack lies in a cache (codes.mlir).
// REQUIRES: x86-64
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx2 --strategy=coded | FileCheck %s --check-prefix=AVX2
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avxvnni --strategy=coded | FileCheck %s --check-prefix=YMM
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx512vnni --strategy=coded | FileCheck %s --check-prefix=ZMM

// AVX2-DAG: prefetcht0
// AVX2-DAG: vpmaddubsw
// YMM-DAG: prefetcht0
// YMM-DAG: vpdpbusd {{.*}}%ymm
// ZMM: prefetcht0
// ZMM: vpdpbusd {{.*}}%zmm
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128], zero = const<8.0>>], act = int<8, sym, group<128>>>
lutra.global @w : tensor<64x256xf32, #w4> = dense<58> : tensor<8448xi8>
func.func @main(%x: tensor<1x256xf32> {lutra.name = "x"}) -> tensor<1x64xf32> {
  %w = lutra.weight @w : tensor<64x256xf32, #w4>
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<1x256xf32>, tensor<64x256xf32, #w4>) -> tensor<1x64xf32>
  return %r : tensor<1x64xf32>
}
