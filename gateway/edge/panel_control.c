#include "gateway/edge/panel_control.h"

#include "store/master.h"
#include "store/seal.h"

#define ANYBODY 0u
#define MANAGERS ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)

static const struct control_refusal page_off = {
	"page_off",
	"the operator page is not served: depot page on, then restart depotd",
	"操作页面未启用：请执行 depot page on，然后重启 depotd"};
static const struct control_refusal unknown_account = {
	"unknown_account", "there is no account %s", "没有账户 %s"};
static const struct control_refusal unknown_device = {
	"unknown_device", "there is no device %s", "没有设备 %s"};

/* NULL: it was refused. */
static struct panel *page_of(const struct panel_control *panel_control,
			     struct json_out *out)
{
	if (*panel_control->page == NULL)
		control_refuse(out, &page_off, (struct span){"", 0});
	return *panel_control->page;
}

static bool text_read(struct json_out *out, const struct json_value *arguments,
		      const char *name, struct span *ret_text)
{
	struct fault fault;

	if (json_text(arguments, name, ret_text, &fault) == ERR_OK)
		return true;
	control_fault(out, &fault);
	return false;
}

/* ---- pair ---- */

struct pairing {
	struct name account;
	struct name device;
};

static enum err_code both_find(const struct view *view,
			       const struct pairing *pairing,
			       const struct control_refusal **ret_missing,
			       struct err *err)
{
	struct account account;
	struct device device;
	struct device_no number;
	enum err_code code =
		account_get(view, name_span(&pairing->account), &account, err);

	*ret_missing = &unknown_account;
	if (code != ERR_OK || account.is_revoked)
		return code == ERR_OK ? ERR_NOT_FOUND : code;
	*ret_missing = &unknown_device;
	code = device_get(view, name_span(&pairing->device), &device, &number,
			  err);
	return code == ERR_OK && device.is_revoked ? ERR_NOT_FOUND : code;
}

/* False: it was refused. */
static bool both_check(const struct panel_control *panel_control,
		       const struct pairing *pairing, struct json_out *out)
{
	const struct control_refusal *missing = NULL;
	struct view *view;
	struct err err;
	enum err_code code =
		view_begin(ledger_env(panel_control->ledger), &view, &err);

	if (code == ERR_OK) {
		code = both_find(view, pairing, &missing, &err);
		view_end(view);
	}
	if (code == ERR_NOT_FOUND)
		control_refuse(out, missing,
			       missing == &unknown_account
				       ? name_span(&pairing->account)
				       : name_span(&pairing->device));
	else if (code != ERR_OK)
		control_failed(out, code, &err);
	return code == ERR_OK;
}

static bool pair(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct panel_control *panel_control = context;
	struct panel *page = page_of(panel_control, out);
	char code[OFFER_CODE_SIZE];
	struct pairing pairing;
	struct span account;
	struct span device;

	if (page == NULL || !text_read(out, arguments, "account", &account) ||
	    !text_read(out, arguments, "device", &device))
		return false;
	if (!text_is_name(account) || !name_set(&pairing.account, account)) {
		control_refuse(out, &unknown_account, account);
		return false;
	}
	if (!text_is_name(device) || !name_set(&pairing.device, device)) {
		control_refuse(out, &unknown_device, device);
		return false;
	}
	if (!both_check(panel_control, &pairing, out))
		return false;
	panel_offer(page, pairing.account, pairing.device, code);
	out_text_at(out, "account", account);
	out_text_at(out, "device", device);
	out_string_at(out, "code", code);
	out_string_at(out, "address", panel_control->address);
	out_int_at(out, "port", panel_port(page));
	out_string_at(out, "fingerprint", panel_fingerprint(page));
	out_int_at(out, "seconds", OFFER_LIFE_MS / 1000);
	seal_wipe(code, sizeof(code));
	return true;
}

/* ---- the rest ---- */

static bool list(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct panel *page = page_of(context, out);
	struct badge badge;

	(void)arguments;
	if (page == NULL)
		return false;
	out_array_at(out, "phones");
	for (size_t i = 0; i < BADGES_MAX; i++) {
		if (!panel_badge(page, i, &badge))
			continue;
		out_object(out);
		out_text_at(out, "device", name_span(&badge.device));
		out_text_at(out, "account", name_span(&badge.account));
		out_moment_at(out, "since", badge.since);
		out_object_end(out);
	}
	out_array_end(out);
	return true;
}

static bool revoke(void *context, const struct json_value *arguments,
		   struct json_out *out)
{
	struct panel *page = page_of(context, out);
	struct span device;
	struct err err;
	enum err_code code;

	if (page == NULL || !text_read(out, arguments, "device", &device))
		return false;
	code = panel_revoke(page, device, &err);
	if (code != ERR_OK && code != ERR_NOT_FOUND) {
		control_failed(out, code, &err);
		return false;
	}
	out_text_at(out, "device", device);
	out_bool_at(out, "removed", code == ERR_OK);
	return true;
}

static bool show(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct panel_control *panel_control = context;
	const struct panel *page = page_of(panel_control, out);
	struct badge badge;
	int64_t count = 0;

	(void)arguments;
	if (page == NULL)
		return false;
	for (size_t i = 0; i < BADGES_MAX; i++)
		count += panel_badge(page, i, &badge);
	out_string_at(out, "address", panel_control->address);
	out_int_at(out, "port", panel_port(page));
	out_string_at(out, "fingerprint", panel_fingerprint(page));
	out_int_at(out, "phones", count);
	return true;
}

void panel_control_extras(struct panel_control *panel_control,
			  struct control_extra ret_extras[PANEL_CONTROL_EXTRAS])
{
	ret_extras[0] = (struct control_extra){"page.pair", MANAGERS, pair,
					       panel_control};
	ret_extras[1] = (struct control_extra){"page.list", MANAGERS, list,
					       panel_control};
	ret_extras[2] = (struct control_extra){"page.revoke", MANAGERS, revoke,
					       panel_control};
	ret_extras[3] = (struct control_extra){"page.show", ANYBODY, show,
					       panel_control};
}
