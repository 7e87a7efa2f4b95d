/**
 * What crosses between the host and the device in an iteration: what programs are fed and what is fetched from them. On
 * the CPU nothing really crosses, but the feeds and fetches are those of every device.
 */
import { join } from 'node:path'
import ndarray from 'ndarray'
import { afterEach, expect, test, vi } from 'vitest'
import { loadVlm, planPrograms } from '../src/index'
import { publishedModel } from './support/published-model'
import { tinyFolder } from './support/safetensors'

interface Crossing {
  program: string
  fed: Record<string, number>
  fetched: Record<string, number>
}

const crossings = vi.hoisted((): Crossing[] => [])
vi.mock('../src/runtime/session', async (original) => {
  const real = await original<typeof import('../src/runtime/session')>()
  return {
    ...real,
    openProgram: async (...[graph, options]: Parameters<typeof real.openProgram>) => {
      const program = await real.openProgram(graph, options)
      const bytes = (tensors: Partial<Record<string, { data: unknown }>>, names?: ReadonlySet<string>) =>
        Object.fromEntries(
          Object.entries(tensors)
            .filter(([name]) => names?.has(name) ?? true)
            .map(([name, tensor]) => [name, (tensor?.data as Float32Array).byteLength]),
        )
      return {
        ...program,
        run: async (feeds: Parameters<typeof program.run>[0]) => {
          const results = await program.run(feeds)
          crossings.push({
            program: graph.name,
            fed: bytes(feeds, program.inputs),
            fetched: bytes(results),
          })
          return results
        },
      }
    },
  }
})
afterEach(() => {
  crossings.length = 0
})

const size = { width: 56, height: 56 }
const data = Uint8Array.from(
  { length: 3 * size.width * size.height },
  (_, i) => Math.imul(i, 2654435761) >>> 24,
)

test('an iteration fetches nothing larger than the adapter, feeds nothing larger, and no cache crosses', async () => {
  const vlm = await loadVlm(tinyFolder, { device: 'cpu', threads: 1 })
  const adapter = vlm.createAdapter({ rank: 16 })
  const image = await vlm.encodeImage(ndarray(data, [size.height, size.width, 3]))
  const prompt = vlm.prompt({ images: [image], prompt: 'What is the tallest bar?' })
  const sampling = { prompts: [prompt], adapter, maxNewTokens: 12, stopTokens: [] }
  await vlm.sample(sampling)
  const [completions] = await vlm.sample({ ...sampling, samples: 5 })
  const groups = [{ prompt, completions, advantages: [1, 0.5, 0, -0.5, -1] }]
  await vlm.score({ groups, adapter, kl: true })
  await vlm.gradient({ groups, adapter, beta: 0.1 })
  await vlm.dispose()

  expect(crossings.map(({ program }) => program)).toEqual(['encode', 'sample', 'sample', 'learn', 'learn'])
  const largest = adapter.parameters.byteLength
  const names = new Map<string, string[]>()
  for (const { program, fed, fetched } of crossings) {
    for (const bytes of [...Object.values(fed), ...Object.values(fetched)])
      expect(bytes).toBeLessThanOrEqual(largest)
    names.set(program, Object.keys(fetched).sort())
  }
  expect(Object.fromEntries(names)).toEqual({
    encode: ['features'],
    // For each token that was drawn: its number and two log-probabilities.
    sample: ['plain', 'sampled', 'tokens'],
    learn: ['entropy', 'gradient', 'kl', 'log_probabilities', 'loss'],
  })
  const [, , drawn, scored] = crossings
  expect(drawn.fetched).toEqual({ tokens: 8 * 5 * 12, sampled: 4 * 5 * 12, plain: 4 * 5 * 12 })
  expect(scored.fetched).toEqual({ log_probabilities: 240, entropy: 240, kl: 240, loss: 4 })
  expect(join(...Object.keys(drawn.fed))).not.toMatch(/key|value|cache/)
})

test('in the recipe for the 7B model neither does it', () => {
  const plan = planPrograms({ backbone: publishedModel('7B'), adapter: { rank: 16 } })
  // An image of 896x896 pixels in a prompt of 1,300 tokens, five answers of 128.
  const lengths = { G: 1, N: 5, P: 1300, C: 5 * 128, T: 1300 + 5 * 128, S: 640, M: 128, K: 2, rows: 1940 }
  const towers = {
    image_tokens: 1024,
    patches: 4096,
    windows: 64,
    window_length: 64,
    images: 1,
    image_length: 4096,
  }
  // Rows of results, which inputs do not tell: the most are those of image tokens.
  const all: Partial<Record<string, number>> = { ...lengths, ...towers, '?': 1024 }
  const widths: Record<string, number> = { float32: 4, int64: 8, float64: 8 }
  const largest = 4 * plan.parameters
  const seen: string[] = []
  for (const { name, inputs, outputs } of plan.programs.filter((each) => each.name !== 'stream'))
    for (const tensor of [...inputs, ...outputs]) {
      const known = tensor.shape.map((dim) => (typeof dim === 'number' ? dim : lengthOf(dim, all)))
      if (known.some(Number.isNaN)) seen.push(`${name} ${tensor.name} [${tensor.shape.join()}]`)
      else
        expect([tensor.name, known.reduce((a, b) => a * b, widths[tensor.dtype]) <= largest]).toEqual([
          tensor.name,
          true,
        ])
    }
  expect(seen).toEqual([])
})

/** The number that the name of a length stands for, "(C+P)*G" for instance; `NaN` where a part of it is not known. */
function lengthOf(name: string, known: Partial<Record<string, number>>): number {
  const sum = (text: string): number =>
    text
      .split('+')
      .map((product) => product.split('*').reduce((value, factor) => value * Number(factor), 1))
      .reduce((a, b) => a + b)
  let text = name.replace(/[A-Za-z_?]\w*/g, (part) => String(known[part]))
  while (text.includes('(')) text = text.replace(/\(([^()]*)\)/, (_, inner: string) => String(sum(inner)))
  return sum(text)
}
