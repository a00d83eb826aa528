/*
 * e2e_tool - see tool.h.
 *
 *	e2e_tool init STORE LIST MEGABYTES
 *	e2e_tool audit | balances | journal | parked | head STORE
 *	e2e_tool journal-from STORE POS	(of epoch 1)
 *	e2e_tool format STORE NUMBER
 *	e2e_tool lie STORE ITEM BIN
 *
 * Exit codes: 0 done, 1 failed, 2 usage, 3 the audit found something.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/audit.h"
#include "tests/e2e/tool.h"

#define EXIT_USAGE 2
#define EXIT_FINDINGS 3
#define MEGABYTES_MAX 65536
#define SHOWN_MAX 10

static enum err_code audit(const struct view *view, struct err *err)
{
	struct audit_plan plan = {.progress = NULL};
	struct audit_result *result = calloc(1, sizeof(*result));
	char sentence[FINDING_PRINT_SIZE];
	enum err_code code;

	if (result == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = audit_run(view, &plan, result, err);
	if (code != ERR_OK)
		goto out;
	printf("{\"entries\":%" PRIu64 ",\"movements\":%" PRIu64
	       ",\"items\":%" PRIu64 ",\"found\":%" PRId64 ",\"lost\":%" PRId64
	       ",\"unexplained\":%" PRIu64 ",\"findings\":%" PRIu64 "}\n",
	       result->entries, result->movements, result->items, result->found,
	       result->lost, result->unexplained, result->findings);
	for (size_t i = 0; i < result->findings && i < SHOWN_MAX; i++) {
		finding_print(&result->list[i], false, sentence,
			      sizeof(sentence));
		fprintf(stderr, "%s: %s\n", finding_name(result->list[i].kind),
			sentence);
	}
	if (!audit_is_clean(result))
		code = ERR_STOPPED;
out:
	free(result);
	return code;
}

static enum err_code head(const struct view *view, struct err *err)
{
	struct journal_head head;
	enum err_code code = ledger_head(view, &head, err);

	if (code == ERR_OK)
		printf("{\"epoch\":%" PRIu32 ",\"pos\":%" PRIu64
		       ",\"chain\":\"%016" PRIx64 "\"}\n",
		       pos_epoch(head.pos), pos_number(head.pos), head.chain);
	return code;
}

/* As a newer depot would leave it. */
static enum err_code format_set(const char *path, uint32_t number,
				struct err *err)
{
	unsigned char bytes[4];
	struct writer writer;
	struct env *env;
	struct txn *txn;
	enum err_code code = env_open(path, ENV_WRITE, &env, err);

	if (code != ERR_OK)
		return code;
	writer_init(&writer, bytes, sizeof(bytes));
	write_u32(&writer, number);
	code = txn_begin(env, &txn, err);
	if (code != ERR_OK)
		goto out;
	code = txn_put(txn, TABLE_META, SPAN_LITERAL(ENV_FORMAT_KEY),
		       (struct span){(const char *)bytes, sizeof(bytes)}, err);
	if (code == ERR_OK)
		code = txn_commit(txn, err);
	else
		txn_abandon(txn);
out:
	env_close(env);
	return code;
}

/* Where the journal's lines begin. */
static uint64_t journal_from = 1;

static enum err_code journal(const struct view *view, struct err *err)
{
	return tool_journal(view, pos_make(1, journal_from), err);
}

typedef enum err_code look_fn(const struct view *view, struct err *err);

static const struct {
	const char *verb;
	look_fn *look;
} looks[] = {
	{"audit", audit},     {"balances", tool_balances}, {"head", head},
	{"journal", journal}, {"parked", tool_parked},
};

static enum err_code look_run(const char *path, look_fn *look, struct err *err)
{
	struct ledger *ledger;
	struct view *view;
	enum err_code code = ledger_open(path, ENV_READ, &ledger, err);

	if (code != ERR_OK)
		return code;
	code = view_begin(ledger_env(ledger), &view, err);
	if (code == ERR_OK) {
		code = look(view, err);
		view_end(view);
	}
	ledger_close(ledger);
	if (fflush(stdout) != 0)
		return err_set(err, ERR_IO, "standard output");
	return code;
}

static bool verb_run(char **arguments, int count, enum err_code *ret_code,
		     struct err *err)
{
	uint64_t number;

	if (count == 4 && strcmp(arguments[0], "init") == 0 &&
	    span_to_u64(span_of(arguments[3]), MEGABYTES_MAX, &number)) {
		*ret_code = tool_seed(arguments[1], arguments[2], number << 20,
				      err);
		return true;
	}
	if (count == 4 && strcmp(arguments[0], "lie") == 0) {
		*ret_code = tool_lie(arguments[1], span_of(arguments[2]),
				     span_of(arguments[3]), err);
		return true;
	}
	if (count == 3 && strcmp(arguments[0], "format") == 0 &&
	    span_to_u64(span_of(arguments[2]), UINT32_MAX, &number)) {
		*ret_code = format_set(arguments[1], (uint32_t)number, err);
		return true;
	}
	if (count == 3 && strcmp(arguments[0], "journal-from") == 0 &&
	    span_to_u64(span_of(arguments[2]), POS_NUMBER_MAX, &journal_from) &&
	    journal_from > 0) {
		*ret_code = look_run(arguments[1], journal, err);
		return true;
	}
	for (size_t i = 0; count == 2 && i < ARRAY_LEN(looks); i++) {
		if (strcmp(arguments[0], looks[i].verb) == 0) {
			*ret_code = look_run(arguments[1], looks[i].look, err);
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	struct err err = {.text = "findings"};
	enum err_code code;

	if (!verb_run(argv + 1, argc - 1, &code, &err)) {
		fprintf(stderr, "usage: see tests/e2e/tool.c\n");
		return EXIT_USAGE;
	}
	if (code == ERR_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "e2e_tool: %s\n", err.text);
	return code == ERR_STOPPED ? EXIT_FINDINGS : EXIT_FAILURE;
}
