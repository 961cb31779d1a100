/* SPDX-License-Identifier: Apache-2.0 */
#include "station/sender.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"

#define PATIENCE_US 20000000u /* for one answer: a slow chip verifies */
#define LOOK_US 200000u       /* between two looks at a trial */
#define INSTALLS 8 /* times that an update is sent until it is installed */

hm_err
sender_open(struct sender *sender, const char *link, uint64_t timeout_us,
    struct why *why)
{
	memset(sender, 0, sizeof(*sender));
	sender->timeout_us = timeout_us;
	return pipe_open(&sender->pipe, link, why);
}

void
sender_close(struct sender *sender)
{
	if (sender->timeout_us != 0)
		pipe_close(&sender->pipe);
	sender->timeout_us = 0;
}

/* ---- one question ---- */

/* A device, unless one is there. On a tty only an answer tells. */
static hm_err
connect_device(struct sender *sender, uint64_t deadline_us, struct why *why)
{
	uint64_t now_us = clock_mono_us();
	uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 1;
	struct itimerspec after = { .it_value = {
					.tv_sec = (time_t)(left_us / 1000000),
					.tv_nsec =
					    (long)(left_us % 1000000 * 1000),
				    } };
	int timer;
	hm_err err;

	if (sender->pipe.is_tty || sender->pipe.fd >= 0)
		return HM_OK;
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &after, NULL) != 0) {
		if (timer >= 0)
			close(timer);
		return WHY(why, HM_E_IO, "no timer: %s", strerror(errno));
	}
	err = pipe_await(&sender->pipe, timer, why);
	close(timer);
	if (err != HM_E_STOPPING)
		return err;
	why_where(why, "%s", sender->pipe.path);
	return WHY(why, HM_E_NO_DEVICE, "no device has connected");
}

struct taker {
	hm_update_type asked;
	struct hm_update_answer answer;
};

/* A question that was repeated is answered as often; what comes late is none of
 * the next one. */
static bool
take(void *context, struct hm_bytes message)
{
	struct taker *taker = context;

	return hm_update_answer_decode(message, &taker->answer) == HM_OK &&
	       (taker->answer.err != HM_OK ||
		   taker->answer.state.asked == taker->asked);
}

/* HM_E_LINK and HM_E_TIMEOUT hang up: the device may come again. */
static hm_err
ask(struct sender *sender, const struct hm_update_ask *question,
    uint64_t deadline_us, struct why *why)
{
	static uint8_t message[HM_UPDATE_ASK_MAX];
	struct taker taker = { .asked = question->type };
	uint64_t until_us = clock_mono_us() + PATIENCE_US;
	size_t len;
	hm_err err;

	HM_TRY(connect_device(sender, deadline_us, why));
	HM_TRY(hm_update_ask_encode(
	    question, (struct hm_span){ message, sizeof(message) }, &len));
	err = pipe_exchange(&sender->pipe, (struct hm_bytes){ message, len },
	    until_us < deadline_us ? until_us : deadline_us, take, &taker);
	if (err == HM_E_LINK)
		pipe_hang_up(&sender->pipe);
	HM_TRY(err);
	if (taker.answer.err == HM_OK)
		sender->state = taker.answer.state;
	return taker.answer.err;
}

/* Was it the link that failed? Then the same again may do. */
static bool
is_lost(hm_err err)
{
	return err == HM_E_LINK || err == HM_E_TIMEOUT;
}

static hm_err
explain(const struct sender *sender, hm_err err, struct why *why)
{
	why_where(why, "%s", sender->pipe.path);
	if (err == HM_E_TIMEOUT)
		return WHY(why, err, "the device does not answer");
	if (err == HM_E_LINK)
		return WHY(why, err, "the link to the device has closed");
	if (err == HM_E_COUNTER) {
		why_do(why, "send an image that is not older");
		return WHY(why, err,
		    "the image's security counter is below the device's");
	}
	return WHY(why, err, "the device refuses");
}

hm_err
sender_ask(struct sender *sender, hm_update_type question, struct why *why)
{
	const struct hm_update_ask what = { .type = question };
	uint64_t deadline_us = clock_mono_us() + sender->timeout_us;
	hm_err err;

	do {
		err = ask(sender, &what, deadline_us, why);
	} while (is_lost(err) && clock_mono_us() < deadline_us);
	return err == HM_OK ? HM_OK : explain(sender, err, why);
}

/* ---- an image ---- */

static hm_err
announce(struct sender *sender, const struct sender_image *image,
    uint64_t deadline_us, struct why *why)
{
	struct hm_update_ask question = { .type = HM_UPDATE_ANNOUNCE,
		.tlvs = image->tlvs };

	memcpy(question.header, image->header, sizeof(question.header));
	HM_TRY(ask(sender, &question, deadline_us, why));
	if (sender->resumed_at == 0)
		sender->resumed_at = sender->state.received;
	if (sender->state.size != image->size)
		return WHY(
		    why, HM_E_LINK, "the device speaks of another update");
	return HM_OK;
}

