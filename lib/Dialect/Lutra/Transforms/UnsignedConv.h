//===- UnsignedConv.h - convolutions of bytes without a sign -------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_UNSIGNEDCONV_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_UNSIGNEDCONV_H

#include "SignedProduct.h"
#include "WeightData.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

namespace lutra {

/// Whether strategies of bytes take that convolution, channels first, with the filter of i8 `filter`.
bool mayConvolveUnsigned(ConvOp op, mlir::Value filter);

/// The sums, of the type `type`, of the convolution `op` of `left` with the filter [F, C, k..] of i8 `filter`, as those
/// of codes without a sign:
///
///   sum of (x - z) w = sum of (x + b) w - (z + b) * sum of w      b: 128 for codes with a sign, else 0
///
/// Padding holds z + b, and so do channels that make a number of them which is a multiple of 4. Null where the filter's
/// bytes cannot be read, or where z is none of the codes.
mlir::Value convolveUnsigned(mlir::OpBuilder &builder, ConvOp op, mlir::RankedTensorType type,
                             const CentredCodes &left, mlir::Value filter, WeightStore &store);

/// Gives codes with a sign none, 128 more, where they are quantized: in `op`, and in all that dequantizes its result.
void quantizeUnsigned(QuantizeOp op);

/// The filter [F, C, k..] with `count` more channels, of zeros.
mlir::Value addChannels(mlir::Value filter, int64_t count, WeightStore &store, mlir::OpBuilder &builder,
                        const WeightBytes &bytes);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_UNSIGNEDCONV_H
