#include "gateway/ingest/armour.h"

#include <string.h>

#include "gateway/ingest/crockford.h"
#include "store/seal.h"

#define MAGIC "depot "
#define LINE_BYTES 10
#define LINE_SYMBOLS 16
#define GROUP 4
#define CHECKSUM_SIZE 8

static uint64_t checksum_of(const char *kind, struct span bytes)
{
	return seal_checksum(seal_checksum(ARMOUR_VERSION, span_of(kind)),
			     bytes);
}

/* ---- writing ---- */

static void text_put(struct writer *writer, const char *text)
{
	write_raw(writer, text, strlen(text));
}

static void note_put(struct writer *writer, const char *note)
{
	while (*note != '\0') {
		size_t size = strcspn(note, "\n");

		text_put(writer, "# ");
		write_raw(writer, note, size);
		text_put(writer, "\n");
		note += note[size] == '\n' ? size + 1 : size;
	}
}

/* At most LINE_BYTES as symbols, the last one filled up with zero bits. */
static size_t values_of(struct span bytes, uint8_t values[LINE_SYMBOLS])
{
	unsigned held = 0;
	unsigned bits = 0;
	size_t count = 0;

	for (size_t i = 0; i < bytes.size; i++) {
		held = held << 8 | (uint8_t)bytes.data[i];
		for (bits += 8; bits >= CROCKFORD_BITS; count++) {
			bits -= CROCKFORD_BITS;
			values[count] = (uint8_t)(held >> bits & 31u);
		}
		held &= (1u << bits) - 1;
	}
	if (bits > 0)
		values[count++] =
			(uint8_t)(held << (CROCKFORD_BITS - bits) & 31u);
	return count;
}

static void line_put(struct writer *writer, struct span bytes)
{
	uint8_t values[LINE_SYMBOLS];
	size_t count = values_of(bytes, values);

	for (size_t i = 0; i < count; i++) {
		write_u8(writer, (uint8_t)crockford_symbol(values[i]));
		if (i % GROUP == GROUP - 1)
			text_put(writer, "-");
	}
	if (count % GROUP != 0)
		text_put(writer, "-");
	write_u8(writer,
		 (uint8_t)crockford_symbol(crockford_check(values, count)));
	text_put(writer, "\n");
}

void armour_write(struct writer *writer, const char *kind, const char *note,
		  struct span bytes)
{
	uint8_t whole[ARMOUR_SIZE_MAX + CHECKSUM_SIZE];
	struct writer inner;
	char head[64];

	ASSERT(bytes.size <= ARMOUR_SIZE_MAX);
	ASSERT(strlen(note) <= ARMOUR_NOTE_SIZE_MAX);
	writer_init(&inner, whole, sizeof(whole));
	write_raw(&inner, bytes.data, bytes.size);
	write_u64(&inner, checksum_of(kind, bytes));
	(void)text_format(head, sizeof(head), MAGIC "%s %d\n", kind,
			  ARMOUR_VERSION);
	text_put(writer, head);
	note_put(writer, note);
	for (size_t at = 0; at < inner.size; at += LINE_BYTES) {
		size_t left = inner.size - at;

		line_put(writer,
			 (struct span){(const char *)whole + at,
				       left < LINE_BYTES ? left : LINE_BYTES});
	}
	seal_wipe(whole, sizeof(whole));
}

/* ---- reading ---- */

static struct span line_take(struct span *text)
{
	const char *end = memchr(text->data, '\n', text->size);
	size_t size = end == NULL ? text->size : (size_t)(end - text->data);
	struct span line = {text->data, size};

	text->data += end == NULL ? size : size + 1;
	text->size -= end == NULL ? size : size + 1;
	while (line.size > 0 && crockford_is_filler(line.data[line.size - 1]))
		line.size--;
	return line;
}

static enum armour_fault head_check(struct span line, const char *kind)
{
	char head[64];
	uint64_t version;
	size_t size;

