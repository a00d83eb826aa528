#include "gateway/ingest/gs1_lint.h"

#include <string.h>

#include "gateway/ingest/gs1_chars.h"
#include "gateway/ingest/gs1_key.h"
#include "gateway/ingest/gs1_lists.h"

#define COMPANY_PREFIX_SIZE_MIN 4

/* IBANs have 15 characters at least, but the standard names no minimum. */
#define IBAN_SIZE_MIN 11
#define IBAN_SIZE_MAX 34

typedef enum scan_fault lint_fn(struct span value, uint16_t year);

static unsigned two_digits(const char *digits)
{
	return (unsigned)(digits[0] - '0') * 10 + (unsigned)(digits[1] - '0');
}

static struct span part(struct span value, size_t from, size_t size)
{
	return (struct span){value.data + from, size};
}

static bool is_one_of(struct span value, const char *allowed)
{
	return value.size == 1 &&
	       memchr(allowed, value.data[0], strlen(allowed)) != NULL;
}

static enum scan_fault allowed_if(bool is_allowed)
{
	return is_allowed ? SCAN_OK : SCAN_BAD_VALUE;
}

static enum scan_fault lint_none(struct span value, uint16_t year)
{
	(void)value;
	(void)year;
	return SCAN_OK;
}

/* ---- keys ---- */

static enum scan_fault lint_csum(struct span value, uint16_t year)
{
	(void)year;
	if (!gs1_is_digits(value))
		return value.size == 0 ? SCAN_BAD_LENGTH : SCAN_BAD_CHARACTER;
	return gs1_check_digit_fits(value) ? SCAN_OK : SCAN_BAD_CHECK_DIGIT;
}

/*
 * The pair that ends a Global Model Number: the sum of each character's place
 * in CSET 82 times a prime, 2 for the last, modulo 1021, written in base 32.
 */
static enum scan_fault lint_csumalpha(struct span value, uint16_t year)
{
	static const uint8_t primes[] = {2,  3,  5,  7,  11, 13, 17, 19, 23,
					 29, 31, 37, 41, 43, 47, 53, 59, 61,
					 67, 71, 73, 79, 83, 89, 97};
	static const char base32[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	unsigned sum = 0;
	size_t size;

	(void)year;
	if (value.size < 2 || value.size - 2 > ARRAY_LEN(primes))
		return SCAN_BAD_LENGTH;
	size = value.size - 2;
	for (size_t i = 0; i < size; i++) {
		int place = gs1_cset82_place(value.data[i]);

		if (place < 0)
			return SCAN_BAD_CHARACTER;
		sum += (unsigned)place * primes[size - 1 - i];
	}
	sum %= 1021;
	if (value.data[size] != base32[sum >> 5] ||
	    value.data[size + 1] != base32[sum & 31])
		return SCAN_BAD_CHECK_PAIR;
	return SCAN_OK;
}

static enum scan_fault lint_gcppos1(struct span value, uint16_t year)
{
	(void)year;
	if (value.size < COMPANY_PREFIX_SIZE_MIN ||
	    !gs1_is_digits(part(value, 0, COMPANY_PREFIX_SIZE_MIN)))
		return SCAN_BAD_COMPANY_PREFIX;
	return SCAN_OK;
}

static enum scan_fault lint_gcppos2(struct span value, uint16_t year)
{
	if (value.size < 1)
		return SCAN_BAD_COMPANY_PREFIX;
	return lint_gcppos1(part(value, 1, value.size - 1), year);
}

/* ISO 13616: country and check digits go to the end, letters count from 10,
 * and the number is 1 modulo 97. */
static enum scan_fault lint_iban(struct span value, uint16_t year)
{
	unsigned sum = 0;

	(void)year;
	if (value.size < IBAN_SIZE_MIN || value.size > IBAN_SIZE_MAX ||
	    !gs1_is_country_alpha2(part(value, 0, 2)))
		return SCAN_BAD_IBAN;
	for (size_t i = 0; i < value.size; i++) {
		char c = value.data[(i + 4) % value.size];

		if (c >= '0' && c <= '9')
			sum = (sum * 10 + (unsigned)(c - '0')) % 97;
		else if (c >= 'A' && c <= 'Z')
			sum = (sum * 100 + (unsigned)(c - 'A') + 10) % 97;
		else
			return SCAN_BAD_IBAN;
	}
	return sum == 1 ? SCAN_OK : SCAN_BAD_IBAN;
}

/* ---- dates and times ---- */

static enum scan_fault lint_yymmd0(struct span value, uint16_t year)
{
	struct date date;

	return gs1_date_read(value, year, &date);
}

static enum scan_fault lint_yymmdd(struct span value, uint16_t year)
{
	enum scan_fault fault = lint_yymmd0(value, year);

	if (fault == SCAN_OK && two_digits(value.data + 4) == 0)
		return SCAN_BAD_DATE;
	return fault;
}

static enum scan_fault lint_yyyymmdd(struct span value, uint16_t year)
{
	struct date date;
	unsigned century;

