//===- BlobFile.cpp - weight.bin, Apple's blob storage version 2 -------------===//
#include "BlobFile.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace lutra::mil;
namespace endian = llvm::support::endian;

static constexpr uint32_t kSentinel = 0xDEADBEEF;
static constexpr uint32_t kVersion = 2;
static constexpr uint64_t kUnit = 64;

std::optional<BlobType> lutra::mil::blobTypeOf(mlir::Type element, int64_t spec) {
  if (element.isF16())
    return BlobType::Float16;
  if (element.isF32())
    return BlobType::Float32;
  if (element.isUnsignedInteger(8))
    return BlobType::UInt8;
  if (element.isSignlessInteger(8))
    return BlobType::Int8;
  if (spec < 9) // wider integers came with specification version 9
    return std::nullopt;
  if (element.isSignlessInteger(16))
    return BlobType::Int16;
  if (element.isUnsignedInteger(16))
    return BlobType::UInt16;
  if (element.isSignlessInteger(32))
    return BlobType::Int32;
  return std::nullopt;
}

void BlobWriter::pad() {
  uint64_t next = llvm::alignTo(position, kUnit);
  stream.write_zeros(next - position);
  position = next;
}

uint64_t BlobWriter::add(BlobType type, llvm::ArrayRef<char> data) {
  if (position == 0) {
    stream.write_zeros(kUnit);
    position = kUnit;
  }
  pad();
  uint64_t offset = position;
  char metadata[kUnit] = {};
  endian::write32le(metadata, kSentinel);
  endian::write32le(metadata + 4, static_cast<uint32_t>(type));
  endian::write64le(metadata + 8, data.size());
  endian::write64le(metadata + 16, offset + kUnit);
  stream.write(metadata, kUnit);
  stream.write(data.data(), data.size());
  position = offset + kUnit + data.size();
  ++count;
  return offset;
}

void BlobWriter::finish() {
  if (position == 0)
    return;
  char header[8];
  endian::write32le(header, count);
  endian::write32le(header + 4, kVersion);
  stream.pwrite(header, sizeof(header), 0);
}

std::optional<BlobView> lutra::mil::readBlob(llvm::StringRef file, uint64_t offset, std::string &why) {
  auto fail = [&](const llvm::Twine &reason) -> std::optional<BlobView> {
    why = reason.str();
    return std::nullopt;
  };
  if (offset % kUnit || offset < kUnit)
    return fail("offset " + llvm::Twine(offset) + " is no multiple of 64 behind the header");
  if (file.size() < kUnit || offset > file.size() - kUnit)
    return fail("offset " + llvm::Twine(offset) + " lies behind the end of the weight file");
  const char *metadata = file.data() + offset;
  if (endian::read32le(metadata) != kSentinel)
    return fail("no blob starts at offset " + llvm::Twine(offset));
  BlobView blob;
  blob.type = static_cast<BlobType>(endian::read32le(metadata + 4));
  blob.offset = offset;
  uint64_t size = endian::read64le(metadata + 8), start = endian::read64le(metadata + 16);
  if (start != offset + kUnit)
    return fail("the blob at " + llvm::Twine(offset) + " does not start behind its metadata");
  if (start > file.size() || size > file.size() - start)
    return fail("the blob at " + llvm::Twine(offset) + " is longer than the weight file");
  blob.data = file.substr(start, size);
  return blob;
}

std::optional<llvm::SmallVector<BlobView>> lutra::mil::walkBlobs(llvm::StringRef file, std::string &why) {
  if (file.size() < kUnit || endian::read32le(file.data() + 4) != kVersion) {
    why = "the weight file has no header of version 2";
    return std::nullopt;
  }
  llvm::SmallVector<BlobView> blobs;
  uint64_t offset = kUnit;
  for (uint32_t left = endian::read32le(file.data()); left > 0; --left) {
    std::optional<BlobView> blob = readBlob(file, offset, why);
    if (!blob)
      return std::nullopt;
    offset = llvm::alignTo(blob->offset + kUnit + blob->data.size(), kUnit);
    blobs.push_back(*blob);
  }
  if (offset < file.size()) {
    why = "the weight file goes on behind its last blob";
    return std::nullopt;
  }
  return blobs;
}
