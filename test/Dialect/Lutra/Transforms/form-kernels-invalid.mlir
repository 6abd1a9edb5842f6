// RUN: lutra-opt %s --lutra-form-kernels --split-input-file --verify-diagnostics

// A size that only exists once a branch runs.
func.func @decides(%x: tensor<6xf32>, %n: tensor<i64>, %c: tensor<i1>) -> tensor<?x?xf32> {
  %c6 = arith.constant 6 : index
  %c1 = arith.constant 1 : index
  %f = tensor.extract %c[] : tensor<i1>
  // expected-error @below {{E0601: a branch decides how large its result is}}
  %r = scf.if %f -> (tensor<?x?xf32>) {
    %i = tensor.extract %n[] : tensor<i64>
    %rows = arith.index_cast %i : i64 to index
    %columns = arith.divui %c6, %rows : index
    %a = lutra.reshape %x[%rows, %columns] : tensor<6xf32> -> tensor<?x?xf32>
    scf.yield %a : tensor<?x?xf32>
  } else {
    %a = lutra.reshape %x[%c6, %c1] : tensor<6xf32> -> tensor<?x?xf32>
    scf.yield %a : tensor<?x?xf32>
  }
  return %r : tensor<?x?xf32>
}

// -----

// Control flow between blocks.
// expected-error @below {{E0601: @branches has several blocks, but kernels are formed in one; branch with scf.if}}
func.func @branches(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^end
^end:
  return %x : tensor<4xf32>
}
