/*
 * What an operator writes is taken as written or called a mistake, with file
 * and line.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check.h"

#include "gateway/config.h"
#include "gateway/config_table.h"

#define REQUIRED "[site]\norg = acme\nsite = hz-01\n"
#define DIR_97                                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Too large for the stack; each test begins with config_parse or _load. */
static struct config config;
static struct config_report report;

static enum err_code parse(const char *text)
{
	return config_parse("t.conf", span_of(text), &config, &report);
}

static const char *mistake(size_t index, enum config_lang lang)
{
	static struct config_sentence sentence;

	assert_true(index < report.count);
	config_mistake_text(&config, &report, index, lang, &sentence);
	return sentence.text;
}

static void assert_mistakes(const char *const *expected, size_t count)
{
	for (size_t i = 0; i < count && i < report.count; i++)
		assert_string_equal(mistake(i, CONFIG_LANG_EN), expected[i]);
	assert_int_equal(report.count, count);
}

static void two_lines_are_enough_for_a_site(void **state)
{
	(void)state;
	assert_code(parse(REQUIRED), ERR_OK);
	assert_string_equal(config.site.org, "acme");
	assert_string_equal(config.site.site, "hz-01");
	assert_string_equal(config.site.timezone, "UTC");
	assert_int_equal(config.site.lang, CONFIG_LANG_EN);
	assert_int_equal(config.store.map_size, INT64_C(1) << 30);
	assert_int_equal(config.store.batch_max, 256);
	assert_int_equal(config.intake.session_expiry_ms, 604800000);
	assert_int_equal(config.broker.mode, CONFIG_BROKER_MANAGED);
	assert_false(config.broker.is_anonymous);
	assert_string_equal(config.broker.uri, "tcp://127.0.0.1:1883");
	assert_string_equal(config.control.socket, "/run/depot/control.sock");
}

static void every_type_takes_its_written_form(void **state)
{
	(void)state;
	assert_code(parse("\xef\xbb\xbf# comment\r\n"
			  "[site] ; of the site\r\n"
			  "\torg=acme\r\n"
			  "  site  =  hz-01  ; the first\r\n"
			  "name = 杭州 1 号仓 #1\r\n"
			  "timezone = Asia/Shanghai\r\n"
			  "lang = zh\r\n"
			  "; comment\r\n"
			  "[store]\r\n"
			  "map_size = 64 MiB\r\n"
			  "batch_ms = 0\r\n"
			  "[broker]\r\n"
			  "address = ::\r\n"
			  "port = 2883\r\n"
			  "start = child\r\n"
			  "[rfid]\r\n"
			  "hold = 1500ms\r\n"
			  "[runtime]\r\n"
			  "dir = /tmp/with blank\r\n"
			  "[scanner]\r\n"
			  "session_timeout = 2 min"),
		    ERR_OK);
	assert_string_equal(config.site.site, "hz-01");
	assert_string_equal(config.site.name, "杭州 1 号仓 #1");
	assert_int_equal(config.site.lang, CONFIG_LANG_ZH);
	assert_int_equal(config.store.map_size, 64 << 20);
	assert_int_equal(config.store.batch_ms, 0);
	assert_string_equal(config.broker.uri, "tcp://[::1]:2883");
	assert_int_equal(config.broker.start, CONFIG_START_CHILD);
	assert_int_equal(config.rfid.hold_ms, 1500);
	assert_string_equal(config.control.socket,
			    "/tmp/with blank/control.sock");
	assert_int_equal(config.scanner.session_timeout_ms, 120000);
}

static void all_mistakes_are_told_at_once_with_file_and_line(void **state)
{
	static const char *const expected[] = {
		"t.conf:1: \"early = 1\" stands before the first [section]",
		"t.conf:3: [site] org = Acme!: must be 1 to 32 of a-z, 0-9 "
		"and -",
		"t.conf:4: \"what is this\" is neither [section] nor "
		"name = value",
		"t.conf:6: there is no directive batch_maximum in this "
		"section; did you mean batch_max?",
		"t.conf:7: [store] batch_ms = 500: must be 0 to 100 ms",
		"t.conf:9: [store] map_size = 1: must be 64 MiB to 1 TiB, "
		"with its unit",
		"t.conf:10: [store] batch_ms = 5: is set twice in this file",
		"t.conf:11: there is no section [stroe]",
		"t.conf:13: section [site] stands twice in this file",
		"t.conf:15: the line is not clean UTF-8",
		"t.conf:16: \"[store\" is neither [section] nor name = value",
		"t.conf: [site] site is not set, and has no default: it must "
		"be 1 to 32 of a-z, 0-9 and -",
	};

	(void)state;
	assert_code(parse("early = 1\n"
			  "[site]\n"
			  "org = Acme!\n"
			  "what is this\n"
			  "[store]\n"
			  "batch_maximum = 3\n"
			  "batch_ms = 500\n"
			  "\n"
			  "map_size = 1\n"
			  "batch_ms = 5\n"
			  "[stroe]\n"
			  "batch_ms = 5\n"
			  "[site]\n"
			  "lang = zh\n"
			  "name = \xff\n"
			  "[store\n"
			  "batch_ms = 9000\n"),
		    ERR_INVALID);
	assert_mistakes(expected, ARRAY_LEN(expected));
}

