//===- BlobFile.h - weight.bin, Apple's blob storage version 2 ---------------===//
// A 64-byte header (count, version), then for each blob 64 bytes of metadata and its data; metadata and
// data start at multiples of 64. A program refers to a blob by the offset of its metadata.
#ifndef LUTRA_LIB_TARGET_MIL_BLOBFILE_H
#define LUTRA_LIB_TARGET_MIL_BLOBFILE_H

#include "mlir/IR/Types.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

namespace lutra::mil {

enum class BlobType : uint32_t {
  Float16 = 1,
  Float32 = 2,
  UInt8 = 3,
  Int8 = 4,
  Int16 = 6,
  UInt16 = 7,
  Int32 = 14
};

/// How an element type is stored, if the specification version stores it in blobs.
std::optional<BlobType> blobTypeOf(mlir::Type element, int64_t spec);

/// Appends blobs to a stream that was empty. `finish` writes the header's count.
class BlobWriter {
public:
  explicit BlobWriter(llvm::raw_pwrite_stream &stream) : stream(stream) {}
  /// Offset of the new blob's metadata.
  uint64_t add(BlobType type, llvm::ArrayRef<char> data);
  void finish();
  bool empty() const { return count == 0; }

private:
  void pad();

  llvm::raw_pwrite_stream &stream;
  uint64_t position = 0;
  uint32_t count = 0;
};

struct BlobView {
  BlobType type;
  uint64_t offset = 0; // of the metadata
  llvm::StringRef data;
};

/// The blob at a metadata offset; nothing (and a reason) when the file does not hold one there.
std::optional<BlobView> readBlob(llvm::StringRef file, uint64_t offset, std::string &why);
/// Every blob in order, from the header's count.
std::optional<llvm::SmallVector<BlobView>> walkBlobs(llvm::StringRef file, std::string &why);

} // namespace lutra::mil

#endif // LUTRA_LIB_TARGET_MIL_BLOBFILE_H
