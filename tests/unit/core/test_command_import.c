/*
 * Imports of items, codes and bins: what people's spreadsheets write, every
 * bad row by its line, nothing half imported, and the same file twice.
 */
#include "tests/unit/core/bench_warehouse.h"

#include <sys/resource.h>
#include <time.h>

#include "gateway/core/command_import.h"

#define GOOD CONDITION_GOOD

static void import(struct warehouse *w, const char *name, const char *arguments,
		   const char *file)
{
	struct asked asked = {"boss", name, arguments, span_of(file)};

	ask_of(w, &asked);
}

static void import_ok(struct warehouse *w, const char *name, const char *file)
{
	import(w, name, "", file);
	if (strstr(w->reply, "\"error\"") != NULL)
		fail_msg("%s: %s", name, w->reply);
}

/* Refused as a whole with @code, and nothing has changed. */
static void import_refused(struct warehouse *w, const char *name,
			   const char *file, const char *code)
{
	struct pos before = head_pos(w);
	char front[96];

	import(w, name, "", file);
	snprintf(front, sizeof(front), "{\"error\":{\"code\":\"%s\",", code);
	if (strncmp(w->reply, front, strlen(front)) != 0)
		fail_msg("%s: not %s: %s", name, code, w->reply);
	assert_false(w->was_committed);
	assert_true(head_pos(w).value == before.value);
}

/* ---- what is taken ---- */

static void items_come_from_a_plain_table(void **state)
{
	struct warehouse *w = *state;

	import_ok(w, "item.import",
		  "item,name_en,name_zh,unit,tracking,shelf_life_days,"
		  "weight_g,class,inactive,colour\n"
		  "RICE,Rice,大米,g,lot,365,1,A,no,white\n"
		  "LAMP,\"Lamp, small\",台灯,pcs,serial,,450.125,c,1,\n"
		  "MUG,,,,,,,,,\n");
	assert_reply(w, "\"rows\":3,\"added\":2,\"changed\":0,\"unchanged\":1,"
			"\"retried\":0,\"dry_run\":false");
	assert_reply(w, "\"encoding\":\"utf-8\",\"separator\":\",\","
			"\"ignored\":[\"colour\"]");
	look_ok(w, "item.list", "");
	assert_reply(w, "{\"item\":\"RICE\",\"name_en\":\"Rice\","
			"\"name_zh\":\"大米\",\"unit\":\"gram\","
			"\"tracking\":\"lot\",\"shelf_life_days\":365,"
			"\"weight_mg\":1000,\"class\":\"A\"}");
	assert_reply(w, "{\"item\":\"LAMP\",\"name_en\":\"Lamp, small\","
			"\"name_zh\":\"台灯\",\"unit\":\"each\","
			"\"tracking\":\"serial\",\"weight_mg\":450125,"
			"\"class\":\"C\",\"inactive\":true}");
	/* What a row does not say stays as it was. */
	assert_reply(w, "{\"item\":\"MUG\",\"name_en\":\"White mug\"");
	assert_clean(w);
}

/* "货号;名称;单位;保质期（天）;ABC分类;重量(克)" and two rows, as a Chinese
 * spreadsheet saves them. */
static const char gb18030_items[] =
	"\xbb\xf5\xba\xc5;\xc3\xfb\xb3\xc6;\xb5\xa5\xce\xbb;"
	"\xb1\xa3\xd6\xca\xc6\xda\xa3\xa8\xcc\xec\xa3\xa9;"
	"ABC\xb7\xd6\xc0\xe0;\xd6\xd8\xc1\xbf(\xbf\xcb)\r\n"
	"A-1;\xb0\xd7\xc9\xab\xc2\xed\xbf\xcb\xb1\xad;\xb8\xf6;;A;300\r\n"
	"A-2;\xb4\xf3\xc3\xd7;\xbf\xcb;365;b;1\r\n";

static void a_chinese_spreadsheet_is_read_as_it_is(void **state)
{
	struct warehouse *w = *state;

	import_ok(w, "item.import", gb18030_items);
	assert_reply(w, "\"rows\":2,\"added\":2");
	assert_reply(w, "\"encoding\":\"gb18030\",\"separator\":\";\","
			"\"ignored\":[],\"sample\":\"白色马克杯\"}");
	look_ok(w, "item.list", "");
	assert_reply(w, "{\"item\":\"A-1\",\"name_zh\":\"白色马克杯\","
			"\"unit\":\"each\",\"tracking\":\"none\","
			"\"weight_mg\":300000,\"class\":\"A\"}");
	assert_reply(w, "{\"item\":\"A-2\",\"name_zh\":\"大米\","
			"\"unit\":\"gram\",\"tracking\":\"none\","
			"\"shelf_life_days\":365,\"weight_mg\":1000,"
			"\"class\":\"B\"}");
}

