// The floor: the least that a sync can do. One end watches a folder with inotify and sends each file that was
// closed after writing in one TCP message; the other writes it to a temporary file and renames it. No state,
// no encryption, no compression, no check, no deletion, no new folders.
//
//     floor receive FOLDER         prints the port of 127.0.0.1 that it listens on
//     floor send FOLDER PORT       prints "watching" when every folder below FOLDER is watched
//
// A message is the lengths of name and content (two u32) and then both.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kWatches = 65536, kMostBytes = 16 << 20 };

static char* folder_of[kWatches];  // by watch, relative to the root
static char content[kMostBytes];

static void die(const char* what) {
    perror(what);
    exit(1);
}

static void read_all(int fd, void* into, size_t length) {
    for (char* at = into; length > 0;) {
        const ssize_t got = read(fd, at, length);
        if (got == 0) exit(0);
        if (got < 0) die("read");
        at += got;
        length -= (size_t)got;
    }
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void no_delay(int fd) {
    const int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("TCP_NODELAY");
}

static void write_file(const char* name, size_t length) {
    char temporary[PATH_MAX];
    snprintf(temporary, sizeof temporary, "%s.floor-tmp", name);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) die(temporary);
    if (write(fd, content, length) != (ssize_t)length) die("write");
    close(fd);
    if (rename(temporary, name) != 0) die("rename");
}

static int receive(void) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr*)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
        die("listen");
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    const int stream = accept(listener, NULL, NULL);
    if (stream < 0) die("accept");
    no_delay(stream);
    for (;;) {
        uint32_t lengths[2];
        char name[PATH_MAX];
        read_all(stream, lengths, sizeof lengths);
        if (lengths[0] >= sizeof name || lengths[1] > sizeof content) return 1;
        read_all(stream, name, lengths[0]);
        name[lengths[0]] = '\0';
        read_all(stream, content, lengths[1]);
        write_file(name, lengths[1]);
    }
}

static void send_file(int stream, const char* name) {
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;  // gone again
    const ssize_t length = read(fd, content, sizeof content);
    close(fd);
    if (length < 0) die(name);
    uint32_t lengths[2] = {(uint32_t)strlen(name), (uint32_t)length};
    struct iovec parts[] = {{lengths, sizeof lengths}, {(void*)name, lengths[0]}, {content, (size_t)length}};
    const ssize_t whole = (ssize_t)(sizeof lengths + lengths[0] + (size_t)length);
    const ssize_t sent = writev(stream, parts, 3);
    if (sent != whole) die("writev");
}

static void watch_all(int watcher) {
    char* roots[] = {".", NULL};
    FTS* tree = fts_open(roots, FTS_PHYSICAL, NULL);
    if (tree == NULL) die("fts_open");
    for (FTSENT* entry; (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info != FTS_D) continue;
        const int watch = inotify_add_watch(watcher, entry->fts_accpath, IN_CLOSE_WRITE | IN_MOVED_TO);
        if (watch < 0 || watch >= kWatches) die("inotify_add_watch");
        folder_of[watch] = strdup(entry->fts_path);
    }
    fts_close(tree);
}

static int send_changes(int port) {
    const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = loopback(port);
    if (connect(stream, (const struct sockaddr*)&address, sizeof address) != 0) die("connect");
    no_delay(stream);
    const int watcher = inotify_init1(IN_CLOEXEC);
    watch_all(watcher);
    puts("watching");
    fflush(stdout);
    _Alignas(struct inotify_event) char events[1 << 16];
    for (;;) {
        const ssize_t length = read(watcher, events, sizeof events);
        if (length <= 0) die("inotify");
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event* event = (const struct inotify_event*)(events + at);
            at += (ssize_t)(sizeof *event + event->len);
            if (event->len == 0 || (event->mask & IN_ISDIR) != 0) continue;
            char name[PATH_MAX];
            snprintf(name, sizeof name, "%s/%s", folder_of[event->wd], event->name);
            send_file(stream, name);
        }
    }
}

int main(int argc, char** argv) {
    const int sends = argc == 4 && strcmp(argv[1], "send") == 0;
    if (!sends && !(argc == 3 && strcmp(argv[1], "receive") == 0)) {
        fputs("usage: floor receive FOLDER | floor send FOLDER PORT\n", stderr);
        return 2;
    }
    if (chdir(argv[2]) != 0) die(argv[2]);
    return sends ? send_changes(atoi(argv[3])) : receive();
}
