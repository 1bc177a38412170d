# Makes bin/server. CXX may name another compiler.
set -eu
mkdir -p bin
exec "${CXX:-clang++-19}" -std=c++17 -O1 -o bin/server src/main.cpp src/greeting.cpp
