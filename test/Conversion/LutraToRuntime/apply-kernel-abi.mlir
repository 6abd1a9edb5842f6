// RUN: lutra-opt %s --split-input-file --lutra-apply-kernel-abi --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @k.grid
// CHECK-SAME: (%[[ARGS:.+]]: !llvm.ptr) -> index
// CHECK: %[[AT:.+]] = llvm.getelementptr %[[ARGS]][1]
// CHECK: %[[N:.+]] = llvm.load %[[AT]]
// CHECK: llvm.insertvalue %{{.+}}, %{{.+}}[3, 0]
// CHECK: builtin.unrealized_conversion_cast %{{.+}} to memref<?x5xf32>
func.func @k.grid(%a: memref<?x5xf32>, %m: index) -> index {
  %c0 = arith.constant 0 : index
  %n = memref.dim %a, %c0 : memref<?x5xf32>
  return %n : index
}
// A buffer takes one slot and one per dynamic size, an index takes one.
// CHECK-LABEL: func @k
// CHECK-SAME: (%[[ARGS:.+]]: !llvm.ptr, %[[BEGIN:.+]]: index, %[[END:.+]]: index)
// CHECK-NOT: lutra.kernel
// CHECK: llvm.getelementptr %[[ARGS]][0]
// CHECK: llvm.load %{{.+}} -> !llvm.ptr
// CHECK: llvm.getelementptr %[[ARGS]][1]
// CHECK: builtin.unrealized_conversion_cast %{{.+}} to memref<?x5xf32>
// CHECK: llvm.getelementptr %[[ARGS]][2]
// CHECK: %[[M:.+]] = arith.index_cast
// CHECK: scf.for %{{.+}} = %[[BEGIN]] to %[[END]] step %[[M]]
func.func @k(%a: memref<?x5xf32>, %m: index, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 1.0 : f32
  scf.for %i = %begin to %end step %m {
    memref.store %v, %a[%i, %c0] : memref<?x5xf32>
  }
  return
}
// Parts of a kernel get its array; functions of the C library keep their arguments.
// CHECK-LABEL: func private @few.rows31.grid(%{{.+}}: !llvm.ptr) -> index attributes {no_unwind}
func.func private @few.rows31.grid(%a: memref<?xf64>) -> index attributes {lutra.part} {
  %c1 = arith.constant 1 : index
  return %c1 : index
}
// CHECK-LABEL: func private @few.rows31(%{{.+}}: !llvm.ptr, %{{.+}}: index, %{{.+}}: index) attributes {no_unwind}
// CHECK: call @tanh(%{{.+}}) : (f64) -> f64
func.func private @few.rows31(%a: memref<?xf64>, %begin: index, %end: index) attributes {lutra.part} {
  %v = memref.load %a[%begin] : memref<?xf64>
  %t = call @tanh(%v) : (f64) -> f64
  memref.store %t, %a[%begin] : memref<?xf64>
  return
}
// CHECK-LABEL: func @few.grid
// CHECK-SAME: (%[[ARGS:.+]]: !llvm.ptr) -> index
// CHECK: call @few.rows31.grid(%[[ARGS]]) : (!llvm.ptr) -> index
func.func @few.grid(%a: memref<?xf64>) -> index {
  %n = call @few.rows31.grid(%a) : (memref<?xf64>) -> index
  return %n : index
}
// CHECK-LABEL: func @few(
// CHECK-SAME: %[[ARGS:.+]]: !llvm.ptr, %[[BEGIN:.+]]: index, %[[END:.+]]: index)
// CHECK: call @tanh(
// CHECK: call @few.rows31(%[[ARGS]], %[[BEGIN]], %[[END]])
func.func @few(%a: memref<?xf64>, %begin: index, %end: index) attributes {lutra.kernel} {
  %v = arith.constant 1.0 : f64
  %t = call @tanh(%v) : (f64) -> f64
  memref.store %t, %a[%begin] : memref<?xf64>
  call @few.rows31(%a, %begin, %end) : (memref<?xf64>, index, index) -> ()
  return
}
func.func private @tanh(f64) -> f64
// Does not apply: not a kernel.
// CHECK-LABEL: func @other(%{{.+}}: memref<4xf32>)
func.func @other(%a: memref<4xf32>) {
  return
}

// -----

// expected-error @below {{'func.func' op has no @k.grid that counts its work items}}
func.func @k(%a: memref<4xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  return
}

// -----

func.func @k.grid(%a: memref<4xf32>, %b: memref<4xf32>) -> index {
  %c1 = arith.constant 1 : index
  return %c1 : index
}
// expected-error @below {{'func.func' op takes 3 arguments and its grid 2; a kernel takes those of its grid, then begin and end}}
func.func @k(%a: memref<4xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  return
}
