/*
 * page_files - the operator page's files, built into the program.
 *
 * Layer     gateway/edge; page_files.c is made from gateway/page/ at build time
 * Threads   constants
 */
#ifndef DEPOT_GATEWAY_EDGE_PAGE_FILES_H
#define DEPOT_GATEWAY_EDGE_PAGE_FILES_H

#include <stddef.h>

struct page_file {
	const char *path; /* "/page.css" */
	const char *type;
	const char *data;
	size_t size;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
