/**
 * The WebGPU provider on a software driver, for machines without a GPU: `scripts/install-webgpu.sh` installs one.
 * `VK_ICD_FILENAMES` names another driver, that of a real card for instance.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'

const drivers = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/share/vulkan/icd.d/lvp_icd.json',
  '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
  '/usr/share/vulkan/icd.d/lvp_icd.aarch64.json',
]

/** Opens a program on the provider, which fails or crashes where the driver is none for it. */
const probe = `
const { InferenceSession } = require(process.argv[1])
InferenceSession.create(Buffer.from(process.argv[2], 'base64'), { executionProviders: ['webgpu'], logSeverityLevel: 4 })
  .then(() => process.exit(0), () => process.exit(1))`

/** `y = x + x` of one number. */
const model =
  'CAoSBmV2b2xtbTo+ChcKAXgKAXgSAXkaBUFkZF8xIgNBZGQ6ABIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEA0='

/**
 * Points the Vulkan loader at a driver on which the provider starts, in the environment of this process and of those
 * it starts. Returns why there is none, or `undefined`. Call it before any session is made.
 */
export function prepareWebGpu(): string | undefined {
  const named = process.env.VK_ICD_FILENAMES
  const found = named === undefined ? drivers.filter((path) => existsSync(path)) : [named]
  const runtime = createRequire(new URL('../../vlm/package.json', import.meta.url)).resolve(
    'onnxruntime-node',
  )
  const driver = found.find((path) => {
    const env = { ...process.env, ...settings(path) }
    try {
      execFileSync(process.execPath, ['-e', probe, runtime, model], { env, stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
  if (driver === undefined)
    return 'no Vulkan driver that WebGPU starts on (sh scripts/install-webgpu.sh installs one)'
  Object.assign(process.env, settings(driver))
  return undefined
}

function settings(driver: string): Record<string, string> {
  return {
    VK_ICD_FILENAMES: driver,
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir(),
    ORT_DISABLE_TELEMETRY: '1',
  }
}
