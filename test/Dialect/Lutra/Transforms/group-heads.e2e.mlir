// RUN: lutra-run %s --before-after=lutra-group-heads --seed=7 --dim=*=3
// RUN: lutra-run %s --before-after=lutra-group-heads --seed=7 --dim=*=0
// RUN: not lutra-run %s --before-after=lutra-group-heads --seed=7 --dim=*=3 --corrupt=0
// RUN: lutra-run %s --before-after="lutra-group-heads,lutra-form-kernels" --seed=7 --dim=*=3
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=b=2 --dim=t=37 --dim=m=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=b=1 --dim=t=5 --dim=m=3
// RUN: not lutra-run %t.so --compare=%s --seed=7 --dim=b=1 --dim=t=5 --dim=m=3 --corrupt=0

func.func @main(%q: tensor<?x8x?x16xf32> {lutra.name = "q", lutra.dim_names = ["b", "", "m", ""]}, %k: tensor<?x2x?x16xf32> {lutra.name = "k", lutra.dim_names = ["b", "", "t", ""]}, %v: tensor<?x2x?x12xf32> {lutra.name = "v", lutra.dim_names = ["b", "", "t", ""]}) -> tensor<?x8x?x12xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %k, %c0 : tensor<?x2x?x16xf32>
  %t = tensor.dim %k, %c2 : tensor<?x2x?x16xf32>
  %ku = lutra.reshape %k[%b, %t] : tensor<?x2x?x16xf32> -> tensor<?x2x1x?x16xf32>
  %ke = lutra.expand %ku[%b, %t] : tensor<?x2x1x?x16xf32> -> tensor<?x2x4x?x16xf32>
  %kr = lutra.reshape %ke[%b, %t] : tensor<?x2x4x?x16xf32> -> tensor<?x8x?x16xf32>
  %x = lutra.transpose %kr [0, 1, 3, 2] : tensor<?x8x?x16xf32> -> tensor<?x8x16x?xf32>
  %p = lutra.matmul %q, %x : (tensor<?x8x?x16xf32>, tensor<?x8x16x?xf32>) -> tensor<?x8x?x?xf32>
  %vu = lutra.reshape %v[%b, %t] : tensor<?x2x?x12xf32> -> tensor<?x2x1x?x12xf32>
  %ve = lutra.expand %vu[%b, %t] : tensor<?x2x1x?x12xf32> -> tensor<?x2x4x?x12xf32>
  %vr = lutra.reshape %ve[%b, %t] : tensor<?x2x4x?x12xf32> -> tensor<?x8x?x12xf32>
  %o = lutra.matmul %p, %vr : (tensor<?x8x?x?xf32>, tensor<?x8x?x12xf32>) -> tensor<?x8x?x12xf32>
  return %o : tensor<?x8x?x12xf32>
}
