/*
 * The bytes of rows, deltas and packs in three places that have to agree: the
 * code, the golden files, and docs/format/delta.md.
 *
 * If a golden file fails, either the change was a mistake, or a version has to
 * go up with it. DEPOT_GOLDEN_MAKE=1 writes the files anew: for a new kind.
 */
#include "tests/support/check.h"

#include "store/rows_shape.h"
#include "tests/support/heir_golden.h"

#define FOLDER DEPOT_GOLDEN "/delta/"
#define FORMAT_DOCUMENT DEPOT_GOLDEN "/../../docs/format/delta.md"
#define LINE_SIZE (4 * DELTA_ROWS_SIZE_MAX)

/* A golden file, made of lines "name hex". */
struct file {
	FILE *stream;
	char path[256];
	size_t compared;
};

static char line[LINE_SIZE];
static char expected[LINE_SIZE];

static bool is_making(void)
{
	return getenv("DEPOT_GOLDEN_MAKE") != NULL;
}

static void file_open(struct file *file, const char *name)
{
	file->compared = 0;
	assert_true(text_format(file->path, sizeof(file->path), FOLDER "%s.hex",
				name));
	file->stream = fopen(file->path, is_making() ? "we" : "re");
}

static void file_line(struct file *file, const char *name, struct span bytes)
{
	size_t at = strlen(name);

	assert_true(2 * bytes.size + at + 3 < sizeof(expected));
	memcpy(expected, name, at);
	expected[at++] = ' ';
	for (size_t i = 0; i < bytes.size; i++, at += 2)
		assert_true(text_format(expected + at, 3, "%02x",
					(uint8_t)bytes.data[i]));
	expected[at++] = '\n';
	expected[at] = '\0';
	if (is_making()) {
		assert_int_equal(fputs(expected, file->stream) >= 0, 1);
		return;
	}
	if (file->stream == NULL ||
	    fgets(line, sizeof(line), file->stream) == NULL ||
	    strcmp(line, expected) != 0)
		fail_msg("%s holds other bytes than\n%s", file->path, expected);
	file->compared++;
}

static void file_end(struct file *file, size_t lines)
{
	if (!is_making()) {
		assert_null(fgets(line, sizeof(line), file->stream));
		assert_int_equal(file->compared, lines);
	}
	assert_int_equal(fclose(file->stream), 0);
}

static struct span raw(const uint8_t *bytes, size_t size)
{
	return (struct span){(const char *)bytes, size};
}

/* Method: of each kind the sample with all its fields, then again a little
 * later: a row with its shape, and one without. */
static void the_rows_of_each_kind_are_those_of_its_golden_file(void **state)
{
	size_t kinds = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		static uint8_t bytes[ROW_WIRE_SIZE_MAX];
		uint64_t stamp = UINT64_C(1795341600000) << STAMP_COUNTER_BITS;
		struct rows *rows = rows_new();
		struct writer writer;
		struct file file;

		file_open(&file, entry_kind_name(kind_at(i)));
		for (uint64_t number = 1; number <= 2; number++) {
			struct bytes entry = golden_entry(&stamp, kind_at(i));

			writer_init(&writer, bytes, sizeof(bytes));
			assert_code(rows_write(rows, pos_make(2, number),
					       bytes_span(&entry), &writer),
				    ERR_OK);
			file_line(&file, "row", raw(bytes, writer.size));
		}
		file_end(&file, 2);
		rows_close(rows);
		kinds++;
	}
	assert_int_equal(kinds, ENTRY_KIND_COUNT);
}

static void delta_lines(struct file *file, const struct delta *delta)
{
	uint8_t header[DELTA_HEADER_SIZE_MAX];
	uint8_t hash[HASH_SIZE];
	struct writer writer;

	writer_init(&writer, header, sizeof(header));
	delta_header_write(&writer, &delta->header);
	assert_true(writer_ok(&writer));
	delta_hash(sample_net, &delta->header, hash);
	file_line(file, "header", raw(header, writer.size));
	file_line(file, "hash", raw(hash, HASH_SIZE));
	file_line(file, "signature", raw(delta->signature, SIGNATURE_SIZE));
	file_line(file, "rows", delta->rows);
}

static size_t pack_make(const struct delta *deltas, uint32_t wanted,
			enum pack_codec codec, uint8_t *bytes)
{
	struct feed_id feed = {deltas->header.site, deltas->header.epoch, 0};
	struct packer *packer;
	struct writer writer;
	struct err err;
	uint32_t count;

