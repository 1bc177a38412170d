#!/bin/bash
# Makes base images for the Dockerfile out of Debian packages, for machines that cannot pull the public ones, and pushes
# them to a registry. Those that the services run on are distroless as the public ones are: a language and its
# libraries, no shell, no package manager. Those that their packages are installed in have npm and pip, and a shell.
# All hold the packages' files alone: no maintainer script is run. No privilege is needed; the same packages give the
# same digest.
#
#   ./stand-ins.sh 127.0.0.1:5000     prints, as arguments for --build-arg:
#                                     NODE_BASE=127.0.0.1:5000/stand-in/nodejs@sha256:...
#                                     PYTHON_BASE=..., NODE_BUILD=... and PYTHON_BUILD=... likewise
set -euo pipefail
shopt -s inherit_errexit

common_packages="base-files netbase tzdata media-types ca-certificates libc6 libgcc-s1 libssl3 zlib1g"
node_packages="$common_packages libstdc++6 libbrotli1 libc-ares2 libicu72 libnghttp2-14 libuv1 nodejs libnode108
  node-acorn node-busboy node-cjs-module-lexer node-undici node-xtend"
python_packages="$common_packages libbz2-1.0 libcrypt1 libexpat1 libffi8 liblzma5 libsqlite3-0 libuuid1
  python3.11-minimal libpython3.11-minimal libpython3.11-stdlib python3-minimal"
shell_packages="dash coreutils libacl1 libattr1 libgmp10 libselinux1 libpcre2-8-0"
pip_packages="python3-pip python3-wheel python3-setuptools python3-pkg-resources python3-distutils python3-lib2to3"
npm_version=10.9.2  # from npm's registry: Debian's is cut into hundreds of packages
# Below / or /usr: what makes an image more than a language.
unwanted=(bin/{sh,bash,dash,busybox,dpkg,dpkg-deb,apt,apt-get,tar} {etc,lib,share}/{apt,dpkg} var/lib/{apt,dpkg})

apt_opts=(-o Dir::State::status=/dev/null -o APT::Sandbox::User=root)  # Debian's versions, whatever is installed here

say() { echo "stand-ins: $*" >&2; }
die() { say "$*"; exit 1; }

# tag PACKAGES...: what names an image: a digest of this script and of the packages' versions.
tag() {
    apt-cache show nodejs >/dev/null 2>&1 || die "apt knows no packages; run: apt-get update"
    { cat "$0"; dpkg --print-architecture; apt-cache "${apt_opts[@]}" policy "$@" | grep -E '^[a-z]|Candidate'; } | sha256sum | cut -c1-16
}

# unpack ROOT PACKAGES...: lays the packages' files into ROOT, in Debian's merged-/usr layout.
unpack() {
    local root=$1 dir package
    shift
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root/debs" "$root"/{tmp,root,etc,run,proc,sys,dev,home/nonroot}
    for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
    (cd "$root/debs" && apt-get -qq "${apt_opts[@]}" download "$@")
    for package in "$root"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$root"
    done
    rm -rf "$root/debs" "$root"/usr/share/{doc,man,info,lintian,locale,bug} "$root"/{var,etc/dpkg}
    rm -rf "$root"/{boot,media,mnt,srv,opt,usr/games,usr/src}
    mkdir -p "$root/var/tmp"
    chmod 1777 "$root/tmp" "$root/var/tmp"
}

# What maintainer scripts would have made, as far as an app needs it.
finish_root() {
    local root=$1
    printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin \
        nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$root/etc/passwd"
    printf '%s\n' root:x:0: nogroup:x:65534: nonroot:x:65532: tty:x:5: >"$root/etc/group"
    echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
    mkdir -p "$root/etc/ssl/certs"
    find "$root/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat \
        >"$root/etc/ssl/certs/ca-certificates.crt"
    if [ -e "$root/usr/bin/node" ]; then
        mkdir "$root/nodejs"
        mkdir "$root/nodejs/bin"
        ln -s /usr/bin/node "$root/nodejs/bin/node"  # where the public image has it
    fi
    if [ -e "$root/usr/lib/python3.11" ]; then
        # Compiled ahead: an app that may not write there would compile at every start. Hash-based, as times are reset.
        /usr/bin/python3.11 -m compileall -q -j 0 -s "$root" --invalidation-mode unchecked-hash \
            "$root"/usr/lib/python3* >&2
    fi
}

# install_npm ROOT
install_npm() {
    local root=$1 to="$1/usr/lib/node_modules/npm"
    npm pack --silent --pack-destination "$root" "npm@$npm_version" >/dev/null
    mkdir -p "$to"
    tar -xzf "$root/npm-$npm_version.tgz" -C "$to" --strip-components 1 --no-same-owner
    rm "$root/npm-$npm_version.tgz"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
}

