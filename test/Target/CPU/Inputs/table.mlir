// A weight of 4-bit codes that a table gives numbers.
#codes = #lutra.encoding<[
  dense<uint<4>,
        table<16, f32, [-1.0, -0.75, -0.5, -0.375, -0.3125, -0.25, -0.125, 0.0,
                        0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0]>,
        scales = [f16, 1, 64]>]>
lutra.global @w : tensor<64x256xf32, #codes> = dense<58> : tensor<8704xi8>
func.func @main(%x: tensor<8x256xf32> {lutra.name = "x"}) -> (tensor<8x64xf32> {lutra.name = "y"}) {
  %w = lutra.weight @w : tensor<64x256xf32, #codes>
  %y = lutra.matmul %x, %w {transpose_rhs} : (tensor<8x256xf32>, tensor<64x256xf32, #codes>) -> tensor<8x64xf32>
  return %y : tensor<8x64xf32>
}
