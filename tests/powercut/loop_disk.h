/*
 * loop_disk - a disk in a file, whose power can be cut.
 *
 * Layer     tests
 * Threads   one
 *
 * The disk is an ext4 file system on a loop device. Its power is cut by
 * FS_IOC_SHUTDOWN without flushing the log: from then on nothing more reaches
 * the file, and mounting it again finds what a real disk would have held.
 * Everything is mounted in a mount namespace of this process, on a loop
 * device that lets go of itself: whatever ends the process, by whatever
 * signal, leaves no mount and no loop device.
 */
#ifndef DEPOT_TESTS_POWERCUT_LOOP_DISK_H
#define DEPOT_TESTS_POWERCUT_LOOP_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"

struct loop_disk {
	char image[128]; /* file */
	char point[128]; /* folder where it is mounted */
};

/*
 * Leaves the others' mount namespace. Once, first.
 *
 * The results of this and of disk_make say why a machine cannot do this:
 * ERR_NOT_FOUND  the kernel has not got it (the text says what)
 * ERR_DENIED     we may not: not root
 * ERR_IO         anything else
 */
MUST_CHECK enum err_code disk_prepare(struct err *err);

/*
 * Makes a file system of @size bytes in @folder, with mkfs.ext4's @features
 * ("" for the usual ones), mounts it and proves that its power can be cut.
 */
MUST_CHECK enum err_code disk_make(struct loop_disk *disk, const char *folder,
				   uint64_t size, const char *features,
				   struct err *err);

/* Cuts the power. Whatever is not on the disk now never will be. */
MUST_CHECK enum err_code disk_cut(const struct loop_disk *disk,
				  struct err *err);

/* Unmounts what is left and mounts the disk again. All that used it must be
 * gone. */
MUST_CHECK enum err_code disk_remount(const struct loop_disk *disk,
				      struct err *err);

/* Unmounts and removes it. */
void disk_remove(const struct loop_disk *disk);

#endif