/* Method: values that must be refused, of each type; each is the one mistake
 * of its line. */
static void a_wrong_value_of_each_type_is_a_mistake(void **state)
{
	static const char *const lines[] = {
		"[site]\norg = ",
		"[site]\nsite = a.b",
		"[site]\nname =;x",
		"[site]\ntimezone = Mars/Olympus",
		"[site]\ntimezone = ../zoneinfo/UTC",
		"[site]\ntimezone = Asia",
		"[site]\nlang = de",
		"[store]\npath = var/lib",
		"[store]\npath = ",
		"[store]\nbatch_max = -1",
		"[store]\nbatch_max = 1.5",
		"[store]\nbatch_max = 18446744073709551616",
		"[store]\nmap_size = 2 TiB",
		"[store]\nmap_size = 99999999999999999999 GiB",
		"[store]\nmap_size = 18446744073709551615 GiB",
		"[store]\nmap_size = 64 MB",
		"[scanner]\nsession_timeout = 300",
		"[scanner]\nsession_timeout = 9 s",
		"[broker]\naddress = localhost",
		"[broker]\nport = 0",
		"[broker]\nport = 65536",
		"[broker]\nanonymous = maybe",
		"[broker]\nuri = http://x:1",
		"[broker]\nuri = tcp://x",
		"[broker]\nuri = tcp://:1883",
		"[broker]\nuri = tcp://::1:1883",
		"[broker]\nuri = tcp://[]:1883",
		"[broker]\nuri = tcp://x:0",
	};
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_code(parse(lines[i]), ERR_INVALID);
		for (size_t at = 0; at < report.count; at++)
			refused += report.mistakes[at].kind == MISTAKE_VALUE &&
				   report.mistakes[at].origin.line == 2;
		if (refused != i + 1)
			fail_msg("taken: %s", lines[i]);
	}
	assert_int_equal(refused, 28);
}

static void
what_does_not_go_together_is_a_mistake_where_it_was_set(void **state)
{
	static const char *const expected[] = {
		"t.conf:5: [intake] receive_maximum = 300: must be at most a "
		"quarter of [intake] ring_slots",
		"t.conf: [broker] uri = : must be set for [broker] mode = "
		"external",
		"t.conf: [broker] password_file = : goes together with "
		"[broker] user: set both or neither",
		"t.conf:10: [broker] anonymous = yes: is allowed on a "
		"loopback [broker] address only",
	};

	(void)state;
	assert_code(parse(REQUIRED "[intake]\nreceive_maximum = 300\n"
				   "[broker]\nmode = external\nuser = me\n"
				   "address = 0.0.0.0\nanonymous = yes\n"),
		    ERR_INVALID);
	assert_mistakes(expected, ARRAY_LEN(expected));
	assert_string_equal(mistake(0, CONFIG_LANG_ZH),
			    "t.conf:5: [intake] receive_maximum = 300: 不得超过"
			    " [intake] ring_slots 的四分之一");
}

