/*
 * regain_net - what was found or counted while the book lacked entries, and
 * they come back.
 *
 * Layer     store, for regain.h and succession.h
 * Threads   the writer
 *
 * People work on while a part of the site's past is not here yet: they take
 * units that the book has nothing of, and count bins. When that part comes, the
 * same units would stand twice. It is known what they saw:
 *
 * found     Units taken beyond the book were found for it (store/found.h). Had
 *           the book had what comes back now, nothing would have been found: as
 *           much of it goes back, by a reversal that names the last one.
 * counted   An accepted count says what stood there. What happened before it
 *           changes nothing of that: all that comes back from before it is
 *           netted for each bin, item, condition and lot, and what is left of
 *           it in the end is adjusted away again, in the count's name.
 *
 * Where a count cannot be held against what comes back (it named another lot or
 * condition; units in PICKED and PACKED, which stand for orders), a task asks
 * to count that item in that bin again.
 *
 * Later is what a later life of the site said; of one life, or if both clocks
 * were trusted, what has the later time.
 */
#ifndef DEPOT_STORE_REGAIN_NET_H
#define DEPOT_STORE_REGAIN_NET_H

#include "store/ledger.h"

struct netting;

/* For entries that come back within @batch. *@ret_netting is owned by the
 * caller until netting_close. ERR_FULL  no memory */
MUST_CHECK enum err_code netting_open(struct batch *batch,
				      struct netting **ret_netting,
				      struct err *err);
/* NULL is fine. */
void netting_close(struct netting *netting);

struct batch *netting_batch(struct netting *netting);

/*
 * Around the posting of @entry, a movement that lay at @pos: what the book
 * lacks of it is found first; what was found of it since goes back. Errors as
 * batch_post.
 */
MUST_CHECK enum err_code netting_before(struct netting *netting, struct pos pos,
					const struct entry *entry,
					struct err *err);
MUST_CHECK enum err_code netting_after(struct netting *netting, struct pos pos,
				       const struct entry *entry,
				       struct err *err);

/* Before the batch is committed: what counts had seen already is adjusted.
 * Errors as batch_post. */
MUST_CHECK enum err_code netting_finish(struct netting *netting,
					struct err *err);

#endif
