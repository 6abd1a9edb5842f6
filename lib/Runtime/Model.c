/*===- Model.c - the functions behind lutra_model_api --------------------------===*
 * Checks what the host passes, lays out the entry function's argument slots, runs. Everything that can fail at run time
 * fails here with a text that names the input, the dimension and both values.
 *===----------------------------------------------------------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Internal.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Vector code counts elements of one dimension in 32 bits. */
#define MAX_DIM 0x7fffffffll

lutra_status lutra_rt_fail(lutra_error *error, lutra_status code, const char *format, ...) {
  if (error) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->text, sizeof error->text, format, list);
    va_end(list);
    error->code = code;
  }
  return code;
}

void lutra_rt_launch(lutra_call *call, int64_t kernel, const int64_t *args, int64_t slots) {
  if (!call->status)
    lutra_table.backend->launch(call, kernel, args, slots);
}

void lutra_rt_copy(lutra_call *call, void *dest, const void *source, int64_t bytes) {
  if (!call->status)
    lutra_table.backend->copy(call, dest, source, bytes);
}

uint64_t lutra_rt_bytes_of(lutra_dtype type) {
  switch (type) {
  case LUTRA_INT16:
  case LUTRA_UINT16:
  case LUTRA_FLOAT16:
  case LUTRA_BFLOAT16:
    return 2;
  case LUTRA_INT32:
  case LUTRA_UINT32:
  case LUTRA_FLOAT32:
    return 4;
  case LUTRA_INT64:
  case LUTRA_UINT64:
  case LUTRA_FLOAT64:
    return 8;
  default:
    return 1;
  }
}

static lutra_status checkBuffer(const lutra_tensor_info *tensor, const char *kind,
                                const int64_t *dims, const lutra_buffer *buffer,
                                lutra_error *error) {
  uint64_t size = lutra_rt_bytes_of(tensor->dtype), bytes = size;
  for (int32_t d = 0; d < tensor->rank; ++d)
    if (__builtin_mul_overflow(bytes, (uint64_t)dims[d], &bytes))
      return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT, "%s \"%s\" has more than 2^64 bytes", kind,
                           tensor->name);
  if (bytes > buffer->bytes)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                         "%s \"%s\" needs %llu bytes, but its buffer has %llu", kind, tensor->name,
                         (unsigned long long)bytes, (unsigned long long)buffer->bytes);
  if (bytes && !buffer->data)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT, "%s \"%s\" has a null buffer", kind,
                         tensor->name);
  if ((uintptr_t)buffer->data % size)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                         "%s \"%s\" is not aligned to its elements of %llu bytes", kind,
                         tensor->name, (unsigned long long)size);
  return LUTRA_OK;
}

/* Whether dimension `dim` of an input may have `size`. */
static lutra_status checkRange(const lutra_dim_range *range, const lutra_tensor_info *tensor, int32_t dim,
                               int64_t size, lutra_error *error) {
  if (size >= range->low && size <= range->high)
    return LUTRA_OK;
  if (range->high > MAX_DIM)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                         "input \"%s\" has size %lld in dimension %d (%s), but the model takes %lld or more",
                         tensor->name, (long long)size, dim, range->name, (long long)range->low);
  if (range->high == range->low)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                         "input \"%s\" has size %lld in dimension %d (%s), but the model takes %lld",
                         tensor->name, (long long)size, dim, range->name, (long long)range->low);
  return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                       "input \"%s\" has size %lld in dimension %d (%s), but the model takes %lld to %lld",
                       tensor->name, (long long)size, dim, range->name, (long long)range->low,
                       (long long)range->high);
}

