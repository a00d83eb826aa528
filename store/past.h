/*
 * past - the lives of this site from which this box's journal goes on.
 *
 * Layer     store
 * Threads   any, through a view
 *
 * Each epoch names the one that it succeeds (struct succession). So from the
 * journal's own epoch back there is one line of them: those that this box lived
 * itself, which are in its journal, and behind a box that was replaced those
 * that others lived, which are here only as feeds. An epoch that a second box
 * of one image began is no past of this one.
 */
#ifndef DEPOT_STORE_PAST_H
#define DEPOT_STORE_PAST_H

#include "store/delta.h"
#include "store/env.h"

/* Epochs that are looked back at. */
#define PAST_EPOCHS_MAX 64

/* Epochs before the journal's own, the youngest first. */
struct past {
	uint32_t epochs[PAST_EPOCHS_MAX];
	size_t count;
};
/* ERR_CORRUPT, ERR_IO  the store's */
MUST_CHECK enum err_code past_read(const struct view *view, uint32_t site,
				   struct past *ret_past, struct err *err);

/* *@ret_is: the journal has the epoch itself, as a life in this network. */
MUST_CHECK enum err_code past_is_lived(const struct view *view, uint32_t epoch,
				       bool *ret_is, struct err *err);

/*
 * *@ret_is: what the feed @id says is in this box's journal, or comes to be
 * (store/regain.h). So of its own feeds (@is_own, of struct feed_record) and
 * those of its past; not of a branch that a twin wrote, nor of HQ's control and
 * master data.
 */
MUST_CHECK enum err_code past_is_ours(const struct view *view,
				      struct feed_id id, bool is_own,
				      bool *ret_is, struct err *err);

#endif
