#include "gateway/edge/control_broker.h"

#include "gateway/edge/broker_account.h"

#define ROLES ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)

static void changed(const struct control_broker *broker)
{
	if (broker->changed != NULL)
		broker->changed(broker->context);
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

/* Draws it; one that is there makes way first if that is asked for. */
static enum err_code password_give(const struct control_broker *broker,
				   struct span name, struct span role,
				   bool again,
				   char password[BROKER_PASSWORD_SIZE],
				   struct err *err)
{
	enum err_code code =
		broker_account_add(broker->keys, name, role, password, err);

	if (code != ERR_CONFLICT || !again)
		return code;
	code = broker_account_remove(broker->keys, name, err);
	if (code == ERR_OK)
		code = broker_account_add(broker->keys, name, role, password,
					  err);
	return code;
}

static bool give(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct control_broker *broker = context;
	char password[BROKER_PASSWORD_SIZE];
	struct span name;
	struct span role;
	bool again = false;
	struct fault fault;
	struct err err;
	enum err_code code;

	if (!text_read(out, arguments, "name", &name) ||
	    !text_read(out, arguments, "role", &role))
		return false;
	if (json_bool(arguments, "again", &again, &fault) == ERR_INVALID) {
		control_fault(out, &fault);
		return false;
	}
	code = password_give(broker, name, role, again, password, &err);
	if (code != ERR_OK && code != ERR_CONFLICT) {
		control_failed(out, code, &err);
		return false;
	}
	out_text_at(out, "name", name);
	out_text_at(out, "role", role);
	if (code == ERR_OK) {
		out_string_at(out, "password", password);
		seal_wipe(password, sizeof(password));
		changed(broker);
	} else {
		out_null_at(out, "password");
	}
	return true;
}

static bool take(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct control_broker *broker = context;
	struct span name;
	struct err err;
	enum err_code code;

	if (!text_read(out, arguments, "name", &name))
		return false;
	code = broker_account_remove(broker->keys, name, &err);
	if (code != ERR_OK && code != ERR_NOT_FOUND) {
		control_failed(out, code, &err);
		return false;
	}
	out_text_at(out, "name", name);
	out_bool_at(out, "removed", code == ERR_OK);
	if (code == ERR_OK)
		changed(broker);
	return true;
}

static enum err_code account_out(void *context,
				 const struct broker_account *account,
				 struct err *err)
{
	struct json_out *out = context;

	(void)err;
	out_object(out);
	out_text_at(out, "name", name_span(&account->name));
	out_string_at(out, "role", broker_role_name(account->role));
	if (account->role == BROKER_SUPPLIER)
		out_text_at(out, "supplier", name_span(&account->supplier));
	out_object_end(out);
	return ERR_OK;
}

static bool list(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct control_broker *broker = context;
	struct err err;
	enum err_code code;

	(void)arguments;
	out_array_at(out, "accounts");
	code = broker_account_walk(broker->keys, account_out, out, &err);
	if (code != ERR_OK) {
		control_failed(out, code, &err);
		return false;
	}
	out_array_end(out);
	return true;
}

void control_broker_extras(
	struct control_broker *broker,
	struct control_extra ret_extras[CONTROL_BROKER_EXTRAS])
{
	ret_extras[0] =
		(struct control_extra){"broker.give", ROLES, give, broker};
	ret_extras[1] =
		(struct control_extra){"broker.take", ROLES, take, broker};
	ret_extras[2] =
		(struct control_extra){"broker.list", ROLES, list, broker};
}
