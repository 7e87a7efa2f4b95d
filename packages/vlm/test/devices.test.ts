import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chooseDevice } from '../src/runtime/devices'
import { inspectRuntime } from '../src/runtime/inspect-runtime'
import { nativeRuntime, type NativeRuntime, type Provider } from '../src/runtime/native-runtime'
import { coded } from './prompt-checkpoint'
import { makeFolder } from './support/safetensors'

interface Situation {
  /** Names of library files that are there. */
  files?: readonly string[]
  /** The providers that start. */
  starts?: readonly string[]
  backends?: NativeRuntime['backends']
  platform?: string
}

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }

const linux = [
  { name: 'cpu', bundled: true },
  { name: 'webgpu', bundled: true },
  { name: 'cuda', bundled: false },
]
const libraries = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so']

/** A machine of which all is known; `started` lists what was tried on it. */
function machine({ files = [], starts = [], backends = linux, platform = 'linux' }: Situation) {
  const started: Provider[] = []
  const runtime: NativeRuntime = {
    platform,
    arch: 'x64',
    backends,
    libraries: join('/ort', platform, 'x64'),
    exists: (file) => files.some((name) => file === join('/ort', platform, 'x64', name)),
    start: (provider) => {
      started.push(provider)
      return starts.includes(typeof provider === 'string' ? provider : `cuda:${provider.deviceId}`)
        ? Promise.resolve()
        : Promise.reject(new Error('place.cc:136 ok was false. Failed to get a WebGPU adapter: none\n\nmore'))
    },
  }
  return { runtime, started }
}
const withCuda = { files: libraries, starts: ['cuda', 'webgpu'] }

test.each([
  ['nothing but the CPU', {}, 'cpu'],
  ['CUDA libraries that start', withCuda, 'cuda'],
  ['CUDA libraries without a driver', { files: libraries }, 'cpu'],
  ['half of the CUDA libraries', { files: libraries.slice(0, 1), starts: ['cuda'] }, 'cpu'],
  ['WebGPU alone', { starts: ['webgpu'] }, 'cpu'],
] as const)('auto with %s', async (_, situation, device) => {
  const { runtime, started } = machine(situation)
  const choice = await chooseDevice({}, runtime)
  expect(choice).toEqual({
    device,
    dtype: 'float32',
    providers: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
  })
  expect(started).not.toContain('webgpu')
})

