/** The tiny checkpoint against PyTorch in float32; the bounds are those the package promises. */
import { AdamW } from '@evolmm/rl-core'
import { expect, test } from 'vitest'
import type { Trainable } from '../src/programs/trainable'
import { largestDifference, mean, norm, relativeDistance } from './support/compare'
import { tensorsOf, type Group } from './support/model'
import { adapterTensor, reference, referenceTensor } from './support/reference'
import {
  adapters,
  caseGroup,
  languageAdapters,
  learn,
  learnAnew,
  logits,
  scoreBase,
  startingParameters,
  tiny,
} from './support/tiny-model'

const { cases, lora } = reference
const withImages = cases.filter(({ images }) => images.length > 0)
const none = new Float32Array(0)

test.each(withImages)('$name: image features are within 2e-5', async ({ name }) => {
  const { images } = await caseGroup(name)
  const { data } = await tiny.encode(images)
  expect(largestDifference(data as Float32Array, referenceTensor(`${name}.image_embeds`))).toBeLessThan(2e-5)
})

test.each(cases)('$name: logits are within 2e-5 at every position', async ({ name, completion_ids }) => {
  const group = await caseGroup(name)
  const got = await logits({ ...group, ids: [...group.ids, ...completion_ids] })
  expect(largestDifference(got, referenceTensor(`${name}.logits`))).toBeLessThan(2e-5)
})

test.each(cases)(
  '$name: log-probabilities under the base are within 2e-5',
  async ({ name, completion_logprobs }) => {
    const { logProbabilities } = await scoreBase([await caseGroup(name)], none)
    expect(largestDifference(logProbabilities, completion_logprobs)).toBeLessThan(2e-5)
  },
)

test.each(cases.map(({ name }, i) => ({ name, want: lora.losses[i] })))(
  '$name: with adapters the cross entropy, the divergence and the loss are within 2e-5 of their size',
  async ({ name, want }) => {
    const result = await learn([await caseGroup(name)], startingParameters(adapters))
    expect(largestDifference(result.logProbabilities, want.token_logprobs)).toBeLessThan(2e-5)
    for (const [got, number] of [
      [-mean(result.logProbabilities), want.ce],
      [mean(result.kl), want.kl],
      [result.loss, want.loss],
    ])
      expect(Math.abs(got / number - 1)).toBeLessThan(2e-5)
  },
)

test.each(cases)(
  '$name: the gradient of every adapter tensor is within 3e-5 of its norm',
  async ({ name }) => {
    const { gradient } = await learn([await caseGroup(name)], startingParameters(adapters))
    for (const [tensor, values] of tensorsOf(adapters, gradient))
      expect(relativeDistance(values, adapterTensor(`grad.${name}`, tensor)), tensor).toBeLessThan(3e-5)
  },
)

test('c2: blocks that are computed anew in the backward pass have the same gradients', async () => {
  const { gradient } = await learnAnew([await caseGroup('c2')], startingParameters(adapters))
  for (const [tensor, values] of tensorsOf(adapters, gradient))
    expect(relativeDistance(values, adapterTensor('grad.c2', tensor)), tensor).toBeLessThan(3e-5)
})

test('language adapters are within 1e-5 after the three recorded steps of AdamW', async () => {
  const { lr, weight_decay: weightDecay, betas, eps, clip, steps } = lora.adamw
  const parameters = startingParameters(adapters)
  const language = startingParameters(languageAdapters)
  const optimizer = new AdamW({ size: language.length, lr, betas, eps, weightDecay, clip })
  for (const step of steps) {
    const { loss, gradient } = await learn([await caseGroup(step.case)], parameters)
    expect(Math.abs(loss / step.loss - 1)).toBeLessThan(2e-5)
    const languageGradient = new Float32Array(language.length)
    copyTensors({ trained: adapters, flat: gradient }, { trained: languageAdapters, flat: languageGradient })
    const { gradientNorm } = optimizer.step(language, languageGradient)
    expect(Math.abs(gradientNorm / step.grad_norm - 1)).toBeLessThan(2e-5)
    copyTensors({ trained: languageAdapters, flat: language }, { trained: adapters, flat: parameters })
  }
  for (const [name, values] of tensorsOf(languageAdapters, language))
    expect(largestDifference(values, adapterTensor('after3', name)), name).toBeLessThan(1e-5)
})

interface FlatTensors {
  trained: Trainable
  flat: Float32Array
}

/** Copies the tensors that both have. */
function copyTensors(from: FlatTensors, to: FlatTensors): void {
  const source = tensorsOf(from.trained, from.flat)
  for (const [name, values] of tensorsOf(to.trained, to.flat)) values.set(source.get(name) ?? values)
}

test('completions packed behind their prompt have the sum of their own gradients', async () => {
  const one = await caseGroup('c1')
  const completions = cases.slice(0, 3).map(({ completion_ids }) => completion_ids)
  const advantages = [0.7, -0.4, 0.25]
  const parameters = startingParameters(adapters)
  const packed = await learn([{ ...one, completions, advantages }], parameters)
  await expectSum(
    packed.gradient,
    completions.map((completion, i) => ({ ...one, completions: [completion], advantages: [advantages[i]] })),
  )
})

test('groups with other images or none packed side by side have the sum of their own gradients', async () => {
  const groups = await Promise.all(cases.map(({ name }) => caseGroup(name)))
  const packed = await learn(groups, startingParameters(adapters))
  await expectSum(packed.gradient, groups)
})

async function expectSum(packed: Float32Array, groups: readonly Group[]): Promise<void> {
  const sum = new Float64Array(adapters.layout.size)
  for (const group of groups)
    for (const [i, value] of (await learn([group], startingParameters(adapters))).gradient.entries())
      sum[i] += value
  const want = tensorsOf(adapters, Float32Array.from(sum))
  for (const [name, values] of tensorsOf(adapters, packed))
    expect(relativeDistance(values, want.get(name) ?? none), name).toBeLessThan(1e-5)
}

test('adapters whose second factor is zero are the base policy, and only that factor has a gradient', async () => {
  const parameters = startingParameters(adapters)
  for (const [name, values] of tensorsOf(adapters, parameters)) if (name.includes('lora_B')) values.fill(0)
  for (const { name, completion_logprobs } of withImages) {
    const { kl, logProbabilities, gradient } = await learn([await caseGroup(name)], parameters)
    for (const value of kl) expect(Math.abs(value)).toBeLessThan(1e-7)
    expect(largestDifference(logProbabilities, completion_logprobs)).toBeLessThan(2e-5)
    for (const [tensor, values] of tensorsOf(adapters, gradient))
      if (tensor.includes('lora_A')) expect(norm(values), tensor).toBe(0)
      else expect(norm(values), tensor).toBeGreaterThan(0)
  }
})

test('another image of the same size is another loss and another gradient, far beyond rounding', async () => {
  const parameters = startingParameters(adapters)
  const group = await caseGroup('c0')
  const own = await learn([group], parameters)
  const images = group.images.map((image) => ({ ...image, pixels: image.pixels.map((value) => -value) }))
  for (const other of [await caseGroup('c0', ['pic.webp']), { ...group, images }]) {
    const { loss, gradient } = await learn([other], parameters)
    expect(Math.abs(loss / own.loss - 1)).toBeGreaterThan(1e-4)
    expect(relativeDistance(gradient, own.gradient)).toBeGreaterThan(1e-2)
  }
})
