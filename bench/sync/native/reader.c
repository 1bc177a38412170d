// The independent reader, the same for every peer: looks at files until they have the content that they are
// to have, and says when that was. It knows no peer and looks at nothing but the files, below the folders
// that it was given; a container's are given as /proc/PID/root/... of its first process.
//
//     reader FOLDER...
//     stdin    await COUNT TIMEOUT_MS, then COUNT lines: FOLDER_INDEX SIZE CRC OLD_CRC OFFSET LENGTH NAME
//     stdout   reading     (the first look comes next)
//              seen NANOSECONDS TORN_LOOKS    or    timeout NAME
//
// A file is there when it has SIZE and the LENGTH bytes at OFFSET have CRC (crc32, hexadecimal). The files
// are awaited in their order. Times are of CLOCK_MONOTONIC. A torn look found neither the old content nor the
// new one: no file, or another size, or other bytes.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { kFolders = 64, kLine = 8192, kPauseNanoseconds = 100000 };

struct expected {
    int folder;
    long long size, offset, length;
    uint32_t crc, old_crc;
    char* name;
};

enum look { kNew, kOld, kTorn };

static int folders[kFolders];
static unsigned char* buffer;
static size_t buffer_size;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static enum look look_at(const struct expected* file) {
    const int fd = openat(folders[file->folder], file->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return kTorn;
    struct stat status;
    enum look found = kTorn;
    if (fstat(fd, &status) == 0 && status.st_size == file->size &&
        pread(fd, buffer, (size_t)file->length, file->offset) == file->length) {
        const uint32_t crc = (uint32_t)crc32(0, buffer, (unsigned)file->length);
        found = crc == file->crc ? kNew : crc == file->old_crc ? kOld : kTorn;
    }
    close(fd);
    return found;
}

static void await_all(const struct expected* files, int count, long long timeout_ms) {
    const int64_t deadline = now() + timeout_ms * 1000000;
    const struct timespec pause = {0, kPauseNanoseconds};
    long torn = 0;
    puts("reading");
    fflush(stdout);
    for (int i = 0; i < count; ++i) {
        for (enum look found; (found = look_at(&files[i])) != kNew;) {
            torn += found == kTorn;
            if (now() > deadline) {
                printf("timeout %s\n", files[i].name);
                fflush(stdout);
                return;
            }
            nanosleep(&pause, NULL);
        }
    }
    printf("seen %lld %ld\n", (long long)now(), torn);
    fflush(stdout);
}

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static void read_expected(struct expected* file, int folder_count) {
    char line[kLine];
    char name[kLine];
    if (fgets(line, sizeof line, stdin) == NULL ||
        sscanf(line, "%d %lld %x %x %lld %lld %[^\n]", &file->folder, &file->size, &file->crc, &file->old_crc,
               &file->offset, &file->length, name) != 7 ||
        file->folder < 0 || file->folder >= folder_count || file->length < 0) {
        fputs("reader: not a line of await\n", stderr);
        exit(2);
    }
    file->name = strdup(name);
    if ((size_t)file->length > buffer_size) {
        buffer_size = (size_t)file->length;
        buffer = realloc(buffer, buffer_size);
    }
    if (file->name == NULL || buffer == NULL) fail("reader");
}

int main(int argc, char** argv) {
    if (argc < 2 || argc > kFolders + 1) {
        fputs("usage: reader FOLDER...\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; ++i) {
        folders[i - 1] = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folders[i - 1] < 0) fail(argv[i]);
    }
    prctl(PR_SET_TIMERSLACK, 1);
    buffer_size = 1;
    buffer = malloc(buffer_size);
    char line[kLine];
    while (fgets(line, sizeof line, stdin) != NULL) {
        int count = 0;
        long long timeout_ms = 0;
        if (sscanf(line, "await %d %lld", &count, &timeout_ms) != 2 || count < 1) return 2;
        struct expected* files = calloc((size_t)count, sizeof *files);
        if (files == NULL) fail("reader");
        for (int i = 0; i < count; ++i) read_expected(&files[i], argc - 1);
        await_all(files, count, timeout_ms);
        for (int i = 0; i < count; ++i) free(files[i].name);
        free(files);
    }
    return 0;
}
