// The same with codes, exactly: a zero point is taken off while rows are widened into the copy, or where no level adds
// in pairs (unsigned weights), into one that scalars read.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512},lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=7 --exact
// RUN: not lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --corrupt=0

lutra.global @signed : tensor<33x19xi8> = dense<-127> : tensor<33x19xi8>
lutra.global @unsigned : tensor<33x5xui8> = dense<255> : tensor<33x5xui8>
func.func @codes(%x: tensor<50x33xui8> {lutra.name = "x"}, %zero: tensor<ui8> {lutra.name = "zero"}) -> (tensor<50x19xi32>, tensor<50x5xi32>, tensor<50x19xi32>) {
  %w = lutra.weight @signed : tensor<33x19xi8>
  %u = lutra.weight @unsigned : tensor<33x5xui8>
  %v = lutra.cast %zero : tensor<ui8> -> tensor<i16>
  %c = lutra.cast %x : tensor<50x33xui8> -> tensor<50x33xi16>
  %d = lutra.binary<sub> %c, %v : (tensor<50x33xi16>, tensor<i16>) -> tensor<50x33xi16>
  %y = lutra.matmul %d, %w : (tensor<50x33xi16>, tensor<33x19xi8>) -> tensor<50x19xi32>
  %n = lutra.unary<bitwise_not> %x : tensor<50x33xui8> -> tensor<50x33xui8>
  %z = lutra.matmul %n, %u : (tensor<50x33xui8>, tensor<33x5xui8>) -> tensor<50x5xi32>
  %m = lutra.unary<bitwise_not> %x : tensor<50x33xui8> -> tensor<50x33xui8>
  %a = lutra.binary<and> %m, %x : (tensor<50x33xui8>, tensor<50x33xui8>) -> tensor<50x33xui8>
  %o = lutra.matmul %a, %w : (tensor<50x33xui8>, tensor<33x19xi8>) -> tensor<50x19xi32>
  return %y, %z, %o : tensor<50x19xi32>, tensor<50x5xi32>, tensor<50x19xi32>
}

// Rows that are held in 16 bits, as many as fit and too many.
lutra.global @column : tensor<4000x3xi8> = dense<-3> : tensor<4000x3xi8>
func.func @long(%x: tensor<50x4000xi8> {lutra.name = "x"}) -> tensor<50x3xi32> {
  %w = lutra.weight @column : tensor<4000x3xi8>
  %n = lutra.unary<neg> %x : tensor<50x4000xi8> -> tensor<50x4000xi8>
  %y = lutra.matmul %n, %w : (tensor<50x4000xi8>, tensor<4000x3xi8>) -> tensor<50x3xi32>
  return %y : tensor<50x3xi32>
}
func.func @none(%x: tensor<5x33xi8> {lutra.name = "x"}, %w: tensor<33x0xi8> {lutra.name = "w"}) -> tensor<5x0xi32> {
  %y = lutra.matmul %x, %w : (tensor<5x33xi8>, tensor<33x0xi8>) -> tensor<5x0xi32>
  return %y : tensor<5x0xi32>
}
