// Products of pairs of 16-bit integers: two are multiplied before either is added to its sums, which units that
// multiply and add get along with best (TileMatmul.cpp).
// REQUIRES: x86-64
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx2 --strategy=dot | FileCheck %s

// CHECK: vpmovsxbw
// CHECK-NEXT: vpmovsxbw
// CHECK-NEXT: vpbroadcastd
// CHECK-NEXT: vpmaddwd
// CHECK-NEXT: vpmaddwd
// CHECK-NEXT: vpaddd
// CHECK-NEXT: vpaddd
// CHECK-NEXT: vpbroadcastd
// CHECK-NEXT: vpmaddwd
// CHECK-NEXT: vpmaddwd
// CHECK-NEXT: vpaddd
// CHECK-NEXT: vpaddd
lutra.global @w : tensor<512x64xi8> = dense<3> : tensor<512x64xi8>
func.func @main(%x: tensor<48x512xi16> {lutra.name = "x"}) -> tensor<48x64xi32> {
  %w = lutra.weight @w : tensor<512x64xi8>
  %r = lutra.matmul %x, %w : (tensor<48x512xi16>, tensor<512x64xi8>) -> tensor<48x64xi32>
  return %r : tensor<48x64xi32>
}