/* Method: each rule once alone, so that one that never fires is seen. */
static void each_rule_is_broken_by_a_file_of_its_own(void **state)
{
	static const char *const files[] = {
		REQUIRED "[store]\nmap_size = 65537 KiB\n",
		REQUIRED "[intake]\nring_slots = 64\nreceive_maximum = 17\n",
		REQUIRED "[broker]\nmode = external\n",
		REQUIRED "[broker]\nuri = tcp://h:1\n",
		REQUIRED "[broker]\npassword_file = /p\n",
		REQUIRED "[broker]\ncert_file = /c\n",
		REQUIRED "[broker]\nwebsocket_port = 1883\n",
		REQUIRED "[broker]\ntls_port = 1883\ntls_cert_file = /c\n"
			 "tls_key_file = /k\n",
		REQUIRED "[broker]\ntls_port = 8883\n",
		REQUIRED "[broker]\ntls_cert_file = /c\n",
		REQUIRED "[broker]\naddress = ::\nanonymous = yes\n",
		REQUIRED "[control]\nsocket = /s\n[runtime]\ndir = /" DIR_97
			 "\n[link hq]\nuri = ssl://h:1\n",
		REQUIRED "[link hq]\nuri = ssl://h:1\nuser = me\n",
		REQUIRED "[link hq]\nuri = ssl://h:1\ncert_file = /c\n",
		REQUIRED "[link hq]\nuri = tcp://h:1\nca_file = /c\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_code(parse(files[i]), ERR_INVALID);
		assert_int_equal(report.count, 1);
		assert_int_equal(report.mistakes[0].kind, MISTAKE_RULE);
		assert_int_equal(report.mistakes[0].number, i);
	}
	assert_code(parse(REQUIRED "[broker]\nwebsocket_port = 8883\n"
				   "tls_port = 8883\ntls_cert_file = /c\n"
				   "tls_key_file = /k\n"),
		    ERR_INVALID);
	/* The last one has a test of its own, below. */
	assert_int_equal(config_rule_count, ARRAY_LEN(files) + 1);
	assert_code(parse(REQUIRED "[broker]\nmode = external\n"
				   "uri = ssl://[fe80::1]:8883\n"),
		    ERR_OK);
	assert_string_equal(config.broker.uri, "ssl://[fe80::1]:8883");
}

static void
a_runtime_folder_whose_socket_would_not_fit_is_a_mistake(void **state)
{
	char text[256];
	char folder[128];

	(void)state;
	memset(folder, 'a', sizeof(folder));
	folder[0] = '/';
	folder[95] = '\0';
	assert_true(text_format(text, sizeof(text),
				REQUIRED "[runtime]\ndir = %s", folder));
	assert_code(parse(text), ERR_INVALID);
	assert_int_equal(report.mistakes[0].number, config_rule_count - 1);
	/* 94 bytes and "/control.sock" are 107: the longest that fits. */
	folder[94] = '\0';
	assert_true(text_format(text, sizeof(text),
				REQUIRED "[runtime]\ndir = %s", folder));
	assert_code(parse(text), ERR_OK);
	assert_int_equal(strlen(config.control.socket), 107);
}

static void each_link_has_a_section_of_its_own_and_a_name(void **state)
{
	const struct config_link *link;

	(void)state;
	assert_code(parse(REQUIRED "[link hq]\nuri = ssl://hq.example:8883\n"
				   "user = hz-01\npassword_file = /p\n"
				   "metered = yes\nbudget = 5 MiB\n"
				   "[link hz-02]\nuri = tcp://10.0.0.2:1883\n"
				   "keepalive_s = 600\nenabled = no\n"),
		    ERR_OK);
	assert_int_equal(config.link_count, 2);
	link = config_link_find(&config, "hq");
	assert_non_null(link);
	assert_string_equal(link->uri, "ssl://hq.example:8883");
	assert_string_equal(link->user, "hz-01");
	assert_int_equal(link->budget, 5 << 20);
	assert_int_equal(link->keepalive_s, 60);
	assert_true(link->is_metered && link->is_enabled);
	assert_false(link->hears_joining);
	link = config_link_find(&config, "hz-02");
	assert_non_null(link);
	assert_string_equal(link->user, "");
	assert_int_equal(link->keepalive_s, 600);
	assert_false(link->is_metered || link->is_enabled);
	assert_null(config_link_find(&config, "hz-03"));
}

