// Activations rounded to fp8, by row and by group of which the last is short, and to f16: within what their form allows, in
// the evaluator and as machine code on each level; no rows; one; enough for tiles of bf16.
// RUN: lutra-run %s --before-after=lutra-narrow-activations --seed=7 --dim=*=0
// RUN: lutra-run %s --before-after=lutra-narrow-activations --seed=7 --dim=*=7
// RUN: lutra-run %s --before-after=lutra-narrow-activations --seed=7 --dim=*=3 --values=equal
// RUN: not lutra-run %s --before-after=lutra-narrow-activations --seed=7 --dim=*=7 --corrupt=0
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=amx,avx512vnni,avx2 -o %t.so
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --dim=n=0
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --dim=n=1
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --dim=n=13
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=7 --dim=n=3 --values=zeros
// RUN: env LUTRA_ISA=avx2 not lutra-run %t.so --compare=%s --seed=7 --dim=n=6 --corrupt=0
// RUN: %if avx512-vnni %{ env LUTRA_ISA=avx512vnni lutra-run %t.so --compare=%s --seed=7 --dim=n=13 %}
// RUN: %if x86-amx %{ lutra-run %t.so --compare=%s --seed=7 --dim=n=1 %}
// RUN: %if x86-amx %{ lutra-run %t.so --compare=%s --seed=7 --dim=n=40 %}
// Codes lie between kernels, and products read them.
// RUN: lutra-compile %s --target-cpu=amx --stop-after=fused -o - | FileCheck %s
// CHECK: lutra.kernel @{{.*}}f8E4M3FN>, %{{.*}} -> tensor<?x40xf32> {
// CHECK: lutra.kernel @{{.*}}(%{{[a-z0-9]+}}: tensor<?x70xf16>, %{{.*}} -> tensor<?x40xf32> {

#row = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = e4m3<row>>
#group = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = e5m2<group<32>>>
#half = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = f16>
#bare = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = e4m3>
lutra.global @row : tensor<40x70xf32, #row> = dense<58> : tensor<1888xi8>
lutra.global @group : tensor<40x70xf32, #group> = dense<58> : tensor<1888xi8>
lutra.global @half : tensor<40x70xf32, #half> = dense<58> : tensor<1888xi8>
lutra.global @bare : tensor<40x70xf32, #bare> = dense<58> : tensor<1888xi8>
func.func @main(%x: tensor<?x70xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}) -> (tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>) {
  %l = lutra.layer_norm %x {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x70xf32> -> tensor<?x70xf32>
  %r = lutra.weight @row : tensor<40x70xf32, #row>
  %g = lutra.weight @group : tensor<40x70xf32, #group>
  %h = lutra.weight @half : tensor<40x70xf32, #half>
  %b = lutra.weight @bare : tensor<40x70xf32, #bare>
  %0 = lutra.matmul %l, %r {transpose_rhs} : (tensor<?x70xf32>, tensor<40x70xf32, #row>) -> tensor<?x40xf32>
  %1 = lutra.matmul %x, %g {transpose_rhs} : (tensor<?x70xf32>, tensor<40x70xf32, #group>) -> tensor<?x40xf32>
  %2 = lutra.matmul %l, %h {transpose_rhs} : (tensor<?x70xf32>, tensor<40x70xf32, #half>) -> tensor<?x40xf32>
  %3 = lutra.matmul %l, %r {transpose_rhs} : (tensor<?x70xf32>, tensor<40x70xf32, #row>) -> tensor<?x40xf32>
  %4 = lutra.matmul %x, %b {transpose_rhs} : (tensor<?x70xf32>, tensor<40x70xf32, #bare>) -> tensor<?x40xf32>
  return %0, %1, %2, %3, %4 : tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>
}
