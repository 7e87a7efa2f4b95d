/**
 * Images of more patches than a chunk of attention has, beside programs that attend at once. Numbers of such an image are
 * compared with PyTorch in `shapes.test.ts`.
 */
import { sizedTest } from '@evolmm/internal/testing'
import { describe, expect } from 'vitest'
import { buildPrompt } from '../src/build-prompt'
import { openPrompting } from '../src/open-folder'
import { rgbImage } from '../src/image/rgb-image'
import { encodeProgram } from '../src/programs/encode-program'
import { openProgram } from '../src/runtime/session'
import { largestDifference, relativeDistance } from './support/compare'
import { openFixture } from './support/fixture-model'
import { picture } from './support/formulas'
import { openLearner } from './support/model'
import { readReference } from './support/reference'

const widths = { 'patches in a row': [20, 40, 80] } as const

describe.each(['qwen2_5_vl-tiny', 'qwen2_vl-tiny'])('%s', async (name) => {
  const reference = await readReference(name)
  const fixture = await openFixture(reference)
  const { model, adapters } = fixture
  const { files, vision } = model
  const processor = await vision.processor(reference.folder, { maxPixels: 2 ** 24 })
  // A patch is fed as two frames of three colors.
  const side = Math.sqrt(vision.shape.patchSize / 6)
  const prepared = (columns: number, rows: number, seed: number) =>
    processor.prepare(rgbImage(picture(columns * side, rows * side, seed)))
  const whole = { ...model, files: { ...files, loops: 'none' as const } }

  sizedTest('features are the same bit for bit, of several images too', widths, async ({ count: wide }) => {
    const large = prepared(wide, 18, 1)
    expect(large.patches).toBeGreaterThan(256)
    const small = prepared(6, 4, 2)
    const other = prepared(18, wide, 3)
    const atOnce = await openProgram(encodeProgram({ vision, files: whole.files }), files)
    const ofOne = await openProgram(encodeProgram({ vision, files, one: true }), files)
    expect(ofOne.inputs.size).toBeLessThan(atOnce.inputs.size)
    // More rows than are worked on at a time, in windows that the image does not fill.
    const many = prepared(62, 22, 5)
    expect(many.patches).toBeGreaterThan(1024)
    for (const image of [large, small, many]) {
      const feeds = vision.feeds([[image]])
      expect((await ofOne.run(feeds)).features.data).toEqual((await atOnce.run(feeds)).features.data)
    }
    for (const images of [[large], [large, small, other], [many, small]]) {
      const { features } = await atOnce.run(vision.feeds([images]))
      expect((await model.encode(images)).data).toEqual(features.data)
    }
    const together = await model.encode([large, small, other])
    const alone = await Promise.all([large, small, other].map((image) => model.encode([image])))
    const joined = alone.flatMap(({ data }) => Array.from(data as Float32Array))
    expect(largestDifference(together.data as Float32Array, joined)).toBeLessThan(1e-5)
    await ofOne.release()
    await atOnce.release()
  })

  // The other tower has a block that sees all, and the same parts.
  if (name === 'qwen2_5_vl-tiny') return
  sizedTest('gradients of a trained tower are the same within rounding', widths, async ({ count: wide }) => {
    const image = prepared(wide, 18, 4)
    const { ids, imageSpans } = buildPrompt({
      ...(await openPrompting(reference.folder, model.backbone)),
      rules: model.backbone.prompt,
      images: [image],
      prompt: 'What?',
    })
    const completions = [reference.numbers.cases[0].completion_ids]
    const group = { ids: [...ids], images: [image], imageSpans, completions, advantages: [1], beta: 0.1 }
    const parameters = fixture.startingParameters(adapters)
    const [chunked, atOnce] = await Promise.all(
      [model, whole].map((each) => openLearner(each, adapters)([group], parameters)),
    )
    expect(relativeDistance(chunked.gradient, atOnce.gradient)).toBeLessThan(1e-5)
  })
})
