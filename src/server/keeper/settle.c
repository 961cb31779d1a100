/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include "base/log.h"

static void
report(const char *event, hm_err err, const struct why *why)
{
	if (err != HM_OK)
		log_failure(LOG_ERROR, event, err, why, NULL);
}

/* One piece of work, if it is due, in a transaction of its own. */
static hm_err
in_transaction(struct keeper *keeper, uint64_t now_s,
    hm_err (*what)(struct keeper *keeper, uint64_t now_s))
{
	struct keeper_txn txn;
	hm_err err;

	HM_TRY(keeper_begin(keeper, &txn));
	err = what(keeper, now_s);
	if (err == HM_OK)
		return keeper_commit(keeper, &txn);
	keeper_abort(keeper, &txn);
	return err;
}

static hm_err
do_timeouts(struct keeper *keeper, uint64_t now_s)
{
	uint32_t count;

	return keeper_do_timeouts(keeper, now_s, &count);
}

static hm_err
do_crl(struct keeper *keeper, uint64_t now_s)
{
	return crl_renew(&keeper->crl, &keeper->record, now_s);
}

static bool
has_timeouts(struct keeper *keeper, uint64_t now_s)
{
	struct device device;
	bool found;

	return device_find_due(keeper->db, now_s, &device, &found) == HM_OK &&
	       found;
}

/* A reserved device that is with the signer must not go back meanwhile. */
static void
look_at_timeouts(struct keeper *keeper, uint64_t now_s)
{
	bool due = has_timeouts(keeper, now_s);

	keeper->draining = due && keeper->out.count > 0;
	if (keeper->draining)
		keeper->settle_due = true;
	else if (due)
		report("time-outs", in_transaction(keeper, now_s, do_timeouts),
		    NULL);
}

void
keeper_settle(struct keeper *keeper, uint64_t now_s)
{
	struct why why = { 0 };
	hm_err err;

	/* Tiles are of committed leaves only. */
	keeper->settle_due = keeper->group.open || keeper->proving.count > 0;
	if (keeper->settle_due)
		return;
	err = keeper_refresh(keeper);
	if (err != HM_OK) {
		report("read again", err, NULL);
		keeper->settle_due = true;
		return;
	}
	sign_begin(&keeper->signer);
	look_at_timeouts(keeper, now_s);
	if (crl_is_due(&keeper->crl, now_s)) {
		err = in_transaction(keeper, now_s, do_crl);
		report("revocation list", err, NULL);
		if (err != HM_OK)
			crl_failed(&keeper->crl, now_s);
	}
	/* Time-outs or a list may have been taken back. */
	if (!keeper->stale)
		report("publish", record_publish(&keeper->record, &why), &why);
}

void
keeper_idle(struct keeper *keeper)
{
	if (!keeper->group.open)
		(void)db_idle(keeper->db); /* whether there was anything */
}
