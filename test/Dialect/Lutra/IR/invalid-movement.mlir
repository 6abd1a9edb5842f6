// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// iota E1
func.func @iota_e1() {
  // expected-error @below {{counts along axis 1, but its result has rank 1}}
  %r = lutra.iota() {axis = 1 : i64} : tensor<4xi64>
  return
}

// -----
// iota E2
func.func @iota_e2(%n: index) {
  // expected-error @below {{gives 1 sizes, but its result}}
  %r = lutra.iota(%n) {axis = 0 : i64} : tensor<4xi64>
  return
}

// -----
// iota E3
func.func @iota_e3() {
  // expected-error @below {{counts in elements 'i1'; use an integer wider than i1 or a float}}
  %r = lutra.iota() {axis = 0 : i64} : tensor<4xi1>
  return
}

// -----
// from_index E1
func.func @from_index_e1(%n: index) {
  // expected-error @below {{yields a tensor of shape [1], but holds one value; use rank 0}}
  %r = lutra.from_index %n : tensor<1xi64>
  return
}

// -----
// reshape E1
func.func @reshape_e1(%a: tensor<4xf32>) {
  // expected-error @below {{gives 0 sizes, but its result}}
  %r = lutra.reshape %a [] : tensor<4xf32> -> tensor<?x2xf32>
  return
}

// -----
// reshape E2
func.func @reshape_e2(%a: tensor<4x5xf32>) {
  // expected-error @below {{turns shape [4, 5] into [21], but the numbers of elements cannot be equal}}
  %r = lutra.reshape %a [] : tensor<4x5xf32> -> tensor<21xf32>
  return
}

// -----
// reshape E2
func.func @reshape_e2_2(%a: tensor<4x5xf32>, %n: index) {
  // expected-error @below {{turns shape [4, 5] into [?, 3], but the numbers of elements cannot be equal}}
  %r = lutra.reshape %a [%n] : tensor<4x5xf32> -> tensor<?x3xf32>
  return
}

// -----
// reshape E3
func.func @reshape_e3(%a: tensor<4xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'i32' in the result}}
  %r = lutra.reshape %a [] : tensor<4xf32> -> tensor<2x2xi32>
  return
}

// -----
// transpose E1
func.func @transpose_e1(%a: tensor<4x5xf32>) {
  // expected-error @below {{permutes by [0, 0] an input of rank 2; name each of its dimensions once}}
  %r = lutra.transpose %a [0, 0] : tensor<4x5xf32> -> tensor<4x4xf32>
  return
}

// -----
// transpose E2
func.func @transpose_e2(%a: tensor<4x5xf32>) {
  // expected-error @below {{has a result of shape [4, 5], but the permuted input makes it [5, 4]}}
  %r = lutra.transpose %a [1, 0] : tensor<4x5xf32> -> tensor<4x5xf32>
  return
}

// -----
// transpose E3
func.func @transpose_e3(%a: tensor<4x5xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.transpose %a [1, 0] : tensor<4x5xf32> -> tensor<5x4xf16>
  return
}

// -----
// expand E1
func.func @expand_e1(%a: tensor<1xf32>) {
  // expected-error @below {{gives 0 sizes, but its result}}
  %r = lutra.expand %a [] : tensor<1xf32> -> tensor<?xf32>
  return
}

// -----
// expand E2
func.func @expand_e2(%a: tensor<2xf32>) {
  // expected-error @below {{repeats shape [2] to [4], but only sizes of 1 can grow}}
  %r = lutra.expand %a [] : tensor<2xf32> -> tensor<4xf32>
  return
}

// -----
// expand E3
func.func @expand_e3(%a: tensor<1xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'i32' in the result}}
  %r = lutra.expand %a [] : tensor<1xf32> -> tensor<4xi32>
  return
}

