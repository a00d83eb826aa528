/*
 * What peers say that they hold, against what is here.
 */
#include "store/audit_network_work.h"

static uint64_t start_of(const uint8_t hash[HASH_SIZE])
{
	uint64_t start = 0;

	for (size_t i = 0; i < sizeof(start); i++)
		start = start << 8 | hash[i];
	return start;
}

static enum err_code witness_look(struct network_audit *audit,
				  const struct network_witness *witness,
				  struct err *err)
{
	struct network_finding finding = {.kind = NETWORK_WITNESS,
					  .feed = witness->feed,
					  .seq = witness->seq,
					  .peer = witness->peer};
	struct feed_record feed = {.seq = 0};
	uint8_t hash[HASH_SIZE];
	enum err_code code = feed_get(audit->view, witness->feed, &feed, err);

	if (code == ERR_NOT_FOUND || feed.seq < witness->seq) {
		audit->result.beyond++;
		return ERR_OK;
	}
	if (code == ERR_OK)
		code = feed_hash_at(audit->view, witness->feed, witness->seq,
				    hash, err);
	/* Missing or damaged deltas have been told of. */
	if (code == ERR_NOT_FOUND || code == ERR_CORRUPT)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	if (start_of(hash) == witness->hash_start)
		audit->result.witnessed++;
	else
		network_report(audit, &finding);
	return ERR_OK;
}

enum err_code network_witnesses(struct network_audit *audit, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < audit->plan->witness_count && code == ERR_OK;
	     i++)
		code = witness_look(audit, &audit->plan->witnesses[i], err);
	return code;
}
