#include "store/intern.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

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

/* ---- keys of 64 bits ---- */

/* The last step of splitmix64 (Steele, Lea, Flood 2014): neighbouring keys go
 * far apart. */
static size_t key_spread(uint64_t key)
{
	key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)(key ^ key >> 31);
}

void dense_release(struct dense *dense)
{
	free(dense->keys);
	free(dense->slots);
	*dense = (struct dense){.count = 0};
}

/* The slot that holds @key, or the free one where it belongs. */
static struct dense_slot *slot_find(const struct dense *dense, uint64_t key)
{
	size_t mask = dense->slots_capacity - 1;
	size_t at = key_spread(key) & mask;

	while (dense->slots[at].number != 0 && dense->slots[at].key != key)
		at = (at + 1) & mask;
	return &dense->slots[at];
}

/* Two thirds full at most: beyond that the walks get long. */
static enum err_code slots_reserve(struct dense *dense)
{
	struct dense old = *dense;

	if ((size_t)old.count * 3 < old.slots_capacity * 2)
		return ERR_OK;
	dense->slots_capacity = old.slots_capacity == 0
					? CAPACITY_FIRST
					: old.slots_capacity * 2;
	dense->slots = calloc(dense->slots_capacity, sizeof(*dense->slots));
	if (dense->slots == NULL) {
		*dense = old;
		return ERR_FULL;
	}
	for (size_t i = 0; i < old.slots_capacity; i++)
		if (old.slots[i].number != 0)
			*slot_find(dense, old.slots[i].key) = old.slots[i];
	free(old.slots);
	return ERR_OK;
}

enum err_code dense_add(struct dense *dense, uint64_t key, uint32_t *ret_number)
{
	struct dense_slot *slot;
	void *keys = dense->keys;
	enum err_code code = slots_reserve(dense);

	if (code != ERR_OK)
		return code;
	slot = slot_find(dense, key);
	if (slot->number == 0) {
		if (dense->count == UINT32_MAX)
			return ERR_FULL;
		code = array_reserve(&keys, &dense->keys_capacity,
				     (size_t)dense->count + 1,
				     sizeof(*dense->keys));
		dense->keys = keys;
		if (code != ERR_OK)
			return code;
		dense->keys[dense->count++] = key;
		*slot = (struct dense_slot){key, dense->count};
	}
	*ret_number = (uint32_t)(slot->number - 1);
	return ERR_OK;
}

bool dense_find(const struct dense *dense, uint64_t key, uint32_t *ret_number)
{
	const struct dense_slot *slot;

	if (dense->count == 0)
		return false;
	slot = slot_find(dense, key);
	if (slot->number == 0)
		return false;
	*ret_number = (uint32_t)(slot->number - 1);
	return true;
}

/* ---- byte strings ---- */

/* FNV-1a (Fowler, Noll, Vo), 64 bits: keys are short. */
static uint64_t key_hash(struct span key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.size; i++) {
		hash ^= (unsigned char)key.data[i];
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

void intern_release(struct intern *intern)
{
	dense_release(&intern->hashes);
	free(intern->pool);
	free(intern->ends);
	*intern = (struct intern){.count = 0};
}

struct span intern_key(const struct intern *intern, uint32_t number)
{
	uint64_t start = number == 0 ? 0 : intern->ends[number - 1];

	ASSERT(number < intern->count);
	return (struct span){intern->pool + start,
			     intern->ends[number] - start};
}

static enum err_code key_append(struct intern *intern, struct span key)
{
	uint64_t start =
		intern->count == 0 ? 0 : intern->ends[intern->count - 1];
	void *pool = intern->pool;
	void *ends = intern->ends;
	enum err_code code;

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
	uint64_t hash = key_hash(key);

	if (intern_find(intern, key, ret_number))
		return ERR_OK;
	/* The first hash that no other key has. */
	while (dense_find(&intern->hashes, hash, ret_number))
		hash++;
	/* Text first: a number whose text is missing would be found. */
	if (key_append(intern, key) != ERR_OK)
		return ERR_FULL;
	if (dense_add(&intern->hashes, hash, ret_number) != ERR_OK) {
		intern->count--;
		return ERR_FULL;
	}
	return ERR_OK;
}

bool intern_find(const struct intern *intern, struct span key,
		 uint32_t *ret_number)
{
	uint32_t number;

	for (uint64_t hash = key_hash(key);
	     dense_find(&intern->hashes, hash, &number); hash++) {
		if (span_equal(intern_key(intern, number), key)) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}
