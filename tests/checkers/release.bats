# SPDX-License-Identifier: Apache-2.0
#
# scripts/release refuses what must not be released, and scripts/dist gives the same bytes each time. Both in
# a repository of the test.

bats_require_minimum_version 1.5.0

setup() {
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	COPY=$BATS_TEST_TMPDIR/copy
	mkdir "$COPY"
	cp -a "$TOP"/{VERSION,README.md,RELEASING.md,CHANGELOG.md,debian,docs,man,scripts,Makefile} "$COPY"
	unset RESULTS BUILD RELEASE_KEY
	cd "$COPY" || return
	echo build/ >.gitignore
	# The tree may be between two releases: begin with versions that agree.
	echo 1.2.3 >VERSION
	sed -i '0,/^## \[[0-9.]*\]/s/^## \[[0-9.]*\].*/## [1.2.3] - 2026-01-01/' CHANGELOG.md
	grep -q '^## \[1.2.3\]' CHANGELOG.md || echo '## [1.2.3] - 2026-01-01' >>CHANGELOG.md
	sed -i '1s/(.*)/(1.2.3-1)/' debian/changelog
	sed -i 's/^- Implementation version: .*/- Implementation version: 1.2.3/' man/fauxrootctl.1
	sed -i "s/\([-_]\)$(cat "$TOP/VERSION")\([-.]\)/\11.2.3\2/g" README.md docs/migrate.md
	git init -q
	git config user.name Somebody
	git config user.email somebody@example.org
	commit
}

commit() {
	git add -A
	git commit -q -m change
}

# refuses TEXT [COMMAND…]
refuses() {
	run -1 "${@:2}"
	[[ $output == *"$1"* ]] || { echo "no \"$1\" in: $output" && return 1; }
	[ ! -e build/release ]
}

@test "the tree itself: its versions agree" {
	[ "$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' "$TOP/debian/changelog")" = "$(cat "$TOP/VERSION")" ]
	grep -q "^- Implementation version: $(cat "$TOP/VERSION")\$" "$TOP/man/fauxrootctl.1"
	[ "$(grep -hoE 'fauxroot[a-z-]*[-_][0-9]+\.[0-9]+\.[0-9]+' "$TOP"/README.md "$TOP"/docs/migrate.md | sed 's/.*[-_]//' |
		sort -u)" = "$(cat "$TOP/VERSION")" ]
	grep -qE "^## \[($(cat "$TOP/VERSION")\] - |Unreleased\])" "$TOP/CHANGELOG.md"
}

@test "release: versions that agree are accepted, and then a key is required" {
	scripts/release --check
	refuses "no key: give RELEASE_KEY=FILE" scripts/release
	refuses "the key /nonexistent cannot be read" env RELEASE_KEY=/nonexistent scripts/release
}

@test "release: uncommitted changes are refused" {
	echo change >>VERSION.txt
	refuses "uncommitted changes" scripts/release --check
	rm VERSION.txt
	echo >>CHANGELOG.md
	refuses "uncommitted changes" scripts/release --check
}

@test "release: a version without an entry in the changelog is refused" {
	echo 1.2.4 >VERSION
	commit
	refuses 'CHANGELOG.md has no entry "## [1.2.4] - DATE"; its latest is "1.2.3"' scripts/release --check
	echo 1.2 >VERSION
	commit
	refuses 'VERSION is not a version: "1.2"' scripts/release --check
}

@test "release: another version in debian/changelog or in the manual is refused" {
	sed -i '1s/(.*)/(1.2.2-1)/' debian/changelog
	commit
	refuses "debian/changelog is for version 1.2.2, VERSION says 1.2.3" scripts/release --check
	git reset -q --hard HEAD^
	sed -i 's/^- Implementation version: .*/- Implementation version: 1.2.2/' man/fauxrootctl.1
	commit
	refuses "man/fauxrootctl.1 shows version 1.2.2" scripts/release --check
}

@test "release: a document that names the file of another version is refused" {
	local file
	for file in README.md docs/migrate.md; do
		sed -i 's/fauxroot_1.2.3-1_amd64/fauxroot_1.2.2-1_amd64/' $file
		run ! git diff --quiet
		commit
		refuses "$file names the file fauxroot_1.2.2-1_amd64.deb of another release" scripts/release --check
		git reset -q --hard HEAD^
	done
	sed -i 's/fauxroot-1.2.3-linux-x86_64/fauxroot-1.3.0-linux-x86_64/' README.md
	commit
	refuses "README.md names the file fauxroot-1.3.0-linux-x86_64.tar.gz of another release" scripts/release --check
}

@test "dist: the last commit, the same bytes each time, without changes that are not committed" {
	scripts/dist
	cp build/dist/fauxroot-1.2.3.tar.gz one
	echo change >>VERSION
	umask 077
	TZ=Asia/Tokyo scripts/dist
	cmp one build/dist/fauxroot-1.2.3.tar.gz
	tar -tzf one >list
	[ "$(grep -cv '^fauxroot-1.2.3/' list)" = 0 ]
	grep -qx fauxroot-1.2.3/VERSION list
	[ "$(tar -xzOf one fauxroot-1.2.3/VERSION)" = 1.2.3 ]
	run -1 grep '/build/' list
}
