#include "gateway/edge/broker_account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/replace.h"

#define FIRST_LINE "depot-broker-accounts 1\n"
#define LINE_SIZE 320

static const char *const role_names[BROKER_ROLES] = {
	"device", "dashboard", "person", "erp", "shop", "supplier"};

const char *broker_role_name(enum broker_role role)
{
	ASSERT(role < BROKER_ROLES);
	return role_names[role];
}

void broker_password_draw(char ret_password[BROKER_PASSWORD_SIZE])
{
	/* Crockford's base 32: no i, l, o, u. */
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t random[BROKER_PASSWORD_SIZE - 1];

	seal_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		ret_password[i] = letters[random[i] % 32];
	ret_password[sizeof(random)] = '\0';
	seal_wipe(random, sizeof(random));
}

/* ---- a line ---- */

static bool role_read(struct span text, struct broker_account *account)
{
	static const struct span supplier = {"supplier:", 9};

	if (span_starts(text, supplier.data)) {
		struct span id = {text.data + supplier.size,
				  text.size - supplier.size};

		account->role = BROKER_SUPPLIER;
		return text_is_name(id) && name_set(&account->supplier, id);
	}
	for (size_t i = 0; i < BROKER_SUPPLIER; i++) {
		if (span_is(text, role_names[i])) {
			account->role = (enum broker_role)i;
			return true;
		}
	}
	return false;
}

/* What stands before the next blank or line feed. */
static struct span word_take(struct span *rest)
{
	struct span word = {rest->data, 0};

	while (word.size < rest->size && rest->data[word.size] != ' ' &&
	       rest->data[word.size] != '\n')
		word.size++;
	rest->data += word.size;
	rest->size -= word.size;
	if (rest->size > 0) {
		rest->data++;
		rest->size--;
	}
	return word;
}

/* A colon, too, would make two accounts of one in mosquitto's file. */
static bool hash_is_sound(struct span hash)
{
	for (size_t i = 0; i < hash.size; i++)
		if (hash.data[i] <= ' ' || hash.data[i] > '~' ||
		    hash.data[i] == ':')
			return false;
	return span_starts(hash, "$7$") && hash.size < SEAL_PASSWORD_SIZE;
}

static bool line_read(const char *line, struct broker_account *account)
{
	struct span rest = span_of(line);
	struct span name = word_take(&rest);
	struct span role = word_take(&rest);
	struct span hash = word_take(&rest);

	memset(account, 0, sizeof(*account));
	if (strchr(line, '\n') == NULL || !text_is_name(name) ||
	    !name_set(&account->name, name) || !role_read(role, account) ||
	    !hash_is_sound(hash) || rest.size != 0)
		return false;
	text_print(hash, account->hash, sizeof(account->hash));
	return true;
}

static void line_write(FILE *out, const struct broker_account *account)
{
	bool has_id = account->supplier.size > 0;

	(void)fprintf(out, "%.*s %s%s%.*s %s\n", (int)account->name.size,
		      account->name.data, broker_role_name(account->role),
		      has_id ? ":" : "", (int)account->supplier.size,
		      account->supplier.data, account->hash);
}

/* ---- the file ---- */

static enum err_code lines_walk(FILE *in, broker_account_fn *visit,
				void *context, struct err *err)
{
	struct broker_account account;
	char line[LINE_SIZE];
	unsigned number = 1;
	enum err_code code = ERR_OK;

	if (fgets(line, sizeof(line), in) == NULL ||
	    strcmp(line, FIRST_LINE) != 0)
		return err_set(err, ERR_CORRUPT,
			       BROKER_ACCOUNTS_NAME ":1: not a file of broker "
						    "accounts");
	while (code == ERR_OK && fgets(line, sizeof(line), in) != NULL) {
		number++;
		if (!line_read(line, &account))
			code = err_set(err, ERR_CORRUPT,
				       BROKER_ACCOUNTS_NAME
				       ":%u: not an account",
				       number);
		else
			code = visit(context, &account, err);
	}
	if (code == ERR_OK && ferror(in) != 0)
		code = err_set(err, ERR_IO, "read " BROKER_ACCOUNTS_NAME);
	seal_wipe(&account, sizeof(account));
	seal_wipe(line, sizeof(line));
	return code;
}

static enum err_code accounts_walk(int folder, broker_account_fn *visit,
				   void *context, struct err *err)
{
	int fd = openat(folder, BROKER_ACCOUNTS_NAME,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat info;
	enum err_code code;
	FILE *in;

	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0)
		return err_sys(err, errno, "open " BROKER_ACCOUNTS_NAME);
	in = fdopen(fd, "r");
	if (in == NULL) {
		code = err_sys(err, errno, "open " BROKER_ACCOUNTS_NAME);
		(void)close(fd);
		return code;
	}
	if (fstat(fd, &info) == 0 && (info.st_mode & 07177) != 0)
		code = err_set(err, ERR_UNSAFE,
			       BROKER_ACCOUNTS_NAME
			       " has mode %04o, must be 0600",
			       (unsigned)info.st_mode & 07777u);
	else
		code = lines_walk(in, visit, context, err);
	(void)fclose(in); /* opened for reading: nothing to lose */
	return code;
}

