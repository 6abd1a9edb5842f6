// RUN: lutra-opt %s "--lutra-raise-sign-products=targets=avx2,amx strategy=coded" --split-input-file --remark-format=emitRemark --remarks-filter=lutra-raise-sign-products 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-raise-sign-products --split-input-file | FileCheck %s --check-prefix=SAME
// RUN: not lutra-opt %s "--lutra-raise-sign-products=targets=avx2 strategy=fastest" --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: E0601: no strategy is named 'fastest'
// SAME-NOT: lutra.matmul {{.*}} scale(

// A choice of 1 and -1 with a border of 1: one bit on both sides, and scales of 1. Weights in a row of filters are +-0.5.
// CHECK: lutra.global @f.numbers : tensor<2x32xf32, #lutra.encoding<[dense<uint<1>, bipolar, scales = [f32, row]>], act = int<1, sym, row>>>
// CHECK-LABEL: @border
// CHECK: %[[S:.*]] = lutra.select
// CHECK: %[[Q:.*]] = lutra.cast %[[S]] : tensor<1x3x2x8xf32> -> tensor<1x3x2x8xi8>
// CHECK: %[[B:.*]] = lutra.constant dense<1> : tensor<i8>
// CHECK: %[[P:.*]] = lutra.pad<constant> %[[Q]], %[[B]] low [0, 0, 1, 0] high [0, 0, 1, 0]
// CHECK: %[[FIRST:.*]] = lutra.slice %[[P]][0, 0, 0, 0] sizes [] steps [1, 2, 1, 1]
// CHECK: %[[LAST:.*]] = lutra.slice %[[P]][0, 0, 3, 0] sizes [] steps [1, 2, 1, 1] : tensor<1x3x4x8xi8> -> tensor<1x2x1x8xi8>
// CHECK: %[[ALL:.*]] = lutra.concat %[[FIRST]], {{.*}}, %[[LAST]] {axis = 3 : i64}
// CHECK: %[[ROWS:.*]] = lutra.reshape %[[ALL]][] : tensor<1x2x1x32xi8> -> tensor<2x32xi8>
// CHECK: %[[ONE:.*]] = lutra.constant dense<1.0{{.*}}> : tensor<f32>
// CHECK: %[[SCALE:.*]] = lutra.expand %[[ONE]][] : tensor<f32> -> tensor<2x1xf32>
// CHECK: %[[Y:.*]] = lutra.matmul %[[ROWS]], %{{.*}} scale(%[[SCALE]] : tensor<2x1xf32>) {block = 32 : i64, transpose_rhs}
// CHECK: lutra.reshape %[[Y]][] : tensor<2x2xf32> -> tensor<1x2x1x2xf32>
// REMARK: [Passed] RaiseSignProducts {{.*}}Strategy=coded
lutra.global @f : tensor<1x4x8x2xf32> = dense<-0.5> : tensor<1x4x8x2xf32>
func.func @border(%x: tensor<1x3x2x8xf32>) -> tensor<1x2x1x2xf32> {
  %zero = lutra.constant dense<0.0> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %none = lutra.constant dense<-1.0> : tensor<f32>
  %c = lutra.compare<ge> %x, %zero : (tensor<1x3x2x8xf32>, tensor<f32>) -> tensor<1x3x2x8xi1>
  %s = lutra.select %c, %one, %none : (tensor<1x3x2x8xi1>, tensor<f32>, tensor<f32>) -> tensor<1x3x2x8xf32>
  %p = lutra.pad<constant> %s, %one low [0, 0, 1, 0] high [0, 0, 1, 0] : tensor<1x3x2x8xf32>, tensor<f32> -> tensor<1x3x4x8xf32>
  %f = lutra.weight @f : tensor<1x4x8x2xf32>
  %y = lutra.conv<channels_last> %p, %f {strides = array<i64: 2, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x4x8xf32>, tensor<1x4x8x2xf32>) -> tensor<1x2x1x2xf32>
  return %y : tensor<1x2x1x2xf32>
}

// -----

