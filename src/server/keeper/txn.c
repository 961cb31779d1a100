/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include "base/log.h"

/* Memory again as the database has it. */
static hm_err
reload(struct keeper *keeper)
{
	HM_TRY(record_rolled_back(&keeper->record));
	HM_TRY(people_load(&keeper->people, keeper->db));
	HM_TRY(plan_load(&keeper->plan, &keeper->record, NULL));
	return crl_load(&keeper->crl, keeper->db);
}

hm_err
keeper_refresh(struct keeper *keeper)
{
	if (keeper->stale)
		HM_TRY(reload(keeper));
	keeper->stale = false;
	return HM_OK;
}

hm_err
keeper_begin(struct keeper *keeper, struct keeper_txn *ret)
{
	*ret = (struct keeper_txn){ 0 };
	HM_TRY(keeper_refresh(keeper));
	return db_begin(keeper->db, &ret->db, NULL);
}

void
keeper_abort(struct keeper *keeper, struct keeper_txn *txn)
{
	db_txn_done(&txn->db);
	keeper_forget_out(keeper, HM_E_STOPPING);
	/* If even this fails, it is tried again before the next one. */
	keeper->stale = reload(keeper) != HM_OK;
}

void
keeper_fail(struct keeper *keeper, struct keeper_txn *txn, hm_err err,
    const struct why *why)
{
	log_failure(LOG_ERROR, "transaction taken back", err, why, NULL);
	keeper->database = err;
	keeper_forget_out(keeper, err);
	keeper_abort(keeper, txn);
}

/* The numbers of devices that are with the signer are free, should the signer
 * and this process never meet again. */
static hm_err
save_out(struct keeper *keeper)
{
	struct work *work = keeper->out.first;

	for (; work != NULL; work = work->next) {
		struct issue_job *job = &work->job;

		if (job->again || job->is_hole)
			continue;
		HM_TRY(
		    plan_add_hole(job->order, keeper->db, job->device.number));
		job->is_hole = true;
	}
	return HM_OK;
}

hm_err
keeper_commit(struct keeper *keeper, struct keeper_txn *txn)
{
	struct why why = { 0 };
	hm_err err;

	err = save_out(keeper);
	if (err == HM_OK)
		err = plan_save(&keeper->plan, keeper->db);
	if (err == HM_OK)
		err = record_seal(&keeper->record);
	if (err == HM_OK)
		err = db_commit(&txn->db, &why);
	keeper->database = err;
	if (err == HM_OK)
		record_committed(&keeper->record);
	else
		keeper_fail(keeper, txn, err, &why);
	return err;
}