	assert_done(packer_open(&packer, &err), &err);
	packer_begin(packer, feed, codec, PACK_SIZE_MAX);
	for (uint32_t i = 0; i < wanted; i++)
		assert_code(packer_add(packer, &deltas[i]), ERR_OK);
	writer_init(&writer, bytes, PACK_SIZE_MAX);
	assert_code(packer_end(packer, &writer, &count), ERR_OK);
	assert_int_equal(count, wanted);
	packer_close(packer);
	return writer.size;
}

static size_t golden_pack(const struct golden *golden, enum pack_codec codec,
			  uint8_t *bytes)
{
	return pack_make(golden->deltas, GOLDEN_DELTAS, codec, bytes);
}

static void the_deltas_of_the_golden_segment_are_the_same(void **state)
{
	static uint8_t pack[PACK_SIZE_MAX];
	struct golden *golden = golden_make();
	struct file file;

	(void)state;
	file_open(&file, "segment");
	file_line(&file, "net", raw(sample_net, NET_ID_SIZE));
	file_line(&file, "key", raw(signer_public(golden->signer), 32));
	for (size_t i = 0; i < GOLDEN_DELTAS; i++)
		delta_lines(&file, &golden->deltas[i]);
	file_line(&file, "plain",
		  raw(pack, golden_pack(golden, PACK_PLAIN, pack)));
	file_end(&file, 3 + 4 * GOLDEN_DELTAS);
	golden_free(golden);
}

/* Method: an epoch that succeeds that of the golden segment: its founding, the
 * succession with the parent's statement, and entries that are told again. */
static void the_first_deltas_of_a_new_life_are_the_same(void **state)
{
	static uint8_t pack[PACK_SIZE_MAX];
	struct heir_golden *golden = heir_golden_make();
	struct heir heir = golden->heir;
	struct file file;

	(void)state;
	file_open(&file, "heir");
	file_line(&file, "net", raw(sample_net, NET_ID_SIZE));
	file_line(&file, "parent", raw(signer_public(golden->parent), 32));
	file_line(&file, "key", raw(signer_public(golden->signer), 32));
	file_line(&file, "statement",
		  raw(golden->statement, golden->statement_size));
	file_line(&file, "vouched",
		  raw(heir.succession.signature, SIGNATURE_SIZE));
	for (size_t i = 0; i < HEIR_DELTAS; i++)
		delta_lines(&file, &golden->deltas[i]);
	file_line(&file, "plain",
		  raw(pack, pack_make(golden->deltas, HEIR_DELTAS, PACK_PLAIN,
				      pack)));
	file_end(&file, 6 + 4 * HEIR_DELTAS);
	assert_true(
		heir_verify(signer_public(golden->parent), sample_net, &heir));
	heir_golden_free(golden);
}

static size_t hex_read(const char *path, uint8_t *bytes, size_t size)
{
	FILE *stream = fopen(path, "re");
	unsigned value;
	size_t count = 0;

	assert_non_null(stream);
	assert_int_equal(fscanf(stream, "zstd "), 0);
	while (count < size && fscanf(stream, "%2x", &value) == 1)
		bytes[count++] = (uint8_t)value;
	assert_int_equal(fclose(stream), 0);
	return count;
}

/* What zstd makes of the same rows may differ from one version to the next;
 * what is in a frame may not. */
static void the_golden_frame_of_zstd_has_the_same_deltas(void **state)
{
	static uint8_t pack[PACK_SIZE_MAX];
	struct golden *golden = golden_make();
	struct pack_start start = {.first = 1};
	struct unpacker *unpacker;
	struct span bytes = {(const char *)pack, 0};
	struct file file;
	struct pack read;
	struct err err;
	uint32_t bad;

	(void)state;
	if (is_making()) {
		file_open(&file, "zstd");
		file_line(&file, "zstd",
			  raw(pack, golden_pack(golden, PACK_ZSTD, pack)));
		file_end(&file, 1);
	}
	bytes.size = hex_read(FOLDER "zstd.hex", pack, sizeof(pack));
	memcpy(start.net_id, sample_net, NET_ID_SIZE);
	assert_done(unpacker_open(&unpacker, &err), &err);
	assert_code(unpacker_read(unpacker, bytes, &start, &read), ERR_OK);
	assert_int_equal(read.codec, PACK_ZSTD);
	assert_int_equal(read.count, GOLDEN_DELTAS);
	assert_code(unpacker_expand(unpacker, &bad), ERR_OK);
	for (uint32_t i = 0; i < GOLDEN_DELTAS; i++) {
		const struct delta *delta = unpacker_delta(unpacker, i);

		assert_memory_equal(delta->signature,
				    golden->deltas[i].signature,
				    SIGNATURE_SIZE);
		assert_true(span_equal(delta->rows, golden->deltas[i].rows));
	}
	unpacker_close(unpacker);
	golden_free(golden);
}

