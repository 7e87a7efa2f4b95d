/** A model from a folder or from the hub, ready to be asked. */
import { adapterFiles, resolveRepo } from '@evolmm/hub'
import { checkNames, checkText, countOf } from '@evolmm/internal'
import { emitWarning, type WarningListener } from '@evolmm/internal/node'
import { EvolmmError } from './errors'
import type { Adapter } from './adapter/adapter'
import { createAdapter } from './adapter/create-adapter'
import { addValueHead } from './adapter/value-head'
import { fullModules, fullWeights } from './adapter/full-weights'
import { loadAdapter } from './adapter/load-adapter'
import { meanEmbedding } from './adapter/mean-embedding'
import { mergeAdapter } from './adapter/merge-adapter'
import { parametersDigest } from './adapter/parameters-digest'
import { saveAdapter } from './adapter/save-adapter'
import { checkAdapter } from './check-inputs'
import { companionFiles } from './checkpoint/companion-files'
import { openCheckpoint } from './checkpoint/open-checkpoint'
import { writeCheckpoint } from './checkpoint/write-checkpoint'
import { encodeImage } from './encode-image'
import { exportPrograms } from './export-programs'
import { gradient, score } from './learn'
import { makeGroup } from './make-group'
import { makePrompt } from './make-prompt'
import { openModel, type LoadVlmOptions, type OpenedModel } from './open-model'
import { sample } from './sample'
import { stream } from './stream'
import type { Vlm } from './vlm'

export async function loadVlm(idOrFolder: string, options: LoadVlmOptions = {}): Promise<Vlm> {
  checkNames('loadVlm', options, {
    device: true,
    dtype: true,
    imageOptions: true,
    architectures: true,
    memoryLimit: true,
    threads: true,
    quantize: true,
    cacheDir: true,
    hub: true,
    onWiden: true,
    onQuantize: true,
    onWarning: true,
  })
  const { onWarning = emitWarning } = options
  const opened = await openModel(idOrFolder, options, onWarning)
  const { id, model } = opened
  const { folder, backbone, tokenizer } = model
  return {
    name: id,
    identity: (adapter) => ({ folder, adapter: adapter === undefined ? null : parametersDigest(adapter) }),
    folder,
    tokenizer,
    imageFields: backbone.vision?.fields ?? [],
    marker: backbone.prompt.marker,
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
    ...adapterCalls(opened, idOrFolder, { ...options, onWarning }),
    dispose: opened.close,
  }
}

const saveNames = {
  baseModel: true,
  revision: true,
  layout: true,
  name: true,
  dtype: true,
  overwrite: true,
  withProcessor: true,
} as const

type AdapterCalls = Pick<
  Vlm,
  | 'createAdapter'
  | 'trainWeights'
  | 'addValueHead'
  | 'meanEmbedding'
  | 'loadAdapter'
  | 'saveAdapter'
  | 'saveMerged'
  | 'savedBytes'
>

function adapterCalls(
  { model, stored, checkpoint, quantized }: OpenedModel,
  idOrFolder: string,
  { hub: modelHub, onWarning }: Pick<LoadVlmOptions, 'hub'> & { onWarning: WarningListener },
): AdapterCalls {
  const { folder, backbone } = model
  const warned = (adapter: Adapter): Adapter => {
    for (const target of adapter.unmatched)
      onWarning(`targets: "${target}" matches nothing in the model; it is left out`, 'TARGET_UNMATCHED')
    return adapter
  }
  return {
    createAdapter: (given) => warned(createAdapter(backbone, given)),
    addValueHead: (adapter) => {
      checkAdapter(backbone, adapter)
      return addValueHead(backbone, adapter)
    },
    meanEmbedding: () => meanEmbedding(backbone, stored),
    trainWeights: async (options = {}) => {
      checkNames('trainWeights', options, { targets: true, vision: true, folder: true })
      const { folder: from, ...given } = options
      checkTrained(fullModules(backbone, given).matched, quantized)
      const source = from === undefined ? checkpoint : await openCheckpoint(from, backbone)
      return warned(await fullWeights(backbone, source, given))
    },
    loadAdapter: async (name, options = {}) => {
      checkNames('loadAdapter', options, { adapterName: true, hub: true })
      const { hub, ...given } = options
      // A revision of the model is none of the adapter's repository.
      const found = await resolveRepo(name, { ...modelHub, revision: undefined, ...adapterFiles, ...hub })
      return warned(await loadAdapter(found.folder, backbone, given))
    },
    saveAdapter: async (out, adapter, options = {}) => {
      checkNames('saveAdapter', options, saveNames)
      const { withProcessor = false, ...given } = options
      checkText('folder', out)
      checkAdapter(backbone, adapter)
      const companions = withProcessor ? await companionFiles(folder) : new Map<string, Uint8Array>()
      await saveAdapter(out, adapter, backbone, { baseModel: idOrFolder, companions, ...given })
    },
    saveMerged: async (out, adapter, given = {}) => {
      checkNames('saveMerged', given, { dtype: true, maxShardBytes: true, overwrite: true })
      checkText('folder', out)
      checkAdapter(backbone, adapter)
      // The weights as they came, which are nearer to the original than what four bits hold.
      const weights = mergeAdapter(backbone, stored, adapter)
      await writeCheckpoint(out, { ...given, model: backbone, weights, sourceFolder: folder })
    },
    savedBytes: async (adapter) => {
      checkAdapter(backbone, adapter)
      const whole = adapter.trainable.full.size > 0
      const values = whole ? sumOf([...backbone.weights.values()].map(countOf)) : adapter.parameters.length
      const beside = [...(await companionFiles(folder)).values()]
      return 4 * values + sumOf(beside.map(({ byteLength }) => byteLength))
    },
  }
}

function checkTrained(names: readonly string[], quantized: readonly string[]): void {
  const both = names.filter((name) => quantized.includes(name))
  if (both.length === 0) return
  throw new EvolmmError(
    'WEIGHTS_QUANTIZED',
    `targets: weights in four bits must stay as they are, got ${both[0]}${both.length > 1 ? ` and ${both.length - 1} more` : ''}; ` +
      'train a LoRA adapter, or load the model without quantize',
    { details: { option: 'targets', names: both } },
  )
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}
