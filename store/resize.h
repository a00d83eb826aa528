/*
 * resize - a larger or smaller map for a store that nobody uses.
 *
 * Layer     store
 * Threads   one process, which has not got the store open
 * On disk   while it works, and after a crash: the folder NAME.resized
 */
#ifndef DEPOT_STORE_RESIZE_H
#define DEPOT_STORE_RESIZE_H

#include "store/env.h"

/*
 * Copies the store at @path, compacted, into a map of @map_size bytes, and
 * lets the copy and the store change places in one step: at every moment
 * there is a whole store at @path. Readers that had it open keep what they
 * had; open again to see more.
 *
 * ERR_INVALID  @map_size will not do, or it is smaller than the rows
 * ERR_AGAIN    somebody writes the store
 * ERR_FULL     the disk has no room for both
 * and what env_open and folder_exchange give
 */
MUST_CHECK enum err_code store_resize(const char *path, uint64_t map_size,
				      struct err *err);

#endif
