// Names of scales that something else has, names of what has none, and a transposed operand on the left.
// RUN: lutra-opt %s --split-input-file --lutra-quantize-caches --remark-format=emitRemark --remarks-filter=lutra-quantize-caches 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --split-input-file --lutra-quantize-caches=spec=kv=int8:asym --remark-format=emitRemark --remarks-filter=lutra-quantize-caches 2>%t.asym | FileCheck %s --check-prefix=ASYM
// RUN: FileCheck %s --check-prefix=POINTS --input-file=%t.asym
// REMARK: Cache=past.key{{.*}}Reason="would get scales named 'past.key.scale', as something else is named; rename that"
// REMARK: Cache=past.value{{.*}}Reason="would get scales named 'present.value.scale', as something else is named; rename that"
// CHECK: func.func @main({{.*}}: tensor<?x16xf32> {lutra.name = "past.key"}, {{.*}}: tensor<?x16xf32> {lutra.name = "past.value"},
// CHECK-SAME: {{.*}}: tensor<?x16xi8> {lutra.name = "input4"}, {{.*}}: tensor<?x1xf32> {lutra.name = "input4.scale"})
// CHECK-SAME: tensor<?x16xi8> {lutra.name = "output5"}, tensor<?x1xf32> {lutra.name = "output5.scale"})
func.func @main(%q: tensor<1x16xf32> {lutra.name = "past.key.scale"}, %x: tensor<1x16xf32>, %k: tensor<?x16xf32> {lutra.name = "past.key"}, %v: tensor<?x16xf32> {lutra.name = "past.value"}, %u: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32> {lutra.name = "present.value"}, tensor<1x?xf32> {lutra.name = "present.value.scale"}, tensor<1x?xf32>, tensor<1x?xf32>, tensor<?x16xf32>) {
  %ck = lutra.concat %k, %x {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %cv = lutra.concat %v, %x {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %cu = lutra.concat %u, %x {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %pk = lutra.matmul %q, %ck {transpose_rhs} : (tensor<1x16xf32>, tensor<?x16xf32>) -> tensor<1x?xf32>
  %pv = lutra.matmul %q, %cv {transpose_rhs} : (tensor<1x16xf32>, tensor<?x16xf32>) -> tensor<1x?xf32>
  %pu = lutra.matmul %q, %cu {transpose_rhs} : (tensor<1x16xf32>, tensor<?x16xf32>) -> tensor<1x?xf32>
  return %ck, %cv, %pk, %pv, %pu, %cu : tensor<?x16xf32>, tensor<?x16xf32>, tensor<1x?xf32>, tensor<1x?xf32>, tensor<1x?xf32>, tensor<?x16xf32>
}

// -----

// Probabilities [T, M] are multiplied with a column of scales.
// CHECK: func.func @main(%[[P:[a-z0-9]+]]: tensor<2x5x3xf32>
// CHECK: %[[S:.*]] = lutra.concat {{.*}} -> tensor<2x5x1xf32>
// CHECK: %[[L:.*]] = lutra.binary<mul> %[[P]], %[[S]] : (tensor<2x5x3xf32>, tensor<2x5x1xf32>) -> tensor<2x5x3xf32>
// CHECK: lutra.matmul %[[L]], %{{.*}} {transpose_lhs}
// ASYM: func.func @main(%[[P:[a-z0-9]+]]: tensor<2x5x3xf32>
// ASYM: %[[Z:.*]] = lutra.concat {{.*}} -> tensor<2x5x1xi8>
// ASYM: %[[F:.*]] = lutra.cast %[[Z]] : tensor<2x5x1xi8> -> tensor<2x5x1xf32>
// ASYM: %[[L:.*]] = lutra.binary<mul> %[[P]],
// ASYM: %[[O:.*]] = lutra.matmul %[[L]], %{{.*}} {transpose_lhs}
// ASYM: %[[W:.*]] = lutra.binary<mul> %[[L]], %[[F]] : (tensor<2x5x3xf32>, tensor<2x5x1xf32>) -> tensor<2x5x3xf32>
// ASYM: %[[S:.*]] = lutra.reduce<sum> %[[W]] axes = [1] : tensor<2x5x3xf32> -> tensor<2x1x3xf32>
// ASYM: %[[C:.*]] = lutra.reshape %[[S]][] : tensor<2x1x3xf32> -> tensor<2x3x1xf32>
// ASYM: lutra.binary<sub> %[[O]], %[[C]]
func.func @main(%p: tensor<2x5x3xf32>, %past: tensor<2x4x16xf32> {lutra.name = "past.value"}, %v: tensor<2x1x16xf32>) -> (tensor<2x3x16xf32>, tensor<2x5x16xf32> {lutra.name = "present.value"}) {
  %c = lutra.concat %past, %v {axis = 1 : i64} : (tensor<2x4x16xf32>, tensor<2x1x16xf32>) -> tensor<2x5x16xf32>
  %o = lutra.matmul %p, %c {transpose_lhs} : (tensor<2x5x3xf32>, tensor<2x5x16xf32>) -> tensor<2x3x16xf32>
  return %o, %c : tensor<2x3x16xf32>, tensor<2x5x16xf32>
}

// -----

// A zero point has a name of its own, too.
// POINTS: Cache=past{{.*}}Reason="would get zero points named 'past.zero_point', as something else is named; rename that"
// ASYM: func.func @main({{.*}}: tensor<1x16xf32> {lutra.name = "past.zero_point"}, {{.*}}: tensor<?x16xf32> {lutra.name = "past"}, {{.*}} {lutra.name = "other.zero_point"})
func.func @main(%q: tensor<1x16xf32> {lutra.name = "past.zero_point"}, %k: tensor<?x16xf32> {lutra.name = "past"}, %u: tensor<?x16xf32> {lutra.name = "other"}) -> (tensor<?x16xf32>, tensor<1x?xf32>, tensor<?x16xf32>, tensor<1x?xf32>) {
  %ck = lutra.concat %k, %q {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %cu = lutra.concat %u, %q {axis = 0 : i64} : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x16xf32>
  %pk = lutra.matmul %q, %ck {transpose_rhs} : (tensor<1x16xf32>, tensor<?x16xf32>) -> tensor<1x?xf32>
  %pu = lutra.matmul %q, %cu {transpose_rhs} : (tensor<1x16xf32>, tensor<?x16xf32>) -> tensor<1x?xf32>
  return %ck, %pk, %cu, %pu : tensor<?x16xf32>, tensor<1x?xf32>, tensor<?x16xf32>, tensor<1x?xf32>
}