	(void)year;
	if (value.size != 8)
		return SCAN_BAD_LENGTH;
	if (!gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	century = two_digits(value.data) * 100;
	date = (struct date){
		.year = (uint16_t)(century + two_digits(value.data + 2)),
		.month = (uint8_t)two_digits(value.data + 4),
		.day = (uint8_t)two_digits(value.data + 6),
	};
	/* Year 0 has no other fault than that the calendar lacks it. */
	if (date.year == 0)
		date.year = 400;
	return date_is_valid(date) ? SCAN_OK : SCAN_BAD_DATE;
}

static enum scan_fault lint_clock(struct span value, unsigned limit)
{
	if (value.size != 2)
		return SCAN_BAD_LENGTH;
	if (!gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	return two_digits(value.data) < limit ? SCAN_OK : SCAN_BAD_TIME;
}

static enum scan_fault lint_hh(struct span value, uint16_t year)
{
	(void)year;
	return lint_clock(value, 24);
}

static enum scan_fault lint_mi(struct span value, uint16_t year)
{
	(void)year;
	return lint_clock(value, 60);
}

static enum scan_fault lint_hhmi(struct span value, uint16_t year)
{
	enum scan_fault fault;

	if (value.size != 4)
		return SCAN_BAD_LENGTH;
	fault = lint_hh(part(value, 0, 2), year);
	return fault == SCAN_OK ? lint_mi(part(value, 2, 2), year) : fault;
}

/* ---- lists ---- */

static enum scan_fault lint_iso3166(struct span value, uint16_t year)
{
	(void)year;
	return gs1_is_country(value) ? SCAN_OK : SCAN_BAD_COUNTRY;
}

static enum scan_fault lint_iso3166999(struct span value, uint16_t year)
{
	return span_is(value, "999") ? SCAN_OK : lint_iso3166(value, year);
}

static enum scan_fault lint_iso3166alpha2(struct span value, uint16_t year)
{
	(void)year;
	return gs1_is_country_alpha2(value) ? SCAN_OK : SCAN_BAD_COUNTRY;
}

static enum scan_fault lint_iso4217(struct span value, uint16_t year)
{
	(void)year;
	return gs1_is_currency(value) ? SCAN_OK : SCAN_BAD_CURRENCY;
}

static enum scan_fault lint_iso5218(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(is_one_of(value, "0129"));
}

/* 01 to 10 and 80 to 99 are assigned by ICCBBA; the rest is reserved. */
static enum scan_fault lint_mediatype(struct span value, uint16_t year)
{
	unsigned type;

	(void)year;
	if (value.size != 2 || !gs1_is_digits(value))
		return SCAN_BAD_VALUE;
	type = two_digits(value.data);
	return allowed_if((type >= 1 && type <= 10) || type >= 80);
}

static enum scan_fault lint_packagetype(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(gs1_is_package_type(value));
}

/* ---- small forms ---- */

static enum scan_fault lint_hasnondigit(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(!gs1_is_digits(value) && value.size > 0);
}

static enum scan_fault lint_hyphen(struct span value, uint16_t year)
{
	(void)year;
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] != '-')
			return SCAN_BAD_VALUE;
	return allowed_if(value.size > 0);
}

static enum scan_fault lint_importeridx(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(value.size == 1 && gs1_is_cset64(value.data[0]));
}

static bool is_all_zero(struct span value)
{
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] != '0')
			return false;
	return true;
}

static enum scan_fault lint_zero(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(value.size > 0 && is_all_zero(value));
}

static enum scan_fault lint_nonzero(struct span value, uint16_t year)
{
	(void)year;
	if (value.size > 0 && !gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	return allowed_if(!is_all_zero(value));
}

static enum scan_fault lint_nozeroprefix(struct span value, uint16_t year)
{
	(void)year;
	if (value.size > 0 && !gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	return allowed_if(value.size == 0 || value.data[0] != '0');
}

static enum scan_fault lint_winding(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(is_one_of(value, "019"));
}

static enum scan_fault lint_yesno(struct span value, uint16_t year)
{
	(void)year;
	return allowed_if(is_one_of(value, "01"));
}

/* Hundred-millionths of a degree from the south pole, ten digits. */
static enum scan_fault lint_coordinate(struct span value, const char *limit)
{
	if (value.size != 10)
		return SCAN_BAD_LENGTH;
	if (!gs1_is_digits(value))
		return SCAN_BAD_CHARACTER;
	return span_compare(value, span_of(limit)) <= 0 ? SCAN_OK
							: SCAN_BAD_COORDINATE;
}

static enum scan_fault lint_latitude(struct span value, uint16_t year)
{
	(void)year;
	return lint_coordinate(value, "1800000000");
}

static enum scan_fault lint_longitude(struct span value, uint16_t year)
{
	(void)year;
	return lint_coordinate(value, "3600000000");
}

static enum scan_fault lint_pcenc(struct span value, uint16_t year)
{
	(void)year;
	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] != '%')
			continue;
		if (value.size - i < 3 || gs1_hex(value.data[i + 1]) < 0 ||
		    gs1_hex(value.data[i + 2]) < 0)
			return SCAN_BAD_PERCENT_ENCODING;
		i += 2;
	}
	return SCAN_OK;
}

