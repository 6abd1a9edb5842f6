// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// quantize E1
func.func @quantize_e1(%a: tensor<4x5xf32>, %s: tensor<f32>) {
  // expected-error @below {{has a result of shape [4, 6], but the input makes it [4, 5]}}
  %r = lutra.quantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} :
         tensor<4x5xf32> -> tensor<4x6xi8>
  return
}

// -----
// quantize E2
func.func @quantize_e2(%a: tensor<4x5xf32>, %s: tensor<4xf32>) {
  // expected-error @below {{has scales of shape [4] for an input of shape [4, 5] with axis = 1 and block = 0; use a scalar or shape [5]}}
  %r = lutra.quantize %a scale(%s : tensor<4xf32>) {axis = 1 : i64, block = 0 : i64} :
         tensor<4x5xf32> -> tensor<4x5xi8>
  return
}

// -----
// quantize E2
func.func @quantize_e2_2(%a: tensor<4x5xf32>, %s: tensor<4x2xf32>) {
  // expected-error @below {{use a scalar or shape [4, 3]}}
  %r = lutra.quantize %a scale(%s : tensor<4x2xf32>) {axis = 1 : i64, block = 2 : i64} :
         tensor<4x5xf32> -> tensor<4x5xi8>
  return
}

// -----
// quantize E2
func.func @quantize_e2_3(%a: tensor<4x5xf32>, %s: tensor<5xf32>) {
  // expected-error @below {{use a scalar, an axis below the rank and a block of 0 or more}}
  %r = lutra.quantize %a scale(%s : tensor<5xf32>) {axis = 2 : i64, block = 0 : i64} :
         tensor<4x5xf32> -> tensor<4x5xi8>
  return
}

// -----
// quantize E3
func.func @quantize_e3(%a: tensor<4x5xf32>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @below {{has zero points of type 'tensor<ui8>', but scales of shape [] and codes of 'i8'}}
  %r = lutra.quantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64,
         block = 0 : i64} : tensor<4x5xf32> -> tensor<4x5xi8>
  return
}

// -----
// dequantize E1
func.func @dequantize_e1(%a: tensor<4x5xi8>, %s: tensor<f32>) {
  // expected-error @below {{has a result of shape [4, 6], but the input makes it [4, 5]}}
  %r = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} :
         tensor<4x5xi8> -> tensor<4x6xf32>
  return
}

// -----
// dequantize E2
func.func @dequantize_e2(%a: tensor<4x5xi8>, %s: tensor<4xf32>) {
  // expected-error @below {{has scales of shape [4] for an input of shape [4, 5] with axis = 1 and block = 0; use a scalar or shape [5]}}
  %r = lutra.dequantize %a scale(%s : tensor<4xf32>) {axis = 1 : i64, block = 0 : i64} :
         tensor<4x5xi8> -> tensor<4x5xf32>
  return
}

// -----
// dequantize E2
func.func @dequantize_e2_2(%a: tensor<4x5xi8>, %s: tensor<4x2xf32>) {
  // expected-error @below {{use a scalar or shape [4, 3]}}
  %r = lutra.dequantize %a scale(%s : tensor<4x2xf32>) {axis = 1 : i64, block = 2 : i64} :
         tensor<4x5xi8> -> tensor<4x5xf32>
  return
}

// -----
// dequantize E2
func.func @dequantize_e2_3(%a: tensor<4x5xi8>, %s: tensor<5xf32>) {
  // expected-error @below {{use a scalar, an axis below the rank and a block of 0 or more}}
  %r = lutra.dequantize %a scale(%s : tensor<5xf32>) {axis = 2 : i64, block = 0 : i64} :
         tensor<4x5xi8> -> tensor<4x5xf32>
  return
}

// -----
// dequantize E3
func.func @dequantize_e3(%a: tensor<4x5xi8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @below {{has zero points of type 'tensor<ui8>', but scales of shape [] and codes of 'i8'}}
  %r = lutra.dequantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64,
         block = 0 : i64} : tensor<4x5xi8> -> tensor<4x5xf32>
  return
}

// -----
// quantize E4
func.func @quantize_e4(%a: tensor<4x5xf32>, %s: tensor<f32>) {
  // expected-error @below {{has codes of type 'i32', but codes are integers of at most 16 bits or floats of at most 8}}
  %r = lutra.quantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} :
         tensor<4x5xf32> -> tensor<4x5xi32>
  return
}

