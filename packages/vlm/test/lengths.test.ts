/**
 * Names of lengths in the files that programs are opened from. The runtime shares buffers by them: a result without any is
 * searched for in vain by all that follow, and one with a false name stops the run.
 */
import { join } from 'node:path'
import { serialize, type Graph } from '@evolmm/onnx'
import { drawn, sizedTest } from '@evolmm/internal/testing'
import { loadVlm, readBackbone, openBackbone, architectures, type Backbone, type Vlm } from '@evolmm/vlm'
import { InferenceSession, type Tensor } from 'onnxruntime-node'
import { afterEach, expect, vi } from 'vitest'
import { lengthOf } from '../../onnx/test/support/dims'
import { everyResult, generated, undeclared } from '../../onnx/test/support/every-result'
import { plannedAdapter } from '../src/planned-adapter'
import { allPrograms } from '../src/programs/all-programs'
import { encodeProgram } from '../src/programs/encode-program'
import { learnProgram } from '../src/programs/learn-program'
import { placeholderWeights } from '../src/programs/placeholder-weights'
import { streamProgram } from '../src/programs/stream-program'
import { readReference } from './support/reference'
import { tinyFolder } from './support/safetensors'
import { toy } from './support/toy'

const { folder: qwen2Folder } = await readReference('qwen2_vl-tiny')
const toyJson = { model_type: 'toy', hidden_size: 32, num_hidden_layers: 3, window: 5 }
const backbones: readonly [string, Backbone][] = [
  ['Qwen2.5-VL', await readBackbone(tinyFolder)],
  ['Qwen2-VL', await readBackbone(qwen2Folder)],
  [
    'a model of text alone',
    openBackbone(toyJson, { architectures: new Map([...architectures, ['toy', toy]]) }),
  ],
]

/** Lengths that have no name that follows from the inputs, by the operators around the one that makes them, and where. */
const reasons: readonly [pattern: RegExp, program?: string][] = [
  // Within a loop: the rows of a chunk, the tokens that a sample has so far.
  [/^Loop /],
  // Some windows at a time: how many follows from the lengths of two inputs, and how many rows they have.
  [/^Loop$/, 'encode'],
  [/^Loop$/, 'score'],
  [/^Loop$/, 'encode of one'],
  // Steps end when every sample has stopped.
  [/^(Loop|Concat)$/, 'sample'],
]

const configurations = backbones.flatMap(([title, backbone]) =>
  (
    [
      [true, 'int4', true],
      [false, undefined, false],
    ] as const
  ).map((options) => ({ title, backbone, options })),
)

sizedTest(
  'every result of every program has a shape, and its lengths are names or have a reason',
  { models: [2, 6, 6] },
  (sized) => {
    for (const { title, backbone, options } of drawn(configurations, sized))
      expect(unnamed(backbone, options), title).toEqual([])
  },
)

type Options = (typeof configurations)[number]['options']

/** Results of a model's programs that should have shapes and names, and have not. */
function unnamed(backbone: Backbone, [vision, quantize, checkpointed]: Options): string[] {
  const { trainable } = plannedAdapter({ backbone, adapter: { rank: 2, vision } })
  const files = placeholderWeights(backbone, { dtype: 'float32', quantize })
  const programs: [string, Graph][] = [...allPrograms({ backbone, files, trainable, checkpointed })]
  programs.push(['read', streamProgram({ backbone, files, trainable, reading: true })])
  const learning = { backbone, files, trainable, checkpointed, gradient: true, kl: true }
  programs.push(['gradient of a long prompt', learnProgram({ ...learning, promptTokens: 2000 })])
  if (backbone.vision !== undefined)
    programs.push(['encode of one', encodeProgram({ vision: backbone.vision, files, one: true })])
  return programs.flatMap(([name, graph]) => {
    const bytes = serialize(graph, { flat: true })
    const isListed = (path: string) =>
      reasons.some(([pattern, program]) => pattern.test(path) && (program ?? name) === name)
    return [
      ...undeclared(bytes).map((result) => `${name}: ${result}`),
      ...generated(bytes)
        .filter(({ path }) => !isListed(path))
        .map(({ path, name: result, lengths }) => `${name}: ${path} ${result} [${lengths.join()}]`),
    ]
  })
}

/** Sizes that the inputs of a run settle. */
function lengthsOf(
  inputs: ReadonlyMap<string, readonly (number | string)[]>,
  feeds: Readonly<Record<string, Tensor>>,
): Map<string, number> {
  const lengths = new Map<string, number>()
  for (const [name, dims] of inputs)
    for (const [axis, dim] of dims.entries()) {
      const parts =
        typeof dim === 'string' ? /^(?:(?<times>\d+)\*)?(?<size>\w+)$/.exec(dim)?.groups : undefined
      if (parts !== undefined) lengths.set(parts.size, feeds[name].dims[axis] / Number(parts.times || 1))
    }
  const { prompt_width: width, segments, owners } = feeds as Partial<Record<string, Tensor>>
  if (width !== undefined && segments !== undefined) {
    lengths.set('P', Number(width.data[0]))
    lengths.set('C', segments.dims[1] - Number(width.data[0]))
  }
  if (owners !== undefined) lengths.set('N', owners.dims[0] / (lengths.get('G') ?? 0))
  return lengths
}

