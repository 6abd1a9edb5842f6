// Layers of BitNet b1.58 (arXiv 2402.17764): norm, rounding to 8 bits, ternary weight. The norm and the rounding are one
// kernel and the product is one of codes; values are those of the exported graph, also of rows of zeros.
// RUN: lutra-run %s --before-after=lutra-raise-rounding --seed=7 --dim=*=0
// RUN: lutra-run %s --before-after=lutra-raise-rounding --seed=7 --dim=*=5
// RUN: lutra-run %s --before-after=lutra-raise-rounding --seed=7 --dim=*=2 --values=zeros
// RUN: not lutra-run %s --before-after=lutra-raise-rounding --seed=7 --dim=*=5 --corrupt=0
// RUN: lutra-run %s --before-after="lutra-raise-rounding,lutra-encode-weights" --seed=7 --dim=*=5
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2 --stop-after=packed -o - | FileCheck %s
// CHECK: lutra.global @v{{.*}}radix<3, 5, 8>
// CHECK: lutra.global @w{{.*}}radix<3, 5, 8>
// CHECK: lutra.rms_norm
// CHECK-NEXT: lutra.dynamic_quantize
// CHECK: lutra.kernel
// CHECK: lutra.dynamic_quantize {{.*}}reciprocal
// CHECK: lutra.matmul {{.*}}scale({{.*}}strategy = #lutra.strategy<"{{ternary|coded|lookup}}">
// RUN: lutra-compile %s --target-cpu=avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=5
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=2 --values=zeros
// RUN: not lutra-run %t.so --compare=%s --seed=7 --dim=n=5 --corrupt=0

lutra.global @w : tensor<192x24xf32> = dense<0.0371> : tensor<192x24xf32>
lutra.global @v : tensor<192x24xf32> = dense<-1.5> : tensor<192x24xf32>
func.func @main(%h: tensor<?x192xf32> {lutra.name = "h", lutra.dim_names = ["n", ""]}) -> (tensor<?x24xf32>, tensor<?x24xf32>) {
  %floor = lutra.constant dense<1.0e-5> : tensor<f32>
  %most = lutra.constant dense<127.0> : tensor<f32>
  %least = lutra.constant dense<-128.0> : tensor<f32>
  %w = lutra.weight @w : tensor<192x24xf32>
  %v = lutra.weight @v : tensor<192x24xf32>
  %x = lutra.rms_norm %h {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x192xf32> -> tensor<?x192xf32>
  %a = lutra.unary<abs> %x : tensor<?x192xf32> -> tensor<?x192xf32>
  %m = lutra.reduce<max> %a axes = [1] : tensor<?x192xf32> -> tensor<?x1xf32>
  %r = lutra.binary<max> %m, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %s = lutra.binary<div> %most, %r : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %p = lutra.binary<mul> %x, %s : (tensor<?x192xf32>, tensor<?x1xf32>) -> tensor<?x192xf32>
  %i = lutra.unary<round> %p : tensor<?x192xf32> -> tensor<?x192xf32>
  %l = lutra.binary<max> %i, %least : (tensor<?x192xf32>, tensor<f32>) -> tensor<?x192xf32>
  %c = lutra.binary<min> %l, %most : (tensor<?x192xf32>, tensor<f32>) -> tensor<?x192xf32>
  %q = lutra.binary<div> %c, %s : (tensor<?x192xf32>, tensor<?x1xf32>) -> tensor<?x192xf32>
  %za = lutra.unary<abs> %h : tensor<?x192xf32> -> tensor<?x192xf32>
  %zm = lutra.reduce<max> %za axes = [1] : tensor<?x192xf32> -> tensor<?x1xf32>
  %zr = lutra.binary<max> %zm, %floor : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %zv = lutra.unary<reciprocal> %zr : tensor<?x1xf32> -> tensor<?x1xf32>
  %zs = lutra.binary<mul> %zv, %most : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %zp = lutra.binary<mul> %h, %zs : (tensor<?x192xf32>, tensor<?x1xf32>) -> tensor<?x192xf32>
  %zi = lutra.unary<round> %zp : tensor<?x192xf32> -> tensor<?x192xf32>
  %zl = lutra.binary<max> %zi, %least : (tensor<?x192xf32>, tensor<f32>) -> tensor<?x192xf32>
  %zc = lutra.binary<min> %zl, %most : (tensor<?x192xf32>, tensor<f32>) -> tensor<?x192xf32>
  %zq = lutra.binary<div> %zc, %zs : (tensor<?x192xf32>, tensor<?x1xf32>) -> tensor<?x192xf32>
  %0 = lutra.matmul %q, %w : (tensor<?x192xf32>, tensor<192x24xf32>) -> tensor<?x24xf32>
  %1 = lutra.matmul %zq, %v : (tensor<?x192xf32>, tensor<192x24xf32>) -> tensor<?x24xf32>
  return %0, %1 : tensor<?x24xf32>, tensor<?x24xf32>
}
