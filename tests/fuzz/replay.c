/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - feed files to a fuzz target, without libFuzzer
 *
 *   fuzz_x PATH...      each a file, or a folder whose files are taken
 *
 * Prints how many inputs it fed. None at all is a failure: a corpus that has
 * moved must not look like one that passes. If the target changes inputs by
 * their structure (mutate.h), each is also fed as it is after some changes, the
 * same in every run: so this part is tested, too.
 */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"
#include "mutate.h"

#define PATH_LEN 2048
#define INPUT_MAX (1 << 20)
#define CHANGES 2
#define CHANGED_MAX 65536

#pragma weak LLVMFuzzerCustomMutator

/* A flipped bit, one byte more or less. */
size_t
LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	static uint64_t state;
	uint64_t random = mutate_random(&state);

	if (size > 0 && random % 4 != 0)
		data[(random >> 8) % size] ^=
		    (uint8_t)(1u << (random >> 4) % 8);
	else if (size > 0 && random >> 2 & 1)
		size--;
	else if (size < max)
		data[size++] = (uint8_t)(random >> 8);
	return size;
}

static void
feed(const uint8_t *bytes, size_t len)
{
	/* of the right size, so that a read beyond the end is caught */
	uint8_t *input = malloc(len ? len : 1);

	fuzz_must(input);
	memcpy(input, bytes, len);
	LLVMFuzzerTestOneInput(input, len);
	free(input);
}

static void
feed_changed(const uint8_t *bytes, size_t len)
{
	static uint8_t room[CHANGED_MAX];

	for (unsigned seed = 1; seed <= CHANGES && len <= CHANGED_MAX; seed++) {
		memcpy(room, bytes, len);
		feed(room,
		    LLVMFuzzerCustomMutator(room, len, CHANGED_MAX, seed));
	}
}

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room;
	size_t len;

	if (!file)
		return -1;
	room = malloc(INPUT_MAX);
	fuzz_must(room);
	len = fread(room, 1, INPUT_MAX, file);
	if (ferror(file)) { /* a folder */
		free(room);
		fclose(file);
		return -1;
	}
	fclose(file);
	feed(room, len);
	if (LLVMFuzzerCustomMutator)
		feed_changed(room, len);
	free(room);
	return 1;
}

static int
replay_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		char file[PATH_LEN];
		int n;

		if (entry->d_name[0] == '.')
			continue;
		n = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (n < PATH_LEN && replay_file(file) > 0)
			count++;
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count < 0)
			count = replay_file(argv[i]);
		if (count < 0) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return 1;
		}
		total += count;
	}
	printf("%d inputs\n", total);
	return total == 0;
}
