// Known sizes of every operand and result multiply to 2^48 at most, an empty dimension beside them or not.
// RUN: lutra-opt %s --split-input-file --verify-diagnostics

func.func @at_the_limit(%a: tensor<16777216x16777216xi1>, %b: tensor<281474976710656x?xi8>) -> tensor<16777216x16777216xi1> {
  %0 = lutra.unary<abs> %b : tensor<281474976710656x?xi8> -> tensor<281474976710656x?xi8>
  return %a : tensor<16777216x16777216xi1>
}

// -----
func.func @operand(%a: tensor<16777216x16777217xf32>) {
  // expected-error @below {{operand #0 is a 'tensor<16777216x16777217xf32>', but known sizes may multiply to 2^48 at most}}
  %0 = lutra.reduce<sum> %a axes = [1] : tensor<16777216x16777217xf32> -> tensor<16777216x1xf32>
  return
}

// -----
func.func @result(%a: tensor<4x1xf32>) {
  // expected-error @below {{result #0 is a 'tensor<4x9223372036854775807xf32>', but known sizes}}
  %0 = lutra.expand %a [] : tensor<4x1xf32> -> tensor<4x9223372036854775807xf32>
  return
}

// -----
func.func @empty(%a: tensor<0x4294967296x4294967296xf32>) {
  // expected-error @below {{operand #0 is a}}
  %0 = lutra.unary<exp> %a : tensor<0x4294967296x4294967296xf32> -> tensor<0x4294967296x4294967296xf32>
  return
}

// -----
func.func @buffer(%a: memref<4294967296x?x4294967296xf32>, %i: index) {
  // expected-error @below {{operand #0 is a 'memref<4294967296x?x4294967296xf32>'}}
  %0 = lutra.tile_load %a[%i, %i, %i] dims = [2] steps = [1] : memref<4294967296x?x4294967296xf32> -> !lutra.tile<4xf32>
  return
}
