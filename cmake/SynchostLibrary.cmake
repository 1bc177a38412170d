# synchost_library(NAME SOURCES file... USES target...)
#   A static library of one folder. USES names the folders and packages that it may use, and nothing else is linked:
#   an include that is not allowed fails in tests/architecture.
function(synchost_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
    add_library(synchost_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(synchost_${name} PUBLIC synchost_settings ${ARG_USES})
endfunction()

# synchost_test(NAME SOURCES file... USES target... [LABELS label...] [TIMEOUT seconds] [LOCK resource])
#   LOCK: tests that name the same resource never run side by side.
#   A GoogleTest executable, one ctest entry per test. LABELS: unit (the default), integration, e2e.
function(synchost_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT;LOCK" "SOURCES;USES;LABELS" ${ARGN})
    if(ARG_LOCK)
        set(lock RESOURCE_LOCK ${ARG_LOCK})
    endif()
    if(NOT ARG_LABELS)
        set(ARG_LABELS unit)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE synchost_settings synchost_test_support ${ARG_USES} GTest::gtest_main GTest::gmock)
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ${lock})
endfunction()
