//===- EncodedTensorTest.cpp - streams of codes and side values --------------===//
// Exhaustive where the codes can be counted; whole tensors are compared with a NumPy oracle in test/python.
#include "lutra/Support/CodeStream.h"
#include "lutra/Support/EncodedPanels.h"
#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <array>
#include <cmath>
#include <ctime>

using namespace lutra;

TEST(CodeStream, every_width_keeps_every_bit) {
  for (unsigned bits = 1; bits <= 32; ++bits) {
    // All codes of narrow widths, a sample of wide ones.
    std::vector<uint32_t> fields;
    uint64_t mask = (uint64_t(1) << bits) - 1;
    for (uint64_t i = 0; i < std::min<uint64_t>(uint64_t(1) << bits, 65536); ++i)
      fields.push_back(uint32_t((bits <= 16 ? i : i * 2654435761u) & mask));
    for (size_t count : {fields.size(), size_t(1), std::min<size_t>(fields.size(), 13)}) {
      llvm::ArrayRef<uint32_t> some = llvm::ArrayRef(fields).take_back(count);
      std::vector<uint8_t> bytes(streamBytes(count, bits) + 1, 0xa5), other(bytes);
      packFields(some, bits, bytes.data());
      EXPECT_EQ(bytes.back(), 0xa5) << "wrote behind the row";
      if (unsigned used = count * bits % 8)
        EXPECT_EQ(bytes[bytes.size() - 2] >> used, 0) << "padding is 0";
      std::vector<uint32_t> got(count);
      unpackFields(bytes.data(), bits, got);
      EXPECT_EQ(llvm::ArrayRef(got), some) << bits;
      for (size_t i = count; i-- > 0;)
        setField(other.data(), bits, i, some[i]);
      for (size_t i = 0; i < count; ++i)
        ASSERT_EQ(getField(other.data(), bits, i), some[i]) << bits << " bits at " << i;
    }
  }
}

TEST(CodeStream, lowest_bits_come_first) {
  uint8_t row[3];
  packFields({1, 2, 3, 4}, 4, row);
  EXPECT_EQ(row[0], 0x21);
  EXPECT_EQ(row[1], 0x43);
  packFields({5, 1, 7}, 3, row); // 101, 001 above, 111 above
  EXPECT_EQ(row[0], 0xcd);
  EXPECT_EQ(row[1], 0x01);
}

TEST(CodeStream, digits_of_every_word) {
  for (RadixForm form :
       {RadixForm{3, 5}, RadixForm{3, 3}, RadixForm{3, 2}, RadixForm{5, 3}, RadixForm{2, 8}, RadixForm{9, 4}}) {
    auto states = (uint32_t)std::pow(form.base, form.digits);
    std::vector<uint32_t> words, codes(size_t(states) * form.digits);
    for (uint32_t word = 0; word < states; ++word)
      words.push_back(word);
    EXPECT_FALSE(splitDigits(words, form, codes));
    EXPECT_EQ(codes[form.digits], 1u) << "the first digit is the least significant";
    std::vector<uint32_t> again(words.size());
    joinDigits(codes, form, again);
    EXPECT_EQ(again, words);
    words[1] = states;
    EXPECT_EQ(splitDigits(words, form, codes), 1);
  }
}

static SideType typeOf(llvm::StringRef text) { return *SideType::parse(text); }

