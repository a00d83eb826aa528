#include "gateway/core/whereabouts.h"

static enum err_code pallet_get(const struct view *view,
				const struct fact *fact,
				struct whereabouts *ret_where, struct err *err)
{
	struct whereabouts where;
	enum err_code code = sscc_get(
		view, (struct span){fact->sscc, SSCC_SIZE}, &where, err);

	if (code != ERR_OK)
		return code;
	if (fact->item_no.value != 0 && fact->item_no.value != where.item.value)
		return ERR_NOT_FOUND;
	*ret_where = where;
	return ERR_OK;
}

enum err_code whereabouts_get(const struct view *view, const struct fact *fact,
			      struct whereabouts *ret_where, struct err *err)
{
	if (fact->serial.size > 0)
		return serial_get(view, fact->item_no,
				  serial_span(&fact->serial), ret_where, err);
	if (fact->sscc[0] != '\0')
		return pallet_get(view, fact, ret_where, err);
	return ERR_NOT_FOUND;
}