// sign may be 0 and NaN: two bits, and a scale of 1 + the sum of 0 * x, which is NaN where one of a row is.
// CHECK-LABEL: @signs
// CHECK: %[[S:.*]] = lutra.unary<sign>
// CHECK: %[[Q:.*]] = lutra.cast %[[S]] : tensor<?x32xf32> -> tensor<?x32xi8>
// CHECK: %[[M:.*]] = lutra.binary<mul> %[[S]], %{{.*}}
// CHECK: %[[SUM:.*]] = lutra.reduce<sum> %[[M]] axes = [1] : tensor<?x32xf32> -> tensor<?x1xf32>
// CHECK: %[[SCALE:.*]] = lutra.binary<add> %[[SUM]], %{{.*}}
// CHECK: lutra.matmul %[[Q]], %{{.*}} scale(%[[SCALE]] : tensor<?x1xf32>) {{.*}}#lutra.encoding<[dense<uint<1>, bipolar, scales = [f32, row]>], act = int<2, sym, row>>
// REMARK: [Passed] RaiseSignProducts
lutra.global @w : tensor<32x8xf32> = dense<3.0> : tensor<32x8xf32>
func.func @signs(%x: tensor<?x32xf32>) -> tensor<?x8xf32> {
  %s = lutra.unary<sign> %x : tensor<?x32xf32> -> tensor<?x32xf32>
  %w = lutra.weight @w : tensor<32x8xf32>
  %y = lutra.matmul %s, %w : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Of training: sign(sign(x) + 0.1) holds no 0, and 2 * (x >= 0) - 1 no NaN either.
// CHECK-LABEL: @written
// CHECK: act = int<1, sym, row>
// CHECK: lutra.binary<add> {{.*}} : (tensor<?x1xf32>, tensor<f32>)
// CHECK: act = int<1, sym, row>
// CHECK-NOT: lutra.reduce
// CHECK: lutra.expand
lutra.global @w : tensor<32x8xf32> = dense<3.0> : tensor<32x8xf32>
func.func @written(%x: tensor<?x32xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %tenth = lutra.constant dense<0.1> : tensor<f32>
  %zero = lutra.constant dense<0.0> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %two = lutra.constant dense<2.0> : tensor<f32>
  %r = lutra.unary<sign> %x : tensor<?x32xf32> -> tensor<?x32xf32>
  %t = lutra.binary<add> %r, %tenth : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  %s = lutra.unary<sign> %t : tensor<?x32xf32> -> tensor<?x32xf32>
  %w = lutra.weight @w : tensor<32x8xf32>
  %y = lutra.matmul %s, %w : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  %c = lutra.compare<ge> %x, %zero : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xi1>
  %u = lutra.cast %c : tensor<?x32xi1> -> tensor<?x32xf32>
  %v = lutra.binary<mul> %u, %two : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  %p = lutra.binary<sub> %v, %one : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  %z = lutra.matmul %p, %w : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// What stays: a weight with a column of no few numbers, one that is computed; groups; floats.
// CHECK-LABEL: @others
// CHECK-NOT: scale(
// REMARK: has a weight that is not constant, or a column that is no f32 times whole numbers from -7 to 7
// REMARK: has a weight that is not constant
// REMARK: is no convolution of one group with channels last
// REMARK-NOT: RaiseSignProducts
lutra.global @w : tensor<2x2xf32> = dense<[[1.0, 1.0], [1.0, 9.0]]> : tensor<2x2xf32>
lutra.global @v : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
lutra.global @f : tensor<1x1x2x4xf32> = dense<1.0> : tensor<1x1x2x4xf32>
func.func @others(%x: tensor<2x2xf32>, %i: tensor<1x2x2x4xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x2x2x4xf32>, tensor<2x2xf32>) {
  %s = lutra.unary<sign> %x : tensor<2x2xf32> -> tensor<2x2xf32>
  %w = lutra.weight @w : tensor<2x2xf32>
  %a = lutra.matmul %s, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %b = lutra.matmul %s, %x : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = lutra.unary<sign> %i : tensor<1x2x2x4xf32> -> tensor<1x2x2x4xf32>
  %f = lutra.weight @f : tensor<1x1x2x4xf32>
  %c = lutra.conv<channels_last> %t, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x2x2x4xf32>, tensor<1x1x2x4xf32>) -> tensor<1x2x2x4xf32>
  %v = lutra.weight @v : tensor<2x2xf32>
  %d = lutra.matmul %x, %v : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %a, %b, %c, %d : tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x2x2x4xf32>, tensor<2x2xf32>
}

// -----

// Each value is looked at once, however many ways lead to it.
// CHECK-LABEL: @branches
// CHECK: act = int<1, sym, row>
// REMARK: [Passed] RaiseSignProducts
lutra.global @w : tensor<32x8xf32> = dense<3.0> : tensor<32x8xf32>
func.func @branches(%x: tensor<4x32xf32>, %c: tensor<4x32xi1>) -> tensor<4x8xf32> {
  %one = lutra.constant dense<1.0> : tensor<f32>
  %none = lutra.constant dense<-1.0> : tensor<f32>
  %s0 = lutra.select %c, %one, %none : (tensor<4x32xi1>, tensor<f32>, tensor<f32>) -> tensor<4x32xf32>
  %n0 = lutra.unary<neg> %s0 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s1 = lutra.select %c, %s0, %n0 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n1 = lutra.unary<neg> %s1 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s2 = lutra.select %c, %s1, %n1 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n2 = lutra.unary<neg> %s2 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s3 = lutra.select %c, %s2, %n2 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n3 = lutra.unary<neg> %s3 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s4 = lutra.select %c, %s3, %n3 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n4 = lutra.unary<neg> %s4 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s5 = lutra.select %c, %s4, %n4 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %w = lutra.weight @w : tensor<32x8xf32>
  %y = lutra.matmul %s5, %w : (tensor<4x32xf32>, tensor<32x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Behind so many ops nothing is known.
// CHECK-LABEL: @far
// CHECK-NOT: act = int<
lutra.global @w : tensor<32x8xf32> = dense<3.0> : tensor<32x8xf32>
func.func @far(%x: tensor<4x32xf32>, %c: tensor<4x32xi1>) -> tensor<4x8xf32> {
  %one = lutra.constant dense<1.0> : tensor<f32>
  %none = lutra.constant dense<-1.0> : tensor<f32>
  %s0 = lutra.select %c, %one, %none : (tensor<4x32xi1>, tensor<f32>, tensor<f32>) -> tensor<4x32xf32>
  %n0 = lutra.unary<neg> %s0 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s1 = lutra.select %c, %s0, %n0 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n1 = lutra.unary<neg> %s1 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s2 = lutra.select %c, %s1, %n1 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n2 = lutra.unary<neg> %s2 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s3 = lutra.select %c, %s2, %n2 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n3 = lutra.unary<neg> %s3 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s4 = lutra.select %c, %s3, %n3 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n4 = lutra.unary<neg> %s4 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s5 = lutra.select %c, %s4, %n4 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n5 = lutra.unary<neg> %s5 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s6 = lutra.select %c, %s5, %n5 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n6 = lutra.unary<neg> %s6 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s7 = lutra.select %c, %s6, %n6 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n7 = lutra.unary<neg> %s7 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s8 = lutra.select %c, %s7, %n7 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n8 = lutra.unary<neg> %s8 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s9 = lutra.select %c, %s8, %n8 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n9 = lutra.unary<neg> %s9 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s10 = lutra.select %c, %s9, %n9 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n10 = lutra.unary<neg> %s10 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s11 = lutra.select %c, %s10, %n10 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n11 = lutra.unary<neg> %s11 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s12 = lutra.select %c, %s11, %n11 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n12 = lutra.unary<neg> %s12 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s13 = lutra.select %c, %s12, %n12 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n13 = lutra.unary<neg> %s13 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s14 = lutra.select %c, %s13, %n13 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n14 = lutra.unary<neg> %s14 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s15 = lutra.select %c, %s14, %n14 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n15 = lutra.unary<neg> %s15 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s16 = lutra.select %c, %s15, %n15 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n16 = lutra.unary<neg> %s16 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s17 = lutra.select %c, %s16, %n16 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %n17 = lutra.unary<neg> %s17 : tensor<4x32xf32> -> tensor<4x32xf32>
  %s18 = lutra.select %c, %s17, %n17 : (tensor<4x32xi1>, tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  %w = lutra.weight @w : tensor<32x8xf32>
  %y = lutra.matmul %s18, %w : (tensor<4x32xf32>, tensor<32x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
