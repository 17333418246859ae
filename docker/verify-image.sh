#!/usr/bin/env bash
# Builds and tests the image without a container engine or an image registry: npm run verify:image
#
# Needs Debian, root, and apt and npm as they are set up on this machine. Buildah builds the unchanged Dockerfile; its two
# base images are assembled here from Debian packages and the npm package of Node 24, with only what the Dockerfile uses.
# test/ship/image.ts then runs the result, read-only, without root and capabilities.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v buildah >/dev/null || ! command -v docker-compose >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah docker-compose >/dev/null
fi

work=$(mktemp -d)
chmod 755 "$work"
buildah() { command buildah --storage-driver "$driver" --root "$work/images" --runroot "$work/run" "$@"; }
# Without overlays in the file system every layer is copied, which takes minutes.
driver=overlay
buildah info >/dev/null 2>&1 || driver=vfs
finish() {
  buildah umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

step() { printf '\n--- %s\n' "$*"; }
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }
size() { mib "$(du --summarize --bytes "$@" | awk '{ sum += $1 } END { print sum }')"; }

step 'docker/compose.yaml, as docker-compose reads it'
docker-compose --file docker/compose.yaml config --quiet
echo accepted

step 'The images that the Dockerfile starts from'
mkdir "$work/debs" "$work/base" "$work/tools"
packages=(base-files libc6 libgcc-s1 libstdc++6)
shell=(dash)
(cd "$work/debs" && apt-get download -qq "${packages[@]}" "${shell[@]}" 2>/dev/null)
unpack() { for package in "$@"; do dpkg-deb --extract "$work"/debs/"$package"_*.deb "$work/base"; done; }
npm install --prefix "$work/tools" --no-save --no-audit --silent node@24 npm@11
node_binary=$(find "$work/tools/node_modules" -path '*/node-linux-*/bin/node' | head -1)

image_of() { # name of the image, folder
  local container
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$2" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  # npm's registry settings of this machine; the final stages do not copy them.
  if [[ $1 == */node && -n ${NODE_EXTRA_CA_CERTS:-} ]]; then
    buildah config --env NODE_EXTRA_CA_CERTS=/usr/local/etc/ca.pem "$container"
  fi
  buildah commit --quiet --rm "$container" "$1" >/dev/null
}
unpack "${packages[@]}"
image_of localhost/verify/base "$work/base"
unpack "${shell[@]}"
mkdir -p "$work"/base/usr/local/{bin,lib/node_modules,etc} "$work/base/root"
cp "$node_binary" "$work/base/usr/local/bin/node"
cp "$(dirname "$node_binary")/../LICENSE" "$work/base/usr/local/LICENSE"
cp -r "$work/tools/node_modules/npm" "$work/base/usr/local/lib/node_modules/"
printf '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n' >"$work/base/usr/local/bin/npm"
chmod 755 "$work/base/usr/local/bin/npm"
printf 'registry=%s\n' "$(npm config get registry)" >"$work/base/root/.npmrc"
if [[ -n ${NODE_EXTRA_CA_CERTS:-} ]]; then cp "$NODE_EXTRA_CA_CERTS" "$work/base/usr/local/etc/ca.pem"; fi
image_of localhost/verify/node "$work/base"
rm -r "$work/base"
"$node_binary" --version

step 'buildah build'
for target in server emulator; do
  # HEALTHCHECK is of Docker's image format; OCI's has none.
  buildah build --isolation chroot --format docker --layers --target "$target" \
    --build-arg NODE_IMAGE=localhost/verify/node --build-arg BASE_IMAGE=localhost/verify/base \
    --tag "localhost/verify/$target" . >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
  buildah inspect --type image "localhost/verify/$target" >"$work/$target.json"
  root=$(buildah mount "$(buildah from --name "verify-$target" "localhost/verify/$target")")
  ln -s "$root" "$work/$target"
  echo "$target: $(size "$root/")"
done

step 'Contents of the image'
root=$work/server/
printf 'Node          %s\n' "$(size "${root}usr/local/bin/node")"
printf 'bundle        %s\n' "$(size "${root}"app/*.js)"
printf 'source maps   %s\n' "$(size "${root}"app/*.map)"
printf 'compile cache %s\n' "$(size "${root}app/.compile-cache")"
printf 'licences      %s\n' "$(size "${root}"app/*icen*e* "${root}"app/*.txt "${root}usr/share/doc/nodejs")"
packed=$(tar --create --directory "$root" app usr/local usr/share/doc/nodejs | gzip | wc --bytes)
printf 'layers of the Dockerfile, gzipped as pulled: %s\n' "$(mib "$packed")"
if [[ -n $(find "$root" -name node_modules -o -name '*.ts' -o -name .npmrc -o -name .git) ]]; then
  echo 'The image contains unexpected files.' >&2
  exit 1
fi

step 'The image at work: read-only, without root, without capabilities'
node --import tsx test/ship/image.ts "$work"
