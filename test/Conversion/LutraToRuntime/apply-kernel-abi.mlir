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
