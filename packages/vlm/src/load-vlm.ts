/** A model from a folder or from the hub, ready to be asked. */
import { basename, dirname } from 'node:path'
import { adapterFiles, resolveRepo, type HubOptions } from '@evolmm/hub'
import { checkInteger, checkNumber, checkOneOf, checkText, EvolmmError } from '@evolmm/internal'
import { externalData, type Graph } from '@evolmm/onnx'
import { createAdapter, type CreateAdapterOptions } from './adapter/create-adapter'
import { fullModules, fullWeights, type FullWeightsOptions } from './adapter/full-weights'
import { loadAdapter, type LoadAdapterOptions } from './adapter/load-adapter'
import { mergeAdapter } from './adapter/merge-adapter'
import { saveAdapter, type SaveAdapterOptions } from './adapter/save-adapter'
import { parametersDigest } from './adapter/parameters-digest'
import { openCheckpoint } from './checkpoint/open-checkpoint'
import { quantizedCheckpoint } from './checkpoint/quantized-checkpoint'
import { quantizable } from './programs/quantizable'
import { widenedCheckpoint } from './checkpoint/widened-checkpoint'
import { companionFiles } from './checkpoint/companion-files'
import type { WriteCheckpointOptions } from './checkpoint/write-checkpoint'
import { checkAdapter } from './check-inputs'
import { encodeImage } from './encode-image'
import { exportPrograms } from './export-programs'
import { gradient, score } from './learn'
import { makeGroup } from './make-group'
import { makePrompt } from './make-prompt'
import type { Learner } from './learner'
import type { Model } from './model'
import { openFolder, type OpenFolderOptions } from './open-folder'
import type { Tokenizer } from './prompt/load-tokenizer'
import { systemMemory } from './runtime/available-memory'
import { checkMemory } from './runtime/check-memory'
import { remembered } from './runtime/remembered'
import { chooseDevice, type DeviceOptions } from './runtime/devices'
import { openProgram, type OpenProgramOptions, type Program } from './runtime/session'
import { sample } from './sample'
import type { Sampler } from './sampler'
import { stream } from './stream'
import type { Adapter, Group, GroupOptions, StreamOptions } from './types'

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
  /** Where weights are kept once they are in the type of `dtype` or quantized. @default `$XDG_CACHE_HOME/evolmm/weights`, else in ~/.cache */
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
  onWarning?: ((message: string) => void) | undefined
}

export interface Vlm extends Sampler, Learner {
  name: string
  /** The folder in which the checkpoint lies. */
  folder: string
  tokenizer: Tokenizer
  /**
   * Questions about the same images, with their completions, as a group whose prompt is what all of them begin with: for
   * `gradient` and `score` the same as a group for each, and much cheaper.
   */
  group: (options: GroupOptions) => Group
  /** Text piece by piece: what `sample` gives as sample 0 for the same seed. */
  stream: (options: StreamOptions) => AsyncIterable<string>
  /** Writes every program as a `.onnx` file, with the weights beside them; returns the paths. */
  exportPrograms: (folder: string, adapter?: Adapter) => Promise<string[]>
  /** A LoRA adapter that changes nothing yet: random A, zero B. */
  createAdapter: (options?: CreateAdapterOptions) => Adapter
  /** Weights to train as a whole, as they are. */
  trainWeights: (options?: FullWeightsOptions) => Promise<Adapter>
  /** The adapter comes from a PEFT folder or a repository of the hub. */
  loadAdapter: (
    idOrFolder: string,
    options?: LoadAdapterOptions & { hub?: HubOptions | undefined },
  ) => Promise<Adapter>
  /** Writes a PEFT folder, whole or not at all. */
  saveAdapter: (folder: string, adapter: Adapter, options?: SaveOptions) => Promise<void>
  /** Writes a checkpoint in the Hugging Face layout with the adapter merged into the weights. */
  saveMerged: (folder: string, adapter: Adapter, options?: SaveMergedOptions) => Promise<void>
  /** Closes all programs. */
  dispose: () => Promise<void>
}

export type SaveOptions = Omit<SaveAdapterOptions, 'baseModel' | 'companions'> & {
  /** @default what the model was loaded by */
  baseModel?: string
  /** True writes the tokenizer's and the processor's files too, byte for byte. @default false */
  withProcessor?: boolean
}

export type SaveMergedOptions = Pick<WriteCheckpointOptions, 'dtype' | 'maxShardBytes' | 'overwrite'>

