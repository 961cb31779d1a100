/* SPDX-License-Identifier: Apache-2.0 */
#include "line_company.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/check.h"
#include "crypto/p256.h"

#define THREADS_MAX 64

struct line_company {
	atomic_bool over;
	unsigned count;
	pthread_t threads[THREADS_MAX];
};

static void *
work(void *context)
{
	struct line_company *company = context;
	uint8_t point[P256_POINT_LEN], digest[32] = { 1 }, signature[64];
	struct p256_public *key;
	struct p256_pair *pair;

	hm_assert(p256_pair_new(&pair) == HM_OK);
	p256_pair_point(pair, point);
	hm_assert(p256_public_new(point, &key) == HM_OK);
	hm_assert(p256_pair_sign(pair, digest, signature) == HM_OK);
	while (!atomic_load(&company->over))
		hm_assert(p256_verify_with(key, digest, signature) == HM_OK);
	p256_public_free(key);
	p256_pair_free(pair);
	return NULL;
}

struct line_company *
line_company_start(void)
{
	struct line_company *company = calloc(1, sizeof(*company));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	hm_assert(company != NULL);
	while (company->count + 1 < cores && company->count < THREADS_MAX)
		hm_assert(pthread_create(&company->threads[company->count++],
			      NULL, work, company) == 0);
	return company;
}

void
line_company_stop(struct line_company *company)
{
	atomic_store(&company->over, true);
	for (unsigned i = 0; i < company->count; i++)
		(void)pthread_join(company->threads[i], NULL);
	free(company);
}
