/*
 * broker_account - who may speak at the managed broker: a file beside the
 * store.
 *
 * Layer     gateway/edge
 * Threads   any; processes too: the file is replaced as a whole, under a lock
 * On disk   <store>-keys/broker.passwd, mode 0600: a line of version, then
 *           NAME ROLE HASH a line
 *
 * Not in the ledger, because a journal is for ever and goes to other sites: a
 * secret's hash belongs in neither. So it is not in a backup either: a restored
 * box gives new passwords.
 *
 * One name has one role, and in use one connection: the broker takes it as
 * client id, so that nobody can sit down on another's session.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_ACCOUNT_H
#define DEPOT_GATEWAY_EDGE_BROKER_ACCOUNT_H

#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "store/seal.h"

#define BROKER_ACCOUNTS_MAX 4096
#define BROKER_ACCOUNTS_NAME "broker.passwd"

enum broker_role {
	BROKER_DEVICE,    /* a scanner, shelf or reader: its own topics */
	BROKER_DASHBOARD, /* looks, writes nothing */
	BROKER_PERSON,    /* looks, commands, takes tasks */
	BROKER_ERP,       /* looks, commands, writes orders */
	BROKER_SHOP,      /* stock and notices, commands, writes orders */
	BROKER_SUPPLIER,  /* writes what one supplier answers */
	BROKER_ROLES
};

/* "device" ... Never NULL. */
const char *broker_role_name(enum broker_role role);

struct broker_account {
	struct name name;
	enum broker_role role;
	struct name supplier; /* BROKER_SUPPLIER's id */
	char hash[SEAL_PASSWORD_SIZE];
};

/* A drawn password: 100 bits in 20 characters that nobody takes for others. */
#define BROKER_PASSWORD_SIZE 21
void broker_password_draw(char ret_password[BROKER_PASSWORD_SIZE]);

/*
 * Gives @name an account with a new password, which is told here and never
 * again. @folder is the store's folder of keys (ledger_keys_folder); @role is
 * "device", ..., "supplier:ID". The daemon learns of it by broker_refresh.
 *
 * ERR_INVALID   the name or the role; the sentence says which
 * ERR_CONFLICT  there is an account of that name
 * ERR_FULL      too many, or the disk
 * ERR_CORRUPT   the file is damaged; the sentence names the line
 * ERR_IO        the system refused
 */
MUST_CHECK enum err_code
broker_account_add(const char *folder, struct span name, struct span role,
		   char ret_password[BROKER_PASSWORD_SIZE], struct err *err);

/* ERR_NOT_FOUND  there is no such account. Else as above. */
MUST_CHECK enum err_code
broker_account_remove(const char *folder, struct span name, struct err *err);

/* Calls @visit for each account, in the order of the file; what it returns, if
 * not ERR_OK, ends the walk and is the result. No file is no account. */
typedef enum err_code broker_account_fn(void *context,
					const struct broker_account *account,
					struct err *err);
MUST_CHECK enum err_code broker_account_walk(const char *folder,
					     broker_account_fn *visit,
					     void *context, struct err *err);

#endif
