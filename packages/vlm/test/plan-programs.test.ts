/** Totals are `metadata.total_size` of the published checkpoints' index files. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { drawn, sizedTest } from '@evolmm/internal/testing'
import { expect, test } from 'vitest'
import { loadVlm, planPrograms, readBackbone, type PlanProgramsOptions } from '../src/index'
import { coded } from './prompt-checkpoint'
import { publishedModel } from './support/published-model'
import { tinyFolder } from './support/safetensors'

const backbone = await readBackbone(tinyFolder)
/** Plans of the tiny model that were made before. */
const plans = new Map<string, ReturnType<typeof planPrograms>>()
const planned = (options: Partial<PlanProgramsOptions>) => {
  const key = JSON.stringify(options)
  const plan = plans.get(key) ?? planPrograms({ backbone, ...options })
  if (options.backbone === undefined) plans.set(key, plan)
  const { programs, parameters } = plan
  const found = (name: string) => {
    const program = programs.find((each) => each.name === name)
    if (program === undefined) throw new Error(`no ${name}`)
    return program
  }
  return { names: programs.map(({ name }) => name), found, parameters }
}
const names = (tensors: readonly { name: string }[]) => tensors.map(({ name }) => name)

const published = [
  ['72B', 146_821_554_688],
  ['32B', 66_905_436_672],
  ['7B', 16_584_333_312],
  ['3B', 7_509_245_952],
] as const

sizedTest(
  'programs refer to all of the published weights, and to each once',
  { models: [1, 3, 4] },
  (sized) => {
    for (const [size, total] of drawn(published, sized)) {
      const { names: all, found } = planned({ backbone: publishedModel(size) })
      expect(all).toEqual(['encode', 'sample', 'stream', 'score', 'gradient'])
      for (const name of ['sample', 'stream', 'score', 'gradient'])
        expect(found('encode').weightBytes + found(name).weightBytes, size).toBe(total)
      for (const name of all) {
        const { nodes, graphBytes } = found(name)
        expect(nodes).toBeGreaterThan(1000)
        // Protobuf holds 2 GB; a graph that comes near must not have weights inside.
        expect(graphBytes).toBeLessThan(50e6)
      }
    }
  },
)

test('the parameters are rank x (in + out) over all projections: 28 x 16 x 90,112 for 7B', () => {
  const { parameters, found } = planned({ backbone: publishedModel('7B') })
  expect(parameters).toBe(40_370_176)
  expect(found('gradient').outputs[0]).toEqual({ name: 'gradient', dtype: 'float32', shape: [40_370_176] })
})

test('inputs and outputs are those that the runtime sees in the exported programs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evolmm-plan-'))
  const vlm = await loadVlm(tinyFolder, { threads: 1 })
  try {
    const paths = await vlm.exportPrograms(folder, vlm.createAdapter())
    const { names: all, found } = planned({ dtype: 'float32' })
    for (const name of all) {
      const path = paths.find((each) => each.endsWith(`${name}.onnx`)) ?? ''
      const session = await InferenceSession.create(path, { logSeverityLevel: 3, intraOpNumThreads: 1 })
      const { inputs, outputs } = found(name)
      const shown = inputs.map(({ name, dtype, shape }) => ({ name, isTensor: true, type: dtype, shape }))
      expect(session.inputMetadata).toEqual(shown)
      expect(session.outputNames).toEqual(names(outputs))
      await session.release()
    }
  } finally {
    await vlm.dispose()
    await rm(folder, { recursive: true })
  }
})

test('sizes that no input names are question marks', () => {
  const { found } = planned({})
  const { inputs, outputs } = found('stream')
  expect(inputs.flatMap(({ shape }) => shape)).not.toContain('?')
  expect(outputs.find(({ name }) => name === 'new_keys_0')?.shape).toEqual([1, 'T+t', expect.any(Number)])
  expect(found('sample').outputs.find(({ name }) => name === 'tokens')?.shape).toEqual(['?', 'G*N'])
})

test('nothing is allocated for parameters: more of them than an array can hold', () => {
  const { parameters } = planned({ adapter: { rank: 16 * 2 ** 20 } })
  expect(parameters).toBe(planned({}).parameters * 2 ** 20)
  expect(parameters).toBeGreaterThan(2 ** 33)
})

test('a vision tower that is trained is part of the learning pass', () => {
  const { found } = planned({ adapter: { vision: true } })
  expect(names(found('encode').inputs)).toContain('parameters')
  expect(names(found('gradient').inputs)).toContain('pixels')
  expect(names(planned({}).found('encode').inputs)).not.toContain('parameters')
  expect(names(planned({}).found('gradient').inputs)).not.toContain('pixels')
})

test('without divergence there is none, and blocks that are computed anew are more nodes', () => {
  const usual = planned({}).found('gradient')
  const without = planned({ kl: false }).found('gradient')
  expect([names(usual.outputs).includes('kl'), names(without.outputs).includes('kl')]).toEqual([true, false])
  expect(without.nodes).toBeLessThan(usual.nodes)
  expect(planned({ checkpointed: true }).found('gradient').nodes).toBeGreaterThan(usual.nodes)
})

test('weights count as wide as they are', () => {
  const bytes = (dtype: 'float32' | 'float16') => planned({ dtype }).found('sample').weightBytes
  expect(bytes('float32')).toBe(2 * bytes('float16'))
})

test.each<[Partial<PlanProgramsOptions>, string]>([
  [{ dtype: 'int8' as 'float16' }, 'INVALID_OPTION'],
  [{ adapter: { rank: 0 } }, 'INVALID_OPTION'],
  [{ adapter: { targets: ['nothing'] } }, 'NO_MATCH'],
])('what cannot be is refused: %j', (wrong, code) => {
  expect(() => planned(wrong)).toThrow(coded(code))
})
