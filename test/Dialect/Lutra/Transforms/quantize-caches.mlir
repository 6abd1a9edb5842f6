// RUN: lutra-opt %s --lutra-quantize-caches --remark-format=emitRemark --remarks-filter=lutra-quantize-caches 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// REMARK: BytesPerToken=40, Cache=past.key
// REMARK: BytesPerToken=40, Cache=past.value

// Keys are multiplied with a scale for each column, values meet probabilities times their scale; a scalar goes into the
// scales, and what moves rows moves codes.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[PK:[a-z0-9]+]]: tensor<1x2x?x16xi8> {lutra.dim_names = ["", "", "past", ""], lutra.name = "past.key"}
// CHECK-SAME: %[[PV:[a-z0-9]+]]: tensor<1x2x?x16xi8> {lutra.name = "past.value"}
// CHECK-SAME: %[[SK:[a-z0-9]+]]: tensor<1x2x?x1xf32> {lutra.dim_names = ["", "", "past", ""], lutra.name = "past.key.scale"}
// CHECK-SAME: %[[SV:[a-z0-9]+]]: tensor<1x2x?x1xf32> {lutra.name = "past.value.scale"}
// CHECK-SAME: tensor<1x2x?x16xi8> {lutra.name = "present.key"}
// CHECK-SAME: tensor<1x2x?x1xf32> {lutra.name = "present.key.scale"}
// CHECK: %[[NK:.*]], %[[NS:.*]] = lutra.dynamic_quantize %arg{{.*}} {bits = 8 : i64, block = 16 : i64} : tensor<1x2x3x16xf32> -> tensor<1x2x3x16xi8>, tensor<1x2x3x1xf32>
// CHECK: %[[K:.*]] = lutra.concat %[[PK]], %[[NK]] {axis = 2 : i64}
// CHECK: %[[KS:.*]] = lutra.concat %[[SK]], %[[NS]] {axis = 2 : i64}
// CHECK: %[[V:.*]] = lutra.concat %[[PV]],
// CHECK: %[[VS:.*]] = lutra.concat %[[SV]],
// CHECK: %[[KT:.*]] = lutra.binary<mul> %{{.*}}, %{{.*}} : (tensor<1x2x1x?xf32>, tensor<f32>) -> tensor<1x2x1x?xf32>
// CHECK: %[[KF:.*]] = lutra.cast %[[K]] : tensor<1x2x?x16xi8> -> tensor<1x2x?x16xf32>
// CHECK: %[[P:.*]] = lutra.matmul %{{.*}}, %[[KF]] {transpose_rhs}
// CHECK: lutra.binary<mul> %[[P]], %[[KT]] : (tensor<1x2x3x?xf32>, tensor<1x2x1x?xf32>) -> tensor<1x2x3x?xf32>
// CHECK: lutra.softmax
// CHECK: %[[VT:.*]] = lutra.reshape %[[VS]][{{.*}}] : tensor<1x2x?x1xf32> -> tensor<1x2x1x?xf32>
// CHECK: %[[VF:.*]] = lutra.cast %[[V]] : tensor<1x2x?x16xi8> -> tensor<1x2x?x16xf32>
// CHECK: %[[L:.*]] = lutra.binary<mul> %{{.*}}, %[[VT]]
// CHECK: lutra.matmul %[[L]], %[[VF]] :
// CHECK: return %{{.*}}, %[[K]], %[[V]], %[[KS]], %[[VS]] :
func.func @main(%q: tensor<1x2x3x16xf32>, %pk: tensor<1x2x?x16xf32> {lutra.name = "past.key", lutra.dim_names = ["", "", "past", ""]}, %pv: tensor<1x2x?x16xf32> {lutra.name = "past.value"}, %k: tensor<1x2x3x16xf32>, %v: tensor<1x2x3x16xf32>) -> (tensor<1x2x3x16xf32> {lutra.name = "y"}, tensor<1x2x?x16xf32> {lutra.name = "present.key"}, tensor<1x2x?x16xf32> {lutra.name = "present.value"}) {
  %f = lutra.constant dense<0.25> : tensor<f32>
  %ck = lutra.concat %pk, %k {axis = 2 : i64} : (tensor<1x2x?x16xf32>, tensor<1x2x3x16xf32>) -> tensor<1x2x?x16xf32>
  %cv = lutra.concat %pv, %v {axis = 2 : i64} : (tensor<1x2x?x16xf32>, tensor<1x2x3x16xf32>) -> tensor<1x2x?x16xf32>
  %t = lutra.transpose %ck [0, 1, 3, 2] : tensor<1x2x?x16xf32> -> tensor<1x2x16x?xf32>
  %m = lutra.binary<mul> %t, %f : (tensor<1x2x16x?xf32>, tensor<f32>) -> tensor<1x2x16x?xf32>
  %p = lutra.matmul %q, %m : (tensor<1x2x3x16xf32>, tensor<1x2x16x?xf32>) -> tensor<1x2x3x?xf32>
  %s = lutra.softmax %p {axis = 3 : i64} : tensor<1x2x3x?xf32>
  %o = lutra.matmul %s, %cv : (tensor<1x2x3x?xf32>, tensor<1x2x?x16xf32>) -> tensor<1x2x3x16xf32>
  return %o, %ck, %cv : tensor<1x2x3x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>
}
