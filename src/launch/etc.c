/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's resolv.conf and hosts are composed from the host's files. The launcher writes them to
 * the state directory, and the child mounts them. If the child has mounted them on files of the
 * host's /etc, it sends O_PATH descriptors of its /etc and of the two files. The launcher cannot
 * detect this by the type of the file system, because the host's /etc and our copy of it can both
 * be tmpfs. mounts/etcfollow.h does the rest.
 */
#include "etc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "events.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/handshake.h"
#include "launch.h"
#include "naming.h"

/* In the order in which they are sent. */
static void list(const struct etcfiles *files, int ret[ETCFILE_COUNT_ + 1])
{
	ret[0] = files->etc;
	memcpy(ret + 1, files->fd, sizeof(files->fd));
}

int etc_send(int sock, const struct etcfiles *files)
{
	int fds[ETCFILE_COUNT_ + 1], rc = 0;

	list(files, fds);
	for (size_t i = 0; i < ARRAY_SIZE(fds) && rc == 0; i++)
		rc = handshake_send_fd(sock, HANDSHAKE_ETC, files->etc < 0 ? -1 : fds[i]);
	return rc;
}

int etc_receive(struct launch *l, struct error *err)
{
	_cleanup_etcfiles_ struct etcfiles files = ETCFILES_NONE;
	int *const places[] = {&files.etc, &files.fd[0], &files.fd[1]};
	int rc = 0;

	static_assert(ARRAY_SIZE(places) == ETCFILE_COUNT_ + 1, "one pointer for each descriptor");
	for (size_t i = 0; i < ARRAY_SIZE(places) && rc == 0; i++)
		rc = handshake_follow(l->cloned.sock, HANDSHAKE_ETC, "mounting", l->cloned.progress,
				      l->signals->cancel, places[i], err);
	if (rc < 0)
		return rc;
	l->etc.files = files;
	files = ETCFILES_NONE;
	return 0;
}

/* etcfollow_ops.compose */
static int compose(void *arg, const struct etchost *host, etcfile_write *write,
		   const void *write_arg, struct error *err)
{
	const struct launch *l = arg;
	_cleanup_strv_ struct strv dns = {NULL, 0};
	char names[256];
	const struct etc_content content = {
		.dns = config_dns(l->config) == DNS_NONE ? NULL : &dns,
		.names = names,
	};

	net_hosts(&l->net, names, sizeof(names));
	if (net_dns(&l->net, &dns) < 0)
		return err_set(err, ENOMEM, "listing the name servers");
	return etcfiles_write_parent(host, write, write_arg, &content, err);
}

/* etcfile_write: in the state directory. */
static int write_first(const void *arg, enum etcfile file, const char *text, size_t size,
		       struct error *err)
{
	struct launch *const *l = arg;
	const struct statedir *state = &(*l)->prepared.state;
	const char *name = etcfile_name(file);
	int rc = statedir_write(state, name, text, size, 0644, err);

	if (rc < 0)
		return rc;
	rc = etccopy_open(state->dir, name, text, size, &(*l)->etc.copies[file]);
	return rc < 0 ? err_set(err, -rc, "opening %s/%s", state->path, name) : 0;
}

int etc_write(struct launch *l, struct error *err)
{
	_cleanup_etchost_ struct etchost host = ETCHOST_NONE;
	int rc = etclook_first(l->signals->cancel, &host, err);

	if (rc < 0)
		return err_step(err, rc, STEP_MOUNT);
	naming_learn(l, host.files[ETCFILE_RESOLV_CONF].text, host.files[ETCFILE_RESOLV_CONF].size);
	return compose(l, &host, write_first, &l, err);
}

/* Report the name servers that answer from now on: the host's if the name service runs, else the
 * servers in the command's resolv.conf. */
static void report(struct launch *l)
{
	_cleanup_strv_ struct strv dns = {NULL, 0};
	int rc = l->naming.names ? naming_servers(&l->naming, &dns) : net_dns(&l->net, &dns);

	events_names_changed(l, rc < 0 ? NULL : &dns);
}

/* etcfollow_ops.looked */
static void on_looked(void *arg, const struct etchost *host, bool written)
{
	struct launch *l = arg;
	bool renewed = naming_renew(l, host->files[ETCFILE_RESOLV_CONF].text,
				    host->files[ETCFILE_RESOLV_CONF].size);

	if (renewed)
		log_debug("the host's name servers have changed");
	if (renewed || written)
		report(l);
}

void etc_name_host(struct launch *l)
{
	if (l->net.names_host)
		return;
	l->net.names_host = true;
	etcfollow_renew(&l->etc);
}

int etc_watch(struct launch *l, struct error *err)
{
	static const struct etcfollow_ops ops = {compose, on_looked};

	return l->net.plan.configures_dns
		       ? etcfollow_supervise(&l->etc, l->serve.base, &l->children, &l->cloned.ns,
					     &ops, l, err)
		       : 0;
}
