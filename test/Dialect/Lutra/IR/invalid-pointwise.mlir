// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// unary E1
func.func @unary_e1(%a: tensor<4xf32>) {
  // expected-error @below {{has a result of shape [5], but the input makes it [4]}}
  %r = lutra.unary<exp> %a : tensor<4xf32> -> tensor<5xf32>
  return
}

// -----
// unary E2
func.func @unary_e2(%a: tensor<4xi32>) {
  // expected-error @below {{applies exp to elements 'i32', for which it is not defined; insert lutra.cast}}
  %r = lutra.unary<exp> %a : tensor<4xi32> -> tensor<4xi32>
  return
}

// -----
// unary E2
func.func @unary_e2_2(%a: tensor<4xi1>) {
  // expected-error @below {{applies neg to elements 'i1'}}
  %r = lutra.unary<neg> %a : tensor<4xi1> -> tensor<4xi1>
  return
}

// -----
// unary E3
func.func @unary_e3(%a: tensor<4xf32>) {
  // expected-error @below {{yields elements 'f32', but is_nan of 'f32' yields 'i1'}}
  %r = lutra.unary<is_nan> %a : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----
// binary E1
func.func @binary_e1(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{has operand 1 of shape [3], which does not broadcast to the result's [4]}}
  %r = lutra.binary<add> %a, %b : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----
// binary E1
func.func @binary_e1_2(%a: tensor<2x4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{has operand 0 of rank 2, but a result of rank 1}}
  %r = lutra.binary<add> %a, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----
// binary E1
func.func @binary_e1_3(%a: tensor<1xf32>, %b: tensor<f32>) {
  // expected-error @below {{has operands that broadcast to [1], but a result of shape [4]; repeat an operand with lutra.expand first}}
  %r = lutra.binary<add> %a, %b : (tensor<1xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----
// binary E2
func.func @binary_e2(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @below {{has elements 'f32' in lhs but 'f16' in rhs; insert lutra.cast}}
  %r = lutra.binary<add> %a, %b : (tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  return
}

// -----
// binary E2
func.func @binary_e2_2(%a: tensor<4xf32>) {
  // expected-error @below {{has elements 'f32' in lhs but 'f16' in the result}}
  %r = lutra.binary<add> %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf16>
  return
}

// -----
// binary E3
func.func @binary_e3(%a: tensor<4xf32>) {
  // expected-error @below {{applies and to elements 'f32'}}
  %r = lutra.binary<and> %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----
// binary E3
func.func @binary_e3_2(%a: tensor<4xi1>) {
  // expected-error @below {{applies add to elements 'i1'}}
  %r = lutra.binary<add> %a, %a : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return
}

// -----
// compare E1
func.func @compare_e1(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{which does not broadcast to the result's [4]}}
  %r = lutra.compare<lt> %a, %b : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xi1>
  return
}

// -----
// compare E2
func.func @compare_e2(%a: tensor<4xf32>, %b: tensor<4xi32>) {
  // expected-error @below {{has elements 'f32' in lhs but 'i32' in rhs}}
  %r = lutra.compare<lt> %a, %b : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xi1>
  return
}

// -----
// compare E3
func.func @compare_e3(%a: tensor<4xi1>) {
  // expected-error @below {{compares truth values by lt, but they have no order}}
  %r = lutra.compare<lt> %a, %a : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return
}

// -----
// select E1
func.func @select_e1(%c: tensor<3xi1>, %a: tensor<4xf32>) {
  // expected-error @below {{has operand 0 of shape [3]}}
  %r = lutra.select %c, %a, %a : (tensor<3xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----
// select E2
func.func @select_e2(%c: tensor<4xi1>, %a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @below {{has elements 'f32' in lhs but 'f16' in rhs}}
  %r = lutra.select %c, %a, %b : (tensor<4xi1>, tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  return
}

// -----
// cast E1
func.func @cast_e1(%a: tensor<4xf32>) {
  // expected-error @below {{has a result of shape [5], but the input makes it [4]}}
  %r = lutra.cast %a : tensor<4xf32> -> tensor<5xi8>
  return
}

// -----
// cast E2
func.func @cast_e2(%a: tensor<4xf32>) {
  // expected-error @below {{converts 'f32' to 'index', but 'index' is neither integer nor float}}
  %r = lutra.cast %a : tensor<4xf32> -> tensor<4xindex>
  return
}