/* ---- the document ---- */

static const char *const class_names[] = {
	[ROW_CONST_NUMBER] = "const number",
	[ROW_CONST_BYTES] = "const bytes",
	[ROW_NUMBER] = "number",
	[ROW_BYTES] = "bytes",
	[ROW_ITEM] = "item",
	[ROW_PLACE] = "place",
	[ROW_HOME] = "home",
	[ROW_REF] = "ref",
	[ROW_NAME] = "name",
	[ROW_STAMP] = "stamp",
	[ROW_LATE] = "late",
	[ROW_LATE_S] = "late, seconds",
	[ROW_EFFECTIVE] = "effective",
	[ROW_EFFECTIVE_S] = "effective, seconds",
	[ROW_POS] = "pos",
};

static const char *class_name(uint64_t kind, const struct field *field)
{
	if (field->tag == ROW_TAG_BOOT || field->tag == ROW_TAG_SEQ)
		return "left out";
	return class_names[row_class_known(kind, field->tag)];
}

/* Method: a section's table, line by line, and nothing behind it. */
static void section_check(FILE *document, const char *heading, uint64_t kind,
			  struct field_table table)
{
	rewind(document);
	do {
		if (fgets(line, sizeof(line), document) == NULL)
			fail_msg("the document has no section %s", heading);
	} while (strncmp(line, heading, strlen(heading)) != 0 ||
		 line[strlen(heading)] != '\n');
	for (size_t i = 0; i < 3; i++) /* empty, columns, rule */
		assert_non_null(fgets(line, sizeof(line), document));
	for (size_t i = 0; i < table.count; i++) {
		const struct field *field = &table.fields[i];

		assert_true(text_format(expected, sizeof(expected),
					"| %u | `%s` | %s |\n", field->tag,
					field->name, class_name(kind, field)));
		assert_non_null(fgets(line, sizeof(line), document));
		if (strcmp(line, expected) != 0)
			fail_msg("%s: the document says\n%sthe code\n%s",
				 heading, line, expected);
	}
	assert_non_null(fgets(line, sizeof(line), document));
	assert_string_equal(line, "\n");
}

static void the_document_has_the_class_of_every_field(void **state)
{
	FILE *document = fopen(FORMAT_DOCUMENT, "re");
	char heading[64];

	(void)state;
	assert_non_null(document);
	section_check(document, "### Head", ENTRY_MOVEMENT,
		      entry_head_fields());
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		enum entry_kind kind = kind_at(i);

		assert_true(text_format(heading, sizeof(heading), "### %d %s",
					(int)kind, entry_kind_name(kind)));
		section_check(document, heading, kind, entry_body_fields(kind));
	}
	assert_int_equal(fclose(document), 0);
}

static void the_document_has_the_number_of_every_class(void **state)
{
	FILE *document = fopen(FORMAT_DOCUMENT, "re");
	size_t found = 0;

	(void)state;
	assert_non_null(document);
	while (fgets(line, sizeof(line), document) != NULL)
		for (int class = 1; class <= ROW_CLASS_MAX; class ++) {
			assert_true(text_format(expected, sizeof(expected),
						"| %d %s |", class,
						class_names[class]));
			found += strncmp(line, expected, strlen(expected)) == 0;
		}
	assert_int_equal(found, ROW_CLASS_MAX);
	assert_int_equal(fclose(document), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_rows_of_each_kind_are_those_of_its_golden_file),
		cmocka_unit_test(the_deltas_of_the_golden_segment_are_the_same),
		cmocka_unit_test(the_first_deltas_of_a_new_life_are_the_same),
		cmocka_unit_test(the_golden_frame_of_zstd_has_the_same_deltas),
		cmocka_unit_test(the_document_has_the_class_of_every_field),
		cmocka_unit_test(the_document_has_the_number_of_every_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
