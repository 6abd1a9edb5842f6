// What IR text may say of a model's entry, and what no table of a model can hold.
// REQUIRES: lutra-compile
// RUN: split-file %s %t
// RUN: not lutra-compile %t/nothing.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: nothing.mlir:1:1: error: E0501: @main returns nothing; a model has results
// RUN: not lutra-compile %t/second.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=SECOND
// SECOND: second.mlir:4:1: error: E0601: function @other stands beside @main; a model has one function
// RUN: not lutra-compile %t/declared.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=DECLARED
// DECLARED: E0501: the module's @main is no function with a body
// RUN: not lutra-compile %t/index.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=INDEX
// INDEX: E0602: argument 0 of @main is a 'index'; a model exchanges tensors of bool, integers of 8 to 64 bits and floats
// RUN: not lutra-compile %t/wide.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=WIDE
// WIDE: E0602: result 1 of @main is a 'tensor<4xi128>'
// RUN: not lutra-compile %t/packed.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=PACKED
// RUN: not lutra-compile %t/packed.mlir --target=mil -o %t.mlpackage 2>&1 | FileCheck %s --check-prefix=PACKED
// PACKED: E0602: argument 0 of @main is a 'tensor<3x8xf32, #lutra.packing<width = 16, depth = 1>>'
// RUN: not lutra-compile %t/names.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=NAMES
// NAMES: E0501: argument 0 of @main has a lutra.dim_names that is no list of a string for each dimension
// RUN: not lutra-compile %t/name.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: E0501: result 0 of @main has a lutra.name that is no string
// RUN: not lutra-compile %t/dim.mlir -o %t.so 2>&1 | FileCheck %s --check-prefix=DIM
// DIM: dim.mlir:3:8: error: E0202: asks for dimension 7 of a tensor of rank 1

//--- nothing.mlir
func.func @main() { return }

//--- second.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

//--- declared.mlir
func.func private @main(tensor<4xf32>) -> tensor<4xf32>

//--- index.mlir
func.func @main(%x: index) -> tensor<1xi64> {
  %0 = lutra.constant dense<1> : tensor<1xi64>
  return %0 : tensor<1xi64>
}

//--- wide.mlir
func.func @main(%x: tensor<4xf32>, %y: tensor<4xi1>) -> (tensor<4xf32>, tensor<4xi128>) {
  %0 = lutra.cast %x : tensor<4xf32> -> tensor<4xi128>
  return %x, %0 : tensor<4xf32>, tensor<4xi128>
}

//--- packed.mlir
func.func @main(%b: tensor<3x8xf32, #lutra.packing<width = 16, depth = 1>>, %a: tensor<3x3xf32>) -> tensor<3x8xf32> {
  %0 = lutra.matmul %a, %b : (tensor<3x3xf32>, tensor<3x8xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

//--- names.mlir
func.func @main(%x: tensor<?x4xf32> {lutra.dim_names = ["n"]}) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

//--- name.mlir
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {lutra.name = 4}) {
  return %x : tensor<4xf32>
}

//--- dim.mlir
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c7 = arith.constant 7 : index
  %n = tensor.dim %x, %c7 : tensor<?xf32>
  %e = lutra.expand %x [%n] : tensor<?xf32> -> tensor<?xf32>
  return %e : tensor<?xf32>
}
