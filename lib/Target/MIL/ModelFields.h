//===- ModelFields.h - field numbers of Core ML's model messages --------------===//
// Facts of the public format (Model.proto, FeatureTypes.proto, MIL.proto), shared by the writer and the
// checker.
#ifndef LUTRA_LIB_TARGET_MIL_MODELFIELDS_H
#define LUTRA_LIB_TARGET_MIL_MODELFIELDS_H

#include "mlir/IR/BuiltinTypes.h"

namespace lutra::mil::fields {

enum Model { kSpecification = 1, kDescription = 2, kMlProgram = 502 };
enum Description { kInput = 1, kOutput = 10, kMetadata = 100 };
enum Metadata { kShortDescription = 1, kAuthor = 3, kUserDefined = 100 };
enum Feature { kFeatureName = 1, kFeatureType = 3, kMultiArray = 5 };
enum Array { kArrayShape = 1, kArrayType = 2 };
enum Program { kProgramVersion = 1, kFunctions = 2 };
enum Function { kFunctionInputs = 1, kOpset = 2, kSpecializations = 3 };
enum Block { kBlockOutputs = 2, kOperations = 3 };
enum Operation { kOpType = 1, kOpInputs = 2, kOpOutputs = 3, kOpAttributes = 5 };
enum Argument { kBindings = 1, kBindingName = 1, kBindingValue = 2 };
enum Named { kName = 1, kType = 2 };
enum ValueType { kTensorType = 1 };
enum TensorType { kDataType = 1, kRank = 2, kDimensions = 3, kConstantDim = 1, kDimSize = 1 };
enum Value { kValueType = 2, kImmediate = 3, kBlob = 5 };
enum Immediate { kTensor = 1 };
enum Blob { kFileName = 1, kOffset = 2 };
enum TensorValue { kFloats = 1, kInts = 2, kBools = 3, kStrings = 4, kBytes = 7, kValues = 1 };

/// MILSpec.DataType; string is 2.
inline constexpr uint64_t kStringType = 2;
inline uint64_t dataType(mlir::Type element) {
  if (element.isF16())
    return 10;
  if (element.isF32())
    return 11;
  unsigned width = element.getIntOrFloatBitWidth();
  if (width == 1)
    return 1;
  uint64_t base = element.isUnsignedInteger() ? 31 : 21;
  return base + (width == 8 ? 0 : width == 16 ? 1 : 2);
}

/// ArrayFeatureType.ArrayDataType of an interface type; 0 when Core ML has none.
inline uint64_t arrayType(mlir::Type element) {
  return element.isF16() ? 65552 : element.isF32() ? 65568 : element.isSignlessInteger(32) ? 131104 : 0;
}

} // namespace lutra::mil::fields

#endif // LUTRA_LIB_TARGET_MIL_MODELFIELDS_H
