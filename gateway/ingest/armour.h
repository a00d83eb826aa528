/*
 * armour - a few bytes as a text file: for sticks, printers and safes.
 *
 * Layer     gateway/ingest; pure
 * Threads   any
 * On disk   docs/format/armour.md, version ARMOUR_VERSION
 *
 *   depot ask 1
 *   # what it is, and what to do with it
 *   0123-4567-89AB-CDEF-*
 *
 * A line holds ten bytes in Crockford's base 32 (crockford.h) and a check
 * symbol of its own, so whoever types it off paper is told which line is wrong;
 * eight bytes at the end are a checksum over all of it.
 */
#ifndef DEPOT_GATEWAY_INGEST_ARMOUR_H
#define DEPOT_GATEWAY_INGEST_ARMOUR_H

#include "rules/base/bytes.h"

#define ARMOUR_VERSION 1
#define ARMOUR_SIZE_MAX 1280
/* Of a file that armour_write makes: lines, and notes of 1,024 bytes. */
#define ARMOUR_TEXT_SIZE_MAX 4608
#define ARMOUR_NOTE_SIZE_MAX 1024

/*
 * Writes @bytes, at most ARMOUR_SIZE_MAX, as a file of @kind ("root-key")
 * into @writer. @note is at most ARMOUR_NOTE_SIZE_MAX bytes, whole lines; each
 * is begun with "# ".
 */
void armour_write(struct writer *writer, const char *kind, const char *note,
		  struct span bytes);

enum armour_fault {
	ARMOUR_SOUND = 0,
	ARMOUR_KIND,        /* no such file at all */
	ARMOUR_VERSION_NEW, /* of a newer depot */
	ARMOUR_LINE,        /* *@ret_line, from 1, is mistyped */
	ARMOUR_WHOLE,       /* a line is missing, or stands in another place */
};
/*
 * Reads @text, of that kind, into @bytes of ARMOUR_SIZE_MAX. *@ret_size is set
 * if it is sound, *@ret_line (from 1) if a line is not.
 */
enum armour_fault armour_read(struct span text, const char *kind,
			      uint8_t *bytes, size_t *ret_size,
			      unsigned *ret_line);

/* The sentence, in two languages, with %s for the line if it is ARMOUR_LINE's.
 * Never NULL. */
const char *armour_fault_text(enum armour_fault fault, bool is_chinese);

#endif
