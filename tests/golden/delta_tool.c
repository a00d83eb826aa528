/*
 * delta_tool - makes deltas of any entries, and says what is in them.
 *
 *	delta_tool make SEED
 *	delta_tool feed STORE SITE EPOCH
 *	delta_tool dump FILE
 *
 * All speak lines of "name hex": the network's id, the public key, packs.
 *`feed` takes the first deltas of a feed that a store holds. What is dumped is
 *a line of JSON for each entry, as delta_decode.py prints it.
 */
#include <inttypes.h>

#include "store/rows_shape.h"
#include "store/feed.h"
#include "store/pack.h"
#include "store/roster.h"
#include "tests/support/deltas.h"

#define DELTAS 150
#define SEGMENT 60 /* deltas: so that there are three */
#define ROWS_AT_MOST 60
#define LINE_SIZE (2 * PACK_SIZE_MAX + 64)

static const struct feed_id made_feed = {SITE_FIRST + 1, 3, 0};

static void line_print(const char *name, const uint8_t *bytes, size_t size)
{
	printf("%s ", name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	putchar('\n');
}

/* ---- making ---- */

static void packs_print(struct feed_id feed, const struct delta *delta,
			uint32_t count)
{
	struct packer *packer;
	struct err err;
	static uint8_t bytes[PACK_SIZE_MAX];
	struct writer writer;
	uint32_t packed;

	assert_done(packer_open(&packer, &err), &err);
	for (uint32_t at = 0; at < count; at += packed) {
		packer_begin(packer, feed, at % 2 ? PACK_PLAIN : PACK_ZSTD,
			     PACK_SIZE_MAX);
		for (uint32_t i = at; i < count; i++)
			if (packer_add(packer, &delta[i]) != ERR_OK)
				break;
		writer_init(&writer, bytes, sizeof(bytes));
		assert_code(packer_end(packer, &writer, &packed), ERR_OK);
		line_print("pack", bytes, writer.size);
	}
	packer_close(packer);
}

static void rows_make(struct rows *rows, struct maker *maker,
		      struct delta *delta)
{
	struct delta_header *header = &delta->header;
	uint8_t *bytes = malloc(DELTA_ROWS_SIZE_MAX); /* kept to the end */
	struct writer writer;
	struct bytes entry;

	assert_non_null(bytes);
	writer_init(&writer, bytes, DELTA_ROWS_SIZE_MAX);
	for (uint32_t i = draw(maker, ROWS_AT_MOST) + 1; i > 0; i--) {
		entry = maker_entry(maker);
		assert_code(
			rows_write(rows,
				   pos_make(header->epoch,
					    header->first + header->row_count),
				   bytes_span(&entry), &writer),
			ERR_OK);
		header->row_count++;
	}
	header->rows_size = (uint32_t)writer.size;
	delta->rows = (struct span){(const char *)bytes, writer.size};
	delta_rows_hash(sample_net, delta->rows, header->rows_hash);
}

static void make(uint64_t seed)
{
	static struct delta deltas[DELTAS];
	struct maker maker = {.random = seed,
			      .stamp = {UINT64_C(1795341600000) << 16},
			      .texts = 3000};
	struct signer *signer = sample_signer();
	struct rows *rows = rows_new();

	for (size_t i = 0; i < DELTAS; i++) {
		struct delta_header *header = &deltas[i].header;

		*header = (struct delta_header){
			.first = 1, .boot = seed, .rules = 1};
		if (i > 0) {
			*header = deltas[i - 1].header;
			header->first += header->row_count;
			delta_hash(sample_net, &deltas[i - 1].header,
				   header->previous);
		}
		header->site = made_feed.site;
		header->epoch = made_feed.epoch;
		header->seq = i + 1;
		header->stamp = maker.stamp;
		header->row_count = 0;
		header->flags = i % SEGMENT == 0 ? DELTA_SEGMENT_START : 0;
		if (i % SEGMENT == 0)
			rows_reset(rows);
		rows_make(rows, &maker, &deltas[i]);
		delta_sign(signer, sample_net, header, deltas[i].signature);
	}
	line_print("net", sample_net, NET_ID_SIZE);
	line_print("key", signer_public(signer), KEY_PUBLIC_SIZE);
	packs_print(made_feed, deltas, DELTAS);
	rows_close(rows);
	signer_close(signer);
}

/* ---- of a store ---- */

static void feed_print(const char *path, struct feed_id feed)
{
	static struct delta deltas[DELTAS];
	uint8_t net_id[NET_ID_SIZE];
	struct certificate certificate;
	struct root root;
	struct env *env;
	struct view *view;
	struct err err;
	uint32_t count = 0;

	assert_done(env_open(path, ENV_READ, &env, &err), &err);
	assert_done(view_begin(env, &view, &err), &err);
	assert_done(roster_root(view, &root, &err), &err);
	assert_done(roster_certificate(view, feed.site, feed.epoch,
				       &certificate, &err),
		    &err);
	while (count < DELTAS && feed_delta(view, feed, count + 1,
					    &deltas[count], &err) == ERR_OK)
		count++;
	keys_net_id(root.root_public, net_id);
	line_print("net", net_id, NET_ID_SIZE);
	line_print("key", certificate.public_key, KEY_PUBLIC_SIZE);
	packs_print(feed, deltas, count);
	view_end(view);
	env_close(env);
}

/* ---- dumping ---- */

static void entry_print(const struct delta_header *header, uint64_t number,
			const struct entry_bytes *entry)
{
	struct reader reader;
	struct span bytes;
	const char *comma = "";

	reader_init(&reader, entry->data, entry->size);
	(void)read_varint(&reader); /* the format */
	printf("{\"site\":%" PRIu32 ",\"epoch\":%" PRIu32 ",\"seq\":%" PRIu64
	       ",\"number\":%" PRIu64 ",\"kind\":%" PRIu64 ",\"fields\":[",
	       header->site, header->epoch, header->seq, number,
	       read_varint(&reader));
	while (reader_left(&reader) > 0) {
		uint64_t key = read_varint(&reader);

		printf("%s[%" PRIu64 ",", comma, key >> 1);
		if ((key & 1) == ROW_WIRE_NUMBER) {
			printf("%" PRIu64 "]", read_varint(&reader));
		} else {
			bytes = read_span(&reader, ENTRY_SIZE_MAX);
			putchar('"');
			for (size_t i = 0; i < bytes.size; i++)
				printf("%02x", (uint8_t)bytes.data[i]);
			fputs("\"]", stdout);
		}
		comma = ",";
	}
	assert_true(reader_done(&reader));
	puts("]}");
}

static void delta_print(struct rows *rows, const uint8_t *key,
			const uint8_t *net, const struct delta *delta)
{
	static struct entry_bytes entry;
	struct reader reader;

	assert_true(delta_verify(key, net, &delta->header, delta->signature));
	if ((delta->header.flags & DELTA_SEGMENT_START) != 0)
		rows_reset(rows);
	reader_init(&reader, delta->rows.data, delta->rows.size);
	for (uint32_t i = 0; i < delta->header.row_count; i++) {
		assert_code(rows_read(rows,
				      pos_make(delta->header.epoch,
					       delta->header.first + i),
				      &reader, &entry),
			    ERR_OK);
		entry_print(&delta->header, delta->header.first + i, &entry);
	}
	assert_true(reader_done(&reader));
}

/* What is in a line, and where the next pack begins. */
struct dump {
	struct rows *rows;
	struct unpacker *unpacker;
	struct pack_start start;
	uint8_t key[KEY_PUBLIC_SIZE];
};

static void pack_dump(struct dump *dump, struct span bytes)
{
	const struct delta_header *last;
	struct pack pack;
	uint32_t bad;

	assert_code(unpacker_read(dump->unpacker, bytes, &dump->start, &pack),
		    ERR_OK);
	assert_code(unpacker_expand(dump->unpacker, &bad), ERR_OK);
	for (uint32_t i = 0; i < pack.count; i++)
		delta_print(dump->rows, dump->key, dump->start.net_id,
			    unpacker_delta(dump->unpacker, i));
	last = &unpacker_delta(dump->unpacker, pack.count - 1)->header;
	dump->start.first = last->first + last->row_count;
	delta_hash(dump->start.net_id, last, dump->start.previous);
}

static void line_dump(struct dump *dump, const char *line)
{
	static uint8_t bytes[PACK_SIZE_MAX];
	const char *hex = strchr(line, ' ');
	unsigned value;
	size_t size = 0;

	assert_non_null(hex);
	for (hex++; size < sizeof(bytes) && sscanf(hex, "%2x", &value) == 1;
	     hex += 2)
		bytes[size++] = (uint8_t)value;
	if (strncmp(line, "net ", 4) == 0)
		memcpy(dump->start.net_id, bytes, NET_ID_SIZE);
	else if (strncmp(line, "key ", 4) == 0)
		memcpy(dump->key, bytes, KEY_PUBLIC_SIZE);
	else if (strncmp(line, "pack ", 5) == 0 ||
		 strncmp(line, "plain ", 6) == 0)
		pack_dump(dump, (struct span){(const char *)bytes, size});
}

static void dump_file(const char *path)
{
	static char line[LINE_SIZE];
	struct dump dump = {.rows = rows_new(), .start = {.first = 1}};
	struct err err;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_done(unpacker_open(&dump.unpacker, &err), &err);
	while (fgets(line, sizeof(line), file) != NULL)
		line_dump(&dump, line);
	assert_int_equal(fclose(file), 0);
	unpacker_close(dump.unpacker);
	rows_close(dump.rows);
}

int main(int argc, char **argv)
{
	struct feed_id feed = {0};
	uint64_t seed;
	uint64_t site;
	uint64_t epoch;

	if (argc == 3 && strcmp(argv[1], "make") == 0 &&
	    span_to_u64(span_of(argv[2]), UINT32_MAX, &seed))
		make(seed);
	else if (argc == 3 && strcmp(argv[1], "dump") == 0)
		dump_file(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "feed") == 0 &&
		 span_to_u64(span_of(argv[3]), UINT32_MAX, &site) &&
		 span_to_u64(span_of(argv[4]), EPOCH_MAX, &epoch)) {
		feed.site = (uint32_t)site;
		feed.epoch = (uint32_t)epoch;
		feed_print(argv[2], feed);
	} else {
		return 2;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
