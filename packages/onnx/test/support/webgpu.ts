/**
 * The WebGPU provider on a software driver, for machines without a GPU: Debian's packages chromium (its Vulkan driver
 * SwiftShader) and libvulkan1. `VK_ICD_FILENAMES` names another driver.
 */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const softwareDriver = '/usr/lib/chromium/vk_swiftshader_icd.json'
const loaders = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1']

/** Points the Vulkan loader at a driver. Returns why there is none, or `undefined`. Call it before any session is made. */
export function prepareWebGpu(): string | undefined {
  const driver = process.env.VK_ICD_FILENAMES ?? softwareDriver
  if (!existsSync(driver))
    return `no Vulkan driver at ${driver} (Debian: apt-get install chromium libvulkan1)`
  if (!loaders.some((path) => existsSync(path)))
    return 'no libvulkan.so.1 (Debian: apt-get install libvulkan1)'
  process.env.VK_ICD_FILENAMES = driver
  process.env.XDG_RUNTIME_DIR ??= tmpdir()
  return undefined
}
