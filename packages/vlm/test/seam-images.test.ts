/**
 * What families that are not here need of the seam for images: pictures whose tiles or features depend on the others of
 * their prompt, and alpha. Expected numbers are those of plain models that were told what the seam should find out.
 */
import { join } from 'node:path'
import type { EncodedImage, Prompt, Vlm } from '@evolmm/vlm'
import { op } from '@evolmm/onnx'
import ndarray from 'ndarray'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import type { RgbImage } from '../src/image/rgb-image'
import type { PreparedImage, Vision } from '../src/backbones/vision'
import { coded } from './prompt-checkpoint'
import { expectClose, folder, loadWith, numbers, plain, promptOf, scores, towerOf } from './support/seam'

test('images that depend on each other are encoded for their prompt, once', async () => {
  const runs: number[][] = []
  const vlm = await loadWith((backbone) => ({ vision: { ...watched(towerOf(backbone), runs), joint: true } }))
  const { images: files, prompt: text, system } = numbers.cases[2]
  const images = await Promise.all(files.map((file) => vlm.encodeImage(join(folder, 'images', file))))
  const prompt = vlm.prompt({ images, prompt: text, system: system ?? undefined })
  expect(prompt.images.map(({ features }) => features)).toEqual([undefined, undefined])
  runs.length = 0
  const sampling = { prompts: [prompt], maxNewTokens: 3, temperature: 0 }
  const [[first]] = await vlm.sample(sampling)
  await vlm.sample(sampling)
  expect([...first.ids]).toEqual(numbers.cases[2].greedy_ids.slice(0, 3))
  // Another prompt about the same images has their features; one about others, or in another order, has its own.
  const score = (about: typeof images) => {
    const other = vlm.prompt({ images: about, prompt: 'How many bars?' })
    return vlm.score({ groups: [{ prompt: other, completions: [{ ids: Int32Array.of(5) }] }] })
  }
  await score(images)
  expect(runs).toEqual([[2]])
  await score([images[1], images[0]])
  await score([...images, images[0]])
  expect(runs).toEqual([[2], [2], [3]])
  expectClose(await scores(vlm), await scores(plain))
})

/** The tower, which writes down the numbers of images of the prompts of each run. */
function watched(vision: Vision, runs: number[][]): Vision {
  const feeds: Vision['feeds'] = (prompts) => {
    runs.push(prompts.map(({ length }) => length))
    return vision.feeds(prompts)
  }
  return { ...vision, feeds }
}

/** Pictures of a prompt with several of them, which get fewer tiles than one that is alone. */
const few = { minPixels: 784, maxPixels: 3136 }

test('Phi: a picture becomes fewer tiles where it is one of several, cut from the decoded picture again', async () => {
  const runs: number[][] = []
  const vlm = await loadWith((backbone) => {
    const vision = watched(towerOf(backbone), runs)
    const processor: Vision['processor'] = async (from, options) => {
      const [one, several] = [await vision.processor(from, options), await vision.processor(from, few)]
      return {
        ...one,
        layout: (image, changed) => ((image.images ?? 1) > 1 ? several : one).layout(image, changed),
        prepare: (decoded) => ({ ...one.prepare(decoded), decoded }),
        recut: (images) =>
          images.map((image) => {
            if (image.decoded === undefined) throw new Error('the picture is gone')
            const anew = several.prepare(image.decoded)
            return anew.patches === image.patches ? image : anew
          }),
      }
    }
    return { vision: { ...vision, processor } }
  })
  const small = await loadWith(() => ({}), { imageOptions: few })
  const [alone, two] = [await promptOf(vlm, 'c0'), await promptOf(vlm, 'c2')]
  expectPrompt(alone, await promptOf(plain, 'c0'))
  expectPrompt(two, await promptOf(small, 'c2'))
  const whole = await promptOf(plain, 'c2')
  expect(two.ids.length).toBeLessThan(whole.ids.length)

  const completions = [{ ids: Int32Array.of(30, 40, 50) }]
  const score = async (model: Vlm, prompt: Prompt) =>
    (await model.score({ groups: [{ prompt, completions }] })).completions[0][0].logProbabilities
  runs.length = 0
  expectClose([await score(vlm, two)], [await score(small, await promptOf(small, 'c2'))])
  // Those that were cut anew are encoded, each by itself and once; the others have their features.
  const anew = two.images.filter(({ features }) => features === undefined)
  expect(anew.length).toBe(two.images.filter(({ tokens }, i) => tokens !== whole.images[i].tokens).length)
  await score(vlm, two)
  expect(runs).toEqual(anew.map(() => [1]))
  expectClose([await score(vlm, alone)], [await score(plain, await promptOf(plain, 'c0'))], 0)
  // A group of questions is asked of the same tiles.
  const images = await Promise.all(
    numbers.cases[2].images.map((file) => vlm.encodeImage(join(folder, 'images', file))),
  )
  const group = vlm.group({ images, turns: [{ prompt: 'How many?', completion: 'one' }] })
  expect(group.prompt.images.map(({ tokens }) => tokens)).toEqual(two.images.map(({ tokens }) => tokens))
})

function expectPrompt(got: Prompt, want: Prompt): void {
  expect(got.ids).toEqual(want.ids)
  expect(got.positions).toEqual(want.positions)
  for (const [i, { fields, pixels }] of want.images.entries()) {
    expect(got.images[i].fields).toEqual(fields)
    expect(got.images[i].pixels.data).toEqual(pixels.data)
  }
}

