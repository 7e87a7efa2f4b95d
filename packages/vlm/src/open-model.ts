/** Everything that a loaded model is made of. */
import { basename, dirname } from 'node:path'
import { resolveRepo, type HubOptions } from '@evolmm/hub'
import { checkInteger, checkNumber, checkOneOf } from '@evolmm/internal'
import type { WarningListener } from '@evolmm/internal/node'
import { externalData } from '@evolmm/onnx'
import type { StoredModel } from './checkpoint/open-checkpoint'
import { quantizedCheckpoint } from './checkpoint/quantized-checkpoint'
import { widenedCheckpoint } from './checkpoint/widened-checkpoint'
import type { Model } from './model'
import { openFolder, type OpenFolderOptions } from './open-folder'
import { quantizable } from './programs/quantizable'
import type { WeightFiles } from './programs/weight-files'
import { systemMemory } from './runtime/available-memory'
import { checkMemory } from './runtime/check-memory'
import { chooseDevice, type DeviceChoice, type DeviceOptions } from './runtime/devices'
import { estimateMemory } from './runtime/memory-estimate'
import { jointTable } from './runtime/joint-table'
import { programTable } from './runtime/program-table'
import { remembered } from './runtime/remembered'

export interface LoadVlmOptions extends DeviceOptions, OpenFolderOptions {
  /**
   * Bytes that may be used, weights included; a call that cannot fit is refused. @default what the system has left, for
   * the CPU; a GPU does not say how much it has
   */
  memoryLimit?: number | undefined
  /** Threads of one operation. @default the runtime's choice */
  threads?: number | undefined
  /**
   * Hold the frozen matrices of all linear modules but the head in four bits: a seventh of their memory, and adapters on
   * top are trained as ever (QLoRA). They cannot be trained themselves. @default none
   */
  quantize?: 'int4' | undefined
  /**
   * The folder where weights are kept once they are in the type of `dtype` or quantized. @default
   * `$XDG_CACHE_HOME/evolmm/weights`, else in ~/.cache
   */
  cacheDir?: string | undefined
  /** Settings of the hub, for models that are not folders. */
  hub?: HubOptions | undefined
  /** The function is called before weights of another type are converted into a file of that many bytes. */
  onWiden?: ((twin: { file: string; bytes: number }) => void) | undefined
  /** The function is called before weights are quantized into a file of that many bytes. */
  onQuantize?: ((twin: { file: string; bytes: number }) => void) | undefined
  /**
   * The function is told what works, but perhaps not as meant: a target that matches nothing. @default a Node process
   * warning
   */
  onWarning?: WarningListener | undefined
}

export interface OpenedModel {
  /** The name of the repository, or the last two parts of the folder's path. */
  id: string
  model: Model
  /** The weights as they came. */
  stored: StoredModel
  /** Those that are not in four bits, in the type that the programs read. */
  checkpoint: StoredModel
  /** The names of those in four bits. */
  quantized: readonly string[]
  /** The function closes all programs. */
  close: () => Promise<void>
}

/** `warn` is told what works, but perhaps not as meant. */
export async function openModel(
  idOrFolder: string,
  options: LoadVlmOptions,
  warn: WarningListener,
): Promise<OpenedModel> {
  if (options.quantize !== undefined) checkOneOf('quantize', options.quantize, ['int4'])
  if (options.threads !== undefined) checkInteger('threads', options.threads, { min: 1 })
  if (options.memoryLimit !== undefined) checkNumber('memoryLimit', options.memoryLimit, { above: 0 })
  const choice = await chooseDevice({ device: options.device, dtype: options.dtype })
  const { device, dtype, providers } = choice
  if (options.dtype !== undefined && options.dtype !== dtype)
    warn(`dtype: ${options.dtype} is for a GPU; on ${device} it is ${dtype}`, 'DTYPE_CHANGED')
  const { folder, id = `${basename(dirname(folder))}/${basename(folder)}` } = await resolveRepo(
    idOrFolder,
    options.hub,
  )
  const { stored, ...parts } = await openFolder(folder, options)
  const { backbone } = parts
  const quantized = options.quantize === undefined ? [] : quantizable(backbone)
  const { checkpoint, files } = await openWeights(stored, quantized, { ...options, ...choice })
  // The CPU maps weights, and has them once as it is.
  const table = device === 'cpu' ? programTable : jointTable
  const programs = table({
    ...{ folder: files.folder, threads: options.threads, providers },
    // Without them a step in four bits takes a tenth more memory.
    optimized: options.quantize !== undefined,
  })
  const model: Model = {
    folder,
    ...parts,
    files,
    program: programs.get,
    // Questions and answers in training data are the same over and over.
    remember: remembered(4096),
    arranged: new WeakMap(),
    arrangedFeatures: new WeakMap(),
    checkMemory: (work) => {
      const available = options.memoryLimit ?? (device === 'cpu' ? systemMemory() : Infinity)
      const { quantize } = options
      checkMemory(estimateMemory({ ...work, backbone, device, dtype, quantize }), available)
    },
  }
  return { id, model, stored, checkpoint, quantized, close: programs.close }
}

/** The weights of those names in four bits, the others in the type of the device: as files that programs refer to. */
async function openWeights(
  { tensors }: StoredModel,
  names: readonly string[],
  options: Pick<DeviceChoice, 'device' | 'dtype'> &
    Pick<LoadVlmOptions, 'cacheDir' | 'onWiden' | 'onQuantize'>,
): Promise<{ checkpoint: StoredModel; files: WeightFiles }> {
  const { device, dtype, cacheDir, onWiden, onQuantize } = options
  const quantized =
    names.length === 0 ? [] : await quantizedCheckpoint({ tensors }, names, { cacheDir, onWrite: onQuantize })
  const others = new Map(tensors)
  for (const name of names) others.delete(name)
  const checkpoint = await widenedCheckpoint({ tensors: others }, { dtype, cacheDir, onWrite: onWiden })
  const external = await externalData([...checkpoint.tensors.values(), ...quantized])
  return {
    checkpoint,
    files: {
      ...external,
      quantized: device === 'cpu' ? 'dequantized' : 'packed',
      loops: device === 'webgpu' ? 'attention' : 'all',
    },
  }
}
