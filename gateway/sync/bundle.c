#include "gateway/sync/bundle.h"

#include <string.h>

#include "gateway/sync/fill.h"

#define MAGIC_SIZE 8
#define BLOCK_HEAD_SIZE 4
#define CHECKSUM_SIZE 8

/* ---- blocks ---- */

static void number_put(uint8_t *bytes, uint64_t value, size_t size)
{
	struct writer writer;

	writer_init(&writer, bytes, size);
	if (size == BLOCK_HEAD_SIZE)
		write_u32(&writer, (uint32_t)value);
	else
		write_u64(&writer, value);
}

/* The checksum covers the length too: a length that was changed is noticed. */
static uint64_t block_sum(uint64_t chain, const uint8_t head[BLOCK_HEAD_SIZE],
			  struct span bytes)
{
	uint64_t sum = seal_checksum(chain, (struct span){(const char *)head,
							  BLOCK_HEAD_SIZE});

	return seal_checksum(sum, bytes);
}

/* Writes the first @size bytes of the block, with what stands around them. */
static enum err_code block_write(struct bundle *bundle, size_t size,
				 struct err *err)
{
	struct span bytes = {(const char *)bundle->block, size};
	uint8_t head[BLOCK_HEAD_SIZE];
	uint8_t sum[CHECKSUM_SIZE];
	enum err_code code;

	number_put(head, size, sizeof(head));
	bundle->chain = block_sum(bundle->chain, head, bytes);
	number_put(sum, bundle->chain, sizeof(sum));
	code = bundle->io.write(bundle->io.context,
				(struct span){(const char *)head, sizeof(head)},
				err);
	if (code == ERR_OK && size > 0)
		code = bundle->io.write(bundle->io.context, bytes, err);
	if (code == ERR_OK)
		code = bundle->io.write(
			bundle->io.context,
			(struct span){(const char *)sum, sizeof(sum)}, err);
	return code;
}

static enum err_code cut(const struct bundle *bundle, struct err *err)
{
	return err_set(err, ERR_CORRUPT,
		       "the bundle is cut or damaged after %llu packs",
		       (unsigned long long)bundle->frames);
}

static enum err_code read_whole(struct bundle *bundle, void *bytes, size_t size,
				struct err *err)
{
	size_t got = 0;
	enum err_code code =
		bundle->io.read(bundle->io.context, bytes, size, &got, err);

	if (code == ERR_OK && got != size)
		return cut(bundle, err);
	return code;
}

static enum err_code block_read(struct bundle *bundle, size_t *ret_size,
				struct err *err)
{
	uint8_t head[BLOCK_HEAD_SIZE];
	uint8_t sum[CHECKSUM_SIZE];
	struct reader reader;
	uint32_t size;
	enum err_code code = read_whole(bundle, head, sizeof(head), err);

	if (code != ERR_OK)
		return code;
	reader_init(&reader, head, sizeof(head));
	size = read_u32(&reader);
	if (size > sizeof(bundle->block))
		return cut(bundle, err);
	if (size > 0)
		code = read_whole(bundle, bundle->block, size, err);
	if (code == ERR_OK)
		code = read_whole(bundle, sum, sizeof(sum), err);
	if (code != ERR_OK)
		return code;
	bundle->chain =
		block_sum(bundle->chain, head,
			  (struct span){(const char *)bundle->block, size});
	reader_init(&reader, sum, sizeof(sum));
	if (read_u64(&reader) != bundle->chain)
		return cut(bundle, err);
	*ret_size = size;
	return ERR_OK;
}

static void bundle_init(struct bundle *bundle, const struct bundle_io *io)
{
	bundle->io = *io;
	bundle->chain = 0;
	bundle->frames = 0;
	bundle->deltas = 0;
}

/* ---- writing ---- */

struct exporting {
	struct bundle *bundle;
	const struct view *view;
	const struct bundle_plan *plan;
	struct packer *packer;
	struct writer *writer;
	struct frame_list list;
};

