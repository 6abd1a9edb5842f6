// RUN: lutra-run %s --print | FileCheck %s

// 0 + 1 + 2 + 3 + 4 = 10 by a loop, doubled by a call.
// CHECK: @loop_and_call 0: i64 = 20
func.func @loop_and_call() -> tensor<i64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %sum = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %c0) -> index {
    %n = arith.addi %s, %i : index
    scf.yield %n : index
  }
  %d = func.call @double(%sum) : (index) -> index
  %r = lutra.from_index %d : tensor<i64>
  return %r : tensor<i64>
}
func.func private @double(%a: index) -> index {
  %r = arith.addi %a, %a : index
  return %r : index
}

// floor(-7 / 2) = -4, ceil(-7 / 2) = -3, min(7 - 3, 9) = 4.
// CHECK: @index_maths 0: 3xi64 = [-4, -3, 4]
#map = affine_map<(d0)[s0] -> (d0 - 3, s0)>
func.func @index_maths() -> tensor<3xi64> {
  %a = arith.constant -7 : index
  %b = arith.constant 2 : index
  %c7 = arith.constant 7 : index
  %c9 = arith.constant 9 : index
  %0 = arith.floordivsi %a, %b : index
  %1 = arith.ceildivsi %a, %b : index
  %2 = affine.min #map(%c7)[%c9]
  %3 = arith.index_cast %0 : index to i64
  %4 = arith.index_cast %1 : index to i64
  %5 = arith.index_cast %2 : index to i64
  %r = tensor.from_elements %3, %4, %5 : tensor<3xi64>
  return %r : tensor<3xi64>
}

// CHECK: @branch 0: i64 = 1
func.func @branch() -> i64 {
  %a = arith.constant -1 : i8
  %b = arith.constant 1 : i8
  %less = arith.cmpi slt, %a, %b : i8
  %above = arith.cmpi ugt, %a, %b : i8
  %both = arith.andi %less, %above : i1
  %r = scf.if %both -> i64 {
    %one = arith.constant 1 : i64
    scf.yield %one : i64
  } else {
    %zero = arith.constant 0 : i64
    scf.yield %zero : i64
  }
  return %r : i64
}
