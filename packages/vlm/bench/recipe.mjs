/** What one iteration of a benchmark reads and computes, for a shape such as `bench-small.json`. */
import { AdamW } from '@evolmm/rl-core'
import ndarray from 'ndarray'

/** A prompt as long as the published loop's: the image between its two tokens, then `words` tokens, without a template. */
function promptOf(vlm, image, words) {
  const given = vlm.prompt({ images: [image], prompt: '' })
  const [span] = given.imageSpans
  const cut = span.start - 1
  const head = span.length + 2
  const length = head + words
  const ids = Int32Array.from({ length }, (_, i) => (i < head ? given.ids[cut + i] : 20 + ((31 * i) % 500)))
  const all = given.ids.length
  const axes = given.positions.length / all
  const positions = new Int32Array(axes * length)
  const after =
    Math.max(...Array.from({ length: axes }, (_, axis) => given.positions[axis * all + cut + head - 1])) + 1
  for (let axis = 0; axis < axes; axis++)
    for (let i = 0; i < length; i++)
      positions[axis * length + i] =
        (i < head ? given.positions[axis * all + cut + i] : after + i - head) - cut
  return { ...given, ids, positions, delta: after - cut - head, imageSpans: [{ ...span, start: 1 }] }
}

/**
 * Milliseconds of each phase of `count` iterations of the recipe and one before them, which opens the programs: for each of
 * `images` images a question and answers, then one gradient with exact KL and one step for all.
 */
export async function timeIterations(vlm, options) {
  const { shape, count, checkpointed = false, images = 1, now = () => performance.now() } = options
  const [solver, proposer] = [1, 2].map((seed) => vlm.createAdapter({ rank, alpha: 32, seed }))
  const optimizer = new AdamW({ size: solver.parameters.length, lr: 1e-6, clip: 1, weightDecay: 0.01 })
  const pictures = Array.from({ length: images }, (_, number) => picture(shape.grid, number))
  const rows = []
  for (let step = 0; step <= count; step++) {
    const row = {}
    const timed = async (phase, work) => {
      const start = now()
      const value = await work()
      row[phase] = now() - start
      return value
    }
    const encoded = await timed('encode', () => inTurn(pictures, (pixels) => vlm.encodeImage(pixels)))
    const sampling = { maxNewTokens: shape.new_tokens, stopTokens: [] }
    const seeds = (role) => encoded.map((_, i) => [role, step, i])
    const ask = encoded.map((image) => promptOf(vlm, image, shape.proposer_prompt))
    await timed(phases.question, () =>
      vlm.sample({ ...sampling, prompts: ask, adapter: proposer, seeds: seeds(1) }),
    )
    const prompts = encoded.map((image) => promptOf(vlm, image, shape.solver_prompt))
    const answers = await timed(phases.answers, () =>
      vlm.sample({ ...sampling, prompts, adapter: solver, samples: shape.samples, seeds: seeds(2) }),
    )
    const groups = prompts.map((prompt, i) => ({
      prompt,
      completions: answers[i],
      advantages: answers[i].map((_, place) => (-1) ** place),
    }))
    checkDistinct(groups)
    const { gradient } = await timed('gradient', () =>
      vlm.gradient({ groups, adapter: solver, beta: 1e-3, checkpointed }),
    )
    await timed('AdamW', () => optimizer.step(solver.parameters, gradient))
    const total = Object.values(row).reduce((sum, each) => sum + each, 0)
    rows.push({ ...row, total })
  }
  return { first: rows[0], rows: rows.slice(1), parameters: solver.parameters.length }
}

/** Milliseconds of scoring a question for each image, which the trainer does too and the published loop does not. */
export async function timeScores(vlm, { shape, count, images = 1, now = () => performance.now() }) {
  const pictures = Array.from({ length: images }, (_, number) => picture(shape.grid, number))
  const encoded = await inTurn(pictures, (pixels) => vlm.encodeImage(pixels))
  const prompts = encoded.map((image) => promptOf(vlm, image, shape.proposer_prompt))
  const questions = await vlm.sample({ prompts, maxNewTokens: shape.new_tokens, stopTokens: [] })
  const groups = prompts.map((prompt, i) => ({ prompt, completions: questions[i] }))
  const times = []
  for (let step = 0; step <= count; step++) {
    const start = now()
    await vlm.score({ groups })
    times.push(now() - start)
  }
  return times.slice(1)
}

export const rank = 16

/** What both sides call the phases of sampling. */
const phases = { question: 'sample a question', answers: 'sample five answers' }

/** An image of noise as large as the grid of patches. */
function picture(grid, number) {
  const [height, width] = grid.map((patches) => 14 * patches)
  const data = Uint8Array.from(
    { length: 3 * height * width },
    (_, i) => Math.imul(i + number, 2654435761) >>> 24,
  )
  return ndarray(data, [height, width, 3])
}

async function inTurn(list, work) {
  const results = []
  for (const each of list) results.push(await work(each))
  return results
}

/** Equal completions and those without an advantage would cost less than the others. */
function checkDistinct(groups) {
  for (const { completions } of groups)
    if (new Set(completions.map(({ ids }) => `${ids}`)).size < completions.length)
      throw new Error('completions of an iteration must be distinct')
}

/**
 * Floating-point operations of the matrix products that are executed for one image, by phase, and `total` without the
 * score. Prompt rows need no head and, in learning, nothing of the last layer behind its keys and values but their part in
 * its attention; the first layer's input has no gradient.
 */