/* One piece, from where the device stands. */
static hm_err
send_piece(struct sender *sender, const struct sender_image *image,
    uint64_t deadline_us, struct why *why)
{
	static uint8_t bytes[HM_UPDATE_DATA_MAX];
	const uint32_t at = sender->state.received;
	uint32_t n = image->size - at;
	const struct hm_update_ask question = { .type = HM_UPDATE_DATA,
		.at = at,
		.bytes = { bytes,
		    n < sender->state.piece ? n : sender->state.piece } };

	HM_TRY(input_read(
	    image->file, at, (struct hm_span){ bytes, question.bytes.len }));
	return ask(sender, &question, deadline_us, why);
}

/* Until the link is lost, or it is whole and verified. */
static hm_err
send_rest(struct sender *sender, const struct sender_image *image,
    uint64_t *deadline_us, struct why *why)
{
	const struct hm_update_ask finish = { .type = HM_UPDATE_FINISH };
	uint32_t before;

	HM_TRY(announce(sender, image, *deadline_us, why));
	progress_begin_slow("sending", image->size);
	progress_add(sender->state.received);
	while (sender->state.received < image->size) {
		before = sender->state.received;
		HM_TRY(send_piece(sender, image, *deadline_us, why));
		if (sender->state.received <= before)
			continue; /* it has restarted, or answered late */
		progress_add(sender->state.received - before);
		*deadline_us = clock_mono_us() + sender->timeout_us;
	}
	return ask(sender, &finish, *deadline_us, why);
}

/* A device that has restarted knows of no update: it is announced again. */
static hm_err
send_whole(
    struct sender *sender, const struct sender_image *image, struct why *why)
{
	uint64_t deadline_us = clock_mono_us() + sender->timeout_us;
	uint32_t before = 0;
	hm_err err;

	do {
		before = sender->state.received;
		err = send_rest(sender, image, &deadline_us, why);
		progress_end();
	} while ((is_lost(err) || (err == HM_E_WRONG_STATE &&
				      sender->state.received > before)) &&
		 clock_mono_us() < deadline_us);
	if (err != HM_OK)
		return explain(sender, err, why);
	memcpy(sender->sent, sender->state.update, sizeof(sender->sent));
	return HM_OK;
}

/* ---- installing ---- */

static bool
runs_it(const struct sender *sender)
{
	return memcmp(sender->state.running, sender->sent, HM_DIGEST_LEN) == 0;
}

static bool
has_it_installed(const struct sender *sender)
{
	const struct hm_update_state *state = &sender->state;

	return state->where == HM_UPDATE_AT_INSTALLED &&
	       memcmp(state->update, sender->sent, HM_DIGEST_LEN) == 0;
}

/* Whose power goes before the answer refuses the question when it comes again:
 * it is installed by then, runs, or was never noted. */
hm_err
sender_install(
    struct sender *sender, const struct sender_image *image, struct why *why)
{
	hm_err err = HM_E_WRONG_STATE;

	for (unsigned i = 0; i < INSTALLS; i++) {
		HM_TRY(send_whole(sender, image, why));
		err = sender_ask(sender, HM_UPDATE_INSTALL, why);
		if (err != HM_E_WRONG_STATE)
			return err;
		HM_TRY(sender_ask(sender, HM_UPDATE_STATUS, why));
		if (runs_it(sender) || has_it_installed(sender))
			return HM_OK;
	}
	return err;
}

/* ---- the trial ---- */

static void
pause_us(uint64_t us)
{
	const struct timespec time = { .tv_nsec = (long)(us * 1000) };

	(void)nanosleep(&time, NULL); /* woken early is as good */
}

/* HM_E_STOPPING: it has not decided. */
static hm_err
judge(const struct sender *sender, struct why *why)
{
	const struct hm_update_state *state = &sender->state;

	if (runs_it(sender))
		return state->is_confirmed ? HM_OK : HM_E_STOPPING;
	if (state->where == HM_UPDATE_AT_INSTALLED)
		return HM_E_STOPPING; /* not restarted yet */
	return WHY(why, HM_E_DEVICE_REFUSED,
	    "the device went back to the image before");
}

hm_err
sender_start(struct sender *sender, struct why *why)
{
	const struct hm_update_ask restart = { .type = HM_UPDATE_RESTART };
	const struct hm_update_ask status = { .type = HM_UPDATE_STATUS };
	uint64_t deadline_us = clock_mono_us() + sender->timeout_us;
	hm_err err = HM_OK;

	if (!runs_it(sender))
		err = ask(sender, &restart, deadline_us, why);
	while (err == HM_OK || err == HM_E_STOPPING || is_lost(err)) {
		if (clock_mono_us() >= deadline_us)
			return WHY(why, HM_E_TIMEOUT,
			    "the device has not confirmed the image in time");
		pause_us(LOOK_US);
		err = ask(sender, &status, deadline_us, why);
		if (err == HM_OK)
			err = judge(sender, why);
		if (err == HM_OK)
			return HM_OK;
	}
	return explain(sender, err, why);
}