verify_root() {
    local root=$1 path found
    for path in "${unwanted[@]}"; do
        found=$(find "$root/$path" "$root/usr/$path" -maxdepth 0 2>/dev/null || true)
        [ -z "$found" ] || die "a stand-in must not have ${found#"$root"}"
    done
}

# blob LAYOUT FILE: moves FILE into the OCI layout and prints its digest.
blob() {
    local digest
    digest=$(sha256sum "$2" | cut -d' ' -f1)
    mv "$2" "$1/blobs/sha256/$digest"
    echo "$digest"
}

# make_layout LAYOUT ROOT [ENTRYPOINT]: an OCI image layout (image-spec image-layout.md) of one layer that holds ROOT.
make_layout() {
    local layout=$1 root=$2 entrypoint=${3:+\"$3\"} arch diff layer layer_size config config_size manifest
    arch=$(dpkg --print-architecture)
    mkdir -p "$layout/blobs/sha256"
    tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu -C "$root" . >"$layout/layer.tar"
    diff=$(sha256sum "$layout/layer.tar" | cut -d' ' -f1)
    gzip -n -4 "$layout/layer.tar"
    layer_size=$(stat -c %s "$layout/layer.tar.gz")
    layer=$(blob "$layout" "$layout/layer.tar.gz")
    cat >"$layout/config" <<JSON
{"architecture":"$arch","os":"linux","created":"1970-01-01T00:00:00Z",
 "config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                  "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],"Entrypoint":[$entrypoint],"WorkingDir":"/"},
 "rootfs":{"type":"layers","diff_ids":["sha256:$diff"]},
 "history":[{"created":"1970-01-01T00:00:00Z","created_by":"stand-ins.sh"}]}
JSON
    config_size=$(stat -c %s "$layout/config")
    config=$(blob "$layout" "$layout/config")
    cat >"$layout/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$config_size},
 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$layer_size}]}
JSON
    local manifest_size
    manifest_size=$(stat -c %s "$layout/manifest")
    manifest=$(blob "$layout" "$layout/manifest")
    echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    cat >"$layout/index.json" <<JSON
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "digest":"sha256:$manifest","size":$manifest_size}]}
JSON
}

# make_root NAME ROOT PACKAGES...
make_root() {
    local name=$1 root=$2
    shift 2
    unpack "$root" "$@"
    finish_root "$root"
    case $name in
        nodejs-build) install_npm "$root" ;;
        *-build) ;;
        *) verify_root "$root" ;;
    esac
}

# stand_in NAME ENTRYPOINT PACKAGES...: makes it where the cache has none, pushes it where the registry has none, and
# prints its pinned name.
stand_in() {
    local name=$1 entrypoint=$2 tag target layout work
    shift 2
    tag=$(tag "$@")
    target="$registry/stand-in/$name:$tag"
    layout="$cache/$name-$tag"
    if ! skopeo inspect --raw --tls-verify=false "docker://$target" >/dev/null 2>&1; then
        if [ ! -d "$layout" ]; then
            say "making $name from $# Debian packages"
            work=$(mktemp -d "$cache/work.XXXXXX")
            # shellcheck disable=SC2064  # the folder of now, whatever the variable says later
            trap "rm -rf '$work'" EXIT
            make_root "$name" "$work/root" "$@"
            make_layout "$work/layout" "$work/root" "$entrypoint"
            mv "$work/layout" "$layout"
            rm -rf "$work"
        fi
        say "pushing $target"
        skopeo copy -q --insecure-policy --dest-tls-verify=false "oci:$layout" "docker://$target" >&2
    fi
    echo "$registry/stand-in/$name@sha256:$(skopeo inspect --raw --tls-verify=false "docker://$target" | sha256sum | cut -d' ' -f1)"
}

[ $# -eq 1 ] && [[ $1 != -* ]] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
registry=$1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/synchost/stand-ins"
mkdir -p "$cache"
# shellcheck disable=SC2086  # lists of words
{
    node=$(stand_in nodejs /nodejs/bin/node $node_packages)
    python=$(stand_in python3 /usr/bin/python3 $python_packages)
    node_build=$(stand_in nodejs-build "" $node_packages $shell_packages)
    python_build=$(stand_in python3-build "" $python_packages $shell_packages $pip_packages)
}
printf '%s\n' "NODE_BASE=$node" "PYTHON_BASE=$python" "NODE_BUILD=$node_build" "PYTHON_BUILD=$python_build"
