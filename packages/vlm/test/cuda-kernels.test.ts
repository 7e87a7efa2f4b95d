/**
 * Every node of every program has a kernel of the CUDA provider, which no machine of ours can run, by the table that
 * ONNX Runtime publishes: see `support/kernel-table.ts`. Programs are built from shapes alone, as plans are.
 */
import { drawn, sizedTest } from '@evolmm/internal/testing'
import { adamWProgram, Graph, op, type DType } from '@evolmm/onnx'
import { expect, test } from 'vitest'
import { adaptedModules } from '../src/adapter/create-adapter'
import { fullModules } from '../src/adapter/full-weights'
import type { Backbone } from '../src/backbones/backbone'
import { architectures } from '../src/backbones/backbones'
import { readBackbone } from '../src/backbones/open-backbone'
import { allPrograms } from '../src/programs/all-programs'
import { encodeProgram } from '../src/programs/encode-program'
import { learnProgram } from '../src/programs/learn-program'
import { streamProgram } from '../src/programs/stream-program'
import { placeholderWeights } from '../src/programs/placeholder-weights'
import type { WeightFiles } from '../src/programs/weight-files'
import { kernelTable, withoutKernel } from './support/kernel-table'

const weights = (['float32', 'float16', 'bfloat16'] as const).flatMap((dtype) => [
  { dtype, quantize: undefined },
  { dtype, quantize: 'int4' as const },
])
const models = [...architectures.keys()].flatMap((type) => weights.map((each) => ({ type, ...each })))

sizedTest(
  'every node of every program has a kernel of CUDA, and in float32 of the CPU',
  { models: [3, models.length, models.length] },
  async (sized) => {
    for (const { type, dtype, quantize } of drawn(models, sized)) {
      const backbone = await readBackbone(`${import.meta.dirname}/fixtures/${type}-tiny`)
      const files: WeightFiles = { ...placeholderWeights(backbone, { dtype, quantize }), quantized: 'packed' }
      for (const [name, graph] of everyProgram(backbone, files)) {
        const title = `${name} of ${type}, ${quantize ?? 'weights'} in ${dtype}`
        expect(graph.opset, title).toBe(18)
        expect(withoutKernel(graph, 'cuda'), title).toEqual([])
        // Other tests run these, so that a table or a reading of it that says otherwise is wrong.
        if (dtype === 'float32') expect(withoutKernel(graph, 'cpu'), title).toEqual([])
      }
    }
  },
)

test('AdamW: a kernel for every node', () => {
  const graph = adamWProgram({ size: 100_000 })
  expect(graph.opset).toBe(18)
  expect(withoutKernel(graph, 'cuda')).toEqual([])
})

test('a kernel is one of the version and of the types of a node', () => {
  const kinds = (opset: number, build: (graph: Graph) => unknown) => {
    const graph = new Graph('one', { opset })
    build(graph)
    return withoutKernel(graph, 'cuda')
  }
  const vector = { dtype: 'float32', shape: [2] } as const
  const input = (graph: Graph, dtype: DType, name = 'x') => graph.input(name, dtype, [2])
  // Gelu came with operator set 20, so that there can be no kernel of a former version.
  const gelu = (graph: Graph) => op.node('Gelu', [input(graph, 'float32')], { outputs: [vector] })
  expect(kinds(18, gelu)).toEqual(['Gelu(float32) -> float32'])
  expect(kinds(21, gelu)).toEqual([])
  const bits = (graph: Graph) => op.BitwiseAnd(input(graph, 'uint8'), input(graph, 'uint8', 'y'))
  expect(kinds(18, bits)).toEqual(['BitwiseAnd(uint8, uint8) -> uint8'])
  // Every operand decides: the first of `Where` is a bool whatever the others are.
  const where = (dtype: DType) => (graph: Graph) =>
    op.Where(input(graph, 'bool', 'condition'), input(graph, dtype), input(graph, dtype, 'y'))
  expect(kinds(18, where('float32'))).toEqual([])
  expect(kinds(18, where('string'))).toEqual(['Where(bool, string, string) -> string'])
})

test('the table is of one commit, and whole', () => {
  const { sources, kernels, operators } = kernelTable
  for (const { commit } of sources) expect(commit).toMatch(/^[0-9a-f]{40}$/)
  for (const provider of [kernels.cpu, kernels.cuda])
    for (const [name, list] of Object.entries(provider)) {
      expect(operators[name]?.forms.length, name).toBeGreaterThan(0)
      const firsts = (list ?? []).map(([first]) => first)
      expect(new Set(firsts).size, name).toBe(firsts.length)
    }
})

function* everyProgram(backbone: Backbone, files: WeightFiles): Generator<[string, Graph]> {
  const targets = [...backbone.modules.keys()].filter((name) => name !== backbone.head.module)
  const { trainable } = adaptedModules(backbone, { rank: 4, alpha: 8, targets, vision: true })
  const common = { backbone, files, trainable }
  yield* allPrograms(common)
  yield ['reading of a stream', streamProgram({ ...common, reading: true })]
  const { vision } = backbone
  if (vision) yield ['encode of one image', encodeProgram({ vision, files, one: true })]
  const learning = { ...common, gradient: true, kl: true, pixels: true }
  yield ['gradient, checkpointed', learnProgram({ ...learning, checkpointed: true })]
  yield ['gradient of a long prompt', learnProgram({ ...learning, promptTokens: 2000 })]
  yield ['gradient with dropout', learnProgram({ ...learning, dropout: 0.05 })]
  const quantized = [...backbone.weights.keys()].some((name) => !files.tensors.has(name))
  if (!quantized) {
    const { trainable: all } = fullModules(backbone, { vision: true })
    yield ['gradient of all weights', learnProgram({ ...learning, trainable: all })]
  }
}
