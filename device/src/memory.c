/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <string.h>

static void
encode(const struct hm_agent_memory *memory, struct hm_cbor_out *out)
{
	hm_cbor_put_map(out, 5);
	hm_cbor_put_uint(out, 0);
	hm_cbor_put_uint(out, 1);
	hm_cbor_put_uint(out, 1);
	hm_cbor_put_uint(out, memory->state);
	hm_cbor_put_uint(out, 2);
	hm_cbor_put_array(out, memory->binding_count);
	for (uint32_t i = 0; i < memory->binding_count; i++)
		hm_cbor_put_bytes(out, HM_BYTES(memory->bindings[i]));
	hm_cbor_put_uint(out, 3);
	if (memory->state >= HM_AGENT_STAMPED)
		hm_cbor_put_bytes(out, HM_BYTES(memory->stamp));
	else
		hm_cbor_put_null(out);
	hm_cbor_put_uint(out, 4);
	if (memory->state >= HM_AGENT_STAMPED)
		hm_cbor_put_bytes(out, HM_MAKE(hm_bytes, memory->conformance,
					   memory->conformance_len));
	else
		hm_cbor_put_null(out);
}

static hm_err
decode(struct hm_bytes encoded, struct hm_agent_memory *ret)
{
	struct hm_cbor_in in;
	struct hm_bytes conformance;

	hm_cbor_in_init(&in, encoded);
	if (hm_cbor_get_map(&in, 5) != 5)
		return HM_E_STORAGE;
	hm_cbor_key(&in, 0);
	if (hm_cbor_get_uint(&in, 1) != 1)
		return HM_E_STORAGE;
	hm_cbor_key(&in, 1);
	ret->state = (hm_agent_state)hm_cbor_get_uint(&in, HM_AGENT_COMPLETE);
	hm_cbor_key(&in, 2);
	ret->binding_count = hm_cbor_get_array(&in, HM_AGENT_BINDINGS);
	for (uint32_t i = 0; i < ret->binding_count; i++)
		hm_cbor_get_fixed(&in, ret->bindings[i], HM_DIGEST_LEN);
	hm_cbor_key(&in, 3);
	if (ret->state < HM_AGENT_STAMPED) {
		hm_cbor_get_null(&in);
		hm_cbor_key(&in, 4);
		hm_cbor_get_null(&in);
		return hm_cbor_in_end(&in);
	}
	hm_cbor_get_fixed(&in, ret->stamp, HM_DIGEST_LEN);
	hm_cbor_key(&in, 4);
	conformance = hm_cbor_get_bytes(&in, 1, HM_AGENT_CONFORMANCE);
	HM_TRY(hm_cbor_in_end(&in));
	memcpy(ret->conformance, conformance.ptr, conformance.len);
	ret->conformance_len = (uint32_t)conformance.len;
	return HM_OK;
}

hm_err
memory_load(struct hm_agent_memory *ret)
{
	uint8_t room[MEMORY_ENCODED_MAX];
	struct hm_agent_memory memory = { .state = HM_AGENT_BLANK };
	size_t len = 0;
	hm_err err = hm_port_store_read(
	    HM_RECORD_STATE, HM_MAKE(hm_span, room, sizeof(room)), &len);

	if (err != HM_OK && err != HM_E_NOT_FOUND)
		return HM_E_STORAGE;
	if (err == HM_OK &&
	    decode(HM_MAKE(hm_bytes, room, len), &memory) != HM_OK)
		return HM_E_STORAGE;
	*ret = memory;
	return HM_OK;
}

hm_err
memory_store(const struct hm_agent_memory *memory)
{
	uint8_t room[MEMORY_ENCODED_MAX];
	struct hm_cbor_out out;
	size_t len = 0;

	hm_cbor_out_init(&out, HM_MAKE(hm_span, room, sizeof(room)));
	encode(memory, &out);
	HM_TRY(hm_cbor_out_end(&out, &len));
	return hm_port_store_write(
	    HM_RECORD_STATE, HM_MAKE(hm_bytes, room, len));
}

bool
memory_knows(const struct hm_agent_memory *memory,
    const uint8_t binding[HM_STATIC HM_DIGEST_LEN])
{
	for (uint32_t i = 0; i < memory->binding_count; i++)
		if (hm_equal_ct(memory->bindings[i], binding, HM_DIGEST_LEN))
			return true;
	return false;
}

void
memory_remember(struct hm_agent_memory *memory,
    const uint8_t binding[HM_STATIC HM_DIGEST_LEN])
{
	if (memory_knows(memory, binding))
		return;
	if (memory->binding_count < HM_AGENT_BINDINGS)
		memory->binding_count++;
	memmove(memory->bindings[1], memory->bindings[0],
	    (memory->binding_count - 1) * HM_DIGEST_LEN);
	memcpy(memory->bindings[0], binding, HM_DIGEST_LEN);
}
