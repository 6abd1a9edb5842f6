// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// FuncOp E1
// expected-error @below {{names 2 inputs of 1}}
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x", "z"], spec = 9 : i64} {
  %y = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// FuncOp E2
// expected-error @below {{uses the name "1x", which is no identifier of MIL}}
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["1x"], spec = 9 : i64} {
  %y = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// FuncOp E2
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{uses the name "x" a second time}}
  %y = mil.apply "relu"(x = %x) as "x" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// FuncOp E3
// expected-error @below {{has specification version 6, not 7, 8 or 9}}
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 6 : i64} {
  %y = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// FuncOp E4
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x1xi32> attributes {input_names = ["x"], spec = 7 : i64} {
  // expected-error @below {{which specification version 8 introduced, in a function of version 7}}
  %y = mil.apply "reduce_argmax"(x = %x) {axis = 1 : i32, keep_dims = true, output_dtype = "int32"} as "y" : (tensor<2x3xf32>) -> tensor<2x1xi32>
  mil.return %y : tensor<2x1xi32>
}

// -----

// FuncOp E5
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{returns value 0, which no operation computes; put an identity in between}}
  mil.return %x : tensor<2x3xf32>
}

// -----

// FuncOp E6
mil.func @f(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) attributes {input_names = ["x"], spec = 9 : i64} {
  %y = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // expected-error @below {{returns one value twice; put an identity in between}}
  mil.return %y, %y : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// FuncOp E7
mil.func @f(%x: tensor<2x3xf32>) -> tensor<6xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  %y = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // expected-error @below {{returns types that are not those of the function}}
  mil.return %y : tensor<2x3xf32>
}

// -----

// ConstOp E1
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{holds NaN or an infinity at element 1}}
  %w = mil.const "w" dense<[1.0, 0x7C00]> : tensor<2xf16>
  %y = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E1
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{names the operation "frobnicate"}}
  %y = mil.apply "frobnicate"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E2
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{gives a tensor to "z", which is no tensor parameter of relu}}
  %y = mil.apply "relu"(z = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E2
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{gives "alpha", which relu does not take}}
  %y = mil.apply "relu"(x = %x) {alpha = 1 : i32} as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E3
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{lacks the parameter "perm" of transpose}}
  %y = mil.apply "transpose"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E4
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{gives "x" twice}}
  %y = mil.apply "relu"(x = %x, x = %x) as "y" : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E5
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{gives 1 : i64 to "axis", which holds another kind of value}}
  %y = mil.apply "softmax"(x = %x) {axis = 1 : i64} as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E6
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{has 1 results but 2 names}}
  %y = mil.apply "relu"(x = %x) as "y", "z" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E7
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{yields 'tensor<2x3xf32>' where transpose gives 'tensor<3x2xf32>'}}
  %y = mil.apply "transpose"(x = %x) {perm = array<i32: 1, 0>} as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E7
mil.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{does not fit together: inner sizes differ}}
  %y = mil.apply "matmul"(x = %x, y = %x) as "y" : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// -----

// ApplyOp E8
mil.func @f(%x: tensor<2x3xf32>) -> tensor<1x1x1x1x2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  // expected-error @below {{touches a tensor of rank 6; Core ML takes at most 5}}
  %y = mil.apply "reshape"(x = %x) {shape = array<i32: 1, 1, 1, 1, 2, 3>} as "y" : (tensor<2x3xf32>) -> tensor<1x1x1x1x2x3xf32>
  mil.return %y : tensor<1x1x1x1x2x3xf32>
}
