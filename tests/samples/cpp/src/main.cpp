#include <cstdio>

#include "greeting.hpp"

int main() {
    std::puts(greeting());
}
