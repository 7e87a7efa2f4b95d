/**
 * A library without a model: it notes what it is asked for and answers with what the test says. A token is a character,
 * its id the code point; `<end>` is one token, 9.
 */
import { existsSync } from 'node:fs'
import { EvolmmError } from '@evolmm/internal'
import type { IterationRecord } from '@evolmm/trainer'
import type { Adapter, Completion, EncodedImage, Prompt, TokenScores } from '@evolmm/vlm'
import ndarray from 'ndarray'
import type {
  HubOptions,
  Library,
  LoadOptions,
  RuntimeReport,
  TrainCommandOutcome,
  Vlm,
} from '../../src/library'

export interface FakeOptions {
  /** Pieces of the streamed text. @default 'The ', 'red', ' bar.' */
  pieces?: readonly string[]
  /** A single one is every sample. @default none */
  completions?: readonly Completion[]
  /** Waited for before each piece. */
  beforePiece?: ((piece: string) => void | Promise<void>) | undefined
  /** What loading does, with the options that it is given. */
  onLoad?: (options: LoadOptions) => void
  /** What a run does; it ends with this. @default finished after one iteration */
  /** A run makes so many. @default 1 */
  iterations?: number
  onTrain?: (...given: Parameters<Library['train']>) => TrainCommandOutcome | Promise<TrainCommandOutcome>
  onLoadAdapter?: (options: { hub?: HubOptions | undefined }) => void
}

export interface FakeLibrary extends Library {
  /** Names and arguments, in order. */
  calls: [name: string, ...values: unknown[]][]
}

export const report: RuntimeReport = {
  node: '22.1.0',
  onnxruntime: '1.30.0',
  platform: 'linux',
  arch: 'x64',
  threads: 2,
  float16Array: 'Uint16Array',
  providers: [
    { device: 'cpu', bundled: true, usable: true, missing: undefined },
    {
      device: 'webgpu',
      bundled: true,
      usable: false,
      missing: { what: 'no adapter', fix: 'install a Vulkan driver' },
    },
  ],
  caches: [
    { name: 'hub', folder: '/cache/hub', files: 12, bytes: 7.5e9 },
    { name: 'weights', folder: '/cache/weights', files: 0, bytes: 0 },
  ],
}

export const encodedImage: EncodedImage = {
  source: 'picture.png',
  ...{ tokens: 6, patches: 24, area: 24 * 14 * 14 },
  fields: { image_grid_thw: [1, 4, 6] },
  pixels: ndarray(new Float32Array()),
  features: undefined,
}

/** An iteration of one picture, in a folder with a space. */
const record = { step: 1, images: [{ path: '/my charts/1.png' }] } as IterationRecord

/** Two tokens of text and one of an image that stretches over three places. */
const prompt: Prompt = {
  messages: [],
  text: '',
  ids: Int32Array.of(5, 6, 7),
  positions: Int32Array.of(0, 1, 4, 0, 1, 4, 0, 3, 4),
  delta: 2,
  imageSpans: [],
  images: [],
}

export const adapter: Adapter = {
  dropout: 0.25,
  parameters: Float32Array.of(1, 2),
  trainable: { layout: { entries: [], size: 2 }, lora: new Map(), full: new Set(), vision: false },
  matched: [],
  unmatched: [],
}

export const completion: Completion = {
  ids: Int32Array.of(54),
  text: '6',
  sampledLogProbabilities: Float32Array.of(0),
  logProbabilities: Float32Array.of(0),
  finishReason: 'stop',
}

function scores(length: number): TokenScores {
  const nothing = new Float32Array(length)
  return { logProbabilities: nothing.map((_, i) => -0.5 * (i + 1)), entropy: nothing, kl: nothing }
}

