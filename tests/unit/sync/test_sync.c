/*
 * Boxes that reconcile: what they end with, and what it costs them.
 */
#include "tests/support/peers.h"

static const struct sync_config small = {
	.feeds_max = 64, .peers_max = 16, .waiting_max = 64};

/* ---- reconciling ---- */

static void boxes_that_meet_end_with_the_same_feeds(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(1), &small);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t j = 0; j < 5 + i; j++)
			bed_receive(bed, &bed->boxes[i].node,
				    bed->boxes[i].site, 10);
	bed_links(bed, true);
	printf("settled after %llu ms\n",
	       (unsigned long long)bed_settle(bed, 60000));
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 2), 8);
	assert_int_equal(box_seq(&bed->boxes[2], SITE_FIRST), 6);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes_that_meet_end_with_the_same_feeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
