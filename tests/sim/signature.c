#include "tests/sim/signature.h"

#include <sodium.h>
#include <string.h>

static bool is_real;

void signature_real_set(bool is_set)
{
	is_real = is_set;
}

/* Names that the linker gives. */
int __real_crypto_sign_detached(unsigned char *signature,
				unsigned long long *size,
				const unsigned char *text,
				unsigned long long text_size,
				const unsigned char *secret);
int __real_crypto_sign_verify_detached(const unsigned char *signature,
				       const unsigned char *text,
				       unsigned long long text_size,
				       const unsigned char *public_half);
int __wrap_crypto_sign_detached(unsigned char *signature,
				unsigned long long *size,
				const unsigned char *text,
				unsigned long long text_size,
				const unsigned char *secret);
int __wrap_crypto_sign_verify_detached(const unsigned char *signature,
				       const unsigned char *text,
				       unsigned long long text_size,
				       const unsigned char *public_half);

static void stand_in(const unsigned char *public_half,
		     const unsigned char *text, unsigned long long size,
		     unsigned char signature[crypto_sign_BYTES])
{
	(void)crypto_generichash(signature, crypto_sign_BYTES, text, size,
				 public_half, crypto_sign_PUBLICKEYBYTES);
}

/* The second half of a secret key is the public one. */
int __wrap_crypto_sign_detached(unsigned char *signature,
				unsigned long long *size,
				const unsigned char *text,
				unsigned long long text_size,
				const unsigned char *secret)
{
	if (is_real)
		return __real_crypto_sign_detached(signature, size, text,
						   text_size, secret);
	stand_in(secret + crypto_sign_SEEDBYTES, text, text_size, signature);
	if (size != NULL)
		*size = crypto_sign_BYTES;
	return 0;
}

int __wrap_crypto_sign_verify_detached(const unsigned char *signature,
				       const unsigned char *text,
				       unsigned long long text_size,
				       const unsigned char *public_half)
{
	unsigned char expected[crypto_sign_BYTES];

	if (is_real)
		return __real_crypto_sign_verify_detached(
			signature, text, text_size, public_half);
	stand_in(public_half, text, text_size, expected);
	return memcmp(expected, signature, sizeof(expected)) == 0 ? 0 : -1;
}
