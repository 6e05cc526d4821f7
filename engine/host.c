/* SPDX-License-Identifier: Apache-2.0 */
/* Who this host is: its name, systemd's machine id, the kernel's boot id, its addresses. */
#include "host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "base/common.h"

static struct str text_set(char *out, size_t size, struct str text)
{
	uint32_t len = (uint32_t)MIN((size_t)text.len, size - 1);

	if (len)
		memcpy(out, text.data, len);
	out[len] = 0;
	return (struct str){ out, len };
}

static void address_add(struct host_texts *out, struct str text)
{
	uint32_t at = out->host.address_count;

	if (at == HOST_ADDRESSES)
		return;
	out->addresses[at] = text_set(out->address_texts[at], HOST_ADDRESS_SIZE, text);
	out->host.addresses = out->addresses;
	out->host.address_count++;
}

void host_copy(struct host_texts *out, const struct host *host)
{
	*out = (struct host_texts){ 0 };
	out->host.name = text_set(out->name, sizeof(out->name), host->name);
	out->host.machine_id = text_set(out->machine_id, sizeof(out->machine_id), host->machine_id);
	out->host.boot_id = text_set(out->boot_id, sizeof(out->boot_id), host->boot_id);
	for (uint32_t i = 0; i < host->address_count; i++)
		address_add(out, host->addresses[i]);
}

void host_forget(struct host_texts *host)
{
	host->host = (struct host){ .name = host->host.name };
}

/* The first line of a file that holds an id, of hex digits and dashes; else nothing. */
static struct str id_read(const char *path, char out[HOST_ID_SIZE])
{
	char text[HOST_ID_SIZE];
	autoclean(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	struct str id = { text, 0 };

	while (id.len < (size_t)MAX(len, 0) && strchr("0123456789abcdef-", text[id.len]) &&
	       text[id.len])
		id.len++;
	return text_set(out, HOST_ID_SIZE, id.len >= 32 ? id : (struct str){ 0 });
}

/* Loopback and link-local addresses say nothing about who a host is. */
static bool address_text(const struct ifaddrs *item, char out[HOST_ADDRESS_SIZE])
{
	if (!item->ifa_addr || item->ifa_flags & IFF_LOOPBACK)
		return false;
	if (item->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)item->ifa_addr;

		return (ntohl(in->sin_addr.s_addr) >> 16) != 0xa9fe &&
		       inet_ntop(AF_INET, &in->sin_addr, out, HOST_ADDRESS_SIZE);
	}
	const struct sockaddr_in6 *in6 = (const void *)item->ifa_addr;

	return item->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) &&
	       inet_ntop(AF_INET6, &in6->sin6_addr, out, HOST_ADDRESS_SIZE);
}

void host_read(struct host_texts *out)
{
	char address[HOST_ADDRESS_SIZE];
	struct ifaddrs *list = NULL;

	*out = (struct host_texts){ 0 };
	if (gethostname(out->name, sizeof(out->name) - 1) < 0)
		out->name[0] = 0;
	out->host.name = str_of(out->name);
	out->host.machine_id = id_read("/etc/machine-id", out->machine_id);
	out->host.boot_id = id_read("/proc/sys/kernel/random/boot_id", out->boot_id);
	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *item = list; item; item = item->ifa_next)
		if (address_text(item, address))
			address_add(out, str_of(address));
	freeifaddrs(list);
}
