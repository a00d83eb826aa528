/*
 * panel_files - the operator page's files, built into the program.
 *
 * Layer     gateway/edge; panel_files.c is made by gateway/page/embed.cmake
 * Threads   any: constants
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_FILES_H
#define DEPOT_GATEWAY_EDGE_PANEL_FILES_H

#include <stddef.h>

struct panel_file {
	const char *path; /* "/page.css" */
	const char *type;
	const char *data;
	size_t size;
};

extern const struct panel_file panel_files[];
extern const size_t panel_file_count;

#endif