/* Says which sizes of a relation do not fit; `places` are theirs. */
static lutra_status failRelation(const lutra_dim_relation *relation, const int64_t *places, const int64_t *sizes,
                                 lutra_error *error) {
  char texts[2][160] = {"", ""};
  for (int side = 0; side < 2; ++side) {
    if (places[side] < 0)
      continue;
    const lutra_size_check *size = &lutra_table.size_checks[places[side]];
    snprintf(texts[side], sizeof texts[side], " (from dimension %d of input \"%.100s\")", size->dim,
             lutra_table.info.inputs[size->input].name);
  }
  return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT, "sizes %lld%s and %lld%s meet in one op and must be equal%s",
                       (long long)sizes[0], texts[0], (long long)sizes[1], texts[1],
                       relation->broadcasts ? ", or one of them 1" : "");
}

/* Whether the sizes that ops take together fit each other. */
static lutra_status checkRelations(const int64_t *dims, lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  for (int64_t i = 0; i < info->dim_relation_count; ++i) {
    const lutra_dim_relation *relation = &info->dim_relations[i];
    const int64_t *places = &lutra_table.relation_sizes[2 * i];
    int64_t sizes[2] = {relation->lhs_add, relation->rhs_add};
    for (int side = 0; side < 2; ++side)
      if (places[side] >= 0)
        sizes[side] += dims[places[side]];
    if (sizes[0] != sizes[1] && !(relation->broadcasts && (sizes[0] == 1 || sizes[1] == 1)))
      return failRelation(relation, places, sizes, error);
  }
  return LUTRA_OK;
}

/* The size of dimension `dim` of input `input`. */
static int64_t sizeAt(const int64_t *dims, int64_t input, int64_t dim) {
  for (int64_t i = 0; i < input; ++i)
    dims += lutra_table.info.inputs[i].rank;
  return dims[dim];
}

/* One value of a condition; false where it leaves 64 bits. Divisors are sizes that earlier checks keep above 0. */
static bool runStep(const lutra_dim_step *step, const int64_t *dims, int64_t *values, int64_t place) {
  if (step->operation == LUTRA_DIM_NUMBER || step->operation == LUTRA_DIM_SIZE) {
    values[place] = step->operation == LUTRA_DIM_NUMBER ? step->a : sizeAt(dims, step->a, step->b);
    return true;
  }
  int64_t a = values[step->a], b = values[step->b], rest = b ? a % b : 0;
  rest += rest && (rest < 0) != (b < 0) ? b : 0;
  switch ((lutra_dim_operation)step->operation) {
  case LUTRA_DIM_ADD:
    return !__builtin_add_overflow(a, b, &values[place]);
  case LUTRA_DIM_MUL:
    return !__builtin_mul_overflow(a, b, &values[place]);
  case LUTRA_DIM_FLOORDIV:
    values[place] = b ? (a - rest) / b : 0;
    return true;
  case LUTRA_DIM_MOD:
    values[place] = rest;
    return true;
  case LUTRA_DIM_MIN:
    values[place] = a < b ? a : b;
    return true;
  case LUTRA_DIM_MAX:
    values[place] = a > b ? a : b;
    return true;
  default:
    values[place] = a == 1 ? b : a;
    return true;
  }
}

static lutra_status checkCondition(const lutra_dim_condition *condition, const int64_t *dims, int64_t *values,
                                   lutra_error *error) {
  for (int64_t place = 0; place < condition->step_count; ++place)
    if (!runStep(&condition->steps[place], dims, values, place))
      return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                           "the sizes of the inputs are too large: %s or %s leaves 64 bits", condition->lhs,
                           condition->rhs);
  int64_t lhs = values[condition->lhs_place], rhs = values[condition->rhs_place];
  bool broadcasts = condition->kind == LUTRA_DIM_BROADCASTS, least = condition->kind == LUTRA_DIM_AT_LEAST;
  if (lhs == rhs || (least && lhs > rhs) || (broadcasts && (lhs == 1 || rhs == 1)))
    return LUTRA_OK;
  char number[32];
  snprintf(number, sizeof number, "%lld", (long long)rhs);
  bool isNumber = strcmp(number, condition->rhs) == 0;
  return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                       "the sizes of the inputs make %s = %lld, but an op needs that to be %s%s%s%s%s", condition->lhs,
                       (long long)lhs, least ? "at least " : "", condition->rhs, isNumber ? "" : " = ",
                       isNumber ? "" : number, broadcasts ? ", or one of them to be 1" : "");
}

