// RUN: split-file %s %t
// RUN: not lutra-run %t/reshape.mlir 2>&1 | FileCheck %s --check-prefix=RESHAPE
// RUN: not lutra-run %t/slice.mlir 2>&1 | FileCheck %s --check-prefix=SLICE
// RUN: not lutra-run %t/divide.mlir 2>&1 | FileCheck %s --check-prefix=DIVIDE
// RUN: not lutra-run %t/size.mlir 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: not lutra-run %t/launch.mlir 2>&1 | FileCheck %s --check-prefix=LAUNCH
// RUN: not lutra-run %t/none.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not lutra-run %t/unknown.mlir 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not lutra-run %t/upstream.mlir 2>&1 | FileCheck %s --check-prefix=UPSTREAM
// RUN: not lutra-run %t/constant.mlir 2>&1 | FileCheck %s --check-prefix=CONSTANT

//--- constant.mlir
func.func @main() -> tensor<1x1xi8> {
  // CONSTANT: error: E0702: 'lutra.constant' holds a constant of 281474976710656 elements, more than 2147483648
  %0 = lutra.constant dense<1> : tensor<1x281474976710656xi8>
  %r = lutra.reduce<sum> %0 axes = [1] : tensor<1x281474976710656xi8> -> tensor<1x1xi8>
  return %r : tensor<1x1xi8>
}

//--- reshape.mlir
func.func @main(%a: tensor<?xf32>) -> tensor<?x2xf32> {
  %c2 = arith.constant 2 : index
  // RESHAPE: error: E0202: 'lutra.reshape' turns shape [3] into [2, 2], which has another number of elements
  %r = lutra.reshape %a[%c2] : tensor<?xf32> -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}

//--- slice.mlir
func.func @main(%a: tensor<?xf32>) -> tensor<2xf32> {
  // SLICE: error: E0202: 'lutra.slice' reads indices 2 to 3 of dimension 0, which has size 3
  %r = lutra.slice %a[2] sizes [] steps [1] : tensor<?xf32> -> tensor<2xf32>
  return %r : tensor<2xf32>
}

//--- divide.mlir
func.func @main(%a: tensor<2xi32>) -> tensor<2xi32> {
  %z = lutra.constant dense<[1, 0]> : tensor<2xi32>
  // DIVIDE: error: E0301: 'lutra.binary' divides integers by zero at result element 1
  %r = lutra.binary<div> %a, %z : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

//--- size.mlir
func.func @main(%a: tensor<1xf32>) -> tensor<?xf32> {
  %n = arith.constant 99999999999 : index
  // SIZE: error: E0702: 'lutra.expand' would make a value of shape [99999999999]
  %r = lutra.expand %a[%n] : tensor<1xf32> -> tensor<?xf32>
  return %r : tensor<?xf32>
}

//--- launch.mlir
lutra.kernel @k(%a: tensor<?xf32>) -> tensor<?xf32> {
  lutra.yield %a : tensor<?xf32>
}
func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {
  %c1 = arith.constant 1 : index
  // LAUNCH: error: E0202: 'lutra.launch' states size 1 for dimension 0 of result 0, but the kernel computes 3
  %r = lutra.launch @k(%a) sizes(%c1) : (tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

//--- none.mlir
// NONE: lutra-run: error: E0201: the module has no function to evaluate
func.func private @other()

//--- unknown.mlir
func.func @main(%a: vector<4xf32>) -> vector<4xf32> {
  // UNKNOWN: error: E0602: argument 0 has type 'vector<4xf32>', for which no input can be made
  return %a : vector<4xf32>
}

//--- upstream.mlir
func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
  // UPSTREAM: error: E0602: 'arith.addf' works on 'tensor<4xf32>', but the evaluator knows it on scalars alone
  %0 = arith.addf %a, %a : tensor<4xf32>
  return %0 : tensor<4xf32>
}
