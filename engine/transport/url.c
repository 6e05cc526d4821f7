/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading URLs. Whatever is not understood is an error: a typing error must not send alerts
 * elsewhere.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/common.h"
#include "base/err.h"
#include "base/suggest.h"
#include "url.h"

static int refuse(struct err *err, const char *schemes, const char *what)
{
	const char *end = strchrnul(schemes, ' ');

	err_set(err, -EINVAL, "%s", what);
	err_hint(err, "a URL looks like %.*s://HOST:PORT", (int)(end - schemes), schemes);
	return -EINVAL;
}

static bool next_scheme(const char **schemes, struct str *out)
{
	*schemes += strspn(*schemes, " ");
	*out = (struct str){ *schemes, (uint32_t)strcspn(*schemes, " ") };
	*schemes += out->len;
	return out->len > 0;
}

static int scheme_check(struct str found, const char *schemes, struct err *err)
{
	const char *rest = schemes;
	struct suggest suggest;
	struct str scheme;

	suggest_start(&suggest, found);
	while (next_scheme(&rest, &scheme)) {
		if (str_equal(scheme, found))
			return 0;
		suggest_try(&suggest, scheme);
	}
	err_set(err, -EINVAL, "unknown scheme '%.*s' in the URL", (int)found.len, found.data);
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'? It can be: %s", (int)suggest.best.len,
			 suggest.best.data, schemes);
	else
		err_hint(err, "it can be: %s", schemes);
	return -EINVAL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes; false if it does not fit, an escape is broken or it holds a NUL. */
