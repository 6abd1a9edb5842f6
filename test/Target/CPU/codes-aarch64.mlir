// Products of codes with 8-bit activations take each level's instructions, in loops that widen nothing where they need
// not, and look tables up by one instruction.
// REQUIRES: aarch64
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=neon --strategy=coded | FileCheck %s --check-prefix=NEON
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=dotprod --strategy=coded | FileCheck %s --check-prefix=DOT
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=i8mm --strategy=coded | FileCheck %s --check-prefix=MATRIX

// NEON-NOT: {{sdot|smmla}}
// NEON: smlal
// NEON: sadalp
// NEON-NOT: {{sdot|smmla}}
// DOT-NOT: {{smmla|smlal}}
// Four rows by four columns of a step of bytes that were unpacked: what is loaded is what is multiplied.
// DOT: ld1r { v{{[0-9]+}}.4s }
// DOT-COUNT-16: sdot v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b
// DOT: b.{{(le|lt|ne)}} .LBB
// DOT: tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b }
// DOT-NOT: {{smmla|smlal}}
// MATRIX-NOT: smlal
// MATRIX: zip1 v{{[0-9]+}}.4s
// MATRIX-COUNT-16: smmla v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b
// MATRIX: b.{{(le|lt|ne)}} .LBB
// MATRIX-NOT: smlal
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128], zero = const<8.0>>], act = int<8, sym, group<128>>>
#fp6 = #lutra.encoding<[dense<uint<6>, float<2, 3, 1>, scales = [f16, 1, 128]>], act = int<8, sym, group<128>>>
lutra.global @w : tensor<64x256xf32, #w4> = dense<58> : tensor<8448xi8>
lutra.global @v : tensor<64x256xf32, #fp6> = dense<58> : tensor<12544xi8>
func.func @main(%x: tensor<32x256xf32> {lutra.name = "x"}) -> (tensor<32x64xf32>, tensor<32x64xf32>) {
  %w = lutra.weight @w : tensor<64x256xf32, #w4>
  %v = lutra.weight @v : tensor<64x256xf32, #fp6>
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<32x256xf32>, tensor<64x256xf32, #w4>) -> tensor<32x64xf32>
  %s = lutra.matmul %x, %v {transpose_rhs} : (tensor<32x256xf32>, tensor<64x256xf32, #fp6>) -> tensor<32x64xf32>
  return %r, %s : tensor<32x64xf32>, tensor<32x64xf32>
}
