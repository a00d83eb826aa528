#include "gateway/core/whereabouts.h"

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
