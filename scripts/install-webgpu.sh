#!/bin/sh
# A Vulkan driver in software, so that the tests of the WebGPU provider run on a machine without a GPU: sh scripts/install-webgpu.sh
# Debian has one in its package chromium (SwiftShader), which is the browser of the tests in a page as well; elsewhere Mesa's
# is taken, which must be of 2023 or later, and a browser has to be named in CHROMIUM.
# Where none is installed those tests are skipped and say so.
set -eu
if ! command -v apt-get > /dev/null; then
  echo "install-webgpu: must run where apt-get is; elsewhere install a Vulkan loader and driver, and name its file in VK_ICD_FILENAMES" >&2
  exit 2
fi
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
. /etc/os-release
driver=mesa-vulkan-drivers
[ "$ID" != debian ] || driver=chromium
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends libvulkan1 "$driver"
