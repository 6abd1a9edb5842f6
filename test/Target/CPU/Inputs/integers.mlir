lutra.global @w : tensor<8x32xi8> = dense<-3> : tensor<8x32xi8>
func.func @main(%x: tensor<16x8xui8> {lutra.name = "x"}) -> (tensor<16x32xi32> {lutra.name = "y"}) {
  %w = lutra.weight @w : tensor<8x32xi8>
  %y = lutra.matmul %x, %w : (tensor<16x8xui8>, tensor<8x32xi8>) -> tensor<16x32xi32>
  return %y : tensor<16x32xi32>
}
