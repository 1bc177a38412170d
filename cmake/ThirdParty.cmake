# Every third-party package, found once. Libraries that the static agent links too (zstd, xxhash, OpenSSL) are
# named as -l flags, so that one object works in a shared and in a -static link.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
# Debian's .pc carries the -D flags that the library was compiled with: class layouts differ without them.
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)

add_library(synchost_crypto INTERFACE)
target_link_libraries(synchost_crypto INTERFACE -lssl -lcrypto)
add_library(synchost_zstd INTERFACE)
target_link_libraries(synchost_zstd INTERFACE -lzstd)
add_library(synchost_xxhash INTERFACE)
target_link_libraries(synchost_xxhash INTERFACE -lxxhash)

# libarchive as an archive: the shared one brings libxml2, ICU, nettle and libacl along for formats that nobody here reads,
# and loading them takes 1.3 ms of each start.
add_library(synchost_archive INTERFACE)
target_link_libraries(synchost_archive INTERFACE -l:libarchive.a -llzma -lbz2 -llz4 -lzstd -lz)

# RE2 as an archive, for the same reason: one command of many uses it.
add_library(synchost_re2 INTERFACE)
target_link_libraries(synchost_re2 INTERFACE -l:libre2.a Threads::Threads)

# Boost.Asio and Boost.Beast compiled once (asio_impl.cpp), not in every unit that includes them.
add_library(synchost_asio STATIC "${CMAKE_CURRENT_LIST_DIR}/asio_impl.cpp")
target_compile_definitions(synchost_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_compile_options(synchost_asio PRIVATE -ffunction-sections -fdata-sections)
if(SYNCHOST_SANITIZE)
    target_compile_options(synchost_asio PRIVATE -fsanitize=${SYNCHOST_SANITIZE})
endif()
target_link_libraries(synchost_asio PUBLIC Boost::headers Threads::Threads)

# What speaks TLS, HTTP and WebSocket by Asio and Beast; apart, because the agent links synchost_asio alone.
add_library(synchost_beast STATIC "${CMAKE_CURRENT_LIST_DIR}/beast_impl.cpp")
target_compile_definitions(synchost_beast PUBLIC BOOST_BEAST_SEPARATE_COMPILATION)
target_compile_options(synchost_beast PRIVATE -ffunction-sections -fdata-sections)
if(SYNCHOST_SANITIZE)
    target_compile_options(synchost_beast PRIVATE -fsanitize=${SYNCHOST_SANITIZE})
endif()
target_link_libraries(synchost_beast PUBLIC synchost_asio synchost_crypto)
