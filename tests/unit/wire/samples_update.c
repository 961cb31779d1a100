/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"
#include "wire/update.h"

hm_err
sample_update_status(struct hm_span room, size_t *ret_len)
{
	const struct hm_update_ask ask = { .type = HM_UPDATE_STATUS };

	return hm_update_ask_encode(&ask, room, ret_len);
}

hm_err
sample_update_announce(struct hm_span room, size_t *ret_len)
{
	static const uint8_t tlvs[] = { 0x07, 0x69, 0x08, 0, 0x10, 0, 0, 0 };
	struct hm_update_ask ask = { .type = HM_UPDATE_ANNOUNCE,
		.tlvs = HM_BYTES(tlvs) };

	sample_fill(ask.header, sizeof(ask.header), 0x40);
	return hm_update_ask_encode(&ask, room, ret_len);
}

hm_err
sample_update_data(struct hm_span room, size_t *ret_len)
{
	const struct hm_update_ask ask = { .type = HM_UPDATE_DATA,
		.at = 0x12000,
		.bytes = HM_LITERAL("sixteen bytes .. of firmware") };

	return hm_update_ask_encode(&ask, room, ret_len);
}

hm_err
sample_update_state(struct hm_span room, size_t *ret_len)
{
	struct hm_update_answer answer = { .state = {
					       .where = HM_UPDATE_AT_RECEIVING,
					       .received = 0x12000,
					       .size = 0x40020,
					       .major = 1,
					       .minor = 2,
					       .revision = 3,
					       .build = 4,
					       .counter = 7,
					       .is_confirmed = true,
					       .piece = 1024,
					       .asked = HM_UPDATE_DATA,
					   } };

	sample_fill(answer.state.update, sizeof(answer.state.update), 0x20);
	sample_fill(answer.state.running, sizeof(answer.state.running), 0x60);
	return hm_update_answer_encode(&answer, room, ret_len);
}

hm_err
sample_update_problem(struct hm_span room, size_t *ret_len)
{
	const struct hm_update_answer answer = { .err = HM_E_IMAGE_OLDER };

	return hm_update_answer_encode(&answer, room, ret_len);
}
