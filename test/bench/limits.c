// What one core can do: its clock, reads, and multiply-adds of each kind, all a second. Compiled by machine.py for the
// machine at hand; a rate is 0 where it has no such instruction.
#include <immintrin.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __AVX512F__
#define WIDTH 64
#define CHAINS 16
#else
#define WIDTH 32
#define CHAINS 12
#endif
typedef float floats __attribute__((vector_size(WIDTH)));
typedef long long words __attribute__((vector_size(WIDTH)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Each product of a chain takes 3 cycles; chains of additions would not do, since new cores fold them. The shortest of
   many chains: others may take the core away from a few. */
double core_clock(void) {
  long value = 3;
  double least = 1;
  for (int chain = 0; chain < 20; ++chain) {
    double begin = now();
    for (int round = 0; round < 500; ++round)
      __asm__ volatile(".rept 20\n imul %0, %0\n .endr" : "+r"(value));
    double time = now() - begin;
    if (time < least) least = time;
  }
  return 3.0 * 20 * 500 / least;
}

double read_rate(const char *data, long size, long times) {
  words sum[8] = {0};
  double begin = now();
  for (long time = 0; time < times; ++time)
    for (long at = 0; at + 8 * WIDTH <= size; at += 8 * WIDTH)
      for (int i = 0; i < 8; ++i) {
        sum[i] |= *(const words *)(data + at + i * WIDTH);
        __asm__ volatile("" : "+x"(sum[i]));
      }
  return size * times / (now() - begin);
}

double fma_rate(void) {
  floats a[CHAINS], x, y;
  for (unsigned i = 0; i < WIDTH / 4; ++i) x[i] = 1.0000001f, y[i] = 1e-9f;
  for (int i = 0; i < CHAINS; ++i) a[i] = x;
  double begin = now();
  for (long round = 0; round < 50000; ++round)
    for (int i = 0; i < CHAINS; ++i) {
      a[i] = a[i] * x + y;
      __asm__ volatile("" : "+x"(a[i]));
    }
  return 1.0 * CHAINS * (WIDTH / 4) * 50000 / (now() - begin);
}

/* Bytes times bytes in vectors: with VNNI four and an addition at once, else vpmaddubsw alone. */
double dot_rate(void) {
  words a[CHAINS], x = {0};
  for (int i = 0; i < CHAINS; ++i) a[i] = x;
  double begin = now();
  for (long round = 0; round < 50000; ++round)
    for (int i = 0; i < CHAINS; ++i) {
#if defined(__AVX512VNNI__)
      __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(a[i]) : "v"(x));
#elif defined(__AVXVNNI__)
      __asm__ volatile("{vex} vpdpbusd %1, %1, %0" : "+x"(a[i]) : "x"(x));
#else
      __asm__ volatile("vpmaddubsw %1, %1, %0" : "=x"(a[i]) : "x"(x));
#endif
    }
  return 1.0 * CHAINS * WIDTH * 50000 / (now() - begin);
}

#if defined(__AMX_INT8__) && defined(__AMX_BF16__)
/* 0: the kernel does not lend tiles. */
static int configure(int rows) {
  struct {
    unsigned char palette, start, reserved[14];
    unsigned short bytes[16];
    unsigned char rows[16];
  } config = {0};
  if (syscall(SYS_arch_prctl, 0x1023, 18)) return 0;
  config.palette = 1;
  for (int tile = 0; tile < 8; ++tile) config.bytes[tile] = 64, config.rows[tile] = tile == 6 ? 16 : rows;
  _tile_loadconfig(&config);
  return 1;
}
#define TIME_TILES(product)                                                                                            \
  _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3), _tile_zero(4), _tile_zero(6);                            \
  double begin = now();                                                                                                \
  for (long round = 0; round < 4000; ++round)                                                                          \
    product(0, 4, 6), product(1, 4, 6), product(2, 4, 6), product(3, 4, 6);                                            \
  double time = now() - begin;                                                                                         \
  _tile_release()

double amx_rate(int rows) {
  if (!configure(rows)) return 0;
  TIME_TILES(_tile_dpbssd);
  return 4.0 * 4000 * rows * 16 * 64 / time;
}
double amx_bf16_rate(void) {
  if (!configure(16)) return 0;
  TIME_TILES(_tile_dpbf16ps);
  return 4.0 * 4000 * 16 * 16 * 32 / time;
}

/* For competitors that configure tiles once for a thread and expect to find them so: 64 bytes. */
void save_tiles(void *config) { _tile_storeconfig(config); }
void load_tiles(const void *config) { _tile_loadconfig(config); }
#else
void save_tiles(void *config) { (void)config; }
void load_tiles(const void *config) { (void)config; }
double amx_rate(int rows) { return 0 * rows; }
double amx_bf16_rate(void) { return 0; }
#endif
