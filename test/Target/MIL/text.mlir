// RUN: lutra-mil --emit-text %s --weights=%t.bin | FileCheck %s
// Text, parsed and written again, is the same text; so is the weight file.
// RUN: lutra-mil --emit-text %s --weights=%t.bin -o %t.mil
// RUN: lutra-mil --parse-text %t.mil --weights=%t.bin -o %t.mlir
// RUN: lutra-mil --emit-text %t.mlir --weights=%t.again.bin -o %t.again.mil
// RUN: diff %t.mil %t.again.mil
// RUN: cmp %t.bin %t.again.bin
// RUN: lutra-opt %t.mlir | FileCheck %s --check-prefix=PARSED
// All constants in the text.
// RUN: lutra-mil --emit-text %s --blob-elements=1000 | FileCheck %s --check-prefix=INLINE

// CHECK: program(1.3)
// CHECK: func main<ios18>(tensor<fp16, [2, 3]> x, tensor<int32, [2]> rows) {
// CHECK-NEXT: tensor<fp16, [4, 3]> w = const()[name = string("w"), val = tensor<fp16, [4, 3]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64)))];
// CHECK-NEXT: tensor<fp16, [4]> b = const()[name = string("b"), val = tensor<fp16, [4]>([0x1p-1, -0x1p+0, 0x0p+0, 0x1.554p-2])];
// CHECK-NEXT: tensor<fp16, [2, 4]> h = linear(bias = b, weight = w, x = x)[name = string("h")];
// CHECK-NEXT: fp16 half = const()[name = string("half"), val = fp16(0x1p-1)];
// CHECK-NEXT: tensor<fp16, [2, 4]> s = mul(x = h, y = half)[name = string("s")];
// CHECK-NEXT: int32 c_axis = const()[name = string("c_axis"), val = int32(-1)];
// CHECK-NEXT: bool c_interleave = const()[name = string("c_interleave"), val = bool(false)];
// CHECK-NEXT: tensor<fp16, [2, 8]> c = concat(axis = c_axis, interleave = c_interleave, values = (s, h))[name = string("c")];
// CHECK: tensor<bool, [2]> d_end_mask = const()[name = string("d_end_mask"), val = tensor<bool, [2]>([false, true])];
// CHECK: } -> (g);

// PARSED: mil.const "w" dense<{{.*}}> : tensor<4x3xf16>
// PARSED: mil.apply "concat"(values = %{{.*}}, values = %{{.*}}) {axis = -1 : i32, interleave = false} as "c"
// PARSED: mil.apply "slice_by_index"{{.*}}end_mask = array<i1: false, true>

// INLINE: val = tensor<fp16, [4, 3]>({{\[\[}}0x1p+0, 0x1p+1, 0x1.8p+1], [0x1p+2,
mil.func @main(%x: tensor<2x3xf16>, %rows: tensor<2xi32>) -> tensor<2x8xf16>
    attributes {input_names = ["x", "rows"], spec = 9 : i64} {
  %w = mil.const "w" dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [0.0, 0.25, -1.0]]> : tensor<4x3xf16>
  %b = mil.const "b" dense<[0.5, -1.0, 0.0, 0.333333]> : tensor<4xf16>
  %h = mil.apply "linear"(x = %x, weight = %w, bias = %b) as "h"
         : (tensor<2x3xf16>, tensor<4x3xf16>, tensor<4xf16>) -> tensor<2x4xf16>
  %half = mil.const "half" dense<0.5> : tensor<f16>
  %s = mil.apply "mul"(x = %h, y = %half) as "s" : (tensor<2x4xf16>, tensor<f16>) -> tensor<2x4xf16>
  %c = mil.apply "concat"(values = %s, values = %h) {axis = -1 : i32, interleave = false} as "c"
         : (tensor<2x4xf16>, tensor<2x4xf16>) -> tensor<2x8xf16>
  %d = mil.apply "slice_by_index"(x = %c) {begin = array<i32: 1, 7>, end = array<i32: 2, 0>, stride = array<i32: 1, -1>, end_mask = array<i1: false, true>}
         as "d" : (tensor<2x8xf16>) -> tensor<1x8xf16>
  %g = mil.apply "gather"(x = %d, indices = %rows) {axis = 0 : i32, batch_dims = 0 : i32, validate_indices = false} as "g"
         : (tensor<1x8xf16>, tensor<2xi32>) -> tensor<2x8xf16>
  mil.return %g : tensor<2x8xf16>
}