/* Piece and total, as many digits each, neither 0. */
static enum scan_fault lint_pieceoftotal(struct span value, uint16_t year)
{
	struct span piece = part(value, 0, value.size / 2);
	struct span total = part(value, value.size / 2, value.size / 2);

	(void)year;
	if (!gs1_is_digits(value))
		return value.size == 0 ? SCAN_BAD_LENGTH : SCAN_BAD_CHARACTER;
	if (value.size % 2 != 0)
		return SCAN_BAD_LENGTH;
	if (is_all_zero(piece) || is_all_zero(total) ||
	    span_compare(piece, total) > 0)
		return SCAN_BAD_SEQUENCE;
	return SCAN_OK;
}

/* "2/3": which of how many, without leading zeros. */
static enum scan_fault lint_posinseqslash(struct span value, uint16_t year)
{
	const char *slash =
		value.size == 0 ? NULL : memchr(value.data, '/', value.size);
	struct span position;
	struct span end;

	(void)year;
	if (slash == NULL)
		return SCAN_BAD_SEQUENCE;
	position = part(value, 0, (size_t)(slash - value.data));
	end = part(value, position.size + 1, value.size - position.size - 1);
	if (!gs1_is_digits(position) || !gs1_is_digits(end) ||
	    position.data[0] == '0' || end.data[0] == '0')
		return SCAN_BAD_SEQUENCE;
	if (position.size != end.size)
		return position.size < end.size ? SCAN_OK : SCAN_BAD_SEQUENCE;
	return span_compare(position, end) <= 0 ? SCAN_OK : SCAN_BAD_SEQUENCE;
}

static enum scan_fault lint_couponposoffer(struct span value, uint16_t year)
{
	(void)year;
	return gs1_lint_coupon_offer(value);
}

static const struct {
	const char *name;
	lint_fn *run;
} lints[GS1_LINT_COUNT] = {
	[LINT_NONE] = {"-", lint_none},
	[LINT_COUPONCODE] = {"couponcode", gs1_lint_coupon_code},
	[LINT_COUPONPOSOFFER] = {"couponposoffer", lint_couponposoffer},
	[LINT_CSUM] = {"csum", lint_csum},
	[LINT_CSUMALPHA] = {"csumalpha", lint_csumalpha},
	[LINT_GCPPOS1] = {"gcppos1", lint_gcppos1},
	[LINT_GCPPOS2] = {"gcppos2", lint_gcppos2},
	[LINT_HASNONDIGIT] = {"hasnondigit", lint_hasnondigit},
	[LINT_HH] = {"hh", lint_hh},
	[LINT_HHMI] = {"hhmi", lint_hhmi},
	[LINT_HYPHEN] = {"hyphen", lint_hyphen},
	[LINT_IBAN] = {"iban", lint_iban},
	[LINT_IMPORTERIDX] = {"importeridx", lint_importeridx},
	[LINT_ISO3166] = {"iso3166", lint_iso3166},
	[LINT_ISO3166999] = {"iso3166999", lint_iso3166999},
	[LINT_ISO3166ALPHA2] = {"iso3166alpha2", lint_iso3166alpha2},
	[LINT_ISO4217] = {"iso4217", lint_iso4217},
	[LINT_ISO5218] = {"iso5218", lint_iso5218},
	[LINT_LATITUDE] = {"latitude", lint_latitude},
	[LINT_LONGITUDE] = {"longitude", lint_longitude},
	[LINT_MEDIATYPE] = {"mediatype", lint_mediatype},
	[LINT_MI] = {"mi", lint_mi},
	[LINT_NONZERO] = {"nonzero", lint_nonzero},
	[LINT_NOZEROPREFIX] = {"nozeroprefix", lint_nozeroprefix},
	[LINT_PACKAGETYPE] = {"packagetype", lint_packagetype},
	[LINT_PCENC] = {"pcenc", lint_pcenc},
	[LINT_PIECEOFTOTAL] = {"pieceoftotal", lint_pieceoftotal},
	[LINT_POSINSEQSLASH] = {"posinseqslash", lint_posinseqslash},
	[LINT_SS] = {"ss", lint_mi},
	[LINT_WINDING] = {"winding", lint_winding},
	[LINT_YESNO] = {"yesno", lint_yesno},
	[LINT_YYMMD0] = {"yymmd0", lint_yymmd0},
	[LINT_YYMMDD] = {"yymmdd", lint_yymmdd},
	[LINT_YYYYMMDD] = {"yyyymmdd", lint_yyyymmdd},
	[LINT_ZERO] = {"zero", lint_zero},
};

const char *gs1_lint_name(enum gs1_lint lint)
{
	return lints[lint].name;
}

enum scan_fault gs1_lint_run(enum gs1_lint lint, struct span value,
			     uint16_t year)
{
	return lints[lint].run(value, year);
}
