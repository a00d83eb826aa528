/*
 * The machine's zones are read, and nothing else of the machine is.
 */
#include "tests/support/check.h"

#include <unistd.h>

#include "gateway/edge/zone_file.h"

/* 2026-07-01T00:00:00Z */
#define SUMMER_MS INT64_C(1782864000000)

static struct zone zone;

static void a_zone_is_read_by_its_name(void **state)
{
	static const struct {
		const char *name;
		int32_t offset_s;
	} zones[] = {
		{"UTC", 0},
		{"Asia/Shanghai", 8 * 3600},
		{"Europe/Berlin", 2 * 3600},
		{"America/Argentina/Buenos_Aires", -3 * 3600},
	};
	struct err err;
	size_t read = 0;

	(void)state;
	if (access("/usr/share/zoneinfo/UTC", R_OK) != 0)
		skip_because("there is no tzdata here");
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		assert_done(zone_load(zones[i].name, &zone, &err), &err);
		assert_int_equal(zone_offset(&zone, (struct moment){SUMMER_MS}),
				 zones[i].offset_s);
		read++;
	}
	assert_int_equal(read, ARRAY_LEN(zones));
}

static void what_is_no_zone_is_refused_with_its_name(void **state)
{
	static const struct {
		const char *name;
		enum err_code code;
	} names[] = {
		{"", ERR_INVALID},
		{"/etc/passwd", ERR_INVALID},
		{"../../../etc/passwd", ERR_INVALID},
		{"Europe/../Europe/Berlin", ERR_INVALID},
		{"No/Such", ERR_NOT_FOUND},
	};
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err err;

		assert_code(zone_load(names[i].name, &zone, &err),
			    names[i].code);
		assert_non_null(strstr(err.text, names[i].name));
		refused++;
	}
	assert_int_equal(refused, ARRAY_LEN(names));
}

/* Method: a folder, and a text, that lie among the zones. */
static void what_lies_beside_the_zones_is_none(void **state)
{
	struct err err;

	(void)state;
	if (access("/usr/share/zoneinfo/zone.tab", R_OK) != 0)
		skip_because("there is no tzdata here");
	assert_code(zone_load("Europe", &zone, &err), ERR_IO);
	assert_code(zone_load("zone.tab", &zone, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "zone.tab"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_is_read_by_its_name),
		cmocka_unit_test(what_is_no_zone_is_refused_with_its_name),
		cmocka_unit_test(what_lies_beside_the_zones_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