// -----
// slice E1
func.func @slice_e1(%a: tensor<8x8xf32>) {
  // expected-error @below {{has 1 offsets, 2 steps and a result of rank 2, but an input of rank 2}}
  %r = lutra.slice %a[0] sizes [] steps [1, 1] : tensor<8x8xf32> -> tensor<8x8xf32>
  return
}

// -----
// slice E2
func.func @slice_e2(%a: tensor<8xf32>, %o: index) {
  // expected-error @below {{gives 1 index values for offsets, but 0 of its entries are dynamic}}
  %r = "lutra.slice"(%a, %o) <{static_offsets = array<i64: 0>, steps = array<i64: 1>,
         operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<8xf32>, index) -> tensor<4xf32>
  return
}

// -----
// slice E3
func.func @slice_e3(%a: tensor<8xf32>, %n: index) {
  // expected-error @below {{gives 1 sizes, but its result}}
  %r = lutra.slice %a[0] sizes [%n] steps [1] : tensor<8xf32> -> tensor<4xf32>
  return
}

// -----
// slice E4
func.func @slice_e4(%a: tensor<8xf32>) {
  // expected-error @below {{has a step of 0 in dimension 0}}
  %r = lutra.slice %a[0] sizes [] steps [0] : tensor<8xf32> -> tensor<4xf32>
  return
}

// -----
// slice E5
func.func @slice_e5(%a: tensor<8xf32>) {
  // expected-error @below {{reads indices 2 to 8 of dimension 0, which has 8 elements; clamp offset and size first}}
  %r = lutra.slice %a[2] sizes [] steps [2] : tensor<8xf32> -> tensor<4xf32>
  return
}

// -----
// slice E5
func.func @slice_e5_2(%a: tensor<8xf32>) {
  // expected-error @below {{reads indices 2 to -1 of dimension 0}}
  %r = lutra.slice %a[2] sizes [] steps [-1] : tensor<8xf32> -> tensor<4xf32>
  return
}

// -----
// slice E6
func.func @slice_e6(%a: tensor<8xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'i32' in the result}}
  %r = lutra.slice %a[2] sizes [] steps [1] : tensor<8xf32> -> tensor<4xi32>
  return
}

// -----
// concat E1
func.func @concat_e1() {
  // expected-error @below {{has no inputs, so its element type is unknown}}
  %r = lutra.concat {axis = 0 : i64} : () -> tensor<0xf32>
  return
}

