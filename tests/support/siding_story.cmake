# Black-box tests in Python that drive the real programs of this build.
#
#   siding_stories(e2e holds_and_releases phases …)       one ctest "e2e.phases" per file
#   siding_story(crash.sigkill crash_sigkill.py --kills 15)
#
# Exit 77 of a story means that it was skipped, and its output says why.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)

function(siding_story name file)
    add_test(NAME ${name} COMMAND Python3::Interpreter "${CMAKE_CURRENT_SOURCE_DIR}/${file}" ${ARGN})
    set_tests_properties(
        ${name}
        PROPERTIES
            ENVIRONMENT "SIDING_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};PYTHONDONTWRITEBYTECODE=1"
            SKIP_RETURN_CODE 77
            TIMEOUT 600
    )
endfunction()

function(siding_stories suite)
    foreach(story IN LISTS ARGN)
        siding_story(${suite}.${story} ${story}.py)
    endforeach()
endfunction()