static enum err_code folder_open(const char *folder, int *ret_fd,
				 struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "open folder %s", folder);
	*ret_fd = fd;
	return ERR_OK;
}

enum err_code broker_account_walk(const char *folder, broker_account_fn *visit,
				  void *context, struct err *err)
{
	int fd;
	enum err_code code = folder_open(folder, &fd, err);

	if (code != ERR_OK)
		return code;
	code = accounts_walk(fd, visit, context, err);
	(void)close(fd); /* opened for reading: nothing to lose */
	return code;
}

/* ---- changing ---- */

/* The file written again: without @name, and with @added behind the rest. */
struct change {
	struct replace replace;
	struct span name;
	const struct broker_account *added; /* NULL: removing */
	unsigned count;
	bool has_name;
};

static enum err_code change_copy(void *context,
				 const struct broker_account *account,
				 struct err *err)
{
	struct change *change = context;

	(void)err;
	if (span_equal(name_span(&account->name), change->name)) {
		change->has_name = true;
		return ERR_OK;
	}
	change->count++;
	line_write(change->replace.out, account);
	return ERR_OK;
}

static enum err_code change_judge(const struct change *change, struct err *err)
{
	int size = (int)change->name.size;
	const char *name = change->name.data;

	if (change->added == NULL && !change->has_name)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no broker account %.*s", size, name);
	if (change->added != NULL && change->has_name)
		return err_set(err, ERR_CONFLICT,
			       "there is a broker account %.*s already: remove "
			       "it to give it a new password",
			       size, name);
	if (change->added != NULL && change->count >= BROKER_ACCOUNTS_MAX)
		return err_set(err, ERR_FULL,
			       "there are %d broker accounts, and no more fit",
			       BROKER_ACCOUNTS_MAX);
	return ERR_OK;
}

static enum err_code change_write(int folder, struct change *change,
				  struct err *err)
{
	enum err_code code = replace_begin(&change->replace, folder,
					   BROKER_ACCOUNTS_NAME, 0600, err);

	if (code != ERR_OK)
		return code;
	(void)fputs(FIRST_LINE, change->replace.out);
	code = accounts_walk(folder, change_copy, change, err);
	if (code == ERR_OK)
		code = change_judge(change, err);
	if (code != ERR_OK) {
		replace_abandon(&change->replace);
		return code;
	}
	if (change->added != NULL)
		line_write(change->replace.out, change->added);
	return replace_commit(&change->replace, true, err);
}

static enum err_code change_run(const char *folder, struct change *change,
				struct err *err)
{
	int fd;
	enum err_code code = folder_open(folder, &fd, err);

	if (code != ERR_OK)
		return code;
	/* Held for the time it takes to write a file, by whoever writes it. */
	if (flock(fd, LOCK_EX) < 0)
		code = err_sys(err, errno, "lock folder %s", folder);
	else
		code = change_write(fd, change, err);
	(void)close(fd); /* and with it goes the lock */
	return code;
}

enum err_code broker_account_add(const char *folder, struct span name,
				 struct span role,
				 char ret_password[BROKER_PASSWORD_SIZE],
				 struct err *err)
{
	struct broker_account account = {.role = BROKER_DEVICE};
	struct change change = {.name = name, .added = &account};
	char password[BROKER_PASSWORD_SIZE];
	enum err_code code;

	if (!text_is_name(name) || !name_set(&account.name, name))
		return err_set(err, ERR_INVALID,
			       "%.*s is no name: 1 to 32 of a-z, 0-9 and -",
			       (int)(name.size < 64 ? name.size : 64),
			       name.data);
	if (!role_read(role, &account))
		return err_set(err, ERR_INVALID,
			       "%.*s is no role: device, dashboard, person, "
			       "erp, shop or supplier:ID",
			       (int)(role.size < 64 ? role.size : 64),
			       role.data);
	broker_password_draw(password);
	seal_password(span_of(password), account.hash);
	code = change_run(folder, &change, err);
	if (code == ERR_OK)
		memcpy(ret_password, password, sizeof(password));
	seal_wipe(password, sizeof(password));
	seal_wipe(&account, sizeof(account));
	return code;
}

enum err_code broker_account_remove(const char *folder, struct span name,
				    struct err *err)
{
	struct change change = {.name = name};

	return change_run(folder, &change, err);
}