export function operations(backbone, shape) {
  const { proposer_prompt, solver_prompt, new_tokens, samples } = shape
  const image = imageTokens(backbone, shape)
  const work = {
    encode: encodeOperations(backbone, shape),
    [phases.question]: sampleOperations(backbone, {
      prompt: image + proposer_prompt,
      new_tokens,
      samples: 1,
    }),
    [phases.answers]: sampleOperations(backbone, { prompt: image + solver_prompt, new_tokens, samples }),
    gradient: learnOperations(backbone, { prompt: image + solver_prompt, new_tokens, samples }).total,
  }
  const total = Object.values(work).reduce((sum, each) => sum + each, 0)
  const score = scoreOperations(backbone, { prompt: image + proposer_prompt, new_tokens })
  return { ...work, total, score }
}

/** Tokens of a prompt up to and with its image. */
function imageTokens(backbone, { grid }) {
  return (grid[0] * grid[1]) / backbone.vision.shape.patchesPerToken + 2
}

function encodeOperations({ vision: { shape: vision } }, { grid }) {
  const patches = grid[0] * grid[1]
  const tower = 4 * vision.hiddenSize ** 2 + 3 * vision.hiddenSize * vision.intermediateSize
  const windowed = vision.windowedLayers * vision.window
  const whole = (vision.layers - vision.windowedLayers) * patches
  return (
    2 *
      patches *
      (vision.layers * tower + vision.patchSize * vision.hiddenSize + 5 * vision.hiddenSize ** 2) +
    4 * patches * vision.hiddenSize * (windowed + whole)
  )
}

/** Numbers in the matrices of a layer of the language part and in its adapters, by what reads them. */
function layerSizes({ shape: text, sizes }) {
  const [width, inner, keys] = [text.hiddenSize, text.intermediateSize, sizes.keyValueSize]
  return {
    qkv: width * (width + 2 * keys),
    rest: width ** 2 + 3 * width * inner,
    loraQkv: rank * (4 * width + 2 * keys),
    loraRest: rank * (2 * width + 3 * (width + inner)),
    head: sizes.vocabularySize * width,
  }
}

function sampleOperations(backbone, { prompt, new_tokens, samples }) {
  const { layers, hiddenSize } = backbone.shape
  const { qkv, rest, loraQkv, loraRest, head } = layerSizes(backbone)
  const tokens = (count, seen) =>
    layers * (2 * count * (qkv + rest + loraQkv + loraRest) + 4 * count * seen * hiddenSize)
  const drawn = samples * new_tokens
  return tokens(prompt, prompt) + tokens(drawn, prompt + new_tokens / 2) + 2 * drawn * head
}

function scoreOperations(backbone, { prompt, new_tokens }) {
  const { layers, hiddenSize } = backbone.shape
  const { qkv, rest, head } = layerSizes(backbone)
  const all = prompt + new_tokens
  const wide = 2 * (layers * all * (qkv + rest) - prompt * rest)
  const attention = 4 * layers * hiddenSize * (prompt ** 2 + new_tokens * all)
  return wide + attention + 2 * inChunks(new_tokens) * head
}

/** Operations of the learning pass by kind, of the policy, the reference and backwards. */
function learnOperations(backbone, { prompt, new_tokens, samples }) {
  const { layers, hiddenSize } = backbone.shape
  const { qkv, rest, loraQkv, loraRest, head } = layerSizes(backbone)
  const scored = samples * new_tokens
  const all = prompt + scored
  const passes = 3
  const kinds = {
    wide: 2 * (passes * (layers * all * (qkv + rest) - prompt * rest) - all * qkv),
    attention: 4 * 2 * hiddenSize * layers * (prompt ** 2 + scored * all) * 2,
    adapters: 2 * passes * (layers * all * (loraQkv + loraRest) - prompt * loraRest),
    head: passes * 2 * inChunks(scored) * head,
  }
  return { ...kinds, total: Object.values(kinds).reduce((sum, each) => sum + each, 0) }
}

/** Scored rows with those that fill up the last chunk of the head. */
function inChunks(rows) {
  return 64 * Math.ceil(rows / 64)
}

/**
 * Milliseconds below which no phase of an iteration on `images` images can be: operations at `peak` GFLOP/s, or bytes at
 * `bandwidth` GB/s where there are more of these. Each step of decoding reads all weights of the language part once.
 */
export function floors(backbone, shape, { images = 1, parameters, peak, bandwidth }) {
  const work = operations(backbone, shape)
  const { qkv, rest, loraQkv, loraRest, head } = layerSizes(backbone)
  const { layers } = backbone.shape
  const products = (operations) => (images * operations) / peak / 1e6
  const bytes = (count) => count / bandwidth / 1e6
  const read = 4 * (layers * (qkv + rest + loraQkv + loraRest) + head)
  const sampled = (phase, words, samples) => {
    const prompt = imageTokens(backbone, shape) + words
    const prefill = sampleOperations(backbone, { prompt, new_tokens: 0, samples })
    const step = (work[phase] - prefill) / shape.new_tokens
    return products(prefill) + shape.new_tokens * Math.max(bytes(read), products(step))
  }
  const least = {
    encode: products(work.encode),
    [phases.question]: sampled(phases.question, shape.proposer_prompt, 1),
    [phases.answers]: sampled(phases.answers, shape.solver_prompt, shape.samples),
    gradient: products(work.gradient),
    // Its three vectors are read and written; the gradient is read twice, since it is clipped.
    AdamW: bytes(4 * 8 * parameters),
  }
  const total = Object.values(least).reduce((sum, each) => sum + each, 0)
  return { ...least, total, score: products(work.score) }
}