/** Opens models so that each run compares all results with what the file says of them. Returns what did not agree. */
function watch(): { faults: string[]; compared: () => number } {
  const faults: string[] = []
  let compared = 0
  const create = InferenceSession.create.bind(InferenceSession) as (
    model: Uint8Array,
    options: InferenceSession.SessionOptions,
  ) => Promise<InferenceSession>
  const watched = async (file: Uint8Array, options: InferenceSession.SessionOptions) => {
    const { bytes, inputs, outputs, declared } = everyResult(file)
    const session = await create(bytes, options)
    const compare = (
      kind: string,
      name: string,
      dims: readonly (number | string)[],
      got: readonly number[],
    ) => {
      const where = `${kind} ${name}: [${dims.join(', ')}], got [${got.join(', ')}]`
      if (dims.length !== got.length) faults.push(where)
      return where
    }
    return {
      inputNames: session.inputNames,
      release: () => session.release(),
      run: async (feeds: Record<string, Tensor>) => {
        const results = await session.run(feeds)
        const lengths = lengthsOf(inputs, feeds)
        const own = new Map<string, number>()
        const check = (
          kind: string,
          name: string,
          dims: readonly (number | string)[],
          got: readonly number[],
        ) => {
          const where = compare(kind, name, dims, got)
          for (const [axis, dim] of dims.entries()) {
            if (dim === '?') continue
            compared++
            // A name that inference made up means what it is first seen to be, and the same everywhere.
            const isOwn = /unknown_\d/.test(String(dim))
            if (isOwn && !own.has(String(dim))) own.set(String(dim), got[axis])
            const want = isOwn ? own.get(String(dim)) : lengthOf(dim, lengths)
            if (want !== got[axis]) faults.push(`${where}: ${dim} is ${want}`)
          }
        }
        for (const [name, dims] of inputs) check('input', name, dims, feeds[name].dims)
        for (const [name, dims] of declared) check('result', name, dims, results[name].dims)
        return Object.fromEntries(outputs.map((name) => [name, results[name]]))
      },
    }
  }
  vi.spyOn(InferenceSession, 'create').mockImplementation(watched as never)
  return { faults, compared: () => compared }
}

afterEach(() => {
  vi.restoreAllMocks()
})

interface Batch {
  files: readonly string[]
  tokens: readonly number[]
}

/** Groups of as many prompts as there are files, with completions of these lengths each. */
async function groupsOf(vlm: Vlm, { files, tokens }: Batch, more = '') {
  const images = await Promise.all(files.map((file) => vlm.encodeImage(join(tinyFolder, 'images', file))))
  return images.map((image, i) => ({
    prompt: vlm.prompt({
      images: [image],
      prompt: `${more}What is here, and what is not?`.slice(0, more.length + 15 + 5 * i),
    }),
    completions: tokens.map((length, c) => ({
      ids: Int32Array.from({ length }, (_, at) => 20 + ((7 * at + c + i) % 300)),
    })),
    advantages: tokens.map((_, c) => c - 0.5),
  }))
}

const batches: readonly Batch[] = [
  { files: ['img0.png'], tokens: [5, 3] },
  { files: ['img1.png', 'img0.png'], tokens: [4, 1, 6] },
]
type Kind = 'sample' | 'stream' | 'score' | 'gradient' | 'checkpointed' | 'long'
const cases = (['gradient', 'sample', 'checkpointed', 'score', 'stream', 'long'] as const).flatMap((kind) =>
  [tinyFolder, qwen2Folder].flatMap((folder) =>
    [undefined, 'int4' as const].map((quantize) => ({ kind, folder, quantize })),
  ),
)
async function run(kind: Kind, vlm: Vlm, groups: Awaited<ReturnType<typeof groupsOf>>): Promise<void> {
  const adapter = vlm.createAdapter({ rank: 2, vision: true, dropout: 0.1 })
  const prompts = groups.map(({ prompt }) => prompt)
  if (kind === 'sample') await vlm.sample({ prompts, adapter, samples: 2, maxNewTokens: 4, stopTokens: [] })
  else if (kind === 'score') await vlm.score({ groups, adapter, kl: true })
  else if (kind === 'long') {
    expect(prompts[0].ids.length).toBeGreaterThan(512)
    await vlm.gradient({ groups, adapter, beta: 0.1 })
  } else if (kind === 'stream') {
    const texts = vlm.stream({ prompt: prompts[0], adapter, maxNewTokens: 3 })[Symbol.asyncIterator]()
    while ((await texts.next()).done !== true);
  } else await vlm.gradient({ groups, adapter, beta: 0.1, checkpointed: kind === 'checkpointed' })
}

sizedTest('every length is what its name says, in two batches', { programs: [1, 5, 24] }, async (sized) => {
  for (const { kind, folder, quantize } of drawn(cases, sized)) {
    const { faults, compared } = watch()
    const vlm = await loadVlm(folder, { threads: 1, quantize })
    try {
      const more = kind === 'long' ? 'Look at it. '.repeat(300) : undefined
      for (const batch of batches) await run(kind, vlm, await groupsOf(vlm, batch, more))
    } finally {
      await vlm.dispose()
      vi.restoreAllMocks()
    }
    expect(faults, `${kind} ${quantize}`).toEqual([])
    expect(compared()).toBeGreaterThan(500)
  }
})
