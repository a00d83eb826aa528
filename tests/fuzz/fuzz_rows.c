/*
 * Any bytes as rows: refused, or entries whose rows are those bytes. Any bytes
 * as an entry: refused, or a row that gives it back.
 */
#include <string.h>

#include "store/rows.h"
#include "store/rows_shape.h"
#include "tests/fuzz/fuzz.h"

#define AS_ENTRY 1

static struct rows *in;
static struct rows *out;
static struct entry_bytes entry;
static uint8_t buffer[1 << 16];

/* How a newer depot writes its own fields is not known here. */
static bool is_strange(void)
{
	static struct row_parts parts;
	struct span bytes = {(const char *)entry.data, entry.size};

	ASSERT(row_split(bytes, &parts) == ERR_OK);
	for (size_t i = 0; i < parts.count && i < ROW_FIELDS_MAX; i++)
		if (row_class_known(parts.kind, parts.fields[i].tag) ==
		    ROW_CLASS_UNKNOWN)
			return true;
	return false;
}

static void as_rows(const uint8_t *data, size_t size)
{
	struct reader reader;
	struct writer writer;
	bool is_ours = true;

	reader_init(&reader, data, size);
	writer_init(&writer, buffer, sizeof(buffer));
	for (uint64_t number = 1; reader_left(&reader) > 0; number++) {
		struct pos pos = pos_make(1, number);

		if (rows_read(in, pos, &reader, &entry) != ERR_OK)
			return;
		is_ours = is_ours && !is_strange();
		if (!is_ours)
			continue;
		if (rows_write(out, pos,
			       (struct span){(const char *)entry.data,
					     entry.size},
			       &writer) != ERR_OK)
			return; /* the buffer is full */
		ASSERT(writer.size == reader.at);
		ASSERT(memcmp(writer.data, data, writer.size) == 0);
	}
}

static void as_entry(struct span bytes)
{
	static struct row_parts parts;
	struct writer writer;
	struct reader reader;

	writer_init(&writer, buffer, sizeof(buffer));
	if (rows_write(out, pos_make(1, 7), bytes, &writer) != ERR_OK) {
		ASSERT(writer.size == 0);
		return;
	}
	ASSERT(writer.size <= ROW_WIRE_SIZE_MAX);
	reader_init(&reader, writer.data, writer.size);
	ASSERT(rows_read(in, pos_make(1, 7), &reader, &entry) == ERR_OK);
	ASSERT(reader_done(&reader));
	ASSERT(row_split(bytes, &parts) == ERR_OK);
	ASSERT(entry.size == parts.head.size + parts.tail.size);
	ASSERT(memcmp(entry.data, parts.head.data, parts.head.size) == 0);
	ASSERT(memcmp(entry.data + parts.head.size, parts.tail.data,
		      parts.tail.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (in == NULL)
		ASSERT(rows_open(&in, NULL) == ERR_OK &&
		       rows_open(&out, NULL) == ERR_OK);
	if (size == 0)
		return 0;
	rows_reset(in);
	rows_reset(out);
	rows_mark(in);
	if ((data[0] & 1) == AS_ENTRY)
		as_entry((struct span){(const char *)data + 1, size - 1});
	else
		as_rows(data + 1, size - 1);
	rows_rewind(in);
	return 0;
}
