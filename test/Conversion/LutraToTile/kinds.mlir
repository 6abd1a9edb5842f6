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

// Rows of codes: differences from the greatest code, of bytes, are looked up. Codes that the kernel computes wait in its result,
// exponentials on the stack, and what the quotients are rounded to takes one factor.
// CHECK-LABEL: func.func @softmax_of_codes(
// CHECK: memref.alloca() {{.*}} : memref<64xf32>
// CHECK: lutra.tile_gather
// CHECK: lutra.tile_store {{.*}}, %arg2{{.*}} <32xi8>
// CHECK: lutra.tile_reduce<max> {{.*}} <32xi8> -> <i8>
// CHECK: lutra.tile_load %arg2
// CHECK: arith.subi {{.*}} : i8
// CHECK-COUNT-2: lutra.tile_lookup
// CHECK-NOT: math.exp
// CHECK: lutra.tile_reduce<sum>
// CHECK: arith.divf %cst{{.*}} : f32
// CHECK: arith.mulf
// CHECK-NOT: math.fma
// CHECK: lutra.tile_store {{.*}}, %arg2
lutra.kernel @softmax_of_codes(%a: tensor<4x64xi8>, %t: tensor<256xi8>) -> tensor<4x64xui8> {
  %s = lutra.constant dense<0.0437> : tensor<f32>
  %u = lutra.constant dense<0.00390625> : tensor<f32>
  %c = lutra.gather %t, %a {axis = 0 : i64} : (tensor<256xi8>, tensor<4x64xi8>) -> tensor<4x64xi8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x64xi8> -> tensor<4x64xf32>
  %y = lutra.softmax %x {axis = 1 : i64} : tensor<4x64xf32>
  %q = lutra.quantize %y scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x64xf32> -> tensor<4x64xui8>
  lutra.yield %q : tensor<4x64xui8>
}

// A norm's sums of codes and of their squares, in one pass.
// CHECK-LABEL: func.func @norm_of_codes(
// CHECK: scf.for {{.*}} -> (!lutra.tile<16xi32>, !lutra.tile<16xi32>)
// CHECK-COUNT-2: lutra.tile_reduce<sum> {{.*}} <16xi32> -> <i32>
// CHECK: arith.subi {{.*}} : i64
// CHECK-NOT: lutra.tile_reduce
// CHECK: return
lutra.kernel @norm_of_codes(%a: tensor<4x64xi8>) -> tensor<4x64xf32> {
  %s = lutra.constant dense<0.0437> : tensor<f32>
  %x = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x64xi8> -> tensor<4x64xf32>
  %y = lutra.layer_norm %x {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<4x64xf32> -> tensor<4x64xf32>
  lutra.yield %y : tensor<4x64xf32>
}

// Sums of floats wait on the stack, then their exponentials; NaN becomes the code of 0 without being asked for.
// CHECK-LABEL: func.func @masked_softmax(
// CHECK: %[[ROW:.*]] = memref.alloca() {{.*}} : memref<64xf32>
// CHECK: arith.addf
// CHECK: lutra.tile_store {{.*}}, %[[ROW]]
// CHECK: lutra.tile_reduce<max>
// CHECK: lutra.tile_load %[[ROW]]
// CHECK: math.exp
// CHECK: lutra.tile_store {{.*}}, %[[ROW]]
// CHECK: lutra.tile_reduce<sum>
// CHECK: arith.divf
// CHECK: lutra.tile_load %[[ROW]]
// CHECK-NOT: cmpf {{uno|ord}}
// CHECK: lutra.tile_store {{.*}} <16xi8>
lutra.kernel @masked_softmax(%a: tensor<4x64xi8>, %m: tensor<4x64xf32>) -> tensor<4x64xui8> {
  %s = lutra.constant dense<0.0437> : tensor<f32>
  %u = lutra.constant dense<0.00390625> : tensor<f32>
  %o = lutra.constant dense<0.0> : tensor<f32>
  %x = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x64xi8> -> tensor<4x64xf32>
  %t = lutra.binary<add> %x, %m : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
  %y = lutra.softmax %t {axis = 1 : i64} : tensor<4x64xf32>
  %i = lutra.unary<is_nan> %y : tensor<4x64xf32> -> tensor<4x64xi1>
  %v = lutra.select %i, %o, %y : (tensor<4x64xi1>, tensor<f32>, tensor<4x64xf32>) -> tensor<4x64xf32>
  %q = lutra.quantize %v scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x64xf32> -> tensor<4x64xui8>
  lutra.yield %q : tensor<4x64xui8>
}

// The second pass over a long row asks for the next one; the first pass of a short one finds it soon enough.
// CHECK-LABEL: func.func @quantizeLong(
// CHECK: lutra.tile_reduce<max>
// CHECK: %[[NEXT:.*]] = arith.addi %{{.*}}, %c1 : index
// CHECK: memref.prefetch %arg0[%[[NEXT]], %{{.*}}], read
// CHECK: lutra.tile_store {{.*}} memref<3x2048xi8>
lutra.kernel @quantizeLong(%a: tensor<3x2048xf32>) -> (tensor<3x2048xi8>, tensor<3x1xf32>) {
  %c, %s = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2048 : i64} : tensor<3x2048xf32> -> tensor<3x2048xi8>, tensor<3x1xf32>
  lutra.yield %c, %s : tensor<3x2048xi8>, tensor<3x1xf32>
}
// CHECK-LABEL: func.func @quantizeShort(
// CHECK-NOT: memref.prefetch
// CHECK: return
lutra.kernel @quantizeShort(%a: tensor<3x512xf32>) -> (tensor<3x512xi8>, tensor<3x1xf32>) {
  %c, %s = lutra.dynamic_quantize %a {bits = 8 : i64, block = 512 : i64} : tensor<3x512xf32> -> tensor<3x512xi8>, tensor<3x1xf32>
  lutra.yield %c, %s : tensor<3x512xi8>, tensor<3x1xf32>
}
