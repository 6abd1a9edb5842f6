//===- InitializerBytes.cpp - weights that stay in the model's file --------===//
// protobuf copies every field that it parses. A model is mostly weights, whose raw_data lies in the file as we store it
// too: a walk over the wire format takes those fields out, and parses what is left.
#include "ModelFile.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

using namespace llvm;
using namespace lutra;
using namespace lutra::frontend;
using google::protobuf::internal::WireFormatLite;

/// Smaller ones are copied.
static constexpr size_t leastBytes = 1 << 16;

/// Calls body(field, its whole text, its payload; empty for numbers) for each field; false when `message` is none.
static bool forFields(StringRef message, function_ref<bool(int, StringRef, StringRef)> body) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t *>(message.data()),
                                            static_cast<int>(message.size()));
  while (static_cast<size_t>(in.CurrentPosition()) < message.size()) {
    size_t begin = in.CurrentPosition(), payload = 0;
    uint32_t tag = in.ReadTag(), length = 0;
    bool isText = WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    if (tag == 0)
      return false;
    if (isText) {
      if (!in.ReadVarint32(&length))
        return false;
      payload = in.CurrentPosition();
      if (length > message.size() - payload || !in.Skip(static_cast<int>(length)))
        return false;
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return false;
    }
    if (!body(isText ? WireFormatLite::GetTagFieldNumber(tag) : 0,
              message.slice(begin, static_cast<size_t>(in.CurrentPosition())), message.substr(payload, length)))
      return false;
  }
  return true;
}

static void append(std::string &out, StringRef text) { out.append(text.data(), text.size()); }

/// A field that holds a message.
static void appendMessage(std::string &out, int field, const std::string &message) {
  uint8_t head[10]; // a tag and a length of five bytes each
  uint8_t *end = google::protobuf::io::CodedOutputStream::WriteTagToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), head);
  end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(message.size()), end);
  out.append(reinterpret_cast<const char *>(head), end - head);
  out += message;
}

/// The model without the bytes of large initializers, which `found` gets; false when it is no model.
static bool takeOut(StringRef model, std::string &rest, InitializerBytes &found) {
  int position = 0;
  return forFields(model, [&](int field, StringRef whole, StringRef graph) {
    if (field != ::onnx::ModelProto::kGraphFieldNumber)
      return append(rest, whole), true;
    std::string graphRest;
    bool isGraph = forFields(graph, [&](int field, StringRef whole, StringRef tensor) {
      if (field != ::onnx::GraphProto::kInitializerFieldNumber)
        return append(graphRest, whole), true;
      std::string tensorRest;
      SmallVector<StringRef> data;
      bool isTensor = forFields(tensor, [&](int field, StringRef whole, StringRef payload) {
        if (field == ::onnx::TensorProto::kRawDataFieldNumber)
          data.push_back(payload);
        else
          append(tensorRest, whole);
        return true;
      });
      if (isTensor && data.size() == 1 && data.front().size() >= leastBytes) {
        found.push_back({position, ArrayRef<char>(data.front().data(), data.front().size())});
        appendMessage(graphRest, field, tensorRest);
      } else {
        append(graphRest, whole);
      }
      ++position;
      return isTensor;
    });
    appendMessage(rest, field, graphRest);
    return isGraph;
  });
}

std::optional<Fault> frontend::parseModel(StringRef bytes, ::onnx::ModelProto &model, InitializerBytes &found) {
  std::string rest;
  if (bytes.size() > INT32_MAX || !takeOut(bytes, rest, found)) {
    found.clear();
    return parseModel(bytes, model);
  }
  return parseModel(bytes.empty() ? bytes : StringRef(rest), model);
}
