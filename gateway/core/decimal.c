#include "gateway/core/decimal.h"

#define BILLION INT64_C(1000000000)
#define MILLION INT64_C(1000000)

enum err_code decimal_of_json(const struct json_value *value,
			      int64_t *ret_thousandths, struct fault *fault)
{
	static const struct json_range range = {-BILLION + 1, BILLION - 1};
	int64_t billionths;

	if (json_to_scaled(value, 9, range, &billionths, fault) != ERR_OK)
		return ERR_INVALID;
	if (billionths % MILLION != 0)
		return json_fault(value, FAULT_NOT_NUMBER, fault);
	*ret_thousandths = billionths / MILLION;
	return ERR_OK;
}
