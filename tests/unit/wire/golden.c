/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden - write the golden files:  test_wire_golden DIR
 *
 * Run once when a message is added. A file that exists already is left as it
 * is: what is on the wire does not change.
 */
#include <stdio.h>

#include "samples.h"

static int
write_sample(const char *dir, const struct sample *sample)
{
	uint8_t bytes[SAMPLE_MAX];
	char path[1024];
	size_t len, written;
	FILE *file;

	if (sample->encode((struct hm_span){ bytes, sizeof(bytes) }, &len)) {
		fprintf(stderr, "%s: does not encode\n", sample->name);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, sample->name);
	file = fopen(path, "wbx");
	if (!file)
		return 0;
	written = fwrite(bytes, 1, len, file);
	printf("%s\n", path);
	return fclose(file) != 0 || written != len;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < sample_count; i++)
		failed |= write_sample(argv[1], &samples[i]);
	return failed;
}
