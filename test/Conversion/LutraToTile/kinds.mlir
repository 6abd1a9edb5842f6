// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --cse | FileCheck %s

// Dimensions that all values treat alike are joined.
// CHECK-LABEL: func.func @joined(
// CHECK-DAG: memref.collapse_shape %arg0 {{\[\[}}0, 1, 2]] : memref<2x3x4xf32> into memref<24xf32>
// CHECK: lutra.tile_load {{.*}} -> <16xf32>
lutra.kernel @joined(%a: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = lutra.unary<exp> %a : tensor<2x3x4xf32> -> tensor<2x3x4xf32>
  lutra.yield %0 : tensor<2x3x4xf32>
}

// The fused producer runs once: its values wait in the output row.
// CHECK-LABEL: func.func @softmax(
// CHECK-COUNT-1: arith.mulf
// CHECK: arith.maximumf
// CHECK: lutra.tile_reduce<max>
// CHECK: math.exp
// CHECK: lutra.tile_store {{.*}}, %arg1
// CHECK: lutra.tile_reduce<sum>
// CHECK: lutra.tile_load %arg1
lutra.kernel @softmax(%a: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %c = lutra.constant dense<0.125> : tensor<f32>
  %0 = lutra.binary<mul> %a, %c : (tensor<4x64xf32>, tensor<f32>) -> tensor<4x64xf32>
  %1 = lutra.softmax %0 {axis = 1 : i64} : tensor<4x64xf32>
  lutra.yield %1 : tensor<4x64xf32>
}

// Reduced along the last dimension: an accumulator of 32, folded at the end.
// CHECK-LABEL: func.func @inner(
// CHECK: scf.for {{.*}} -> (!lutra.tile<32xf32>)
// CHECK: lutra.tile_reduce<sum>
lutra.kernel @inner(%a: tensor<4x64xf32>) -> tensor<4x1xf32> {
  %0 = lutra.reduce<sum> %a axes = [1] : tensor<4x64xf32> -> tensor<4x1xf32>
  lutra.yield %0 : tensor<4x1xf32>
}

// Reduced along another: whole tiles are added.
// CHECK-LABEL: func.func @outer(
// CHECK: scf.for {{.*}} -> (!lutra.tile<16xf32>)
// CHECK-NOT: lutra.tile_reduce
// CHECK: return
lutra.kernel @outer(%a: tensor<4x64xf32>) -> tensor<1x64xf32> {
  %0 = lutra.reduce<sum> %a axes = [0] : tensor<4x64xf32> -> tensor<1x64xf32>
  lutra.yield %0 : tensor<1x64xf32>
}
