#include "gateway/core/asking.h"

#include "rules/ledger/transfer.h"
#include "store/roster.h"

const struct refusal refusal_unknown_site = {
	"unknown_site", "the network has no site %s", "网络中没有站点 %s"};

bool asking_site(struct asking *asking, const char *name, uint32_t *ret_site,
		 enum err_code *ret_code, struct err *err)
{
	struct json_range sites = {TRANSFER_SITE_FIRST, INT32_MAX};
	const struct json_value *value = json_member(asking->arguments, name);
	struct certificate certificate;
	struct span text;
	uint64_t number;
	int64_t site;

	*ret_code = ERR_OK;
	if (value != NULL && json_kind(value) == JSON_NUMBER) {
		if (!asking_int(asking, name, sites, &site))
			return false;
		*ret_site = (uint32_t)site;
		return true;
	}
	if (!asking_text(asking, name, REF_SIZE_MAX, &text))
		return false;
	if (span_to_u64(text, INT32_MAX, &number) &&
	    number >= TRANSFER_SITE_FIRST) {
		*ret_site = (uint32_t)number;
		return true;
	}
	*ret_code = roster_site_named(asking->view, text, &certificate, err);
	if (*ret_code == ERR_NOT_FOUND) {
		*ret_code = asking_refuse(asking, &refusal_unknown_site, text);
		return false;
	}
	*ret_site = certificate.site;
	return *ret_code == ERR_OK;
}
