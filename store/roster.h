/*
 * roster - who belongs to the network, and what HQ said: the fold of HQ's
 * control feed.
 *
 * Layer     store
 * Threads   reading: any, through a view; roster_fold: the writer
 * On disk   docs/format/tables.md: TABLE_ROSTER; all of it is derived from the
 *           control feed and the sites' answers to intents
 *
 * The organisation's root key signs a statement (ENTRY_ROOT) that names the
 * key of a control epoch; the network's id is a hash of the root key, so
 * whoever knows the id can check it. Control is the feed (SITE_CONTROL, epoch);
 * its first row is the root's statement, and all that follows is by the key
 * that it names. A position of control below the highest seen is never taken.
 */
#ifndef DEPOT_STORE_ROSTER_H
#define DEPOT_STORE_ROSTER_H

#include "rules/ledger/entry.h"
#include "store/delta.h"
#include "store/env.h"

/* Each: ERR_NOT_FOUND when there is no such thing (@err untouched). */

/* The root's last statement: the control feed's key. */
MUST_CHECK enum err_code roster_root(const struct view *view,
				     struct root *ret_root, struct err *err);
/* The statement of the lowest control epoch beyond @epoch, which says how much
 * of @epoch counts. */
MUST_CHECK enum err_code roster_root_after(const struct view *view,
					   uint32_t epoch,
					   struct root *ret_root,
					   struct err *err);
/* That of control epoch @epoch. */
MUST_CHECK enum err_code roster_root_of(const struct view *view, uint32_t epoch,
					struct root *ret_root, struct err *err);
/*
 * The root key's signature over a statement: Ed25519 over the tag "depot root
 * v1", the network's id, and epoch (varint), root_public, public_key, after_seq
 * (varint), after_hash. root_sign sets @root's root_public and signature.
 */
struct signer;
void root_sign(const struct signer *root_key, struct root *root);
/* True if @root's root key founded the network, and signed it. */
MUST_CHECK bool root_verify(const uint8_t net_id[NET_ID_SIZE],
			    const struct root *root);

/* The certificate of a site's epoch. */
MUST_CHECK enum err_code roster_certificate(const struct view *view,
					    uint32_t site, uint32_t epoch,
					    struct certificate *ret_certificate,
					    struct err *err);
/* The site's last certificate; by name. */
MUST_CHECK enum err_code roster_site(const struct view *view, uint32_t site,
				     struct certificate *ret_certificate,
				     struct err *err);
MUST_CHECK enum err_code roster_site_named(const struct view *view,
					   struct span name,
					   struct certificate *ret_certificate,
					   struct err *err);
/* The fence of a feed (branch 0: of the epoch as a whole). */
MUST_CHECK enum err_code roster_fence(const struct view *view,
				      struct feed_id feed,
				      struct fence *ret_fence, struct err *err);
MUST_CHECK enum err_code roster_invitation(const struct view *view,
					   uint32_t number,
					   struct invitation *ret_invitation,
					   struct err *err);
/* An intent and how far it is: asked, received, done, refused, expired. */
MUST_CHECK enum err_code roster_intent(const struct view *view, struct span id,
				       struct intent *ret_intent,
				       struct intent_result *ret_result,
				       struct err *err);

/* The answer as the site's feed has it: who, when. */
MUST_CHECK enum err_code roster_answer(const struct view *view, uint32_t site,
				       struct span id, struct entry *ret_entry,
				       struct err *err);

typedef enum err_code roster_visit_fn(void *context, struct pos pos,
				      const struct entry *entry,
				      struct err *err);
/* Visits the last entry of each thing of @kind (ENTRY_CERTIFICATE, _FENCE,
 * _INVITATION, _INTENT), in order of its key. */
MUST_CHECK enum err_code roster_walk(const struct view *view,
				     enum entry_kind kind,
				     roster_visit_fn *visit, void *context,
				     struct err *err);

/* The fences of @site's feeds only, by epoch and branch. */
MUST_CHECK enum err_code roster_walk_fences(const struct view *view,
					    uint32_t site,
					    roster_visit_fn *visit,
					    void *context, struct err *err);

/* A new certificate of an epoch never changes its key.
 *
 * Folds an entry of the control feed, or a site's answer to an intent (@site is
 * whose feed it lies in, @pos where). What is not its writer's to say is
 * ERR_DENIED, and the row void: only SITE_CONTROL may say any kind but
 * ENTRY_INTENT_RESULT, which is the site's. Entries of other kinds fold to
 * nothing. Later places win, in whatever order they come.
 */
MUST_CHECK enum err_code roster_fold(struct txn *txn, uint32_t site,
				     struct pos pos, const struct entry *entry,
				     struct err *err);

/* Empties it, but for the sites' answers: a control epoch ended before what
 * was here of it, and the caller folds it anew. */
MUST_CHECK enum err_code roster_clear(struct txn *txn, struct err *err);
/* Forgets what @site answered; the caller folds its feeds anew. */
MUST_CHECK enum err_code roster_clear_answers(struct txn *txn, uint32_t site,
					      struct err *err);

#endif
