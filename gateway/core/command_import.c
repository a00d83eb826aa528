#include "gateway/core/command_import.h"

#include <stdlib.h>

#include "gateway/core/goods.h"
#include "gateway/core/hq_bulk.h"
#include "gateway/core/import_json.h"
#include "gateway/core/retry.h"
#include "gateway/core/rights.h"

static const struct refusal no_file = {
	"no_file", "the command came without a file", "命令没有附带文件"};
static const struct refusal bad_rows = {
	"bad_rows",
	"the file has rows that cannot be taken; nothing was imported",
	"文件中有无法接受的行；未导入任何内容"};
static const struct refusal row_twice = {"duplicate_row",
					 "the same name stands in line %s",
					 "前面已有同名的行 %s"};

/* Room behind the list of bad rows. */
#define TAIL_SIZE 128
#define IGNORED_MAX 8
#define HEADING_SIZE_MAX 64
#define SAMPLE_SIZE 64

struct importing {
	struct asking *asking;
	const struct import *import;
	struct csv *csv;
	struct import_json json; /* what it was made of, if it came as JSON */
	struct import_row row;
	uint64_t rows;
	uint64_t added;
	uint64_t changed;
	uint64_t unchanged;
	uint64_t bad;
	uint64_t listed;
	uint64_t vanished;
	bool retires;
	struct pos last; /* posted; 0: none */
	bool is_master;  /* posted as HQ's, by the bulk */
	struct hq_bulk bulk;
	/* The first pass: which names stood in which line. */
	struct intern names;
	uint32_t *lines;
	size_t lines_capacity;
	/* Of a text that is not UTF-8: what it reads as. */
	char sample[SAMPLE_SIZE];
};

/* Where the row in work begins, in the file that came. */
static uint32_t line_of(const struct importing *importing)
{
	return import_json_line(&importing->json, csv_line(importing->csv));
}

/* ---- bad rows ---- */

/* The first one makes the reply a refusal; the list follows it. */
static void bad_begin(struct importing *importing)
{
	struct span none = {"", 0};

	if (importing->bad++ > 0)
		return;
	(void)asking_refuse(importing->asking, &bad_rows, none);
	out_array_at(importing->asking->out, "faults");
	out_reserve(importing->asking->out, TAIL_SIZE);
}

struct bad {
	uint32_t line;
	uint32_t place; /* of the column, from 1; 0: the whole row */
	const char *column;
	const char *code;
	const char *text_en;
	const char *text_zh;
};

static void bad_add(struct importing *importing, const struct bad *bad)
{
	struct json_out *out = importing->asking->out;
	char cut[HEADING_SIZE_MAX + 1];
	struct json_mark mark;
	struct span heading;

	bad_begin(importing);
	if (importing->listed == IMPORT_BAD_MAX)
		return;
	mark = out_mark(out);
	out_object(out);
	out_int_at(out, "line", bad->line);
	if (bad->place != 0)
		out_int_at(out, "place", bad->place);
	if (bad->column != NULL)
		out_string_at(out, "column", bad->column);
	heading = csv_heading(importing->csv, bad->place);
	if (heading.size > 0) {
		text_print(heading, cut, sizeof(cut));
		out_string_at(out, "heading", cut);
	}
	out_string_at(out, "code", bad->code);
	out_string_at(out, "text_en", bad->text_en);
	out_string_at(out, "text_zh", bad->text_zh);
	out_object_end(out);
	if (!out_ok(out))
		out_rollback(out, mark);
	else
		importing->listed++;
}

static void bad_fault(struct importing *importing, const struct fault *fault)
{
	char text_en[FAULT_TEXT_SIZE];
	char text_zh[FAULT_TEXT_SIZE];
	struct fault why = *fault;
	struct bad bad = {.line = fault->line,
			  .place = fault->column,
			  .code = fault_code(fault->kind),
			  .text_en = text_en,
			  .text_zh = text_zh};

	why.line = 0; /* the place is told apart */
	fault_text_en(&why, text_en, sizeof(text_en));
	fault_text_zh(&why, text_zh, sizeof(text_zh));
	bad_add(importing, &bad);
}

