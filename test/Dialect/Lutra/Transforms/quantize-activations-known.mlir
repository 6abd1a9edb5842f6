// RUN: lutra-opt %s --lutra-quantize-activations=targets=avx2 --remark-format=emitRemark --remarks-filter=lutra-quantize-activations 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-quantize-activations=targets=avx512vnni | FileCheck %s --check-prefix=FOURS
// REMARK: codes may be -128, which levels that add products in pairs multiply with integers of fewer than 8 bits alone

#four = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>]>
#eight = #lutra.encoding<[dense<uint<8>, affine, scales = [f32, 1, 32], zero = const<128.0>>]>
lutra.global @four : tensor<8x70xf32, #four> = dense<58> : tensor<416xi8>
lutra.global @eight : tensor<8x64xf32, #eight> = dense<58> : tensor<576xi8>

// Codes that are there already are multiplied, -128 too.
// CHECK-LABEL: func.func @known
// CHECK-SAME: %[[Q:.*]]: tensor<?x70xi8>
// CHECK: %[[ROWS:.*]] = lutra.expand %{{.*}}[%{{.*}}] : tensor<f32> -> tensor<?x1xf32>
// CHECK: %[[R:.*]] = lutra.matmul %[[Q]], %{{.*}} scale(%[[ROWS]] : tensor<?x1xf32>) {block = 70 : i64
// CHECK: return %[[R]]
func.func @known(%q: tensor<?x70xi8>) -> tensor<?x8xf32> {
  %w = lutra.weight @four : tensor<8x70xf32, #four>
  %s = lutra.constant dense<0.125> : tensor<f32>
  %x = lutra.dequantize %q scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x70xi8> -> tensor<?x70xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #four>) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// Two products share codes without a sign, 128 less, and their zero point. Its share is one number for each column.
// CHECK-LABEL: func.func @zero_point
// CHECK: %[[WIDE:.*]] = lutra.cast %arg0 : tensor<1x?x70xui8> -> tensor<1x?x70xi16>
// CHECK: %[[LESS:.*]] = lutra.binary<sub> %[[WIDE]], %{{.*}} : (tensor<1x?x70xi16>, tensor<i16>)
// CHECK: %[[CODES:.*]] = lutra.cast %[[LESS]] : tensor<1x?x70xi16> -> tensor<1x?x70xi8>
// CHECK: %[[ZERO:.*]] = lutra.constant dense<7.200000e+01> : tensor<f32>
// CHECK: %[[SUMS:.*]] = lutra.weight @four.sums : tensor<8xf32>
// CHECK: %[[P:.*]] = lutra.matmul %[[CODES]], %{{.*}} scale(
// CHECK: %[[SHIFT:.*]] = lutra.binary<mul> %{{.*}}, %[[ZERO]] : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK: %[[SHARE:.*]] = lutra.binary<mul> %[[SUMS]], %[[SHIFT]] : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
// CHECK: lutra.binary<sub> %[[P]], %[[SHARE]] : (tensor<1x?x8xf32>, tensor<8xf32>) -> tensor<1x?x8xf32>
// CHECK-NOT: lutra.cast
// CHECK: lutra.matmul %[[CODES]], %{{.*}} scale(
func.func @zero_point(%q: tensor<1x?x70xui8>) -> (tensor<1x?x8xf32>, tensor<1x?x8xf32>) {
  %w = lutra.weight @four : tensor<8x70xf32, #four>
  %s = lutra.constant dense<0.125> : tensor<1xf32>
  %z = lutra.constant dense<200> : tensor<1xui8>
  %x = lutra.dequantize %q scale(%s : tensor<1xf32>) zero_point(%z : tensor<1xui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x?x70xui8> -> tensor<1x?x70xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<1x?x70xf32>, tensor<8x70xf32, #four>) -> tensor<1x?x8xf32>
  %b = lutra.matmul %x, %w {transpose_rhs} : (tensor<1x?x70xf32>, tensor<8x70xf32, #four>) -> tensor<1x?x8xf32>
  return %a, %b : tensor<1x?x8xf32>, tensor<1x?x8xf32>
}

// 128 less, a zero point of 128 is none.
// CHECK-LABEL: func.func @middle
// CHECK: %[[R:.*]] = lutra.matmul %{{.*}} scale(
// CHECK: return %[[R]]
func.func @middle(%q: tensor<3x70xui8>, %s: tensor<f32>) -> tensor<3x8xf32> {
  %w = lutra.weight @four : tensor<8x70xf32, #four>
  %z = lutra.constant dense<128> : tensor<ui8>
  %x = lutra.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x70xui8> -> tensor<3x70xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<3x70xf32>, tensor<8x70xf32, #four>) -> tensor<3x8xf32>
  return %a : tensor<3x8xf32>
}

// One that is found while the model runs.
// CHECK-LABEL: func.func @computed
// CHECK: %[[REAL:.*]] = lutra.cast %arg2 : tensor<ui8> -> tensor<f32>
// CHECK: %[[ZERO:.*]] = lutra.binary<sub> %[[REAL]], %{{.*}} : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK: lutra.matmul %{{.*}} scale(
// CHECK: lutra.binary<mul> %arg1, %[[ZERO]] : (tensor<f32>, tensor<f32>) -> tensor<f32>
func.func @computed(%q: tensor<3x70xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<3x8xf32> {
  %w = lutra.weight @four : tensor<8x70xf32, #four>
  %x = lutra.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x70xui8> -> tensor<3x70xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<3x70xf32>, tensor<8x70xf32, #four>) -> tensor<3x8xf32>
  return %a : tensor<3x8xf32>
}

// A code of -128 and values of 8 bits are no pair of 16 bits; instructions that add fours take both.
// CHECK-LABEL: func.func @least
// CHECK: lutra.matmul {{.*}} : (tensor<3x64xf32>
// FOURS-LABEL: func.func @least
// FOURS: lutra.matmul %arg0, %{{.*}} scale(
func.func @least(%q: tensor<3x64xi8>, %s: tensor<f32>) -> tensor<3x8xf32> {
  %w = lutra.weight @eight : tensor<8x64xf32, #eight>
  %x = lutra.dequantize %q scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x64xi8> -> tensor<3x64xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<3x64xf32>, tensor<8x64xf32, #eight>) -> tensor<3x8xf32>
  return %a : tensor<3x8xf32>
}

// Without -128 either does; 0 is the code without a sign that becomes it.
// CHECK-LABEL: func.func @bounded
// CHECK: lutra.matmul %{{.*}} scale(
// CHECK: lutra.matmul %{{.*}} scale(
func.func @bounded(%p: tensor<3x64xi8>, %q: tensor<3x64xui8>, %s: tensor<f32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %w = lutra.weight @eight : tensor<8x64xf32, #eight>
  %low = lutra.constant dense<-127> : tensor<i8>
  %one = lutra.constant dense<1> : tensor<ui8>
  %z = lutra.constant dense<2> : tensor<ui8>
  %c = lutra.binary<max> %p, %low : (tensor<3x64xi8>, tensor<i8>) -> tensor<3x64xi8>
  %d = lutra.binary<max> %q, %one : (tensor<3x64xui8>, tensor<ui8>) -> tensor<3x64xui8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x64xi8> -> tensor<3x64xf32>
  %y = lutra.dequantize %d scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x64xui8> -> tensor<3x64xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<3x64xf32>, tensor<8x64xf32, #eight>) -> tensor<3x8xf32>
  %b = lutra.matmul %y, %w {transpose_rhs} : (tensor<3x64xf32>, tensor<8x64xf32, #eight>) -> tensor<3x8xf32>
  return %a, %b : tensor<3x8xf32>, tensor<3x8xf32>
}
