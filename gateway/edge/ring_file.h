/*
 * ring_file - finds, makes and replaces the file of the intake ring.
 *
 * Layer     gateway/edge; internal to ring.c
 * Threads   the one that opens the ring
 */
#ifndef DEPOT_GATEWAY_EDGE_RING_FILE_H
#define DEPOT_GATEWAY_EDGE_RING_FILE_H

#include "gateway/edge/ring.h"

/* Bytes of a file of @slot_count slots. */
uint64_t ring_file_size(uint32_t slot_count);

/*
 * Opens or makes the file that ring_open describes. On success it has a good
 * head, ring_file_size() bytes with all blocks allocated, and is locked;
 * *@ret_fd is owned by the caller. @report is filled as far as the file goes;
 * errors as of ring_open.
 */
MUST_CHECK enum err_code ring_file_open(const struct ring_config *config,
					int *ret_fd, struct ring_report *report,
					struct err *err);

#endif