static void bad_row(struct importing *importing)
{
	const struct import_row *row = &importing->row;
	struct bad bad = {
		.line = line_of(importing),
		.place = csv_place(importing->csv, row->column),
		.column = importing->import->columns[row->column].name,
		.code = row->code,
		.text_en = row->text_en,
		.text_zh = row->text_zh,
	};

	bad_add(importing, &bad);
}

static void bad_end(struct importing *importing)
{
	struct json_out *out = importing->asking->out;

	out_reserve(out, 0);
	out_array_end(out);
	out_int_at(out, "faults_total", (int64_t)importing->bad);
	out_int_at(out, "rows", (int64_t)importing->rows);
}

/* ---- rows ---- */

/* A name that stood in the file before makes the row bad. */
static enum err_code name_note(struct importing *importing, struct err *err)
{
	struct import_row *row = &importing->row;
	struct span key = importing->import->key(row);
	uint32_t before = importing->names.count;
	char before_it[16 + FAULT_VALUE_SIZE];
	uint32_t number;

	if (intern_add(&importing->names, key, &number) != ERR_OK ||
	    array_reserve((void **)&importing->lines,
			  &importing->lines_capacity, importing->names.count,
			  sizeof(*importing->lines)) != ERR_OK)
		return err_set(err, ERR_FULL, "out of memory");
	if (importing->names.count > before) {
		importing->lines[number] = line_of(importing);
		return ERR_OK;
	}
	(void)text_format(before_it, sizeof(before_it), "%u: %.*s",
			  importing->lines[number], (int)key.size, key.data);
	(void)row_refuse(row, 0, &row_twice, span_of(before_it));
	return ERR_OK;
}

static enum err_code row_read(struct importing *importing, struct err *err)
{
	struct import_row *row = &importing->row;

	row->view = importing->asking->view;
	row->csv = importing->csv;
	row->columns = importing->import->columns;
	row->names = &importing->names;
	row->is_known = false;
	row->has_own = false;
	row->is_bad = false;
	row->is_hq = goods_is_hq(importing->asking);
	act_entry(importing->asking->act, &row->entry, importing->import->kind);
	entry_init(&row->before, importing->import->kind);
	entry_init(&row->own, importing->import->kind);
	return importing->import->read(row, err);
}

/* True if the row has nothing new. */
static bool row_count(struct importing *importing)
{
	const struct import_row *row = &importing->row;

	if (!row->is_known) {
		importing->added++;
		return false;
	}
	if (goods_same(&row->entry, &row->before) ||
	    (row->has_own && goods_same(&row->entry, &row->own))) {
		importing->unchanged++;
		return true;
	}
	importing->changed++;
	return false;
}

/* GB18030 takes many a text of another encoding without a sign: a person sees
 * at once whether the first name that is not ASCII is one. */
static void sample_take(struct importing *importing)
{
	const struct csv *csv = importing->csv;

	if (csv_encoding(csv) == CSV_UTF8 || importing->sample[0] != '\0')
		return;
	for (size_t i = 0; i < importing->import->count; i++) {
		struct span field = csv_field(csv, i);

		for (size_t at = 0; at < field.size; at++) {
			if ((unsigned char)field.data[at] < 0x80)
				continue;
			text_print(field, importing->sample,
				   sizeof(importing->sample));
			return;
		}
	}
}

/* Checks every row. */
static enum err_code rows_check(struct importing *importing, struct err *err)
{
	struct fault fault;
	enum err_code code;

	for (;;) {
		code = csv_next(importing->csv, &fault);
		if (code == ERR_NOT_FOUND)
			return ERR_OK;
		importing->rows++;
		if (code == ERR_INVALID) {
			bad_fault(importing, &fault);
			continue;
		}
		sample_take(importing);
		code = row_read(importing, err);
		if (code == ERR_OK && !importing->row.is_bad)
			code = name_note(importing, err);
		if (code != ERR_OK)
			return code;
		if (importing->row.is_bad)
			bad_row(importing);
		else
			(void)row_count(importing);
	}
}