// -----
// dequantize E4
func.func @dequantize_e4(%a: tensor<4x5xf16>, %s: tensor<f32>) {
  // expected-error @below {{has codes of type 'f16', but codes are integers of at most 32 bits or floats of at most 8}}
  %r = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} :
         tensor<4x5xf16> -> tensor<4x5xf32>
  return
}

// -----
// decode E1
func.func @decode_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{which is not encoded; use the value itself}}
  %r = lutra.decode %a : tensor<4x5xf32> -> tensor<4x5xf32>
  return
}

// -----
// decode E2
func.func @decode_e2(%a: tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>>) {
  // expected-error @below {{the result must be the input's type without its encoding}}
  %r = lutra.decode %a : tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>> -> tensor<4x5xf16>
  return
}

// -----
// pack E1
func.func @pack_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{only the packing may change, not shape or elements}}
  %r = lutra.pack %a : tensor<4x5xf32> -> tensor<5x4xf32, #lutra.packing<width = 16, depth = 1>>
  return
}

// -----
// pack E3
func.func @pack_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{neither of which has a packing; add #lutra.packing to one}}
  %r = lutra.pack %a : tensor<4x5xf32> -> tensor<4x5xf32>
  return
}

// -----
// dynamic_quantize E1
func.func @dynamic_quantize_e1(%a: tensor<4x?xf32>) {
  // expected-error @below {{give it a static last dimension and a block of 1 or more}}
  %r:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2 : i64} : tensor<4x?xf32> -> tensor<4x?xi8>, tensor<4x3xf32>
  return
}

// -----
// dynamic_quantize E1
func.func @dynamic_quantize_e1_block(%a: tensor<4x5xf32>) {
  // expected-error @below {{takes groups of 0 along the last dimension}}
  %r:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 0 : i64} : tensor<4x5xf32> -> tensor<4x5xi8>, tensor<4x3xf32>
  return
}

// -----
// dynamic_quantize E2
func.func @dynamic_quantize_e2(%a: tensor<4x5xf32>) {
  // expected-error @below {{rounds to 9 bits; take 2 to 8, and 8 for codes of fp8}}
  %r:2 = lutra.dynamic_quantize %a {bits = 9 : i64, block = 2 : i64} : tensor<4x5xf32> -> tensor<4x5xi8>, tensor<4x3xf32>
  return
}

// -----
// dynamic_quantize E2
func.func @dynamic_quantize_e2_fp8(%a: tensor<4x5xf32>) {
  // expected-error @below {{rounds to 4 bits; take 2 to 8, and 8 for codes of fp8}}
  %r:2 = lutra.dynamic_quantize %a {bits = 4 : i64, block = 2 : i64} : tensor<4x5xf32> -> tensor<4x5xf8E5M2>, tensor<4x3xf32>
  return
}

// -----
// dynamic_quantize E3
func.func @dynamic_quantize_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{below which a scale may be subnormal; take 3.1e-36 or more}}
  %r:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2 : i64, floor = 0.0 : f32} : tensor<4x5xf32> -> tensor<4x5xi8>, tensor<4x3xf32>
  return
}

// -----
// dynamic_quantize E4
func.func @dynamic_quantize_e4(%a: tensor<4x5xf32>) {
  // expected-error @below {{the input in groups}}
  %r:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2 : i64} : tensor<4x5xf32> -> tensor<4x5xi8>, tensor<4x2xf32>
  return
}

// -----
// dynamic_quantize E4
func.func @dynamic_quantize_e4_zero(%a: tensor<4x5xf32>) {
  // expected-error @below {{the input in groups}}
  %r:3 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2 : i64} : tensor<4x5xf32> -> tensor<4x5xi8>, tensor<4x3xf32>, tensor<3x4xi8>
  return
}

// -----
// dynamic_quantize E6
func.func @dynamic_quantize_e6(%a: tensor<4x5xf32>) {
  // expected-error @below {{has zero points beside codes of type 'f8E4M3FN'; leave them out}}
  %r:3 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2 : i64} : tensor<4x5xf32> -> tensor<4x5xf8E4M3FN>, tensor<4x3xf32>, tensor<4x3xi8>
  return
}

// -----
// dynamic_quantize E5
func.func @dynamic_quantize_e5(%a: tensor<4x5xf64>) {
  // expected-error @below {{rounds in f32; cast them first}}
  %r:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 2 : i64} : tensor<4x5xf64> -> tensor<4x5xi8>, tensor<4x3xf32>
  return
}
