#include "gateway/edge/backoff.h"

#include "rules/base/check.h"

void backoff_init(struct backoff *backoff, uint32_t least_ms, uint32_t most_ms,
		  uint64_t seed)
{
	ASSERT(least_ms > 0 && most_ms / 2 >= least_ms);
	*backoff = (struct backoff){least_ms, most_ms, 0, seed};
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014. */
static uint64_t draw(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t backoff_next_ms(struct backoff *backoff)
{
	uint64_t limit = (uint64_t)backoff->least_ms << 1;

	for (uint32_t i = 0; i < backoff->tries && limit < backoff->most_ms;
	     i++)
		limit *= 2;
	if (limit > backoff->most_ms)
		limit = backoff->most_ms;
	if (backoff->tries < UINT32_MAX)
		backoff->tries++;
	return (uint32_t)(limit - draw(&backoff->seed) % (limit / 2 + 1));
}

void backoff_reset(struct backoff *backoff)
{
	backoff->tries = 0;
}
