//===- GpuBackendTest.cpp - the launcher against a driver without a GPU ----===//
#include "lutra/Runtime/GpuTable.h"

#include "gtest/gtest.h"

#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

//===----------------------------------------------------------------------===//
// A model as the compiler would emit it: y = 3 x for a vector of any length.
//===----------------------------------------------------------------------===//

static const int64_t anyLength[] = {-1};
static const char *const lengthName[] = {"n"};
static const lutra_tensor_info input = {"x", LUTRA_FLOAT32, 1, anyLength, lengthName};
static const lutra_tensor_info output = {"y", LUTRA_FLOAT32, 1, anyLength, lengthName};
static const lutra_size_check sizeChecks[] = {{0, 0, -1, -1}};
static const float weights[] = {3.0f};

static int64_t countBlocks(const int64_t *args) { return (args[1] + 511) / 512; }
static const lutra_gpu_kernel kernels[] = {{"scale", countBlocks, 128, 49152}};
static const uint8_t hopper[] = "sm90code", ampere[] = "sm80code";
static const lutra_gpu_image images[] = {
    {"sm_90a", hopper, sizeof hopper, nullptr, kernels, 9, 0, 1, 80},
    {"sm_80", ampere, sizeof ampere, "ptx_text", kernels, 8, 0, 0, 70}};
static const lutra_gpu_table gpuTable = {images, 2, 1};

static void computeShapes(const int64_t *inDims, int64_t *results) {
  results[0] = inDims[0];
  results[1] = 64;
}
static void runEntry(lutra_call *call, const int64_t *args, uint8_t *arena, const uint8_t *weightData) {
  int64_t slots[] = {args[0], args[1], int64_t(reinterpret_cast<intptr_t>(weightData)), args[2], args[3]};
  lutra_rt_launch(call, 0, slots, 5);
}

extern "C" {
extern const lutra_model_table lutra_table;
const lutra_model_table lutra_table = {
    {"scale", "test", "sm_90a, sm_80", nullptr, &input, &output, nullptr, sizeof weights, 0, 1, 1, 1,
     nullptr, 0, nullptr, 0, nullptr, 0},
    reinterpret_cast<const uint8_t *>(weights), 0, computeShapes, runEntry, &lutra_gpu_backend, nullptr,
    &gpuTable, 4, sizeChecks, nullptr};
const lutra_model_api *lutra_get_model(uint32_t abi);
}

//===----------------------------------------------------------------------===//

namespace {
class GpuBackend : public testing::Test {
protected:
  void SetUp() override {
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    ASSERT_NE(library, nullptr) << "run with the fake driver's folder in LD_LIBRARY_PATH";
    find(library, "fake_cuda_failing", failing);
    ASSERT_NE(failing, nullptr) << "a real driver was found";
    find(library, "fake_cuda_result", result);
    find(library, "fake_cuda_major", major);
    find(library, "fake_cuda_minor", minor);
    find(library, "fake_cuda_log", log);
    find(library, "fake_cuda_live", live);
    *failing = *log = 0;
    *result = 0;
    *major = 9;
    *minor = 0;
  }
  void TearDown() override { EXPECT_EQ(*live, 0) << "device memory leaked"; }

  template <typename T>
  void find(void *library, const char *name, T *&pointer) {
    pointer = static_cast<T *>(dlsym(library, name));
  }
  void fail(const char *entry, int code) {
    strcpy(failing, entry);
    *result = code;
  }
  /// Opens, runs once on `x`, closes; the first status that is not OK.
  lutra_status run(const std::vector<float> &x, std::vector<float> &y) {
    const lutra_model_api *api = lutra_get_model(LUTRA_ABI_VERSION);
    lutra_model *model = nullptr;
    lutra_context *context = nullptr;
    error = {};
    lutra_context_options options = {sizeof options, 1, nullptr, nullptr, nullptr, nullptr};
    lutra_status status = api->open(nullptr, &model, &error);
    if (!status)
      status = api->create_context(model, &options, &context, &error);
    int64_t dims[] = {int64_t(x.size())};
    y.assign(x.size(), 0);
    lutra_buffer in = {const_cast<float *>(x.data()), x.size() * 4}, out = {y.data(), y.size() * 4};
    if (!status)
      status = api->run(context, &in, dims, &out, &error);
    api->destroy_context(context);
    api->close(model);
    return status;
  }
  testing::AssertionResult logged(const char *text) {
    if (strstr(log, text))
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no \"" << text << "\" in: " << log;
  }

  char *failing = nullptr, *log = nullptr;
  int *result = nullptr, *major = nullptr, *minor = nullptr;
  int64_t *live = nullptr;
  lutra_error error = {};
};
} // namespace

TEST_F(GpuBackend, copies_launches_and_copies_back) {
  std::vector<float> x(1000), y;
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i);
  ASSERT_EQ(run(x, y), LUTRA_OK) << error.text;
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(y[i], 3.0f * float(i));
  EXPECT_TRUE(logged("load:sm90code"));
  EXPECT_TRUE(logged("shared:49152"));
  EXPECT_TRUE(logged("launch:2,128,49152"));
}

