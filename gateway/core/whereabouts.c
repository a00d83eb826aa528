#include "gateway/core/whereabouts.h"

#include "store/balance.h"

enum err_code whereabouts_get(const struct view *view, const struct fact *fact,
			      struct whereabouts *ret_where, struct err *err)
{
	if (fact->serial.size > 0)
		return serial_get(view, fact->item_no,
				  serial_span(&fact->serial), ret_where, err);
	if (fact->sscc[0] != '\0')
		return sscc_get(view, (struct span){fact->sscc, SSCC_SIZE},
				ret_where, err);
	return ERR_NOT_FOUND;
}

enum err_code whereabouts_stand(const struct view *view, struct item_no item,
				struct place_no place, bool *ret_stands,
				struct err *err)
{
	UNINITIALIZED struct balance balance;
	enum err_code code = balance_get(view, item, place, &balance, err);
	bool stands = false;

	if (code == ERR_NOT_FOUND)
		balance.count = 0;
	else if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < balance.count; i++)
		stands |= balance.cells[i].quantity.units > 0;
	*ret_stands = stands;
	return ERR_OK;
}
