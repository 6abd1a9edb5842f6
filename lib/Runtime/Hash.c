/*===- Hash.c - XXH64 of the weights ------------------------------------------===*
 * The published algorithm (seed 0): four lanes of 64-bit multiply and rotate over 32-byte stripes, then a mix. About 8
 * GB/s, so checking a file costs less than reading it. Not a cryptographic hash: it finds damage, not malice.
 *===----------------------------------------------------------------------===*/
#include "Internal.h"

#include <string.h>

#define PRIME1 0x9E3779B185EBCA87ull
#define PRIME2 0xC2B2AE3D27D4EB4Full
#define PRIME3 0x165667B19E3779F9ull
#define PRIME4 0x85EBCA77C2B2AE63ull
#define PRIME5 0x27D4EB2F165667C5ull

static uint64_t rotate(uint64_t value, int by) { return value << by | value >> (64 - by); }

static uint64_t read64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint64_t mixLane(uint64_t lane, uint64_t input) {
  return rotate(lane + input * PRIME2, 31) * PRIME1;
}

static uint64_t mergeLane(uint64_t hash, uint64_t lane) {
  return (hash ^ mixLane(0, lane)) * PRIME1 + PRIME4;
}

void lutra_rt_hash_begin(lutra_hash *hash) {
  *hash = (lutra_hash){{PRIME1 + PRIME2, PRIME2, 0, 0 - PRIME1}, 0};
}

void lutra_rt_hash_stripes(lutra_hash *hash, const void *data, uint64_t bytes) {
  const uint8_t *at = data, *end = at + bytes;
  uint64_t a = hash->lanes[0], b = hash->lanes[1], c = hash->lanes[2], d = hash->lanes[3];
  for (; at != end; at += LUTRA_HASH_STRIPE) {
    a = mixLane(a, read64(at));
    b = mixLane(b, read64(at + 8));
    c = mixLane(c, read64(at + 16));
    d = mixLane(d, read64(at + 24));
  }
  *hash = (lutra_hash){{a, b, c, d}, hash->bytes + bytes};
}

uint64_t lutra_rt_hash_end(const lutra_hash *begun, const void *data, uint64_t bytes) {
  const uint8_t *at = data, *end = at + bytes;
  uint64_t hash = PRIME5;
  if (begun->bytes > 0) {
    const uint64_t *lanes = begun->lanes;
    hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (int lane = 0; lane < 4; ++lane)
      hash = mergeLane(hash, lanes[lane]);
  }
  hash += begun->bytes + bytes;
  for (; end - at >= 8; at += 8)
    hash = rotate(hash ^ mixLane(0, read64(at)), 27) * PRIME1 + PRIME4;
  if (end - at >= 4) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    hash = rotate(hash ^ word * PRIME1, 23) * PRIME2 + PRIME3;
    at += 4;
  }
  for (; at != end; ++at)
    hash = rotate(hash ^ *at * PRIME5, 11) * PRIME1;
  hash = (hash ^ hash >> 33) * PRIME2;
  hash = (hash ^ hash >> 29) * PRIME3;
  return hash ^ hash >> 32;
}

uint64_t lutra_rt_hash(const void *data, uint64_t bytes) {
  lutra_hash hash;
  uint64_t whole = bytes - bytes % LUTRA_HASH_STRIPE;
  lutra_rt_hash_begin(&hash);
  lutra_rt_hash_stripes(&hash, data, whole);
  return lutra_rt_hash_end(&hash, (const uint8_t *)data + whole, bytes - whole);
}
