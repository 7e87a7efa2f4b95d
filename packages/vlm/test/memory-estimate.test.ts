/** Peaks were measured by `bench/memory.mjs` (the kernel's VmHWM, CPU, onnxruntime-node 1.30): see there for the model. */
import { countOf } from '@evolmm/internal'
import { joinModels, parse, serialize, type Node } from '@evolmm/onnx'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfig } from '../src/backbones/qwen2_5_vl/config'
import { qwen25Backbone } from '../src/backbones/qwen2_5_vl/qwen2_5_vl'
import { plannedAdapter } from '../src/planned-adapter'
import { allPrograms } from '../src/programs/all-programs'
import { placeholderWeights } from '../src/programs/placeholder-weights'
import { checkMemory } from '../src/runtime/check-memory'
import { estimateMemory, type MemoryOptions } from '../src/runtime/memory-estimate'
import { coded, readFixture } from './prompt-checkpoint'

const tiny = parseConfig(readFixture('qwen2_5_vl-tiny/config.json') as Record<string, unknown>)
const small = qwen25Backbone({
  ...tiny,
  text: {
    ...tiny.text,
    hiddenSize: 512,
    intermediateSize: 1408,
    layers: 8,
    heads: 8,
    keyValueHeads: 2,
    headSize: 64,
    vocabularySize: 8192,
  },
  vision: {
    ...tiny.vision,
    depth: 8,
    hiddenSize: 256,
    intermediateSize: 512,
    heads: 4,
    fullAttentionBlocks: [3, 7],
    outHiddenSize: 512,
  },
  tieWordEmbeddings: false,
})
const wide = qwen25Backbone({
  ...tiny,
  text: {
    ...tiny.text,
    hiddenSize: 768,
    intermediateSize: 1536,
    layers: 3,
    heads: 12,
    keyValueHeads: 12,
    headSize: 64,
    vocabularySize: 48000,
    mropeSection: [8, 12, 12],
  },
  vision: {
    ...tiny.vision,
    depth: 4,
    hiddenSize: 320,
    intermediateSize: 864,
    heads: 5,
    fullAttentionBlocks: [1, 3],
    outHiddenSize: 768,
  },
})
const work = { backbone: small, promptTokens: 282, completionTokens: 48, samples: 5, trainable: 1163264 }
const learn = { ...work, programs: ['learn'] as const }

test.each<[string, MemoryOptions, number]>([
  ['encode', { ...work, programs: ['encode'], imagePatches: [3072], trainable: 0 }, 214],
  ['encode, small', { ...work, programs: ['encode'], imagePatches: [768], trainable: 0 }, 173],
  ['encode, large', { ...work, programs: ['encode'], imagePatches: [12288], trainable: 0 }, 392],
  ['sample, long prompt', { ...work, programs: ['sample'], promptTokens: 3072 }, 409],
  ['score, long prompt', { ...work, programs: ['score'], promptTokens: 3072, kl: false }, 369],
  ['sample', { ...work, programs: ['sample'] }, 305],
  ['sample, long', { ...work, programs: ['sample'], groups: 4, completionTokens: 256 }, 433],
  ['learn', learn, 445],
  ['learn, checkpointed', { ...learn, checkpointed: true }, 330],
  ['learn, three groups', { ...learn, groups: 3 }, 728],
  ['learn, long completions', { ...learn, completionTokens: 256 }, 954],
  ['learn, long prompt', { ...learn, promptTokens: 3072 }, 1223],
  ['learn, long prompt, checkpointed', { ...learn, promptTokens: 3072, checkpointed: true }, 644],
  ['learn, wide chunks', { ...learn, groups: 4, chunk: 512 }, 903],
  ['learn, vision trained', { ...learn, trainVision: true, imagePatches: [768] }, 595],
  ['learn, large image', { ...learn, promptTokens: 800, trainVision: true, imagePatches: [3072] }, 1087],
  ['learn, all weights', { ...learn, trainable: 30948864, trainHead: true }, 1023],
  ['sample, wide vocabulary', { ...work, backbone: wide, trainable: 589824, programs: ['sample'] }, 517],
  [
    'sample, wide and long',
    { ...work, backbone: wide, trainable: 589824, programs: ['sample'], groups: 4, completionTokens: 256 },
    903,
  ],
  ['learn, wide, all weights', { ...learn, backbone: wide, trainable: 54587136, trainHead: true }, 2346],
  ['all programs, wide', { ...work, backbone: wide, trainable: 589824, imagePatches: [768] }, 1055],
  ['score', { ...work, programs: ['score'], groups: 3, kl: false }, 319],
])('the estimate is within a quarter of the measured peak: %s', (_, options, megabytes) => {
  const ratio = estimateMemory(options).total / (megabytes * 1e6)
  expect(ratio).toBeGreaterThan(0.75)
  expect(ratio).toBeLessThan(1.25)
})

