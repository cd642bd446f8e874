/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

static const char tun[] = "/dev/net/tun";

static int attach(int fd, const char *ifname, struct error *err)
{
	/* The flags that helpers use: the kernel refuses other ones for an existing device. */
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (str_print(request.ifr_name, sizeof(request.ifr_name), "%s", ifname) < 0)
		return err_set(err, ENAMETOOLONG, "making the TAP device %s", ifname);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return err_set(err, errno, "making the TAP device %s: TUNSETIFF", ifname);
	if (ioctl(fd, TUNSETPERSIST, 1) < 0)
		return err_set(err, errno, "making the TAP device %s persistent", ifname);
	return 0;
}

int tap_open(const char *ifname, int *ret_fd, bool *ret_created, struct error *err)
{
	bool created = if_nametoindex(ifname) == 0;
	_cleanup_close_ int fd = -1;
	int rc;

	/* Open it here, in the child's network namespace: the kernel makes the device in the
	 * network namespace in which /dev/net/tun was opened. */
	fd = open(tun, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		rc = err_set(err, errno, "opening %s", tun);
	else
		rc = attach(fd, ifname, err);
	if (rc < 0)
		return err_step(err, err_about(err, rc, REASON_DEVICE, "%s", tun), STEP_NET);
	*ret_fd = TAKE_FD(fd);
	*ret_created = created;
	return 0;
}

void tap_discard(int fd)
{
	(void)ioctl(fd, TUNSETPERSIST, 0);
}