/* Whether the products, quotients and sums of sizes that ops take together fit each other. */
static lutra_status checkConditions(const int64_t *dims, lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  int64_t most = 0;
  for (int64_t i = 0; i < info->dim_condition_count; ++i)
    if (info->dim_conditions[i].step_count > most)
      most = info->dim_conditions[i].step_count;
  if (!most)
    return LUTRA_OK;
  int64_t *values = malloc((size_t)most * sizeof *values);
  if (!values)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for the %lld values of a size check", (long long)most);
  lutra_status status = LUTRA_OK;
  for (int64_t i = 0; i < info->dim_condition_count && !status; ++i)
    status = checkCondition(&info->dim_conditions[i], dims, values, error);
  free(values);
  return status;
}

static lutra_status checkInputDims(const int64_t *dims, lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  const lutra_size_check *check = lutra_table.size_checks;
  const int64_t *at = dims;
  for (int32_t i = 0; i < info->input_count; ++i) {
    const lutra_tensor_info *tensor = &info->inputs[i];
    for (int32_t d = 0; d < tensor->rank; ++d, ++at, ++check) {
      if (*at < 0 || *at > MAX_DIM)
        return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                             "input \"%s\" has size %lld in dimension %d; sizes lie in 0 to 2^31 - 1",
                             tensor->name, (long long)*at, d);
      if (tensor->dims[d] >= 0 && tensor->dims[d] != *at)
        return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                             "input \"%s\" has size %lld in dimension %d, but the model takes %lld",
                             tensor->name, (long long)*at, d, (long long)tensor->dims[d]);
      if (check->same >= 0 && dims[check->same] != *at)
        return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                             "input \"%s\" has size %lld in dimension %d (%s), but input \"%s\" has "
                             "%lld there",
                             tensor->name, (long long)*at, d, tensor->dim_names[d],
                             info->inputs[lutra_table.size_checks[check->same].input].name,
                             (long long)dims[check->same]);
      if (check->range >= 0) {
        lutra_status status = checkRange(&info->dim_ranges[check->range], tensor, d, *at, error);
        if (status)
          return status;
      }
    }
  }
  lutra_status status = checkRelations(dims, error);
  return status ? status : checkConditions(dims, error);
}

/* Copies the entries of `dims` that `info` does not know into `slots`; returns how many. */
static int64_t takeDynamic(const lutra_tensor_info *info, const int64_t *dims, int64_t *slots) {
  int64_t count = 0;
  for (int32_t d = 0; d < info->rank; ++d)
    if (info->dims[d] < 0)
      slots[count++] = dims[d];
  return count;
}

/* Sizes of all outputs and of the arena. `scratch` has room for slot_count + 1 entries. */
static lutra_status computeShapes(const int64_t *inDims, int64_t *outDims, uint64_t *arena,
                                  int64_t *scratch, lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  lutra_status status = checkInputDims(inDims, error);
  if (status)
    return status;
  int64_t *known = scratch, *next;
  for (int32_t i = 0; i < info->input_count; ++i) {
    known += takeDynamic(&info->inputs[i], inDims, known);
    inDims += info->inputs[i].rank;
  }
  next = known;
  lutra_table.shapes(scratch, known);
  for (int32_t i = 0; i < info->output_count; ++i) {
    const lutra_tensor_info *tensor = &info->outputs[i];
    for (int32_t d = 0; d < tensor->rank; ++d, ++outDims) {
      *outDims = tensor->dims[d] < 0 ? *next++ : tensor->dims[d];
      if (*outDims < 0 || *outDims > MAX_DIM)
        return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                             "these inputs give output \"%s\" size %lld in dimension %d",
                             tensor->name, (long long)*outDims, d);
    }
  }
  if (*next < 0)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "these inputs need an arena beyond 2^63 bytes");
  *arena = (uint64_t)*next;
  return LUTRA_OK;
}

