// Values of codes of 4 bits are one shuffle with VBMI, of four panels in turn, and nothing is masked; where groups
// choose their tables, one operation does both.
// REQUIRES: x86-64
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx512vbmi --strategy=coded | FileCheck %s
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=amx --strategy=coded | FileCheck %s
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx512vnni --strategy=coded | FileCheck %s --check-prefix=VNNI
// RUN: lutra-compile %s --target-cpu=avx512vbmi,avx2 -o %t.so
// RUN: %if avx512-vbmi %{ env LUTRA_ISA=avx512vbmi lutra-run %t.so --compare=%s --seed=7 %}
// RUN: not env LUTRA_ISA=none lutra-run %t.so 2>&1 | FileCheck %s --check-prefix=LEVELS
// LEVELS: the model has only: avx512vbmi, avx2{{$}}

// VNNI-NOT: vpermb
// CHECK-LABEL: .k1:
// CHECK-COUNT-4: vpermb
// CHECK-NOT: vpand
// CHECK-COUNT-4: vpdpbusd
// CHECK-NOT: vpand
// CHECK-COUNT-4: vpermb
// CHECK-NOT: vpand
// CHECK-LABEL: .k2:
// CHECK: vpternlogq
// CHECK-NOT: vpand
// CHECK: vpermb
// CHECK-NOT: vpand
// CHECK: vpdpbusd
// CHECK-NOT: vpand
// CHECK: vpermb
#fp4 = #lutra.encoding<[dense<uint<4>, float<2, 1, 1>, scales = [f16, 1, 128]>], act = int<8, sym, group<128>>>
#bitmod = #lutra.encoding<[dense<uint<4>, table<16, i8, select<group, 2>, [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 10.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, -10.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, -16.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0]>, scales = [f16, 1, 128]>], act = int<8, sym, group<128>>>
lutra.global @fp4 : tensor<64x256xf32, #fp4> = dense<56> : tensor<8448xi8>
lutra.global @bitmod : tensor<64x256xf32, #bitmod> = dense<56> : tensor<8512xi8>
func.func @main(%x: tensor<1x256xf32> {lutra.name = "x"}) -> (tensor<1x64xf32>, tensor<1x64xf32>) {
  %w_fp4 = lutra.weight @fp4 : tensor<64x256xf32, #fp4>
  %fp4 = lutra.matmul %x, %w_fp4 {transpose_rhs} : (tensor<1x256xf32>, tensor<64x256xf32, #fp4>) -> tensor<1x64xf32>
  %w_bitmod = lutra.weight @bitmod : tensor<64x256xf32, #bitmod>
  %bitmod = lutra.matmul %x, %w_bitmod {transpose_rhs} : (tensor<1x256xf32>, tensor<64x256xf32, #bitmod>) -> tensor<1x64xf32>
  return %fp4, %bitmod : tensor<1x64xf32>, tensor<1x64xf32>
}
