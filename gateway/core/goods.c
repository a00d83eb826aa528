#include "gateway/core/goods.h"

#include "gateway/core/hq.h"
#include "gateway/core/hq_ask.h"
#include "store/balance.h"
#include "store/catalogue.h"
#include "store/feed.h"

const struct refusal refusal_unit_fixed = {
	"unit_fixed", "the base unit of %s cannot change: it has moved",
	"商品 %s 已有出入库，基本单位不能更改"};

const struct refusal refusal_bad_bin = {
	"bad_bin", "%s is no name of a bin: at most 40 bytes, no colon",
	"%s 不是有效库位名：最多 40 字节，不含冒号"};

enum err_code goods_item(const struct view *view, struct span sku,
			 struct item *ret_item, struct goods_before *ret_before,
			 struct err *err)
{
	struct item item = {.unit = UNIT_EACH};
	struct goods_before before = {.unit = UNIT_EACH};
	struct item_no number;
	struct tally tally;
	struct pos moved = {0};
	enum err_code code = item_find(view, sku, &number, err);

	if (code == ERR_OK)
		code = balance_tally(view, number, &tally, &moved, err);
	if (code == ERR_OK)
		code = item_get(view, number, &item, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	before.is_known = code == ERR_OK;
	code = catalogue_number(view, sku, &number, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	before.is_master = code == ERR_OK;
	/* One that was moved before it was described has no unit yet. */
	before.has_moved = before.is_known && moved.value != 0;
	before.unit = item.unit;
	if (!sku_set(&item.sku, sku))
		return ERR_INVALID; /* the caller has measured it */
	*ret_item = item;
	*ret_before = before;
	return ERR_OK;
}

bool goods_is_hq(const struct asking *asking)
{
	/* What HQ asks of its own site is that site's word. */
	return asking->act->plan->hq != NULL && asking->is_networked &&
	       asking->act->actor.kind == ACTOR_ACCOUNT;
}

bool goods_may_say(struct asking *asking)
{
	return !goods_is_hq(asking) || asking_hq(asking) != NULL;
}

enum err_code goods_named(const struct view *view, bool is_hq, struct span sku,
			  struct item_no *ret_item, struct err *err)
{
	return is_hq ? catalogue_number(view, sku, ret_item, err)
		     : item_find(view, sku, ret_item, err);
}

enum err_code goods_say(struct asking *asking, struct entry *entry,
			struct err *err)
{
	struct hq_word word = {entry, 1, true};
	uint64_t seq;
	enum err_code code;

	if (!goods_is_hq(asking)) {
		code = asking_post(asking, entry, err);
		if (code == ERR_OK && asking->is_networked)
			out_string_at(asking->out, "standing", "proposal");
		return code;
	}
	code = hq_say(asking->act->plan->hq, asking->act->batch, &word, &seq,
		      err);
	if (code == ERR_OK) {
		out_string_at(asking->out, "standing", "master");
		out_int_at(asking->out, "seq", (int64_t)seq);
	}
	return code;
}

/* ---- what sites have moved ---- */

struct moving {
	const struct view *view;
	struct span sku;
	bool has_moved;
};

static enum err_code moved_note(void *context,
				const struct site_balance_key *key,
				const struct balance *balance, struct err *err)
{
	struct moving *moving = context;

	(void)key;
	(void)balance;
	(void)err;
	moving->has_moved = true;
	return ERR_STOPPED;
}

static enum err_code row_note(void *context, struct item_no item,
			      struct place_no place,
			      const struct balance *balance, struct err *err)
{
	(void)item;
	(void)place;
	return moved_note(context, NULL, balance, err);
}

/* The own journal knows before its feed's balances do. */
static enum err_code moved_here(struct moving *moving, struct err *err)
{
	struct item_no item;
	enum err_code code = item_find(moving->view, moving->sku, &item, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	return balance_walk_item(moving->view, item, row_note, moving, err);
}

static enum err_code moving_look(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct moving *moving = context;

	if (feed->id.site < SITE_FIRST)
		return ERR_OK;
	if (feed->late > 0)
		return moved_here(moving, err);
	return site_balance_item(moving->view, feed->id, moving->sku,
				 moved_note, moving, err);
}

enum err_code goods_moved_anywhere(const struct view *view, struct span sku,
				   bool *ret_has_moved, struct err *err)
{
	struct moving moving = {view, sku, false};
	enum err_code code = feed_walk(view, NULL, moving_look, &moving, err);

	if (code == ERR_OK || code == ERR_STOPPED)
		*ret_has_moved = moving.has_moved;
	return code == ERR_STOPPED ? ERR_OK : code;
}

bool goods_class(struct span text, char *ret_class)
{
	char c;

	if (text.size != 1)
		return false;
	c = text.data[0];
	if (c >= 'a' && c <= 'c')
		c = (char)(c - 'a' + 'A');
	if (c < 'A' || c > 'C')
		return false;
	*ret_class = c;
	return true;
}

/* By their bytes: an entry has one form, and its fields are not listed here a
 * second time. */
bool goods_same(const struct entry *a, const struct entry *b)
{
	UNINITIALIZED uint8_t bytes_a[ENTRY_SIZE_MAX];
	UNINITIALIZED uint8_t bytes_b[ENTRY_SIZE_MAX];
	struct entry copy = *b;
	struct writer writer_a;
	struct writer writer_b;

	copy.stamp = a->stamp;
	copy.effective = a->effective;
	copy.clock_flags = a->clock_flags;
	copy.actor = a->actor;
	copy.ref = a->ref;
	writer_init(&writer_a, bytes_a, sizeof(bytes_a));
	writer_init(&writer_b, bytes_b, sizeof(bytes_b));
	entry_encode(&writer_a, a);
	entry_encode(&writer_b, &copy);
	return span_equal((struct span){(char *)bytes_a, writer_a.size},
			  (struct span){(char *)bytes_b, writer_b.size});
}