export function fakeLibrary(options: FakeOptions = {}): FakeLibrary {
  const { pieces = ['The ', 'red', ' bar.'], completions = [], beforePiece } = options
  const calls: FakeLibrary['calls'] = []
  const note = (name: string, ...values: unknown[]) => void calls.push([name, ...values])
  const vlm: Vlm = {
    name: 'org/tiny',
    identity: (given) => ({ folder: '/models/org/tiny', adapter: given ? String(given.parameters) : null }),
    folder: '/models/org/tiny',
    imageFields: ['image_grid_thw'],
    tokenizer: {
      encode: (text) =>
        (text.match(/<end>|./gsu) ?? []).map((token) =>
          token === '<end>' ? 9 : (token.codePointAt(0) ?? 0),
        ),
      decode: (ids) => Array.from(ids, (id) => (id === 9 ? '<end>' : String.fromCodePoint(id))).join(''),
      token: (id) => (id === 9 ? '<end>' : String.fromCodePoint(id)),
      isSpecial: (id) => id === 9,
    },
    encodeImage: (source) => {
      note('encodeImage', source)
      return Promise.resolve(encodedImage)
    },
    prompt: (given) => {
      note('prompt', given)
      return prompt
    },
    group: (given) => {
      note('group', given)
      return { prompt, completions: given.turns.map(() => ({ ids: Int32Array.of(1, 2, 3), given: 1 })) }
    },
    gradient: (given) => {
      note('gradient', given)
      const gradient = given.adapter.parameters.map(() => 1)
      const numbers = { loss: 0.5, nll: 0.5, entropy: 0, kl: 0, samplerGap: undefined }
      return Promise.resolve({ ...numbers, completions: given.groups.map(() => undefined), gradient })
    },
    createAdapter: (given) => {
      note('createAdapter', given)
      return { ...adapter, parameters: adapter.parameters.slice() }
    },
    trainWeights: (given) => {
      note('trainWeights', given)
      return Promise.resolve({ ...adapter, parameters: adapter.parameters.slice() })
    },
    addValueHead: (given) => {
      note('addValueHead', given)
      return given
    },
    meanEmbedding: () => Promise.resolve(new Float32Array(adapter.parameters.length)),
    saveAdapter: (folder, given) => {
      note('saveAdapter', folder, given)
      return Promise.resolve()
    },
    saveMerged: (folder, given, how) => {
      note('saveMerged', folder, given, ...(how === undefined ? [] : [how]))
      return Promise.resolve()
    },
    loadAdapter: (name, given) => {
      note('loadAdapter', name, given)
      options.onLoadAdapter?.(given)
      return Promise.resolve(adapter)
    },
    sample: (given) => {
      note('sample', given)
      const [only] = completions
      const group = completions.length === 1 ? Array<Completion>(given.samples ?? 1).fill(only) : completions
      return Promise.resolve(given.prompts.map(() => [...group]))
    },
    async *stream(given) {
      note('stream', given)
      for (const piece of pieces) {
        if (beforePiece) await beforePiece(piece)
        given.signal?.throwIfAborted()
        yield piece
      }
    },
    score: (given) => {
      note('score', given)
      return Promise.resolve({
        completions: given.groups.map((group) => group.completions.map(({ ids }) => scores(ids.length))),
        nll: 0,
        entropy: 0,
        kl: 0,
        samplerGap: undefined,
      })
    },
    exportPrograms: (folder, given) => {
      note('exportPrograms', folder, given)
      return Promise.resolve([`${folder}/encode.onnx`, `${folder}/sample.onnx`])
    },
    dispose: () => {
      note('dispose')
      return Promise.resolve()
    },
  }
  return {
    calls,
    loadVlm: (name, given) => {
      note('loadVlm', name, given)
      options.onLoad?.(given)
      if (name === 'broken') throw new TypeError('cannot read\nproperties of undefined')
      if (name === 'missing')
        return Promise.reject(
          new EvolmmError(
            'MODEL_NOT_FOUND',
            'model "missing":\nmust be an existing folder; correct the path',
          ),
        )
      // A model of the hub is called by its id.
      return Promise.resolve(existsSync(name) ? vlm : { ...vlm, name: name.replace(/@.*/, '') })
    },
    inspectRuntime: () => Promise.resolve(report),
    chooseDevice: () => Promise.resolve(),
    train: async (config, given) => {
      note('train', config)
      const outcome = await options.onTrain?.(config, given)
      for (let i = 0; i < (options.iterations ?? 1); i++) given.onRecord?.(record)
      return outcome ?? { folder: '/runs/tiny', step: 1, status: 'finished' }
    },
  }
}
