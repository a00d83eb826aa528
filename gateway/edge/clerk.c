#include "gateway/edge/clerk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct clerk {
	struct ledger *ledger;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t has_news;
	struct clerk_job *job; /* under the mutex; NULL: free */
	atomic_bool is_stopping;
};

/* The next job; NULL: it is over. */
static struct clerk_job *job_wait(struct clerk *clerk)
{
	struct clerk_job *job;

	(void)pthread_mutex_lock(&clerk->mutex); /* cannot fail: ours */
	while (clerk->job == NULL && !atomic_load(&clerk->is_stopping))
		(void)pthread_cond_wait(&clerk->has_news, &clerk->mutex);
	job = clerk->job;
	(void)pthread_mutex_unlock(&clerk->mutex);
	return job;
}

static void *clerk_thread(void *context)
{
	struct clerk *clerk = context;
	struct clerk_job *job;

	while ((job = job_wait(clerk)) != NULL) {
		job->run(job, clerk);
		(void)pthread_mutex_lock(&clerk->mutex);
		clerk->job = NULL;
		(void)pthread_mutex_unlock(&clerk->mutex);
		job->done(job);
	}
	return NULL;
}

static void clerk_release(struct clerk *clerk)
{
	(void)pthread_cond_destroy(&clerk->has_news); /* nobody waits */
	(void)pthread_mutex_destroy(&clerk->mutex);
	free(clerk);
}

enum err_code clerk_start(struct ledger *ledger, struct clerk **ret_clerk,
			  struct err *err)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));
	int number;

	if (clerk == NULL)
		return err_set(err, ERR_FULL, "no memory for the clerk");
	clerk->ledger = ledger;
	(void)pthread_mutex_init(&clerk->mutex, NULL); /* cannot fail */
	(void)pthread_cond_init(&clerk->has_news, NULL);
	number = pthread_create(&clerk->thread, NULL, clerk_thread, clerk);
	if (number != 0) {
		clerk_release(clerk);
		return err_sys(err, number, "start the clerk's thread");
	}
	*ret_clerk = clerk;
	return ERR_OK;
}

void clerk_stop(struct clerk *clerk)
{
	if (clerk == NULL)
		return;
	(void)pthread_mutex_lock(&clerk->mutex);
	atomic_store(&clerk->is_stopping, true);
	(void)pthread_cond_signal(&clerk->has_news);
	(void)pthread_mutex_unlock(&clerk->mutex);
	(void)pthread_join(clerk->thread, NULL); /* it is ours and runs */
	clerk_release(clerk);
}

enum err_code clerk_ask(struct clerk *clerk, struct clerk_job *job)
{
	enum err_code code = ERR_AGAIN;

	(void)pthread_mutex_lock(&clerk->mutex);
	if (clerk->job == NULL) {
		clerk->job = job;
		(void)pthread_cond_signal(&clerk->has_news);
		code = ERR_OK;
	}
	(void)pthread_mutex_unlock(&clerk->mutex);
	return code;
}

struct ledger *clerk_ledger(struct clerk *clerk)
{
	return clerk->ledger;
}

bool clerk_is_stopping(struct clerk *clerk)
{
	return atomic_load(&clerk->is_stopping);
}
