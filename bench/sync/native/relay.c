// A relay that counts: everything between the two ends of a stream passes through it unchanged.
//
//     relay LISTEN CONNECT     each is unix:PATH or tcp:PORT (of 127.0.0.1; 0 to listen: any free one)
//     stdout    listening PORT (0 for unix:)
//     stdin     each line is answered by: bytes CONNECTING_TO_LISTENING LISTENING_TO_CONNECTING
//
// The counts are of the payload of all streams so far, from the end that connected and back to it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kChunk = 1 << 18, kBacklog = 64 };

static atomic_llong counted[2];
static const char* target;

struct pump {
    int from, to, direction;
};

union address {
    struct sockaddr any;
    struct sockaddr_in tcp;
    struct sockaddr_un local;
};

static void die(const char* what) {
    perror(what);
    exit(1);
}

static socklen_t parse(const char* text, union address* out) {
    memset(out, 0, sizeof *out);
    if (strncmp(text, "unix:", 5) == 0 && strlen(text + 5) < sizeof out->local.sun_path) {
        out->local.sun_family = AF_UNIX;
        strcpy(out->local.sun_path, text + 5);
        return sizeof out->local;
    }
    if (strncmp(text, "tcp:", 4) != 0) {
        fprintf(stderr, "relay: %s is neither unix:PATH nor tcp:PORT\n", text);
        exit(2);
    }
    out->tcp.sin_family = AF_INET;
    out->tcp.sin_port = htons((uint16_t)atoi(text + 4));
    out->tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof out->tcp;
}

static void no_delay(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // means nothing to a unix socket
}

static int write_all(int fd, const char* bytes, ssize_t length) {
    while (length > 0) {
        const ssize_t sent = write(fd, bytes, (size_t)length);
        if (sent <= 0) return 0;
        bytes += sent;
        length -= sent;
    }
    return 1;
}

static void* run_pump(void* argument) {
    struct pump* pump = argument;
    char* chunk = malloc(kChunk);
    if (chunk == NULL) die("relay");
    for (ssize_t length; (length = read(pump->from, chunk, kChunk)) > 0;) {
        atomic_fetch_add(&counted[pump->direction], length);
        if (!write_all(pump->to, chunk, length)) {
            shutdown(pump->from, SHUT_RD);
            break;
        }
    }
    shutdown(pump->to, SHUT_WR);
    free(chunk);
    free(pump);
    return NULL;
}

static pthread_t start_pump(int from, int to, int direction) {
    struct pump* pump = malloc(sizeof *pump);
    pthread_t thread;
    if (pump == NULL) die("relay");
    *pump = (struct pump){from, to, direction};
    if (pthread_create(&thread, NULL, run_pump, pump) != 0) die("relay: thread");
    return thread;
}

static void* serve(void* argument) {
    const int near = (int)(intptr_t)argument;
    union address address;
    const socklen_t size = parse(target, &address);
    const int far = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (far >= 0 && connect(far, &address.any, size) == 0) {
        no_delay(near);
        no_delay(far);
        const pthread_t there = start_pump(near, far, 0);
        const pthread_t back = start_pump(far, near, 1);
        pthread_join(there, NULL);
        pthread_join(back, NULL);
    }
    close(near);
    if (far >= 0) close(far);
    return NULL;
}

static void* accept_all(void* argument) {
    const int listener = (int)(intptr_t)argument;
    for (;;) {
        const int near = accept(listener, NULL, NULL);
        pthread_t thread;
        if (near < 0) continue;
        if (pthread_create(&thread, NULL, serve, (void*)(intptr_t)near) != 0) die("relay: thread");
        pthread_detach(thread);
    }
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fputs("usage: relay LISTEN CONNECT\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    target = argv[2];
    union address address;
    socklen_t size = parse(argv[1], &address);
    const int listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, &address.any, size) != 0 || listen(listener, kBacklog) != 0)
        die(argv[1]);
    size = sizeof address;
    getsockname(listener, &address.any, &size);
    printf("listening %d\n", address.any.sa_family == AF_INET ? ntohs(address.tcp.sin_port) : 0);
    fflush(stdout);
    pthread_t thread;
    if (pthread_create(&thread, NULL, accept_all, (void*)(intptr_t)listener) != 0) die("relay: thread");
    for (char line[64]; fgets(line, sizeof line, stdin) != NULL;) {
        printf("bytes %lld %lld\n", (long long)atomic_load(&counted[0]), (long long)atomic_load(&counted[1]));
        fflush(stdout);
    }
    return 0;
}
