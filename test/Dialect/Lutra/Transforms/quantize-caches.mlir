// RUN: lutra-opt %s --lutra-quantize-caches --remark-format=emitRemark --remarks-filter=lutra-quantize-caches 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// REMARK: BytesPerToken=40, Cache=past.key
// REMARK: BytesPerToken=40, Cache=past.value
// RUN: lutra-opt %s --lutra-quantize-caches=spec=kv=int8:asym --remark-format=emitRemark --remarks-filter=lutra-quantize-caches 2>%t.asym | FileCheck %s --check-prefix=ASYM
// RUN: FileCheck %s --check-prefix=POINTS --input-file=%t.asym
// POINTS: BytesPerToken=42, Cache=past.key

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

// Zero points are bytes beside the scales, and scalars leave them. Of the scores sums of queries times them are taken
// before the scale, of the result sums of weighted probabilities times them.
// ASYM-LABEL: func.func @main
// ASYM-SAME: %[[Q:[a-z0-9]+]]: tensor<1x2x3x16xf32>, %[[PK:[a-z0-9]+]]: tensor<1x2x?x16xi8>
// ASYM-SAME: %[[SK:[a-z0-9]+]]: tensor<1x2x?x1xf32> {lutra.dim_names = ["", "", "past", ""], lutra.name = "past.key.scale"}
// ASYM-SAME: %[[ZK:[a-z0-9]+]]: tensor<1x2x?x1xi8> {lutra.dim_names = ["", "", "past", ""], lutra.name = "past.key.zero_point"}
// ASYM-SAME: %[[SV:[a-z0-9]+]]: tensor<1x2x?x1xf32> {lutra.name = "past.value.scale"}
// ASYM-SAME: %[[ZV:[a-z0-9]+]]: tensor<1x2x?x1xi8> {lutra.name = "past.value.zero_point"}
// ASYM-SAME: tensor<1x2x?x1xi8> {lutra.name = "present.value.zero_point"})
// ASYM: %{{.*}}, %[[NS:.*]], %[[NZ:.*]] = lutra.dynamic_quantize %{{.*}} {bits = 8 : i64, block = 16 : i64} : tensor<1x2x3x16xf32> -> tensor<1x2x3x16xi8>, tensor<1x2x3x1xf32>, tensor<1x2x3x1xi8>
// ASYM: %[[KZ:.*]] = lutra.concat %[[ZK]], %[[NZ]] {axis = 2 : i64}
// ASYM: %[[VZ:.*]] = lutra.concat %[[ZV]], %{{.*}} {axis = 2 : i64}
// ASYM: %[[ZT:.*]] = lutra.transpose %[[KZ]] [0, 1, 3, 2]
// ASYM: %[[ST:.*]] = lutra.binary<mul> %{{.*}} : (tensor<1x2x1x?xf32>, tensor<f32>) -> tensor<1x2x1x?xf32>
// ASYM: %[[ZF:.*]] = lutra.cast %[[ZT]] : tensor<1x2x1x?xi8> -> tensor<1x2x1x?xf32>
// ASYM: %[[P:.*]] = lutra.matmul %[[Q]], %{{.*}} {transpose_rhs}
// ASYM: %[[QS:.*]] = lutra.reduce<sum> %[[Q]] axes = [3]
// ASYM: %[[E:.*]] = lutra.binary<mul> %[[QS]], %[[ZF]]
// ASYM: %[[D:.*]] = lutra.binary<sub> %[[P]], %[[E]]
// ASYM: lutra.binary<mul> %[[D]], %[[ST]]
// ASYM: %[[VT:.*]] = lutra.reshape %[[VZ]][{{.*}}] : tensor<1x2x?x1xi8> -> tensor<1x2x1x?xi8>
// ASYM: %[[VC:.*]] = lutra.cast %[[VT]]
// ASYM: %[[L:.*]] = lutra.binary<mul>
// ASYM: %[[O:.*]] = lutra.matmul %[[L]],
// ASYM: %[[W:.*]] = lutra.binary<mul> %[[L]], %[[VC]]
// ASYM: %[[X:.*]] = lutra.reduce<sum> %[[W]] axes = [3] : tensor<1x2x3x?xf32> -> tensor<1x2x3x1xf32>
// ASYM: %[[Y:.*]] = lutra.binary<sub> %[[O]], %[[X]] : (tensor<1x2x3x16xf32>, tensor<1x2x3x1xf32>) -> tensor<1x2x3x16xf32>
// ASYM: return %[[Y]],
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