/* HQ's items and codes are said to all sites; all else is this one's. */
static bool is_said_to_all(const struct importing *importing)
{
	enum entry_kind kind = importing->import->kind;

	return (kind == ENTRY_ITEM || kind == ENTRY_CODE) &&
	       goods_is_hq(importing->asking);
}

static enum err_code row_say(struct importing *importing, struct err *err)
{
	struct entry *entry = &importing->row.entry;

	return importing->is_master ? hq_bulk_add(&importing->bulk, entry, err)
				    : act_post(importing->asking->act, entry,
					       &importing->last, err);
}

/* Posts what is new or changed: no row is bad by now. */
static enum err_code rows_post(struct importing *importing, struct err *err)
{
	struct fault fault;
	enum err_code code;

	importing->added = 0;
	importing->changed = 0;
	importing->unchanged = 0;
	for (;;) {
		code = csv_next(importing->csv, &fault);
		if (code == ERR_NOT_FOUND)
			return ERR_OK;
		if (code == ERR_OK)
			code = row_read(importing, err);
		if (code == ERR_OK && importing->row.is_bad)
			code = err_set(err, ERR_INVALID,
				       "a row was good and is bad: %s",
				       importing->row.text_en);
		if (code == ERR_OK && !row_count(importing))
			code = row_say(importing, err);
		if (code != ERR_OK)
			return code;
	}
}

/* ---- the file ---- */

/* Opens it; refuses what is no table of this kind. */
static enum err_code file_open(struct importing *importing, struct err *err)
{
	struct asking *asking = importing->asking;
	struct fault fault = {.kind = FAULT_NONE};
	struct span file = asking->command->file;
	const struct import_shape shape = {importing->import->columns,
					   importing->import->count,
					   importing->import->parts};
	enum err_code code;

	csv_close(importing->csv);
	importing->csv = NULL;
	import_json_release(&importing->json);
	code = ERR_OK;
	if (import_is_json(file)) {
		code = import_json_read(&importing->json, file, &shape, &fault);
		file = (struct span){importing->json.text,
				     importing->json.size};
	}
	if (code == ERR_OK)
		code = csv_open(file, importing->import->columns,
				importing->import->count, &importing->csv,
				&fault);
	if (code == ERR_INVALID)
		return asking_fault(asking, &fault);
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	return ERR_OK;
}

static void ignored_out(const struct importing *importing)
{
	struct json_out *out = importing->asking->out;
	struct span name;
	char cut[HEADING_SIZE_MAX + 1];

	out_array_at(out, "ignored");
	for (size_t i = 0;
	     i < IGNORED_MAX && csv_ignored(importing->csv, i, &name); i++) {
		text_print(name, cut, sizeof(cut));
		out_string(out, cut);
	}
	out_array_end(out);
}

/* Of items and codes in a network: whose word it is now. */
static void standing_out(const struct importing *importing)
{
	enum entry_kind kind = importing->import->kind;

	if (!importing->asking->is_networked ||
	    (kind != ENTRY_ITEM && kind != ENTRY_CODE))
		return;
	out_string_at(importing->asking->out, "standing",
		      is_said_to_all(importing) ? "master" : "proposal");
}

static void done_out(const struct importing *importing, bool is_dry,
		     uint32_t booked)
{
	struct json_out *out = importing->asking->out;
	char separator = csv_separator(importing->csv);

	out_int_at(out, "rows", (int64_t)importing->rows);
	out_int_at(out, "added", (int64_t)importing->added);
	out_int_at(out, "changed", (int64_t)importing->changed);
	out_int_at(out, "unchanged", (int64_t)importing->unchanged);
	out_int_at(out, "retried", booked);
	out_bool_at(out, "dry_run", is_dry);
	if (importing->import->vanished != NULL)
		out_int_at(out, importing->retires ? "retired" : "vanished",
			   (int64_t)importing->vanished);
	if (importing->last.value != 0)
		asking_posted(importing->asking, importing->last);
	if (importing->bulk.seq != 0)
		out_int_at(out, "seq", (int64_t)importing->bulk.seq);
	standing_out(importing);
	out_string_at(out, "encoding",
		      csv_encoding(importing->csv) == CSV_UTF8 ? "utf-8"
							       : "gb18030");
	out_text_at(out, "separator", (struct span){&separator, 1});
	ignored_out(importing);
	if (importing->sample[0] != '\0')
		out_string_at(out, "sample", importing->sample);
}

