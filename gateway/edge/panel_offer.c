#include "gateway/edge/panel_offer.h"

#include <string.h>

/* The unused one of the same device, else the one that ends first. */
static struct offer *place_find(struct offers *offers, struct span device)
{
	struct offer *oldest = &offers->at[0];

	for (size_t i = 0; i < OFFERS_MAX; i++) {
		struct offer *offer = &offers->at[i];

		if (!offer->is_used &&
		    span_equal(name_span(&offer->device), device))
			return offer;
		if (offer->until_ms < oldest->until_ms)
			oldest = offer;
	}
	return oldest;
}

void offer_make(struct offers *offers, struct name account, struct name device,
		int64_t now_ms, char ret_code[OFFER_CODE_SIZE])
{
	struct offer *offer = place_find(offers, name_span(&device));

	badge_draw(ret_code, OFFER_CODE_SIZE);
	*offer = (struct offer){.account = account,
				.device = device,
				.until_ms = now_ms + OFFER_LIFE_MS};
	badge_hash(span_of(ret_code), offer->hash);
}

/* As it was drawn: the letters that Crockford's base 32 leaves out are read as
 * the figures that they look like. */
static char letter_plain(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	if (c == 'o')
		return '0';
	return c == 'i' || c == 'l' ? '1' : c;
}

/* False if it cannot be a code: too short or too long. */
static bool code_plain(struct span typed, char plain[OFFER_CODE_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; i < typed.size; i++) {
		char c = typed.data[i];

		if (c == '-' || c == ' ')
			continue;
		if (used + 1 >= OFFER_CODE_SIZE)
			return false;
		plain[used++] = letter_plain(c);
	}
	plain[used] = '\0';
	return used + 1 == OFFER_CODE_SIZE;
}

static struct offer *offer_find(struct offers *offers, struct span code)
{
	char plain[OFFER_CODE_SIZE];
	uint8_t hash[BADGE_HASH_SIZE];

	if (!code_plain(code, plain))
		return NULL;
	badge_hash(span_of(plain), hash);
	for (size_t i = 0; i < OFFERS_MAX; i++)
		if (offers->at[i].account.size > 0 &&
		    memcmp(offers->at[i].hash, hash, sizeof(hash)) == 0)
			return &offers->at[i];
	return NULL;
}

/* False: too many in this minute. */
static bool miss_note(struct offers *offers, int64_t now_ms)
{
	if (now_ms - offers->misses_from_ms >= OFFER_MISSES_MS)
		offers->misses = 0;
	if (offers->misses >= OFFER_MISSES_MAX)
		return false;
	if (offers->misses == 0)
		offers->misses_from_ms = now_ms;
	offers->misses++;
	return true;
}

enum offer_verdict offer_take(struct offers *offers, struct span code,
			      int64_t now_ms, struct offer *ret_offer)
{
	struct offer *offer;

	offer = offer_find(offers, code);
	if (offer == NULL)
		return miss_note(offers, now_ms) ? OFFER_UNKNOWN : OFFER_SLOW;
	if (offer->is_used)
		return OFFER_USED;
	if (now_ms >= offer->until_ms)
		return OFFER_EXPIRED;
	offer->is_used = true;
	*ret_offer = *offer;
	return OFFER_GOOD;
}
