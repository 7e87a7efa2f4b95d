/** What one iteration of a benchmark reads and computes, for a shape such as `bench-small.json`. */
import { AdamW } from '@evolmm/rl-core'
import ndarray from 'ndarray'

/** A prompt as long as the reference's: the template up to the image, then `words` tokens. */
function promptOf(vlm, image, words) {
  const given = vlm.prompt({ images: [image], prompt: '' })
  const head = given.imageSpans[0].start + given.imageSpans[0].length + 1
  const length = head + words
  const ids = Int32Array.from({ length }, (_, i) => (i < head ? given.ids[i] : 20 + ((31 * i) % 500)))
  const axes = given.positions.length / given.ids.length
  const positions = new Int32Array(axes * length)
  const last = Array.from({ length: axes }, (_, axis) => given.positions[axis * given.ids.length + head - 1])
  const after = Math.max(...last) + 1
  for (let axis = 0; axis < axes; axis++)
    for (let i = 0; i < length; i++)
      positions[axis * length + i] =
        i < head ? given.positions[axis * given.ids.length + i] : after + i - head
  return { ...given, ids, positions, delta: after - head }
}

/**
 * Milliseconds of each phase of `count` iterations of the recipe and one before them, which opens the programs: an image, a
 * question, answers, one gradient with exact KL, one step.
 */
export async function timeIterations(vlm, { shape, count, checkpointed = false }) {
  const [solver, proposer] = [1, 2].map((seed) => vlm.createAdapter({ rank: 16, alpha: 32, seed }))
  const optimizer = new AdamW({ size: solver.parameters.length, lr: 1e-6, clip: 1, weightDecay: 0.01 })
  const [height, width] = shape.grid.map((patches) => 14 * patches)
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => Math.imul(i, 2654435761) >>> 24)
  const pixels = ndarray(data, [height, width, 3])
  const rows = []
  for (let step = 0; step <= count; step++) {
    const times = [performance.now()]
    const lap = (value) => {
      times.push(performance.now())
      return value
    }
    const image = lap(await vlm.encodeImage(pixels))
    const sampling = { maxNewTokens: shape.new_tokens, stopTokens: [] }
    const ask = promptOf(vlm, image, shape.proposer_prompt)
    lap(await vlm.sample({ ...sampling, prompts: [ask], adapter: proposer, seeds: [[1, step]] }))
    const prompt = promptOf(vlm, image, shape.solver_prompt)
    const { samples } = shape
    const answers = { prompts: [prompt], adapter: solver, samples, seeds: [[2, step]] }
    const [completions] = lap(await vlm.sample({ ...sampling, ...answers }))
    const advantages = completions.map((_, i) => i - 2)
    const groups = [{ prompt, completions, advantages }]
    const { gradient } = lap(await vlm.gradient({ groups, adapter: solver, beta: 1e-3, checkpointed }))
    optimizer.step(solver.parameters, gradient)
    lap()
    const names = ['encode', 'sample a question', 'sample five answers', 'gradient', 'AdamW']
    const row = Object.fromEntries(names.map((name, i) => [name, times[i + 1] - times[i]]))
    rows.push({ ...row, total: times.at(-1) - times[0] })
  }
  return { first: rows[0], rows: rows.slice(1) }
}

/** Floating-point operations of the matrix products of an iteration. */
export function operations(backbone, { grid, proposer_prompt, solver_prompt, new_tokens, samples }) {
  const { shape: text, sizes } = backbone
  const { shape: vision } = backbone.vision
  const patches = grid[0] * grid[1]
  const tower = 4 * vision.hiddenSize ** 2 + 3 * vision.hiddenSize * vision.intermediateSize
  const windowed = vision.windowedLayers * vision.window
  const whole = (vision.layers - vision.windowedLayers) * patches
  const encode =
    2 *
      patches *
      (vision.layers * tower + vision.patchSize * vision.hiddenSize + 5 * vision.hiddenSize ** 2) +
    4 * patches * vision.hiddenSize * (windowed + whole)
  const keys = sizes.keyValueSize
  const layer =
    2 * text.hiddenSize ** 2 + 2 * keys * text.hiddenSize + 3 * text.hiddenSize * text.intermediateSize
  const lora = 16 * (7 * text.hiddenSize + 3 * text.intermediateSize + text.hiddenSize + 2 * keys)
  const head = sizes.vocabularySize * text.hiddenSize
  const tokens = (count, seen) =>
    text.layers * (2 * count * (layer + lora) + 4 * count * seen * text.hiddenSize)
  const sample = (prompt, n) =>
    tokens(prompt, prompt) + tokens(n * new_tokens, prompt + new_tokens / 2) + 2 * n * new_tokens * head
  const image = patches / vision.patchesPerToken + 10
  const scored = samples * new_tokens
  const packed = image + solver_prompt + scored
  // Policy forward, reference forward, and the gradients of hidden states; adapters have those of their weights besides.
  const learn = 3 * tokens(packed, packed) + text.layers * 2 * packed * lora + 2 * 3 * scored * head
  return encode + sample(image + proposer_prompt, 1) + sample(image + solver_prompt, samples) + learn
}
