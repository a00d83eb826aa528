#include "store/seal.h"

#include <sodium.h>
#include <string.h>

/* "depot v1": half of the key. What came before is the other half, so that
 * chaining costs no second pass and no copy of the bytes. */
#define DOMAIN UINT64_C(0x6465706f74207631)

static void big_endian(uint8_t bytes[8], uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(bytes, &value, sizeof(value));
}

uint64_t seal_checksum(uint64_t before, struct span bytes)
{
	uint8_t key[crypto_shorthash_KEYBYTES];
	uint64_t sum;

	_Static_assert(crypto_shorthash_KEYBYTES == 16 &&
			       crypto_shorthash_BYTES == sizeof(sum),
		       "SipHash-2-4");
	big_endian(key, DOMAIN);
	big_endian(key + 8, before);
	(void)crypto_shorthash((uint8_t *)&sum, (const uint8_t *)bytes.data,
			       bytes.size, key); /* returns 0 always */
	return __builtin_bswap64(sum);
}

void seal_random(void *bytes, size_t size)
{
	randombytes_buf(bytes, size);
}

/* ---- hashes that travel ---- */

void seal_prefix(const char *tag, const uint8_t net_id[16],
		 uint8_t ret_prefix[SEAL_PREFIX_SIZE])
{
	size_t size = strlen(tag);

	ASSERT(size > 0 && size <= SEAL_TAG_SIZE);
	memset(ret_prefix, 0, SEAL_TAG_SIZE);
	memcpy(ret_prefix, tag, size);
	memcpy(ret_prefix + SEAL_TAG_SIZE, net_id, 16);
}

void seal_hash(const char *tag, const uint8_t net_id[16], struct span bytes,
	       uint8_t ret_hash[HASH_SIZE])
{
	crypto_generichash_state state;
	uint8_t prefix[SEAL_PREFIX_SIZE];

	seal_prefix(tag, net_id, prefix);
	/* All three return 0 always. */
	(void)crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
	(void)crypto_generichash_update(&state, prefix, sizeof(prefix));
	(void)crypto_generichash_update(&state, (const uint8_t *)bytes.data,
					bytes.size);
	(void)crypto_generichash_final(&state, ret_hash, HASH_SIZE);
}

void seal_mac(struct span key, const char *tag, struct span bytes,
	      uint8_t ret_mac[HASH_SIZE])
{
	crypto_generichash_state state;
	uint8_t prefix[SEAL_TAG_SIZE] = {0};
	size_t size = strlen(tag);

	ASSERT(size <= sizeof(prefix));
	ASSERT(key.size >= 1 && key.size <= crypto_generichash_KEYBYTES_MAX);
	memcpy(prefix, tag, size);
	/* All three return 0 always. */
	(void)crypto_generichash_init(&state, (const uint8_t *)key.data,
				      key.size, HASH_SIZE);
	(void)crypto_generichash_update(&state, prefix, sizeof(prefix));
	(void)crypto_generichash_update(&state, (const uint8_t *)bytes.data,
					bytes.size);
	(void)crypto_generichash_final(&state, ret_mac, HASH_SIZE);
	sodium_memzero(&state, sizeof(state));
}

bool seal_equal(const uint8_t a[HASH_SIZE], const uint8_t b[HASH_SIZE])
{
	return sodium_memcmp(a, b, HASH_SIZE) == 0;
}

/* ---- passwords ---- */

#define PASSWORD_ROUNDS 101

static void keyed_hash(struct span key, struct span text, struct span more,
		       uint8_t ret_hash[SEAL_STRETCH_SIZE])
{
	crypto_auth_hmacsha512_state state;

	(void)crypto_auth_hmacsha512_init(&state, (const uint8_t *)key.data,
					  key.size);
	(void)crypto_auth_hmacsha512_update(&state, (const uint8_t *)text.data,
					    text.size);
	(void)crypto_auth_hmacsha512_update(&state, (const uint8_t *)more.data,
					    more.size);
	(void)crypto_auth_hmacsha512_final(&state, ret_hash);
	sodium_memzero(&state, sizeof(state));
}

void seal_stretch(struct span password, struct span salt, uint32_t rounds,
		  uint8_t ret_hash[SEAL_STRETCH_SIZE])
{
	static const struct span first = {"\0\0\0\1", 4};
	static const struct span none = {"", 0};
	uint8_t hash[SEAL_STRETCH_SIZE];
	struct span before = {(const char *)hash, sizeof(hash)};

	ASSERT(rounds >= 1 && salt.size <= 64);
	keyed_hash(password, salt, first, hash);
	memcpy(ret_hash, hash, sizeof(hash));
	for (uint32_t i = 1; i < rounds; i++) {
		keyed_hash(password, before, none, hash);
		for (size_t j = 0; j < sizeof(hash); j++)
			ret_hash[j] ^= hash[j];
	}
	sodium_memzero(hash, sizeof(hash));
}

void seal_password(struct span password, char ret_hash[SEAL_PASSWORD_SIZE])
{
	uint8_t salt[12];
	uint8_t hash[SEAL_STRETCH_SIZE];
	char salt_text[sodium_base64_ENCODED_LEN(
		sizeof(salt), sodium_base64_VARIANT_ORIGINAL)];
	char hash_text[sodium_base64_ENCODED_LEN(
		sizeof(hash), sodium_base64_VARIANT_ORIGINAL)];
	bool fits;

	randombytes_buf(salt, sizeof(salt));
	seal_stretch(password, (struct span){(const char *)salt, sizeof(salt)},
		     PASSWORD_ROUNDS, hash);
	(void)sodium_bin2base64(salt_text, sizeof(salt_text), salt,
				sizeof(salt), sodium_base64_VARIANT_ORIGINAL);
	(void)sodium_bin2base64(hash_text, sizeof(hash_text), hash,
				sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
	fits = text_format(ret_hash, SEAL_PASSWORD_SIZE, "$7$%d$%s$%s",
			   PASSWORD_ROUNDS, salt_text, hash_text);
	ASSERT(fits);
}

void seal_wipe(void *bytes, size_t size)
{
	sodium_memzero(bytes, size);
}
