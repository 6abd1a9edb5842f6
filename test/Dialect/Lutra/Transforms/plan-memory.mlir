// RUN: lutra-opt %s --split-input-file --lutra-plan-memory --verify-diagnostics | FileCheck %s
// RUN: lutra-opt %s --split-input-file --lutra-plan-memory --lutra-plan-memory --verify-diagnostics | FileCheck %s

lutra.kernel @k(%a: tensor<4x8xf32>) -> tensor<4x8xf32> {
  lutra.yield %a : tensor<4x8xf32>
}
// Four values in a row: three intermediate buffers fit into the places of two.
// CHECK-LABEL: func @main(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4x8xf32> {lutra.name = "x", lutra.type = tensor<4x8xf32>}
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<4x8xf32> {lutra.name = "y", lutra.type = tensor<4x8xf32>}
// CHECK-SAME: lutra.inputs = 1
// CHECK: %[[BYTES:.+]] = arith.constant 256 : index
// CHECK: %[[ARENA:.+]] = lutra.arena %[[BYTES]] : memref<?xi8>
// CHECK: %[[A:.+]] = memref.view %[[ARENA]]
// CHECK: lutra.launch @k(%[[X]]) outs(%[[A]] : memref<4x8xf32>)
// CHECK: %[[A1:.+]] = memref.view
// CHECK: %[[B:.+]] = memref.view
// CHECK: lutra.launch @k(%[[A1]]) outs(%[[B]] : memref<4x8xf32>)
// CHECK: lutra.launch @k(%{{.+}}) outs(%{{.+}} : memref<4x8xf32>)
// CHECK: lutra.launch @k(%{{.+}}) outs(%[[Y]] : memref<4x8xf32>)
// CHECK: return
// CHECK: func private @main.shapes() -> index
func.func @main(%x: tensor<4x8xf32> {lutra.name = "x"}) -> (tensor<4x8xf32> {lutra.name = "y"}) {
  %a = lutra.launch @k(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = lutra.launch @k(%a) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = lutra.launch @k(%b) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %d = lutra.launch @k(%c) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// -----

lutra.kernel @k(%a: tensor<?x5xf32>, %b: tensor<?x5xf32>) -> tensor<?x5xf32> {
  lutra.yield %a : tensor<?x5xf32>
}
lutra.kernel @flat(%a: tensor<?xf32>) -> tensor<?xf32> {
  lutra.yield %a : tensor<?xf32>
}
// Run-time sizes: one name is one value, offsets scale with it, a reshape is a view of the same place.
// CHECK-LABEL: func @main(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x5xf32>
// CHECK-DAG: %[[N:.+]] = memref.dim %[[X]]
// CHECK-NOT: memref.dim
// CHECK: %[[UNITS:.+]] = arith.constant 44 : index
// CHECK: arith.muli %[[N]], %[[UNITS]]
// CHECK: lutra.arena
// CHECK: memref.view %{{.+}}[%{{.+}}][%[[N]]] : memref<?xi8> to memref<?x5xf32>
// CHECK: lutra.launch @k
// CHECK: memref.view %{{.+}}[%{{.+}}][%{{.+}}] : memref<?xi8> to memref<?xf32>
// CHECK: lutra.launch @flat
// CHECK: func private @main.shapes(%[[B:.+]]: index, %{{.+}}: index) -> (index, index)
// CHECK: %[[SIZE:.+]] = arith.muli %[[B]], %{{.+}} : index
// CHECK: return %[[SIZE]], %{{.+}} : index, index
func.func @main(%x: tensor<?x5xf32> {lutra.dim_names = ["batch", ""]},
                %y: tensor<?x5xf32> {lutra.dim_names = ["batch", ""]}) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %n = tensor.dim %x, %c0 : tensor<?x5xf32>
  %a = lutra.launch @k(%x, %y) sizes(%n) : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  %m = tensor.dim %y, %c0 : tensor<?x5xf32>
  %s = arith.muli %m, %c5 : index
  %f = lutra.reshape %a [%s] : tensor<?x5xf32> -> tensor<?xf32>
  %b = lutra.launch @flat(%f) sizes(%s) : (tensor<?xf32>) -> tensor<?xf32>
  %c = lutra.launch @flat(%b) sizes(%s) : (tensor<?xf32>) -> tensor<?xf32>
  return %c : tensor<?xf32>
}

// -----

lutra.global @w : tensor<6xf32> = dense<1.0> : tensor<6xf32>
lutra.kernel @k(%a: tensor<2x3xf32>, %b: tensor<6xi1>) -> tensor<2x3xf32> {
  lutra.yield %a : tensor<2x3xf32>
}
// Weights are viewed in any shape; a truth value is a byte; arguments, weights and a value returned twice are copied.
// CHECK-LABEL: func @main(
// CHECK-SAME: %[[B:[a-z0-9]+]]: memref<6xi8> {lutra.type = tensor<6xi1>}
// CHECK-SAME: %[[R0:[a-z0-9]+]]: memref<2x3xf32>
// CHECK-SAME: %[[R1:[a-z0-9]+]]: memref<3x2xf32>
// CHECK-SAME: %[[R2:[a-z0-9]+]]: memref<6xi8>
// CHECK-SAME: %[[R3:[a-z0-9]+]]: memref<2x3xf32>
// CHECK-NOT: lutra.arena
// CHECK: %[[W:.+]] = lutra.weight @w : memref<2x3xf32>
// CHECK: lutra.launch @k(%[[W]], %[[B]]) outs(%[[R0]] : memref<2x3xf32>)
// CHECK: %[[FLAT:.+]] = memref.collapse_shape %[[R0]]
// CHECK: %[[VIEW:.+]] = memref.expand_shape %[[FLAT]]
// CHECK: memref.copy %[[VIEW]], %[[R1]]
// CHECK: memref.copy %[[B]], %[[R2]]
// CHECK: %[[W2:.+]] = lutra.weight @w : memref<2x3xf32>
// CHECK: memref.copy %[[W2]], %[[R3]]
func.func @main(%b: tensor<6xi1>) -> (tensor<2x3xf32>, tensor<3x2xf32>, tensor<6xi1>, tensor<2x3xf32>) {
  %w = lutra.weight @w : tensor<6xf32>
  %v = lutra.reshape %w [] : tensor<6xf32> -> tensor<2x3xf32>
  %r = lutra.launch @k(%v, %b) : (tensor<2x3xf32>, tensor<6xi1>) -> tensor<2x3xf32>
  %t = lutra.reshape %r [] : tensor<2x3xf32> -> tensor<3x2xf32>
  return %r, %t, %b, %v : tensor<2x3xf32>, tensor<3x2xf32>, tensor<6xi1>, tensor<2x3xf32>
}

// -----

// Does not apply: no @main.
// CHECK-LABEL: func @other
// CHECK: return %{{.+}} : tensor<4xf32>
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{E0601: 'lutra.unary' stands outside a kernel; run lutra-form-kernels first}}
  %y = lutra.unary<exp> %x : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @below {{E0602: argument 0 of @main is a 'index'; only tensors can be passed to a compiled model}}
