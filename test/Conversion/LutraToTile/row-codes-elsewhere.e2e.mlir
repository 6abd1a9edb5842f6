// Codes that a kernel computes for the rows of a softmax or norm, and that others read in other rows: none wait in the result's
// bytes. Codes that others read in their own row do. Codes of a softmax that are turned afterwards.
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=5
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=6
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512vnni,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=8
// RUN: not lutra-run %t.so --compare=%s --seed=7 --corrupt=0

func.func @main(%a: tensor<37x37xi8> {lutra.name = "a"}, %b: tensor<37x37xi8> {lutra.name = "b"}, %d: tensor<37x37xi8> {lutra.name = "d"}) -> (tensor<37x37xi8>, tensor<37x37xi8>, tensor<37x37xi8>, tensor<37x37xi8>) {
  %s = lutra.constant dense<0.05> : tensor<f32>
  %u = lutra.constant dense<0.0078125> : tensor<f32>
  %c = lutra.binary<xor> %a, %b : (tensor<37x37xi8>, tensor<37x37xi8>) -> tensor<37x37xi8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xi8> -> tensor<37x37xf32>
  %m = lutra.softmax %x {axis = 1 : i64} : tensor<37x37xf32>
  %q = lutra.quantize %m scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xf32> -> tensor<37x37xi8>
  %t = lutra.transpose %c [1, 0] : tensor<37x37xi8> -> tensor<37x37xi8>
  %0 = lutra.binary<xor> %q, %t : (tensor<37x37xi8>, tensor<37x37xi8>) -> tensor<37x37xi8>
  %e = lutra.binary<xor> %a, %d : (tensor<37x37xi8>, tensor<37x37xi8>) -> tensor<37x37xi8>
  %y = lutra.dequantize %e scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xi8> -> tensor<37x37xf32>
  %n = lutra.layer_norm %y {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<37x37xf32> -> tensor<37x37xf32>
  %r = lutra.quantize %n scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xf32> -> tensor<37x37xi8>
  %v = lutra.transpose %e [1, 0] : tensor<37x37xi8> -> tensor<37x37xi8>
  %1 = lutra.binary<xor> %r, %v : (tensor<37x37xi8>, tensor<37x37xi8>) -> tensor<37x37xi8>
  %f = lutra.binary<xor> %b, %d : (tensor<37x37xi8>, tensor<37x37xi8>) -> tensor<37x37xi8>
  %z = lutra.dequantize %f scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xi8> -> tensor<37x37xf32>
  %o = lutra.softmax %z {axis = 1 : i64} : tensor<37x37xf32>
  %p = lutra.quantize %o scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xf32> -> tensor<37x37xi8>
  %2 = lutra.binary<xor> %p, %f : (tensor<37x37xi8>, tensor<37x37xi8>) -> tensor<37x37xi8>
  %g = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xi8> -> tensor<37x37xf32>
  %h = lutra.softmax %g {axis = 1 : i64} : tensor<37x37xf32>
  %i = lutra.quantize %h scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<37x37xf32> -> tensor<37x37xi8>
  %3 = lutra.transpose %i [1, 0] : tensor<37x37xi8> -> tensor<37x37xi8>
  return %0, %1, %2, %3 : tensor<37x37xi8>, tensor<37x37xi8>, tensor<37x37xi8>, tensor<37x37xi8>
}