	(void)text_format(head, sizeof(head), MAGIC "%s ", kind);
	size = strlen(head);
	if (!span_starts(line, head) ||
	    !span_to_u64((struct span){line.data + size, line.size - size},
			 UINT32_MAX, &version))
		return ARMOUR_KIND;
	return version == ARMOUR_VERSION ? ARMOUR_SOUND : ARMOUR_VERSION_NEW;
}

/* A line's symbols, the check symbol among them. */
static bool symbols_read(struct span line, uint8_t values[LINE_SYMBOLS + 1],
			 size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < line.size; i++) {
		if (crockford_is_filler(line.data[i]))
			continue;
		if (count > LINE_SYMBOLS)
			return false;
		values[count] = crockford_value(line.data[i]);
		if (values[count++] == CROCKFORD_NONE)
			return false;
	}
	*ret_count = count;
	return count >= 3; /* a byte's two, and the check symbol */
}

static bool line_read(struct span line, struct writer *writer)
{
	uint8_t values[LINE_SYMBOLS + 1];
	unsigned held = 0;
	unsigned bits = 0;
	size_t count;

	if (!symbols_read(line, values, &count) ||
	    crockford_check(values, count - 1) != values[count - 1])
		return false;
	for (size_t i = 0; i < count - 1; i++) {
		if (values[i] >= CROCKFORD_PLAIN)
			return false;
		held = held << CROCKFORD_BITS | values[i];
		bits += CROCKFORD_BITS;
		if (bits >= 8) {
			bits -= 8;
			write_u8(writer, (uint8_t)(held >> bits));
			held &= (1u << bits) - 1;
		}
	}
	return held == 0 && bits < CROCKFORD_BITS;
}

static enum armour_fault lines_read(struct span text, struct writer *writer,
				    unsigned *ret_line)
{
	unsigned line = 1;

	while (text.size > 0) {
		struct span next = line_take(&text);

		line++;
		if (next.size == 0 || next.data[0] == '#')
			continue;
		if (line_read(next, writer))
			continue;
		*ret_line = line;
		return ARMOUR_LINE;
	}
	return writer_ok(writer) && writer->size >= CHECKSUM_SIZE
		       ? ARMOUR_SOUND
		       : ARMOUR_WHOLE;
}

enum armour_fault armour_read(struct span text, const char *kind,
			      uint8_t *bytes, size_t *ret_size,
			      unsigned *ret_line)
{
	uint8_t whole[ARMOUR_SIZE_MAX + CHECKSUM_SIZE];
	struct span content = {(const char *)whole, 0};
	struct writer writer;
	struct reader sum;
	enum armour_fault fault;

	writer_init(&writer, whole, sizeof(whole));
	fault = head_check(line_take(&text), kind);
	if (fault == ARMOUR_SOUND)
		fault = lines_read(text, &writer, ret_line);
	if (fault == ARMOUR_SOUND) {
		content.size = writer.size - CHECKSUM_SIZE;
		reader_init(&sum, whole + content.size, CHECKSUM_SIZE);
		if (read_u64(&sum) != checksum_of(kind, content))
			fault = ARMOUR_WHOLE;
	}
	if (fault == ARMOUR_SOUND) {
		memcpy(bytes, whole, content.size);
		*ret_size = content.size;
	}
	seal_wipe(whole, sizeof(whole));
	return fault;
}

static const struct {
	const char *en;
	const char *zh;
} sentences[] = {
	[ARMOUR_SOUND] = {"the file is whole", "文件完整"},
	[ARMOUR_KIND] = {"it is no such file", "不是这种文件"},
	[ARMOUR_VERSION_NEW] = {"a newer depot wrote it: update this one",
				"由更新版本的 depot 写成：请先升级本机"},
	[ARMOUR_LINE] = {"line %s is mistyped or damaged",
			 "第 %s 行输入有误或已损坏"},
	[ARMOUR_WHOLE] = {"a line is missing, or the lines are mixed up",
			  "缺少一行，或各行顺序有误"},
};

const char *armour_fault_text(enum armour_fault fault, bool is_chinese)
{
	ASSERT((size_t)fault < ARRAY_LEN(sentences));
	return is_chinese ? sentences[fault].zh : sentences[fault].en;
}
