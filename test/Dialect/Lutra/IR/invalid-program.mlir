// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// global E1
// expected-error @below {{has type 'tensor<?xf32>'; a weight needs a static shape}}
lutra.global @w : tensor<?xf32> = dense<1.0> : tensor<2xf32>

// -----
// global E2
// expected-error @below {{has type 'tensor<2xf32>', but its data is 'tensor<3xf32>'; make them equal}}
lutra.global @w : tensor<2xf32> = dense<1.0> : tensor<3xf32>

// -----
// global E3
// expected-error @below {{which is stored in 320 bytes, but its data is 'tensor<5x4xf32>'; give tensor<320xi8>}}
lutra.global @w : tensor<5x4xf32, #lutra.packing<width = 16, depth = 1>> = dense<1.0> : tensor<5x4xf32>

// -----
// weight E1
func.func @weight_e1() {
  // expected-error @below {{refers to @w, which is not a lutra.global of the module}}
  %r = lutra.weight @w : tensor<2xf32>
  return
}

// -----
// weight E2
// expected-note @below {{the global is here}}
lutra.global @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
func.func @weight_e2() {
  // expected-error @below {{has type 'tensor<3xf32>', but @w holds 'tensor<2xf32>'}}
  %r = lutra.weight @w : tensor<3xf32>
  return
}

// -----
// weight E3
lutra.global @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
func.func @weight_e3() {
  // expected-error @below {{views @w as 'memref<5xf32>', but it is stored as 'memref<2x2xf32>'}}
  %r = lutra.weight @w : memref<5xf32>
  return
}

// -----
// A name is used twice: the symbol table says so.
// expected-note @below {{see existing symbol definition here}}
lutra.global @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
// expected-error @below {{redefinition of symbol named 'w'}}
lutra.global @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>

// -----
// kernel E1
// expected-error @below {{has a body that is not one block ended by lutra.yield}}
lutra.kernel @k(%a: tensor<2xf32>) -> tensor<2xf32> {
  lutra.yield %a : tensor<2xf32>
^bb1:
  lutra.yield %a : tensor<2xf32>
}

// -----
// kernel E2
lutra.kernel @k(%a: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @below {{returns ('tensor<2xf32>'), but its kernel declares ('tensor<3xf32>')}}
  lutra.yield %a : tensor<2xf32>
}

// -----
// kernel E3
// expected-error @below {{has an argument of type 'f32', but a kernel takes ranked tensors and index values only}}
lutra.kernel @k(%a: f32) {
  lutra.yield
}

// -----
// kernel E3
// expected-error @below {{has a result of type 'index', but a kernel returns ranked tensors only}}
lutra.kernel @k(%a: index) -> index {
  lutra.yield %a : index
}

// -----
func.func @yield_outside(%a: tensor<2xf32>) {
  // expected-error @below {{expects parent op to be one of}}
  lutra.yield %a : tensor<2xf32>
}

// -----
// launch E1
func.func @launch_e1() {
  // expected-error @below {{launches @k, which the module does not define}}
  lutra.launch @k() : () -> ()
  return
}

// -----
// launch E2
lutra.kernel @k(%a: tensor<2xf32>) -> tensor<2xf32> {
  lutra.yield %a : tensor<2xf32>
}
func.func @launch_e2(%a: memref<2xf32>) {
  // expected-error @below {{has 1 outputs beside 1 results and 0 sizes; a launch that writes buffers returns nothing}}
  %r = lutra.launch @k(%a) outs(%a : memref<2xf32>) : (memref<2xf32>) -> tensor<2xf32>
  return
}

// -----
// launch E3
lutra.kernel @k(%a: tensor<?xf32>) -> tensor<?xf32> {
  lutra.yield %a : tensor<?xf32>
}
func.func @launch_e3(%a: tensor<?xf32>) {
  // expected-error @below {{gives 0 sizes, but its results have 1 dynamic dimensions}}
  %r = lutra.launch @k(%a) : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----
// launch E4
// expected-note @below {{the kernel is here}}
lutra.kernel @k(%a: tensor<2xf32>) -> tensor<2xf32> {
  lutra.yield %a : tensor<2xf32>
}
func.func @launch_e4(%a: tensor<2xf32>) {
  // expected-error @below {{has 2 inputs, but @k has 1}}
  %r = lutra.launch @k(%a, %a) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----
// launch E5
// expected-note @below {{the kernel is here}}
lutra.kernel @k(%a: tensor<2xf32>) -> tensor<2xf32> {
  lutra.yield %a : tensor<2xf32>
}
func.func @launch_e5(%a: tensor<2xf32>) {
  // expected-error @below {{has results with 'tensor<3xf32>' at 0, but @k has 'tensor<2xf32>' there}}
  %r = lutra.launch @k(%a) : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----
// launch E5: a truth value is a byte in a buffer
// expected-note @below {{the kernel is here}}
lutra.kernel @k(%a: tensor<2xi1>) -> tensor<2xi1> {
  lutra.yield %a : tensor<2xi1>
}
func.func @launch_e5_buffers(%a: memref<2xi8>, %b: memref<2xi1>) {
  // expected-error @below {{has outputs with 'memref<2xi1>' at 0, but @k has 'tensor<2xi1>' there}}
  lutra.launch @k(%a) outs(%b : memref<2xi1>) : (memref<2xi8>) -> ()
  return
}

// -----
// arena E1
func.func @arena_e1() {
  %n = arith.constant 64 : index
  // expected-error @below {{has 64 bytes, but its result has 32; make them equal or the result dynamic}}
  %a = lutra.arena %n : memref<32xi8>
  return
}
