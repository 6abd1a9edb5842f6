// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// softmax E1
func.func @softmax_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{has axis = 2, but its input has rank 2}}
  %r = lutra.softmax %a {axis = 2 : i64} : tensor<4x5xf32>
  return
}

// -----
// layer_norm E1
func.func @layer_norm_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{normalises the last 3 dimensions of an input of rank 2}}
  %r = lutra.layer_norm %a {dims = 3 : i64, epsilon = 0.0 : f64} : tensor<4x5xf32> ->
         tensor<4x5xf32>
  return
}

// -----
// layer_norm E2
func.func @layer_norm_e2(%a: tensor<4x5xf32>, %g: tensor<4xf32>) {
  // expected-error @below {{has a scale or bias of shape [4], but normalises rows of shape [5]}}
  %r = lutra.layer_norm %a scale(%g : tensor<4xf32>) {dims = 1 : i64, epsilon = 0.0 : f64} :
         tensor<4x5xf32> -> tensor<4x5xf32>
  return
}

// -----
// layer_norm E3
func.func @layer_norm_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{has a result of type 'tensor<4x5xf16>', but an input of type 'tensor<4x5xf32>'}}
  %r = lutra.layer_norm %a {dims = 1 : i64, epsilon = 0.0 : f64} : tensor<4x5xf32> ->
         tensor<4x5xf16>
  return
}

// -----
// layer_norm E4
func.func @layer_norm_e4(%a: tensor<4x5xf32>) {
  // expected-error @below {{has epsilon = -1.000000e+00, but it must be finite and not negative}}
  %r = lutra.layer_norm %a {dims = 1 : i64, epsilon = -1.0 : f64} : tensor<4x5xf32> ->
         tensor<4x5xf32>
  return
}

// -----
// rms_norm E1
func.func @rms_norm_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{normalises the last 3 dimensions of an input of rank 2}}
  %r = lutra.rms_norm %a {dims = 3 : i64, epsilon = 0.0 : f64} : tensor<4x5xf32> ->
         tensor<4x5xf32>
  return
}

// -----
// rms_norm E2
func.func @rms_norm_e2(%a: tensor<4x5xf32>, %g: tensor<4xf32>) {
  // expected-error @below {{has a scale or bias of shape [4], but normalises rows of shape [5]}}
  %r = lutra.rms_norm %a scale(%g : tensor<4xf32>) {dims = 1 : i64, epsilon = 0.0 : f64} :
         tensor<4x5xf32> -> tensor<4x5xf32>
  return
}

// -----
// rms_norm E3
func.func @rms_norm_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{has a result of type 'tensor<4x5xf16>', but an input of type 'tensor<4x5xf32>'}}
  %r = lutra.rms_norm %a {dims = 1 : i64, epsilon = 0.0 : f64} : tensor<4x5xf32> ->
         tensor<4x5xf16>
  return
}

// -----
// rms_norm E4
func.func @rms_norm_e4(%a: tensor<4x5xf32>) {
  // expected-error @below {{has epsilon = -1.000000e+00, but it must be finite and not negative}}
  %r = lutra.rms_norm %a {dims = 1 : i64, epsilon = -1.0 : f64} : tensor<4x5xf32> ->
         tensor<4x5xf32>
  return
}
