/*
 * Who may come to the operator page: codes that are good once, badges that
 * outlive the daemon, a certificate that stays the same; and which reading an
 * acknowledgement speaks of.
 */
#include "tests/support/check.h"

#include <stddef.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/panel_cert.h"
#include "gateway/edge/panel_parts.h"
#include "tests/support/scratch.h"

static struct name name_of(const char *text)
{
	struct name name;

	assert_true(name_set(&name, span_of(text)));
	return name;
}

/* ---- one-time codes ---- */

static enum offer_verdict take(struct offers *offers, const char *code,
			       int64_t now_ms)
{
	struct offer offer;

	return offer_take(offers, span_of(code), now_ms, &offer);
}

static void a_code_is_good_once_and_for_ten_minutes(void **state)
{
	struct offers offers = {.misses = 0};
	char code[OFFER_CODE_SIZE];
	struct offer offer;

	(void)state;
	offer_make(&offers, name_of("li"), name_of("phone-1"), 1000, code);
	assert_int_equal(strlen(code), OFFER_CODE_SIZE - 1);
	assert_int_equal(take(&offers, code, 1000 + OFFER_LIFE_MS),
			 OFFER_EXPIRED);
	assert_int_equal(offer_take(&offers, span_of(code), 999 + OFFER_LIFE_MS,
				    &offer),
			 OFFER_GOOD);
	assert_true(span_is(name_span(&offer.account), "li"));
	assert_true(span_is(name_span(&offer.device), "phone-1"));
	assert_int_equal(take(&offers, code, 2000), OFFER_USED);
}

/* A person reads it off a screen, in groups, with capitals. */
static void a_code_may_be_typed_as_people_do(void **state)
{
	struct offers offers = {.misses = 0};
	char code[OFFER_CODE_SIZE];
	char typed[64];
	size_t used = 0;

	(void)state;
	offer_make(&offers, name_of("li"), name_of("phone-1"), 1, code);
	for (size_t i = 0; code[i] != '\0'; i++) {
		bool is_letter = code[i] >= 'a' && code[i] <= 'z';

		if (i % 4 == 0 && i > 0)
			typed[used++] = i % 8 == 0 ? ' ' : '-';
		if (code[i] == '0' || code[i] == '1') {
			typed[used++] = code[i] == '0' ? 'O' : 'l';
			continue;
		}
		typed[used++] =
			is_letter ? (char)(code[i] - 'a' + 'A') : code[i];
	}
	typed[used] = '\0';
	assert_int_equal(take(&offers, typed, 2), OFFER_GOOD);
}

/* Method: as many wrong codes as are allowed, and more; the right one among
 * them; then a minute. */
static void who_guesses_waits_and_keeps_nobody_out(void **state)
{
	static const char *const wrong[] = {"", "0", "0000000000000000x",
					    "----", "\x01"};
	struct offers offers = {.misses = 0};
	char code[OFFER_CODE_SIZE];
	unsigned looked = 0;

	(void)state;
	offer_make(&offers, name_of("li"), name_of("phone-1"), 0, code);
	while (take(&offers, wrong[looked % ARRAY_LEN(wrong)], 5) ==
	       OFFER_UNKNOWN)
		looked++;
	assert_int_equal(looked, OFFER_MISSES_MAX);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(take(&offers, wrong[2], 6), OFFER_SLOW);
	assert_int_equal(take(&offers, code, 6), OFFER_GOOD);
	assert_int_equal(take(&offers, code, 6), OFFER_USED);
	assert_int_equal(take(&offers, wrong[2], 4 + OFFER_MISSES_MS),
			 OFFER_SLOW);
	assert_int_equal(take(&offers, wrong[2], 5 + OFFER_MISSES_MS),
			 OFFER_UNKNOWN);
}