static enum err_code vector_add(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct exporting *exporting = context;
	struct frame_entry entry = {
		.feed = feed->id,
		.seq = feed->seq,
		.hash_start = frame_hash_start(feed->hash),
		.lowest = feed->lowest > 0 ? feed->lowest : 1,
	};

	(void)err;
	if (feed->seq > feed->base)
		frame_entry_write(exporting->writer, &exporting->list, &entry);
	return ERR_OK;
}

static enum err_code vector_count(void *context, const struct feed_record *feed,
				  struct err *err)
{
	uint32_t *count = context;

	(void)err;
	*count += feed->seq > feed->base;
	return ERR_OK;
}

static enum err_code header_write(struct exporting *exporting, struct err *err)
{
	struct bundle *bundle = exporting->bundle;
	uint8_t first[MAGIC_SIZE + 1] = BUNDLE_MAGIC;
	struct writer writer;
	uint32_t count = 0;
	enum err_code code;

	first[MAGIC_SIZE] = BUNDLE_VERSION;
	code = bundle->io.write(
		bundle->io.context,
		(struct span){(const char *)first, sizeof(first)}, err);
	if (code == ERR_OK)
		code = feed_walk(exporting->view, NULL, vector_count, &count,
				 err);
	if (code != ERR_OK)
		return code;
	writer_init(&writer, bundle->block, sizeof(bundle->block));
	write_raw(&writer, exporting->plan->net_id, NET_ID_SIZE);
	write_span(&writer, exporting->plan->from);
	if (exporting->plan->word == NULL)
		write_varint(&writer, 0);
	else
		code = ack_write(exporting->view, exporting->plan->word,
				 &writer, err);
	if (code != ERR_OK)
		return code;
	write_varint(&writer, count);
	exporting->writer = &writer;
	exporting->list = (struct frame_list){.has_lowest = true};
	code = feed_walk(exporting->view, NULL, vector_add, exporting, err);
	if (code == ERR_OK && !writer_ok(&writer))
		code = err_set(err, ERR_FULL, "too many feeds for a bundle");
	return code != ERR_OK ? code : block_write(bundle, writer.size, err);
}

static enum err_code pack_write(const struct exporting *exporting,
				struct fill *fill, struct err *err)
{
	struct bundle *bundle = exporting->bundle;
	uint64_t first = fill->first;
	struct writer writer;
	enum err_code code;

	writer_init(&writer, bundle->block, PACK_SIZE_MAX);
	code = fill_pack(exporting->packer, exporting->view, fill, &writer,
			 err);
	if (code == ERR_OK)
		code = block_write(bundle, writer.size, err);
	if (code != ERR_OK)
		return code;
	bundle->frames++;
	bundle->deltas += fill->first - first;
	return ERR_OK;
}

/* Feeds come in order of their sites: control, master data, the rest. */
static enum err_code
feed_write_out(void *context, const struct feed_record *feed, struct err *err)
{
	const struct exporting *exporting = context;
	const struct bundle_plan *plan = exporting->plan;
	struct fill fill = {.feed = feed->id,
			    .first = plan->since(plan->context, feed->id) + 1,
			    .last = feed->seq,
			    .size_max = PACK_SIZE_MAX};
	enum err_code code = ERR_OK;

	/* What is pruned here cannot be given, nor a branch's common part. */
	if (feed->id.branch != 0 && fill.first <= feed->base)
		fill.first = feed->base + 1;
	if (fill.first < feed->lowest)
		fill.first = feed->lowest;
	while (code == ERR_OK && fill.first <= fill.last)
		code = pack_write(exporting, &fill, err);
	return code;
}

enum err_code bundle_write(struct bundle *bundle, const struct bundle_io *io,
			   const struct view *view,
			   const struct bundle_plan *plan, struct err *err)
{
	struct exporting exporting = {
		.bundle = bundle, .view = view, .plan = plan};
	enum err_code code;

	bundle_init(bundle, io);
	code = packer_open(&exporting.packer, err);
	if (code == ERR_OK)
		code = header_write(&exporting, err);
	if (code == ERR_OK)
		code = feed_walk(view, NULL, feed_write_out, &exporting, err);
	if (code == ERR_OK)
		code = block_write(bundle, 0, err);
	packer_close(exporting.packer);
	return code;
}

