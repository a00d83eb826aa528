#include "gateway/sync/follow.h"

#include <string.h>

enum err_code follow_start(const struct view *view,
			   const uint8_t net_id[NET_ID_SIZE],
			   struct feed_id feed, uint64_t seq,
			   struct pack_start *ret_start, struct err *err)
{
	struct pack_start start = {.first = 1};
	struct delta before;
	enum err_code code = ERR_OK;

	ASSERT(seq > 0);
	memcpy(start.net_id, net_id, sizeof(start.net_id));
	if (seq > 1) {
		code = feed_hash_at(view, feed, seq - 1, start.previous, err);
		if (code == ERR_OK)
			code = feed_delta(view, feed, seq - 1, &before, err);
		if (code == ERR_OK)
			start.first =
				before.header.first + before.header.row_count;
	}
	if (code == ERR_OK)
		*ret_start = start;
	return code;
}
