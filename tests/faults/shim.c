/* Loaded before libc (LD_PRELOAD): makes writes to files and flushes fail, and the clock wrong, as a page of memory that
 * is shared with whoever makes the fault says. Built by tests/faults/shim.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int write; /* errno of a write to a file, 0 for none */
    int flush; /* of fsync and fdatasync */
    long long clock; /* seconds that the time of day is off */
};

static volatile struct faults none, *now = &none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ROUTER_TEST_FAULTS");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        now = page;
}

/* Of files alone: a log is written to a pipe, calls to sockets. */
static int refused(int file) {
    struct stat is;
    if (!now->write || fstat(file, &is) || !S_ISREG(is.st_mode))
        return 0;
    errno = now->write;
    return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(write);
    return refused(file) ? -1 : real(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    REAL(pwrite);
    return refused(file) ? -1 : real(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    REAL(pwrite64);
    return refused(file) ? -1 : real(file, bytes, count, at);
}

int fsync(int file) {
    REAL(fsync);
    return now->flush ? (errno = now->flush, -1) : real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    return now->flush ? (errno = now->flush, -1) : real(file);
}

int clock_gettime(clockid_t which, struct timespec *told) {
    REAL(clock_gettime);
    int result = real(which, told);
    if (!result && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        told->tv_sec += now->clock;
    return result;
}

int gettimeofday(struct timeval *told, void *zone) {
    REAL(gettimeofday);
    int result = real(told, zone);
    if (!result)
        told->tv_sec += now->clock;
    return result;
}

time_t time(time_t *told) {
    REAL(time);
    time_t result = real(NULL) + now->clock;
    if (told)
        *told = result;
    return result;
}
