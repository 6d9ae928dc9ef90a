# One function per module, so that a folder's CMakeLists.txt says only what is its own.
#
#   siding_module(queue SOURCES a.cpp … DEPS base … PRIVATE_DEPS RocksDB::rocksdb …)
#
# creates the library siding_queue and refuses a dependency against the layers; the includes are
# checked against the same layers by tests/tidy/tidy.py.

set(SIDING_LAYER_base 0)
set(SIDING_LAYER_config 1)
set(SIDING_LAYER_net 1)
set(SIDING_LAYER_systemd 1)
set(SIDING_LAYER_dns 2)
set(SIDING_LAYER_smtp 2)
set(SIDING_LAYER_queue 2)
set(SIDING_LAYER_relay 3)
set(SIDING_LAYER_backfill 3)
set(SIDING_LAYER_cutover 4)
set(SIDING_LAYER_control 5)
set(SIDING_LAYER_cli 6)

function(siding_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;PUBLIC_DEPS;PRIVATE_DEPS")
    foreach(dep IN LISTS arg_DEPS)
        if(NOT SIDING_LAYER_${dep} LESS SIDING_LAYER_${name})
            message(FATAL_ERROR "layer: ${name} must not depend on ${dep} (docs/architecture.md)")
        endif()
    endforeach()
    list(TRANSFORM arg_DEPS PREPEND siding_ OUTPUT_VARIABLE own)
    add_library(siding_${name} STATIC ${arg_SOURCES})
    target_include_directories(siding_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_link_libraries(siding_${name} PUBLIC ${own} ${arg_PUBLIC_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
endfunction()

# siding_test(queue.intake SOURCES intake_test.cpp … DEPS queue …): one GoogleTest program, one ctest.
function(siding_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LIBRARIES")
    list(TRANSFORM arg_DEPS PREPEND siding_ OUTPUT_VARIABLE own)
    string(REPLACE "." "_" target "${name}_test")
    add_executable(${target} ${arg_SOURCES})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} PRIVATE ${own} ${arg_LIBRARIES} GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${target} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