static bool decode(struct str from, char *out, size_t size)
{
	size_t len = 0;

	for (uint32_t i = 0; i < from.len; i++) {
		char c = from.data[i];

		if (c == '%') {
			int high = i + 2 < from.len ? hex_digit(from.data[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(from.data[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!c || len + 1 >= size)
			return false;
		out[len++] = c;
	}
	out[len] = 0;
	return true;
}

static bool copy(struct str from, char *out, size_t size)
{
	if (from.len >= size)
		return false;
	memcpy(out, from.data, from.len);
	out[from.len] = 0;
	return true;
}

/* Everything before `at` is taken off `rest`; `at` itself too. */
static struct str cut(struct str *rest, const char *at)
{
	struct str head = { rest->data, (uint32_t)(at - rest->data) };

	rest->len -= head.len + 1;
	rest->data = at + 1;
	return head;
}

static const char *find(struct str in, char c)
{
	return in.len ? memchr(in.data, c, in.len) : NULL;
}

static const char *find_last(struct str in, char c)
{
	return in.len ? memrchr(in.data, c, in.len) : NULL;
}

/* USER[:PASSWORD] */
static bool read_user(struct str text, struct url *out)
{
	const char *colon = find(text, ':');
	struct str user = colon ? cut(&text, colon) : text;

	return user.len && decode(user, out->user, sizeof(out->user)) &&
	       (!colon || decode(text, out->password, sizeof(out->password)));
}

static bool read_port(struct str text, uint16_t *out)
{
	uint32_t port = 0;

	if (!text.len || text.len > 5)
		return false;
	for (uint32_t i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)text.data[i]))
			return false;
		port = port * 10 + (uint32_t)(text.data[i] - '0');
	}
	*out = (uint16_t)port;
	return port && port <= UINT16_MAX;
}

static bool host_byte(char c, bool ipv6)
{
	if (ipv6)
		return isxdigit((unsigned char)c) || c == ':' || c == '.' || c == '%';
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

/* HOST[:PORT] or [IPV6][:PORT]; NULL if fine, else what is wrong */
static const char *read_host(struct str text, struct url *out)
{
	struct str host = text;
	const char *colon;

	out->ipv6 = text.len && text.data[0] == '[';
	if (out->ipv6) {
		const char *end = find(text, ']');

		if (!end)
			return "the URL's IPv6 address lacks its ']'";
		cut(&text, text.data);
		host = cut(&text, end);
		if (text.len && text.data[0] != ':')
			return "the URL has text between the address and the port";
		colon = text.len ? text.data : NULL;
	} else {
		colon = find(text, ':');
		if (colon)
			host = (struct str){ text.data, (uint32_t)(colon - text.data) };
	}
	if (colon) {
		cut(&text, colon);
		if (!read_port(text, &out->port))
			return "the URL's port is not a number from 1 to 65535";
	}
	if (!host.len)
		return "the URL names no host";
	for (uint32_t i = 0; i < host.len; i++)
		if (!host_byte(host.data[i], out->ipv6))
			return "the URL's host has a character that no host name has";
	return copy(host, out->host, sizeof(out->host)) ? NULL : "the URL's host is too long";
}

static const char *read_rest(struct str rest, struct url *out)
{
	uint32_t end = 0;

	while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
		end++;
	struct str authority = { rest.data, end };
	const char *at = find_last(authority, '@');

	rest.data += end;
	rest.len -= end;
	if (at && !read_user(cut(&authority, at), out))
		return "the URL's user and password cannot be read";
	if (out->local && authority.len)
		return "a unix URL has three slashes: unix:///run/receiver.sock";
	const char *wrong = out->local ? NULL : read_host(authority, out);

	if (wrong)
		return wrong;
	const char *question = find(rest, '?');
	struct str path = question ? cut(&rest, question) : rest;

	if (!copy(path, out->path, sizeof(out->path)) ||
	    (question && !copy(rest, out->query, sizeof(out->query))))
		return "the URL is too long";
	return out->local && path.len < 2 ? "the URL names no socket" : NULL;
}

int url_parse(struct str text, const char *schemes, struct url *out, struct err *err)
{
	struct url url = { 0 };

	for (uint32_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] <= ' ' || (unsigned char)text.data[i] >= 0x7f)
			return refuse(
				err, schemes,
				"the URL holds a space or another character to be written as %XX");
	const char *colon = find(text, ':');

	if (!colon || text.len < (size_t)(colon - text.data) + 3 || memcmp(colon, "://", 3) != 0)
		return refuse(err, schemes, "the URL does not begin with a scheme and ://");
	struct str scheme = cut(&text, colon);
	int r = scheme_check(scheme, schemes, err);

	if (r < 0)
		return r;
	if (find(text, '#'))
		return refuse(err, schemes, "the URL has a fragment (#), which no receiver sees");
	copy(scheme, url.scheme, sizeof(url.scheme));
	url.local = str_equal(scheme, STR("unix"));
	cut(&text, text.data + 1);
	const char *wrong = read_rest(text, &url);

	if (wrong)
		return refuse(err, schemes, wrong);
	*out = url;
	return 0;
}

const char *url_shown(const struct url *url, char *out, size_t size)
{
	if (url->local)
		snprintf(out, size, "%s", url->path);
	else
		snprintf(out, size, url->ipv6 ? "%s://[%s]" : "%s://%s", url->scheme, url->host);
	size_t len = strlen(out);

	if (url->port && len < size)
		snprintf(out + len, size - len, ":%u", url->port);
	return out;
}

/* Takes NAME[=VALUE] off the query; false at its end. */
static bool next_parameter(struct str *query, struct str *name, struct str *value)
{
	if (!query->len)
		return false;
	const char *end = find(*query, '&');
	struct str pair = end ? cut(query, end) : *query;

	if (!end)
		query->len = 0;
	const char *equals = find(pair, '=');

	*name = equals ? cut(&pair, equals) : pair;
	*value = equals ? pair : STR("");
	return true;
}

bool url_parameter(const struct url *url, const char *name, char *out, size_t size)
{
	struct str query = str_of(url->query), found, value;

	while (next_parameter(&query, &found, &value))
		if (str_equal(found, str_of(name)))
			return decode(value, out, size);
	return false;
}

int64_t url_duration(const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *end;
	long long number = strtoll(text, &end, 10);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (end != text && number > 0 && number < 1000000 && !strcmp(end, units[i].unit))
			return number * units[i].ms;
	return -1;
}

const char *url_unknown_parameter(const struct url *url, const char *known, char *out, size_t size)
{
	struct str query = str_of(url->query), found, value, word;

	while (next_parameter(&query, &found, &value)) {
		const char *rest = known;
		bool same = false;

		while (!same && next_scheme(&rest, &word))
			same = str_equal(word, found);
		if (!same) {
			snprintf(out, size, "%.*s", (int)found.len, found.data);
			return out;
		}
	}
	return NULL;
}