TEST(SideValues, every_code_is_its_own_nearest) {
  for (llvm::StringRef name : {"u1", "u6", "u16", "i2", "i8", "i16", "f16", "bf16", "e8m0", "e4m3", "ue4m3", "e5m2"}) {
    SideType type = typeOf(name);
    double low = INFINITY, high = -INFINITY;
    for (uint32_t code = 0; code < 1u << type.bits(); ++code) {
      double value = decodeSide(type, code);
      if (!std::isfinite(value))
        continue;
      ASSERT_EQ(encodeSide(type, value), code) << name.str() << " code " << code;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    EXPECT_EQ(low, leastOf(type)) << name.str();
    EXPECT_EQ(high, greatestOf(type)) << name.str();
    // Saturation, also of infinities.
    for (double beyond : {high * 2 + 1, (double)INFINITY})
      EXPECT_EQ(decodeSide(type, encodeSide(type, beyond)), high) << name.str();
    EXPECT_EQ(decodeSide(type, encodeSide(type, -INFINITY)), low) << name.str();
  }
}

TEST(SideValues, ties_go_to_the_even_code) {
  for (llvm::StringRef name : {"u8", "f16", "bf16", "e8m0", "e4m3", "ue4m3", "e5m2"}) {
    SideType type = typeOf(name);
    for (uint32_t code = 0; code + 1 < 1u << (type.bits() - 1); ++code) {
      double below = decodeSide(type, code), above = decodeSide(type, code + 1), middle = (below + above) / 2;
      if (!std::isfinite(above))
        continue;
      uint32_t even = code % 2 ? code + 1 : code;
      ASSERT_EQ(encodeSide(type, middle), even) << name.str() << ' ' << code;
      ASSERT_EQ(encodeSide(type, std::nextafter(middle, below)), code) << name.str();
      ASSERT_EQ(encodeSide(type, std::nextafter(middle, above)), code + 1) << name.str();
    }
  }
}

TEST(SideValues, nan_stays_nan_where_there_is_one) {
  for (llvm::StringRef name : {"f32", "f16", "bf16", "e8m0", "e4m3", "ue4m3", "e5m2"})
    EXPECT_TRUE(std::isnan(decodeSide(typeOf(name), encodeSide(typeOf(name), NAN)))) << name.str();
  EXPECT_EQ(encodeSide(typeOf("u8"), NAN), 0u);
  EXPECT_TRUE(std::isnan(decodeSide(typeOf("ue4m3"), 0x80)));
  EXPECT_EQ(encodeSide(typeOf("e8m0"), -1), 0u);
  EXPECT_EQ(encodeSide(typeOf("ue4m3"), -1), 0u);
}

static WeightFormat plainFormat(unsigned bits) {
  WeightFormat format;
  format.code.numbers = {bits};
  ScaleForm scale;
  scale.element = typeOf("f16");
  scale.gn = 1;
  scale.gk = 32;
  format.scales = {scale};
  return format;
}

static Encoding denseOf(const WeightFormat &format) {
  Encoding encoding;
  encoding.terms.emplace_back().formats = {format};
  return encoding;
}

TEST(EncodedTensor, sizes_that_overflow_are_refused) {
  Encoding encoding = denseOf(plainFormat(4));
  for (auto [n, k] :
       {std::pair<int64_t, int64_t>{-1, 4}, {int64_t(1) << 31, 1}, {int64_t(1) << 30, int64_t(1) << 30}}) {
    llvm::Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
    EXPECT_FALSE(bool(layout));
    llvm::consumeError(layout.takeError());
  }
}

/// Speed is printed, not tested: `EncodedTensorTest --gtest_also_run_disabled_tests --gtest_filter=*Speed*`.
TEST(EncodedTensor, DISABLED_Speed) {
  int64_t n = 2048, k = 2048;
  std::vector<double> values(n * k);
  uint64_t state = 1;
  for (double &value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = (float)((double)(state >> 11) / (double)(uint64_t(1) << 53) - 0.5);
  }
  WeightFormat asymmetric = plainFormat(4), symmetric = plainFormat(4), byte = plainFormat(8), table = plainFormat(4),
               mx = plainFormat(4), row = plainFormat(8);
  asymmetric.zero.kind = ZeroForm::Tensor;
  asymmetric.zero.element = typeOf("u4");
  asymmetric.zero.gn = 1;
  asymmetric.zero.gk = 32;
  symmetric.value.offset = -8;
  byte.value.offset = -128;
  row.code.kind = CodeForm::Int;
  row.scales[0].gk = kWhole;
  table.value.kind = ValueMap::Table;
  table.value.entries = 16;
  table.value.values = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  mx.value.kind = ValueMap::Float;
  mx.value.exponent = 2;
  mx.value.mantissa = mx.value.bias = 1;
  mx.scales[0].element = typeOf("e8m0");
  for (const WeightFormat &format : {asymmetric, symmetric, byte, row, table, mx}) {
    Encoding encoding = denseOf(format);
    auto seconds = [start = std::clock()] { return (double)(std::clock() - start) / CLOCKS_PER_SEC; };
    std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(encoding, n, k, values));
    double encode = seconds();
    std::vector<double> decoded = llvm::cantFail(decodeTensor(encoding, n, k, bytes));
    double decode = seconds() - encode, megabytes = (double)(n * k) * 4 / 1e6;
    printf("%-70s encode %6.0f MB/s, decode %6.0f MB/s\n", encoding.text().c_str(), megabytes / encode,
           megabytes / decode);
  }
}

