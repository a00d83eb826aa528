# Makes panel_files.c of the page's files: cmake -DOUT=... -DFILES=a;b -P this
# Bounded, so that the page stays what a phone loads in a moment.
set(bytes_max 61440)

set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(types_webmanifest "application/manifest+json")

set(total 0)
set(bodies "")
set(rows "")
set(number 0)
foreach(path IN LISTS FILES)
	get_filename_component(name ${path} NAME)
	get_filename_component(kind ${path} LAST_EXT)
	string(SUBSTRING ${kind} 1 -1 kind)
	if(NOT DEFINED types_${kind})
		message(FATAL_ERROR "${path}: no type is known for .${kind}")
	endif()
	file(READ ${path} hex HEX)
	string(LENGTH ${hex} size)
	math(EXPR size "${size} / 2")
	math(EXPR total "${total} + ${size}")
	string(REGEX REPLACE "(....................)" "\\1\n" hex ${hex})
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " hex ${hex})
	string(REGEX REPLACE " \n" "\n\t" hex ${hex})
	string(APPEND bodies "static const unsigned char file_${number}[] = {\n"
		"\t${hex}};\n\n")
	if(name STREQUAL "index.html")
		set(name "")
	endif()
	string(APPEND rows "\t{\"/${name}\", \"${types_${kind}}\", "
		"(const char *)file_${number}, sizeof(file_${number})},\n")
	math(EXPR number "${number} + 1")
endforeach()
if(total GREATER bytes_max)
	message(FATAL_ERROR "the page has ${total} bytes, at most ${bytes_max}")
endif()
file(WRITE ${OUT} "/* Made by gateway/page/embed.cmake. */
#include \"gateway/edge/panel_files.h\"

${bodies}const struct panel_file panel_files[] = {
${rows}};

const size_t panel_file_count = ${number};
")
