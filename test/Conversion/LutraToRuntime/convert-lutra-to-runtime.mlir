// RUN: lutra-opt %s --split-input-file --convert-lutra-to-runtime --verify-diagnostics | FileCheck %s

// CHECK: module attributes {lutra.entry_slots = 5 : i64, lutra.kernels = ["k"], lutra.weight_bytes = 64 : i64}
// CHECK: lutra.global @w {lutra.offset = 0 : i64}
// CHECK-NOT: lutra.kernel
lutra.global @w {lutra.offset = -4096 : i64} : tensor<5xf32> = dense<2.0> : tensor<5xf32>
lutra.kernel @k(%a: tensor<?x5xf32>, %b: tensor<5xf32>) -> tensor<?x5xf32> {
  lutra.yield %a : tensor<?x5xf32>
}
// CHECK-LABEL: func @lutra_entry
// CHECK-SAME: (%[[CALL:.+]]: !llvm.ptr, %[[ARGS:.+]]: !llvm.ptr, %[[ARENA:.+]]: !llvm.ptr, %[[WEIGHTS:.+]]: !llvm.ptr)
// CHECK: %[[SLOTS:.+]] = llvm.alloca
// CHECK: llvm.insertvalue %[[ARENA]]
// CHECK: llvm.getelementptr %[[WEIGHTS]]
// CHECK: memref.extract_aligned_pointer_as_index
// CHECK: llvm.store %{{.+}}, %{{.+}} : i64, !llvm.ptr
// CHECK: llvm.call @lutra_rt_launch(%[[CALL]], %{{.+}}, %[[SLOTS]], %{{.+}})
// CHECK: llvm.call @lutra_rt_copy(%[[CALL]]
// CHECK: return
func.func @main(%x: memref<?x5xf32> {lutra.type = tensor<?x5xf32>}, %y: memref<?x5xf32> {lutra.type = tensor<?x5xf32>},
                %z: memref<5xf32> {lutra.type = tensor<5xf32>}) attributes {lutra.inputs = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c20 = arith.constant 20 : index
  %n = memref.dim %x, %c0 : memref<?x5xf32>
  %bytes = arith.muli %n, %c20 : index
  %arena = lutra.arena %bytes : memref<?xi8>
  %t = memref.view %arena[%c0][%n] : memref<?xi8> to memref<?x5xf32>
  %w = lutra.weight @w : memref<5xf32>
  lutra.launch @k(%x, %w) outs(%t : memref<?x5xf32>) : (memref<?x5xf32>, memref<5xf32>) -> ()
  lutra.launch @k(%t, %w) outs(%y : memref<?x5xf32>) : (memref<?x5xf32>, memref<5xf32>) -> ()
  memref.copy %w, %z : memref<5xf32> to memref<5xf32>
  return
}
// CHECK-LABEL: func @lutra_shapes
// CHECK-SAME: (%[[SIZES:.+]]: !llvm.ptr, %[[RESULTS:.+]]: !llvm.ptr)
// CHECK: llvm.load
// CHECK: llvm.store
// CHECK: llvm.getelementptr %[[RESULTS]][1]
func.func private @main.shapes(%n: index) -> (index, index) {
  %c20 = arith.constant 20 : index
  %bytes = arith.muli %n, %c20 : index
  return %n, %bytes : index, index
}
// CHECK: func private @main.signature(memref<?x5xf32>

// -----

// expected-error @below {{E0501: the module has no @main whose memory is planned; run lutra-plan-memory first}}
module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

// A branch keeps its launches, with slots of the one array.
lutra.global @w : tensor<5xf32> = dense<2.0> : tensor<5xf32>
lutra.kernel @k(%a: tensor<5xf32>) -> tensor<5xf32> {
  lutra.yield %a : tensor<5xf32>
}
// CHECK-LABEL: func @lutra_entry
// CHECK: %[[SLOTS:.+]] = llvm.alloca
// CHECK: scf.if
// CHECK: llvm.call @lutra_rt_launch(%{{.+}}, %{{.+}}, %[[SLOTS]], %{{.+}})
// CHECK: } else {
// CHECK: llvm.call @lutra_rt_launch(%{{.+}}, %{{.+}}, %[[SLOTS]], %{{.+}})
// CHECK: }
func.func @main(%x: memref<5xf32> {lutra.type = tensor<5xf32>}, %c: memref<i8> {lutra.type = tensor<i1>},
                %y: memref<5xf32> {lutra.type = tensor<5xf32>}) attributes {lutra.inputs = 2 : i64} {
  %zero = arith.constant 0 : i8
  %byte = memref.load %c[] : memref<i8>
  %f = arith.cmpi ne, %byte, %zero : i8
  scf.if %f {
    lutra.launch @k(%x) outs(%y : memref<5xf32>) : (memref<5xf32>) -> ()
  } else {
    %w = lutra.weight @w : memref<5xf32>
    lutra.launch @k(%w) outs(%y : memref<5xf32>) : (memref<5xf32>) -> ()
  }
  return
}
func.func private @main.shapes() -> index {
  %c0 = arith.constant 0 : index
  return %c0 : index
}
