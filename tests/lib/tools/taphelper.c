/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small network helper: it joins the user and network namespaces of a process, attaches to the
 * TAP device there, and answers ARP and pings as the gateway. It behaves like pasta where pasta
 * differs from slirp4netns: it reports on its standard output, closes inherited descriptors, and
 * exits with the process that it was started on.
 *
 *	taphelper [--jail=DIR] [--idle] [--deaf] PID DEVICE GATEWAY
 *	taphelper --version
 *
 *	--jail=DIR  chroot(2) there before it is ready
 *	--idle      attach to the device, and read no frame
 *	--deaf      go on when the process PID exits
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* After netinet/if_ether.h: another order redefines ethhdr with musl. */
#include <linux/if_tun.h>

#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

static const unsigned char our_mac[ETH_ALEN] = {0x02, 0, 0, 0, 0, 0x02};

static struct in_addr gateway;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void join(const char *pid, const char *kind, int flag)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, flag) < 0)
		die(path);
	close(fd);
}

static int attach(const char *device)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die("TUNSETIFF");
	return fd;
}

static uint16_t checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Turn a request for the gateway's address into its answer. */
static bool answer_arp(unsigned char *body, size_t size)
{
	struct ether_arp arp;

	if (size < sizeof(arp))
		return false;
	memcpy(&arp, body, sizeof(arp));
	if (arp.ea_hdr.ar_op != htons(ARPOP_REQUEST) ||
	    memcmp(arp.arp_tpa, &gateway, sizeof(gateway)) != 0)
		return false;
	arp.ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(arp.arp_tha, arp.arp_sha, sizeof(arp.arp_tha));
	memcpy(arp.arp_tpa, arp.arp_spa, sizeof(arp.arp_tpa));
	memcpy(arp.arp_sha, our_mac, sizeof(arp.arp_sha));
	memcpy(arp.arp_spa, &gateway, sizeof(arp.arp_spa));
	memcpy(body, &arp, sizeof(arp));
	return true;
}

/* Turn an echo request to the gateway into its answer. */
static bool answer_ping(unsigned char *body, size_t size)
{
	struct icmphdr icmp;
	struct iphdr ip;
	size_t header;
	uint32_t from;

	if (size < sizeof(ip))
		return false;
	memcpy(&ip, body, sizeof(ip));
	header = (size_t)ip.ihl * 4;
	size = MIN(size, (size_t)ntohs(ip.tot_len));
	if (ip.protocol != IPPROTO_ICMP || ip.daddr != gateway.s_addr || header < sizeof(ip) ||
	    size < header + sizeof(icmp))
		return false;
	memcpy(&icmp, body + header, sizeof(icmp));
	if (icmp.type != ICMP_ECHO)
		return false;
	/* The sum of the header does not change with the order of the addresses. */
	from = ip.saddr;
	ip.saddr = ip.daddr;
	ip.daddr = from;
	memcpy(body, &ip, sizeof(ip));
	icmp.type = ICMP_ECHOREPLY;
	icmp.checksum = 0;
	memcpy(body + header, &icmp, sizeof(icmp));
	icmp.checksum = checksum(body + header, size - header);
	memcpy(body + header, &icmp, sizeof(icmp));
	return true;
}

static void answer(int tap, unsigned char *frame, size_t size)
{
	struct ether_header ether;
	bool known;

	if (size < sizeof(ether))
		return;
	memcpy(&ether, frame, sizeof(ether));
	if (ether.ether_type == htons(ETHERTYPE_ARP))
		known = answer_arp(frame + sizeof(ether), size - sizeof(ether));
	else
		known = ether.ether_type == htons(ETHERTYPE_IP) &&
			answer_ping(frame + sizeof(ether), size - sizeof(ether));
	if (!known)
		return;
	memcpy(ether.ether_dhost, ether.ether_shost, ETH_ALEN);
	memcpy(ether.ether_shost, our_mac, ETH_ALEN);
	memcpy(frame, &ether, sizeof(ether));
	if (write(tap, frame, size) < 0)
		fprintf(stderr, "writing a frame: %s\n", strerror(errno));
}

static void serve(int tap, int holder, bool idle)
{
	struct pollfd fds[] = {{.fd = holder, .events = POLLIN},
			       {.fd = idle ? -1 : tap, .events = POLLIN}};
	static unsigned char frame[65536];

	while (poll(fds, ARRAY_SIZE(fds), -1) >= 0 && !fds[0].revents) {
		ssize_t n = read(tap, frame, sizeof(frame));

		if (n > 0)
			answer(tap, frame, (size_t)n);
	}
}

int main(int argc, char **argv)
{
	const char *jail = NULL;
	bool idle = false, deaf = false;
	uint32_t pid;
	int at = 1, holder, tap;

	if (argc == 2 && streq(argv[1], "--version")) {
		puts("taphelper 2.1");
		return 0;
	}
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (str_after(argv[at], "--jail="))
			jail = str_after(argv[at], "--jail=");
		else if (streq(argv[at], "--idle"))
			idle = true;
		else if (streq(argv[at], "--deaf"))
			deaf = true;
		else
			break;
	}
	if (argc - at != 3 || parse_u32(argv[at], INT32_MAX, &pid) < 0 ||
	    inet_pton(AF_INET, argv[at + 2], &gateway) != 1) {
		fputs("usage: taphelper [--jail=DIR] [--idle] [--deaf] PID DEVICE GATEWAY\n",
		      stderr);
		return 2;
	}
	/* ENOSYS: descriptors that are left open are closed at exit. */
	(void)syscall(SYS_close_range, 3U, ~0U, 0U);
	holder = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (holder < 0)
		die("pidfd_open");
	join(argv[at], "user", CLONE_NEWUSER);
	join(argv[at], "net", CLONE_NEWNET);
	tap = attach(argv[at + 1]);
	fprintf(stderr, "taphelper: attached to %s\n", argv[at + 1]);
	if (jail && chroot(jail) < 0)
		die(jail);
	printf("%d\n", getpid());
	fclose(stdout);
	serve(tap, deaf ? -1 : holder, idle);
	return 0;
}
