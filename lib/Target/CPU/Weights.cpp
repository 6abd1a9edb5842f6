//===- Weights.cpp - the bytes of a model's weights ---------------------------===//
// Large weights are written through a mapping of the output file, so that no second copy lives in memory. The
// file's blocks are reserved first: a full disk is an error code, not a bus error.
#include "Internal.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Runtime/ModelTable.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
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
    weights.parts.push_back({static_cast<uint64_t>(offset.getInt()), bytes, data,
                             type.getElementType()});
  }
  return weights;
}

void WeightSection::copyTo(char *target) const {
  for (const Part &part : parts) {
    char *at = target + part.offset;
    ArrayRef<char> raw = rawBytes(part.data);
    if (!raw.empty()) {
      std::memcpy(at, raw.data(), part.bytes);
      continue;
    }
    auto dense = dyn_cast<DenseElementsAttr>(part.data);
    if (!dense || part.bytes == 0)
      continue;
    if (dense.getElementType().isInteger(1)) {
      for (bool value : dense.getValues<bool>())
        *at++ = value;
      continue;
    }
    ArrayRef<char> element = dense.getRawData();
    for (uint64_t done = 0; done + element.size() <= part.bytes; done += element.size())
      std::memcpy(at + done, element.data(), element.size());
  }
}

FailureOr<uint64_t> WeightSection::writeFile(StringRef path, Location loc) const {
  auto fail = [&](int error) -> LogicalResult {
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot write " << path << ": " << llvm::sys::StrError(error);
  };
  int file = ::open(path.str().c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0)
    return fail(errno);
  uint64_t total = LUTRA_WEIGHTS_OFFSET + bytes;
  if (int error = ::posix_fallocate(file, 0, total)) {
    ::close(file);
    return fail(error);
  }
  void *mapping = ::mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapping == MAP_FAILED) {
    int error = errno;
    ::close(file);
    return fail(error);
  }
  char *base = static_cast<char *>(mapping);
  copyTo(base + LUTRA_WEIGHTS_OFFSET);
  lutra_weights_header header = {};
  std::memcpy(header.magic, LUTRA_WEIGHTS_MAGIC, sizeof header.magic);
  header.abi_version = LUTRA_ABI_VERSION;
  header.offset = LUTRA_WEIGHTS_OFFSET;
  header.bytes = bytes;
  header.hash = lutra_rt_hash(base + LUTRA_WEIGHTS_OFFSET, bytes);
  std::memcpy(base, &header, sizeof header);
  ::munmap(mapping, total);
  if (::close(file) != 0)
    return fail(errno);
  return header.hash;
}

} // namespace lutra