// -----
// concat E2
func.func @concat_e2(%a: tensor<4xf32>) {
  // expected-error @below {{has axis = 1, but its input has rank 1}}
  %r = lutra.concat %a {axis = 1 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----
// concat E3
func.func @concat_e3(%a: tensor<4x2xf32>, %b: tensor<4x3xf32>) {
  // expected-error @below {{has input 1 of shape [4, 3], but a result of shape [8, 2]; only axis 0 may differ}}
  %r = lutra.concat %a, %b {axis = 0 : i64} : (tensor<4x2xf32>, tensor<4x3xf32>) ->
         tensor<8x2xf32>
  return
}

// -----
// concat E4
func.func @concat_e4(%a: tensor<4x2xf32>, %b: tensor<4x3xf32>) {
  // expected-error @below {{joins 5 elements along axis 1, but its result has 6}}
  %r = lutra.concat %a, %b {axis = 1 : i64} : (tensor<4x2xf32>, tensor<4x3xf32>) ->
         tensor<4x6xf32>
  return
}

// -----
// concat E5
func.func @concat_e5(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @below {{has elements 'f16' in an input but 'f32' in the result}}
  %r = lutra.concat %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf16>) -> tensor<8xf32>
  return
}

// -----
// pad E1
func.func @pad_e1(%a: tensor<8xf32>, %v: tensor<f32>) {
  // expected-error @below {{has 2 low and 1 high amounts and a result of rank 1, but an input of rank 1}}
  %r = lutra.pad<constant> %a, %v low [0, 0] high [0] : tensor<8xf32>, tensor<f32> ->
         tensor<8xf32>
  return
}

// -----
// pad E2
func.func @pad_e2(%a: tensor<8xf32>, %v: tensor<f32>, %o: index) {
  // expected-error @below {{gives 1 index values for low, but 0 of its entries are dynamic}}
  %r = "lutra.pad"(%a, %v, %o) <{mode = #lutra.pad_mode<constant>, static_low = array<i64: 0>,
         static_high = array<i64: 0>, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> :
         (tensor<8xf32>, tensor<f32>, index) -> tensor<8xf32>
  return
}

// -----
// pad E3
func.func @pad_e3(%a: tensor<8xf32>, %v: tensor<1xf32>) {
  // expected-error @below {{fills with 'tensor<1xf32>', but its input holds 'f32'; use a rank-0 tensor of that type}}
  %r = lutra.pad<constant> %a, %v low [0] high [0] : tensor<8xf32>, tensor<1xf32> -> tensor<8xf32>
  return
}

// -----
// pad E4
func.func @pad_e4(%a: tensor<8xf32>, %v: tensor<f32>) {
  // expected-error @below {{has a result of shape [10], but low + input + high makes it [11]}}
  %r = lutra.pad<constant> %a, %v low [1] high [2] : tensor<8xf32>, tensor<f32> -> tensor<10xf32>
  return
}

// -----
// pad E5
func.func @pad_e5(%a: tensor<8xf32>, %v: tensor<f32>) {
  // expected-error @below {{adds 8 elements by reflect to a dimension of 8, which does not have them}}
  %r = lutra.pad<reflect> %a, %v low [8] high [0] : tensor<8xf32>, tensor<f32> -> tensor<16xf32>
  return
}

// -----
// pad E6
func.func @pad_e6(%a: tensor<8xf32>, %v: tensor<f32>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.pad<constant> %a, %v low [0] high [0] : tensor<8xf32>, tensor<f32> -> tensor<8xf16>
  return
}

// -----
// gather E1
func.func @gather_e1(%a: tensor<9x5xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{has axis = 2, but its input has rank 2}}
  %r = lutra.gather %a, %i {axis = 2 : i64} : (tensor<9x5xf32>, tensor<2xi64>) -> tensor<9x2xf32>
  return
}

// -----
// gather E2
func.func @gather_e2(%a: tensor<9x5xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{has a result of shape [2, 5], but indices in place of the axis makes it [9, 2]}}
  %r = lutra.gather %a, %i {axis = 1 : i64} : (tensor<9x5xf32>, tensor<2xi64>) -> tensor<2x5xf32>
  return
}

// -----
// gather E3
func.func @gather_e3(%a: tensor<9x5xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.gather %a, %i {axis = 0 : i64} : (tensor<9x5xf32>, tensor<2xi64>) -> tensor<2x5xf16>
  return
}

// -----
// gather_elements E1
func.func @gather_elements_e1(%a: tensor<9x5xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{has indices of rank 1, but an input of rank 2}}
  %r = lutra.gather_elements %a, %i {axis = 0 : i64} : (tensor<9x5xf32>, tensor<2xi64>) ->
         tensor<2xf32>
  return
}

// -----
// gather_elements E2
func.func @gather_elements_e2(%a: tensor<9x5xf32>, %i: tensor<9x6xi64>) {
  // expected-error @below {{has 6 indices in dimension 1, where its input has 5}}
  %r = lutra.gather_elements %a, %i {axis = 0 : i64} : (tensor<9x5xf32>, tensor<9x6xi64>) ->
         tensor<9x6xf32>
  return
}

// -----
// gather_elements E3
func.func @gather_elements_e3(%a: tensor<9x5xf32>, %i: tensor<9x2xi64>) {
  // expected-error @below {{has a result of shape [9, 5], but the indices makes it [9, 2]}}
  %r = lutra.gather_elements %a, %i {axis = 1 : i64} : (tensor<9x5xf32>, tensor<9x2xi64>) ->
         tensor<9x5xf32>
  return
}

