# Compiler settings that every target of ours shares, as one INTERFACE target.
add_library(synchost_settings INTERFACE)
target_include_directories(synchost_settings INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(synchost_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough -Wno-missing-designated-field-initializers -Werror
    -ffunction-sections -fdata-sections "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
target_compile_definitions(synchost_settings INTERFACE SYNCHOST_VERSION="${PROJECT_VERSION}" _GNU_SOURCE)
target_link_options(synchost_settings INTERFACE -fuse-ld=lld)

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
