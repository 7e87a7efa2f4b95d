/** A reward model's values of steps, beside what `score` says of the same answers one by one. */
import { fileURLToPath } from 'node:url'
import { adapterArrays, loadVlm } from '@evolmm/vlm'
import { afterAll, expect, test } from 'vitest'
import { answerScore, scoreAnswers } from '../src'

const vlm = await loadVlm(
  fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url)),
  {
    threads: 1,
  },
)
afterAll(() => vlm.dispose())

const prompt = vlm.prompt({ prompt: 'How many?' })
const answers = ['Read 2.\nRead 5.\nThe answer is 7.', 'The answer is 7.', 'Two lines.\n\n7'].map((text) => ({
  text,
  ids: Int32Array.from(vlm.tokenizer.encode(`${text}<|im_end|>`)),
}))

test('a step has the value of the token in which it ends', async () => {
  const adapter = vlm.addValueHead(vlm.createAdapter({ rank: 2, seed: 1 }))
  const head = adapterArrays(adapter).get('score.weight')?.data as Float32Array
  for (const i of head.keys()) head[i] = Math.sin(i)
  const [first, none, second] = await scoreAnswers({
    vlm,
    adapter,
    groups: [
      { prompt, answers: answers.slice(0, 2) },
      { prompt, answers: [] },
      { prompt, answers: answers.slice(2) },
    ],
  })
  expect(none).toEqual([])
  const found = [...first, ...second]
  expect(found.map((steps) => steps.length)).toEqual([3, 1, 2])
  for (const [a, { ids, text }] of answers.entries()) {
    const { completions } = await vlm.score({ groups: [{ prompt, completions: [{ ids }] }], adapter })
    const values = completions[0][0].values ?? []
    // The first tokens whose text reaches the end of each line.
    const lines = text.split('\n').filter((line) => line !== '')
    let said = ''
    const ends = lines.map((line, i) => {
      said = i === lines.length - 1 ? text : text.slice(0, text.indexOf(line, said.length) + line.length + 1)
      return ids.findIndex((_, t) => vlm.tokenizer.decode(ids.subarray(0, t + 1)).length >= said.length)
    })
    for (const [s, end] of ends.entries()) expect(Math.abs(found[a][s] - values[end])).toBeLessThan(1e-5)
  }
  expect(answerScore(found[0])).toBe(Math.min(...found[0]))
})

test('an adapter without a head is refused', async () => {
  const adapter = vlm.createAdapter({ rank: 2 })
  await expect(scoreAnswers({ vlm, adapter, groups: [{ prompt, answers }] })).rejects.toThrow(
    'adapter: must have a value head, got none',
  )
})