// -----
// gather_elements E4
func.func @gather_elements_e4(%a: tensor<9x5xf32>, %i: tensor<9x2xi64>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.gather_elements %a, %i {axis = 1 : i64} : (tensor<9x5xf32>, tensor<9x2xi64>) ->
         tensor<9x2xf16>
  return
}

// -----
// gather_nd E1
func.func @gather_nd_e1(%a: tensor<9x5x4xf32>, %i: tensor<2x1xi64>) {
  // expected-error @below {{has 2 batch dimensions, but ranks 3 and 2; they must be fewer than both}}
  %r = lutra.gather_nd %a, %i {batch_dims = 2 : i64} : (tensor<9x5x4xf32>, tensor<2x1xi64>) ->
         tensor<2x4xf32>
  return
}

// -----
// gather_nd E2
func.func @gather_nd_e2(%a: tensor<9x5x4xf32>, %i: tensor<2x?xi64>) {
  // expected-error @below {{has index tuples of length [?] after 0 batch dimensions, but an input of rank 3}}
  %r = lutra.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<9x5x4xf32>, tensor<2x?xi64>) ->
         tensor<2x4xf32>
  return
}

// -----
// gather_nd E3
func.func @gather_nd_e3(%a: tensor<9x5x4xf32>, %i: tensor<8x1xi64>) {
  // expected-error @below {{has batch sizes [9] in the input but [8] in the indices}}
  %r = lutra.gather_nd %a, %i {batch_dims = 1 : i64} : (tensor<9x5x4xf32>, tensor<8x1xi64>) ->
         tensor<8x4xf32>
  return
}

// -----
// gather_nd E4
func.func @gather_nd_e4(%a: tensor<9x5x4xf32>, %i: tensor<2x1xi64>) {
  // expected-error @below {{has a result of shape [2, 4], but indices and input makes it [2, 5, 4]}}
  %r = lutra.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<9x5x4xf32>, tensor<2x1xi64>) ->
         tensor<2x4xf32>
  return
}

// -----
// gather_nd E5
func.func @gather_nd_e5(%a: tensor<9x5x4xf32>, %i: tensor<2x1xi64>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<9x5x4xf32>, tensor<2x1xi64>) ->
         tensor<2x5x4xf16>
  return
}

// -----
// scatter_elements E1
func.func @scatter_elements_e1(%a: tensor<9x5xf32>, %i: tensor<9x2xi64>, %u: tensor<9x2xf32>) {
  // expected-error @below {{has axis = 2, but its input has rank 2}}
  %r = lutra.scatter_elements<set> %a, %i, %u {axis = 2 : i64} : (tensor<9x5xf32>,
         tensor<9x2xi64>, tensor<9x2xf32>) -> tensor<9x5xf32>
  return
}

// -----
// scatter_elements E2
func.func @scatter_elements_e2(%a: tensor<9x5xf32>, %i: tensor<9x2xi64>, %u: tensor<9x3xf32>) {
  // expected-error @below {{has updates of shape [9, 3], but its indices ask for [9, 2]}}
  %r = lutra.scatter_elements<set> %a, %i, %u {axis = 1 : i64} : (tensor<9x5xf32>,
         tensor<9x2xi64>, tensor<9x3xf32>) -> tensor<9x5xf32>
  return
}

// -----
// scatter_elements E3
func.func @scatter_elements_e3(%a: tensor<9x5xf32>, %i: tensor<9x2xi64>, %u: tensor<9x2xf32>) {
  // expected-error @below {{has a result of type 'tensor<9x6xf32>', but an input of type 'tensor<9x5xf32>'}}
  %r = lutra.scatter_elements<set> %a, %i, %u {axis = 1 : i64} : (tensor<9x5xf32>,
         tensor<9x2xi64>, tensor<9x2xf32>) -> tensor<9x6xf32>
  return
}

