/** A checkpoint against PyTorch in float32, by the numbers of its fixture; the bounds are those the package promises. */
import { join } from 'node:path'
import { AdamW } from '@evolmm/rl-core'
import { narrowHalf } from '@evolmm/safetensors'
import { loadVlm, openConfig } from '@evolmm/vlm'
import ndarray from 'ndarray'
import { expect, test } from 'vitest'
import { decodeImage } from '../../src/image/decode-image'
import { openPrompting } from '../../src/open-folder'
import { buildPrompt } from '../../src/build-prompt'
import type { Trainable } from '../../src/programs/trainable'
import { largestDifference, mean, norm, relativeDistance } from './compare'
import type { FixtureModel } from './fixture-model'
import { openLearner, packedPrompt, tensorsOf, type Group } from './model'

const none = new Float32Array(0)

/** What comes before programs: images, prompts, positions. `published` is a model that has the published processor. */
export function inputParity({ reference, model, caseGroup }: FixtureModel, published: string): void {
  const { folder, numbers, raw } = reference
  const { backbone, vision, prepare } = model

  test.each(numbers.images)(
    '$file: the pixels are those of the reference',
    async ({ file, grid_thw: grid }) => {
      const { pixels, fields } = prepare(await decodeImage(join(folder, 'images', file)))
      expect(fields.image_grid_thw).toEqual(grid)
      const { data } = raw(`pixels.${file}`)
      const bits = narrowHalf(pixels.data, 'float16')
      expect(Buffer.from(bits.buffer, bits.byteOffset, bits.byteLength).equals(Buffer.from(data))).toBe(true)
    },
  )

  test('images of all sizes are laid out as by transformers', async () => {
    const layouts = {
      here: (await vision.processor(folder, {})).layout,
      published: (await openConfig(published)).layout,
    }
    expect(numbers.tilings?.length).toBeGreaterThan(0)
    for (const { parameters, width, height, grid_thw: grid } of numbers.tilings ?? []) {
      const { fields } = layouts[parameters]({ width, height })
      expect([parameters, width, height, fields.image_grid_thw]).toEqual([parameters, width, height, grid])
    }
  })

  test.each(numbers.cases)('$name: text, ids and positions of the prompt are equal', async (item) => {
    const group = await caseGroup(item.name)
    const prompting = await openPrompting(folder, backbone)
    const { images } = group
    const { prompt, system } = item
    const rules = backbone.prompt
    const built = buildPrompt({ ...prompting, rules, images, prompt, system: system ?? undefined })
    expect([built.text, [...built.ids]]).toEqual([item.chat_text, item.prompt_ids])
    const { positions, delta } = packedPrompt(model, group)
    const count = group.ids.length
    const rows = Array.from({ length: backbone.axes }, (_, axis) => [
      ...positions.subarray(axis * count, (axis + 1) * count),
      ...item.completion_ids.map((__, i) => count + i + delta),
    ])
    expect(rows).toEqual(item.position_ids)
  })
}

