/*===- Pool.c - a small thread pool: spin, then sleep --------------------------===*
 * One job at a time. `gate` is 1 while a job may be entered, plus 2 for each worker inside it. The caller
 * publishes the job, opens the gate, works too, closes the gate when no chunk is left and waits for those
 * inside; a worker that wakes late finds the gate closed and costs nothing. Chunks are claimed by one atomic
 * counter: which thread computes an item never changes the item's result.
 * Workers spin for a fraction of a millisecond after a job (kernels and calls follow each other closely, and a woken
 * worker may wait behind its waker), then sleep on a futex. Only system calls and functions that glibc has in one
 * version are used: artifacts name no versions.
 * After fork() the child has no workers: it notices by its process id and works alone.
 *===----------------------------------------------------------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Internal.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 20000, CHUNKS_PER_THREAD = 8 };

struct lutra_pool {
  _Alignas(64) atomic_int generation; /* the futex; counts jobs */
  atomic_int sleepers;
  atomic_bool stop;
  _Alignas(64) atomic_int gate;
  _Alignas(64) atomic_llong next;
  int64_t items, chunk;
  lutra_body body;
  void *state;
  int workers;
  pid_t owner;
  pthread_t threads[];
};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void work(lutra_pool *pool) {
  for (;;) {
    int64_t begin = atomic_fetch_add_explicit(&pool->next, pool->chunk, memory_order_relaxed);
    if (begin >= pool->items)
      return;
    int64_t left = pool->items - begin;
    pool->body(pool->state, begin, begin + (left < pool->chunk ? left : pool->chunk));
  }
}

static void *runWorker(void *argument) {
  lutra_pool *pool = argument;
  int seen = 0;
  for (;;) {
    int spins = 0, now;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen) {
      if (++spins < SPINS) {
        relax();
        continue;
      }
      atomic_fetch_add(&pool->sleepers, 1);
      if (atomic_load(&pool->generation) == seen)
        syscall(SYS_futex, &pool->generation, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
      atomic_fetch_sub(&pool->sleepers, 1);
    }
    seen = now;
    if (atomic_load(&pool->stop))
      return NULL;
    int gate = atomic_load(&pool->gate);
    while ((gate & 1) && !atomic_compare_exchange_weak(&pool->gate, &gate, gate + 2))
      ;
    if (!(gate & 1))
      continue;
    work(pool);
    atomic_fetch_sub(&pool->gate, 2);
  }
}

lutra_pool *lutra_rt_pool_create(int threads, lutra_error *error) {
  int workers = threads - 1;
  lutra_pool *pool = NULL;
  size_t bytes = (sizeof(lutra_pool) + workers * sizeof(pthread_t) + 63) / 64 * 64;
  if (posix_memalign((void **)&pool, 64, bytes)) {
    lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for a pool of %d threads", threads);
    return NULL;
  }
  atomic_init(&pool->generation, 0);
  atomic_init(&pool->sleepers, 0);
  atomic_init(&pool->stop, false);
  atomic_init(&pool->gate, 0);
  atomic_init(&pool->next, 0);
  pool->items = 0;
  pool->owner = getpid();
  for (pool->workers = 0; pool->workers < workers; ++pool->workers) {
    int status = pthread_create(&pool->threads[pool->workers], NULL, runWorker, pool);
    if (status) {
      lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot start thread %d of %d (error %d)",
                    pool->workers + 2, threads, status);
      lutra_rt_pool_destroy(pool);
      return NULL;
    }
  }
  return pool;
}

void lutra_rt_pool_destroy(lutra_pool *pool) {
  if (!pool)
    return;
  if (pool->owner == getpid()) {
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->generation, 1);
    syscall(SYS_futex, &pool->generation, FUTEX_WAKE_PRIVATE, pool->workers, NULL, NULL, 0);
    for (int i = 0; i < pool->workers; ++i)
      pthread_join(pool->threads[i], NULL);
  }
  free(pool);
}

void lutra_rt_pool_run(void *user, int64_t items, lutra_body body, void *state) {
  lutra_pool *pool = user;
  if (items <= 1 || !pool || pool->workers == 0 || pool->owner != getpid()) {
    if (items > 0)
      body(state, 0, items);
    return;
  }
  int64_t chunk = items / ((pool->workers + 1) * CHUNKS_PER_THREAD);
  pool->chunk = chunk > 1 ? chunk : 1;
  pool->items = items;
  pool->body = body;
  pool->state = state;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store(&pool->gate, 1);
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers) > 0) {
    int64_t wake = items - 1 < pool->workers ? items - 1 : pool->workers;
    syscall(SYS_futex, &pool->generation, FUTEX_WAKE_PRIVATE, (int)wake, NULL, NULL, 0);
  }
  work(pool);
  atomic_fetch_sub(&pool->gate, 1);
  for (int spins = 0; atomic_load(&pool->gate) != 0; ++spins) {
    if (spins < SPINS)
      relax();
    else
      sched_yield();
  }
}
