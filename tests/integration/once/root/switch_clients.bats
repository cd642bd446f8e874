#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real programs with --net-accel=switch, one for each way to connect. The servers are in a second network
# namespace; no packet leaves the machine. Each test reads from the API that connections were switched.
#
# seconds: 25

load ../../../lib/bash/common
load ../../../lib/bash/root

WEB=8000
OPTIONS=()

setup_file() {
	load_root || return
	two_networks
	host ip route add default via "$CLIENT4"
	WWW=$BATS_FILE_TMPDIR/www
	export WWW
	mkdir -p "$WWW"
	echo hello >"$WWW/hello"
	head -c 20000000 /dev/urandom >"$WWW/large"
	git init -q "$WWW/tree"
	git -C "$WWW/tree" -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m first
	git clone -q --bare "$WWW/tree" "$WWW/tree.git"
	git -C "$WWW/tree.git" update-server-info
	chmod -R a+rX "$BATS_FILE_TMPDIR"
	serve client python3 -m http.server --bind "$CLIENT4" --directory "$WWW" $WEB
	# The banner of a server for ssh, which waits for an answer.
	serve client socat "TCP4-LISTEN:8022,bind=$CLIENT4,reuseaddr,fork" SYSTEM:'echo SSH-2.0-test; cat'
	# A master process would write its title over the mark by which end_servers finds it.
	printf 'daemon off; master_process off; pid %s/pid; error_log %s/err; events { }
		http { access_log off; server { listen %s:8001; location / { return 200 ok; } } }' \
		"$WWW" "$WWW" "$CLIENT4" >"$WWW/nginx.conf"
	serve client nginx -e "$WWW/err" -c "$WWW/nginx.conf"
	chmod a+x "$ROOT/tests/lib/fixtures/registry.py"
	serve client "$ROOT/tests/lib/fixtures/registry.py" "$CLIENT4" 8500 \
		"$(command -v busybox.static || command -v busybox)"
	wait_for listening 4
}

teardown_file() {
	end_networks
}

setup() {
	root_setup
}

listening() {
	[ "$(client ss -Hltn 'sport = 8000 or sport = 8001 or sport = 8022 or sport = 8500' | wc -l)" -eq "$1" ]
}

# switched NUMBER SCRIPT - run it inside; at least so many connections are switched. Its output is $output.
switched() {
	local number=$1 script
	script="set -e
url=http://$CLIENT4:$WEB
$2
echo
'$FAUXROOTCTL' info --json | jq .networkDriver.accel.switched"
	run -0 nsenter --target "$HOST_NS" --net env HOME="$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups --inh-caps=-all "$FAUXROOT" --state-dir="$S" --net=slirp4netns \
		--net-accel=switch "${OPTIONS[@]}" bash -c "$script" </dev/null
	[ "${lines[-1]}" -ge "$number" ] || { echo "$output"; false; }
}

needs() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# shellcheck disable=SC2016 # scripts for a shell inside
@test "curl: a download, byte for byte, and a refused connection" {
	switched 2 'curl -sS "$url/large" | cmp - '"$WWW/large"'
		curl -sS "$url/hello"
		! curl -sS --max-time 10 "http://198.51.100.2:1/" 2>&1'
	says "$output" '^hello$'
	says "$output" 'Failed to connect|Connection refused|Could.n.t connect'
}

# shellcheck disable=SC2016
@test "git: a clone" {
	switched 1 'git clone -q "$url/tree.git" '"$T/clone"' && git -C '"$T/clone"' log --oneline'
	says "$output" 'first$'
}

@test "ssh: the banner of a server" {
	needs ssh
	switched 1 "ssh -v -o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectTimeout=10 -p 8022 $CLIENT4 2>&1 |
		sed '/remote software version test/q'"
	says "$output" 'remote software version test'
}

