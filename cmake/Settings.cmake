# Compiler settings that every target of ours shares, as INTERFACE targets: synchost_plain_settings for what is shipped
# into pods, which is static and never instrumented, and synchost_settings, with the sanitizers, for everything else.
add_library(synchost_plain_settings INTERFACE)
target_include_directories(synchost_plain_settings INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(synchost_plain_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough -Wno-missing-designated-field-initializers -Werror
    -ffunction-sections -fdata-sections "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
target_compile_definitions(synchost_plain_settings INTERFACE SYNCHOST_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)
target_link_options(synchost_plain_settings INTERFACE -fuse-ld=lld)

add_library(synchost_settings INTERFACE)
target_link_libraries(synchost_settings INTERFACE synchost_plain_settings)
if(SYNCHOST_SANITIZE)
    target_compile_options(synchost_settings INTERFACE
        -fsanitize=${SYNCHOST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(synchost_settings INTERFACE -fsanitize=${SYNCHOST_SANITIZE})
endif()
if(SYNCHOST_FUZZ)
    target_compile_options(synchost_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(SYNCHOST_CCACHE ccache)
if(SYNCHOST_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${SYNCHOST_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${SYNCHOST_CCACHE}")
endif()