static void what_is_wrong_with_a_link_names_the_link(void **state)
{
	static const char *const expected[] = {
		"t.conf:4: [link ] needs a name of 1 to 32 of a-z, 0-9 and -",
		"t.conf:6: [link HQ] needs a name of 1 to 32 of a-z, 0-9 and -",
		"t.conf:9: [link a] keepalive_s = 5: must be 10 to 3600 s",
		"t.conf:10: section [link a] stands twice in this file",
		"t.conf:11: [link a] keepalive_s = 50: is set twice in this "
		"file",
		"t.conf:15: [link e] is one too many: there may be 4",
		"t.conf:17: there is no section [store x]",
		"t.conf: [link b] uri is not set, and has no default: it must "
		"be tcp://HOST:PORT or ssl://HOST:PORT",
		"t.conf: [link c] uri is not set, and has no default: it must "
		"be tcp://HOST:PORT or ssl://HOST:PORT",
		"t.conf: [link d] uri is not set, and has no default: it must "
		"be tcp://HOST:PORT or ssl://HOST:PORT",
	};

	(void)state;
	assert_code(parse(REQUIRED "[link]\nuri = ssl://h:1\n"
				   "[link HQ]\n"
				   "[link a]\nuri = ssl://h:1\n"
				   "keepalive_s = 5\n"
				   "[link a]\nkeepalive_s = 50\n"
				   "[link b]\n[link c]\n[link d]\n"
				   "[link e]\nuri = ssl://h:1\n"
				   "[store x]\n"),
		    ERR_INVALID);
	assert_mistakes(expected, ARRAY_LEN(expected));
}

static void link_restart_count(void *context, const char *section,
			       const char *name)
{
	size_t *count = context;

	assert_string_equal(section, "link");
	assert_non_null(name);
	++*count;
}

static void a_reload_names_what_differs_in_the_links(void **state)
{
	static struct config running;
	size_t count = 0;

	(void)state;
	assert_code(parse(REQUIRED "[link hq]\nuri = ssl://h:1\n"), ERR_OK);
	running = config;
	config_reload(&running, &config, link_restart_count, &count);
	assert_int_equal(count, 0);
	assert_code(parse(REQUIRED "[link hq]\nuri = ssl://h:2\n"), ERR_OK);
	config_reload(&running, &config, link_restart_count, &count);
	assert_int_equal(count, 1);
	assert_string_equal(running.links[0].uri, "ssl://h:1");
	/* Another name: everything of the link is another's. */
	count = 0;
	assert_code(parse(REQUIRED "[link qh]\nuri = ssl://h:1\n"), ERR_OK);
	config_reload(&running, &config, link_restart_count, &count);
	assert_int_equal(count, 11);
}

static void mistakes_beyond_the_bound_are_counted(void **state)
{
	char text[4096] = REQUIRED;
	size_t used = strlen(text);
	char *printed = NULL;
	size_t size = 0;
	FILE *out;

	(void)state;
	for (int i = 0; i < 100; i++) {
		memcpy(text + used, "x\n", 3);
		used += 2;
	}
	assert_code(parse(text), ERR_INVALID);
	assert_int_equal(report.count, CONFIG_MISTAKES_MAX);
	assert_int_equal(report.dropped, 100 - CONFIG_MISTAKES_MAX);
	out = open_memstream(&printed, &size);
	assert_non_null(out);
	config_report_print(&config, &report, CONFIG_LANG_EN, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(printed, "100 mistakes in the configuration."));
	free(printed);
}

static void a_line_may_be_196_bytes_long_and_no_longer(void **state)
{
	char text[512];
	char name[200];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[CONFIG_LINE_SIZE_MAX - 2] = '\0';
	assert_true(text_format(text, sizeof(text), REQUIRED "; %s\n", name));
	assert_code(parse(text), ERR_OK);
	assert_true(text_format(text, sizeof(text), REQUIRED "; %sx\n", name));
	assert_code(parse(text), ERR_INVALID);
	assert_string_equal(mistake(0, CONFIG_LANG_EN),
			    "t.conf:4: the line is longer than 196 bytes");
}

static void restart_count(void *context, const char *section, const char *name)
{
	size_t *count = context;

	assert_string_equal(section, "store");
	assert_string_equal(name, "batch_max");
	++*count;
}

static void a_reload_takes_what_it_can_and_names_the_rest(void **state)
{
	static struct config running;
	size_t count = 0;

	(void)state;
	assert_code(parse(REQUIRED), ERR_OK);
	running = config;
	assert_code(parse(REQUIRED "[store]\nbatch_max = 9\n"
				   "[log]\nlevel = debug\n"),
		    ERR_OK);
	config_reload(&running, &config, restart_count, &count);
	assert_int_equal(count, 1);
	assert_int_equal(running.log.level, CONFIG_LOG_DEBUG);
	assert_int_equal(running.store.batch_max, 256);
}

/* ---- files ---- */

static char folder[] = "/tmp/depot-test-config-XXXXXX";

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static const char *file_path(const char *name)
{
	static char path[200];

	assert_true(text_format(path, sizeof(path), "%s/%s", folder, name));
	return path;
}

