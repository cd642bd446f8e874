/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define DATAGRAM_BYTES (64U << 10)

/* Limits of one send with UDP_SEGMENT: the maximum payload of an IPv4 datagram, and
 * UDP_MAX_SEGMENTS of older kernels. */
#define SEGMENTS_BYTES 65507U
#define SEGMENTS_MAX   64U

#define TRIM_MS 1000

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct batch_arrays {
	struct mmsghdr in[BATCH_DATAGRAMS], out[BATCH_DATAGRAMS];
	struct iovec in_iov[BATCH_DATAGRAMS], out_iov[BATCH_DATAGRAMS];
	union endpoint names[BATCH_DATAGRAMS];
	union control in_control[BATCH_DATAGRAMS], out_control[BATCH_DATAGRAMS];
	int16_t first[BATCH_DATAGRAMS]; /* the first datagram of each send */
};

struct batch *batch_new(void)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->arrays = calloc(1, sizeof(*batch->arrays));
	batch->data = mmap(NULL, (size_t)BATCH_DATAGRAMS * DATAGRAM_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!batch->arrays || batch->data == MAP_FAILED) {
		free(batch->arrays);
		free(batch);
		return NULL;
	}
	return batch;
}

int batch_receive(struct batch *batch, int fd, unsigned max)
{
	struct batch_arrays *a = batch->arrays;
	int n;

	for (unsigned i = 0; i < max; i++) {
		a->in_iov[i].iov_base = batch->data + (size_t)i * DATAGRAM_BYTES;
		a->in_iov[i].iov_len = DATAGRAM_BYTES;
		a->in[i].msg_hdr = (struct msghdr){
			.msg_name = &a->names[i],
			.msg_namelen = sizeof(a->names[i]),
			.msg_iov = &a->in_iov[i],
			.msg_iovlen = 1,
			.msg_control = &a->in_control[i],
			.msg_controllen = sizeof(a->in_control[i]),
		};
	}
	n = recvmmsg(fd, a->in, max, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	batch->used = true;
	batch->used_ms = clock_ms();
	return n;
}

const union endpoint *batch_name(const struct batch *batch, unsigned i)
{
	return &batch->arrays->names[i];
}

void batch_local(const struct batch *batch, unsigned i, struct in6_addr *ret)
{
	struct msghdr *msg = &batch->arrays->in[i].msg_hdr;

	memset(ret, 0, sizeof(*ret));
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		struct in6_pktinfo info6;
		struct in_pktinfo info;

		if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
			ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
			memcpy(&ret->s6_addr[12], &info.ipi_spec_dst, 4);
		} else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(cmsg), sizeof(info6));
			*ret = info6.ipi6_addr;
		}
	}
}

/* Append a control message to @msg, whose buffer has room. */
static void *add_control(struct msghdr *msg, union control *control, int level, int type,
			 size_t size)
{
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)(control->space + msg->msg_controllen);

	msg->msg_control = control;
	msg->msg_controllen += CMSG_SPACE(size);
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(size);
	return CMSG_DATA(cmsg);
}

static void send_from(struct msghdr *msg, union control *control, const struct in6_addr *local)
{
	struct in6_pktinfo info6;
	struct in_pktinfo info;

	if (IN6_IS_ADDR_V4MAPPED(local)) {
		memset(&info, 0, sizeof(info));
		memcpy(&info.ipi_spec_dst, &local->s6_addr[12], 4);
		memcpy(add_control(msg, control, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info,
		       sizeof(info));
	} else {
		memset(&info6, 0, sizeof(info6));
		info6.ipi6_addr = *local;
		memcpy(add_control(msg, control, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info6)), &info6,
		       sizeof(info6));
	}
}

/*
 * Collect the datagrams from @i on that can be sent as one: all have the same size, only the last
 * may be smaller. An empty datagram is sent alone. Returns their number; @iov points to their
 * bytes.
 */
static unsigned gather(const struct batch *batch, int i, bool segments, struct iovec *iov)
{
	const struct batch_arrays *a = batch->arrays;
	unsigned size = a->in[i].msg_len, bytes = 0, n = 0, len;

	do {
		len = a->in[i].msg_len;
		iov[n++] = (struct iovec){batch->data + (size_t)i * DATAGRAM_BYTES, len};
		bytes += len;
		i = batch->next[i];
	} while (segments && i >= 0 && len == size && a->in[i].msg_len > 0 &&
		 a->in[i].msg_len <= size && bytes + a->in[i].msg_len <= SEGMENTS_BYTES &&
		 n < SEGMENTS_MAX);
	return n;
}

/* Prepare the messages for the chain from @first on; returns their number. */
static unsigned arrange(struct batch *batch, int first, const union endpoint *to,
			const struct in6_addr *local, bool segments)
{
	struct batch_arrays *a = batch->arrays;
	struct iovec *iov = a->out_iov;
	unsigned n = 0;

	for (int i = first; i >= 0; n++) {
		unsigned count = gather(batch, i, segments, iov);
		struct msghdr *msg = &a->out[n].msg_hdr;
		uint16_t size = (uint16_t)a->in[i].msg_len;

		*msg = (struct msghdr){.msg_iov = iov, .msg_iovlen = count};
		if (to) {
			msg->msg_name = (void *)(uintptr_t)to;
			msg->msg_namelen = endpoint_size(to);
		}
		if (local)
			send_from(msg, &a->out_control[n], local);
		if (count > 1)
			memcpy(add_control(msg, &a->out_control[n], SOL_UDP, UDP_SEGMENT,
					   sizeof(size)),
			       &size, sizeof(size));
		a->first[n] = (int16_t)i;
		iov += count;
		for (unsigned k = 0; k < count; k++)
			i = batch->next[i];
	}
	return n;
}

/* Was UDP_SEGMENT refused, rather than the datagrams? */
static bool is_segment_error(int errnum)
{
	return errnum == EINVAL || errnum == EIO || errnum == EMSGSIZE || errnum == ENOPROTOOPT ||
	       errnum == EOPNOTSUPP;
}

uint64_t batch_send(struct batch *batch, int fd, int first, const union endpoint *to,
		    const struct in6_addr *local, bool *segments)
{
	struct batch_arrays *a = batch->arrays;
	unsigned n = arrange(batch, first, to, local, *segments), sent = 0;
	uint64_t bytes = 0;
	bool again = false;

	while (sent < n) {
		int rc = sendmmsg(fd, a->out + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (rc > 0) {
			for (int i = 0; i < rc; i++)
				bytes += a->out[sent++].msg_len;
			again = false;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			break;
		} else if (*segments && a->out[sent].msg_hdr.msg_iovlen > 1 &&
			   is_segment_error(errno)) {
			*segments = false;
			n = arrange(batch, a->first[sent], to, local, false);
			sent = 0;
		} else if (errno == ECONNREFUSED && !again) {
			/* The error belongs to an earlier datagram; this one has not been sent yet.
			 */
			again = true;
		} else {
			sent++;
			again = false;
		}
	}
	return bytes;
}

void batch_trim(struct batch *batch, int64_t now_ms)
{
	if (!batch->used || now_ms - batch->used_ms < TRIM_MS)
		return;
	madvise(batch->data, (size_t)BATCH_DATAGRAMS * DATAGRAM_BYTES, MADV_DONTNEED);
	batch->used = false;
}

bool batch_is_trimmed(const struct batch *batch)
{
	return !batch->used;
}
