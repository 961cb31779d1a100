/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest - any text as the manifest of a backup
 *
 * Beside it lies one file. Whoever restores is told of one that is listed with
 * these bytes, or refuses.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz.h"
#include "server/keeper/backup_parts.h"

hm_err __wrap_file_read_text(
    const char *path, size_t max, struct buf *ret, struct why *why);

static struct hm_bytes input;
static char folder[] = "/dev/shm/hallmark-manifest-XXXXXX";
static char file[64], manifest[64];

hm_err
__wrap_file_read_text(
    const char *path, size_t max, struct buf *ret, struct why *why)
{
	(void)path;
	(void)why;
	if (input.len > 0 && memchr(input.ptr, 0, input.len) != NULL)
		return HM_E_CONFIG_BYTE;
	buf_init(ret, max);
	return buf_add(ret, input);
}

static void
end(void)
{
	(void)unlink(file);
	(void)unlink(manifest);
	(void)rmdir(folder);
}

static void
begin(void)
{
	fuzz_must(mkdtemp(folder) != NULL);
	fuzz_must(atexit(end) == 0);
	fuzz_must(path_join(file, sizeof(file), folder, "a") == HM_OK);
	fuzz_must(path_join(manifest, sizeof(manifest), folder,
		      BACKUP_MANIFEST) == HM_OK);
	fuzz_must(file_write(file, HM_LITERAL("hello\n"), 0600, NULL) == HM_OK);
	fuzz_must(file_write(manifest, HM_LITERAL("{}"), 0600, NULL) == HM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct backup_info info = { 0 };
	struct tree_hash root;
	struct why why = { 0 };
	hm_err err;

	if (file[0] == '\0')
		begin();
	input = (struct hm_bytes){ data, size };
	err = manifest_check(folder, &info, &root, &why);
	if (err == HM_OK) {
		fuzz_must(info.files == 1 && info.bytes == 6);
		fuzz_must(info.entries >= 1);
		fuzz_must(strlen(info.origin) <= HM_ORIGIN_MAX);
	}
	return 0;
}
