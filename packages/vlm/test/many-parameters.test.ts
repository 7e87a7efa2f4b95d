/** More trained parameters than one vector holds, and vectors that are hashed in parts. */
import { createHash } from 'node:crypto'
import { checkParameters, plannedAdapter } from '@evolmm/vlm'
import { expect, test } from 'vitest'
import { createAdapter } from '../src/adapter/create-adapter'
import { fullWeights } from '../src/adapter/full-weights'
import { parametersDigest } from '../src/adapter/parameters-digest'
import { coded } from './prompt-checkpoint'
import { publishedModel } from './support/published-model'

// Numbers of weights are those of the published files, the vision tower aside.
test.each([
  ['7B', '7,615,616,512'],
  ['32B', '32,763,876,352'],
] as const)('all weights of %s are refused before anything is read', async (size, count) => {
  await expect(fullWeights(publishedModel(size), { tensors: new Map() })).rejects.toThrow(
    coded(
      'TOO_MANY_PARAMETERS',
      new RegExp(`^trainWeights: must train 4,294,967,296 .* got ${count}; train LoRA`),
    ),
  )
})

test('all weights of 3B are few enough, the vision tower included', () => {
  const { parameters } = plannedAdapter({ backbone: publishedModel('3B'), full: { vision: true } })
  expect(parameters).toBe(3_754_622_976)
  expect(() => {
    checkParameters('3B', parameters)
  }).not.toThrow()
})

test('one parameter more than a vector holds is one too many', () => {
  const check = (count: number) => () => {
    checkParameters('model', count)
  }
  expect(check(2 ** 32)).not.toThrow()
  expect(check(2 ** 32 + 1)).toThrow(coded('TOO_MANY_PARAMETERS', /got 4,294,967,297/))
})

test('an adapter of so large a rank is refused as well', () => {
  expect(() => createAdapter(publishedModel('7B'), { rank: 4096 })).toThrow(
    coded('TOO_MANY_PARAMETERS', /^createAdapter: .*smaller rank/),
  )
})

test('a vector has the hash of its bytes, however long it is', () => {
  for (const length of [3, 2 ** 24 + 5]) {
    const parameters = new Float32Array(length).fill(1.5)
    parameters[length - 1] = 7
    const whole = createHash('sha256').update(new Uint8Array(parameters.buffer)).digest('hex')
    expect(parametersDigest({ parameters })).toBe(whole.slice(0, 16))
  }
})
