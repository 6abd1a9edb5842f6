// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// reduce E1
func.func @reduce_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{has axes [1, 0], but its input has rank 2; name each axis once, in rising order}}
  %r = lutra.reduce<sum> %a axes = [1, 0] : tensor<4x5xf32> -> tensor<1x1xf32>
  return
}

// -----
// reduce E1
func.func @reduce_e1_2(%a: tensor<4x5xf32>) {
  // expected-error @below {{has axes [2], but its input has rank 2}}
  %r = lutra.reduce<sum> %a axes = [2] : tensor<4x5xf32> -> tensor<4x5xf32>
  return
}

// -----
// reduce E2
func.func @reduce_e2(%a: tensor<4x5xf32>) {
  // expected-error @below {{has a result of shape [4], but the input with 1 at each axis makes it [4, 1]}}
  %r = lutra.reduce<sum> %a axes = [1] : tensor<4x5xf32> -> tensor<4xf32>
  return
}

// -----
// reduce E3
func.func @reduce_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.reduce<sum> %a axes = [1] : tensor<4x5xf32> -> tensor<4x1xf16>
  return
}

// -----
// reduce E4
func.func @reduce_e4(%a: tensor<4x5xi1>) {
  // expected-error @below {{takes the sum of truth values}}
  %r = lutra.reduce<sum> %a axes = [1] : tensor<4x5xi1> -> tensor<4x1xi1>
  return
}

// -----
// arg_reduce E1
func.func @arg_reduce_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{has kind sum, but only max and min have a place in the input}}
  %r = lutra.arg_reduce<sum> %a {axis = 0 : i64} : tensor<4x5xf32> -> tensor<1x5xi64>
  return
}

// -----
// arg_reduce E2
func.func @arg_reduce_e2(%a: tensor<4x5xf32>) {
  // expected-error @below {{has axis = -1, but its input has rank 2; an axis counts from 0}}
  %r = lutra.arg_reduce<max> %a {axis = -1 : i64} : tensor<4x5xf32> -> tensor<4x1xi64>
  return
}

// -----
// arg_reduce E3
func.func @arg_reduce_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{has a result of shape [4, 1], but the input with 1 at the axis makes it [1, 5]}}
  %r = lutra.arg_reduce<max> %a {axis = 0 : i64} : tensor<4x5xf32> -> tensor<4x1xi64>
  return
}

// -----
// cumulative E1
func.func @cumulative_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{has axis = 2, but its input has rank 2}}
  %r = lutra.cumulative<sum> %a {axis = 2 : i64} : tensor<4x5xf32>
  return
}

// -----
// cumulative E2
func.func @cumulative_e2(%a: tensor<4x5xi1>) {
  // expected-error @below {{takes the running max of truth values}}
  %r = lutra.cumulative<max> %a {axis = 1 : i64} : tensor<4x5xi1>
  return
}

// -----
// top_k E1
func.func @top_k_e1(%a: tensor<4x5xf32>, %k: index) {
  // expected-error @below {{has axis = 3, but its input has rank 2}}
  %v, %i = lutra.top_k %a, %k {axis = 3 : i64, largest = true} : tensor<4x5xf32> ->
         tensor<4x5xf32>, tensor<4x5xi64>
  return
}

// -----
// top_k E2
func.func @top_k_e2(%a: tensor<4x5xf32>, %k: index) {
  // expected-error @below {{has a result of shape [4, 3], but the input with k at the axis makes it [4, 2]}}
  %v, %i = lutra.top_k %a, %k {axis = 1 : i64, largest = true} : tensor<4x5xf32> ->
         tensor<4x2xf32>, tensor<4x3xi64>
  return
}

// -----
// top_k E3
func.func @top_k_e3(%a: tensor<4x5xf32>, %k: index) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in values}}
  %v, %i = lutra.top_k %a, %k {axis = 1 : i64, largest = true} : tensor<4x5xf32> ->
         tensor<4x2xf16>, tensor<4x2xi64>
  return
}

// -----
// top_k E4
func.func @top_k_e4(%a: tensor<4x5xf32>, %k: index) {
  // expected-error @below {{selects 6 of 5 elements}}
  %v, %i = lutra.top_k %a, %k {axis = 1 : i64, largest = true} : tensor<4x5xf32> ->
         tensor<4x6xf32>, tensor<4x6xi64>
  return
}

// -----
// top_k E4
func.func @top_k_e4_2(%a: tensor<4x5xf32>) {
  %k = arith.constant 3 : index
  // expected-error @below {{has k = 3, but a result size of 2 along the axis}}
  %v, %i = lutra.top_k %a, %k {axis = 1 : i64, largest = true} : tensor<4x5xf32> -> tensor<4x2xf32>, tensor<4x2xi64>
  return
}
