#include "gateway/edge/concerns.h"

#include <string.h>

#define SECOND 1000u
#define MINUTE (60 * SECOND)

/* A code here is in view_alert.c's table too. */
static const struct concern_spec specs[CONCERN_KINDS] = {
	[CONCERN_FEED_STUCK] = {"feed_stuck", SEVERITY_WARNING, 2 * MINUTE,
				10 * SECOND},
	[CONCERN_LINK_DOWN] = {"link_down", SEVERITY_WARNING, 15 * MINUTE,
			       MINUTE},
	/* A unit that is started again by itself is soon back. */
	[CONCERN_LINK_NOT_RUNNING] = {"link_not_running", SEVERITY_WARNING,
				      2 * MINUTE, 10 * SECOND},
	/* A box that goes on in a next epoch does so within seconds. */
	[CONCERN_SITE_ENDED] = {"site_ended", SEVERITY_CRITICAL, 30 * SECOND,
				10 * SECOND},
	[CONCERN_LINK_SPENT] = {"link_spent", SEVERITY_WARNING, 10 * SECOND,
				10 * SECOND},
};

const struct concern_spec *concern_spec(enum concern_kind kind)
{
	ASSERT(kind < CONCERN_KINDS);
	return &specs[kind];
}

bool concern_kind_find(struct span code, enum concern_kind *ret_kind)
{
	for (enum concern_kind i = 0; i < CONCERN_KINDS; i++) {
		if (span_is(code, specs[i].code)) {
			*ret_kind = i;
			return true;
		}
	}
	return false;
}

static bool row_is(const struct concern_row *row, const struct concern *concern)
{
	return row->is_used && row->concern.kind == concern->kind &&
	       strcmp(row->concern.key, concern->key) == 0;
}

static struct concern_row *row_find(struct concerns *concerns,
				    const struct concern *concern)
{
	for (size_t i = 0; i < CONCERNS_MAX; i++)
		if (row_is(&concerns->rows[i], concern))
			return &concerns->rows[i];
	return NULL;
}

bool concerns_is_open(const struct concerns *concerns,
		      const struct concern *concern)
{
	for (size_t i = 0; i < CONCERNS_MAX; i++)
		if (row_is(&concerns->rows[i], concern))
			return concerns->rows[i].is_open;
	return false;
}

/* NULL: there is no room. */
static struct concern_row *row_new(struct concerns *concerns)
{
	for (size_t i = 0; i < CONCERNS_MAX; i++) {
		struct concern_row *row = &concerns->rows[i];

		if (row->is_used)
			continue;
		*row = (struct concern_row){.is_used = true};
		return row;
	}
	return NULL;
}

void concerns_known(struct concerns *concerns, enum concern_kind kind,
		    struct span key)
{
	struct concern_row *row = row_new(concerns);

	if (row == NULL)
		return;
	row->concern.kind = kind;
	text_print(key, row->concern.key, sizeof(row->concern.key));
	/* It may still be so: that is for the first beats to say. */
	row->is_bad = true;
	row->is_open = true;
}

void concerns_begin(struct concerns *concerns)
{
	for (size_t i = 0; i < CONCERNS_MAX; i++)
		concerns->rows[i].is_said = false;
}

void concerns_say(struct concerns *concerns, const struct concern *concern,
		  int64_t lasts_ms, int64_t now_ms)
{
	struct concern_row *row = row_find(concerns, concern);

	if (row == NULL)
		row = row_new(concerns);
	if (row == NULL)
		return;
	if (!row->is_bad)
		row->since_ms = now_ms - lasts_ms;
	row->is_bad = true;
	row->is_said = true;
	row->concern = *concern;
}

void concerns_end(struct concerns *concerns, int64_t now_ms)
{
	for (size_t i = 0; i < CONCERNS_MAX; i++) {
		struct concern_row *row = &concerns->rows[i];

		if (!row->is_used || row->is_said)
			continue;
		if (row->is_bad)
			row->since_ms = now_ms;
		row->is_bad = false;
		row->is_used = row->is_open;
	}
}

const struct concern_row *concerns_due(const struct concerns *concerns,
				       int64_t now_ms)
{
	for (size_t i = 0; i < CONCERNS_MAX; i++) {
		const struct concern_row *row = &concerns->rows[i];
		const struct concern_spec *spec = &specs[row->concern.kind];

		if (row->is_used && row->is_open != row->is_bad &&
		    now_ms >= row->retry_ms &&
		    now_ms - row->since_ms >= (row->is_bad
						       ? spec->raise_after_ms
						       : spec->clear_after_ms))
			return row;
	}
	return NULL;
}

void concerns_told(struct concerns *concerns, const struct concern *concern,
		   bool is_open, bool is_done, int64_t now_ms)
{
	struct concern_row *row = row_find(concerns, concern);

	if (row == NULL)
		return;
	if (!is_done) {
		row->retry_ms = now_ms + MINUTE;
		return;
	}
	row->is_open = is_open;
	row->is_used = row->is_open || row->is_bad;
}

size_t concerns_count(const struct concerns *concerns, enum concern_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < CONCERNS_MAX; i++)
		count += concerns->rows[i].is_used &&
			 concerns->rows[i].is_bad &&
			 concerns->rows[i].concern.kind == kind;
	return count;
}
