/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void
paths_done(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->list[i]);
	free(paths->list);
}

hm_err
paths_add(struct paths *paths, const char *folder, const char *name)
{
	size_t room = paths->room == 0 ? 64 : paths->room * 2;
	char path[FILE_PATH_MAX];

	HM_TRY(path_join(path, sizeof(path), folder, name));
	if (paths->count == paths->room) {
		char **list = realloc(paths->list, room * sizeof(char *));

		if (list == NULL)
			return HM_E_NO_MEMORY;
		paths->list = list;
		paths->room = room;
	}
	paths->list[paths->count] = strdup(path);
	if (paths->list[paths->count] == NULL)
		return HM_E_NO_MEMORY;
	paths->count++;
	return HM_OK;
}

bool
ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len > tail && strcmp(name + len - tail, suffix) == 0;
}