/* Sum of the ranks of the outputs. */
static int64_t countOutDims(void) {
  int64_t count = 0;
  for (int32_t i = 0; i < lutra_table.info.output_count; ++i)
    count += lutra_table.info.outputs[i].rank;
  return count;
}

static lutra_status inferShapes(const int64_t *inDims, int64_t *outDims, lutra_error *error) {
  int64_t scratch[lutra_table.slot_count + 1];
  uint64_t arena;
  return computeShapes(inDims, outDims, &arena, scratch, error);
}

static lutra_status arenaBytes(const int64_t *inDims, uint64_t *bytes, lutra_error *error) {
  int64_t scratch[lutra_table.slot_count + 1], outDims[countOutDims() + 1];
  return computeShapes(inDims, outDims, bytes, scratch, error);
}

lutra_status lutra_rt_reserve_arena(lutra_context *context, uint64_t bytes, lutra_error *error) {
  if (bytes <= context->arena_bytes)
    return LUTRA_OK;
  enum { HUGE_PAGE = 1 << 21 };
  bool large = bytes >= 2 * HUGE_PAGE;
  void *arena = NULL;
  if (posix_memalign(&arena, large ? HUGE_PAGE : 64, bytes))
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for an arena of %llu bytes",
                         (unsigned long long)bytes);
  if (large)
    madvise(arena, bytes, MADV_HUGEPAGE);
  free(context->arena);
  context->arena = arena;
  context->arena_bytes = bytes;
  return LUTRA_OK;
}

static lutra_status runChecked(lutra_context *context, const lutra_buffer *inputs,
                               const int64_t *inDims, const lutra_buffer *outputs,
                               lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  int64_t args[lutra_table.slot_count + 1], outDims[countOutDims() + 1];
  uint64_t arena = 0;
  lutra_status status = computeShapes(inDims, outDims, &arena, args, error);
  int64_t *slot = args;
  for (int32_t i = 0; i < info->input_count && !status; ++i) {
    status = checkBuffer(&info->inputs[i], "input", inDims, &inputs[i], error);
    *slot++ = (int64_t)(intptr_t)inputs[i].data;
    slot += takeDynamic(&info->inputs[i], inDims, slot);
    inDims += info->inputs[i].rank;
  }
  const int64_t *dims = outDims;
  for (int32_t i = 0; i < info->output_count && !status; ++i) {
    status = checkBuffer(&info->outputs[i], "output", dims, &outputs[i], error);
    *slot++ = (int64_t)(intptr_t)outputs[i].data;
    slot += takeDynamic(&info->outputs[i], dims, slot);
    dims += info->outputs[i].rank;
  }
  return status ? status : lutra_table.backend->run(context, args, arena, error);
}

static const char *nameType(lutra_dtype type) {
  static const char *const names[] = {"bool",   "int8",    "int16",    "int32",   "int64",
                                      "uint8",  "uint16",  "uint32",   "uint64",  "float16",
                                      "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"};
  return type >= LUTRA_BOOL && type <= LUTRA_FLOAT8_E5M2 ? names[type - LUTRA_BOOL] : "an unknown type";
}

static lutra_status checkInputs(const lutra_tensor *inputs, int32_t count, lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  int64_t ranks = 0, *at;
  if (count != info->input_count)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT, "the model takes %d inputs, not %d",
                         info->input_count, count);
  for (int32_t i = 0; i < count; ++i) {
    const lutra_tensor_info *tensor = &info->inputs[i];
    if (inputs[i].dtype != tensor->dtype)
      return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT, "input \"%s\" holds %s, but the model takes %s",
                           tensor->name, nameType(inputs[i].dtype), nameType(tensor->dtype));
    if (inputs[i].rank != tensor->rank)
      return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                           "input \"%s\" has %d dimensions, but the model takes %d", tensor->name,
                           inputs[i].rank, tensor->rank);
    ranks += tensor->rank;
  }
  int64_t dims[ranks + 1];
  at = dims;
  for (int32_t i = 0; i < count; at += inputs[i++].rank)
    if (inputs[i].rank)
      memcpy(at, inputs[i].dims, inputs[i].rank * sizeof *at);
  lutra_status status = checkInputDims(dims, error);
  at = dims;
  for (int32_t i = 0; i < count && !status; at += inputs[i++].rank)
    status = checkBuffer(&info->inputs[i], "input", at, &inputs[i].buffer, error);
  return status;
}