// -----
// scatter_elements E4
func.func @scatter_elements_e4(%a: tensor<9x5xf32>, %i: tensor<9x2xi64>, %u: tensor<9x2xf16>) {
  // expected-error @below {{has elements 'f16' in updates but 'f32' in the input}}
  %r = lutra.scatter_elements<set> %a, %i, %u {axis = 1 : i64} : (tensor<9x5xf32>,
         tensor<9x2xi64>, tensor<9x2xf16>) -> tensor<9x5xf32>
  return
}

// -----
// scatter_nd E1
func.func @scatter_nd_e1(%a: tensor<9x5xf32>, %i: tensor<2x3xi64>, %u: tensor<2xf32>) {
  // expected-error @below {{has index tuples of length [3], but an input of rank 2}}
  %r = lutra.scatter_nd<set> %a, %i, %u : (tensor<9x5xf32>, tensor<2x3xi64>, tensor<2xf32>) ->
         tensor<9x5xf32>
  return
}

// -----
// scatter_nd E2
func.func @scatter_nd_e2(%a: tensor<9x5xf32>, %i: tensor<2x1xi64>, %u: tensor<2xf32>) {
  // expected-error @below {{has updates of shape [2], but its indices ask for [2, 5]}}
  %r = lutra.scatter_nd<set> %a, %i, %u : (tensor<9x5xf32>, tensor<2x1xi64>, tensor<2xf32>) ->
         tensor<9x5xf32>
  return
}

// -----
// scatter_nd E3
func.func @scatter_nd_e3(%a: tensor<9x5xf32>, %i: tensor<2x1xi64>, %u: tensor<2x5xf32>) {
  // expected-error @below {{has a result of type 'tensor<9x5xf16>'}}
  %r = lutra.scatter_nd<set> %a, %i, %u : (tensor<9x5xf32>, tensor<2x1xi64>, tensor<2x5xf32>) ->
         tensor<9x5xf16>
  return
}

// -----
// scatter_nd E4
func.func @scatter_nd_e4(%a: tensor<9x5xf32>, %i: tensor<2x1xi64>, %u: tensor<2x5xf16>) {
  // expected-error @below {{has elements 'f16' in updates but 'f32' in the input}}
  %r = lutra.scatter_nd<set> %a, %i, %u : (tensor<9x5xf32>, tensor<2x1xi64>, tensor<2x5xf16>) ->
         tensor<9x5xf32>
  return
}

// -----
// resize E1
func.func @resize_e1(%a: tensor<4xf32>) {
  // expected-error @below {{has 2 scales and a result of rank 1, but an input of rank 1}}
  %r = lutra.resize<nearest> %a [] {scales = array<f64: 1.0, 2.0>, coordinates =
         #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>,
         cubic_coefficient = -0.75 : f64} : tensor<4xf32> -> tensor<8xf32>
  return
}

// -----
// resize E2
func.func @resize_e2(%a: tensor<4xf32>) {
  // expected-error @below {{gives 0 sizes, but its result}}
  %r = lutra.resize<nearest> %a [] {scales = array<f64: 2.0>, coordinates =
         #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>,
         cubic_coefficient = -0.75 : f64} : tensor<4xf32> -> tensor<?xf32>
  return
}

// -----
// resize E3
func.func @resize_e3(%a: tensor<4xf32>) {
  // expected-error @below {{has scale -2.000000e+00 in dimension 0, but a scale is positive and finite}}
  %r = lutra.resize<nearest> %a [] {scales = array<f64: -2.0>, coordinates =
         #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>,
         cubic_coefficient = -0.75 : f64} : tensor<4xf32> -> tensor<8xf32>
  return
}

// -----
// resize E4
func.func @resize_e4(%a: tensor<4xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'i32' in the result}}
  %r = lutra.resize<nearest> %a [] {scales = array<f64: 2.0>, coordinates =
         #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>,
         cubic_coefficient = -0.75 : f64} : tensor<4xf32> -> tensor<8xi32>
  return
}