/// Every field of the canonical bytes is somewhere in the panels, and nothing else is.
TEST(EncodedPanels, panels_and_back) {
  auto check = [](const Encoding &encoding, int64_t n, int64_t k, int64_t width, int64_t depth) {
    EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, n, k));
    EncodedPanels panels = llvm::cantFail(EncodedPanels::of(encoding, n, k, width, depth));
    std::vector<uint8_t> canonical(layout.bytes), packed(panels.bytes, 0xa5), again(layout.bytes, 0xa5);
    uint32_t state = 7;
    for (const EncodedArray &array : layout.arrays)
      for (int64_t row = 0; row < array.rows; ++row)
        for (int64_t column = 0; column < array.columns; ++column) {
          state = state * 1664525 + 1013904223;
          uint32_t mask = array.element.bits() == 32 ? ~0u : (1u << array.element.bits()) - 1;
          uint8_t *stream = canonical.data() + array.offset + row * array.rowBytes;
          setField(stream, array.element.bits(), column, state >> 7 & mask);
        }
    panels.pack(encoding, canonical, packed);
    panels.unpack(encoding, packed, again);
    EXPECT_EQ(canonical, again) << encoding.text() << " " << n << "x" << k;
    // Rows and codes that do not exist hold 0.
    int64_t stray = 0, bytes = panels.wordBytes();
    for (int64_t panel = 0; panel < panels.panels(); ++panel)
      for (int64_t step = 0; step < panels.steps(); ++step)
        for (int64_t row = 0; row < width; ++row)
          for (int64_t i = 0; i < depth; ++i) {
            if (panel * width + row < n && step * depth + i < k)
              continue;
            for (const CodeWords::Piece &piece : panels.code.piecesOf(i / bytes)) {
              int64_t word = (panel * panels.steps() + step) * panels.code.words() + piece.word;
              uint8_t byte = packed[(word * width + row) * bytes + i % bytes];
              stray += (byte >> piece.at & ((1 << piece.count) - 1)) != 0;
            }
          }
    EXPECT_EQ(stray, 0);
  };
  for (int64_t bits = 1; bits <= 8; ++bits)
    for (bool zeros : {false, true})
      for (auto [n, k, group] : {std::array<int64_t, 3>{1, 1, 16}, {16, 64, 32}, {17, 70, 32}, {33, 31, kWhole}}) {
        Encoding encoding;
        WeightFormat &format = encoding.terms.emplace_back().formats.emplace_back();
        format.code.numbers = {bits};
        ScaleForm scale;
        scale.element.kind = bits == 2 ? SideType::F16 : SideType::F32;
        scale.gn = 1;
        scale.gk = group;
        format.scales = {scale};
        if (zeros) {
          format.zero.kind = ZeroForm::Tensor;
          format.zero.element = {SideType::Uint, static_cast<unsigned>(bits)};
          format.zero.gn = 1;
          format.zero.gk = group;
        }
        check(encoding, n, k, 16, panelDepthOf(encoding, 1));
        check(encoding, n, k, 8, panelDepthOf(encoding, 4));
        if (int64_t planes = planeDepthOf(encoding))
          check(encoding, n, k, 16, planes);
        if (zeros || group == kWhole)
          continue;
        format.value.kind = ValueMap::Table; // stored, four of them
        format.value.element.kind = SideType::F32;
        format.value.entries = int64_t(1) << bits;
        format.value.select = ValueMap::Group;
        format.value.selectBits = 2;
        check(encoding, n, k, 16, panelDepthOf(encoding, 1));
      }
}