test('patches, and tokens of a prompt that is read, take memory in proportion', () => {
  const encode = (patches: number, device: 'cpu' | 'webgpu' = 'cpu') =>
    estimateMemory({ ...work, programs: ['encode'], imagePatches: [patches], device }).parts.encode
  const read = (promptTokens: number) =>
    estimateMemory({ ...work, programs: ['sample'], promptTokens }).parts.sample
  const ratios = [
    encode(65536) / encode(16384),
    encode(65536, 'webgpu') / encode(16384, 'webgpu'),
    read(16384) / read(4096),
  ]
  for (const ratio of ratios) {
    expect(ratio).toBeGreaterThan(3.9)
    expect(ratio).toBeLessThanOrEqual(4)
  }
})

test('parts add up to the total, and none is negative', () => {
  const { parts, total } = estimateMemory({ ...work, imagePatches: [768] })
  expect(Object.values(parts).every((bytes) => bytes >= 0)).toBe(true)
  expect(Object.values(parts).reduce((sum, bytes) => sum + bytes)).toBeCloseTo(total, 3)
})

test('more work never takes less memory, and checkpoints never more', () => {
  const amount = fc.integer({ min: 1, max: 2000 })
  const few = fc.integer({ min: 1, max: 16 })
  fc.assert(
    fc.property(
      fc.record({ promptTokens: amount, completionTokens: amount, groups: few, samples: few, chunk: amount }),
      fc.constantFrom('promptTokens', 'completionTokens', 'groups', 'samples', 'chunk', 'trainable'),
      (sizes, field) => {
        const options = { backbone: small, trainable: 1000, ...sizes }
        const { total } = estimateMemory(options)
        expect(estimateMemory({ ...options, [field]: options[field] * 2 }).total).toBeGreaterThanOrEqual(
          total,
        )
        expect(estimateMemory({ ...options, checkpointed: true }).total).toBeLessThanOrEqual(total)
      },
    ),
    { seed: 1 },
  )
})

test('on a GPU programs share weights, in the type that is asked for', () => {
  const count = (dtype: 'float32' | 'bfloat16', programs: MemoryOptions['programs']) =>
    estimateMemory({ ...work, device: 'cuda', dtype, programs }).parts
  const [whole, narrow] = [count('float32', ['sample']), count('bfloat16', ['sample'])]
  expect([narrow.weights * 2, narrow.packed]).toEqual([whole.weights, 0])
  expect(count('float32', ['sample', 'score', 'learn']).weights).toBe(whole.weights)
})

test.each([
  ['float32', undefined],
  ['bfloat16', undefined],
  ['bfloat16', 'int4'],
] as const)('what is planned of weights is what programs in one session have: %s, %s', (dtype, quantize) => {
  const { trainable } = plannedAdapter({ backbone: wide })
  const files = { ...placeholderWeights(wide, { dtype, quantize }), quantized: 'packed' as const }
  const graphs = [...allPrograms({ backbone: wide, files, trainable, checkpointed: true })]
  const models = graphs.map(([name, graph]) => [name, serialize(graph, { flat: true })] as const)
  const { body } = parse(joinModels(new Map(models)).bytes)
  const casts = body.nodes.filter(({ opType }) => opType === 'Cast').map(({ inputs }) => inputs[0])
  const counts = casts.map((tensor) => countOf(tensor?.data?.dims ?? []))
  const stored = body.initializers.map(({ data }) => (data && 'length' in data ? data.length : 0))
  const bytes = [...stored, ...counts.map((count) => 4 * count)].reduce((sum, each) => sum + each, 0)
  const programs = ['encode', 'sample', 'score', 'learn'] as const
  const { weights } = estimateMemory({
    ...work,
    backbone: wide,
    device: 'cuda',
    dtype,
    quantize,
    programs,
  }).parts
  expect(bytes / weights).toBeGreaterThan(0.98)
  expect(bytes / weights).toBeLessThan(1.02)
  // Nothing in a branch makes another copy of a weight.
  expect(weightCasts(body.nodes)).toBe(casts.length)
})

/** Changes of type of what lies in files, in bodies too. */
function weightCasts(nodes: readonly Node[]): number {
  const own = nodes.filter(
    ({ opType, inputs }) => opType === 'Cast' && inputs[0]?.data && 'location' in inputs[0].data,
  )
  const inner = nodes.flatMap(({ attributes }) =>
    Object.values(attributes).map((each) => (each.type === 'graph' ? weightCasts(each.value.nodes) : 0)),
  )
  return inner.reduce((sum, count) => sum + count, own.length)
}