/* Method: one table in each form that spreadsheets write it; the first is new,
 * the others have nothing to change. */
static void every_form_of_a_table_says_the_same(void **state)
{
	static const char *const forms[] = {
		"bin,zone\nB-1,cold\nB-2,dry\n",
		"\357\273\277bin,zone\nB-1,cold\nB-2,dry\n",
		"bin;zone\r\nB-1;cold\r\nB-2;dry\r\n",
		"bin\tzone\rB-1\tcold\rB-2\tdry",
		"Zone,BIN\ncold,B-1\ndry,B-2\n",
		"\"bin\",\"zone\"\n\"B-1\",\"cold\"\n\n\"B-2\",\"dry\"\n",
		"库位,库区\nB-1,cold\nB-2,dry\n",
		" location , area \n B-1 ,\tcold\n　B-2　,dry\n",
	};
	struct warehouse *w = *state;
	size_t same = 0;

	import_ok(w, "bin.import", forms[0]);
	assert_reply(w, "\"added\":2");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct pos before = head_pos(w);

		import_ok(w, "bin.import", forms[i]);
		assert_reply(w, "\"added\":0,\"changed\":0,\"unchanged\":2");
		assert_false(w->was_committed);
		assert_true(head_pos(w).value == before.value);
		same++;
	}
	assert_int_equal(same, ARRAY_LEN(forms));
	import_ok(w, "bin.import", "bin,zone,停用\nB-1,warm,是\n");
	assert_reply(w, "\"changed\":1");
	look_ok(w, "bin.list", "");
	assert_reply(w, "{\"bin\":\"B-1\",\"zone\":\"warm\","
			"\"inactive\":true}");
}

static void codes_are_kept_under_their_canonical_text(void **state)
{
	struct warehouse *w = *state;

	import_ok(w, "code.import",
		  "条码,货号,装箱数\n"
		  "4006381333931,MUG,\n"   /* is there as 14 digits */
		  "14006381333938,MUG,6\n" /* another pack */
		  "SHELF-7,MILK,2\n");
	assert_reply(w, "\"added\":1,\"changed\":1,\"unchanged\":1");
	look_ok(w, "code.list", "");
	assert_reply(w, "{\"code\":\"14006381333938\",\"item\":\"MUG\","
			"\"pack\":6}");
	assert_reply(w, "{\"code\":\"SHELF-7\",\"item\":\"MILK\",\"pack\":2}");
	/* A pack that is not said stays; with another item it is 1. */
	import_ok(w, "code.import", "code,item\n14006381333938,MUG\n");
	assert_reply(w, "\"unchanged\":1");
	import_ok(w, "code.import", "code,item\n14006381333938,MILK\n");
	look_ok(w, "code.list", "{\"item\":\"MILK\"}");
	assert_reply(w, "{\"code\":\"14006381333938\",\"item\":\"MILK\","
			"\"pack\":1}");
}

static void parked_readings_are_booked_when_their_codes_come(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"qty\":5,"
	     "\"code\":\"NEW-1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"bin\":\"B-7\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"receive\",\"code\":\"NEW-2\"}");
	import_ok(w, "code.import", "code,item\nNEW-1,MUG\n");
	assert_reply(w, "\"retried\":1");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 5);
	import_ok(w, "bin.import", "bin\nB-7\n");
	assert_reply(w, "\"retried\":1");
	assert_int_equal(units(w, "MUG", "B-7", GOOD), 1);
	import_ok(w, "item.import", "item\nNEW-2\n");
	assert_reply(w, "\"retried\":1");
	assert_int_equal(units(w, "NEW-2", "DOCK", GOOD), 1);
	assert_clean(w);
}

