// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --cse | FileCheck %s
// RUN: not lutra-opt %s --convert-lutra-to-tile 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: no tile target is named ''; set target to one of {{.*}}avx2

// Full tiles of 16 f32, then the rest of a known size as a smaller tile without a mask.
// CHECK-LABEL: func.func @static_rest.grid
// CHECK: return %{{.*}} : index
// CHECK-LABEL: func.func @static_rest(
// CHECK-SAME: attributes {lutra.kernel}
// CHECK: scf.for %{{.*}} = %{{.*}} to %c96
// CHECK: lutra.tile_load %arg0{{.*}} -> <16xf32>
// CHECK: lutra.tile_load %arg1{{.*}} dims = [0]
// CHECK: lutra.tile_map
// CHECK: arith.addf
// CHECK: lutra.tile_store
// CHECK: lutra.tile_load {{.*}} -> <4xf32>
// CHECK-NOT: bounds
lutra.kernel @static_rest(%a: tensor<?x100xf32>, %b: tensor<100xf32>) -> tensor<?x100xf32> {
  %0 = lutra.binary<add> %a, %b : (tensor<?x100xf32>, tensor<100xf32>) -> tensor<?x100xf32>
  lutra.yield %0 : tensor<?x100xf32>
}

// A rest of unknown size is one bounded tile.
// CHECK-LABEL: func.func @dynamic_rest(
// CHECK: scf.if
// CHECK: lutra.tile_load %arg0[{{.*}}] bounds(%[[N:.*]]) dims
// CHECK: lutra.tile_store {{.*}} bounds(%[[N]])
lutra.kernel @dynamic_rest(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = lutra.unary<exp> %a : tensor<?xf32> -> tensor<?xf32>
  lutra.yield %0 : tensor<?xf32>
}

// A transpose that keeps the last dimension moves whole tiles.
// CHECK-LABEL: func.func @heads(
// CHECK: %[[T:.*]] = lutra.tile_load %arg0[%[[B:.*]], %[[I:.*]], %[[J:.*]], %[[K:.*]]] dims = [3]
// CHECK: lutra.tile_store %[[T]], %arg1[%[[B]], %[[J]], %[[I]], %[[K]]]
lutra.kernel @heads(%a: tensor<?x12x7x64xf32>) -> tensor<?x7x12x64xf32> {
  %0 = lutra.transpose %a [0, 2, 1, 3] : tensor<?x12x7x64xf32> -> tensor<?x7x12x64xf32>
  lutra.yield %0 : tensor<?x7x12x64xf32>
}

// Merging heads inside a kernel: aligned tiles of 16 never cross a head of 64.
// CHECK-LABEL: func.func @merge_heads(
// CHECK: lutra.tile_load {{.*}} -> <16xf32>
lutra.kernel @merge_heads(%a: tensor<2x12x7x64xf32>) -> tensor<2x7x768xf32> {
  %0 = lutra.transpose %a [0, 2, 1, 3] : tensor<2x12x7x64xf32> -> tensor<2x7x12x64xf32>
  %1 = lutra.reshape %0[] : tensor<2x7x12x64xf32> -> tensor<2x7x768xf32>
  lutra.yield %1 : tensor<2x7x768xf32>
}

// A reshape that wraps inside a tile falls back to single elements.
// CHECK-LABEL: func.func @wrapping(
// CHECK: lutra.tile_load {{.*}} -> <1xf32>
lutra.kernel @wrapping(%a: tensor<5x7xf32>) -> tensor<35xf32> {
  %0 = lutra.transpose %a [1, 0] : tensor<5x7xf32> -> tensor<7x5xf32>
  %1 = lutra.reshape %0[] : tensor<7x5xf32> -> tensor<35xf32>
  lutra.yield %1 : tensor<35xf32>
}

// A transpose is walked in squares of both dimensions; 3 columns are a tile of their own.
// CHECK-LABEL: func.func @turned(
// CHECK: lutra.tile_load %arg0{{.*}} dims = [3, 1] steps = [1, 1] : memref<1x3x4x16xf32> -> <8x3xf32>
// CHECK: lutra.tile_store {{.*}} dims = [2, 3] steps = [1, 1] : <8x3xf32>, memref<1x4x16x3xf32>
lutra.kernel @turned(%a: tensor<1x3x4x16xf32>) -> tensor<1x4x16x3xf32> {
  %0 = lutra.transpose %a [0, 2, 3, 1] : tensor<1x3x4x16xf32> -> tensor<1x4x16x3xf32>
  lutra.yield %0 : tensor<1x4x16x3xf32>
}

// So is one whose elements become codes on the way, in squares of what it reads.
// CHECK-LABEL: func.func @turned_codes(
// CHECK: lutra.tile_load %arg0{{.*}} dims = [3, 1] steps = [1, 1] : memref<1x3x4x16xf32> -> <8x3xf32>
// CHECK: lutra.tile_store {{.*}} dims = [2, 3] steps = [1, 1] : <8x3xi8>, memref<1x4x16x3xi8>
lutra.kernel @turned_codes(%a: tensor<1x3x4x16xf32>) -> tensor<1x4x16x3xui8> {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<ui8>
  %0 = lutra.quantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x3x4x16xf32> -> tensor<1x3x4x16xui8>
  %1 = lutra.transpose %0 [0, 2, 3, 1] : tensor<1x3x4x16xui8> -> tensor<1x4x16x3xui8>
  lutra.yield %1 : tensor<1x4x16x3xui8>
}
