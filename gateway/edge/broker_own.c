#include "gateway/edge/broker_own.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gateway/edge/replace.h"
#include "store/seal.h"

#define PASSWORD_LENGTH (BROKER_PASSWORD_SIZE - 1)
#define OWN_MODE 0600

/* A file that was cut short, or is somebody's note, is no password. */
static bool own_read(int folder, char *ret_password)
{
	char text[PASSWORD_LENGTH + 1];
	bool is_sound = false;
	int fd = openat(folder, BROKER_OWN_NAME,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text)) == PASSWORD_LENGTH &&
	    text_is_name((struct span){text, PASSWORD_LENGTH})) {
		memcpy(ret_password, text, PASSWORD_LENGTH);
		ret_password[PASSWORD_LENGTH] = '\0';
		is_sound = true;
	}
	(void)close(fd); /* nothing was written */
	seal_wipe(text, sizeof(text));
	return is_sound;
}

enum err_code broker_own_password(int folder,
				  char ret_password[BROKER_PASSWORD_SIZE],
				  struct err *err)
{
	struct replace replace;
	enum err_code code;

	if (own_read(folder, ret_password))
		return ERR_OK;
	code = replace_begin(&replace, folder, BROKER_OWN_NAME, OWN_MODE, err);
	if (code != ERR_OK)
		return code;
	broker_password_draw(ret_password);
	/* What fails is told by replace_commit. */
	(void)fputs(ret_password, replace.out);
	return replace_commit(&replace, false, err);
}
