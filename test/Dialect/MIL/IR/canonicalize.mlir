// RUN: lutra-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: mil.func @drops_moves_that_change_nothing
// CHECK-NEXT: %[[Y:.*]] = mil.apply "relu"(x = %{{.*}}) as "y"
// CHECK-NEXT: mil.return %[[Y]]
mil.func @drops_moves_that_change_nothing(%x: tensor<2x3xf32>) -> tensor<2x3xf32>
    attributes {input_names = ["x"], spec = 9 : i64} {
  %a = mil.apply "identity"(x = %x) as "a" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %b = mil.apply "reshape"(x = %a) {shape = array<i32: 2, 3>} as "b" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %c = mil.apply "transpose"(x = %b) {perm = array<i32: 0, 1>} as "c" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %d = mil.apply "cast"(x = %c) {dtype = "fp32"} as "d" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = mil.apply "relu"(x = %d) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  mil.return %y : tensor<2x3xf32>
}

// A result keeps its statement, because the statement carries the public name.
// CHECK-LABEL: mil.func @keeps_results
// CHECK: mil.apply "identity"
mil.func @keeps_results(%x: tensor<2xf32>) -> tensor<2xf32> attributes {input_names = ["x"], spec = 9 : i64} {
  %y = mil.apply "identity"(x = %x) as "y" : (tensor<2xf32>) -> tensor<2xf32>
  mil.return %y : tensor<2xf32>
}

// fp16 -> fp32 -> fp16 is nothing; fp32 -> fp16 -> fp32 rounds and stays.
// CHECK-LABEL: mil.func @fuses_exact_casts
// CHECK-NEXT: mil.apply "relu"(x = %arg0) as "p"
// CHECK-NEXT: mil.apply "cast"(x = %arg1) {dtype = "fp16"}
// CHECK-NEXT: mil.apply "cast"
// CHECK-NEXT: mil.apply "relu"
mil.func @fuses_exact_casts(%x: tensor<2xf16>, %z: tensor<2xf32>) -> (tensor<2xf16>, tensor<2xf32>)
    attributes {input_names = ["x", "z"], spec = 9 : i64} {
  %a = mil.apply "cast"(x = %x) {dtype = "fp32"} as "a" : (tensor<2xf16>) -> tensor<2xf32>
  %b = mil.apply "cast"(x = %a) {dtype = "fp16"} as "b" : (tensor<2xf32>) -> tensor<2xf16>
  %p = mil.apply "relu"(x = %b) as "p" : (tensor<2xf16>) -> tensor<2xf16>
  %c = mil.apply "cast"(x = %z) {dtype = "fp16"} as "c" : (tensor<2xf32>) -> tensor<2xf16>
  %d = mil.apply "cast"(x = %c) {dtype = "fp32"} as "d" : (tensor<2xf16>) -> tensor<2xf32>
  %q = mil.apply "relu"(x = %d) as "q" : (tensor<2xf32>) -> tensor<2xf32>
  mil.return %p, %q : tensor<2xf16>, tensor<2xf32>
}
