/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of a launch, in their order in time. src/launch/launcher.c has the table of their
 * functions. A launch walks the table until the first failure, a rehearsal (rehearse.h) walks it to
 * the end.
 */
#pragma once

enum launch_stage {
	STAGE_NONE = 0,

	/* Before the first clone. */
	STAGE_RANGES,	    /* find the subordinate ids, plan the maps */
	STAGE_HELPER,	    /* find the network's helper */
	STAGE_PORT_OPTIONS, /* parse --publish */
	STAGE_STATEDIR,	    /* make, lock and empty the state directory */
	STAGE_SCRATCH,	    /* rehearsal only: make a temporary state directory */
	STAGE_NAME,	    /* reserve the instance's name */
	STAGE_CGROUP,	    /* find our cgroup */
	STAGE_NOTIFY,	    /* bind the target's NOTIFY_SOCKET */
	STAGE_ETC_FILES,    /* compose resolv.conf and hosts */

	/* From the middle process to the child. */
	STAGE_MIDDLE,	    /* clone the middle process */
	STAGE_MAPPERS,	    /* start newuidmap and newgidmap */
	STAGE_NET_PREPARE,  /* prepare the network */
	STAGE_API,	    /* make the event loop, api.sock and ns.sock */
	STAGE_IDMAP,	    /* wait for the maps of the middle namespace */
	STAGE_AWAIT_MAPS,   /* middle process: wait for its maps */
	STAGE_CLONE,	    /* middle process: clone the child */
	STAGE_CHILD,	    /* receive the child's pidfd from the middle process */
	STAGE_EVACUATION,   /* move processes to another cgroup */
	STAGE_NETNS,	    /* child: make the network namespace */
	STAGE_NAMESPACES,   /* open the child's namespaces */
	STAGE_DETACH,	    /* make the detached network namespace */
	STAGE_CHILD_MAP,    /* middle process: write the child's maps */
	STAGE_CHILD_MAPPED, /* wait for the child's maps */
	STAGE_LET_MOUNT,    /* let the child mount */

	/* The child mounts while the launcher starts the network. */
	STAGE_ROOT,	      /* become root of the user namespace */
	STAGE_SELF,	      /* open our own executable, for init */
	STAGE_PROPAGATION,    /* set the propagation of mounts */
	STAGE_PROC,	      /* mount /proc */
	STAGE_SYS,	      /* mount /sys */
	STAGE_CGROUPFS,	      /* mount cgroup2 */
	STAGE_NETNS_FILE,     /* bind the detached network namespace */
	STAGE_ETC_OPENED,     /* open resolv.conf and hosts */
	STAGE_COPY_UP,	      /* copy directories up */
	STAGE_ETC_BOUND,      /* bind resolv.conf and hosts */
	STAGE_ETC_SENT,	      /* send the descriptors for these mounts */
	STAGE_WORKDIR,	      /* enter the working directory */
	STAGE_ACCEL_FILTER,   /* install the filter of --net-accel */
	STAGE_ACCEL_SENT,     /* send its descriptors */
	STAGE_MOUNTED,	      /* report that everything is mounted */
	STAGE_NET_START,      /* start the network */
	STAGE_NAMES,	      /* start the name service */
	STAGE_ETC_RECEIVED,   /* receive the descriptors of resolv.conf and hosts */
	STAGE_ACCEL_RECEIVED, /* receive the descriptors of --net-accel */
	STAGE_MOUNTS,	      /* wait until everything is mounted */
	STAGE_NET_READY,      /* wait until the network is usable */

	/* Everything that the target may use, then the target. */
	STAGE_ACCEL,	   /* start the processes of --net-accel */
	STAGE_PORT_DRIVER, /* start the port driver */
	STAGE_PORTS,	   /* publish the ports */
	STAGE_HOST_PORTS,  /* forward services of the host */
	STAGE_CHILD_PID,   /* write child_pid */
	STAGE_GO,	   /* let the child become the target */
	STAGE_ANNOUNCE,	   /* add the instance to the list of instances */
	STAGE_ENVIRONMENT, /* child: set the environment */
	STAGE_COMMAND,	   /* child: execute the command */
	STAGE_ENDED,	   /* rehearsal only: wait until the child has exited */
	STAGE_COUNT_
};

/* Traces of a launch outside of its namespaces, which must not remain. */
enum launch_trace {
	TRACE_FILES = 1 << 0,	  /* below the parent of the state directory */
	TRACE_MOUNTS = 1 << 1,	  /* on the host */
	TRACE_PORTS = 1 << 2,	  /* listening sockets */
	TRACE_CGROUPS = 1 << 3,	  /* cgroups, and moved processes */
	TRACE_PROCESSES = 1 << 4, /* processes */
	TRACE_INSTANCES = 1 << 5, /* entries in the list of instances */
	TRACE_ALL = (1 << 6) - 1,
};

/* launch_stage_name() - the name for reports and messages: "subordinate ids" */
const char *launch_stage_name(enum launch_stage stage);

/* launch_stage_traces() - enum launch_trace: the traces that the stage could leave */
unsigned launch_stage_traces(enum launch_stage stage);
