#include "gateway/ingest/gs1_key.h"

#include <string.h>

bool gs1_is_digits(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.size > 0;
}

static unsigned digit_at(struct span text, size_t at)
{
	return (unsigned)(text.data[at] - '0');
}

/* Weights 3 and 1 alternate from the right, 3 first. */
char gs1_check_digit(struct span digits)
{
	unsigned sum = 0;
	unsigned weight = digits.size % 2 == 1 ? 3 : 1;

	for (size_t i = 0; i < digits.size; i++) {
		sum += weight * digit_at(digits, i);
		weight = 4 - weight;
	}
	return (char)('0' + (10 - sum % 10) % 10);
}

bool gs1_check_digit_fits(struct span number)
{
	struct span digits = {number.data, number.size - 1};

	return number.size > 0 &&
	       gs1_check_digit(digits) == number.data[number.size - 1];
}

static enum scan_fault number_check(struct span number, size_t size)
{
	if (number.size != size)
		return SCAN_BAD_LENGTH;
	if (!gs1_is_digits(number))
		return SCAN_BAD_CHARACTER;
	return gs1_check_digit_fits(number) ? SCAN_OK : SCAN_BAD_CHECK_DIGIT;
}

enum scan_fault gs1_gtin_read(struct span number, char ret_gtin[GS1_GTIN_SIZE])
{
	enum scan_fault fault;

	if (number.size != 8 && (number.size < 12 || number.size > 14))
		return SCAN_BAD_LENGTH;
	fault = number_check(number, number.size);
	if (fault != SCAN_OK)
		return fault;
	memset(ret_gtin, '0', GS1_GTIN_SIZE);
	memcpy(ret_gtin + GS1_GTIN_SIZE - number.size, number.data,
	       number.size);
	return SCAN_OK;
}

enum scan_fault gs1_sscc_check(struct span number)
{
	return number_check(number, 18);
}

enum scan_fault gs1_gln_check(struct span number)
{
	return number_check(number, 13);
}

/*
 * The last of the six digits says where the zeros were left out. The layouts
 * name the digits a to f; the rest are the zeros.
 */
static const char *upce_layout(char last)
{
	switch (last) {
	case '0':
	case '1':
	case '2':
		return "abf0000cde";
	case '3':
		return "abc00000de";
	case '4':
		return "abcd00000e";
	default:
		return "abcde0000f";
	}
}

enum scan_fault gs1_upce_expand(struct span upce, char ret_gtin[GS1_GTIN_SIZE])
{
	char gtin[GS1_GTIN_SIZE];
	const char *layout;

	if (upce.size != GS1_UPCE_SIZE)
		return SCAN_BAD_LENGTH;
	if (!gs1_is_digits(upce))
		return SCAN_BAD_CHARACTER;
	if (upce.data[0] > '1')
		return SCAN_BAD_VALUE;
	layout = upce_layout(upce.data[6]);
	gtin[0] = '0';
	gtin[1] = '0';
	gtin[2] = upce.data[0];
	for (size_t i = 0; i < 10; i++)
		gtin[3 + i] =
			layout[i] == '0' ? '0' : upce.data[1 + layout[i] - 'a'];
	gtin[13] = upce.data[7];
	if (!gs1_check_digit_fits((struct span){gtin, sizeof(gtin)}))
		return SCAN_BAD_CHECK_DIGIT;
	memcpy(ret_gtin, gtin, sizeof(gtin));
	return SCAN_OK;
}

/* Tries the four layouts, the one that takes most zeros first, and keeps what
 * expands to @gtin again. */
bool gs1_upce_compress(struct span gtin, char ret_upce[GS1_UPCE_SIZE])
{
	const char *last = "01234";

	if (gtin.size != GS1_GTIN_SIZE || !gs1_is_digits(gtin))
		return false;
	for (size_t i = 0; i < 6; i++) {
		char upce[GS1_UPCE_SIZE];
		char back[GS1_GTIN_SIZE];
		char f = i < 5 ? last[i] : gtin.data[12];
		const char *layout = upce_layout(f);

		upce[0] = gtin.data[2];
		upce[6] = f;
		upce[7] = gtin.data[13];
		for (size_t k = 0; k < 10; k++)
			if (layout[k] >= 'a' && layout[k] <= 'e')
				upce[1 + layout[k] - 'a'] = gtin.data[3 + k];
		if (gs1_upce_expand((struct span){upce, sizeof(upce)}, back) ==
			    SCAN_OK &&
		    memcmp(back, gtin.data, sizeof(back)) == 0) {
			memcpy(ret_upce, upce, sizeof(upce));
			return true;
		}
	}
	return false;
}

/* The weighted products of General Specifications, figure 7.9.2-1. */
enum weight { TWO_MINUS, THREE, FIVE_PLUS, FIVE_MINUS };

