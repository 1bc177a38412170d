// The app of the containers: does nothing, and ends when it is told to.
#include <unistd.h>

int main(void) {
    for (;;) pause();
}