static enum err_code vanished_take(struct importing *importing, bool retires,
				   struct err *err)
{
	if (importing->import->vanished == NULL)
		return ERR_OK;
	return importing->import->vanished(importing->asking, &importing->names,
					   retires, &importing->vanished, err);
}

static enum err_code import_post(struct importing *importing,
				 uint32_t *ret_booked, struct err *err)
{
	struct asking *asking = importing->asking;
	enum err_code code = file_open(importing, err);

	importing->is_master = is_said_to_all(importing);
	hq_bulk_init(&importing->bulk, asking->act->plan->hq,
		     asking->act->batch, true);
	if (code == ERR_OK)
		code = rows_post(importing, err);
	if (code == ERR_OK)
		code = hq_bulk_end(&importing->bulk, err);
	if (code == ERR_OK)
		code = vanished_take(importing, importing->retires, err);
	if (code == ERR_OK)
		code = retry_known(asking->engine, asking->act->batch,
				   ret_booked, err);
	return code;
}

static enum err_code import_run(struct importing *importing, struct err *err)
{
	struct asking *asking = importing->asking;
	uint32_t booked = 0;
	bool is_dry;
	enum err_code code;

	if (!asking_bool_or(asking, "dry_run", false, &is_dry) ||
	    !asking_bool_or(asking, "retire", false, &importing->retires))
		return ERR_OK;
	code = file_open(importing, err);
	if (code == ERR_OK && !asking->is_refused)
		code = rows_check(importing, err);
	if (code == ERR_OK && !asking->is_refused)
		code = vanished_take(importing, false, err);
	if (code != ERR_OK)
		return code;
	if (importing->bad > 0)
		bad_end(importing);
	if (asking->is_refused ||
	    (is_said_to_all(importing) && !goods_may_say(asking)))
		return ERR_OK;
	asking->is_idle =
		is_dry || (importing->added + importing->changed == 0 &&
			   (!importing->retires || importing->vanished == 0));
	if (!asking->is_idle)
		code = import_post(importing, &booked, err);
	if (code == ERR_OK)
		done_out(importing, is_dry, booked);
	return code;
}

static enum err_code import_file(struct asking *asking,
				 const struct import *import, struct err *err)
{
	struct importing *importing;
	struct span none = {"", 0};
	struct fault fault;
	enum err_code code;

	if (asking->command->file.size == 0)
		return asking_refuse(asking, &no_file, none);
	if (asking->command->file.size > IMPORT_FILE_SIZE_MAX) {
		(void)fault_set(&fault, FAULT_FILE_TOO_LONG);
		fault.high = IMPORT_FILE_SIZE_MAX;
		return asking_fault(asking, &fault);
	}
	importing = calloc(1, sizeof(*importing));
	if (importing == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	importing->asking = asking;
	importing->import = import;
	code = import_run(importing, err);
	csv_close(importing->csv);
	import_json_release(&importing->json);
	intern_release(&importing->names);
	free(importing->lines);
	free(importing);
	return code;
}

static enum err_code item_import(struct asking *asking, struct err *err)
{
	return import_file(asking, &import_items, err);
}

static enum err_code code_import(struct asking *asking, struct err *err)
{
	return import_file(asking, &import_codes, err);
}

static enum err_code bin_import(struct asking *asking, struct err *err)
{
	return import_file(asking, &import_bins, err);
}

static enum err_code check_import(struct asking *asking, struct err *err)
{
	return import_file(asking, &import_checks, err);
}

static const struct command_row rows[] = {
	{{"item.import", COMMAND_WRITE, RIGHTS_GOODS}, item_import, NULL},
	{{"code.import", COMMAND_WRITE, RIGHTS_GOODS}, code_import, NULL},
	{{"bin.import", COMMAND_WRITE, RIGHTS_SITE}, bin_import, NULL},
	{{"check.import", COMMAND_WRITE, RIGHTS_SITE}, check_import, NULL},
};
const struct command_table import_commands = {rows, ARRAY_LEN(rows)};