static void a_dry_run_counts_and_changes_nothing(void **state)
{
	struct warehouse *w = *state;
	struct pos before = head_pos(w);

	import(w, "item.import", "{\"dry_run\":true}",
	       "item,name_en\nX-1,one\nMUG,Mug\n");
	assert_reply(w, "\"added\":1,\"changed\":1");
	assert_reply(w, "\"dry_run\":true");
	assert_false(w->was_committed);
	assert_true(head_pos(w).value == before.value);
	import(w, "item.import", "{\"dry_run\":1}", "item\nX-1\n");
	assert_reply(w, "\"wrong_type\"");
}

static void an_import_with_an_id_acts_once(void **state)
{
	struct warehouse *w = *state;

	import(w, "item.import", "{\"id\":\"f-1\"}", "item\nX-1\n");
	assert_reply(w, "\"added\":1");
	import(w, "item.import", "{\"id\":\"f-1\"}", "item\nX-1\n");
	assert_reply(w, "\"added\":1"); /* the same reply */
	assert_false(w->was_committed);
	/* Another file is another command. */
	import(w, "item.import", "{\"id\":\"f-1\"}", "item\nX-2\n");
	assert_reply(w, "\"id_reused\"");
}

/* ---- what is not ---- */

struct bad_file {
	const char *command;
	const char *file;
	const char *code;
};

static void what_is_no_table_is_refused_whole(void **state)
{
	static const struct bad_file files[] = {
		{"item.import", "", "no_file"},
		{"item.import", "\n\n", "empty_file"},
		{"item.import", "name_en,unit\nx,g\n", "missing_column"},
		{"item.import", "item,货号\nx,y\n", "duplicate_column"},
		{"item.import", "item\n\xff\xff\xff\n", "bad_encoding"},
		{"item.import", "item,\"name\nx,y\n", "bad_quote"},
		{"code.import", "code\n4006381333931\n", "missing_column"},
		{"bin.import", "zone\ncold\n", "missing_column"},
	};
	struct warehouse *w = *state;
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		import_refused(w, files[i].command, files[i].file,
			       files[i].code);
		refused++;
	}
	assert_int_equal(refused, ARRAY_LEN(files));
}

struct bad_row {
	uint32_t line;
	const char *code;
	const char *column; /* NULL: the row's form */
};

static void faults_check(struct warehouse *w, const struct bad_row *bad,
			 size_t count)
{
	const struct json_value *row;
	size_t listed;

	row = reply_list(w, "faults", &listed);
	assert_int_equal(listed, count);
	assert_int_equal(member_int(reply_root(w), "faults_total"), count);
	row = reply_list(w, "faults", &listed);
	for (size_t i = 0; i < count; i++, row = json_next(row)) {
		assert_int_equal(member_int(row, "line"), bad[i].line);
		assert_span(member_text(row, "code"), bad[i].code);
		assert_true(member_text(row, "text_en").size > 0);
		assert_true(member_text(row, "text_zh").size > 0);
		if (bad[i].column != NULL)
			assert_span(member_text(row, "column"), bad[i].column);
	}
}

static void every_bad_item_is_told_by_its_line(void **state)
{
	static const char file[] =
		"item,name_en,unit,tracking,shelf_life_days,weight_g,class,"
		"inactive\n"
		"OK-1,fine,g,lot,10,1.5,A,yes\n"
		",no name,,,,,,\n"
		"B-1,,stone,,,,,\n"
		"B-2,,,colour,,,,\n"
		"B-3,,,,ten,,,\n"
		"B-4,,,,36501,,,\n"
		"B-5,,,,,heavy,,\n"
		"B-6,,,,,0.0001,,\n"
		"B-7,,,,,,D,\n"
		"B-8,,,,,,,perhaps\n"
		"B-9,\x01,,,,,,\n"
		"B-10,too,many,,,,,,,\n"
		"B-11,too few\n"
		"OK-1,again,,,,,,\n"
		"0123456789012345678901234567890123456789012345678901234567890"
		"123,fits,,,,,,\n"
		"0123456789012345678901234567890123456789012345678901234567890"
		"1234,,,,,,,\n"
		"B-12,a \"quote\",,,,,,\n"
		"MUG,,g,,,,,\n"
		"OK-2,fine,,,,,,\n";
	static const struct bad_row bad[] = {
		{3, "missing_field", "item"},
		{4, "unknown_word", "unit"},
		{5, "unknown_word", "tracking"},
		{6, "wrong_type", "shelf_life_days"},
		{7, "out_of_range", "shelf_life_days"},
		{8, "wrong_type", "weight_g"},
		{9, "wrong_type", "weight_g"},
		{10, "unknown_word", "class"},
		{11, "unknown_word", "inactive"},
		{12, "bad_text", "name_en"},
		{13, "wrong_column_count", NULL},
		{14, "wrong_column_count", NULL},
		{15, "duplicate_row", "item"},
		{17, "too_long", "item"},
		{18, "bad_quote", NULL},
		{19, "unit_fixed", "unit"},
	};
	struct warehouse *w = *state;

	ask_ok(w, "book", "{\"op\":\"receive\",\"code\":\"MUG\"}");
	import_refused(w, "item.import", file, "bad_rows");
	faults_check(w, bad, ARRAY_LEN(bad));
	assert_reply(w, "the same name stands in line 2: ");
	assert_reply(w, "allowed: none, lot, serial\",");
	assert_reply(w, "取值：无、批号、序列号\"}");
	assert_reply(w, "{\"line\":13,\"code\":\"wrong_column_count\","
			"\"text_en\":\"the row has ");
	assert_int_equal(member_int(reply_root(w), "rows"), 19);
	look_ok(w, "item.list", "");
	assert_no_reply(w, "OK-");
}

