/** The status of a provider says whether programs can run on a device here, and what is missing if they cannot. */
import { join } from 'node:path'
import type { deviceKinds } from '@evolmm/internal'
import { nativeRuntime, type NativeRuntime, type Provider } from './native-runtime'

export type Device = (typeof deviceKinds)[number]

export interface ProviderStatus {
  device: Device
  /** Part of the npm package, so nothing needs to be fetched. */
  bundled: boolean
  usable: boolean
  /** What is not there, and what to do about it. */
  missing: { what: string; fix: string } | undefined
}

const cudaFix =
  'run `npx evolmm setup cuda` on Linux x64 with an NVIDIA driver, CUDA 12 and cuDNN 9 ' +
  '(`npx evolmm doctor` says what of them is missing), or choose device cpu'
const cardFix =
  'choose a card that `npx evolmm doctor` lists (CUDA_VISIBLE_DEVICES says which there are), or device cpu'
const webgpuFix =
  'install a Vulkan driver for the GPU (Linux; Windows and macOS have one), or choose device cpu'

/** Starts the device's provider, but only if its libraries are there. */
export async function providerStatus(
  device: Device,
  runtime: NativeRuntime = nativeRuntime(),
  card = 0,
): Promise<ProviderStatus> {
  const backend = runtime.backends.find(({ name }) => name === device)
  const bundled = backend?.bundled ?? false
  const unusable = (what: string, fix: string): ProviderStatus => ({
    device,
    bundled,
    usable: false,
    missing: { what, fix },
  })
  const fix = device === 'cuda' ? cudaFix : webgpuFix
  if (backend === undefined)
    return unusable(`no ${device} in onnxruntime-node for ${runtime.platform} ${runtime.arch}`, fix)
  if (device === 'cuda') {
    const library = cudaLibraries(runtime).find((file) => !runtime.exists(file))
    if (library !== undefined) return unusable(`no ${library}`, fix)
  }
  try {
    if (device !== 'cpu') await runtime.start(providerOf(device, card))
  } catch (cause) {
    return unusable(
      `"${reasonOf(cause)}" from the runtime`,
      card > 0 ? `${cardFix}; where none starts, ${fix}` : fix,
    )
  }
  return { device, bundled, usable: true, missing: undefined }
}

function cudaLibraries({ platform, libraries }: NativeRuntime): string[] {
  const [before, after] = platform === 'win32' ? ['', '.dll'] : ['lib', '.so']
  return ['shared', 'cuda'].map((part) => join(libraries, `${before}onnxruntime_providers_${part}${after}`))
}

/** The provider of a device as the runtime wants it named. */
export function providerOf(device: Device, card: number): Provider {
  return device === 'cuda' && card > 0 ? { name: 'cuda', deviceId: card } : device
}

/** True where the provider's own libraries are there, which npm does not bring. */
export function hasCudaProvider(runtime: NativeRuntime): boolean {
  return cudaLibraries(runtime).every((file) => runtime.exists(file))
}

/** The runtime's messages begin with the place in its source; what matters comes last. */
export function reasonOf(cause: unknown): string {
  const text = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')[0]
  return text.replace(/^.* was false\. /, '').slice(-200)
}
