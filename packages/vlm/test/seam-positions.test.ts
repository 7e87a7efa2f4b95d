/** Positions of several axes in a family that is not here: interleaved ones, and one for the length, beside a plain pass. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { architectures, initializeCheckpoint, loadVlm, openBackbone } from '@evolmm/vlm'
import { afterAll, expect, test } from 'vitest'
import { largestDifference } from './support/compare'
import { readRaw } from './support/safetensors'
import { toy, toyLimit, type ToyRotary } from './support/toy'
import { plainScores, type Rotation } from './support/toy-scores'

const known = new Map([...architectures, ['toy', toy]])
const root = await mkdtemp(join(tmpdir(), 'evolmm-positions-'))
afterAll(() => rm(root, { recursive: true }))

/** The rotation of a token of a prompt of that length, or of its completion, as the families' papers and code have it. */
const rotations: Record<Exclude<ToyRotary, 'plain'>, (promptLength: number) => Rotation> = {
  // Qwen3-VL: pairs follow time, height, width, time; what follows a prompt begins after its largest place.
  interleaved: (promptLength) => (token, pair) => {
    const largest = Math.max(2, Math.floor((promptLength - 1) / 3))
    const after = largest + 1 + token - promptLength
    const [height, width] = token < promptLength ? [Math.floor(token / 3), token % 3] : [after, after]
    const time = token < promptLength ? 0 : after
    return { angle: [time, height, width, time][pair] / 100 ** (pair / 4) }
  },
  // Phi: the length so far decides, that of the prompt for all of its tokens; cached keys stay as they are.
  'by length': (promptLength) => (token, pair) => {
    const length = Math.max(promptLength, token + 1)
    return { angle: token / (length > toyLimit ? 400 : 100) ** (pair / 4), scale: 1.2 }
  },
}

test.each(['interleaved', 'by length'] as const)(
  'positions %s: every program is a plain pass',
  async (rotary) => {
    const json = { model_type: 'toy', hidden_size: 32, num_hidden_layers: 3, window: 50, rotary }
    const folder = join(root, rotary)
    const backbone = openBackbone(json, { architectures: known })
    await initializeCheckpoint(folder, { backbone, seed: 3, standardDeviation: 0.25 })
    await writeFile(join(folder, 'tokenizer_config.json'), '{}')
    const vlm = await loadVlm(folder, { threads: 1, architectures: known })
    const tensors = await readRaw(join(folder, 'model.safetensors'))
    const prompts = ['which of the two words is the longer one?', 'say why it is so', 'why?'].map((prompt) =>
      vlm.prompt({ prompt }),
    )
    // Beyond the length from the start, crossing it, and staying below.
    const lengths = prompts.map(({ ids }) => ids.length)
    expect(lengths.map((length) => [length > toyLimit, length + 12 > toyLimit])).toEqual([
      [true, true],
      [false, true],
      [false, false],
    ])
    const seeds = [1, 2, 3]
    const groups = await vlm.sample({ prompts, samples: 2, maxNewTokens: 12, seeds, stopTokens: [] })
    const learned = prompts.map((prompt, i) => ({ prompt, completions: groups[i] }))
    const { completions, samplerGap } = await vlm.score({ groups: learned })
    expect(samplerGap).toBeLessThan(1e-5)
    for (const [g, prompt] of prompts.entries())
      for (const [c, { ids }] of groups[g].entries()) {
        expect(ids).toHaveLength(12)
        const rotation = rotations[rotary](prompt.ids.length)
        const given = { tensors, json, prompt: [...prompt.ids], completion: [...ids] }
        const got = completions[g][c].logProbabilities
        expect(largestDifference(got, plainScores({ ...given, rotation }))).toBeLessThan(1e-5)
        // The kind of rotation is seen in the numbers.
        expect(largestDifference(got, plainScores(given))).toBeGreaterThan(1e-3)
      }
    for (const [i, prompt] of prompts.entries()) {
      let text = ''
      const stream = vlm.stream({ prompt, maxNewTokens: 12, seed: seeds[i], stopTokens: [] })
      for await (const piece of stream) text += piece
      expect(text).toBe(groups[i][0].text)
    }
    await vlm.dispose()
  },
)
