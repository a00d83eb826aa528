/*
 * ack - what a box durably has, said outside of a session: on a stick.
 *
 * Layer     sync
 * Threads   ack_write: any, through a view; ack_keep: the writer
 * On disk   docs/protocol/sync.md: the frame `ack`; TABLE_PEER
 *
 * The same signed frame that goes over a link. Its stamp and its epoch's key
 * say who had it when, so a stick that was under way for a week does no harm:
 * what a peer has is only ever raised.
 */
#ifndef DEPOT_SYNC_ACK_H
#define DEPOT_SYNC_ACK_H

#include "gateway/sync/frame.h"
#include "gateway/sync/peer.h"

/*
 * Whose ACKs of @site count: the key of its last certificate, and of no other
 * epoch. An old disk has an old key, and whoever prunes by what it says loses
 * what the site never had; one that waits for HQ's certificate is not known to
 * be the site yet. ERR_NOT_FOUND  nobody's: it has no certificate, or HQ has
 * ended that epoch
 */
MUST_CHECK enum err_code ack_life(const struct view *view, uint32_t site,
				  struct certificate *ret_life,
				  struct err *err);

/* Whose word it is. */
struct ack_word {
	const uint8_t *net_id;
	uint32_t site;
	uint32_t epoch;
	struct moment now;
	const struct signer *signer; /* of that epoch */
};

/*
 * Writes the number of frames (varint), and each as a span: all that @view has,
 * in as many as it takes. Whether it fitted, the writer knows.
 * Errors as feed_walk.
 */
MUST_CHECK enum err_code ack_write(const struct view *view,
				   const struct ack_word *word,
				   struct writer *writer, struct err *err);

/*
 * Keeps what one such frame says in TABLE_PEER. *@ret_site: whose it was.
 *
 * ERR_DENIED   it is no ACK, or forged, or not by whose ACKs count (ack_life)
 *              (@err untouched)
 * ERR_FULL     no room in the map: abandon
 */
MUST_CHECK enum err_code ack_keep(struct txn *txn,
				  const uint8_t net_id[NET_ID_SIZE],
				  struct span bytes, uint32_t *ret_site,
				  struct err *err);

/*
 * Up to which seq site @peer signed that it has @feed, in the life whose ACKs
 * count now. 0: nothing is known, or what it has is not what is here.
 */
MUST_CHECK enum err_code ack_known(const struct view *view, uint32_t peer,
				   struct feed_id feed, uint64_t *ret_seq,
				   struct err *err);

#endif
