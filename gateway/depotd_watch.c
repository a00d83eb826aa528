#include "gateway/depotd_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/depotd_broker.h"
#include "gateway/depotd_control.h"
#include "gateway/depotd_page.h"
#include "gateway/depotd_vitals.h"
#include "gateway/edge/auditor.h"
#include "gateway/edge/notify.h"

enum err_code start_watch(struct box *box, struct err *err)
{
	enum err_code code = start_figures(box, err);

	return code == ERR_OK ? start_control(box, err) : code;
}

void stop_watch(struct box *box)
{
	stop_page(box);
	stop_control(box);
}

void end_watch(struct box *box)
{
	end_page(box);
	end_control(box);
	end_figures(box);
}

void box_broker_changed(struct box *box)
{
	broker_accounts_changed(box);
}

/* Who reads the status over the broker need not be told that it is away. */
static void facts_publish(struct box *box)
{
	const char *codes[BOX_HEALTH_MAX];
	struct publisher_facts facts = {.health = codes};

	for (size_t i = 0; i < box->health_count; i++)
		if (strcmp(box->health[i], "broker_down") != 0)
			codes[facts.health_count++] = box->health[i];
	publisher_facts(box->publisher, &facts);
}

void box_watch(struct box *box, const struct keeper_state *state)
{
	char line[160];

	auditor_beat(box->auditor, clock_monotonic_ms(&box->clock),
		     ring_fill(box->ring) == 0);
	box_figures(box, state);
	broker_look(box, state->head);
	facts_publish(box);
	box_page_beat(box);
	(void)text_format(
		line, sizeof(line),
		"%s; %" PRIu64 " readings, journal at %" PRIu32 ".%" PRIu64,
		mqtt_state(box->mqtt) == MQTT_UP ? "connected" : "no broker",
		state->counters.readings, pos_epoch(state->head),
		pos_number(state->head));
	notify_status(line);
}

static enum err_code password_check(int fd, const char *path, struct err *err)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "look at %s", path);
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_UNSAFE, "%s is no regular file", path);
	if ((info.st_mode & 07037) != 0)
		return err_set(err, ERR_UNSAFE,
			       "%s has mode %04o, others must not read it",
			       path, (unsigned)info.st_mode & 07777u);
	return ERR_OK;
}

enum err_code box_password(struct box *box, char *password, size_t size,
			   struct err *err)
{
	const char *path = box->config->broker.password_file;
	enum err_code code;
	ssize_t count;
	int fd;

	password[0] = '\0';
	if (path[0] == '\0')
		return ERR_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, errno, "open password file %s", path);
	code = password_check(fd, path, err);
	if (code == ERR_OK) {
		count = read(fd, password, size - 1);
		if (count < 0)
			code = err_sys(err, errno, "read %s", path);
		else
			password[count] = '\0';
	}
	(void)close(fd); /* opened for reading: nothing to lose */
	password[strcspn(password, "\r\n")] = '\0';
	return code;
}
