#include "gateway/sync/fill.h"

enum err_code fill_pack(struct packer *packer, const struct view *view,
			struct fill *fill, struct writer *writer,
			struct err *err)
{
	enum err_code code = ERR_OK;
	uint32_t tried = 0;
	uint32_t count = 0;

	packer_begin(packer, fill->feed, PACK_ZSTD, fill->size_max);
	while (code == ERR_OK && fill->first + tried <= fill->last) {
		struct delta delta;

		code = feed_delta(view, fill->feed, fill->first + tried, &delta,
				  err);
		if (code == ERR_OK)
			code = packer_add(packer, &delta);
		if (code == ERR_OK)
			tried++;
	}
	/* The pack is full, or what is here, or can be read, ends: what there
	 * is goes. */
	if (tried > 0 &&
	    (code == ERR_FULL || code == ERR_NOT_FOUND || code == ERR_CORRUPT))
		code = ERR_OK;
	if (tried == 0 && code == ERR_OK)
		return ERR_NOT_FOUND; /* an empty range */
	if (code == ERR_OK)
		code = packer_end(packer, writer, &count);
	if (code == ERR_OK)
		fill->first += count;
	/* Longer than any pack: it was not sealed by a sound box. */
	return code == ERR_FULL ? ERR_NOT_FOUND : code;
}
