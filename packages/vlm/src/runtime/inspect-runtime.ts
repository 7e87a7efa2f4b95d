/** What programs run on here, for `evolmm doctor`. Nothing is fetched; GPU providers are started to see whether they do. */
import { checkNames, deviceKinds } from '@evolmm/internal'
import { lstat, readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { hubCacheFolder } from '@evolmm/hub'
import { runtimeVersion } from './runtime-version'
import { defaultCacheDir } from '../checkpoint/twin-file'
import { cudaPlaces, type CudaPlaces } from './cuda-libraries'
import { cudaReport, type CudaReport } from './cuda-report'
import { nativeRuntime, type NativeRuntime } from './native-runtime'
import { hasCudaProvider, providerStatus, type ProviderStatus } from './provider-status'

export interface RuntimeReport {
  /** The version of Node. */
  node: string
  onnxruntime: string
  platform: string
  arch: string
  /** The threads that programs use unless told otherwise. */
  threads: number
  /** Class of float16 tensors: `Uint16Array` holds their bits where JavaScript has no class of its own. */
  float16Array: 'Float16Array' | 'Uint16Array'
  providers: readonly ProviderStatus[]
  /** Cards and libraries, on Linux x64 where a card or the provider's own libraries are there. */
  cuda?: CudaReport
  caches: readonly CacheReport[]
}

export interface CacheReport {
  /** Downloads from the Hugging Face hub, or 16-bit weights as float32. */
  name: 'hub' | 'weights'
  folder: string
  files: number
  /** 0 if there is no such folder. */
  bytes: number
}

export interface InspectRuntimeOptions {
  /** @default process.env's HF_HUB_CACHE and what else the hub's cache follows */
  hubCache?: string | undefined
  /** @default `$XDG_CACHE_HOME/evolmm/weights`, or `~/.cache/evolmm/weights` */
  weightsCache?: string | undefined
}

export async function inspectRuntime(
  options: InspectRuntimeOptions = {},
  runtime: NativeRuntime = nativeRuntime(),
  places: CudaPlaces = cudaPlaces(),
): Promise<RuntimeReport> {
  checkNames('inspectRuntime', options, { hubCache: true, weightsCache: true })
  const { hubCache, weightsCache = defaultCacheDir() } = options
  const hubFolder = hubCacheFolder({ cacheFolder: hubCache })
  const providers: ProviderStatus[] = []
  for (const device of deviceKinds) providers.push(await providerStatus(device, runtime))
  const cuda = runtime.platform === 'linux' && runtime.arch === 'x64' ? await cudaReport(places) : undefined
  const isMeant = cuda !== undefined && (cuda.cards.length > 0 || hasCudaProvider(runtime))
  return {
    node: process.versions.node,
    onnxruntime: runtimeVersion(),
    platform: runtime.platform,
    arch: runtime.arch,
    threads: availableParallelism(),
    float16Array: 'Float16Array' in globalThis ? 'Float16Array' : 'Uint16Array',
    providers,
    ...(isMeant && { cuda }),
    caches: [
      { name: 'hub', folder: hubFolder, ...(await contentOf(hubFolder)) },
      { name: 'weights', folder: weightsCache, ...(await contentOf(weightsCache)) },
    ],
  }
}

/** Links count nothing: in the hub's cache each file is there once, and a snapshot links to it. */
async function contentOf(folder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  let [files, bytes] = [0, 0]
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      const inner = await contentOf(path)
      files += inner.files
      bytes += inner.bytes
    } else if (entry.isFile()) {
      files++
      bytes += (await lstat(path).catch(() => undefined))?.size ?? 0
    }
  }
  return { files, bytes }
}
