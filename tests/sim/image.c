/*
 * Copies of a disk: taken, put back into their box, or started in another one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"
#include "tests/sim/node_parts.h"

#define SMALL_FILE_MAX 4096

/* Keys, guards. */
static bool file_copy(const char *from, const char *to)
{
	uint8_t bytes[SMALL_FILE_MAX];
	ssize_t size;
	int fd = open(from, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	size = read(fd, bytes, sizeof(bytes));
	(void)close(fd);
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (size < 0 || write(fd, bytes, (size_t)size) != size)
		size = -1;
	return close(fd) == 0 && size >= 0;
}

/* True if all of @folder's files could be copied to @to, which may be NULL:
 * then they go. */
static bool files_move(const char *folder, const char *to)
{
	DIR *stream = opendir(folder);
	const struct dirent *one;
	bool is_good = stream != NULL;

	if (to != NULL && mkdir(to, 0700) < 0)
		is_good = is_good && access(to, W_OK) == 0;
	while (is_good && (one = readdir(stream)) != NULL) {
		char from[FILE_PATH_SIZE];
		char copy[FILE_PATH_SIZE];

		if (one->d_name[0] == '.')
			continue;
		is_good = file_path(folder, one->d_name, from, NULL) == ERR_OK;
		if (is_good && to == NULL)
			is_good = unlink(from) == 0;
		else if (is_good)
			is_good = file_path(to, one->d_name, copy, NULL) ==
					  ERR_OK &&
				  file_copy(from, copy);
	}
	if (stream != NULL)
		(void)closedir(stream);
	return is_good;
}

static void keys_copy(struct node *node, const char *from, const char *to)
{
	char old[FILE_PATH_SIZE];
	char new[FILE_PATH_SIZE];

	if (ledger_keys_folder(from, old, NULL) != ERR_OK ||
	    ledger_keys_folder(to, new, NULL) != ERR_OK ||
	    (access(new, W_OK) == 0 && !files_move(new, NULL)) ||
	    !files_move(old, new))
		sim_fail(node->sim, "site %u: no copy of the keys", node->site);
}

static void guard_copy(const char *from, const char *to)
{
	(void)unlink(to);
	if (access(from, R_OK) == 0 && !file_copy(from, to))
		ASSERT(false);
}

/* All deltas of a site, of whatever epoch. */
struct held {
	uint32_t site;
	uint64_t deltas;
};

static enum err_code held_add(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct held *held = context;

	(void)err;
	if (feed->id.site == held->site)
		held->deltas += feed->seq - feed->base;
	return ERR_OK;
}

/* The box may be down. */
static uint64_t deltas_held(struct node *node, uint32_t site)
{
	struct held held = {site, 0};
	struct ledger *opened = NULL;
	struct view *view;
	struct err err;
	enum err_code code = ERR_OK;

	if (!node->is_up)
		code = ledger_open(node->store, ENV_READ, &opened, &err);
	if (code == ERR_OK)
		code = view_begin(ledger_env(node->is_up ? node->ledger
							 : opened),
				  &view, &err);
	if (code == ERR_OK) {
		code = feed_walk(view, NULL, held_add, &held, &err);
		view_end(view);
	}
	ledger_close(opened);
	(void)went(node, code, &err, "deltas held");
	return held.deltas;
}

void image_take(struct sim *sim, struct node *node)
{
	struct image *image = &sim->image;
	char folder[SIM_PATH_SIZE];
	struct err err;

	/* An old disk that comes back beside the box in its place is stolen,
	 * and not set back. */
	if (image->is_there || !node->is_up ||
	    (sim->replaced_site != SITE_NONE &&
	     (node->is_hq || node->site == sim->replaced_site)))
		return;
	FITS(text_format(folder, sizeof(folder), "%s/image", sim->folder) &&
	     mkdir(folder, 0700) == 0 &&
	     text_format(image->store, sizeof(image->store), "%s/image/store",
			 sim->folder) &&
	     text_format(image->guard, sizeof(image->guard), "%s/image/guard",
			 sim->folder));
	if (!went(node,
		  env_copy(ledger_env(node->ledger), image->store, 0, &err),
		  &err, "copy"))
		return;
	keys_copy(node, node->store, image->store);
	guard_copy(node->guard, image->guard);
	image->is_there = true;
	image->node = node->index;
	image->told = node->told;
	image->deltas = deltas_held(node, node->site);
	sim_log(sim, node, "is copied");
}

/* The image's store, at @node's. */
static void store_put(struct node *node)
{
	struct ledger *image;
	struct err err;

	if (!went(node,
		  ledger_open(node->sim->image.store, ENV_READ, &image, &err),
		  &err, "open image"))
		return;
	(void)went(node, env_copy(ledger_env(image), node->store, 0, &err),
		   &err, "copy back");
	ledger_close(image);
	node->told = node->sim->image.told;
	node->seen_count = 0;
	node->control_seen.epoch = 0;
	node->control_seen.counted = 0;
}

/* The guard, or a peer, has more than the image. */
static bool is_evident(struct sim *sim, enum restore how)
{
	const struct image *image = &sim->image;
	uint64_t most = 0;

	for (size_t i = 0; i < sim->node_count; i++) {
		uint64_t held;

		if (i == image->node && how != RESTORE_BACKUP)
			continue;
		held = deltas_held(&sim->nodes[i],
				   sim->nodes[image->node].site);
		if (held > most)
			most = held;
	}
	return most > image->deltas;
}

void image_restore(struct sim *sim, enum restore how)
{
	const struct image *image = &sim->image;
	struct node *node = &sim->nodes[image->node];

	if (!image->is_there)
		return;
	if (node->is_up)
		node_crash(node);
	sim->totals.restores++;
	sim->has_evidence = is_evident(sim, how);
	sim->restored_site = node->site;
	if (how != RESTORE_BACKUP)
		sim->suspect_site = node->site;
	/* With its guard HQ takes no number twice. */
	if (how != RESTORE_BACKUP && node->is_hq)
		sim->is_hq_unguarded = true;
	truth_set_back(&sim->truth, node->index, image->told);
	if (!files_move(node->store, NULL) || rmdir(node->store) < 0)
		sim_fail(sim, "site %u: the store stays", node->site);
	store_put(node);
	if (how != RESTORE_BACKUP) {
		keys_copy(node, image->store, node->store);
		guard_copy(image->guard, node->guard);
	}
	if (how == RESTORE_UNGUARDED)
		(void)unlink(node->guard);
	sim_log(sim, node, "is set back, %d", (int)how);
	if (sim_is_sound(sim))
		node_start(node);
}

void image_clone(struct sim *sim)
{
	struct node *node = &sim->nodes[sim->node_count];
	const struct node *of = &sim->nodes[sim->image.node];
	uint32_t index = (uint32_t)sim->node_count;

	if (!sim->image.is_there || sim->has_clone || of->is_hq)
		return;
	sim->has_clone = true;
	sim->suspect_site = of->site;
	sim->totals.clones++;
	*node = (struct node){.sim = sim,
			      .index = index,
			      .site = of->site,
			      .name = of->name,
			      .is_clone = true,
			      .clock = {.is_trusted = true},
			      /* Another scanner, and other people. */
			      .reading = 1000000,
			      .asked = 1000000,
			      .loading = {1000, 1000}};
	FITS(text_format(node->folder, sizeof(node->folder), "%s/clone",
			 sim->folder) &&
	     mkdir(node->folder, 0700) == 0 &&
	     text_format(node->store, sizeof(node->store), "%s/clone/store",
			 sim->folder) &&
	     text_format(node->guard, sizeof(node->guard), "%s/clone/guard",
			 sim->folder));
	memcpy(sim->net.links[index], sim->net.links[of->index],
	       sizeof(sim->net.links[index]));
	for (size_t i = 0; i < NET_BROKERS_MAX; i++)
		sim->net.links[index][i].is_up = false;
	sim->net.names[index] = of->name;
	store_put(node);
	keys_copy(node, sim->image.store, node->store);
	guard_copy(sim->image.guard, node->guard);
	sim->node_count++;
	sim->net.node_count++;
	node_start(node);
}
