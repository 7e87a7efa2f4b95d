/** Drawing inside a program, against the definitions written out in float64. */
import { Graph } from '@evolmm/onnx'
import { expect, test } from 'vitest'
import { draw } from '../src/programs/draw'
import { openProgram } from '../src/runtime/session'

const rows = 4

async function drawer(words: number) {
  const graph = new Graph('draw')
  const logits = graph.input('logits', 'float32', [rows, words])
  const { tokens, sampled, plain } = draw({
    logits,
    uniforms: graph.input('uniforms', 'float64', [rows]),
    temperature: graph.input('temperature', 'float32', []),
    topP: graph.input('top_p', 'float32', []),
    topK: graph.input('top_k', 'int64', []),
  })
  graph.output('tokens', tokens)
  graph.output('sampled', sampled)
  graph.output('plain', plain)
  const program = await openProgram(graph, { folder: '/' })
  return async (logitsData: Float32Array, uniforms: number[], [temperature, topP, topK]: number[]) => {
    const scalar = (value: number) => ({ dtype: 'float32' as const, dims: [], data: Float32Array.of(value) })
    const results = await program.run({
      logits: { dtype: 'float32', dims: [rows, words], data: logitsData },
      uniforms: { dtype: 'float64', dims: [rows], data: Float64Array.from(uniforms) },
      temperature: scalar(temperature),
      top_p: scalar(topP),
      top_k: { dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(topK)) },
    })
    return {
      tokens: Array.from(results.tokens.data as BigInt64Array, Number),
      sampled: [...(results.sampled.data as Float32Array)],
      plain: [...(results.plain.data as Float32Array)],
    }
  }
}

/** transformers' warpers, then the inverse of the cumulative distribution. */
function expected(logits: number[], uniform: number, [temperature, topP, topK]: number[]) {
  const softmax = (values: number[]) => {
    const most = Math.max(...values)
    const powers = values.map((value) => Math.exp(value - most))
    const sum = powers.reduce((a, b) => a + b, 0)
    return powers.map((power) => power / sum)
  }
  let kept = logits.map((logit) => logit / temperature)
  if (topK > 0) {
    const least = kept.toSorted((a, b) => b - a)[Math.min(topK, kept.length) - 1]
    kept = kept.map((value) => (value < least ? -Infinity : value))
  }
  if (topP < 1) {
    const shares = softmax(kept)
    const order = shares.map((_, i) => i).sort((a, b) => shares[b] - shares[a])
    let before = 0
    const allowed = new Set<number>()
    for (const i of order) {
      if (before < topP) allowed.add(i)
      before += shares[i]
    }
    kept = kept.map((value, i) => (allowed.has(i) ? value : -Infinity))
  }
  const shares = softmax(kept)
  let sum = 0
  const token = shares.findIndex((share) => (sum += share) > uniform)
  return { token, sampled: Math.log(shares[token]), plain: Math.log(softmax(logits)[token]) }
}

function random(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

const settings = [
  [1, 1, 0],
  [0.7, 1, 0],
  [1, 0.9, 0],
  [1.3, 0.5, 0],
  [1, 1, 40],
  [0.8, 0.7, 40],
  [1, 0.95, 1500],
  [1, 1, 1],
  [1, 0.01, 0],
]

// 2,600 words are no multiple of a block, and more than are sorted first.
test.each([640, 2600].flatMap((words) => [0.1, 4].map((scale) => [words, scale])))(
  'words are drawn and weighed as transformers defines it: %i words, logits of scale %f',
  async (words, scale) => {
    const run = await drawer(words)
    const next = random(words + 1)
    for (const setting of settings) {
      const logits = Float32Array.from({ length: rows * words }, () => scale * (2 * next() - 1))
      const uniforms = Array.from({ length: rows }, next)
      const drawn = await run(logits, uniforms, setting)
      for (let row = 0; row < rows; row++) {
        const own = [...logits.subarray(row * words, (row + 1) * words)]
        const wanted = expected(own, uniforms[row], setting)
        expect([setting, drawn.tokens[row]]).toEqual([setting, wanted.token])
        expect(drawn.sampled[row]).toBeCloseTo(wanted.sampled, 4)
        expect(drawn.plain[row]).toBeCloseTo(wanted.plain, 4)
      }
    }
  },
)

test('of 152,064 equally probable words the one is drawn that the uniform number points at', async () => {
  const words = 152_064
  const run = await drawer(words)
  const next = random(7)
  for (let round = 0; round < 5; round++) {
    const uniforms = [next(), next(), 0, 1 - 2 ** -53]
    const { tokens } = await run(new Float32Array(rows * words), uniforms, [1, 1, 0])
    expect(tokens).toEqual(uniforms.map((uniform) => Math.min(words - 1, Math.floor(uniform * words))))
  }
})

test('a word of probability 0 is never drawn', async () => {
  const words = 1030
  const run = await drawer(words)
  const logits = new Float32Array(rows * words).fill(-Infinity)
  for (let row = 0; row < rows; row++) logits.fill(0, row * words + 3, row * words + 5)
  const { tokens } = await run(logits, [0, 0.4999, 0.5, 1 - 2 ** -53], [1, 1, 0])
  expect(tokens).toEqual([3, 3, 4, 4])
})

test('temperature 0 takes the first of the best words, with certainty', async () => {
  const words = 600
  const run = await drawer(words)
  const logits = new Float32Array(rows * words)
  logits[5] = logits[9] = 2
  const { tokens, sampled, plain } = await run(logits, [0.9, 0.9, 0.9, 0.9], [0, 0.5, 3])
  expect(tokens).toEqual([5, 0, 0, 0])
  expect(sampled).toEqual([0, 0, 0, 0])
  expect(plain[0]).toBeCloseTo(2 - Math.log(2 * Math.exp(2) + 598), 5)
})
