/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_call - the client of net/, driven line by line by test_net.py
 *
 *	net_call URL CA [CERT KEY] [max=BYTES] [deadline=MS]
 *
 * Input lines: "get PATH", "post PATH BODY", "deadline MS", "hangup", "counts".
 * Each is answered with one line: "STATUS TYPE|BODY" or "error NUMBER WORDS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/client.h"

static void
tell(hm_err err, const struct net_answer *answer, const struct why *why)
{
	struct hm_bytes body = buf_bytes(&answer->body);

	while (body.len && (body.len > 200 || body.ptr[body.len - 1] == '\n'))
		body.len--;
	if (err == HM_OK)
		printf("%d %s|%.*s\n", answer->status, answer->type,
		    (int)body.len, body.len ? (const char *)body.ptr : "");
	else
		printf("error %d %s / %s / %s\n", (int)err, why->text,
		    why->where, why->act);
}

static void
run(struct net_client *client, char *line, struct net_answer *answer)
{
	struct why why = { 0 };
	char *verb = line, *path, *body;

	path = strchr(line, ' ');
	if (path)
		*path++ = '\0';
	body = path ? strchr(path, ' ') : NULL;
	if (body)
		*body++ = '\0';
	if (strcmp(verb, "get") == 0) {
		hm_err err = net_client_get(client, path, answer, &why);
		tell(err, answer, &why);
	} else if (strcmp(verb, "post") == 0) {
		hm_err err = net_client_post(client, path, "text/plain",
		    hm_bytes_of(body ? body : ""), answer, &why);
		tell(err, answer, &why);
	} else if (strcmp(verb, "deadline") == 0) {
		net_client_deadline(client, (unsigned)atoi(path));
		puts("ok");
	} else if (strcmp(verb, "hangup") == 0) {
		net_client_hang_up(client);
		puts("ok");
	} else {
		struct net_client_counts c = net_client_counts(client);
		printf("calls %d connections %d resumed %d\n", (int)c.calls,
		    (int)c.connections, (int)c.resumed);
	}
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct net_client_config config = { 0 };
	const char **slots[] = { &config.url, &config.ca, &config.certificate,
		&config.key };
	struct net_client *client;
	struct net_answer answer = { 0 };
	struct why why = { 0 };
	char *line = NULL;
	size_t room = 0, slot = 0;
	ssize_t n;
	hm_err err;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "max=", 4) == 0)
			config.max_answer = (size_t)atol(argv[i] + 4);
		else if (strncmp(argv[i], "deadline=", 9) == 0)
			config.deadline_ms = (unsigned)atoi(argv[i] + 9);
		else if (slot < 4)
			*slots[slot++] = argv[i];
	}
	err = net_client_new(&config, &client, &why);
	if (err != HM_OK) {
		tell(err, &answer, &why);
		return 1;
	}
	while ((n = getline(&line, &room, stdin)) > 0) {
		line[n - 1] = '\0';
		run(client, line, &answer);
	}
	free(line);
	net_answer_done(&answer);
	net_client_free(client);
	return 0;
}
