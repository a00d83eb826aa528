/* What the links used today, against what they may. */
#include "gateway/edge/link_server_parts.h"

#define DAY_MS INT64_C(86400000)

void link_day_recall(struct link *link, const struct name *name)
{
	const struct link_server *server = link->server;

	if (link->hello.name.size > 0)
		return; /* it is known since */
	link->day_ms = link_server_now(server);
	for (size_t i = 0; i < LINK_DAYS_MAX; i++) {
		if (!span_equal(name_span(&server->days[i].name),
				name_span(name)))
			continue;
		link->today = server->days[i].used;
		link->day = server->days[i].day;
	}
}

/* One that has not come yet keeps its line. */
static void day_set(struct link_server *server, const struct link *link)
{
	struct link_day *line = NULL;

	for (size_t i = 0; i < LINK_DAYS_MAX; i++) {
		struct link_day *day = &server->days[i];

		if (span_equal(name_span(&day->name),
			       name_span(&link->hello.name)) ||
		    (line == NULL && day->name.size == 0))
			line = day;
	}
	/* Five names in four lines: the first makes way. */
	if (line == NULL)
		line = &server->days[0];
	*line = (struct link_day){link->hello.name, link->day, link->today};
}

void link_server_days_write(struct link_server *server)
{
	struct err err;

	server->days_ms = link_server_now(server) + LINK_DAYS_WRITE_MS;
	if (server->config.days == NULL)
		return;
	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++)
		if (server->links[i].hello.name.size > 0)
			day_set(server, &server->links[i]);
	if (link_days_write(server->config.days, server->days, &err) != ERR_OK)
		log_event(server->config.log, LEVEL_WARNING,
			  "link_days_unwritten", "%s", err.text);
}

/* A box without a clock of its own boots in 1970: until its clock is set, a day
 * is 24 hours. */
static bool day_is_over(const struct link *link, struct clock_reading now)
{
	int64_t since_ms = link_server_now(link->server) - link->day_ms;

	if (!now.is_trusted)
		return since_ms >= DAY_MS;
	return link->day != 0 && now.moment.ms / DAY_MS > link->day;
}

struct link_used *link_today(struct link *link)
{
	struct clock_reading now = clock_now(link->server->config.clock);

	if (day_is_over(link, now)) {
		link->today = (struct link_used){0, 0};
		link->is_spent_told = false;
		link->day_ms = link_server_now(link->server);
	}
	/* One that lay ahead was a wrong clock's: its bytes are today's. */
	if (now.is_trusted)
		link->day = now.moment.ms / DAY_MS;
	return &link->today;
}

bool link_is_spent(struct link *link)
{
	const struct link_used *today = link_today(link);

	return link->hello.budget > 0 &&
	       today->in + today->out >= link->hello.budget;
}

uint64_t link_budget(const struct link *link)
{
	return link->hello.budget;
}

struct link_used link_used_today(const struct link *link)
{
	struct link fresh = *link;

	return *link_today(&fresh);
}
