// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// requantize E1
func.func @requantize_e1(%x: tensor<4x5xi32>, %m: tensor<4xi32>, %o: tensor<i64>) {
  // expected-error @+1 {{broadcast}}
  %q = lutra.requantize %x multiplier(%m : tensor<4xi32>) offset(%o : tensor<i64>) {shift = 40 : i64} : tensor<4x5xi32> -> tensor<4x5xi8>
  return
}

// -----

// requantize E2
func.func @requantize_e2(%x: tensor<4x5xi64>, %m: tensor<i32>, %o: tensor<i64>) {
  // expected-error @+1 {{makes elements 'i8' of 'i64'; make integers of 8 bits of ones of 8 to 32}}
  %q = lutra.requantize %x multiplier(%m : tensor<i32>) offset(%o : tensor<i64>) {shift = 40 : i64} : tensor<4x5xi64> -> tensor<4x5xi8>
  return
}

// -----

// requantize E3
func.func @requantize_e3(%x: tensor<4x5xi32>, %m: tensor<i32>, %o: tensor<i64>) {
  // expected-error @+1 {{shifts by 63 bits; take 1 to 62}}
  %q = lutra.requantize %x multiplier(%m : tensor<i32>) offset(%o : tensor<i64>) {shift = 63 : i64} : tensor<4x5xi32> -> tensor<4x5xi8>
  return
}

// -----

// integer_softmax E1
func.func @integer_softmax_e1(%x: tensor<i8>) {
  // expected-error @+1 {{has an input of rank 0; give it a last dimension}}
  %p = lutra.integer_softmax %x {step = 1 : i64, fraction = 22 : i64} : tensor<i8> -> tensor<i32>
  return
}

// -----

// integer_softmax E2
func.func @integer_softmax_e2(%x: tensor<4xi8>) {
  // expected-error @+1 {{has 31 bits behind the point; take 15 to 30}}
  %p = lutra.integer_softmax %x {step = 1 : i64, fraction = 31 : i64} : tensor<4xi8> -> tensor<4xi32>
  return
}

// -----

// integer_softmax E3
func.func @integer_softmax_e3(%x: tensor<4xi8>) {
  // expected-error @+1 {{has a step of 8421504; take 1 to 8421503, of which 255 have 31 bits}}
  %p = lutra.integer_softmax %x {step = 8421504 : i64, fraction = 22 : i64} : tensor<4xi8> -> tensor<4xi32>
  return
}

// -----

// integer_norm E1
func.func @integer_norm_e1(%x: tensor<4xi8>) {
  // expected-error @+1 {{has a result of shape [5], but the input makes it [4]}}
  %y = lutra.integer_norm %x {zero_point = 0 : i64, epsilon = 0 : i64} : tensor<4xi8> -> tensor<5xi32>
  return
}

// -----

// integer_norm E2
func.func @integer_norm_e2(%x: tensor<4x?xi8>) {
  // expected-error @+1 {{give them a known size of 1 to 32768}}
  %y = lutra.integer_norm %x {zero_point = 0 : i64, epsilon = 0 : i64} : tensor<4x?xi8> -> tensor<4x?xi32>
  return
}

// -----

// integer_norm E3
func.func @integer_norm_e3(%x: tensor<4xi8>) {
  // expected-error @+1 {{has epsilon = 2305843009213693952; take 0 to 2^60}}
  %y = lutra.integer_norm %x {zero_point = 0 : i64, epsilon = 2305843009213693952 : i64} : tensor<4xi8> -> tensor<4xi32>
  return
}

// -----

// integer_norm E4
func.func @integer_norm_e4(%x: tensor<4xui8>) {
  // expected-error @+1 {{has the zero point -1; take 0 to 255}}
  %y = lutra.integer_norm %x {zero_point = -1 : i64, epsilon = 0 : i64} : tensor<4xui8> -> tensor<4xi32>
  return
}
