/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <stdio.h>
#include <string.h>

static double
per_device(const struct line_result *result, double from, double to)
{
	return result->done == 0 ? 0 : (to - from) / result->done;
}

double
line_server_us(const struct line_result *result, line_role role)
{
	return per_device(
	    result, result->before.cpu_us[role], result->after.cpu_us[role]);
}

double
line_server_sum_us(const struct line_result *result)
{
	double sum = 0;

	for (int i = 0; i < LINE_ROLES; i++)
		sum += line_server_us(result, (line_role)i);
	return sum;
}

static void
put_limit(const struct line_limit *limit)
{
	for (int i = 0; i < LIMIT_ITEMS; i++)
		printf("{\"limit\":\"%s\",\"us\":%.1f}\n", line_item_names[i],
		    limit->us[i]);
	printf("{\"limit\":\"sum\",\"us\":%.1f}\n", limit->sum);
}

static void
put_roles(const struct line_result *result)
{
	for (int i = 0; i < LINE_ROLES; i++)
		printf(",\"%s_us\":%.1f", line_role_names[i],
		    line_server_us(result, (line_role)i));
	printf(",\"generator_us\":%.1f",
	    per_device(result, result->before.generator_us,
		result->after.generator_us));
	for (int i = 0; i < LINE_ROLES; i++)
		printf(",\"%s_kib\":[%.0f,%.0f]", line_role_names[i],
		    result->before.pss_kib[i], result->after.pss_kib[i]);
	printf(",\"fronts\":%u", result->after.processes[LINE_FRONT]);
}

static void
put_times(const struct line_result *result)
{
	const double *issue = result->issue_ms, *whole = result->whole_ms;

	printf(",\"issue_ms\":[%.2f,%.2f,%.2f],\"device_ms\":[%.2f,%.2f,%.2f]",
	    issue[0], issue[1], issue[2], whole[0], whole[1], whole[2]);
}

/* ---- many devices ---- */

void
line_many_add(struct line_many *many, const struct line_result *result)
{
	double us = line_server_sum_us(result);
	double per_s = result->done / result->wall_s;

	if (many->parts++ == 0) {
		many->first_us = us;
		many->first_per_s = per_s;
		memcpy(many->first_kib, result->after.pss_kib,
		    sizeof(many->first_kib));
	}
	many->last_us = us;
	many->last_per_s = per_s;
	memcpy(many->last_kib, result->after.pss_kib, sizeof(many->last_kib));
}

void
line_report_part(
    const struct line_world *world, const struct line_result *result)
{
	printf("{\"part\":\"line\",\"devices\":%u,\"per_second\":%.1f,"
	       "\"cpu_us_per_device\":%.1f",
	    world->made, result->done / result->wall_s,
	    line_server_sum_us(result));
	put_roles(result);
	put_times(result);
	printf("}\n");
	(void)fflush(stdout);
}

void
line_report_many(const struct line_many *many)
{
	printf("{\"many\":\"line\",\"devices\":%u,"
	       "\"cpu_us_per_device\":[%.1f,%.1f],"
	       "\"rate_by_cpu\":%.3f,\"per_second\":[%.1f,%.1f],"
	       "\"restart_s\":%.3f,\"audit_s\":%.2f,\"audit_cpu_s\":%.2f",
	    many->devices, many->first_us, many->last_us,
	    many->first_us / many->last_us, many->first_per_s, many->last_per_s,
	    many->restart_s, many->audit_s, many->audit_cpu_s);
	for (int i = 0; i < LINE_ROLES; i++)
		printf(",\"%s_kib\":[%.0f,%.0f]", line_role_names[i],
		    many->first_kib[i], many->last_kib[i]);
	printf("}\n");
	(void)fflush(stdout);
}

/* ---- the result ---- */

static const char *
reuse_name(line_reuse reuse)
{
	return reuse == LINE_KEEP  ? "keep-alive"
	       : reuse == LINE_NEW ? "new connections"
				   : "resumed connections";
}

/* Signatures that were made, of those that the slow token can make. */
static double
share_of_token(
    const struct line_options *options, const struct line_result *result)
{
	double can = LINE_SESSIONS * 1e3 / options->token_delay_ms;
	double each = 2 + 2 / result->commit_size;

	return each * result->done / result->wall_s / can;
}

void
line_report(const struct line_options *options,
    const struct line_result *result, const struct line_limit *limit)
{
	double sum = line_server_sum_us(result);
	double idle = (result->after.idle_us - result->before.idle_us) /
		      (result->wall_s * 1e6);

	put_limit(limit);
	printf("{\"per_second\":%.1f,\"ratio_to_limit\":%.3f,"
	       "\"cpu_us_per_device\":%.1f,\"p99_ms\":%.2f",
	    result->done / result->wall_s, sum > 0 ? limit->sum / sum : 0, sum,
	    result->issue_ms[1]);
	printf(",\"mode\":\"%s\",\"stations\":%u,\"devices\":%u,"
	       "\"wall_s\":%.2f,\"token_delay_ms\":%u,\"limit_us\":%.1f,"
	       "\"verify_us\":%.1f",
	    reuse_name(options->reuse), options->stations, result->done,
	    result->wall_s, options->token_delay_ms, limit->sum,
	    limit->us[LIMIT_VERIFY] / 3);
	put_roles(result);
	put_times(result);
	printf(",\"own_checks_us\":%.1f,\"ratio_with_own_checks\":%.3f",
	    limit->own_checks,
	    sum > 0 ? (limit->sum + limit->own_checks) / sum : 0);
	printf(",\"leaves_per_commit\":%.2f,\"idle_cores\":%.2f",
	    result->commit_size, idle);
	if (result->handshakes > 0)
		printf(",\"handshakes\":%llu,\"resumed\":%llu",
		    (unsigned long long)result->handshakes,
		    (unsigned long long)result->resumed);
	if (options->token_delay_ms > 0)
		printf(",\"of_token\":%.3f", share_of_token(options, result));
	if (result->idle_kib > 0)
		printf(",\"idle_connection_kib\":%.1f", result->idle_kib);
	if (result->rate > 0)
		printf(",\"rate\":%.1f,\"late_ms\":%.3f", result->rate,
		    result->late_ms);
	printf("}\n");
}