/* ---- reading ---- */

/* The frames that its writer signed, one behind the other. */
static void acks_read(struct reader *reader, struct bundle_header *header)
{
	const char *start;
	uint64_t count = read_varint(reader);

	start = (const char *)reader->data + reader->at;
	for (uint64_t i = 0; i < count && reader_ok(reader); i++)
		(void)read_span(reader, BUNDLE_BLOCK_SIZE_MAX);
	header->ack_count = (uint32_t)count;
	header->acks =
		(struct span){start, (size_t)((const char *)reader->data +
					      reader->at - start)};
}

enum err_code bundle_header_read(struct span block,
				 struct bundle_header *ret_header,
				 struct err *err)
{
	struct frame_list list = {.has_lowest = true};
	struct bundle_header header = {.block = block};
	struct frame_entry entry;
	struct reader reader;
	struct span bytes;
	uint64_t count;

	reader_init(&reader, block.data, block.size);
	bytes = read_raw(&reader, NET_ID_SIZE);
	if (bytes.size == NET_ID_SIZE)
		memcpy(header.net_id, bytes.data, NET_ID_SIZE);
	bytes = read_span(&reader, NAME_SIZE_MAX);
	if (!text_is_name(bytes) || !name_set(&header.from, bytes))
		return err_set(err, ERR_CORRUPT, "the bundle names no site");
	acks_read(&reader, &header);
	count = read_varint(&reader);
	header.entries = read_raw(&reader, reader_left(&reader));
	/* A count of what is not there is nobody's loop to run. */
	if (!reader_ok(&reader))
		return err_set(err, ERR_CORRUPT,
			       "the bundle's first block is cut");
	reader_init(&reader, header.entries.data, header.entries.size);
	while (frame_entry_read(&reader, &list, &entry))
		;
	if (!reader_done(&reader) || list.count != count)
		return err_set(err, ERR_CORRUPT,
			       "the bundle's list of feeds "
			       "is not in its one form");
	header.count = (uint32_t)count;
	*ret_header = header;
	return ERR_OK;
}

enum err_code bundle_open(struct bundle *bundle, const struct bundle_io *io,
			  struct bundle_header *ret_header, struct err *err)
{
	uint8_t first[MAGIC_SIZE + 1];
	size_t size;
	enum err_code code;

	bundle_init(bundle, io);
	code = read_whole(bundle, first, sizeof(first), err);
	if (code != ERR_OK && code != ERR_CORRUPT)
		return code;
	if (code == ERR_CORRUPT || memcmp(first, BUNDLE_MAGIC, MAGIC_SIZE) != 0)
		return err_set(err, ERR_CORRUPT, "it is no bundle");
	if (first[MAGIC_SIZE] != BUNDLE_VERSION)
		return err_set(err, ERR_VERSION,
			       "the bundle is of version %u, this depot reads "
			       "%d",
			       first[MAGIC_SIZE], BUNDLE_VERSION);
	code = block_read(bundle, &size, err);
	return code != ERR_OK
		       ? code
		       : bundle_header_read(
				 (struct span){(const char *)bundle->block,
					       size},
				 ret_header, err);
}

enum err_code bundle_next(struct bundle *bundle, struct pack *ret_pack,
			  struct span *ret_bytes, struct err *err)
{
	struct span bytes;
	size_t size;
	enum err_code code = block_read(bundle, &size, err);

	if (code != ERR_OK)
		return code;
	if (size == 0)
		return ERR_STOPPED;
	bytes = (struct span){(const char *)bundle->block, size};
	if (size > PACK_SIZE_MAX || pack_peek(bytes, ret_pack) != ERR_OK)
		return cut(bundle, err);
	bundle->frames++;
	bundle->deltas += ret_pack->count;
	*ret_bytes = bytes;
	return ERR_OK;
}