func.func @main(%n: index) {
  return
}

// -----

lutra.kernel @k(%a: tensor<4x8xf32>) -> tensor<4x8xf32> {
  lutra.yield %a : tensor<4x8xf32>
}
// Two regions of three launches: the second uses the memory of the first, both write the result where it is returned.
// The condition is a byte.
// CHECK-LABEL: func @main(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4x8xf32> {{.*}}, %[[C:[a-z0-9]+]]: memref<i8> {{.*}}, %[[Y:[a-z0-9]+]]: memref<4x8xf32>
// CHECK: %[[BYTES:.+]] = arith.constant 256 : index
// CHECK: %[[BYTE:.+]] = memref.load %[[C]][] : memref<i8>
// CHECK: %[[F:.+]] = arith.cmpi ne, %[[BYTE]]
// CHECK: scf.if %[[F]] {
// CHECK-COUNT-2: lutra.launch @k
// CHECK: lutra.launch @k(%{{.+}}) outs(%[[Y]] : memref<4x8xf32>)
// CHECK: } else {
// CHECK-COUNT-2: lutra.launch @k
// CHECK: lutra.launch @k(%{{.+}}) outs(%[[Y]] : memref<4x8xf32>)
// CHECK: }
// CHECK-NEXT: return
func.func @main(%x: tensor<4x8xf32> {lutra.name = "x"}, %c: tensor<i1> {lutra.name = "c"}) -> tensor<4x8xf32> {
  %f = tensor.extract %c[] : tensor<i1>
  %r = scf.if %f -> (tensor<4x8xf32>) {
    %0 = lutra.launch @k(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %1 = lutra.launch @k(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %2 = lutra.launch @k(%1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    scf.yield %2 : tensor<4x8xf32>
  } else {
    %0 = lutra.launch @k(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %1 = lutra.launch @k(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %2 = lutra.launch @k(%1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    scf.yield %2 : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// -----

lutra.kernel @cut(%a: tensor<?xf32>) -> tensor<?xf32> {
  lutra.yield %a : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32> {lutra.name = "x"}, %y: tensor<?xf32> {lutra.name = "y"}, %c: tensor<i1>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %m = tensor.dim %y, %c0 : tensor<?xf32>
  %f = tensor.extract %c[] : tensor<i1>
  // expected-error @below {{E0601: the branches of an If have results of different run-time sizes}}
  %r = scf.if %f -> (tensor<?xf32>) {
    %0 = lutra.launch @cut(%x) sizes(%n) : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %0 : tensor<?xf32>
  } else {
    %0 = lutra.launch @cut(%y) sizes(%m) : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %0 : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}

// -----

lutra.kernel @k(%a: tensor<4xf32>) -> tensor<4xf32> {
  lutra.yield %a : tensor<4xf32>
}
// A value that a branch yields twice, or only hands through, is copied to the place of the result.
// CHECK-LABEL: func @main(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4xf32> {{.*}}, %{{.+}}: memref<i8> {{.*}}, %[[Y:[a-z0-9]+]]: memref<4xf32> {{.*}}, %[[Z:[a-z0-9]+]]: memref<4xf32>
// CHECK: scf.if
// CHECK-NEXT: lutra.launch @k(%[[X]]) outs(%[[Y]] : memref<4xf32>)
// CHECK-NEXT: memref.copy %[[Y]], %[[Z]]
// CHECK-NEXT: } else {
// CHECK-NEXT: memref.copy %[[X]], %[[Y]]
// CHECK-NEXT: memref.copy %[[X]], %[[Z]]
func.func @main(%x: tensor<4xf32> {lutra.name = "x"}, %c: tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>) {
  %f = tensor.extract %c[] : tensor<i1>
  %r:2 = scf.if %f -> (tensor<4xf32>, tensor<4xf32>) {
    %0 = lutra.launch @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
  } else {
    scf.yield %x, %x : tensor<4xf32>, tensor<4xf32>
  }
  return %r#0, %r#1 : tensor<4xf32>, tensor<4xf32>
}