static void every_bad_code_and_bin_is_told_by_its_line(void **state)
{
	static const struct bad_row codes[] = {
		{3, "unknown_item", "item"},   {4, "missing_field", "code"},
		{5, "missing_field", "item"},  {6, "out_of_range", "pack"},
		{7, "rounded_number", "code"}, {8, "duplicate_row", "code"},
	};
	static const struct bad_row bins[] = {
		{2, "bad_bin", "bin"},
		{3, "missing_field", "bin"},
		{4, "bad_bin", "bin"},
		{6, "duplicate_row", "bin"},
	};
	struct warehouse *w = *state;

	import_refused(w, "code.import",
		       "code,item,pack\n"
		       "C-1,MUG,1\n"
		       "C-2,NONE,1\n"
		       ",MUG,1\n"
		       "C-3,,1\n"
		       "C-4,MUG,0\n"
		       "4.00638E+12,MUG,1\n"
		       "C-1,MILK,1\n"
		       "4006381333931,MUG,1\n",
		       "bad_rows");
	faults_check(w, codes, ARRAY_LEN(codes));
	assert_reply(w, "a spreadsheet has rounded");
	import_refused(w, "bin.import",
		       "bin,zone\na:b,x\n,x\n"
		       "01234567890123456789012345678901234567890,x\n"
		       "B-1,x\nB-1,y\n",
		       "bad_rows");
	faults_check(w, bins, ARRAY_LEN(bins));
}

/* Each length of a GTIN with a wrong digit; and what is allowed: a right one,
 * a UPC-E, other lengths, letters, and what is said to be no GTIN. */
static void a_gtin_with_a_wrong_check_digit_is_not_imported(void **state)
{
	static const struct bad_row bad[] = {
		{2, "bad_check_digit", "code"}, {3, "bad_check_digit", "code"},
		{4, "bad_check_digit", "code"}, {5, "bad_check_digit", "code"},
		{6, "bad_check_digit", "code"}, {7, "unknown_word", "plain"},
	};
	static const char good[] = "code,item,plain\n"
				   "4006381333931,MUG,\n"
				   "04252614,MUG,\n"
				   "1234567,MUG,\n"
				   "A006381333932,MUG,\n"
				   "4006381333932,MUG,yes\n"
				   "96385075,MUG,是\n";
	struct warehouse *w = *state;

	import_refused(w, "code.import",
		       "code,item,plain\n"
		       "96385075,MUG,\n"
		       "614141007340,MUG,no\n"
		       "4006381333932,MUG,\n"
		       "14006381333939,MUG,\n"
		       "4006381333933,MUG,否\n"
		       "4006381333934,MUG,perhaps\n",
		       "bad_rows");
	faults_check(w, bad, ARRAY_LEN(bad));
	assert_reply(w, "the check digit of 4006381333932 is wrong");
	assert_reply(w, "4006381333932 的校验位错误");
	import_ok(w, "code.import", good);
	assert_int_equal(member_int(reply_root(w), "added"), 5);
	/* A code of one's own is found as it stands on the label. */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"code\":\"4006381333932\"}");
	assert_int_equal(units(w, "MUG", "DOCK", CONDITION_GOOD), 1);
}

