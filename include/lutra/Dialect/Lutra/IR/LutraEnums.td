//===- LutraEnums.td - kinds of op families that differ in a scalar function ===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAENUMS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAENUMS_TD

include "lutra/Dialect/Lutra/IR/LutraBase.td"

// Floats: IEEE results of the same-named C function; round is half to even. `not` takes i1,
// `bitwise_not` an integer. gelu_erf and gelu_tanh are the exact and the tanh form of GELU.
def Lutra_UnaryKindEnum : Lutra_Enum<"UnaryKind", [
  I32EnumAttrCase<"Abs", 0, "abs">, I32EnumAttrCase<"Neg", 1, "neg">,
  I32EnumAttrCase<"Sign", 2, "sign">, I32EnumAttrCase<"Ceil", 3, "ceil">,
  I32EnumAttrCase<"Floor", 4, "floor">, I32EnumAttrCase<"Round", 5, "round">,
  I32EnumAttrCase<"Exp", 6, "exp">, I32EnumAttrCase<"Log", 7, "log">,
  I32EnumAttrCase<"Sqrt", 8, "sqrt">, I32EnumAttrCase<"Rsqrt", 9, "rsqrt">,
  I32EnumAttrCase<"Reciprocal", 10, "reciprocal">, I32EnumAttrCase<"Erf", 11, "erf">,
  I32EnumAttrCase<"Sin", 12, "sin">, I32EnumAttrCase<"Cos", 13, "cos">,
  I32EnumAttrCase<"Tan", 14, "tan">, I32EnumAttrCase<"Asin", 15, "asin">,
  I32EnumAttrCase<"Acos", 16, "acos">, I32EnumAttrCase<"Atan", 17, "atan">,
  I32EnumAttrCase<"Sinh", 18, "sinh">, I32EnumAttrCase<"Cosh", 19, "cosh">,
  I32EnumAttrCase<"Tanh", 20, "tanh">, I32EnumAttrCase<"Asinh", 21, "asinh">,
  I32EnumAttrCase<"Acosh", 22, "acosh">, I32EnumAttrCase<"Atanh", 23, "atanh">,
  I32EnumAttrCase<"Relu", 24, "relu">, I32EnumAttrCase<"Sigmoid", 25, "sigmoid">,
  I32EnumAttrCase<"Softplus", 26, "softplus">, I32EnumAttrCase<"Silu", 27, "silu">,
  I32EnumAttrCase<"GeluErf", 28, "gelu_erf">, I32EnumAttrCase<"GeluTanh", 29, "gelu_tanh">,
  I32EnumAttrCase<"Not", 30, "not">, I32EnumAttrCase<"BitwiseNot", 31, "bitwise_not">,
  I32EnumAttrCase<"IsNan", 32, "is_nan">, I32EnumAttrCase<"IsInf", 33, "is_inf">]>;
def Lutra_UnaryKind : Lutra_EnumAttr<Lutra_UnaryKindEnum, "unary_kind">;

// mod takes the sign of the divisor (Python), rem of the dividend (C fmod). Integer division
// truncates. shift_right is logical.
def Lutra_BinaryKindEnum : Lutra_Enum<"BinaryKind", [
  I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Sub", 1, "sub">,
  I32EnumAttrCase<"Mul", 2, "mul">, I32EnumAttrCase<"Div", 3, "div">,
  I32EnumAttrCase<"Pow", 4, "pow">, I32EnumAttrCase<"Max", 5, "max">,
  I32EnumAttrCase<"Min", 6, "min">, I32EnumAttrCase<"Mod", 7, "mod">,
  I32EnumAttrCase<"Rem", 8, "rem">, I32EnumAttrCase<"And", 9, "and">,
  I32EnumAttrCase<"Or", 10, "or">, I32EnumAttrCase<"Xor", 11, "xor">,
  I32EnumAttrCase<"ShiftLeft", 12, "shift_left">,
  I32EnumAttrCase<"ShiftRight", 13, "shift_right">]>;
def Lutra_BinaryKind : Lutra_EnumAttr<Lutra_BinaryKindEnum, "binary_kind">;

def Lutra_CompareKindEnum : Lutra_Enum<"CompareKind", [
  I32EnumAttrCase<"Equal", 0, "eq">, I32EnumAttrCase<"NotEqual", 1, "ne">,
  I32EnumAttrCase<"Less", 2, "lt">, I32EnumAttrCase<"LessEqual", 3, "le">,
  I32EnumAttrCase<"Greater", 4, "gt">, I32EnumAttrCase<"GreaterEqual", 5, "ge">]>;
def Lutra_CompareKind : Lutra_EnumAttr<Lutra_CompareKindEnum, "compare_kind">;

