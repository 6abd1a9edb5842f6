// Codes times 16 beside codes of a scale 16 times as fine, in 16 bits, which the pass leaves alone: half a code and half a
// fine one are 8.5, a sixteenth of a code is one more. A softmax adds 0.09 codes (docs/design/bounds.md). What is more
// shows; all else is the number that is allowed.
// RUN: lutra-run %s --before-after=lutra-use-integer-arithmetic --seed=7 --exact
// RUN: lutra-run %s --before-after=lutra-use-integer-arithmetic --seed=8 --exact --values=saturating
// RUN: not lutra-run %s --before-after=lutra-use-integer-arithmetic --seed=7 --exact --corrupt=0

// Sums of different factors for each row, with a bias and a limit.
func.func @sums(%a: tensor<4x67xi8>, %c: tensor<4x67xi8>) -> tensor<4x67xi32> {
  %a0 = lutra.cast %a : tensor<4x67xi8> -> tensor<4x67xi32>
  %c0 = lutra.cast %c : tensor<4x67xi8> -> tensor<4x67xi32>
  %many = lutra.constant dense<257> : tensor<i32>
  %a1 = lutra.binary<mul> %a0, %many : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %i = lutra.binary<add> %a1, %c0 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %f = lutra.cast %i : tensor<4x67xi32> -> tensor<4x67xf32>
  %s = lutra.constant dense<[[0.00041], [0.03], [-0.0007], [0.9]]> : tensor<4x1xf32>
  %bias = lutra.constant dense<[[1.5], [-7.25], [0.1], [300.0]]> : tensor<4x1xf32>
  %0 = lutra.binary<mul> %f, %s : (tensor<4x67xf32>, tensor<4x1xf32>) -> tensor<4x67xf32>
  %1 = lutra.binary<add> %0, %bias : (tensor<4x67xf32>, tensor<4x1xf32>) -> tensor<4x67xf32>
  %limit = lutra.constant dense<-9.5> : tensor<f32>
  %2 = lutra.binary<max> %1, %limit : (tensor<4x67xf32>, tensor<f32>) -> tensor<4x67xf32>
  %t = lutra.constant dense<0.11> : tensor<f32>
  %z = lutra.constant dense<-3> : tensor<i8>
  %q = lutra.quantize %2 scale(%t : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi8>
  %t16 = lutra.constant dense<0.006875> : tensor<f32>
  %z16 = lutra.constant dense<-48> : tensor<i16>
  %b = lutra.quantize %2 scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<-2048> : tensor<i16>
  %high = lutra.constant dense<2032> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xi8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<9> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

// Two tensors of codes.
func.func @residual(%a: tensor<4x67xi8>, %c: tensor<4x67xui8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.0437> : tensor<f32>
  %xz = lutra.constant dense<-7> : tensor<i8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xi8> -> tensor<4x67xf32>
  %ys = lutra.constant dense<0.021> : tensor<f32>
  %yz = lutra.constant dense<131> : tensor<ui8>
  %y = lutra.dequantize %c scale(%ys : tensor<f32>) zero_point(%yz : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xui8> -> tensor<4x67xf32>
  %f = lutra.binary<add> %x, %y : (tensor<4x67xf32>, tensor<4x67xf32>) -> tensor<4x67xf32>
  %t = lutra.constant dense<0.05> : tensor<f32>
  %z = lutra.constant dense<120> : tensor<ui8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xui8>
  %t16 = lutra.constant dense<0.003125> : tensor<f32>
  %z16 = lutra.constant dense<1920> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<0> : tensor<i16>
  %high = lutra.constant dense<4080> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xui8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<9> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

// One of them repeats.
func.func @repeated(%a: tensor<4x67xi8>, %c: tensor<1x67xui8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.0437> : tensor<f32>
  %xz = lutra.constant dense<-7> : tensor<i8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xi8> -> tensor<4x67xf32>
  %ys = lutra.constant dense<0.021> : tensor<f32>
  %yz = lutra.constant dense<131> : tensor<ui8>
  %y = lutra.dequantize %c scale(%ys : tensor<f32>) zero_point(%yz : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x67xui8> -> tensor<1x67xf32>
  %f = lutra.binary<add> %x, %y : (tensor<4x67xf32>, tensor<1x67xf32>) -> tensor<4x67xf32>
  %t = lutra.constant dense<0.05> : tensor<f32>
  %z = lutra.constant dense<120> : tensor<ui8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xui8>
  %t16 = lutra.constant dense<0.003125> : tensor<f32>
  %z16 = lutra.constant dense<1920> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<0> : tensor<i16>
  %high = lutra.constant dense<4080> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xui8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<9> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @softmax0(%a: tensor<4x67xi8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.0437> : tensor<f32>
  %xz = lutra.constant dense<5> : tensor<i8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xi8> -> tensor<4x67xf32>
  %f = lutra.softmax %x {axis = 1 : i64} : tensor<4x67xf32>
  %t = lutra.constant dense<0.00390625> : tensor<f32>
  %z = lutra.constant dense<0> : tensor<ui8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xui8>
  %t16 = lutra.constant dense<0.000244140625> : tensor<f32>
  %z16 = lutra.constant dense<0> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<0> : tensor<i16>
  %high = lutra.constant dense<4080> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xui8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<10> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @softmax1(%a: tensor<4x67xi8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.37> : tensor<f32>
  %xz = lutra.constant dense<5> : tensor<i8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xi8> -> tensor<4x67xf32>
  %f = lutra.softmax %x {axis = 1 : i64} : tensor<4x67xf32>
  %t = lutra.constant dense<0.001> : tensor<f32>
  %z = lutra.constant dense<0> : tensor<ui8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xui8>
  %t16 = lutra.constant dense<6.25e-05> : tensor<f32>
  %z16 = lutra.constant dense<0> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<0> : tensor<i16>
  %high = lutra.constant dense<4080> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xui8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<10> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @softmax2(%a: tensor<4x67xi8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<7.9> : tensor<f32>
  %xz = lutra.constant dense<5> : tensor<i8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xi8> -> tensor<4x67xf32>
  %f = lutra.softmax %x {axis = 1 : i64} : tensor<4x67xf32>
  %t = lutra.constant dense<0.00390625> : tensor<f32>
  %z = lutra.constant dense<0> : tensor<ui8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xui8>
  %t16 = lutra.constant dense<0.000244140625> : tensor<f32>
  %z16 = lutra.constant dense<0> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<0> : tensor<i16>
  %high = lutra.constant dense<4080> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xui8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<10> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @softmax3(%a: tensor<4x67xi8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.0001> : tensor<f32>
  %xz = lutra.constant dense<5> : tensor<i8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xi8> -> tensor<4x67xf32>
  %f = lutra.softmax %x {axis = 1 : i64} : tensor<4x67xf32>
  %t = lutra.constant dense<0.0001> : tensor<f32>
  %z = lutra.constant dense<0> : tensor<ui8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xui8>
  %t16 = lutra.constant dense<6.25e-06> : tensor<f32>
  %z16 = lutra.constant dense<0> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<0> : tensor<i16>
  %high = lutra.constant dense<4080> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xui8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<10> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @norm6(%a: tensor<4x67xui8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.02> : tensor<f32>
  %xz = lutra.constant dense<140> : tensor<ui8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xui8> -> tensor<4x67xf32>
  %g = lutra.constant dense<1.7> : tensor<67xf32>
  %f = lutra.layer_norm %x scale(%g : tensor<67xf32>) bias(%g : tensor<67xf32>) {dims = 1 : i64, epsilon = 1.0e-05 : f64} : tensor<4x67xf32> -> tensor<4x67xf32>
  %t = lutra.constant dense<0.03> : tensor<f32>
  %z = lutra.constant dense<-5> : tensor<i8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi8>
  %t16 = lutra.constant dense<0.001875> : tensor<f32>
  %z16 = lutra.constant dense<-80> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<-2048> : tensor<i16>
  %high = lutra.constant dense<2032> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xi8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<9> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @norm7(%a: tensor<4x67xui8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.0001> : tensor<f32>
  %xz = lutra.constant dense<140> : tensor<ui8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xui8> -> tensor<4x67xf32>
  %g = lutra.constant dense<1.7> : tensor<67xf32>
  %f = lutra.layer_norm %x scale(%g : tensor<67xf32>) bias(%g : tensor<67xf32>) {dims = 1 : i64, epsilon = 1.0e-05 : f64} : tensor<4x67xf32> -> tensor<4x67xf32>
  %t = lutra.constant dense<0.03> : tensor<f32>
  %z = lutra.constant dense<-5> : tensor<i8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi8>
  %t16 = lutra.constant dense<0.001875> : tensor<f32>
  %z16 = lutra.constant dense<-80> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<-2048> : tensor<i16>
  %high = lutra.constant dense<2032> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xi8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<9> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}

func.func @norm8(%a: tensor<4x67xui8>) -> tensor<4x67xi32> {
  %xs = lutra.constant dense<0.02> : tensor<f32>
  %xz = lutra.constant dense<140> : tensor<ui8>
  %x = lutra.dequantize %a scale(%xs : tensor<f32>) zero_point(%xz : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xui8> -> tensor<4x67xf32>
  %g = lutra.constant dense<1.7> : tensor<67xf32>
  %f = lutra.rms_norm %x scale(%g : tensor<67xf32>) {dims = 1 : i64, epsilon = 1.0e-06 : f64} : tensor<4x67xf32> -> tensor<4x67xf32>
  %t = lutra.constant dense<0.03> : tensor<f32>
  %z = lutra.constant dense<-5> : tensor<i8>
  %q = lutra.quantize %f scale(%t : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi8>
  %t16 = lutra.constant dense<0.001875> : tensor<f32>
  %z16 = lutra.constant dense<-80> : tensor<i16>
  %b = lutra.quantize %f scale(%t16 : tensor<f32>) zero_point(%z16 : tensor<i16>) {axis = 0 : i64, block = 0 : i64} : tensor<4x67xf32> -> tensor<4x67xi16>
  %low = lutra.constant dense<-2048> : tensor<i16>
  %high = lutra.constant dense<2032> : tensor<i16>
  %b0 = lutra.binary<max> %b, %low : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b1 = lutra.binary<min> %b0, %high : (tensor<4x67xi16>, tensor<i16>) -> tensor<4x67xi16>
  %b2 = lutra.cast %b1 : tensor<4x67xi16> -> tensor<4x67xi32>
  %q1 = lutra.cast %q : tensor<4x67xi8> -> tensor<4x67xi32>
  %sixteen = lutra.constant dense<16> : tensor<i32>
  %q2 = lutra.binary<mul> %q1, %sixteen : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  %d = lutra.binary<sub> %q2, %b2 : (tensor<4x67xi32>, tensor<4x67xi32>) -> tensor<4x67xi32>
  %e = lutra.unary<abs> %d : tensor<4x67xi32> -> tensor<4x67xi32>
  %allowed = lutra.constant dense<9> : tensor<i32>
  %r = lutra.binary<max> %e, %allowed : (tensor<4x67xi32>, tensor<i32>) -> tensor<4x67xi32>
  return %r : tensor<4x67xi32>
}
