/*
 * Keys: who may read them, where they are looked for, and what they sign.
 */
#include "tests/support/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/keys.h"
#include "tests/support/scratch.h"

#define KEY "epoch-1.key"

static const uint8_t net[NET_ID_SIZE] = "a network";
static const uint8_t other_net[NET_ID_SIZE] = "another network";

static struct err err;

static void a_key_that_was_made_signs_for_its_public_half(void **state)
{
	struct scratch folder;
	uint8_t public_key[KEY_PUBLIC_SIZE];
	uint8_t signature[SIGNATURE_SIZE];
	struct signer *signer;
	struct span text = SPAN_LITERAL("forty");

	(void)state;
	scratch_make(&folder);
	assert_done(keys_make(folder.folder, KEY, public_key, &err), &err);
	assert_done(signer_open(folder.folder, KEY, &signer, &err), &err);
	assert_memory_equal(signer_public(signer), public_key, KEY_PUBLIC_SIZE);
	signer_sign(signer, "a tag", net, text, signature);
	assert_true(
		signature_is_good(public_key, "a tag", net, text, signature));
	signer_close(signer);
	signer_close(NULL);
	scratch_remove(&folder);
}

/* Method: each of what the signature covers changed, one at a time. */
static void a_signature_holds_for_one_tag_network_and_text(void **state)
{
	static const uint8_t seed[32] = "seed";
	struct span text = SPAN_LITERAL("forty");
	uint8_t signature[SIGNATURE_SIZE];
	uint8_t key[KEY_PUBLIC_SIZE];
	struct signer *signer;
	size_t refused = 0;

	(void)state;
	assert_done(signer_of_seed(seed, &signer, &err), &err);
	memcpy(key, signer_public(signer), sizeof(key));
	signer_sign(signer, "a tag", net, text, signature);
	assert_true(signature_is_good(key, "a tag", net, text, signature));
	assert_false(signature_is_good(key, "a ta", net, text, signature));
	assert_false(signature_is_good(key, "a tag ", net, text, signature));
	assert_false(
		signature_is_good(key, "a tag", other_net, text, signature));
	assert_false(signature_is_good(key, "a tag", net,
				       SPAN_LITERAL("fourty"), signature));
	assert_false(signature_is_good(key, "a tag", net, SPAN_LITERAL("fort"),
				       signature));
	for (size_t bit = 0; bit < 8 * SIGNATURE_SIZE; bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused +=
			!signature_is_good(key, "a tag", net, text, signature);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(refused, 8 * SIGNATURE_SIZE);
	signer_close(signer);
}

static void
what_is_longer_than_may_be_signed_has_no_good_signature(void **state)
{
	static char text[SIGNED_SIZE_MAX + 1];
	static const uint8_t seed[32] = "seed";
	uint8_t signature[SIGNATURE_SIZE];
	struct signer *signer;

	(void)state;
	assert_done(signer_of_seed(seed, &signer, &err), &err);
	signer_sign(signer, "t", net, (struct span){text, SIGNED_SIZE_MAX},
		    signature);
	assert_true(signature_is_good(signer_public(signer), "t", net,
				      (struct span){text, SIGNED_SIZE_MAX},
				      signature));
	assert_false(signature_is_good(signer_public(signer), "t", net,
				       (struct span){text, sizeof(text)},
				       signature));
	signer_close(signer);
}

/* Method: every mode of the nine bits. As root all can be read, and still. */
static void a_key_that_others_may_touch_is_refused(void **state)
{
	struct scratch folder;
	char path[SCRATCH_PATH_SIZE];
	uint8_t public_key[KEY_PUBLIC_SIZE];
	struct signer *signer;
	size_t refused = 0;
	size_t taken = 0;

	(void)state;
	scratch_make(&folder);
	assert_done(keys_make(folder.folder, KEY, public_key, &err), &err);
	(void)scratch_path(&folder, KEY, path);
	for (mode_t mode = 0400; mode <= 0777; mode++) {
		assert_int_equal(chmod(path, mode), 0);
		if ((mode & 077) == 0) {
			assert_done(signer_open(folder.folder, KEY, &signer,
						&err),
				    &err);
			signer_close(signer);
			taken++;
			continue;
		}
		assert_code(signer_open(folder.folder, KEY, &signer, &err),
			    ERR_UNSAFE);
		assert_non_null(strstr(err.text, "mode is 0"));
		assert_non_null(strstr(err.text, KEY));
		refused++;
	}
	assert_int_equal(taken, 4);
	assert_int_equal(refused, 252);
	scratch_remove(&folder);
}

static void what_is_no_key_file_is_told_apart(void **state)
{
	struct scratch folder;
	char path[SCRATCH_PATH_SIZE];
	char link[SCRATCH_PATH_SIZE];
	uint8_t public_key[KEY_PUBLIC_SIZE];
	struct signer *signer;

	(void)state;
	scratch_make(&folder);
	(void)scratch_path(&folder, KEY, path);
	(void)scratch_path(&folder, "link.key", link);
	assert_code(signer_open(folder.folder, KEY, &signer, &err),
		    ERR_NOT_FOUND);
	assert_code(signer_open("/nonexistent", KEY, &signer, &err),
		    ERR_NOT_FOUND);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_code(signer_open(folder.folder, KEY, &signer, &err), ERR_UNSAFE);
	assert_int_equal(unlink(path), 0);
	assert_done(keys_make(folder.folder, KEY, public_key, &err), &err);
	assert_int_equal(symlink(KEY, link), 0);
	assert_code(signer_open(folder.folder, "link.key", &signer, &err),
		    ERR_UNSAFE);
	scratch_remove(&folder);
}

static void key_bytes(const char *path, uint8_t *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

static void key_put(const char *path, const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

/* Method: every length up to two keys', and every bit turned. */
static void a_damaged_key_is_no_key(void **state)
{
	struct scratch folder;
	char path[SCRATCH_PATH_SIZE];
	uint8_t public_key[KEY_PUBLIC_SIZE];
	uint8_t bytes[128] = {0};
	struct signer *signer;
	size_t refused = 0;

	(void)state;
	scratch_make(&folder);
	(void)scratch_path(&folder, KEY, path);
	assert_done(keys_make(folder.folder, KEY, public_key, &err), &err);
	key_bytes(path, bytes, 64);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		key_put(path, bytes, size);
		if (size != 64)
			refused += signer_open(folder.folder, KEY, &signer,
					       &err) == ERR_CORRUPT;
	}
	assert_int_equal(refused, 128);
	for (size_t bit = 0; bit < 512; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		key_put(path, bytes, 64);
		refused += signer_open(folder.folder, KEY, &signer, &err) ==
			   ERR_CORRUPT;
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(refused, 128 + 512);
	key_put(path, bytes, 64);
	assert_done(signer_open(folder.folder, KEY, &signer, &err), &err);
	signer_close(signer);
	scratch_remove(&folder);
}

static void a_credential_comes_before_the_folder_of_keys(void **state)
{
	struct scratch folder;
	struct scratch given;
	char path[SCRATCH_PATH_SIZE];
	uint8_t kept[KEY_PUBLIC_SIZE];
	uint8_t credential[KEY_PUBLIC_SIZE];
	struct signer *signer;

	(void)state;
	scratch_make(&folder);
	scratch_make(&given);
	assert_done(keys_make(folder.folder, KEY, kept, &err), &err);
	assert_done(signer_find(NULL, folder.folder, KEY, &signer, &err), &err);
	assert_memory_equal(signer_public(signer), kept, sizeof(kept));
	signer_close(signer);
	assert_done(signer_find(given.folder, folder.folder, KEY, &signer,
				&err),
		    &err);
	assert_memory_equal(signer_public(signer), kept, sizeof(kept));
	signer_close(signer);
	assert_done(keys_make(given.folder, KEY, credential, &err), &err);
	(void)scratch_path(&given, KEY, path);
	assert_int_equal(chmod(path, 0440), 0);
	assert_done(signer_find(given.folder, folder.folder, KEY, &signer,
				&err),
		    &err);
	assert_memory_equal(signer_public(signer), credential,
			    sizeof(credential));
	signer_close(signer);
	assert_int_equal(chmod(path, 0444), 0);
	assert_code(signer_find(given.folder, folder.folder, KEY, &signer,
				&err),
		    ERR_UNSAFE);
	scratch_remove(&folder);
	scratch_remove(&given);
}

/* RFC 8032, 7.1, test 1: the public half of a seed. */
static void a_seed_gives_the_key_that_the_standard_says(void **state)
{
	static const uint8_t seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd,
					 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4,
					 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
					 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
					 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
					 0x7f, 0x60};
	static const uint8_t expected[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1,
					     0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3,
					     0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
					     0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
					     0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
					     0x51, 0x1a};
	struct signer *signer;

	(void)state;
	assert_done(signer_of_seed(seed, &signer, &err), &err);
	assert_memory_equal(signer_public(signer), expected, sizeof(expected));
	signer_close(signer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_that_was_made_signs_for_its_public_half),
		cmocka_unit_test(
			a_signature_holds_for_one_tag_network_and_text),
		cmocka_unit_test(
			what_is_longer_than_may_be_signed_has_no_good_signature),
		cmocka_unit_test(a_key_that_others_may_touch_is_refused),
		cmocka_unit_test(what_is_no_key_file_is_told_apart),
		cmocka_unit_test(a_damaged_key_is_no_key),
		cmocka_unit_test(a_credential_comes_before_the_folder_of_keys),
		cmocka_unit_test(a_seed_gives_the_key_that_the_standard_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