static void offers_are_bounded_and_a_device_has_one(void **state)
{
	struct offers offers = {.misses = 0};
	char codes[OFFERS_MAX + 1][OFFER_CODE_SIZE];
	char again[OFFER_CODE_SIZE];

	(void)state;
	for (size_t i = 0; i <= OFFERS_MAX; i++) {
		char device[16];

		(void)text_format(device, sizeof(device), "phone-%zu", i);
		offer_make(&offers, name_of("li"), name_of(device), (int64_t)i,
			   codes[i]);
	}
	assert_int_equal(take(&offers, codes[0], 9), OFFER_UNKNOWN);
	offer_make(&offers, name_of("li"), name_of("phone-3"), 10, again);
	assert_int_equal(take(&offers, codes[3], 11), OFFER_UNKNOWN);
	for (size_t i = 1; i <= OFFERS_MAX; i++)
		assert_int_equal(take(&offers, i == 3 ? again : codes[i], 12),
				 OFFER_GOOD);
}

/* ---- badges ---- */

static void badge_add(struct badges *badges, const char *device,
		      char token[BADGE_TOKEN_SIZE])
{
	struct badge badge = {.device = name_of(device),
			      .account = name_of("li"),
			      .since = {1795341600042}};
	size_t index;

	badge_draw(token, BADGE_TOKEN_SIZE);
	badge_hash(span_of(token), badge.hash);
	assert_int_equal(badges_put(badges, &badge, &index), ERR_OK);
}

/* Method: saved and loaded, then each token is shown, whole and with each of
 * its characters changed. */
static void a_token_opens_its_own_badge_and_no_other(void **state)
{
	struct badges badges = {.at = {{.account = {.size = 0}}}};
	struct badges loaded;
	char tokens[3][BADGE_TOKEN_SIZE];
	struct scratch scratch;
	struct err err;
	size_t index;
	unsigned refused = 0;

	(void)state;
	scratch_make(&scratch);
	assert_done(badges_load(scratch.folder, &loaded, &err), &err);
	assert_false(badges_find(&loaded, (struct span){"", 0}, &index));
	badge_add(&badges, "phone-1", tokens[0]);
	badge_add(&badges, "phone-2", tokens[1]);
	badge_add(&badges, "phone-3", tokens[2]);
	assert_done(badges_save(scratch.folder, &badges, &err), &err);
	assert_done(badges_load(scratch.folder, &loaded, &err), &err);
	for (size_t i = 0; i < 3; i++) {
		assert_true(badges_find(&loaded, span_of(tokens[i]), &index));
		assert_int_equal(index, i);
		assert_int_equal(loaded.at[i].since.ms, 1795341600042);
		for (size_t j = 0; j + 1 < BADGE_TOKEN_SIZE; j++) {
			char kept = tokens[i][j];

			tokens[i][j] = kept == '0' ? '1' : '0';
			refused += !badges_find(&loaded, span_of(tokens[i]),
						&index);
			tokens[i][j] = kept;
		}
	}
	assert_int_equal(refused, 3 * (BADGE_TOKEN_SIZE - 1));
	scratch_remove(&scratch);
}

static void a_device_has_one_badge_and_there_are_so_many(void **state)
{
	struct badges badges = {.at = {{.account = {.size = 0}}}};
	struct badge badge = {.account = name_of("li")};
	char old[BADGE_TOKEN_SIZE];
	char new[BADGE_TOKEN_SIZE];
	size_t index;

	(void)state;
	badge_add(&badges, "phone-0", old);
	badge_add(&badges, "phone-0", new);
	assert_false(badges_find(&badges, span_of(old), &index));
	assert_true(badges_find(&badges, span_of(new), &index));
	for (unsigned i = 1; i < BADGES_MAX; i++) {
		char device[16];

		(void)text_format(device, sizeof(device), "phone-%u", i);
		badge.device = name_of(device);
		assert_int_equal(badges_put(&badges, &badge, &index), ERR_OK);
	}
	badge.device = name_of("one-more");
	assert_int_equal(badges_put(&badges, &badge, &index), ERR_FULL);
	badge.device = name_of("phone-7");
	assert_int_equal(badges_put(&badges, &badge, &index), ERR_OK);
}