/** Features, logits, losses, gradients, steps of the optimizer. `logitBound` is absolute. */
export function numberParity(fixture: FixtureModel, { logitBound = 2e-5 } = {}): void {
  const { reference, model, adapters, languageAdapters, caseGroup, startingParameters } = fixture
  const { learn, learnAnew, scoreBase, logits } = fixture
  const { numbers, tensor, adapterTensor } = reference
  const { cases, lora } = numbers

  test.each(cases.filter(({ images }) => images.length > 0))(
    '$name: image features are within 2e-5',
    async ({ name }) => {
      const { images } = await caseGroup(name)
      const { data } = await model.encode(images)
      expect(largestDifference(data as Float32Array, tensor(`${name}.image_embeds`))).toBeLessThan(2e-5)
    },
  )

  test.each(cases)(
    `$name: logits are within ${logitBound} at every position`,
    async ({ name, completion_ids }) => {
      const group = await caseGroup(name)
      const got = await logits({ ...group, ids: [...group.ids, ...completion_ids] })
      expect(largestDifference(got, tensor(`${name}.logits`))).toBeLessThan(logitBound)
    },
  )

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
      expectLosses(result, want)
    },
  )

  test.each(cases)(
    '$name: the gradient of every adapter tensor is within 3e-5 of its norm',
    async ({ name }) => {
      const { gradient } = await learn([await caseGroup(name)], startingParameters(adapters))
      for (const [module, values] of tensorsOf(adapters, gradient))
        expect(relativeDistance(values, adapterTensor(`grad.${name}`, module)), module).toBeLessThan(3e-5)
    },
  )

  test('c2: blocks that are computed anew in the backward pass have the same gradients', async () => {
    const { gradient } = await learnAnew([await caseGroup('c2')], startingParameters(adapters))
    for (const [module, values] of tensorsOf(adapters, gradient))
      expect(relativeDistance(values, adapterTensor('grad.c2', module)), module).toBeLessThan(3e-5)
  })

  test.runIf(lora.vision)(
    'adapters on the vision tower alone have the losses and gradients of PyTorch',
    async () => {
      const want = lora.vision
      if (want === undefined) return
      const trained = fixture.adaptersOn(reference.adapted('lora_vision'))
      const group = { ...(await caseGroup(want.case)), advantages: [want.advantage], beta: want.beta }
      for (const checkpointed of [false, true]) {
        const run = openLearner(model, trained, { checkpointed })
        const result = await run([group], startingParameters(trained, 'lora_vision'))
        expectLosses(result, want)
        for (const [module, values] of tensorsOf(trained, result.gradient))
          expect(relativeDistance(values, adapterTensor('grad_vision', module)), module).toBeLessThan(3e-5)
      }
    },
  )

  test('language adapters are within 1e-5 after the three recorded steps of AdamW', async () => {
    const { lr, weight_decay: weightDecay, betas, eps, clip, steps } = lora.adamw
    const parameters = startingParameters(adapters)
    const language = startingParameters(languageAdapters)
    const optimizer = new AdamW({ size: language.length, lr, betas, eps, weightDecay, clip })
    for (const step of steps) {
      const { loss, gradient } = await learn([await caseGroup(step.case)], parameters)
      expect(Math.abs(loss / step.loss - 1)).toBeLessThan(2e-5)
      const languageGradient = new Float32Array(language.length)
      copyTensors(
        { trained: adapters, flat: gradient },
        { trained: languageAdapters, flat: languageGradient },
      )
      const { gradientNorm } = optimizer.step(language, languageGradient)
      expect(Math.abs(gradientNorm / step.grad_norm - 1)).toBeLessThan(2e-5)
      copyTensors({ trained: languageAdapters, flat: language }, { trained: adapters, flat: parameters })
    }
    for (const [name, values] of tensorsOf(languageAdapters, language))
      expect(largestDifference(values, adapterTensor('after3', name)), name).toBeLessThan(1e-5)
  })
}

/** Greedy tokens through the public functions, sampled and streamed. */
export function greedyParity({ reference, model }: FixtureModel): void {
  const { folder, numbers } = reference

  test('greedy tokens are those of transformers, for all prompts in one run and as a stream', async () => {
    const vlm = await loadVlm(folder, { threads: 1, cacheDir: model.cacheDir })
    try {
      const prompts = await Promise.all(
        numbers.cases.map(async ({ images, prompt, system }) => {
          const encoded = await Promise.all(
            images.map((file) => vlm.encodeImage(join(folder, 'images', file))),
          )
          return vlm.prompt({ images: encoded, prompt, system: system ?? undefined })
        }),
      )
      const groups = await vlm.sample({ prompts, temperature: 0, maxNewTokens: 24 })
      for (const [i, { greedy_ids: ids, greedy_sure: sure }] of numbers.cases.entries()) {
        const [{ ids: got, text }] = groups[i]
        expect([...got].slice(0, sure)).toEqual(ids.slice(0, sure))
        let streamed = ''
        const stream = vlm.stream({ prompt: prompts[i], temperature: 0, maxNewTokens: 24 })
        for await (const piece of stream) streamed += piece
        expect(streamed).toBe(text)
      }
    } finally {
      await vlm.dispose()
    }
  })
}

