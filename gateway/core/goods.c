#include "gateway/core/goods.h"

#include "store/balance.h"

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
	/* One that was moved before it was described has no unit yet. */
	before.has_moved = before.is_known && moved.value != 0;
	before.unit = item.unit;
	if (!sku_set(&item.sku, sku))
		return ERR_INVALID; /* the caller has measured it */
	*ret_item = item;
	*ret_before = before;
	return ERR_OK;
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
