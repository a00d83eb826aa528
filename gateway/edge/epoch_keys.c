#include "gateway/edge/epoch_keys.h"

#include "store/seal.h"

void epoch_keys_init(struct epoch_keys *keys, const char *folder,
		     const char *credentials)
{
	*keys = (struct epoch_keys){.folder = folder,
				    .credentials = credentials};
}

void epoch_keys_release(struct epoch_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		signer_close(keys->signers[i]);
	keys->count = 0;
}

static enum err_code key_make(void *context, uint32_t after,
			      uint32_t *ret_epoch,
			      uint8_t ret_public[KEY_PUBLIC_SIZE],
			      struct err *err)
{
	const struct epoch_keys *keys = context;
	char name[KEY_NAME_SIZE];
	uint64_t drawn;
	uint32_t epoch;
	uint32_t last = 0;
	enum err_code code = keys_epoch_last(keys->folder, &last, err);

	if (code != ERR_OK)
		return code;
	seal_random(&drawn, sizeof(drawn));
	epoch = incarnation_epoch(last > after ? last : after, drawn);
	if (epoch <= last || epoch <= after)
		return err_set(err, ERR_FULL, "no epochs are left");
	keys_epoch_name(epoch, name);
	code = keys_make(keys->folder, name, ret_public, err);
	if (code == ERR_OK)
		*ret_epoch = epoch;
	return code;
}

static enum err_code key_of(void *context, uint32_t epoch,
			    const struct signer **ret_signer, struct err *err)
{
	struct epoch_keys *keys = context;
	char name[KEY_NAME_SIZE];
	enum err_code code;

	for (size_t i = 0; i < keys->count; i++) {
		if (keys->epochs[i] == epoch) {
			*ret_signer = keys->signers[i];
			return ERR_OK;
		}
	}
	if (keys->count == EPOCH_KEYS_MAX)
		return err_set(
			err, ERR_FULL,
			"too many epochs in one run: restart the daemon");
	keys_epoch_name(epoch, name);
	code = signer_find(keys->credentials, keys->folder, name,
			   &keys->signers[keys->count], err);
	if (code != ERR_OK)
		return code;
	keys->epochs[keys->count] = epoch;
	*ret_signer = keys->signers[keys->count++];
	return ERR_OK;
}

struct incarnation_port epoch_keys_port(struct epoch_keys *keys)
{
	return (struct incarnation_port){keys, key_make, key_of};
}
