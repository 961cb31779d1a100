/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/audit_inner.h"

#define NAME(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static struct audit_release *
find(struct audit *audit, const uint8_t *digest)
{
	for (uint32_t i = 0; i < audit->releases.count; i++)
		if (memcmp(audit->releases.list[i].digest, digest,
			HM_DIGEST_LEN) == 0)
			return &audit->releases.list[i];
	return NULL;
}

uint32_t
audit_find_release(
    struct audit *audit, const uint8_t digest[static HM_DIGEST_LEN])
{
	const struct audit_release *found = find(audit, digest);

	return found ? (uint32_t)(found - audit->releases.list) : UINT32_MAX;
}

void
audit_release_done(struct audit_release *release)
{
	free(release->content);
	free(release->bytes);
}

/* What it says of its images must be true of the other's. */
static void
check_promotion(struct audit *audit, const struct audit_release *release)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	const struct audit_release *dev;

	if (memcmp(release->content->promoted, nothing, HM_DIGEST_LEN) == 0)
		return;
	dev = find(audit, release->content->promoted);
	if (!dev)
		audit_entry_found(audit,
		    "the release %.*s was promoted from "
		    "one that is not in the log before",
		    NAME(release->content->name));
	else if (!hm_release_is_promoted(release->content, dev->content))
		audit_entry_found(audit,
		    "the release %.*s holds other payloads than %.*s, which "
		    "it was promoted from",
		    NAME(release->content->name), NAME(dev->content->name));
}

hm_err
audit_add_release(
    struct audit *audit, const uint8_t *digest, struct hm_bytes payload)
{
	static struct hm_object object; /* large; one thread */
	struct audit_release *made;

	HM_TRY(AUDIT_GROW(&audit->releases));
	made = &audit->releases.list[audit->releases.count];
	made->bytes = malloc(payload.len);
	made->content = malloc(sizeof(*made->content));
	if (!made->bytes || !made->content) {
		audit_release_done(made);
		return HM_E_NO_MEMORY;
	}
	memcpy(made->bytes, payload.ptr, payload.len);
	/* It was decoded before. */
	HM_LOSE(hm_object_decode(
	    (struct hm_bytes){ made->bytes, payload.len }, &object));
	*made->content = object.release;
	memcpy(made->digest, digest, HM_DIGEST_LEN);
	memcpy(made->image, hm_release_measured(made->content)->digest,
	    HM_DIGEST_LEN);
	check_promotion(audit, made);
	audit->releases.count++;
	return HM_OK;
}

/* ---- approvals ---- */

static bool
is_pinned(const struct audit *audit, const uint8_t *point)
{
	const struct audit_options *options = audit->options;

	if (!options->approvers)
		return true;
	for (size_t i = 0; i < options->approver_count; i++)
		if (memcmp(options->approvers[i], point, HM_POINT_LEN) == 0)
			return true;
	return false;
}

static void
count_approval(
    struct audit *audit, struct audit_release *release, uint32_t person)
{
	const struct audit_credential *by = &audit->credentials.list[person];

	for (uint32_t i = 0; i < release->approval_count; i++)
		if (release->approvals[i] == person) {
			audit_entry_found(audit,
			    "%s approves the release %.*s for a second time",
			    by->name, NAME(release->content->name));
			return;
		}
	if (release->approval_count < AUDIT_APPROVALS_MAX)
		release->approvals[release->approval_count++] = person;
}

void
audit_approve(struct audit *audit, const struct hm_approval *approval)
{
	struct audit_credential *by =
	    audit_find_credential(audit, approval->approver);
	struct audit_release *release = find(audit, approval->release);

	if (!release) {
		audit_entry_found(audit,
		    "%.*s approves a release that is not in the log before",
		    NAME(approval->approver));
		return;
	}
	if (!by || by->role != HM_ROLE_APPROVER)
		audit_entry_found(audit, "%.*s has no credential as approver",
		    NAME(approval->approver));
	else if (by->revoked)
		audit_entry_found(
		    audit, "the credential of %s was revoked", by->name);
	else if (!is_pinned(audit, by->point))
		audit_entry_found(audit,
		    "the key of %s is none of the approvers that were given",
		    by->name);
	else if (release->revoked)
		audit_entry_found(audit,
		    "the release %.*s is approved after it was revoked",
		    NAME(release->content->name));
	else
		count_approval(
		    audit, release, (uint32_t)(by - audit->credentials.list));
}

void
audit_revoke_release(struct audit *audit, struct hm_bytes target)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct audit_release *release = NULL;

	if (hex_parse(target, digest, sizeof(digest)) == HM_OK)
		release = find(audit, digest);
	if (release)
		release->revoked = true;
	else
		audit_entry_found(
		    audit, "a command revokes a release that is not known");
}

/* ---- orders ---- */

/* What was ordered once of a product is not ordered older. */
static void
check_counter(struct audit *audit, const struct hm_order *order,
    const struct audit_release *release)
{
	const struct hm_release *r = release->content;

	for (uint32_t i = 0; i < audit->grants.count; i++) {
		uint32_t at = audit->grants.list[i].release;
		const struct hm_release *other;

		if (at == UINT32_MAX)
			continue;
		other = audit->releases.list[at].content;
		if (other->channel != r->channel ||
		    !hm_bytes_equal(other->product, r->product) ||
		    other->counter <= r->counter)
			continue;
		audit_entry_found(audit,
		    "the order %.*s is for security counter %" PRIu32
		    ", but %s was for %" PRIu32,
		    NAME(order->name), r->counter, audit->orders.list[i].name,
		    other->counter);
		return;
	}
}

void
audit_check_release(
    struct audit *audit, const struct hm_order *order, uint32_t at)
{
	const struct audit_release *release = &audit->releases.list[at];
	const struct hm_release *r = release->content;

	if (r->channel != order->channel)
		audit_entry_found(audit,
		    "the release of the order %.*s is of the other channel",
		    NAME(order->name));
	if (release->revoked)
		audit_entry_found(audit,
		    "the order %.*s is for a release that was revoked",
		    NAME(order->name));
	if (r->channel == HM_CHANNEL_PROD &&
	    release->approval_count < HM_APPROVALS_MIN)
		audit_entry_found(audit,
		    "the order %.*s is for a release with %" PRIu32
		    " approvals; production needs %d",
		    NAME(order->name), release->approval_count,
		    HM_APPROVALS_MIN);
	check_counter(audit, order, release);
}
