#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The manifests of contrib/kubernetes: checked against the schemas of Kubernetes, and executed by podman.

load ../lib/bash/image

MANIFESTS=$TOP/contrib/kubernetes

# play FILE… [-- OPTION…] - start what the manifests describe
play() {
	local files=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	"$TOP/tests/image/for-podman" "${files[@]}" >manifests.yaml
	# Probes need a service manager: probed() runs them.
	podman kube play "${@:2}" manifests.yaml 2>play.log || { cat play.log >&2 && return 1; }
}

# probed FILE CONTAINER - wait until each probe of the manifest succeeds
probed() {
	local probe
	while read -r probe; do
		# shellcheck disable=SC2086 # words
		wait_for podman exec "$2" $probe
	done < <(/usr/bin/python3 -c '
import sys, yaml
for manifest in yaml.safe_load_all(open(sys.argv[1])):
    spec = manifest["spec"].get("template", manifest)["spec"]
    for container in spec.get("containers", []):
        for probe in "startupProbe", "readinessProbe", "livenessProbe":
            print(*container[probe]["exec"]["command"])' "$1")
}

# step CONTAINER [ARGUMENT…] - build a RUN step with the buildctl in the container
step() {
	context
	podman exec "$1" mkdir -p /tmp/src
	tar -c . | podman exec -i "$1" tar -C /tmp/src -x
	podman exec --workdir /tmp/src "$1" buildctl "${@:2}" "${BUILD_ARGS[@]}" 2>&1
}

@test "the manifests are valid for Kubernetes, without an unknown field" {
	[ -n "$SCHEMAS" ] || skip "npm cannot install the schemas"
	"$MANIFESTS/create-certs" buildkitd 127.0.0.1
	run -0 "$TOP/tests/image/validate.cjs" "$MANIFESTS"/{pod,pod-userns,deployment,job}.yaml certs/{daemon,client}.yaml
	equals 7 "$(grep -c '^ok' <<<"$output")"
	# The validation finds faults.
	for fault in s/seccompProfile:/seccompProfiles:/ 's/runAsUser: 1000/runAsUser: user/' 's/drop:/remove:/' \
		's/failureThreshold: 60/failureThreshold: [60]/' 's/apiVersion: v1/apiVersion: v2/' 's/- name: cache/- title: cache/'; do
		sed "$fault" "$MANIFESTS/pod.yaml" >bad.yaml
		run ! cmp -s bad.yaml "$MANIFESTS/pod.yaml"
		run -1 "$TOP/tests/image/validate.cjs" bad.yaml
	done
}

@test "the kustomization names existing files, and the image of the manifests" {
	run -0 /usr/bin/python3 -c '
import os, sys, yaml
directory = sys.argv[1]
kustomization = yaml.safe_load(open(directory + "/kustomization.yaml"))
texts = [open(os.path.join(directory, name)).read() for name in kustomization["resources"]]
for image in kustomization["images"]:
    print(sum(text.count("image: " + image["name"] + ":" + image["newTag"] + "\n") for text in texts))' "$MANIFESTS"
	equals 1 "$output"
}

@test "no manifest is privileged, shares the host's namespaces, or has a token of the cluster" {
	run ! grep -nE 'privileged: true|host(PID|IPC|Network|Path):|allowPrivilegeEscalation: true # ' "$MANIFESTS"/*.yaml
	equals "$(grep -lE '^kind: (Pod|Deployment|Job)' "$MANIFESTS"/*.yaml)" \
		"$(grep -l 'automountServiceAccountToken: false' "$MANIFESTS"/*.yaml)"
}

@test "pod.yaml: the probes succeed, with two capabilities and the image's ids" {
	play "$MANIFESTS/pod.yaml"
	probed "$MANIFESTS/pod.yaml" buildkitd-buildkitd
	run -0 podman exec buildkitd-buildkitd sh -c 'id -u; grep -E "^(CapBnd|Seccomp|NoNewPrivs):" /proc/1/status | tr "\t" " "'
	equals "1000
CapBnd: 00000000000000c0
NoNewPrivs: 0
Seccomp: 0" "$output"
	[ "$PAYLOAD" = real ] || return 0
	run -0 step buildkitd-buildkitd
	says "$output" '^#[0-9]+ [0-9.]+ +1 1 65536$'
}

@test "pod-userns.yaml: in a user namespace of the pod, root maps the ids that exist" {
	printf 'containers:200000:655360\n' >subid
	# The mount namespace of this test run is its own; the file must be readable for podman only.
	mount --bind subid /etc/subuid
	mount --bind subid /etc/subgid
	play "$MANIFESTS/pod-userns.yaml" -- --userns=auto:size=65536
	umount /etc/subuid /etc/subgid
	probed "$MANIFESTS/pod-userns.yaml" buildkitd-userns-buildkitd
	run -0 podman exec buildkitd-userns-buildkitd sh -c 'tr -s " " </proc/self/uid_map; tr -s " " </proc/$(pgrep -n buildkitd)/uid_map'
	equals " 0 200000 65536
 0 0 1
 1 1 65535" "$output"
}

# podman kube play ignores procMount: this is the same container by podman run.
@test "pod-userns.yaml: what procMount: Unmasked permits, a process of a RUN step with its own /proc" {
	local pod=(--uidmap 0:200000:65536 --gidmap 0:200000:65536 --user 0 --env FAUXROOT_OPTIONS=--idmap=fit "${UNCONFINED[@]}")
	local step=(fauxroot unshare --pid --fork --mount-proc sh -c 'echo $$')
	grep -qx '        procMount: Unmasked' "$MANIFESTS/pod-userns.yaml"
	run -0 in_image "${pod[@]}" --security-opt unmask=ALL -- "${step[@]}"
	equals 1 "$output"
	run ! in_image "${pod[@]}" -- "${step[@]}"
	says "$output" 'mount .*proc.*: (Operation not permitted|permission denied)'
}

@test "job.yaml: the build is done, and the daemon is gone" {
	play "$MANIFESTS/job.yaml"
	equals 0 "$(timeout "$DEADLINE" podman wait buildkit-buildkit)"
	run -0 podman logs buildkit-buildkit
	[ "$PAYLOAD" = real ] || return 0
	says "$output" '^#[0-9]+ \[1/1\] COPY hello /$'
}

@test "deployment.yaml: clients with a certificate are served, others are not" {
	local server=(--addr tcp://127.0.0.1:1234 --tlscacert certs/client/ca.pem)
	local client=(--tlscert certs/client/cert.pem --tlskey certs/client/key.pem)
	"$MANIFESTS/create-certs" buildkitd buildkitd.default.svc 127.0.0.1
	run -1 "$MANIFESTS/create-certs"
	equals "" "$(find certs -name 'ca.key' -o -name 'request' -o -perm /077)"
	"$TOP/tests/image/for-podman" certs/daemon.yaml >secret.yaml
	podman secret create buildkit-daemon-certs secret.yaml
	sysctl -qw net.ipv4.ip_forward=1
	play "$MANIFESTS/deployment.yaml"
	probed "$MANIFESTS/deployment.yaml" buildkitd-pod-0-buildkitd
	podman exec buildkitd-pod-0-buildkitd cat /certs/cert.pem | cmp - certs/daemon/cert.pem
	[ "$PAYLOAD" = real ] || return 0
	wait_for "$PROGRAMS/buildctl" "${server[@]}" "${client[@]}" debug workers
	context
	run -0 "$PROGRAMS/buildctl" "${server[@]}" "${client[@]}" "${BUILD_ARGS[@]}"
	says "$output" '^#[0-9]+ [0-9.]+ +1 1 65536$'
	run ! "$PROGRAMS/buildctl" "${server[@]}" debug workers
	# The key of the daemon is no client's.
	run ! "$PROGRAMS/buildctl" "${server[@]}" --tlscert certs/daemon/cert.pem --tlskey certs/daemon/key.pem debug workers
}
