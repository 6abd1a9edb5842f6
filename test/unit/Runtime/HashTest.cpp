//===- HashTest.cpp - XXH64 of weights, whole and in parts --------------------===//
#include "lutra/Runtime/ModelTable.h"

#include "gtest/gtest.h"

#include <numeric>
#include <vector>

/// Values that the algorithm's authors publish for seed 0.
TEST(Hash, is_xxh64) {
  EXPECT_EQ(lutra_rt_hash("", 0), 0xEF46DB3751D8E999ull);
  EXPECT_EQ(lutra_rt_hash("abc", 3), 0x44BC2CF5AD770999ull);
}

TEST(Hash, parts_give_the_hash_of_the_whole) {
  for (size_t size : {0, 1, 31, 32, 33, 63, 64, 100, 4096, 5001}) {
    std::vector<unsigned char> data(size);
    std::iota(data.begin(), data.end(), 7);
    for (size_t stripes : {0, 1, 2, 5}) {
      size_t first = std::min(stripes, size / LUTRA_HASH_STRIPE) * LUTRA_HASH_STRIPE;
      size_t whole = size / LUTRA_HASH_STRIPE * LUTRA_HASH_STRIPE;
      lutra_hash hash;
      lutra_rt_hash_begin(&hash);
      lutra_rt_hash_stripes(&hash, data.data(), first);
      lutra_rt_hash_stripes(&hash, data.data() + first, whole - first);
      EXPECT_EQ(lutra_rt_hash_end(&hash, data.data() + whole, size - whole), lutra_rt_hash(data.data(), size)) << size;
    }
  }
}