def Lutra_ReduceKindEnum : Lutra_Enum<"ReduceKind", [
  I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Prod", 1, "prod">,
  I32EnumAttrCase<"Max", 2, "max">, I32EnumAttrCase<"Min", 3, "min">]>;
def Lutra_ReduceKind : Lutra_EnumAttr<Lutra_ReduceKindEnum, "reduce_kind">;

def Lutra_PoolKindEnum : Lutra_Enum<"PoolKind", [
  I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Average", 1, "average">]>;
def Lutra_PoolKind : Lutra_EnumAttr<Lutra_PoolKindEnum, "pool_kind">;

def Lutra_PadModeEnum : Lutra_Enum<"PadMode", [
  I32EnumAttrCase<"Constant", 0, "constant">, I32EnumAttrCase<"Edge", 1, "edge">,
  I32EnumAttrCase<"Reflect", 2, "reflect">, I32EnumAttrCase<"Wrap", 3, "wrap">]>;
def Lutra_PadMode : Lutra_EnumAttr<Lutra_PadModeEnum, "pad_mode">;

def Lutra_ScatterKindEnum : Lutra_Enum<"ScatterKind", [
  I32EnumAttrCase<"Set", 0, "set">, I32EnumAttrCase<"Add", 1, "add">,
  I32EnumAttrCase<"Mul", 2, "mul">, I32EnumAttrCase<"Max", 3, "max">,
  I32EnumAttrCase<"Min", 4, "min">]>;
def Lutra_ScatterKind : Lutra_EnumAttr<Lutra_ScatterKindEnum, "scatter_kind">;

def Lutra_ConvLayoutEnum : Lutra_Enum<"ConvLayout", [
  I32EnumAttrCase<"ChannelsFirst", 0, "channels_first">,
  I32EnumAttrCase<"ChannelsLast", 1, "channels_last">]>;
def Lutra_ConvLayout : Lutra_EnumAttr<Lutra_ConvLayoutEnum, "conv_layout">;

def Lutra_ResizeModeEnum : Lutra_Enum<"ResizeMode", [
  I32EnumAttrCase<"Nearest", 0, "nearest">, I32EnumAttrCase<"Linear", 1, "linear">,
  I32EnumAttrCase<"Cubic", 2, "cubic">]>;
def Lutra_ResizeMode : Lutra_EnumAttr<Lutra_ResizeModeEnum, "resize_mode">;
def Lutra_ResizeCoordinatesEnum : Lutra_Enum<"ResizeCoordinates", [
  I32EnumAttrCase<"HalfPixel", 0, "half_pixel">,
  I32EnumAttrCase<"PytorchHalfPixel", 1, "pytorch_half_pixel">,
  I32EnumAttrCase<"AlignCorners", 2, "align_corners">,
  I32EnumAttrCase<"Asymmetric", 3, "asymmetric">]>;
def Lutra_ResizeCoordinates : Lutra_EnumAttr<Lutra_ResizeCoordinatesEnum, "resize_coordinates">;
def Lutra_ResizeRoundingEnum : Lutra_Enum<"ResizeRounding", [
  I32EnumAttrCase<"RoundPreferFloor", 0, "round_prefer_floor">,
  I32EnumAttrCase<"RoundPreferCeil", 1, "round_prefer_ceil">,
  I32EnumAttrCase<"Floor", 2, "floor">, I32EnumAttrCase<"Ceil", 3, "ceil">]>;
def Lutra_ResizeRounding : Lutra_EnumAttr<Lutra_ResizeRoundingEnum, "resize_rounding">;

def Lutra_RecurrentDirectionEnum : Lutra_Enum<"RecurrentDirection", [
  I32EnumAttrCase<"Forward", 0, "forward">, I32EnumAttrCase<"Reverse", 1, "reverse">,
  I32EnumAttrCase<"Bidirectional", 2, "bidirectional">]>;
def Lutra_RecurrentDirection
    : Lutra_EnumAttr<Lutra_RecurrentDirectionEnum, "recurrent_direction">;

// How the right-hand operand of a tile product lies in memory.
def Lutra_PanelLayoutEnum : Lutra_Enum<"PanelLayout", [
  I32EnumAttrCase<"RowMajor", 0, "row_major">,    // [K, N], N contiguous
  I32EnumAttrCase<"ColMajor", 1, "col_major">,    // [N, K], K contiguous
  I32EnumAttrCase<"Panel", 2, "panel">,           // [N / width, K, width]
  I32EnumAttrCase<"DeepPanel", 3, "deep_panel">]>; // [N / width, K / depth, width, depth]
def Lutra_PanelLayout : Lutra_EnumAttr<Lutra_PanelLayoutEnum, "panel_layout">;

#endif
