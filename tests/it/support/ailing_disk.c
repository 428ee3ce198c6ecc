/* A failing disk for a process that preloads this library (LD_PRELOAD). Writes
 * to its database fail with EROFS while its working directory has a file
 * `takes-no-writes`. Syncs fail with EIO while it has `takes-no-syncs`. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_of_the_database(int file)
{
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, "/tidings.db") != NULL;
}

static int ails(int file, const char *sign)
{
    return access(sign, F_OK) == 0 && is_of_the_database(file);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FAILS(file, sign, error)  \
    int before = errno;           \
    if (ails(file, sign)) {       \
        errno = error;            \
        return -1;                \
    }                             \
    errno = before

ssize_t write(int file, const void *bytes, size_t count)
{
    FAILS(file, "takes-no-writes", EROFS);
    return REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    FAILS(file, "takes-no-writes", EROFS);
    return REAL(pwrite)(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    FAILS(file, "takes-no-writes", EROFS);
    return REAL(pwrite64)(file, bytes, count, at);
}

int fsync(int file)
{
    FAILS(file, "takes-no-syncs", EIO);
    return REAL(fsync)(file);
}

int fdatasync(int file)
{
    FAILS(file, "takes-no-syncs", EIO);
    return REAL(fdatasync)(file);
}
