// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

#packed = #lutra.packing<width = 16, depth = 1>

// CHECK-LABEL: func @quantize
func.func @quantize(%a: tensor<?x5xf32>, %s: tensor<f32>, %z: tensor<ui8>, %c: tensor<5xf32>,
                    %b: tensor<?x3xf32>) -> tensor<?x5xui8> {
  // CHECK: lutra.quantize %{{.*}} scale(%{{.*}} : tensor<f32>) zero_point(%{{.*}} : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x5xf32> -> tensor<?x5xui8>
  %0 = lutra.quantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>)
         {axis = 0 : i64, block = 0 : i64} : tensor<?x5xf32> -> tensor<?x5xui8>
  // CHECK: lutra.quantize %{{.*}} scale(%{{.*}} : tensor<5xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<?x5xf32> -> tensor<?x5xi4>
  %1 = lutra.quantize %a scale(%c : tensor<5xf32>) {axis = 1 : i64, block = 0 : i64}
         : tensor<?x5xf32> -> tensor<?x5xi4>
  // CHECK: lutra.quantize %{{.*}} scale(%{{.*}} : tensor<?x3xf32>) {axis = 1 : i64, block = 2 : i64} : tensor<?x5xf32> -> tensor<?x5xf8E4M3FN>
  %2 = lutra.quantize %a scale(%b : tensor<?x3xf32>) {axis = 1 : i64, block = 2 : i64}
         : tensor<?x5xf32> -> tensor<?x5xf8E4M3FN>
  return %0 : tensor<?x5xui8>
}

// CHECK-LABEL: func @dequantize
func.func @dequantize(%q: tensor<?x5xi8>, %s: tensor<5xf16>, %z: tensor<5xi8>) -> tensor<?x5xf16> {
  // CHECK: lutra.dequantize %{{.*}} scale(%{{.*}} : tensor<5xf16>) zero_point(%{{.*}} : tensor<5xi8>) {axis = 1 : i64, block = 0 : i64} : tensor<?x5xi8> -> tensor<?x5xf16>
  %0 = lutra.dequantize %q scale(%s : tensor<5xf16>) zero_point(%z : tensor<5xi8>)
         {axis = 1 : i64, block = 0 : i64} : tensor<?x5xi8> -> tensor<?x5xf16>
  return %0 : tensor<?x5xf16>
}

// CHECK-LABEL: func @decode_pack
func.func @decode_pack(%a: tensor<16x32xf32>) -> tensor<16x32xf32> {
  // CHECK: lutra.pack %{{.*}} : tensor<16x32xf32> -> tensor<16x32xf32, #lutra.packing<width = 16, depth = 1>>
  %0 = lutra.pack %a : tensor<16x32xf32> -> tensor<16x32xf32, #packed>
  // CHECK: lutra.decode %{{.*}} : tensor<16x32xf32, #lutra.packing<width = 16, depth = 1>> -> tensor<16x32xf32>
  %1 = lutra.decode %0 : tensor<16x32xf32, #packed> -> tensor<16x32xf32>
  return %1 : tensor<16x32xf32>
}

// CHECK-LABEL: func @dynamic_quantize
func.func @dynamic_quantize(%a: tensor<?x70xf32>, %h: tensor<3x64xbf16>) {
  // CHECK: lutra.dynamic_quantize %{{.*}} {bits = 8 : i64, block = 32 : i64} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x3xf32>
  %q:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 32 : i64} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x3xf32>
  // CHECK: lutra.dynamic_quantize %{{.*}} {bits = 4 : i64, block = 64 : i64, floor = 9.99999974E-6 : f32} : tensor<3x64xbf16> -> tensor<3x64xi8>, tensor<3x1xf32>, tensor<3x1xi8>
  %r:3 = lutra.dynamic_quantize %h {bits = 4 : i64, block = 64 : i64, floor = 1.0e-5 : f32} : tensor<3x64xbf16> -> tensor<3x64xi8>, tensor<3x1xf32>, tensor<3x1xi8>
  // CHECK: lutra.dynamic_quantize %{{.*}} {bits = 8 : i64, block = 70 : i64, reciprocal} : tensor<?x70xf32>
  %t:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 70 : i64, reciprocal} : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x1xf32>
  // CHECK: lutra.dynamic_quantize %{{.*}} {bits = 8 : i64, block = 70 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E5M2>, tensor<?x1xf32>
  %u:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 70 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E5M2>, tensor<?x1xf32>
  return
}