static void file_write(const char *name, const char *text)
{
	FILE *file = fopen(file_path(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void folder_remove(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(path);
}

static int folder_drop(void **state)
{
	(void)state;
	folder_remove(file_path("depot.conf.d"));
	folder_remove(folder);
	return 0;
}

static void load(const char *name, enum err_code expected)
{
	assert_code(config_load(file_path(name), &config, &report), expected);
}

static void a_later_drop_in_wins_and_the_origin_is_known(void **state)
{
	const struct directive *directive = directive_find("store", "batch_ms");

	(void)state;
	file_write("depot.conf", REQUIRED "[store]\nbatch_ms = 1\n");
	load("depot.conf", ERR_OK);
	assert_int_equal(config.store.batch_ms, 1);

	assert_int_equal(mkdir(file_path("depot.conf.d"), 0700), 0);
	file_write("depot.conf.d/20-b.conf", "[store]\n\nbatch_ms = 20\n");
	file_write("depot.conf.d/10-a.conf", "[store]\nbatch_ms = 10\n");
	file_write("depot.conf.d/30-c.conf.bak", "[store]\nbatch_ms = 30\n");
	file_write("depot.conf.d/.hidden.conf", "[store]\nbatch_ms = 40\n");
	load("depot.conf", ERR_OK);
	assert_int_equal(config.store.batch_ms, 20);
	assert_int_equal(config.drop_in_count, 2);
	assert_int_equal(config.origin[directive_index(directive)].line, 3);

	file_write("depot.conf.d/15.conf", "[store]\nbatch_ms = x\n[no]\n");
	load("depot.conf", ERR_INVALID);
	assert_int_equal(report.count, 2);
	assert_non_null(strstr(mistake(0, CONFIG_LANG_EN),
			       "/depot.conf.d/15.conf:2: [store] batch_ms = x: "
			       "must be 0 to 100 ms"));
}

static void a_file_that_cannot_be_read_is_a_mistake(void **state)
{
	(void)state;
	assert_code(config_load("/nonexistent/depot.conf", &config, &report),
		    ERR_INVALID);
	assert_string_equal(mistake(0, CONFIG_LANG_EN),
			    "/nonexistent/depot.conf: cannot be read: "
			    "No such file or directory");
	assert_code(config_load(folder, &config, &report), ERR_INVALID);
	assert_non_null(strstr(mistake(0, CONFIG_LANG_EN),
			       "cannot be read: Is a directory"));
}

static void a_file_beyond_64_kib_is_a_mistake(void **state)
{
	static char text[CONFIG_FILE_SIZE_MAX + 2] = REQUIRED;

	(void)state;
	memset(text + strlen(text), '\n', sizeof(text) - strlen(text) - 1);
	file_write("big.conf", text);
	load("big.conf", ERR_INVALID);
	assert_int_equal(report.mistakes[0].kind, MISTAKE_FILE_SIZE);
	text[CONFIG_FILE_SIZE_MAX] = '\0';
	file_write("big.conf", text);
	load("big.conf", ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_lines_are_enough_for_a_site),
		cmocka_unit_test(every_type_takes_its_written_form),
		cmocka_unit_test(
			all_mistakes_are_told_at_once_with_file_and_line),
		cmocka_unit_test(a_wrong_value_of_each_type_is_a_mistake),
		cmocka_unit_test(
			what_does_not_go_together_is_a_mistake_where_it_was_set),
		cmocka_unit_test(each_rule_is_broken_by_a_file_of_its_own),
		cmocka_unit_test(
			a_runtime_folder_whose_socket_would_not_fit_is_a_mistake),
		cmocka_unit_test(each_link_has_a_section_of_its_own_and_a_name),
		cmocka_unit_test(what_is_wrong_with_a_link_names_the_link),
		cmocka_unit_test(a_reload_names_what_differs_in_the_links),
		cmocka_unit_test(mistakes_beyond_the_bound_are_counted),
		cmocka_unit_test(a_line_may_be_196_bytes_long_and_no_longer),
		cmocka_unit_test(a_reload_takes_what_it_can_and_names_the_rest),
		cmocka_unit_test(a_later_drop_in_wins_and_the_origin_is_known),
		cmocka_unit_test(a_file_that_cannot_be_read_is_a_mistake),
		cmocka_unit_test(a_file_beyond_64_kib_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
