// RUN: lutra-opt %s --lutra-raise-rounding --canonicalize --remark-format=emitRemark --remarks-filter=lutra-raise-rounding 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// REMARK-COUNT-2: Bits=8
// REMARK: Reason="the limits are not those of the codes"
// REMARK: Reason="the scale is that of other values"
// REMARK: Reason="the quotient is not of what was multiplied with the same scale and rounded half to even"
// REMARK: Reason="the scale has no floor of 2^-118 or more, so that rows of zeros give NaN"
// REMARK: Reason="the length of a row is not known"

// BitLinear: the codes, and what training adds to let gradients pass.
// CHECK-LABEL: func.func @bit_linear
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>
// CHECK-NEXT: %[[CODES:.*]], %[[SCALE:.*]] = lutra.dynamic_quantize %[[X]] {bits = 8 : i64, block = 64 : i64, floor = 9.99999974E-6 : f32} :
// CHECK-NEXT: %[[Y:.*]] = lutra.dequantize %[[CODES]] scale(%[[SCALE]] : tensor<?x1xf32>) {axis = 1 : i64, block = 64 : i64}
// CHECK-NEXT: return %[[Y]] :
func.func @bit_linear(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %floor = lutra.constant dense<1.0e-5> : tensor<f32>
  %most = lutra.constant dense<127.0> : tensor<f32>
  %least = lutra.constant dense<-128.0> : tensor<f32>
  %a = lutra.unary<abs> %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %m = lutra.reduce<max> %a axes = [1] : tensor<?x64xf32> -> tensor<?x1xf32>
  %r = lutra.binary<max> %m, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = lutra.binary<div> %most, %r : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %p = lutra.binary<mul> %x, %s : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %i = lutra.unary<round> %p : tensor<?x64xf32> -> tensor<?x64xf32>
  %l = lutra.binary<max> %i, %least : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %c = lutra.binary<min> %l, %most : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %q = lutra.binary<div> %c, %s : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %d = lutra.binary<sub> %q, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = lutra.binary<add> %x, %d : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// 127.0 / tensor is a reciprocal in PyTorch; the lower limit is one that is reached.
// CHECK-LABEL: func.func @reciprocal
// CHECK-NEXT: lutra.dynamic_quantize %arg0 {{.*}}reciprocal}
func.func @reciprocal(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %floor = lutra.constant dense<1.0e-5> : tensor<f32>
  %most = lutra.constant dense<127.0> : tensor<f32>
  %least = lutra.constant dense<-127.0> : tensor<f32>
  %a = lutra.unary<abs> %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %m = lutra.reduce<max> %a axes = [1] : tensor<?x64xf32> -> tensor<?x1xf32>
  %r = lutra.binary<max> %m, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %v = lutra.unary<reciprocal> %r : tensor<?x1xf32> -> tensor<?x1xf32>
  %s = lutra.binary<mul> %v, %most : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %p = lutra.binary<mul> %x, %s : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %i = lutra.unary<round> %p : tensor<?x64xf32> -> tensor<?x64xf32>
  %l = lutra.binary<max> %i, %least : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %c = lutra.binary<min> %l, %most : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %q = lutra.binary<div> %c, %s : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}

// Limits that cut codes off, the range of other rows, no ties to even, no floor, rows of unknown length.
// CHECK-LABEL: func.func @others
// CHECK-NOT: dynamic_quantize
func.func @others(%x: tensor<?x64xf32>, %z: tensor<?x64xf32>, %u: tensor<?x?xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x?xf32>) {
  %floor = lutra.constant dense<1.0e-5> : tensor<f32>
  %most = lutra.constant dense<127.0> : tensor<f32>
  %least = lutra.constant dense<-128.0> : tensor<f32>
  %few = lutra.constant dense<100.0> : tensor<f32>
  %aa = lutra.unary<abs> %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %am = lutra.reduce<max> %aa axes = [1] : tensor<?x64xf32> -> tensor<?x1xf32>
  %ar = lutra.binary<max> %am, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %as = lutra.binary<div> %most, %ar : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ap = lutra.binary<mul> %x, %as : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %ai = lutra.unary<round> %ap : tensor<?x64xf32> -> tensor<?x64xf32>
  %al = lutra.binary<max> %ai, %least : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %ac = lutra.binary<min> %al, %few : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %aq = lutra.binary<div> %ac, %as : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %ba = lutra.unary<abs> %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %bm = lutra.reduce<max> %ba axes = [1] : tensor<?x64xf32> -> tensor<?x1xf32>
  %br = lutra.binary<max> %bm, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %bs = lutra.binary<div> %most, %br : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %bp = lutra.binary<mul> %z, %bs : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %bi = lutra.unary<round> %bp : tensor<?x64xf32> -> tensor<?x64xf32>
  %bl = lutra.binary<max> %bi, %least : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %bc = lutra.binary<min> %bl, %most : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %bq = lutra.binary<div> %bc, %bs : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %ca = lutra.unary<abs> %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %cm = lutra.reduce<max> %ca axes = [1] : tensor<?x64xf32> -> tensor<?x1xf32>
  %cr = lutra.binary<max> %cm, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %cs = lutra.binary<div> %most, %cr : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %cp = lutra.binary<mul> %x, %cs : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %ci = lutra.unary<floor> %cp : tensor<?x64xf32> -> tensor<?x64xf32>
  %cl = lutra.binary<max> %ci, %least : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %cc = lutra.binary<min> %cl, %most : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %cq = lutra.binary<div> %cc, %cs : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %da = lutra.unary<abs> %x : tensor<?x64xf32> -> tensor<?x64xf32>
  %dm = lutra.reduce<max> %da axes = [1] : tensor<?x64xf32> -> tensor<?x1xf32>
  %ds = lutra.binary<div> %most, %dm : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %dp = lutra.binary<mul> %x, %ds : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %di = lutra.unary<round> %dp : tensor<?x64xf32> -> tensor<?x64xf32>
  %dl = lutra.binary<max> %di, %least : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %dc = lutra.binary<min> %dl, %most : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
  %dq = lutra.binary<div> %dc, %ds : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
  %ea = lutra.unary<abs> %u : tensor<?x?xf32> -> tensor<?x?xf32>
  %em = lutra.reduce<max> %ea axes = [1] : tensor<?x?xf32> -> tensor<?x1xf32>
  %er = lutra.binary<max> %em, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %es = lutra.binary<div> %most, %er : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ep = lutra.binary<mul> %u, %es : (tensor<?x?xf32>, tensor<?x1xf32>) -> tensor<?x?xf32>
  %ei = lutra.unary<round> %ep : tensor<?x?xf32> -> tensor<?x?xf32>
  %el = lutra.binary<max> %ei, %least : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  %ec = lutra.binary<min> %el, %most : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  %eq = lutra.binary<div> %ec, %es : (tensor<?x?xf32>, tensor<?x1xf32>) -> tensor<?x?xf32>
  return %aq, %bq, %cq, %dq, %eq : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x?xf32>
}
