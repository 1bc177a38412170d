// Compares two trees, and says when the second one last changed.
//
//     treecheck names|bytes FOLDER COPY    prints: ENTRIES BYTES DIFFERENT LAST_CHANGE_NANOSECONDS
//     FIRST_DIFFERENCE
//
// With `names`, two regular files are equal when their sizes are; with `bytes`, when their content is.
// Folders and symlinks count as entries too; owners, modes and times are not compared. The last change is the
// latest ctime of any entry below COPY: creating, renaming and writing a file set it, so it is the moment at
// which the last entry took its place, without anybody having looked meanwhile. CLOCK_REALTIME.
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kChunk = 1 << 18 };

struct totals {
    long long entries, bytes, different;
    int64_t last_change;
    char first[4096];
};

static FTS* walk(char* folder) {
    char* roots[] = {folder, NULL};
    FTS* tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (tree == NULL) {
        perror(folder);
        exit(1);
    }
    return tree;
}

static int same_bytes(const char* left, const char* right) {
    static char a[kChunk];
    static char b[kChunk];
    const int from = open(left, O_RDONLY | O_CLOEXEC);
    const int to = open(right, O_RDONLY | O_CLOEXEC);
    int same = from >= 0 && to >= 0;
    while (same) {
        const ssize_t length = read(from, a, sizeof a);
        same = length >= 0 && read(to, b, sizeof b) == length && memcmp(a, b, (size_t)length) == 0;
        if (length <= 0) break;
    }
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    return same;
}

static int same_link(const char* left, const char* right) {
    char a[4096];
    char b[4096];
    const ssize_t length = readlink(left, a, sizeof a);
    return length >= 0 && readlink(right, b, sizeof b) == length && memcmp(a, b, (size_t)length) == 0;
}

static int same_entry(const FTSENT* entry, const char* copy, int with_bytes) {
    struct stat status;
    if (lstat(copy, &status) != 0) return 0;
    const mode_t type = entry->fts_statp->st_mode & S_IFMT;
    if ((status.st_mode & S_IFMT) != type) return 0;
    if (type == S_IFLNK) return same_link(entry->fts_path, copy);
    if (type != S_IFREG) return 1;
    if (status.st_size != entry->fts_statp->st_size) return 0;
    return !with_bytes || same_bytes(entry->fts_path, copy);
}

static void compare(char* folder, const char* copy, int with_bytes, struct totals* totals) {
    FTS* tree = walk(folder);
    const size_t prefix = strlen(folder);
    char path[8192];
    for (FTSENT* entry; (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_DP || entry->fts_level == 0) continue;
        ++totals->entries;
        if (entry->fts_info == FTS_F) totals->bytes += entry->fts_statp->st_size;
        snprintf(path, sizeof path, "%s%s", copy, entry->fts_path + prefix);
        if (same_entry(entry, path, with_bytes)) continue;
        if (totals->different++ == 0) snprintf(totals->first, sizeof totals->first, "%s", path);
    }
    fts_close(tree);
}

// Counts what COPY has beyond the other tree as different.
static void look_at_copy(char* copy, struct totals* totals) {
    if (access(copy, F_OK) != 0) return;
    FTS* tree = walk(copy);
    long long entries = 0;
    for (FTSENT* entry; (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_DP) continue;
        if (entry->fts_level != 0) ++entries;
        const struct timespec changed = entry->fts_statp->st_ctim;
        const int64_t when = (int64_t)changed.tv_sec * 1000000000 + changed.tv_nsec;
        if (when > totals->last_change) totals->last_change = when;
    }
    fts_close(tree);
    if (entries > totals->entries) totals->different += entries - totals->entries;
}

int main(int argc, char** argv) {
    if (argc != 4 || (strcmp(argv[1], "names") != 0 && strcmp(argv[1], "bytes") != 0)) {
        fputs("usage: treecheck names|bytes FOLDER COPY\n", stderr);
        return 2;
    }
    struct totals totals = {0};
    compare(argv[2], argv[3], strcmp(argv[1], "bytes") == 0, &totals);
    look_at_copy(argv[3], &totals);
    printf("%lld %lld %lld %lld %s\n", totals.entries, totals.bytes, totals.different,
           (long long)totals.last_change, totals.first);
    return 0;
}