export async function loadVlm(idOrFolder: string, options: LoadVlmOptions = {}): Promise<Vlm> {
  if (options.quantize !== undefined) checkOneOf('quantize', options.quantize, ['int4'])
  if (options.threads !== undefined) checkInteger('threads', options.threads, { min: 1 })
  if (options.memoryLimit !== undefined) checkNumber('memoryLimit', options.memoryLimit, { above: 0 })
  const {
    onWarning = (message: string) => {
      process.emitWarning(message)
    },
  } = options
  const { device, dtype, providers } = await chooseDevice(options)
  if (options.dtype !== undefined && options.dtype !== dtype)
    onWarning(`dtype: ${options.dtype} is for a GPU; on ${device} it is ${dtype}`)
  const { folder, id = `${basename(dirname(folder))}/${basename(folder)}` } = await resolveRepo(
    idOrFolder,
    options.hub,
  )
  const { backbone, processor, tokenizer, template, generation, stored } = await openFolder(folder, options)
  const { cacheDir, onWiden, onQuantize } = options
  const frozen = options.quantize === undefined ? [] : quantizable(backbone)
  const quantized =
    frozen.length === 0 ? [] : await quantizedCheckpoint(stored, frozen, { cacheDir, onWrite: onQuantize })
  const others = new Map(stored.tensors)
  for (const name of frozen) others.delete(name)
  const checkpoint = await widenedCheckpoint({ tensors: others }, { dtype, cacheDir, onWrite: onWiden })
  const files = {
    ...(await externalData([...checkpoint.tensors.values(), ...quantized])),
    quantized: device === 'cpu' ? ('dequantized' as const) : ('packed' as const),
  }
  const warned = (adapter: Adapter): Adapter => {
    for (const target of adapter.unmatched)
      onWarning(`targets: "${target}" matches nothing in the model; it is left out`)
    return adapter
  }
  const programs = openPrograms({ folder: files.folder, threads: options.threads, providers })
  const model: Model = {
    folder,
    backbone,
    files,
    tokenizer,
    template,
    generation,
    processor,
    program: programs.get,
    // Questions and answers in training data are the same over and over.
    remember: remembered(4096),
    checkMemory: (work) => {
      const available = options.memoryLimit ?? (device === 'cpu' ? systemMemory() : Infinity)
      const { quantize } = options
      checkMemory(backbone.estimateMemory({ ...work, device, dtype, quantize }), available)
    },
  }
  return {
    name: id,
    identity: (adapter) => ({ folder, adapter: adapter === undefined ? null : parametersDigest(adapter) }),
    folder,
    tokenizer,
    encodeImage: (source, given) => encodeImage(model, source, given),
    prompt: (given) => makePrompt(model, given),
    group: (given) => makeGroup(model, given),
    sample: (given) => sample(model, given),
    score: (given) => score(model, given),
    gradient: (given) => gradient(model, given),
    stream: (given) => stream(model, given),
    exportPrograms: async (out, adapter) => {
      checkText('folder', out)
      if (adapter !== undefined) checkAdapter(backbone, adapter)
      return exportPrograms(model, out, adapter)
    },
    createAdapter: (given) => warned(createAdapter(backbone, given)),
    trainWeights: async ({ folder: from, ...given } = {}) => {
      checkTrained(fullModules(backbone, given).matched, frozen)
      const source = from === undefined ? checkpoint : await openCheckpoint(from, backbone.weights)
      return warned(await fullWeights(backbone, source, given))
    },
    loadAdapter: async (name, { hub, ...given } = {}) => {
      // A revision of the model is none of the adapter's repository.
      const found = await resolveRepo(name, { ...options.hub, revision: undefined, ...adapterFiles, ...hub })
      return warned(await loadAdapter(found.folder, backbone, given))
    },
    saveAdapter: async (out, adapter, { withProcessor = false, ...given } = {}) => {
      checkText('folder', out)
      checkAdapter(backbone, adapter)
      const companions = withProcessor ? await companionFiles(folder) : new Map<string, Uint8Array>()
      await saveAdapter(out, adapter, backbone, { baseModel: idOrFolder, companions, ...given })
    },
    saveMerged: async (out, adapter, given) => {
      checkText('folder', out)
      checkAdapter(backbone, adapter)
      // The weights as they came, which are nearer to the original than what four bits hold.
      const weights = mergeAdapter(stored, adapter)
      await backbone.writeCheckpoint(out, { ...given, weights, sourceFolder: folder })
    },
    dispose: programs.close,
  }
}

function checkTrained(names: readonly string[], quantized: readonly string[]): void {
  const both = names.filter((name) => quantized.includes(name))
  if (both.length === 0) return
  throw new EvolmmError(
    'WEIGHTS_QUANTIZED',
    `targets: weights in four bits must stay as they are, got ${both[0]}${both.length > 1 ? ` and ${both.length - 1} more` : ''}; ` +
      'train a LoRA adapter, or load the model without quantize',
    { details: { names: both } },
  )
}

/** Programs by key, each built and opened once. */
function openPrograms(options: OpenProgramOptions): {
  get: Model['program']
  close: () => Promise<void>
} {
  const open = new Map<string, Promise<Program>>()
  let closed = false
  const checkOpen = () => {
    if (closed)
      throw new EvolmmError(
        'MODEL_DISPOSED',
        'model: must not be used after dispose(), got a call; load it again',
      )
  }
  const opened = async (graph: Graph, prepack: boolean): Promise<Program> => {
    const program = await openProgram(graph, { ...options, prepack })
    return {
      ...program,
      run: async (feeds) => {
        checkOpen()
        return program.run(feeds)
      },
    }
  }
  return {
    get: (key: string, build: () => Graph, { prepack = true } = {}) => {
      checkOpen()
      const known = open.get(key)
      if (known !== undefined) return known
      const program = opened(build(), prepack)
      open.set(key, program)
      // What could not be opened, for want of memory say, may be tried again.
      program.catch(() => open.delete(key))
      return program
    },
    close: async () => {
      closed = true
      const programs = await Promise.allSettled(open.values())
      open.clear()
      for (const program of programs) if (program.status === 'fulfilled') await program.value.release()
    },
  }
}
