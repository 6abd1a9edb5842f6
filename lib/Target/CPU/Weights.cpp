//===- Weights.cpp - the bytes of a model's weights ---------------------------===//
// Large weights go to their file one by one, and each is freed when it is written. The file's blocks are reserved
// first: a full disk is known before work is done.
#include "Internal.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Runtime/ModelTable.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/MathExtras.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace mlir;

namespace lutra {

/// Raw bytes of an attribute that stores them as they lie in memory; empty for splats and truth values.
static ArrayRef<char> rawBytes(ElementsAttr data) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(data)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = dyn_cast<DenseElementsAttr>(data);
  if (!dense || dense.isSplat() || dense.getElementType().isInteger(1))
    return {};
  return dense.getRawData();
}

FailureOr<WeightSection> WeightSection::collect(ModuleOp module) {
  WeightSection weights;
  if (auto total = module->getAttrOfType<IntegerAttr>("lutra.weight_bytes"))
    weights.bytes = total.getInt();
  for (auto global : module.getOps<GlobalOp>()) {
    auto offset = global->getAttrOfType<IntegerAttr>("lutra.offset");
    if (!offset)
      continue;
    MemRefType type = getBufferType(cast<RankedTensorType>(global.getType()));
    if (!type)
      return emitCodedError(global.getLoc(), ErrorCode::UnsupportedType)
             << "weight @" << global.getSymName() << " of type " << global.getType()
             << " has no stored form on a CPU";
    uint64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    ElementsAttr data = global.getData();
    ArrayRef<char> raw = rawBytes(data);
    bool computed = isa<DenseElementsAttr>(data) && raw.empty();
    if (!computed && raw.size() != bytes)
      return emitCodedError(global.getLoc(), ErrorCode::GraphType)
             << "weight @" << global.getSymName() << " needs " << bytes << " bytes, but has "
             << raw.size();
    weights.parts.push_back({static_cast<uint64_t>(offset.getInt()), bytes, data});
  }
  llvm::sort(weights.parts, [](const Part &a, const Part &b) { return a.offset < b.offset; });
  return weights;
}

void WeightSection::copyTo(char *target) const {
  for (const Part &part : parts)
    part.copyTo(target + part.offset);
}

void WeightSection::Part::copyTo(char *at) const {
  if (ArrayRef<char> raw = rawBytes(data); !raw.empty()) {
    std::memcpy(at, raw.data(), bytes);
    return;
  }
  auto dense = dyn_cast<DenseElementsAttr>(data);
  if (!dense || bytes == 0)
    return;
  if (dense.getElementType().isInteger(1)) {
    for (bool value : dense.getValues<bool>())
      *at++ = value;
    return;
  }
  ArrayRef<char> element = dense.getRawData();
  for (uint64_t done = 0; done + element.size() <= bytes; done += element.size())
    std::memcpy(at + done, element.data(), element.size());
}

namespace {
/// A file of known size that is written once, from its start to its end, and the hash of all behind its header.
class WeightsFile {
public:
  WeightsFile(const std::string &path, uint64_t total) {
    file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    error = file < 0 ? errno : ::posix_fallocate(file, 0, total);
    lutra_rt_hash_begin(&state);
  }
  ~WeightsFile() { (void)close(); }
  int getError() const { return error; }

  void write(uint64_t at, ArrayRef<char> bytes) {
    while (!error && !bytes.empty()) {
      ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), at);
      if (count < 0 && errno != EINTR)
        error = errno;
      if (count <= 0)
        continue;
      at += count;
      bytes = bytes.drop_front(count);
    }
  }

  void hash(ArrayRef<char> bytes) {
    hashed += bytes.size();
    if (!carry.empty()) {
      size_t missing = std::min<size_t>(LUTRA_HASH_STRIPE - carry.size(), bytes.size());
      carry.append(bytes.begin(), bytes.begin() + missing);
      bytes = bytes.drop_front(missing);
      if (carry.size() < LUTRA_HASH_STRIPE)
        return;
      lutra_rt_hash_stripes(&state, carry.data(), carry.size());
      carry.clear();
    }
    size_t whole = bytes.size() - bytes.size() % LUTRA_HASH_STRIPE;
    lutra_rt_hash_stripes(&state, bytes.data(), whole);
    carry.append(bytes.begin() + whole, bytes.end());
  }
  void hashZerosTo(uint64_t end) {
    static const char zeros[4096] = {};
    while (hashed < end)
      hash(ArrayRef(zeros, std::min<uint64_t>(sizeof zeros, end - hashed)));
  }
  uint64_t getHash() const { return lutra_rt_hash_end(&state, carry.data(), carry.size()); }

  int close() {
    if (file >= 0 && ::close(file) != 0 && !error)
      error = errno;
    file = -1;
    return error;
  }

private:
  int file = -1, error = 0;
  lutra_hash state;
  SmallVector<char, LUTRA_HASH_STRIPE> carry; // bytes of a stripe that is not whole
  uint64_t hashed = 0;
};
} // namespace

FailureOr<uint64_t> WeightSection::writeFile(StringRef path, Location loc) {
  WeightsFile file(path.str(), LUTRA_WEIGHTS_OFFSET + bytes);
  llvm::StringMap<int> readers; // of resources, which several weights may share
  for (const Part &part : parts)
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(part.data))
      ++readers[resource.getRawHandle().getKey()];
  SmallVector<char, 0> computed;
  for (const Part &part : parts) {
    if (file.getError())
      break;
    ArrayRef<char> raw = rawBytes(part.data);
    if (raw.empty()) {
      computed.assign(part.bytes, 0);
      part.copyTo(computed.data());
      raw = computed;
    }
    file.write(LUTRA_WEIGHTS_OFFSET + part.offset, raw);
    file.hashZerosTo(part.offset);
    file.hash(raw);
    auto resource = dyn_cast<DenseResourceElementsAttr>(part.data);
    if (!resource || --readers[resource.getRawHandle().getKey()] > 0)
      continue;
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob && blob->isMutable()) // else it is a view of a file
      resource.getRawHandle().getResource()->setBlob({});
  }
  file.hashZerosTo(bytes);
  lutra_weights_header header = {};
  std::memcpy(header.magic, LUTRA_WEIGHTS_MAGIC, sizeof header.magic);
  header.abi_version = LUTRA_ABI_VERSION;
  header.offset = LUTRA_WEIGHTS_OFFSET;
  header.bytes = bytes;
  header.hash = file.getHash();
  file.write(0, ArrayRef(reinterpret_cast<const char *>(&header), sizeof header));
  if (int error = file.close())
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot write " << path << ": " << llvm::sys::StrError(error);
  return header.hash;
}

} // namespace lutra