static const uint8_t weighted[][10] = {
	[TWO_MINUS] = {0, 2, 4, 6, 8, 9, 1, 3, 5, 7},
	[THREE] = {0, 3, 6, 9, 2, 5, 8, 1, 4, 7},
	[FIVE_PLUS] = {0, 5, 1, 6, 2, 7, 3, 8, 4, 9},
	[FIVE_MINUS] = {0, 5, 9, 4, 8, 3, 7, 2, 6, 1},
};

char gs1_price_check_digit(struct span digits)
{
	static const uint8_t four[] = {TWO_MINUS, TWO_MINUS, THREE, FIVE_MINUS};
	static const uint8_t five[] = {FIVE_PLUS, TWO_MINUS, FIVE_MINUS,
				       FIVE_PLUS, TWO_MINUS};
	const uint8_t *weights = digits.size == 4 ? four : five;
	unsigned sum = 0;
	unsigned check = 0;

	ASSERT(digits.size == 4 || digits.size == 5);
	for (size_t i = 0; i < digits.size; i++)
		sum += weighted[weights[i]][digit_at(digits, i)];
	if (digits.size == 4)
		return (char)('0' + sum * 3 % 10);
	while (weighted[FIVE_MINUS][check] != (10 - sum % 10) % 10)
		check++;
	return (char)('0' + check);
}

static bool rcn_layout_is_valid(struct span layout)
{
	size_t prices = 0;
	size_t checks = 0;

	if (layout.size != GS1_RCN_SIZE || layout.data[GS1_RCN_SIZE - 1] != 'C')
		return false;
	for (size_t i = 0; i < GS1_RCN_SIZE - 1; i++) {
		char c = layout.data[i];

		if (c != 'x' && c != 'I' && c != 'V' && c != 'P' &&
		    (c < '0' || c > '9'))
			return false;
		prices += c == 'P';
		checks += c == 'V';
	}
	return prices > 0 && checks <= 1 &&
	       (checks == 0 || prices == 4 || prices == 5);
}

/* The digits of @number where @layout has @letter. */
static struct span rcn_pick(struct span layout, struct span number, char letter,
			    char buffer[GS1_RCN_SIZE])
{
	struct span picked = {buffer, 0};

	for (size_t i = 0; i < GS1_RCN_SIZE; i++)
		if (layout.data[i] == letter)
			buffer[picked.size++] = number.data[i];
	return picked;
}

enum scan_fault gs1_rcn_read(struct span layout, struct span number,
			     struct gs1_rcn *ret_rcn)
{
	struct gs1_rcn rcn = {0};
	char prices[GS1_RCN_SIZE];
	char checks[GS1_RCN_SIZE];
	struct span price;
	struct span check;
	enum scan_fault fault;

	if (!rcn_layout_is_valid(layout))
		return SCAN_BAD_SYNTAX;
	fault = number_check(number, GS1_RCN_SIZE);
	if (fault != SCAN_OK)
		return fault;
	for (size_t i = 0; i < GS1_RCN_SIZE; i++)
		if (layout.data[i] >= '0' && layout.data[i] <= '9' &&
		    layout.data[i] != number.data[i])
			return SCAN_BAD_VALUE;
	price = rcn_pick(layout, number, 'P', prices);
	check = rcn_pick(layout, number, 'V', checks);
	if (check.size == 1 && gs1_price_check_digit(price) != check.data[0])
		return SCAN_BAD_CHECK_DIGIT;
	rcn.item_size = (uint8_t)rcn_pick(layout, number, 'I', rcn.item).size;
	for (size_t i = 0; i < price.size; i++)
		rcn.value = rcn.value * 10 + (int64_t)digit_at(price, i);
	*ret_rcn = rcn;
	return SCAN_OK;
}

uint16_t gs1_year(unsigned yy, uint16_t now)
{
	int difference = (int)yy - now % 100;
	int century = now / 100;

	if (now == 0)
		return (uint16_t)(2000 + yy);
	if (difference >= 51)
		century--;
	else if (difference <= -50)
		century++;
	return (uint16_t)(century * 100 + (int)yy);
}

enum scan_fault gs1_date_read(struct span yymmdd, uint16_t now,
			      struct date *ret_date)
{
	struct date date;

	if (yymmdd.size != 6)
		return SCAN_BAD_LENGTH;
	if (!gs1_is_digits(yymmdd))
		return SCAN_BAD_CHARACTER;
	date.year =
		gs1_year(digit_at(yymmdd, 0) * 10 + digit_at(yymmdd, 1), now);
	date.month = (uint8_t)(digit_at(yymmdd, 2) * 10 + digit_at(yymmdd, 3));
	date.day = (uint8_t)(digit_at(yymmdd, 4) * 10 + digit_at(yymmdd, 5));
	if (date.month < 1 || date.month > 12)
		return SCAN_BAD_DATE;
	if (date.day == 0)
		date.day = date_month_days(date.year, date.month);
	if (!date_is_valid(date))
		return SCAN_BAD_DATE;
	*ret_date = date;
	return SCAN_OK;
}
