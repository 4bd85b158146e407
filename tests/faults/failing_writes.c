/* Preloaded into a process: makes the n-th call that writes below a folder fail.

   Counted are calls that create, write, flush or rename: whatever a full or broken disk may refuse.
   Only files below the folder of `fault_arm` count; of a path that is relative, its absolute form.

   cc -shared -fPIC -o failing_writes.so failing_writes.c -ldl
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING, FULL, BROKEN, SHORT, KILL };

static char under[PATH_MAX];
static size_t under_length;
static long at;
static int kind;
static atomic_long calls;

/* From the n-th call on (counted from 1; 0: never), something is wrong with `folder`. */
void fault_arm(const char *folder, long n, int what) {
    strncpy(under, folder, sizeof under - 1);
    under_length = strlen(under);
    at = n;
    kind = what;
    atomic_store(&calls, 0);
}

long fault_calls(void) { return atomic_load(&calls); }

/* New processes take it from the environment: FAULT_FOLDER, FAULT_AT, FAULT_KIND. */
__attribute__((constructor)) static void from_environment(void) {
    const char *folder = getenv("FAULT_FOLDER"), *n = getenv("FAULT_AT"), *what = getenv("FAULT_KIND");
    if (folder && n && what) fault_arm(folder, atol(n), atoi(what));
}

static int counts(const char *path) {
    if (!under_length || !path) return 0;
    char absolute[PATH_MAX];
    if (path[0] != '/') {
        if (!getcwd(absolute, sizeof absolute)) return 0;
        strncat(absolute, "/", sizeof absolute - strlen(absolute) - 1);
        strncat(absolute, path, sizeof absolute - strlen(absolute) - 1);
        path = absolute;
    }
    return strncmp(path, under, under_length) == 0;
}

static int counts_fd(int fd) {
    if (!under_length) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return counts(path);
}

/* What is wrong with this call; sets errno. A disk that is full stays so. */
static int wrong(void) {
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (!at || !(n == at || (kind == FULL && n > at))) return NOTHING;
    if (kind == KILL) raise(SIGKILL);
    errno = kind == FULL ? ENOSPC : EIO;
    return kind;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A write that is cut short writes half; before it dies, a process has written half. */
#define WRITES(name, declared, given, half) \
    ssize_t name declared { \
        REAL(name); \
        if (counts_fd(fd)) { \
            if (at && kind == KILL && atomic_load(&calls) + 1 == at && size > 1) real half; \
            int what = wrong(); \
            if (what == SHORT) return size > 1 ? real half : real given; \
            if (what) return -1; \
        } \
        return real given; \
    }

WRITES(write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, size / 2))
WRITES(pwrite, (int fd, const void *data, size_t size, off_t from), (fd, data, size, from),
       (fd, data, size / 2, from))
WRITES(pwrite64, (int fd, const void *data, size_t size, off64_t from), (fd, data, size, from),
       (fd, data, size / 2, from))

ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(writev);
    if (counts_fd(fd)) {
        int what = wrong();
        if (what == SHORT) return real(fd, parts, number > 1 ? number / 2 : number);
        if (what) return -1;
    }
    return real(fd, parts, number);
}

/* The C library writes its own streams without calling `write` where it could be replaced. */
size_t fwrite(const void *data, size_t size, size_t number, FILE *file) {
    REAL(fwrite);
    if (under_length && counts_fd(fileno(file))) {
        int what = wrong();
        if (what == SHORT) return real(data, size, number / 2, file);
        if (what) return 0;
    }
    return real(data, size, number, file);
}

int fclose(FILE *file) {
    REAL(fclose);
    int what = under_length && (fcntl(fileno(file), F_GETFL) & O_ACCMODE) != O_RDONLY &&
               counts_fd(fileno(file)) ? wrong() : NOTHING;
    int number = errno, closed = real(file);
    if (what && what != SHORT) {
        errno = number;
        return EOF;
    }
    return closed;
}

#define FAILS(name, declared, given, path) \
    int name declared { \
        REAL(name); \
        int what = counts(path) ? wrong() : NOTHING; \
        return what && what != SHORT ? -1 : real given; \
    }
#define FAILS_FD(name, declared, given) \
    int name declared { \
        REAL(name); \
        int what = counts_fd(fd) ? wrong() : NOTHING; \
        return what && what != SHORT ? -1 : real given; \
    }

FAILS(rename, (const char *from, const char *to), (from, to), to)
FAILS(renameat2, (int at1, const char *from, int at2, const char *to, unsigned flags),
      (at1, from, at2, to, flags), to)
/* Of a folder that exists already nothing is written. */
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    struct stat found;
    int what = counts(path) && stat(path, &found) ? wrong() : NOTHING;
    return what && what != SHORT ? -1 : real(path, mode);
}

FAILS_FD(fsync, (int fd), (fd))
FAILS_FD(fdatasync, (int fd), (fd))
FAILS_FD(ftruncate, (int fd, off_t size), (fd, size))
FAILS_FD(ftruncate64, (int fd, off64_t size), (fd, size))

/* How every way to open a file begins: with the mode of one that is made, and a failure in turn. */
#define GIVEN_MODE_OR_FAIL \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    } \
    if ((flags & O_ACCMODE) != O_RDONLY && counts(path)) { \
        int what = wrong(); \
        if (what && what != SHORT) return -1; \
    }
#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        GIVEN_MODE_OR_FAIL \
        return real(path, flags, mode); \
    }
#define OPENS_AT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        GIVEN_MODE_OR_FAIL \
        return real(folder, path, flags, mode); \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

#define OPENS_STREAM(name) \
    FILE *name(const char *path, const char *mode) { \
        REAL(name); \
        int what = strpbrk(mode, "wa+") && counts(path) ? wrong() : NOTHING; \
        return what && what != SHORT ? NULL : real(path, mode); \
    }

OPENS_STREAM(fopen)
OPENS_STREAM(fopen64)
