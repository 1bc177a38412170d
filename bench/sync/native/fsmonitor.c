// What `unison -repeat watch` asks which paths have changed, under the name unison-fsmonitor: Debian ships
// unison without its own. Written to the protocol of unison's file watchers (version 1). It is kinder than
// that one in one point: it tells of a change at once, where unison's own waits for half a second.
//
//     VERSION 1                    said first, by both
//     START ROOT FOLDER [PATH]     unison scans FOLDER/PATH now; answered by OK, as is each line until DONE:
//     DIR PATH, LINK PATH          found in the scan, relative to FOLDER/PATH
//     WAIT ROOT                    answered by CHANGES ROOT as soon as something has changed; several may
//     wait CHANGES ROOT                 answered by RECURSIVE PATH for each changed path, relative to FOLDER,
//     and DONE RESET ROOT                   forget it
//
// Words are percent-encoded. Any command ends the waiting.
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { kRoots = 8, kWatches = 1 << 20, kLine = 16384 };

struct root {
    char name[256];
    char** changed;
    size_t count, capacity;
    int waits;
};

struct watch {
    struct root* root;
    char* path;  // relative to the root's folder, "" is the folder itself
};

static struct root roots[kRoots];
static struct watch watches[kWatches];
static int watcher;

static void decode(char* text) {
    char* to = text;
    for (const char* from = text; *from != '\0'; ++from, ++to) {
        unsigned code = 0;
        if (*from == '%' && sscanf(from + 1, "%2x", &code) == 1) {
            *to = (char)code;
            from += 2;
        } else {
            *to = *from;
        }
    }
    *to = '\0';
}

static void print_encoded(const char* text) {
    for (; *text != '\0'; ++text) {
        const unsigned char byte = (unsigned char)*text;
        if (byte > ' ' && byte < 127 && strchr("%\"<>\\^`{|}", byte) == NULL) {
            putchar(byte);
        } else {
            printf("%%%02X", byte);
        }
    }
}

static struct root* root_named(const char* name) {
    for (int i = 0; i < kRoots; ++i) {
        if (strcmp(roots[i].name, name) == 0) return &roots[i];
        if (roots[i].name[0] == '\0') {
            snprintf(roots[i].name, sizeof roots[i].name, "%s", name);
            return &roots[i];
        }
    }
    printf("ERROR too%%20many%%20roots\n");
    exit(1);
}

static void join(char* out, const char* folder, const char* path) {
    snprintf(out, PATH_MAX, "%s%s%s", folder, *folder != '\0' && *path != '\0' ? "/" : "", path);
}

static void watch_folder(struct root* root, const char* folder, const char* path) {
    char full[PATH_MAX];
    join(full, folder, path);
    const int id =
        inotify_add_watch(watcher, full, IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE | IN_CREATE | IN_DELETE);
    if (id < 0 || id >= kWatches) return;  // gone, or no folder
    free(watches[id].path);
    watches[id] = (struct watch){root, strdup(path)};
}

static void answer_ok(void) {
    puts("OK");
    fflush(stdout);
}

static int read_line(char* line) {
    if (fgets(line, kLine, stdin) == NULL) return 0;
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

// The word after the first space; ends the first one.
static char* rest_of(char* line) {
    char* space = strchr(line, ' ');
    if (space == NULL) return line + strlen(line);
    *space = '\0';
    return space + 1;
}

static void start(char* arguments) {
    char folder[PATH_MAX];
    char base[PATH_MAX];
    char path[PATH_MAX];
    char line[kLine];
    char* second = rest_of(arguments);
    char* third = rest_of(second);
    decode(arguments);
    decode(second);
    decode(third);
    snprintf(folder, sizeof folder, "%s", second);
    snprintf(base, sizeof base, "%s", third);
    struct root* root = root_named(arguments);
    watch_folder(root, folder, base);
    answer_ok();
    while (read_line(line)) {
        char* argument = rest_of(line);
        if (strcmp(line, "DONE") == 0) return;
        decode(argument);
        join(path, base, argument);
        watch_folder(root, folder, path);
        answer_ok();
    }
}

static void tell(struct root* root) {
    if (!root->waits || root->count == 0) return;
    printf("CHANGES ");
    print_encoded(root->name);
    putchar('\n');
    fflush(stdout);
    for (int i = 0; i < kRoots; ++i) roots[i].waits = 0;
}

static void forget_changes(struct root* root) {
    for (size_t i = 0; i < root->count; ++i) free(root->changed[i]);
    root->count = 0;
}

static void list_changes(struct root* root) {
    for (size_t i = 0; i < root->count; ++i) {
        printf("RECURSIVE ");
        print_encoded(root->changed[i]);
        putchar('\n');
    }
    puts("DONE");
    fflush(stdout);
    forget_changes(root);
}

static void note(struct root* root, const char* path) {
    for (size_t i = root->count; i > 0 && i + 8 > root->count; --i) {
        if (strcmp(root->changed[i - 1], path) == 0) return;
    }
    if (root->count == root->capacity) {
        root->capacity = root->capacity * 2 + 64;
        root->changed = realloc(root->changed, root->capacity * sizeof *root->changed);
        if (root->changed == NULL) exit(1);
    }
    root->changed[root->count++] = strdup(path);
}

static void read_events(void) {
    static _Alignas(struct inotify_event) char events[1 << 18];
    const ssize_t length = read(watcher, events, sizeof events);
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event* event = (const struct inotify_event*)(events + at);
        at += (ssize_t)(sizeof *event + event->len);
        if ((event->mask & IN_Q_OVERFLOW) != 0) {
            for (int i = 0; i < kRoots && roots[i].name[0] != '\0'; ++i) note(&roots[i], "");
        } else if (event->len > 0 && watches[event->wd].root != NULL &&
                   strncmp(event->name, ".unison.", 8) != 0) {  // unison's own temporary files
            char path[PATH_MAX];
            join(path, watches[event->wd].path, event->name);
            note(watches[event->wd].root, path);
        }
    }
    for (int i = 0; i < kRoots; ++i) tell(&roots[i]);
}

static void command(char* line) {
    char* arguments = rest_of(line);
    const int waiting = strcmp(line, "WAIT") == 0;
    for (int i = 0; i < kRoots && !waiting; ++i) roots[i].waits = 0;
    if (strcmp(line, "START") == 0) {
        start(arguments);
        return;
    }
    decode(arguments);
    if (waiting) {
        struct root* root = root_named(arguments);
        root->waits = 1;
        tell(root);
    } else if (strcmp(line, "CHANGES") == 0) {
        list_changes(root_named(arguments));
    } else if (strcmp(line, "RESET") == 0) {
        forget_changes(root_named(arguments));
    }
}

int main(void) {
    char line[kLine];
    watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watcher < 0) {
        printf("ERROR no%%20inotify\n");
        return 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0);  // so that poll() tells whether a line is left
    puts("VERSION 1");
    fflush(stdout);
    for (;;) {
        struct pollfd ends[] = {{STDIN_FILENO, POLLIN, 0}, {watcher, POLLIN, 0}};
        if (poll(ends, 2, -1) < 0) return 1;
        if (ends[1].revents != 0) read_events();
        if (ends[0].revents == 0) continue;
        if (!read_line(line)) return 0;
        command(line);
    }
}
