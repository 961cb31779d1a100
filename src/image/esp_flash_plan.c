/* SPDX-License-Identifier: Apache-2.0 */
#include "image/esp_flash_plan.h"

static void
add(struct esp_flash_plan *plan, uint64_t at, uint64_t size)
{
	size_t i = plan->count++;

	/* Rows may stand in any order; few are out of it. */
	for (; i > 0 && plan->areas[i - 1].at > at; i--)
		plan->areas[i] = plan->areas[i - 1];
	plan->areas[i] = (struct esp_flash_area){ at, size };
}

void
esp_flash_plan(const struct esp_flash_layout *layout, struct findings *findings,
    struct esp_flash_plan *ret)
{
	const struct esp_table *table = layout->table;
	uint64_t boot_at = layout->chip->boot_at;

	ret->count = 0;
	if (boot_at < layout->table_at) {
		add(ret, boot_at, layout->table_at - boot_at);
		findings_part(findings, boot_at, layout->table_at - boot_at,
		    "encrypted", "boot loader");
	}
	add(ret, layout->table_at, ESP_TABLE_SECTOR);
	findings_part(findings, layout->table_at, ESP_TABLE_SECTOR, "encrypted",
	    "partition table");
	for (size_t i = 0; i < table->count; i++) {
		const struct esp_partition *row = &table->rows[i];
		bool is_in = esp_part_is_encrypted(row);

		findings_part(findings, row->at, row->size,
		    is_in ? "encrypted" : "plain", "%s", row->label);
		/* Those before the table are the two above. */
		if (is_in && row->at > layout->table_at)
			add(ret, row->at, row->size);
	}
}
