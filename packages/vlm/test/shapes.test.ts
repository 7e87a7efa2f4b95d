/**
 * Random models of other shapes than the tiny checkpoint against PyTorch in float64; see `fixtures/shapes`. The bounds
 * are those for the tiny checkpoint. A gradient's distance is estimated from sums with random signs.
 */
import { afterAll, expect, test } from 'vitest'
import { largestDifference, norm } from './support/compare'
import { signedSum } from './support/formulas'
import { openLearner, openLogits, packedPrompt, tensorsOf } from './support/model'
import { models, numbers, openShape, shapeGroup, trainedPart } from './support/shapes'

for (const shape of models) {
  const model = await openShape(shape)
  afterAll(model.close)
  const { trained, parameters } = trainedPart(shape, model)
  const logits = await openLogits(model)
  const scoreBase = openLearner(model)
  const learn = openLearner(model, trained)
  const title = shape.name

  for (const item of shape.cases) {
    const group = shapeGroup(item, model)
    const [completion] = group.completions
    const all = { ...group, ids: [...group.ids, ...completion] }
    const want = numbers.find((entry) => entry.model === shape.name && entry.case === item.name)
    if (want === undefined) throw new Error(`no numbers for ${item.name}`)

    let last: ReturnType<typeof learn> | undefined
    const learned = () => (last ??= learn([group], parameters))

    test(`${title}, ${item.name}: grids and positions are equal`, () => {
      expect(group.images.map(({ fields }) => fields.image_grid_thw)).toEqual(want.grids)
      expect([...packedPrompt(model, all).positions]).toEqual(want.positions.flat())
    })

    test(`${title}, ${item.name}: image features and logits are within 2e-5`, async () => {
      const { data } = await model.encode(group.images)
      expect(largestDifference(every(data as Float32Array, item.feature_stride), want.features)).toBeLessThan(
        2e-5,
      )
      expect(largestDifference(every(await logits(all), item.logit_stride), want.logits)).toBeLessThan(2e-5)
    })

    test(`${title}, ${item.name}: log-probabilities, divergence and loss are within 2e-5`, async () => {
      const base = await scoreBase([group], new Float32Array(0))
      expect(largestDifference(base.logProbabilities, want.base_log_probabilities)).toBeLessThan(2e-5)
      const { logProbabilities, kl, loss } = await learned()
      expect(largestDifference(logProbabilities, want.log_probabilities)).toBeLessThan(2e-5)
      expect(largestDifference(kl, want.kl)).toBeLessThan(2e-5)
      expect(Math.abs(loss / want.loss - 1)).toBeLessThan(2e-5)
    })

    test(`${title}, ${item.name}: every gradient is within 3e-5 of its norm`, async () => {
      const gradients = tensorsOf(trained, (await learned()).gradient)
      expect([...gradients.keys()].sort()).toEqual(want.gradients.map(([name]) => name).sort())
      for (const [name, size, ...sums] of want.gradients) {
        const got = gradients.get(name) ?? new Float32Array(0)
        expect(Math.abs(norm(got) / size - 1), name).toBeLessThan(3e-5)
        const distance = norm(sums.map((sum, k) => signedSum(name, got, k) - sum)) / Math.sqrt(sums.length)
        expect(distance / size, name).toBeLessThan(3e-5)
      }
    })
  }
}

function every(values: Float32Array, stride: number): Float32Array {
  return values.filter((_, i) => i % stride === 0)
}
