/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello: the only program of the demo's image. As its RUN step (--build) it leaves a file in a
 * layer; in a container it tells who and where it is.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char made[] = "/made-by-RUN";

static int build(void)
{
	FILE *file = fopen(made, "we");

	if (!file) {
		perror(made);
		return 1;
	}
	fprintf(file, "a RUN step of this image's build, as uid %u", (unsigned)getuid());
	if (fclose(file) != 0) {
		perror(made);
		return 1;
	}
	/* Another user's file: the data root now holds a subordinate id beside the caller's own. */
	if (chown(made, 1000, 1000) < 0) {
		perror(made);
		return 1;
	}
	printf("RUN step: uid %u, made %s\n", (unsigned)getuid(), made);
	return 0;
}

static void show_file(const char *title, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		printf("  %-11s %s\n", title, line);
	}
	if (file)
		fclose(file);
}

static void show_addresses(void)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		char text[INET_ADDRSTRLEN];
		struct sockaddr_in address;

		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&address, one->ifa_addr, sizeof(address));
		if (inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)))
			printf("  %-11s %s\n", one->ifa_name, text);
	}
	freeifaddrs(all);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--build") == 0)
		return build();
	printf("Hello from a container of an unprivileged daemon!\n");
	printf("  %-11s %u, gid %u\n", "uid", (unsigned)getuid(), (unsigned)getgid());
	show_file("uid map", "/proc/self/uid_map");
	show_file("made by", made);
	show_addresses();
	return 0;
}