/** What packing and adapters must not change. */
export function packingParity(fixture: FixtureModel): void {
  const { reference, adapters, caseGroup, startingParameters, learn } = fixture
  const { cases } = reference.numbers

  async function expectSum(packed: Float32Array, groups: readonly Group[]): Promise<void> {
    const sum = new Float64Array(adapters.layout.size)
    for (const group of groups)
      for (const [i, value] of (await learn([group], startingParameters(adapters))).gradient.entries())
        sum[i] += value
    const want = tensorsOf(adapters, Float32Array.from(sum))
    for (const [name, values] of tensorsOf(adapters, packed))
      expect(relativeDistance(values, want.get(name) ?? none), name).toBeLessThan(1e-5)
  }

  test('completions packed behind their prompt have the sum of their own gradients', async () => {
    const one = await caseGroup('c1')
    const completions = cases.slice(0, 3).map(({ completion_ids }) => completion_ids)
    const advantages = [0.7, -0.4, 0.25]
    const parameters = startingParameters(adapters)
    const packed = await learn([{ ...one, completions, advantages }], parameters)
    await expectSum(
      packed.gradient,
      completions.map((completion, i) => ({
        ...one,
        completions: [completion],
        advantages: [advantages[i]],
      })),
    )
  })

  test('groups with other images or none packed side by side have the sum of their own gradients', async () => {
    const groups = await Promise.all(cases.map(({ name }) => caseGroup(name)))
    const packed = await learn(groups, startingParameters(adapters))
    await expectSum(packed.gradient, groups)
  })

  test('adapters whose second factor is zero are the base policy, and only that factor has a gradient', async () => {
    const parameters = startingParameters(adapters)
    for (const [name, values] of tensorsOf(adapters, parameters)) if (name.includes('lora_B')) values.fill(0)
    for (const { name, completion_logprobs } of cases.filter(({ images }) => images.length > 0)) {
      const { kl, logProbabilities, gradient } = await learn([await caseGroup(name)], parameters)
      for (const value of kl) expect(Math.abs(value)).toBeLessThan(1e-7)
      expect(largestDifference(logProbabilities, completion_logprobs)).toBeLessThan(2e-5)
      for (const [module, values] of tensorsOf(adapters, gradient))
        if (module.includes('lora_A')) expect(norm(values), module).toBe(0)
        else expect(norm(values), module).toBeGreaterThan(0)
    }
  })

  test('other pixels are another loss and another gradient, far beyond rounding', async () => {
    const parameters = startingParameters(adapters)
    const group = await caseGroup('c0')
    const own = await learn([group], parameters)
    const images = group.images.map((image) => ({
      ...image,
      pixels: ndarray(
        image.pixels.data.map((value) => -value),
        image.pixels.shape,
      ),
    }))
    expectAnother(await learn([{ ...group, images }], parameters), own)
  })
}

interface Outcome {
  loss: number
  gradient: Float32Array
}

export function expectAnother({ loss, gradient }: Outcome, own: Outcome): void {
  expect(Math.abs(loss / own.loss - 1)).toBeGreaterThan(1e-4)
  expect(relativeDistance(gradient, own.gradient)).toBeGreaterThan(1e-2)
}

interface Losses {
  ce: number
  kl: number
  loss: number
  token_logprobs: readonly number[]
}

function expectLosses(
  result: { logProbabilities: Float32Array; kl: Float32Array; loss: number },
  want: Losses,
): void {
  expect(largestDifference(result.logProbabilities, want.token_logprobs)).toBeLessThan(2e-5)
  for (const [got, number] of [
    [-mean(result.logProbabilities), want.ce],
    [mean(result.kl), want.kl],
    [result.loss, want.loss],
  ])
    expect(Math.abs(got / number - 1)).toBeLessThan(2e-5)
}

interface FlatTensors {
  trained: Trainable
  flat: Float32Array
}

/** Copies the tensors that both have. */
function copyTensors(from: FlatTensors, to: FlatTensors): void {
  const source = tensorsOf(from.trained, from.flat)
  for (const [name, values] of tensorsOf(to.trained, to.flat)) values.set(source.get(name) ?? values)
}
