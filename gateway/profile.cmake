# The build profiles:
# -DDEPOT_PROFILE=dev|asan|tsan|coverage|fuzz|release|fast.

set(DEPOT_PROFILE dev CACHE STRING "as above")
set_property(CACHE DEPOT_PROFILE PROPERTY STRINGS
	dev asan tsan coverage fuzz release fast)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion
	-Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Walloca
	-Wundef -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
	-Wdouble-promotion)
if(NOT DEPOT_PROFILE MATCHES "^(asan|tsan|fuzz)$")
	# A sanitizer's red zones are no stack of ours.
	add_compile_options(-Wframe-larger-than=16384)
endif()
add_compile_definitions(_GNU_SOURCE)
# Names in ASSERTs and debug data do not depend on where the tree lies, nor on
# where it is built.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/="
	"-ffile-prefix-map=${CMAKE_BINARY_DIR}=build")
include_directories(${CMAKE_SOURCE_DIR})

set(sanitize -fno-omit-frame-pointer -g -O1)
if(DEPOT_PROFILE STREQUAL "dev")
	add_compile_options(-O1 -g -Werror)
elseif(DEPOT_PROFILE STREQUAL "asan")
	add_compile_options(${sanitize} -Werror -fsanitize=address,undefined
		-fno-sanitize-recover=all)
	# Static, for what store/child.c needs of it is not in the shared one.
	add_link_options(-fsanitize=address,undefined -static-libasan
		-static-libubsan)
elseif(DEPOT_PROFILE STREQUAL "tsan")
	add_compile_options(${sanitize} -Werror -fsanitize=thread)
	add_link_options(-fsanitize=thread)
elseif(DEPOT_PROFILE STREQUAL "coverage")
	add_compile_options(-O0 -g -Werror --coverage)
	add_link_options(--coverage)
elseif(DEPOT_PROFILE STREQUAL "fuzz")
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
		message(FATAL_ERROR "fuzz needs -DCMAKE_C_COMPILER=clang")
	endif()
	add_compile_options(${sanitize} -Werror
		-fsanitize=fuzzer-no-link,address,undefined
		-fno-sanitize-recover=all)
	add_link_options(-fsanitize=address,undefined)
elseif(DEPOT_PROFILE STREQUAL "release")
	# The assertions stay on: there is no NDEBUG in this project.
	add_compile_options(-O2 -g -fstack-protector-strong
		-fstack-clash-protection -fcf-protection=full
		-ftrivial-auto-var-init=zero -fPIE
		-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	add_link_options(-pie -Wl,-z,relro,-z,now)
elseif(DEPOT_PROFILE STREQUAL "fast")
	# For a campaign of the simulator: this machine's, never shipped.
	add_compile_options(-O3 -g -march=native -flto=auto)
	add_link_options(-flto=auto)
else()
	message(FATAL_ERROR "unknown DEPOT_PROFILE: ${DEPOT_PROFILE}")
endif()
