/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - feed files to a fuzz target, without libFuzzer
 *
 *   fuzz_x PATH...      each a file, or a folder whose files are taken
 *
 * Prints how many inputs it fed. None at all is a failure: a corpus that has
 * moved must not look like one that passes.
 */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define PATH_LEN 2048
#define INPUT_MAX (1 << 20)

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *room, *input;
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
	/* of the right size, so that a read beyond the end is caught */
	input = malloc(len ? len : 1);
	fuzz_must(input);
	memcpy(input, room, len);
	free(room);
	LLVMFuzzerTestOneInput(input, len);
	free(input);
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