static lutra_status runModel(lutra_context *context, const lutra_buffer *inputs,
                             const int64_t *inDims, const lutra_buffer *outputs,
                             lutra_error *error) {
  if (atomic_flag_test_and_set_explicit(&context->busy, memory_order_acquire))
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT,
                         "the context is running another call; give each thread its own");
  lutra_status status = runChecked(context, inputs, inDims, outputs, error);
  atomic_flag_clear_explicit(&context->busy, memory_order_release);
  return status;
}

static void closeModel(lutra_model *model) {
  if (!model)
    return;
  lutra_table.backend->close(model);
  lutra_rt_unmap_weights(model);
  free(model);
}

static lutra_status openModel(const lutra_model_options *options, lutra_model **result,
                              lutra_error *error) {
  *result = NULL;
  lutra_model *model = calloc(1, sizeof *model);
  if (!model)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory to open the model");
  lutra_status status = lutra_rt_map_weights(model, options, error);
  if (!status)
    status = lutra_table.backend->open(model, error);
  if (status) {
    lutra_rt_unmap_weights(model);
    free(model);
    return status;
  }
  *result = model;
  return LUTRA_OK;
}

static const char *nameLevel(const lutra_model *model) {
  return model->level ? model->level->name : lutra_table.info.target;
}

static void destroyContext(lutra_context *context) {
  if (!context)
    return;
  lutra_table.backend->destroy(context);
  lutra_rt_pool_destroy(context->pool);
  free(context->arena);
  free(context);
}

static int countCpus(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static lutra_status createContext(lutra_model *model, const lutra_context_options *options,
                                  lutra_context **result, lutra_error *error) {
  *result = NULL;
  int threads = options ? options->threads : 0;
  if (threads < 0 || threads > 1024)
    return lutra_rt_fail(error, LUTRA_ERROR_ARGUMENT, "%d threads asked for; take 0 to 1024", threads);
  lutra_context *context = calloc(1, sizeof *context);
  if (!context)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for a context");
  context->model = model;
  atomic_flag_clear(&context->busy);
  if (options && options->struct_size >= sizeof *options) { /* a host of an earlier version has no trace */
    context->trace = options->trace;
    context->trace_user = options->trace_user;
  }
  if (options && options->parallel_for) {
    context->parallel_for = options->parallel_for;
    context->parallel_user = options->parallel_user;
  } else {
    context->parallel_for = lutra_rt_pool_run;
    if (threads == 0)
      threads = countCpus();
    if (threads > 1 && !(context->pool = lutra_rt_pool_create(threads, error))) {
      free(context);
      return LUTRA_ERROR_ENVIRONMENT;
    }
    context->parallel_user = context->pool;
  }
  lutra_status status = lutra_table.backend->create(context, error);
  if (status) {
    lutra_rt_pool_destroy(context->pool);
    free(context);
    return status;
  }
  *result = context;
  return LUTRA_OK;
}

static const lutra_model_api api = {
    LUTRA_ABI_VERSION, sizeof(lutra_model_api), &lutra_table.info, openModel,  closeModel,
    nameLevel,         createContext,           destroyContext,    inferShapes, arenaBytes,
    runModel,          checkInputs};

__attribute__((visibility("default"))) const lutra_model_api *lutra_get_model(uint32_t abiVersion);

const lutra_model_api *lutra_get_model(uint32_t abiVersion) {
  return abiVersion == LUTRA_ABI_VERSION ? &api : NULL;
}