static void file_write(const struct scratch *scratch, const char *name,
		       const char *text, mode_t mode)
{
	char path[256];
	int fd;

	(void)text_format(path, sizeof(path), "%s/%s", scratch->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void a_damaged_or_open_file_of_badges_is_refused(void **state)
{
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FIRST "depot-page-badges 1\n"
	static const char *const damaged[] = {
		"",
		"depot-page-badges 2\n",
		FIRST "phone-1 li " HASH "\n",
		FIRST "phone-1 li " HASH " 1",
		FIRST "phone-1 li " HASH " 1 2\n",
		FIRST "Phone li " HASH " 1\n",
		FIRST "phone-1 li " HASH "0 1\n",
		FIRST "phone-1 li x0112233445566778899aabbccddeeff"
		      "00112233445566778899aabbccddeeff 1\n",
	};
	struct badges badges;
	struct scratch scratch;
	struct err err;

	(void)state;
	scratch_make(&scratch);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		file_write(&scratch, BADGES_NAME, damaged[i], 0600);
		assert_code(badges_load(scratch.folder, &badges, &err),
			    ERR_CORRUPT);
	}
	file_write(&scratch, BADGES_NAME, FIRST "phone-1 li " HASH " 1\n",
		   0640);
	assert_code(badges_load(scratch.folder, &badges, &err), ERR_UNSAFE);
	file_write(&scratch, BADGES_NAME, FIRST "phone-1 li " HASH " 1\n",
		   0600);
	assert_done(badges_load(scratch.folder, &badges, &err), &err);
	scratch_remove(&scratch);
}

/* ---- the certificate ---- */

static void the_certificate_is_made_once(void **state)
{
	static struct panel_cert first;
	static struct panel_cert second;
	struct span site = SPAN_LITERAL("hz-01");
	struct scratch scratch;
	struct err err;

	(void)state;
	scratch_make(&scratch);
	assert_done(panel_cert_take(scratch.folder, site, &first, &err), &err);
	assert_done(panel_cert_take(scratch.folder, site, &second, &err), &err);
	assert_string_equal(first.cert, second.cert);
	assert_string_equal(first.key, second.key);
	assert_string_equal(first.fingerprint, second.fingerprint);
	assert_int_equal(strlen(first.fingerprint), 32 * 3 - 1);
	assert_non_null(strstr(first.cert, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(first.key, "PRIVATE KEY"));
	panel_cert_wipe(&first);
	assert_int_equal(first.key[0], '\0');
	scratch_remove(&scratch);
}

static void a_key_that_is_gone_or_open_is_told(void **state)
{
	static struct panel_cert cert;
	struct span site = SPAN_LITERAL("hz-01");
	struct scratch scratch;
	char path[256];
	struct err err;

	(void)state;
	scratch_make(&scratch);
	assert_done(panel_cert_take(scratch.folder, site, &cert, &err), &err);
	(void)text_format(path, sizeof(path), "%s/" PANEL_KEY_NAME,
			  scratch.folder);
	assert_int_equal(chmod(path, 0640), 0);
	assert_code(panel_cert_take(scratch.folder, site, &cert, &err),
		    ERR_UNSAFE);
	assert_int_equal(unlink(path), 0);
	assert_code(panel_cert_take(scratch.folder, site, &cert, &err),
		    ERR_CORRUPT);
	(void)text_format(path, sizeof(path), "%s/" PANEL_CERT_NAME,
			  scratch.folder);
	assert_int_equal(unlink(path), 0);
	file_write(&scratch, PANEL_KEY_NAME, "of a start that died", 0600);
	assert_done(panel_cert_take(scratch.folder, site, &cert, &err), &err);
	scratch_remove(&scratch);
}

/* ---- acknowledgements ---- */

static void an_acknowledgement_speaks_of_its_readings_alone(void **state)
{
	static const struct {
		const char *ack;
		uint64_t seq;
		bool is_covered;
	} cases[] = {
		{"{\"boot\":\"b\",\"from\":\"3\",\"upto\":\"5\"}", 5, true},
		{"{\"boot\":\"b\",\"from\":\"3\",\"upto\":\"5\"}", 3, true},
		{"{\"boot\":\"b\",\"from\":\"3\",\"upto\":\"5\"}", 6, false},
		{"{\"boot\":\"b\",\"from\":\"3\",\"upto\":\"5\"}", 2, false},
		{"{\"boot\":\"c\",\"from\":\"3\",\"upto\":\"5\"}", 5, false},
		{"{\"boot\":null,\"from\":\"3\",\"upto\":\"5\"}", 5, false},
		{"{\"boot\":\"b\",\"upto\":null,\"except\":[]}", 5, false},
		{"{\"boot\":\"b\",\"upto\":null,"
		 "\"except\":[{\"seq\":\"4\",\"result\":\"refused\"},"
		 "{\"seq\":\"5\",\"result\":\"parked\"}]}",
		 5, true},
		{"{\"boot\":\"b\",\"from\":\"6\",\"upto\":\"5\","
		 "\"except\":[{\"seq\":\"2\",\"result\":\"duplicate\"}]}",
		 2, true},
		{"{\"boot\":\"b\",\"except\":[{\"seq\":\"4\","
		 "\"result\":\"refused\"}]}",
		 5, false},
		{"{\"boot\":\"b\",\"upto\":\"4\",\"from\":\"1\","
		 "\"except\":[{\"seq\":\"5\",\"result\":\"missing\"}]}",
		 5, false},
		{"{\"boot\":\"b\",\"from\":\"3\",\"upto\":\"3\",\"high\":"
		 "\"5\"}",
		 5, true},
		{"{\"boot\":\"b\",\"from\":\"3\",\"upto\":\"3\",\"high\":"
		 "\"6\"}",
		 5, false},
		{"no json", 5, false},
		{"[]", 5, false},
	};
	static _Alignas(max_align_t) unsigned char memory[PANEL_JSON_SIZE];
	struct json json;
	unsigned covered = 0;

	(void)state;
	json_init(&json, memory, sizeof(memory));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_covered =
			panel_ack_covers(&json, span_of(cases[i].ack),
					 SPAN_LITERAL("b"), cases[i].seq);

		if (is_covered != cases[i].is_covered)
			fail_msg("%s of %d", cases[i].ack, (int)cases[i].seq);
		covered += is_covered;
	}
	assert_int_equal(covered, 5);
}

/* ---- the files ---- */

static void the_page_is_whole_and_small(void **state)
{
	size_t total = 0;

	(void)state;
	assert_int_equal(panel_file_count, 5);
	assert_string_equal(panel_files[0].path, "/");
	for (size_t i = 0; i < panel_file_count; i++) {
		assert_true(panel_files[i].size > 100);
		total += panel_files[i].size;
		/* Scripts and styles of its own files alone. */
		assert_null(memmem(panel_files[i].data, panel_files[i].size,
				   "https://", 8));
	}
	assert_null(memmem(panel_files[0].data, panel_files[0].size, "<script>",
			   8));
	assert_null(
		memmem(panel_files[0].data, panel_files[0].size, " style=", 7));
	printf("%zu bytes\n", total);
	assert_true(total <= 60 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_good_once_and_for_ten_minutes),
		cmocka_unit_test(a_code_may_be_typed_as_people_do),
		cmocka_unit_test(who_guesses_waits_and_keeps_nobody_out),
		cmocka_unit_test(offers_are_bounded_and_a_device_has_one),
		cmocka_unit_test(a_token_opens_its_own_badge_and_no_other),
		cmocka_unit_test(a_device_has_one_badge_and_there_are_so_many),
		cmocka_unit_test(a_damaged_or_open_file_of_badges_is_refused),
		cmocka_unit_test(the_certificate_is_made_once),
		cmocka_unit_test(a_key_that_is_gone_or_open_is_told),
		cmocka_unit_test(
			an_acknowledgement_speaks_of_its_readings_alone),
		cmocka_unit_test(the_page_is_whole_and_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
