/*
 * An invitation with a bundle behind it: where the one ends, wherever the file
 * was cut.
 */
#include "gateway/core/join_file.h"

#include "gateway/sync/bundle.h"
#include "tests/support/check.h"

#define INVITATION "depot invitation 1\n# what it is\n0123-4567-89AB-CDEF-*\n"
#define NOTED INVITATION INVITATION_BUNDLE_NOTE

static size_t size_of(struct span text, bool *ret_has_bundle)
{
	size_t size = invitation_file_size(text, ret_has_bundle);

	assert_true(size <= text.size);
	return size;
}

/* Method: the file as it is made, of each length from nothing to all. What is
 * said to be the invitation never reaches into the bundle, and has all of its
 * lines once they are there. */
static void the_invitation_ends_where_the_bundle_begins_at_every_cut(void **s)
{
	static const char file[] = NOTED BUNDLE_MAGIC "\1 and its\nblocks\n";
	size_t cuts = 0;

	(void)s;
	for (size_t cut = 0; cut < sizeof(file); cut++, cuts++) {
		size_t end = strlen(NOTED);
		bool has_bundle;
		size_t size = size_of((struct span){file, cut}, &has_bundle);

		assert_int_equal(size, cut < end ? cut : end);
		assert_int_equal(has_bundle,
				 cut >= strlen(INVITATION "# bundle"));
	}
	assert_int_equal(cuts, sizeof(file));
}

/* An invitation alone is all of its file, also one whose line looks as if a
 * bundle began. */
static void an_invitation_alone_has_no_bundle(void **s)
{
	static const char *const files[] = {
		INVITATION,
		INVITATION "DEPO-TBDL-*\n",
		INVITATION BUNDLE_MAGIC "\n",
		"",
	};

	(void)s;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		bool has_bundle = true;

		assert_int_equal(size_of(span_of(files[i]), &has_bundle),
				 strlen(files[i]));
		assert_false(has_bundle);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_invitation_ends_where_the_bundle_begins_at_every_cut),
		cmocka_unit_test(an_invitation_alone_has_no_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