test('MiniCPM: the features of a picture depend on the longest of its prompt, not on those of other prompts', async () => {
  const vlm = await loadWith((backbone) => {
    const vision = towerOf(backbone)
    return {
      vision: {
        ...vision,
        joint: true,
        inputs: [...vision.inputs, { name: 'share', dtype: 'float32', shape: ['tokens', 1] }],
        feeds: (prompts) => {
          const data = Float32Array.from(
            prompts.flatMap((images) =>
              sharesOf(images).flatMap((share, i) => repeated(share, images[i].tokens)),
            ),
          )
          return { ...vision.feeds(prompts), share: { dtype: 'float32', dims: [data.length, 1], data } }
        },
        features: (layers, inputs) => {
          const share = inputs.get('share')
          if (share === undefined) throw new Error('no share')
          return op.Mul(vision.features(layers, inputs), share)
        },
      },
    }
  })
  const names = ['c0', 'c2']
  const completions = [{ ids: Int32Array.of(30, 40, 50) }]
  const groups = await Promise.all(
    names.map(async (name) => ({ prompt: await promptOf(vlm, name), completions })),
  )
  const expected = await Promise.all(
    names.map(async (name) => {
      const prompt = await promptOf(plain, name)
      const shares = sharesOf(prompt.images)
      return {
        prompt: { ...prompt, images: prompt.images.map((image, i) => scaled(image, shares[i])) },
        completions,
      }
    }),
  )
  // One of them is not the longest, or there would be nothing to see.
  expect(sharesOf(groups[1].prompt.images).some((share) => share < 1)).toBe(true)
  const scoresOf = async (model: Vlm, of: typeof groups, adapter?: ReturnType<Vlm['createAdapter']>) =>
    (await model.score({ groups: of, adapter })).completions.map(([{ logProbabilities }]) => logProbabilities)
  const want = await scoresOf(plain, expected)
  expectClose(await scoresOf(vlm, groups), want, 1e-5)
  // An adapter of the tower computes the features of all prompts in one run.
  const adapter = vlm.createAdapter({ rank: 2, vision: true, targets: ['qkv', 'q_proj'] })
  expectClose(await scoresOf(vlm, groups, adapter), want, 1e-5)
})

/** The patches of each image as a part of those of the largest in its prompt. */
function sharesOf(images: readonly PreparedImage[]): number[] {
  const most = Math.max(...images.map(({ patches }) => patches))
  return images.map(({ patches }) => Math.fround(patches / most))
}

function repeated(value: number, count: number): number[] {
  return Array.from({ length: count }, () => value)
}

function scaled(image: EncodedImage, by: number): EncodedImage {
  const values = Float32Array.from(image.features?.data ?? [], (value) => value * by)
  return { ...image, features: ndarray(values, image.features?.shape) }
}

test('mllama: alpha reaches who asks for it, and is dropped for all others', async () => {
  const [width, height] = [56, 28]
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * 37 + (i >> 3)) % 256)
  const file = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer()
  const over = (part: number) => (_: unknown, i: number) => {
    const [color, alpha] = [rgba[Math.floor(i / 3) * 4 + (i % 3)], rgba[Math.floor(i / 3) * 4 + 3]]
    return part === 0 ? color : Math.round((color * alpha + 255 * (255 - alpha)) / 255)
  }
  const pixels = (part: number) =>
    ndarray(Uint8Array.from({ length: width * height * 3 }, over(part)), [height, width, 3])
  const vlm = await loadWith((backbone) => {
    const vision = towerOf(backbone)
    const processor: Vision['processor'] = async (...given) => {
      const own = await vision.processor(...given)
      return { ...own, alpha: true, prepare: (image) => own.prepare(overWhite(image)) }
    }
    return { vision: { ...vision, processor } }
  })
  const [composed, dropped] = [await vlm.encodeImage(file), await plain.encodeImage(file)]
  const [over255, without] = [await plain.encodeImage(pixels(1)), await plain.encodeImage(pixels(0))]
  expect(composed.pixels.data).toEqual(over255.pixels.data)
  expect(composed.features?.data).toEqual(over255.features?.data)
  expect(dropped.pixels.data).toEqual(without.pixels.data)
  expect(composed.pixels.data).not.toEqual(dropped.pixels.data)
})

function overWhite({ alpha, ...image }: RgbImage): RgbImage {
  if (alpha === undefined) return image
  const data = image.data.map((color, i) => {
    const opaque = alpha[Math.floor(i / 3)]
    return Math.round((color * opaque + 255 * (255 - opaque)) / 255)
  })
  return { ...image, data }
}

test('InternVL, Gemma 3: a backbone names what may be chosen of its images, and gets it checked', async () => {
  const seen: unknown[] = []
  const change: Parameters<typeof loadWith>[0] = (backbone) => {
    const vision = towerOf(backbone)
    return {
      vision: {
        ...vision,
        imageOptions: new Map([
          ['maxTiles', { kind: 'integer', min: 1 }],
          ['panAndScan', { kind: 'switch' }],
        ]),
        processor: async (from, options) => {
          seen.push(options)
          return vision.processor(from, {})
        },
      },
    }
  }
  await loadWith(change, { imageOptions: { maxTiles: 6, panAndScan: false } })
  await loadWith(change, { imageOptions: { maxTiles: undefined } })
  expect(seen).toEqual([{ maxTiles: 6, panAndScan: false }, {}])
  for (const [imageOptions, message] of [
    [{ maxTiles: 0 }, /^maxTiles: must be an integer/],
    [{ panAndScan: 1 }, /^panAndScan: must be true or false, got 1/],
    [
      { maxPixels: 784 },
      /^maxPixels: must be one of the image options of the model, maxTiles, panAndScan, got 784/,
    ],
  ] as const)
    await expect(loadWith(change, { imageOptions })).rejects.toThrow(coded('INVALID_OPTION', message))
})
