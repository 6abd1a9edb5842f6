// Scales in f16 are the same numbers: negative ones, and those below f16's least normal one.
// RUN: lutra-run %s --before-after=lutra-pack-weights --seed=7 --exact
// RUN: not lutra-run %s --before-after=lutra-pack-weights --seed=7 --exact --corrupt=0
#w = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>]>
lutra.global @fine : tensor<3x64xf32, #w> = dense<"0x29F88512004AF0BFA30B8BFA65D33062872DD9AB2FB9D180E3306495311766B8F9630EB97DDC9BB63D2D653B899F64C2F772466B06605608AA9CBFC1C79440FA1B5ED8CB31E17D2DE4E4C227DAF19BD12B6288E7F958090B3F80B86083E7A88200000000000000000000000000000000000000000000000000000000000000000000C0BD0000C0BD000040340000C0BD00C04C3D00004034"> : tensor<152xi8>
lutra.global @odd : tensor<3x64xf32, #w> = dense<"0xF3F5FB48C1FE9CEFA5BB53C088A3CBF9509403E61D5D0F39BDB9FE1F624F8907D8FB26F07633BDB94A7CA24913313517F4EC230F412A5287E7FF0A4660E1F5E1E48DF42095BA92B8112A8D8F8CF2DCE3BE102B7F7A1058ACBD101A6BDDAF275000000000000000000000000000000000000000000000000000000000000000000000803D0000C0BDCDCC4C3D0000003E0000C0BD0000C0BD"> : tensor<152xi8>
lutra.global @other : tensor<4x64xf32, #w> = dense<"0x264125B30F5F4C5E904DC6727140D653A27B02C560A6C3E104CB4577BE8B5E4C5444C4261F0614F11E3A33BC101E73D073962FF1271E56E03D395B190FD99282E376676D8E0682A92F10B9BB3B730EB8AEDF1AB0470F05AC22F801ED872C8B754340D65D7CC4DBF58A8146991062E5355A3701523D4DC9F2F8F06EC64FEA05AC0000C0BD00C04C3D00C04C3D0000003E00C04C3D00C04C3D0000403400C04C3D"> : tensor<160xi8>
lutra.kernel @alone(%a: tensor<2x64xi8>, %s: tensor<2x2xf32>, %w: tensor<3x64xf32, #w>) -> tensor<2x3xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<2x2xf32>) {transpose_rhs, block = 32 : i64, strategy = #lutra.strategy<"coded">} : (tensor<2x64xi8>, tensor<3x64xf32, #w>) -> tensor<2x3xf32>
  lutra.yield %r : tensor<2x3xf32>
}
lutra.kernel @shared(%a: tensor<2x64xi8>, %s: tensor<2x2xf32>, %w: tensor<3x64xf32, #w>) -> tensor<2x3xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<2x2xf32>) {transpose_rhs, block = 32 : i64, strategy = #lutra.strategy<"coded">} : (tensor<2x64xi8>, tensor<3x64xf32, #w>) -> tensor<2x3xf32>
  lutra.yield %r : tensor<2x3xf32>
}
lutra.kernel @last(%a: tensor<2x64xi8>, %s: tensor<2x2xf32>, %w: tensor<4x64xf32, #w>) -> tensor<2x4xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<2x2xf32>) {transpose_rhs, block = 32 : i64, strategy = #lutra.strategy<"coded">} : (tensor<2x64xi8>, tensor<4x64xf32, #w>) -> tensor<2x4xf32>
  lutra.yield %r : tensor<2x4xf32>
}
func.func @main(%a: tensor<2x64xi8>, %s: tensor<2x2xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x4xf32>) {
  %w0 = lutra.weight @fine : tensor<3x64xf32, #w>
  %0 = lutra.launch @alone(%a, %s, %w0) : (tensor<2x64xi8>, tensor<2x2xf32>, tensor<3x64xf32, #w>) -> tensor<2x3xf32>
  %w1 = lutra.weight @fine : tensor<3x64xf32, #w>
  %1 = lutra.launch @shared(%a, %s, %w1) : (tensor<2x64xi8>, tensor<2x2xf32>, tensor<3x64xf32, #w>) -> tensor<2x3xf32>
  %w2 = lutra.weight @odd : tensor<3x64xf32, #w>
  %2 = lutra.launch @shared(%a, %s, %w2) : (tensor<2x64xi8>, tensor<2x2xf32>, tensor<3x64xf32, #w>) -> tensor<2x3xf32>
  %w3 = lutra.weight @other : tensor<4x64xf32, #w>
  %3 = lutra.launch @last(%a, %s, %w3) : (tensor<2x64xi8>, tensor<2x2xf32>, tensor<4x64xf32, #w>) -> tensor<2x4xf32>
  return %0, %1, %2, %3 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x4xf32>
}
