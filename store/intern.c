#include "store/intern.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

/* FNV-1a (Fowler, Noll, Vo), 64 bits, its halves folded: keys are short, and
 * nobody outside chooses them to collide. */
static uint32_t key_hash(struct span key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.size; i++) {
		hash ^= (unsigned char)key.data[i];
		hash *= UINT64_C(0x100000001b3);
	}
	return (uint32_t)(hash ^ hash >> 32);
}

void intern_release(struct intern *intern)
{
	free(intern->pool);
	free(intern->ends);
	free(intern->slots);
	*intern = (struct intern){.count = 0};
}

enum err_code array_reserve(void **array, size_t *capacity, size_t count,
			    size_t size)
{
	size_t wanted = *capacity == 0 ? CAPACITY_FIRST : *capacity;
	char *grown;

	if (count <= *capacity)
		return ERR_OK;
	if (count > SIZE_MAX / size / 2)
		return ERR_FULL;
	while (wanted < count)
		wanted *= 2;
	grown = realloc(*array, wanted * size);
	if (grown == NULL)
		return ERR_FULL;
	memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
	*array = grown;
	*capacity = wanted;
	return ERR_OK;
}

struct span intern_key(const struct intern *intern, uint32_t number)
{
	uint64_t start = number == 0 ? 0 : intern->ends[number - 1];

	ASSERT(number < intern->count);
	return (struct span){intern->pool + start,
			     intern->ends[number] - start};
}

/* The slot that holds @key, or the free one where it belongs. */
static struct intern_slot *slot_find(const struct intern *intern,
				     struct span key, uint32_t hash)
{
	size_t mask = intern->slots_capacity - 1;

	for (size_t at = hash & mask;; at = (at + 1) & mask) {
		struct intern_slot *slot = &intern->slots[at];

		if (slot->number == 0 ||
		    (slot->hash == hash &&
		     span_equal(intern_key(intern, slot->number - 1), key)))
			return slot;
	}
}

/* Half full at most: a longer walk costs more than the memory. */
static enum err_code slots_reserve(struct intern *intern)
{
	struct intern old = *intern;
	size_t wanted = old.slots_capacity == 0 ? CAPACITY_FIRST
						: old.slots_capacity * 2;

	if ((size_t)old.count * 2 < old.slots_capacity)
		return ERR_OK;
	intern->slots = calloc(wanted, sizeof(*intern->slots));
	if (intern->slots == NULL) {
		intern->slots = old.slots;
		return ERR_FULL;
	}
	intern->slots_capacity = wanted;
	for (size_t i = 0; i < old.slots_capacity; i++) {
		size_t at = old.slots[i].hash & (wanted - 1);

		if (old.slots[i].number == 0)
			continue;
		while (intern->slots[at].number != 0)
			at = (at + 1) & (wanted - 1);
		intern->slots[at] = old.slots[i];
	}
	free(old.slots);
	return ERR_OK;
}

static enum err_code key_append(struct intern *intern, struct span key)
{
	uint64_t start =
		intern->count == 0 ? 0 : intern->ends[intern->count - 1];
	void *pool = intern->pool;
	void *ends = intern->ends;
	enum err_code code;

	if (intern->count == UINT32_MAX - 1)
		return ERR_FULL;
	code = array_reserve(&pool, &intern->pool_capacity, start + key.size,
			     1);
	intern->pool = pool;
	if (code == ERR_OK)
		code = array_reserve(&ends, &intern->ends_capacity,
				     (size_t)intern->count + 1,
				     sizeof(*intern->ends));
	intern->ends = ends;
	if (code != ERR_OK)
		return code;
	if (key.size > 0)
		memcpy(intern->pool + start, key.data, key.size);
	intern->ends[intern->count++] = start + key.size;
	return ERR_OK;
}

enum err_code intern_add(struct intern *intern, struct span key,
			 uint32_t *ret_number)
{
	uint32_t hash = key_hash(key);
	struct intern_slot *slot;
	enum err_code code = slots_reserve(intern);

	if (code != ERR_OK)
		return code;
	slot = slot_find(intern, key, hash);
	if (slot->number == 0) {
		code = key_append(intern, key);
		if (code != ERR_OK)
			return code;
		*slot = (struct intern_slot){intern->count, hash};
	}
	*ret_number = slot->number - 1;
	return ERR_OK;
}

bool intern_find(const struct intern *intern, struct span key,
		 uint32_t *ret_number)
{
	const struct intern_slot *slot;

	if (intern->count == 0)
		return false;
	slot = slot_find(intern, key, key_hash(key));
	if (slot->number == 0)
		return false;
	*ret_number = slot->number - 1;
	return true;
}
