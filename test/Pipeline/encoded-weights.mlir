// An encoded weight keeps its bytes on CPUs (128 codes of 4 bits and their scales, in panels), and is a plain weight for
// targets that do not decode.
// RUN: lutra-compile %s --stop-after=packed -o - | FileCheck %s --check-prefix=CPU
// RUN: lutra-compile %s --target=nvgpu --stop-after=packed -o - | FileCheck %s --check-prefix=PLAIN
// RUN: lutra-compile %s --target=mil --emit=mil-text -o - | FileCheck %s --check-prefix=MIL
// REQUIRES: nvgpu

// CPU: lutra.global @w.packed : tensor<8x32xf32, #lutra.encoding<{{.*}}packing = #lutra.packing<width = 16, depth = 2>>> {{.*}} tensor<320xi8>
// CPU: strategy = #lutra.strategy<"decode">
// PLAIN: lutra.global {{.*}} tensor<8x32xf32>
// PLAIN: strategy = #lutra.strategy<"tiled">
// MIL: linear(
#w4 = #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f32, 1, 32]>]>
lutra.global @w : tensor<8x32xf32, #w4> = dense<58> : tensor<160xi8>
func.func @main(%x: tensor<4x32xf32> {lutra.name = "x"}) -> (tensor<4x8xf32> {lutra.name = "y"}) {
  %w = lutra.weight @w : tensor<8x32xf32, #w4>
  %y = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x32xf32>, tensor<8x32xf32, #w4>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