/// Digits of base 3 in words of 2 bits and in triples.
TEST(EncodedPanels, triples_and_back) {
  Encoding encoding;
  WeightFormat &format = encoding.terms.emplace_back().formats.emplace_back();
  format.code.kind = CodeForm::Radix;
  format.code.numbers = {3, 5, 8};
  for (auto [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {17, 31}, {16, 96}, {5, 200}}) {
    EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, n, k));
    std::vector<uint8_t> canonical(layout.bytes);
    for (int64_t row = 0; row < n; ++row) {
      std::vector<uint32_t> digits(k), words((k + 4) / 5);
      for (int64_t i = 0; i < k; ++i)
        digits[i] = (row * 7 + i * i) % 3;
      joinDigits(digits, {3, 5}, words);
      packFields(words, 8, canonical.data() + layout.arrays[0].offset + row * layout.arrays[0].rowBytes);
    }
    for (int64_t bytes : {1, 4}) {
      EncodedPanels panels = llvm::cantFail(EncodedPanels::of(encoding, n, k, 16, tripleDepthOf(encoding, bytes)));
      EXPECT_EQ(panels.wordBytes(), bytes);
      EXPECT_EQ(panels.depth, 32 * bytes);
      EXPECT_EQ(panels.stepBytes(), 7 * 16 * bytes);
      std::vector<uint8_t> packed(panels.bytes, 0xa5), again(layout.bytes, 0xa5);
      panels.pack(encoding, canonical, packed);
      panels.unpack(encoding, packed, again);
      EXPECT_EQ(canonical, again) << n << "x" << k;
    }
  }
  encoding.terms[0].formats[0].code.numbers = {5, 3, 7};
  EXPECT_EQ(tripleDepthOf(encoding, 4), 0);
}

/// The eleven triples of a step: seven in the low bits of seven words, what lies above them holds the others.
TEST(EncodedPanels, triples_lie_in_seven_words) {
  Encoding encoding;
  encoding.terms.emplace_back().formats.emplace_back().code.kind = CodeForm::Radix;
  encoding.terms[0].formats[0].code.numbers = {3, 3, 5};
  EncodedPanels panels = llvm::cantFail(EncodedPanels::of(encoding, 1, 32, 1, 32));
  std::vector<uint8_t> canonical(llvm::cantFail(EncodedLayout::of(encoding, 1, 32)).bytes), packed(panels.bytes);
  packFields({5, 26, 0, 0, 0, 0, 0, 13, 0, 0, 8}, 5, canonical.data());
  panels.pack(encoding, canonical, packed);
  EXPECT_EQ(llvm::ArrayRef(packed).take_front(7), llvm::ArrayRef<uint8_t>({0xa5, 0x3a, 0, 0, 0, 0x00, 0x20}));
}

/// Every bit of every code lies in one place of its words, and no two in the same.
TEST(EncodedPanels, words_are_filled) {
  for (unsigned bits = 1; bits <= 8; ++bits) {
    CodeWords code{bits};
    std::vector<unsigned> filled(code.words(), 0);
    unsigned total = 0;
    for (unsigned field = 0; field < code.fields(); ++field) {
      unsigned next = 0;
      for (const CodeWords::Piece &piece : code.piecesOf(field)) {
        EXPECT_EQ(piece.to, next);
        unsigned mask = ((1u << piece.count) - 1) << piece.at;
        ASSERT_LT(piece.word, code.words());
        EXPECT_EQ(filled[piece.word] & mask, 0u);
        filled[piece.word] |= mask;
        next += piece.count;
        total += piece.count;
      }
      EXPECT_EQ(next, bits);
    }
    EXPECT_EQ(total, 8 * code.words());
  }
}

