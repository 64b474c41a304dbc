/* Preloaded into a program: counts the calls that change files and ends or fails one of them.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * In the environment:
 * SNN_FAULT_AT=N: the call that is meant, from 1; 0: none.
 *
 * SNN_FAULT=WHAT: kill: SIGKILL before it; half: SIGKILL after half of it, if it is a write of more than one byte; io:
 * it fails with EIO; full: it and all later ones that need space fail with ENOSPC.
 *
 * SNN_FAULT_COUNT=FILE: where the number of calls goes at the end.
 *
 * Syncs are counted but not made: what is tested is the end of a process, not of a machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;
static long meant;
static const char *fault = "";

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("SNN_FAULT_AT"), *what = getenv("SNN_FAULT");
  meant = at ? atol(at) : 0;
  fault = what ? what : "";
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("SNN_FAULT_COUNT");
  FILE *file = path ? fopen(path, "we") : NULL;
  if (!file)
    return;
  fprintf(file, "%ld\n", (long)calls);
  fclose(file);
}

static void die(void) {
  raise(SIGKILL);
  for (;;)
    pause();
}

/* Counts a call. Nonzero: it is to fail, and errno is set. */
static int counted(int needs_space) {
  long number = atomic_fetch_add(&calls, 1) + 1;
  if (meant == 0 || number < meant)
    return 0;
  if (number == meant && !strcmp(fault, "kill"))
    die();
  if (number == meant && !strcmp(fault, "io")) {
    errno = EIO;
    return 1;
  }
  if (needs_space && !strcmp(fault, "full")) {
    errno = ENOSPC;
    return 1;
  }
  return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAP(type, name, parameters, arguments, needs_space)                                                           \
  type name parameters { return counted(needs_space) ? -1 : REAL(name) arguments; }

WRAP(int, rename, (const char *from, const char *to), (from, to), 0)
WRAP(int, renameat, (int from_folder, const char *from, int to_folder, const char *to),
     (from_folder, from, to_folder, to), 0)
WRAP(int, unlink, (const char *path), (path), 0)
WRAP(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), 0)
WRAP(int, rmdir, (const char *path), (path), 0)
WRAP(int, remove, (const char *path), (path), 0)
WRAP(int, link, (const char *from, const char *to), (from, to), 1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), 1)
WRAP(int, ftruncate, (int file, off_t size), (file, size), 0)
WRAP(int, flock, (int file, int operation), (file, operation), 0)

int fsync(int file) {
  (void)file;
  return counted(0) ? -1 : 0;
}

ssize_t write(int file, const void *data, size_t size) {
  struct stat status;
  int regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && file > 2;
  if (!regular)
    return REAL(write)(file, data, size);
  if (counted(1))
    return -1;
  if (meant == atomic_load(&calls) && !strcmp(fault, "half") && size > 1) {
    REAL(write)(file, data, size / 2);
    die();
  }
  return REAL(write)(file, data, size);
}

static int create(const char *name, const char *path, int flags, mode_t mode) {
  if ((flags & O_CREAT) && counted(1))
    return -1;
  return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

#define WRAP_OPEN(name)                                                                                                \
  int name(const char *path, int flags, ...) {                                                                         \
    va_list list;                                                                                                      \
    va_start(list, flags);                                                                                             \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;                                                          \
    va_end(list);                                                                                                      \
    return create(#name, path, flags, mode);                                                                           \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)