# shellcheck disable=SC2016
@test "python: asyncio registers after connect" {
	switched 8 'python3 -c "
import asyncio
async def get():
    r, w = await asyncio.open_connection(\"198.51.100.2\", 8000)
    w.write(b\"GET /hello HTTP/1.0\r\n\r\n\")
    data = await r.read()
    w.close()
    return data.endswith(b\"hello\n\")
async def main():
    print(all(await asyncio.gather(*[get() for _ in range(8)])))
asyncio.run(main())"'
	says "$output" '^True$'
}

@test "node: http" {
	needs node
	switched 1 "node -e \"require('http').get('http://$CLIENT4:$WEB/hello', r => r.pipe(process.stdout))\""
	says "$output" '^hello$'
}

@test "java: a channel that is registered before connect" {
	needs javac
	cat >"$T/Dial.java" <<-END
		import java.net.*; import java.nio.*; import java.nio.channels.*;
		public class Dial { public static void main(String[] a) throws Exception {
			Selector s = Selector.open(); SocketChannel c = SocketChannel.open(); c.configureBlocking(false);
			c.register(s, SelectionKey.OP_CONNECT); s.selectNow();
			c.connect(new InetSocketAddress("$CLIENT4", $WEB));
			while (!c.isConnected()) { s.select(10000); s.selectedKeys().clear(); c.finishConnect(); }
			c.keyFor(s).interestOps(SelectionKey.OP_READ);
			c.write(ByteBuffer.wrap("GET /hello HTTP/1.0\r\n\r\n".getBytes()));
			ByteBuffer b = ByteBuffer.allocate(4096);
			while (true) { s.select(10000); s.selectedKeys().clear(); if (c.read(b) < 0) break; }
			System.out.println(new String(b.array(), 0, b.position()).trim().endsWith("hello"));
		} }
	END
	javac -d "$T" "$T/Dial.java"
	chmod a+r "$T/Dial.class"
	switched 1 "java -cp '$T' Dial"
	says "$output" '^true$'
}

# nginx registers the socket to the server behind it before connect(2), and closes it afterwards.
# shellcheck disable=SC2016
@test "nginx: a proxy" {
	needs nginx
	cat >"$T/nginx.conf" <<-END
		daemon off; worker_processes 2; pid $T/nginx.pid; error_log $T/error.log; events { }
		http { access_log off; client_body_temp_path $T/b; proxy_temp_path $T/p; fastcgi_temp_path $T/f;
		uwsgi_temp_path $T/u; scgi_temp_path $T/s;
		server { listen 127.0.0.1:8080; location / { proxy_pass http://$CLIENT4:$WEB; } } }
	END
	chmod a+r "$T/nginx.conf"
	switched 10 'nginx -e '"$T/error.log -c $T/nginx.conf"' & proxy=$!
		curl -sS --retry 100 --retry-connrefused --retry-delay 0 --retry-max-time 20 -o /dev/null http://127.0.0.1:8080/hello
		for i in 1 2 3 4 5 6 7 8 9; do curl -sS --max-time 10 http://127.0.0.1:8080/hello; done
		curl -sS http://127.0.0.1:8080/large | cmp - '"$WWW/large"'
		kill $proxy; wait $proxy || true'
	equals 9 "$(grep -c '^hello$' <<<"$output")"
}

# Both processes look up routes all the time; each must read its own answers only.
@test "wrk: many short connections at the same time, all of them switched" {
	needs wrk
	switched 500 "wrk -t2 -c16 -d3 -H 'Connection: close' http://$CLIENT4:8001/"
	not grep -E 'Socket errors:.*timeout [1-9]' <<<"$output"
}

# dockerd and buildkitd connect as Go's net/http does.
# shellcheck disable=SC2016
@test "dockerd: a pull" {
	command -v dockerd >/dev/null && command -v docker >/dev/null || skip "dockerd is not installed"
	OPTIONS=(--copy-up=/etc --copy-up=/run)
	# dockerd looks for its proxy, also where it does not use it.
	switched 2 'PATH='"${FAUXROOT%/*}/compat"':$PATH
		export XDG_RUNTIME_DIR=$HOME/run DOCKER_HOST=unix://$HOME/docker.sock DOCKER_CONFIG=$HOME
		dockerd --rootless --host "$DOCKER_HOST" --data-root "$HOME/data" --exec-root "$HOME/exec" \
			--pidfile "$HOME/pid" --bridge none --userland-proxy=false --iptables=false --ip6tables=false --storage-driver vfs \
			--insecure-registry '"$CLIENT4"':8500 >"$HOME/daemon" 2>&1 & daemon=$!
		for try in {1..300}; do
			! docker info >/dev/null 2>&1 && kill -0 $daemon || break
			sleep 0.1
		done
		docker pull -q '"$CLIENT4"':8500/test || tail -n 20 "$HOME/daemon"
		docker image inspect --format "size {{.Size}}" '"$CLIENT4"':8500/test
		kill $daemon; wait $daemon || true'
	says "$output" '^size 2[0-9]{7}$'
}

# shellcheck disable=SC2016
@test "buildkitd: a build whose base is pulled, and that downloads in RUN" {
	[ -z "${FAUXROOT_TEST_BUILDKIT:-}" ] || export PATH=$FAUXROOT_TEST_BUILDKIT:$PATH
	command -v buildkitd >/dev/null && command -v buildctl >/dev/null && command -v runc >/dev/null ||
		skip "buildkitd is not installed"
	mkdir "$T/context"
	printf 'FROM %s:8500/test\nRUN ["/busybox", "wget", "-q", "-O", "/made", "http://%s:%s/hello"]\n' \
		"$CLIENT4" "$CLIENT4" $WEB >"$T/context/Dockerfile"
	printf '[registry."%s:8500"]\n  http = true\n' "$CLIENT4" >"$T/buildkitd.toml"
	OPTIONS=(--copy-up=/etc --copy-up=/run)
	# The link to the directory of root's runc, if there is one.
	switched 2 'rm -f /run/runc
		export XDG_RUNTIME_DIR=$HOME/run BUILDKIT_HOST=unix://$HOME/buildkit.sock
		buildkitd --rootless --config "$HOME/buildkitd.toml" --addr "$BUILDKIT_HOST" --root "$HOME/data" \
			--oci-worker-no-process-sandbox --oci-worker-net=host --oci-worker-snapshotter=native \
			>"$HOME/daemon" 2>&1 & daemon=$!
		for try in {1..300}; do ! buildctl debug workers >/dev/null 2>&1 || break; sleep 0.1; done
		buildctl build --progress=plain --frontend dockerfile.v0 --local context="$HOME/context" \
			--local dockerfile="$HOME/context" --output type=local,dest="$HOME/rootfs" >"$HOME/build" 2>&1 ||
			tail -n 20 "$HOME/build" "$HOME/daemon"
		cat "$HOME/rootfs/made"
		kill $daemon; wait $daemon || true'
	says "$output" '^hello$'
}