/// Two bits of 32 codes: four words of the low ones, then four of the high ones, and the same for 16 of three and four.
TEST(EncodedPanels, planes_lie_apart) {
  Encoding encoding;
  std::vector<int64_t> &numbers = encoding.terms.emplace_back().formats.emplace_back().code.numbers;
  numbers = {2};
  ASSERT_EQ(planeDepthOf(encoding), 32);
  EncodedPanels panels = llvm::cantFail(EncodedPanels::of(encoding, 1, 32, 1, 32));
  EXPECT_EQ(panels.wordBytes(), 1);
  EXPECT_EQ(panels.stepBytes(), 8);
  std::vector<uint8_t> canonical(llvm::cantFail(EncodedLayout::of(encoding, 1, 32)).bytes), packed(panels.bytes);
  canonical[0] = 0xe4; // codes 0 to 3
  canonical[7] = 0x80; // the last code is 2
  panels.pack(encoding, canonical, packed);
  EXPECT_EQ(llvm::ArrayRef(packed).take_front(8), llvm::ArrayRef<uint8_t>({0x0a, 0, 0, 0, 0x0c, 0, 0, 0x80}));
  for (int64_t bits = 1; bits <= 8; ++bits) {
    numbers = {bits};
    int64_t depth = planeDepthOf(encoding);
    EXPECT_EQ(depth, bits == 2 ? 32 : bits == 3 || bits == 4 ? 16 : 0);
    EXPECT_NE(depth, panelDepthOf(encoding, 1));
    EXPECT_NE(depth, panelDepthOf(encoding, 4));
  }
}

/// A step of eight codes of 4 bits: the low halves of its bytes are neighbours along k, and so are the high ones.
TEST(EncodedPanels, fields_of_bytes_are_neighbours) {
  Encoding encoding;
  encoding.terms.emplace_back().formats.emplace_back().code.numbers = {4};
  EncodedPanels panels = llvm::cantFail(EncodedPanels::of(encoding, 2, 8, 2, 8));
  std::vector<uint8_t> canonical(llvm::cantFail(EncodedLayout::of(encoding, 2, 8)).bytes), packed(panels.bytes);
  packFields({0, 1, 2, 3, 4, 5, 6, 7}, 4, canonical.data());
  packFields({8, 9, 10, 11, 12, 13, 14, 15}, 4, canonical.data() + 4);
  panels.pack(encoding, canonical, packed);
  EXPECT_EQ(llvm::ArrayRef(packed).take_front(8),
            llvm::ArrayRef<uint8_t>({0x40, 0x51, 0x62, 0x73, 0xc8, 0xd9, 0xea, 0xfb}));
}

TEST(EncodedPanels, what_has_none_is_named) {
  auto why = [](auto change, int64_t depth = 2) {
    Encoding encoding;
    WeightFormat &format = encoding.terms.emplace_back().formats.emplace_back();
    format.code.numbers = {4};
    change(encoding, format);
    llvm::Expected<EncodedPanels> panels = EncodedPanels::of(encoding, 16, 64, 16, depth);
    return panels ? std::string() : llvm::toString(panels.takeError());
  };
  auto keep = [](Encoding &, WeightFormat &) {};
  EXPECT_EQ(why(keep), "");
  EXPECT_EQ(why(keep, 3), "panels of depth 3 hold no whole bytes of codes of 4 bits");
  EXPECT_EQ(why([](Encoding &encoding, WeightFormat &) { encoding.permK = "order"; }),
            "permuted rows and columns have no panels");
  EXPECT_EQ(why([](Encoding &encoding, WeightFormat &) { encoding.terms.push_back(encoding.terms.front()); }),
            "only a single dense term has panels");
  EXPECT_EQ(why(keep, 6), "only words of 1 or 4 bytes have panels");
  EXPECT_EQ(why([](Encoding &, WeightFormat &format) { format.value.sign = ValueMap::Plane; }),
            "only values with a sign of their own have panels");
  EXPECT_EQ(why([](Encoding &, WeightFormat &format) { format.code.numbers = {9}; }, 8),
            "only codes of up to 8 bits that lie one by one have panels");
  EXPECT_EQ(why([](Encoding &, WeightFormat &format) {
              format.scales = {ScaleForm(), ScaleForm()};
              format.scales[0].gk = 32;
              format.zero.kind = ZeroForm::Tensor;
              format.zero.element = {SideType::Uint, 4};
              format.zero.gk = 24;
            }),
            "only groups along K that are multiples of the finest have panels");
  EXPECT_EQ(why([](Encoding &, WeightFormat &format) { format.zero.kind = ZeroForm::Min; }),
            "only zero points of codes have panels");
}