/* Method: 5,000 bad rows; the first 200 are listed, all are counted, and the
 * reply is sound however little room there is for it. */
static void the_list_of_bad_rows_is_bounded(void **state)
{
	struct warehouse *w = *state;
	size_t size = 5000 * 8 + 64;
	char *file = malloc(size);
	size_t used;
	size_t listed;

	assert_non_null(file);
	used = (size_t)snprintf(file, size, "item,unit\n");
	for (unsigned i = 0; i < 5000; i++)
		used += (size_t)snprintf(file + used, size - used, "%u,?\n", i);
	import_refused(w, "item.import", file, "bad_rows");
	(void)reply_list(w, "faults", &listed);
	assert_int_equal(listed, IMPORT_BAD_MAX);
	assert_int_equal(member_int(reply_root(w), "faults_total"), 5000);
	w->reply_size_max = 3000;
	import_refused(w, "item.import", file, "bad_rows");
	(void)reply_list(w, "faults", &listed);
	assert_true(listed > 3 && listed < 20);
	assert_int_equal(member_int(reply_root(w), "faults_total"), 5000);
	free(file);
}

/* ---- how much ---- */

#define MANY 100000

static char *many_items(const char *suffix)
{
	size_t size = MANY * 80 + 64;
	char *file = malloc(size);
	size_t used;

	assert_non_null(file);
	used = (size_t)snprintf(file, size,
				"item,name_en,name_zh,unit,class\n");
	for (unsigned i = 0; i < MANY; i++)
		used += (size_t)snprintf(file + used, size - used,
					 "SKU-%06u,Item %u%s,商品 %u,each,%c\n",
					 i, i, suffix, i, "ABC"[i % 3]);
	assert_true(used < size);
	return file;
}

struct measure {
	struct timespec began;
	long memory_kb;
};

static struct measure measure_begin(void)
{
	struct measure measure;
	struct rusage usage;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &measure.began), 0);
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	measure.memory_kb = usage.ru_maxrss;
	return measure;
}

static void measure_print(const struct measure *measure, const char *what)
{
	struct timespec now;
	struct rusage usage;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	printf("%s: %lld ms, resident memory grew by %ld KiB (LMDB's pages "
	       "included)\n",
	       what,
	       (long long)(now.tv_sec - measure->began.tv_sec) * 1000 +
		       (now.tv_nsec - measure->began.tv_nsec) / 1000000,
	       usage.ru_maxrss - measure->memory_kb);
}

/* Method: 100,000 rows in one transaction, the same again, and with every name
 * changed; the time is printed, never asserted. */
static void a_hundred_thousand_items_are_one_transaction(void **state)
{
	struct warehouse *w = warehouse_found(UINT64_C(512) << 20);
	char *file = many_items("");
	struct measure measure = measure_begin();
	struct pos before = head_pos(w);
	void *own = w;

	(void)state;
	import_ok(w, "item.import", file);
	measure_print(&measure, "100,000 new items");
	assert_reply(w, "\"rows\":100000,\"added\":100000");
	assert_true(head_pos(w).value == before.value + MANY);
	measure = measure_begin();
	import_ok(w, "item.import", file);
	measure_print(&measure, "100,000 unchanged items");
	assert_reply(w, "\"unchanged\":100000");
	assert_false(w->was_committed);
	free(file);
	file = many_items(" again");
	measure = measure_begin();
	import_ok(w, "item.import", file);
	measure_print(&measure, "100,000 changed items");
	assert_reply(w, "\"changed\":100000");
	free(file);
	assert_clean(w);
	(void)warehouse_teardown(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(items_come_from_a_plain_table),
		STORY(a_chinese_spreadsheet_is_read_as_it_is),
		STORY(every_form_of_a_table_says_the_same),
		STORY(codes_are_kept_under_their_canonical_text),
		STORY(parked_readings_are_booked_when_their_codes_come),
		STORY(a_dry_run_counts_and_changes_nothing),
		STORY(an_import_with_an_id_acts_once),
		STORY(what_is_no_table_is_refused_whole),
		STORY(every_bad_item_is_told_by_its_line),
		STORY(every_bad_code_and_bin_is_told_by_its_line),
		STORY(a_gtin_with_a_wrong_check_digit_is_not_imported),
		STORY(the_list_of_bad_rows_is_bounded),
		cmocka_unit_test(a_hundred_thousand_items_are_one_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