test('without rearranged weights all programs share those in the file', () => {
  const shared = estimateMemory({ ...work, imagePatches: [768], prepack: false }).parts
  expect(shared.packed).toBe(0)
  expect(shared.weights).toBe(
    estimateMemory({ ...work, programs: ['encode', 'learn'], prepack: false }).parts.weights,
  )
})

test('the vision tower of the base is not rearranged, that of a trained policy is', () => {
  const packed = (options: Partial<MemoryOptions>) =>
    estimateMemory({ ...work, imagePatches: [768], ...options }).parts.packed
  expect(packed({ programs: ['encode'] })).toBe(0)
  expect(packed({ programs: ['encode', 'sample'] })).toBe(packed({ programs: ['sample'] }))
  expect(packed({ trainVision: true })).toBeGreaterThan(packed({}))
  // The sampler is given what is trained as a whole.
  const { parameters, trainedWeights } = plannedAdapter({ backbone: small, full: { vision: false } })
  expect(trainedWeights).toBe(parameters)
  expect(packed({ trainable: parameters, trainedWeights })).toBe(0)
  const { trainedWeights: ofLora } = plannedAdapter({ backbone: small })
  expect(ofLora).toBe(0)
})

test.each<Partial<MemoryOptions>>([
  { promptTokens: 0 },
  { completionTokens: 1.5 },
  { samples: 0 },
  { groups: -1 },
  { chunk: 0 },
  { trainable: -1 },
  { imagePatches: [-4] },
])('sizes that are none are refused: %j', (wrong) => {
  expect(() => estimateMemory({ ...work, ...wrong })).toThrow(coded('INVALID_OPTION'))
})

test('work that fits passes, and work that does not says which option would help', () => {
  const estimate = estimateMemory({ ...learn, groups: 8 })
  checkMemory(estimate, estimate.total)
  expect(() => {
    checkMemory(estimate, 1e9)
  }).toThrow(
    coded(
      'MEMORY_EXCEEDED',
      /at most 1\.00 GB, got about 1\.\d\d GB \(learn 1\.\d+ GB,.*; checkpointed: true \(0\.\d+ GB\).* would do/,
    ),
  )
  expect(() => {
    checkMemory(estimate, 4e8)
  }).toThrow(coded('MEMORY_EXCEEDED', /no single option is enough; .* and .* help most/))
  const least = estimateMemory({
    ...learn,
    promptTokens: 1,
    completionTokens: 1,
    samples: 1,
    checkpointed: true,
    chunk: 1,
    prepack: false,
    quantize: 'int4',
  })
  expect(() => {
    checkMemory(least, 1e6)
  }).toThrow(coded('MEMORY_EXCEEDED', /smaller model/))
})

test('each option that is said to do does', () => {
  const options: MemoryOptions = { ...work, groups: 4, imagePatches: [3072, 3072], promptTokens: 1818 }
  const estimate = estimateMemory(options)
  for (const share of [0.95, 0.8, 0.6]) {
    const available = share * estimate.total
    let message = ''
    try {
      checkMemory(estimate, available)
    } catch (error) {
      message = (error as Error).message
    }
    const [, advice = ''] = /; (.*) would do$/.exec(message) ?? []
    const left = [...advice.matchAll(/\(([\d.]+) GB\)/g)].map(([, value]) => Number(value) * 1e9)
    expect(left.length).toBeGreaterThan(0)
    // Shown to three digits.
    for (const total of left) expect(total).toBeLessThan(1.005 * available)
  }
  const { total } = estimateMemory({ ...options, groups: 1 })
  expect(() => {
    checkMemory(estimate, total)
  }).toThrow(coded('MEMORY_EXCEEDED', /one group at a time/))
})

test('layers that attend to image features hold keys and values of them, while sampling and while learning', () => {
  const crossing = { ...small, sizes: { ...small.sizes, crossLayers: 2 } }
  const given = { ...work, imagePatches: [400], groups: 3 }
  const parts = (backbone: typeof small) => estimateMemory({ ...given, backbone }).parts
  const [without, held] = [parts(small), parts(crossing)]
  // Two layers, keys and values, float32; three groups of 100 features; two heads of 64.
  const bytes = 2 * 2 * 4 * 3 * 100 * 128
  expect(held.cache - without.cache).toBe(bytes)
  expect(held.learn - without.learn).toBeCloseTo(bytes, 0)
  // Images are encoded one after another, and all of a prompt are attended to.
  const several = estimateMemory({ ...given, backbone: crossing, promptFeatures: 250 }).parts
  expect(several.encode).toBe(held.encode)
  expect(several.cache - without.cache).toBe(2.5 * bytes)
})
