# How Meridian's own targets are declared: one flag set for all, one function for each kind of target.

add_library(meridian_flags INTERFACE)
target_include_directories(meridian_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(meridian_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Werror)
if(MERIDIAN_SANITIZE)
  # g++ 12 sees uninitialised values in the standard library's own code when it instruments it.
  target_compile_options(meridian_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(MERIDIAN_SANITIZE MATCHES thread)
    # Asio holds fences, of which ThreadSanitizer understands less; the emulator runs on one thread.
    target_compile_options(meridian_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
  target_compile_options(meridian_flags INTERFACE -fsanitize=${MERIDIAN_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(meridian_flags INTERFACE -fsanitize=${MERIDIAN_SANITIZE})
endif()

# meridian_library(NAME SOURCES a.cc b.cc [DEPENDS other...] [PRIVATE_DEPENDS other...])
function(meridian_library name)
  cmake_parse_arguments(LIB "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${LIB_SOURCES})
  target_link_libraries(${name} PUBLIC meridian_flags ${LIB_DEPENDS} PRIVATE ${LIB_PRIVATE_DEPENDS})
endfunction()

# What every test runs with. A sanitizer's finding ends the test; tools/tsan.supp says what is overlooked and why.
# Stacks stay where they are (no detect_stack_use_after_return): kj::ExceptionCallback must lie on the real one.
set(MERIDIAN_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1:suppressions=${PROJECT_SOURCE_DIR}/tools/tsan.supp")

# Targets that build all tests of one label, so that a sanitizer's build makes only what it will run.
foreach(label unit concurrent integration)
  add_custom_target(${label}_tests)
endforeach()

# meridian_test(NAME SOURCES a_test.cc [DEPENDS lib...] [LABELS unit|concurrent|integration] [TIMEOUT seconds])
# Labels choose what runs under which sanitizer: `unit` under asan+ubsan, `concurrent` under tsan.
function(meridian_test name)
  cmake_parse_arguments(TST "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT TST_LABELS)
    set(TST_LABELS unit)
  endif()
  if(NOT TST_TIMEOUT)
    set(TST_TIMEOUT 120)
  endif()
  add_executable(${name} ${TST_SOURCES})
  target_link_libraries(${name} PRIVATE meridian_flags ${TST_DEPENDS} GTest::gmock GTest::gtest_main)
  foreach(label ${TST_LABELS})
    add_dependencies(${label}_tests ${name})
  endforeach()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${TST_LABELS}" TIMEOUT ${TST_TIMEOUT}
    ENVIRONMENT "${MERIDIAN_TEST_ENVIRONMENT};MERIDIAN_BINARY=$<TARGET_FILE:meridian>;MERIDIAN_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# The instruction sets of src/base/instruction_sets.h that this machine has besides the best one, which tests take anyway.
set(MERIDIAN_OTHER_INSTRUCTION_SETS "")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64 AND EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo processor_flags REGEX "^flags" LIMIT_COUNT 1)
  if(processor_flags MATCHES " avx2( |$)")
    list(APPEND MERIDIAN_OTHER_INSTRUCTION_SETS portable)
    if(processor_flags MATCHES " avx512f( |$)")
      list(APPEND MERIDIAN_OTHER_INSTRUCTION_SETS avx2)
    endif()
  endif()
endif()

# meridian_test_other_instruction_sets(NAME): the same test once more for each of them, as NAME_avx2 and the like.
function(meridian_test_other_instruction_sets name)
  get_test_property(${name} ENVIRONMENT environment)
  get_test_property(${name} LABELS labels)
  get_test_property(${name} TIMEOUT timeout)
  foreach(set ${MERIDIAN_OTHER_INSTRUCTION_SETS})
    add_test(NAME ${name}_${set} COMMAND ${name})
    set_tests_properties(${name}_${set} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout}
      ENVIRONMENT "${environment};MERIDIAN_ISA=${set}")
  endforeach()
endfunction()