TEST_F(GpuBackend, nothing_is_launched_for_an_empty_tensor) {
  std::vector<float> y;
  ASSERT_EQ(run({}, y), LUTRA_OK) << error.text;
  EXPECT_FALSE(logged("launch"));
}

TEST_F(GpuBackend, picks_the_code_of_the_device) {
  std::vector<float> y;
  *major = 8, *minor = 6;
  ASSERT_EQ(run({1}, y), LUTRA_OK) << error.text;
  EXPECT_TRUE(logged("load:sm80code"));
  *log = 0;
  *major = 12, *minor = 0; // newer than every cubin: PTX
  ASSERT_EQ(run({1}, y), LUTRA_OK) << error.text;
  EXPECT_TRUE(logged("load:ptx_text"));
  *major = 7, *minor = 5; // older than every image
  EXPECT_EQ(run({1}, y), LUTRA_ERROR_UNSUPPORTED);
  EXPECT_STREQ(error.text, "the model holds code for sm_90a, sm_80, but this GPU has compute capability "
                           "7.5; compile it with --gpu-arch for this GPU");
}

TEST_F(GpuBackend, falls_back_to_ptx_when_a_driver_refuses_the_cubin) {
  std::vector<float> y;
  fail("load:sm90code", 200);
  ASSERT_EQ(run({1}, y), LUTRA_OK) << error.text;
  EXPECT_TRUE(logged("load:sm90code load:ptx_text"));
}

TEST_F(GpuBackend, says_what_the_ptx_compiler_said) {
  std::vector<float> y;
  *major = 12;
  fail("load:ptx_text", 218);
  EXPECT_EQ(run({1}, y), LUTRA_ERROR_INTERNAL);
  EXPECT_STREQ(error.text, "the driver rejects the model's PTX: line 3: syntax error");
  fail("load:ptx_text", 222);
  EXPECT_EQ(run({1}, y), LUTRA_ERROR_UNSUPPORTED);
  EXPECT_STREQ(error.text,
               "the model's PTX 7.0 is newer than the driver (CUDA 12.4); update the driver");
}

TEST_F(GpuBackend, every_result_of_the_driver_has_a_status_and_a_text) {
  struct Case {
    const char *entry;
    int result;
    lutra_status status;
    const char *text;
  };
  const Case cases[] = {
      {"cuGetProcAddress", 500, LUTRA_ERROR_ENVIRONMENT, "update it to R525 or later"},
      {"cuInit", 34, LUTRA_ERROR_ENVIRONMENT, "a stub of libcuda was found"},
      {"cuInit", 100, LUTRA_ERROR_ENVIRONMENT, "the driver sees no GPU"},
      {"cuInit", 803, LUTRA_ERROR_ENVIRONMENT, "reinstall the driver or reboot"},
      {"cuInit", 804, LUTRA_ERROR_ENVIRONMENT, "compatibility libraries"},
      {"cuInit", 999, LUTRA_ERROR_ENVIRONMENT, "the driver reports CUDA_ERROR_OF_TEST (999)"},
      {"cuModuleGetFunction", 500, LUTRA_ERROR_ARTIFACT, "cannot prepare kernel \"scale\""},
      {"cuMemAlloc", 2, LUTRA_ERROR_MEMORY, "bytes of GPU memory, but 1000 of 2000 are free"},
      {"cuStreamCreate", 999, LUTRA_ERROR_ENVIRONMENT, "cannot create a stream"},
      {"cuLaunchKernel", 701, LUTRA_ERROR_UNSUPPORTED,
       "cannot run kernel \"scale\" with 1 blocks of 128 threads and 49152 bytes of shared memory"},
      {"cuMemcpyDtoHAsync", 700, LUTRA_ERROR_INTERNAL, "cannot copy output \"y\""},
      {"cuMemcpyDtoHAsync", 716, LUTRA_ERROR_INTERNAL, "misaligned address"},
      {"cuMemcpyDtoHAsync", 715, LUTRA_ERROR_INTERNAL, "an instruction that this GPU lacks"},
  };
  for (const Case &each : cases) {
    std::vector<float> y;
    fail(each.entry, each.result);
    EXPECT_EQ(run({1}, y), each.status) << each.entry << " " << each.result << ": " << error.text;
    EXPECT_EQ(error.code, each.status);
    EXPECT_NE(std::string(error.text).find(each.text), std::string::npos)
        << "\"" << error.text << "\" lacks \"" << each.text << "\"";
  }
}

TEST(NoDriver, is_an_error_that_says_what_to_do) {
  if (void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    dlclose(library);
    GTEST_SKIP() << "this machine has a driver";
  }
  lutra_model *model = nullptr;
  lutra_error error = {};
  EXPECT_EQ(lutra_get_model(LUTRA_ABI_VERSION)->open(nullptr, &model, &error), LUTRA_ERROR_ENVIRONMENT);
  EXPECT_EQ(model, nullptr);
  EXPECT_STREQ(error.text, "this machine has no NVIDIA driver (libcuda.so.1), which the model needs; "
                           "install it or use a model compiled for target cpu");
}