test.each([
  ['cuda', {}, /got no \/ort\/linux\/x64\/libonnxruntime_providers_shared\.so; run `npx evolmm setup cuda`/],
  ['cuda', { files: libraries.slice(0, 1) }, /libonnxruntime_providers_cuda\.so.*evolmm setup cuda/],
  ['cuda', { files: libraries }, /got "Failed to get.*evolmm setup cuda.*cuDNN 9/],
  ['cuda', { platform: 'win32' }, /x64\/onnxruntime_providers_shared\.dll/],
  ['cuda', { platform: 'darwin', backends: linux.slice(0, 2) }, /no cuda in onnxruntime-node for darwin x64/],
  ['webgpu', {}, /got "Failed to get a WebGPU adapter: none" from the runtime; install a Vulkan driver/],
  ['webgpu', { backends: linux.slice(0, 1) }, /no webgpu in onnxruntime-node/],
] as const)('%s is refused with what is missing and what to do: %j', async (device, situation, message) => {
  await expect(chooseDevice({ device }, machine(situation).runtime)).rejects.toThrow(
    coded('DEVICE_UNAVAILABLE', message),
  )
})

test('a device that is asked for and usable is taken', async () => {
  const { runtime } = machine(withCuda)
  expect((await chooseDevice({ device: 'cpu' }, runtime)).providers).toEqual(['cpu'])
  expect((await chooseDevice({ device: 'cuda' }, runtime)).providers).toEqual(['cuda', 'cpu'])
  expect((await chooseDevice({ device: 'webgpu' }, runtime)).providers).toEqual(['webgpu', 'cpu'])
})

test('one card of several is given to the runtime by its number, the first by none', async () => {
  const { runtime, started } = machine({ files: libraries, starts: ['cuda', 'cuda:1'] })
  const second = { name: 'cuda', deviceId: 1 }
  const choice = await chooseDevice({ device: 'cuda:1', dtype: 'float16' }, runtime)
  expect(choice).toEqual({ device: 'cuda', dtype: 'float16', providers: [second, 'cpu'] })
  expect(started).toEqual([second, second])
  expect((await chooseDevice({ device: 'cuda:0' }, runtime)).providers).toEqual(['cuda', 'cpu'])
})

test('a card that is not there is refused by its number', async () => {
  const { runtime } = machine({ files: libraries, starts: ['cuda', 'cuda:1'] })
  await expect(chooseDevice({ device: 'cuda:2' }, runtime)).rejects.toThrow(
    coded(
      'DEVICE_UNAVAILABLE',
      /^device cuda:2: must be usable .* choose a card that `npx evolmm doctor` lists/,
    ),
  )
})

test('16-bit weights are refused where the device that was asked for has none', async () => {
  const { runtime } = machine(withCuda)
  for (const [device, dtype] of [
    ['cpu', 'float16'],
    ['cpu', 'bfloat16'],
    ['webgpu', 'bfloat16'],
  ] as const)
    await expect(chooseDevice({ device, dtype }, runtime)).rejects.toThrow(
      coded('UNSUPPORTED_DTYPE', new RegExp(`on ${device}, got ${dtype}`)),
    )
  expect((await chooseDevice({ device: 'cuda', dtype: 'bfloat16' }, runtime)).dtype).toBe('bfloat16')
  expect((await chooseDevice({ device: 'webgpu', dtype: 'float16' }, runtime)).dtype).toBe('float16')
})

test('with auto the type is a wish, and the result says what became of it', async () => {
  expect((await chooseDevice({ dtype: 'bfloat16' }, machine(withCuda).runtime)).dtype).toBe('bfloat16')
  expect((await chooseDevice({ dtype: 'bfloat16' }, machine({}).runtime)).dtype).toBe('float32')
})

test.each([{ device: 'tpu' }, { device: 'cuda:x' }, { dtype: 'int8' }])(
  'unknown names are refused: %j',
  async (options) => {
    await expect(chooseDevice(options as object)).rejects.toThrow(coded('INVALID_OPTION'))
  },
)

test('the CPU of this machine is usable, and its library lies where libraries are looked for', async () => {
  expect((await chooseDevice({ device: 'cpu' })).device).toBe('cpu')
  const { libraries: folder, exists } = nativeRuntime()
  expect(exists(join(folder, 'onnxruntime_binding.node'))).toBe(true)
  await nativeRuntime().start('cpu')
  await nativeRuntime().start('cpu', 'float16')
})

test('the report has versions, providers and the sizes of the caches, links not counted', async () => {
  const [hubCache, weightsCache] = [await makeFolder(), join(await makeFolder(), 'none')]
  await mkdir(join(hubCache, 'models--a--b/blobs'), { recursive: true })
  await writeFile(join(hubCache, 'models--a--b/blobs/x'), 'twelve bytes')
  await writeFile(join(hubCache, 'version.txt'), '1')
  await symlink(join(hubCache, 'models--a--b/blobs/x'), join(hubCache, 'link'))
  const { runtime, started } = machine(withCuda)
  const report = await inspectRuntime({ hubCache, weightsCache }, runtime)
  expect(report.caches).toEqual([
    { name: 'hub', folder: hubCache, files: 2, bytes: 13 },
    { name: 'weights', folder: weightsCache, files: 0, bytes: 0 },
  ])
  expect(report.providers.map(({ device, bundled, usable }) => [device, bundled, usable])).toEqual([
    ['cpu', true, true],
    ['cuda', false, true],
    ['webgpu', true, true],
  ])
  expect(started).toEqual(['cuda', 'webgpu'])
  expect(report).toMatchObject({
    node: process.versions.node,
    onnxruntime: version,
    threads: availableParallelism(),
    float16Array:
      typeof Reflect.get(globalThis, 'Float16Array') === 'function' ? 'Float16Array' : 'Uint16Array',
  })
})
