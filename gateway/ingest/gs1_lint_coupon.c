/*
 * The two coupon codes: chains of digits in which one digit often tells the
 * size of what follows it. Read left to right; the first step that fails makes
 * all later ones fail.
 */
#include <string.h>

#include "gateway/ingest/gs1_key.h"
#include "gateway/ingest/gs1_lint.h"

struct coupon {
	struct span rest;
	bool has_failed;
};

/* Takes @size digits. */
static struct span take(struct coupon *coupon, size_t size)
{
	struct span taken = {coupon->rest.data, size};

	if (coupon->has_failed || coupon->rest.size < size) {
		coupon->has_failed = true;
		return (struct span){coupon->rest.data, 0};
	}
	coupon->rest.data += size;
	coupon->rest.size -= size;
	return taken;
}

/* Takes one digit, which must be in @allowed, and returns it; 0 on failure. */
static unsigned take_one_of(struct coupon *coupon, const char *allowed)
{
	struct span digit = take(coupon, 1);

	if (digit.size == 1 && strchr(allowed, digit.data[0]) != NULL)
		return (unsigned)(digit.data[0] - '0');
	coupon->has_failed = true;
	return 0;
}

/* Takes a size digit in @allowed, then that many digits and @more. */
static void take_sized(struct coupon *coupon, const char *allowed, size_t more)
{
	size_t size = take_one_of(coupon, allowed);

	(void)take(coupon, size + more);
}

/* True, and one digit on, if the optional field @indicator comes next. */
static bool take_field(struct coupon *coupon, char indicator)
{
	if (coupon->has_failed || coupon->rest.size == 0 ||
	    coupon->rest.data[0] != indicator)
		return false;
	(void)take(coupon, 1);
	return true;
}

/* Requirement, its code, family code. */
static void take_purchase(struct coupon *coupon)
{
	take_sized(coupon, "12345", 0);
	(void)take_one_of(coupon, "012349");
	(void)take(coupon, 3);
}

/* A further purchase names its company, or 9 for the first one's. */
static void take_further_purchase(struct coupon *coupon)
{
	unsigned size;

	take_purchase(coupon);
	size = take_one_of(coupon, "01234569");
	if (size != 9)
		(void)take(coupon, size + 6);
}

static struct span take_date(struct coupon *coupon, uint16_t year)
{
	struct span date = take(coupon, 6);

	if (gs1_lint_run(LINT_YYMMDD, date, year) != SCAN_OK)
		coupon->has_failed = true;
	return date;
}

static void take_dates(struct coupon *coupon, uint16_t year)
{
	struct span end = {NULL, 0};
	struct span start;

	if (take_field(coupon, '3'))
		end = take_date(coupon, year);
	if (!take_field(coupon, '4'))
		return;
	start = take_date(coupon, year);
	if (end.size > 0 && span_compare(start, end) > 0)
		coupon->has_failed = true;
}

/* How the saved value applies. */
static void take_value_rules(struct coupon *coupon)
{
	(void)take_one_of(coupon, "01256");
	(void)take_one_of(coupon, "012");
	(void)take(coupon, 1);
	(void)take_one_of(coupon, "01");
}

static enum scan_fault coupon_end(const struct coupon *coupon)
{
	return coupon->has_failed || coupon->rest.size > 0 ? SCAN_BAD_COUPON
							   : SCAN_OK;
}

enum scan_fault gs1_lint_coupon_code(struct span value, uint16_t year)
{
	struct coupon coupon = {.rest = value};

	if (value.size > 0 && !gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	take_sized(&coupon, "0123456", 6); /* company prefix */
	(void)take(&coupon, 6);            /* offer code */
	take_sized(&coupon, "12345", 0);   /* saved value */
	take_purchase(&coupon);
	if (take_field(&coupon, '1')) {
		(void)take_one_of(&coupon, "0123");
		take_further_purchase(&coupon);
	}
	if (take_field(&coupon, '2'))
		take_further_purchase(&coupon);
	take_dates(&coupon, year);
	if (take_field(&coupon, '5')) /* serial number */
		take_sized(&coupon, "0123456789", 6);
	if (take_field(&coupon, '6')) /* retailer */
		take_sized(&coupon, "1234567", 6);
	if (take_field(&coupon, '9'))
		take_value_rules(&coupon);
	return coupon_end(&coupon);
}

enum scan_fault gs1_lint_coupon_offer(struct span value)
{
	struct coupon coupon = {.rest = value};

	if (value.size > 0 && !gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	(void)take_one_of(&coupon, "01");  /* format */
	take_sized(&coupon, "0123456", 6); /* funder */
	(void)take(&coupon, 6);            /* offer code */
	take_sized(&coupon, "0123456789", 6);
	return coupon_end(&coupon);
}
