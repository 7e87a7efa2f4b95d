import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { adapter } from './support/fake-library'
import { given, runCommand } from './support/run-command'

const required = ['score', '--model', 'tiny', '--prompt', 'Which?', '--completion', 'R"\u0007<end>']

test('--json covers prompt and completion; nothing is appended, special tokens count as one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  const image = join(folder, 'a.png')
  writeFileSync(image, '')
  const { code, stdout, stderr, calls } = await runCommand([...required, '--image', image, '--json'])
  rmSync(folder, { recursive: true })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  // Three prompt tokens, then positions 3 + 2, 4 + 2, ... in all rows.
  expect(stdout).toBe(
    '{"prompt_ids":[5,6,7],"position_ids":[[0,1,4,5,6,7,8],[0,1,4,5,6,7,8],[0,3,4,5,6,7,8]],' +
      '"image_grid_thw":[[1,4,6]],"completion_ids":[82,34,7,9],"logprobs":[-0.5,-1,-1.5,-2]}\n',
  )
  expect(given(calls, 'score')).toMatchObject([
    { groups: [{ prompt: { delta: 2 }, completions: [{ ids: Int32Array.of(82, 34, 7, 9) }] }] },
  ])
})

test('for people: a line for each token, then the sum, the mean and the perplexity', async () => {
  const { code, stdout } = await runCommand([...required, '--adapter', 'lora'])
  expect(code).toBe(0)
  // exp(1.25) = 3.490
  expect(stdout.split('\n')).toEqual([
    '   logprob  token',
    '   -0.5000  "R"',
    '   -1.0000  "\\""',
    '   -1.5000  "\\u0007"',
    '   -2.0000  "<end>"',
    '',
    'total -5.0000, mean -1.2500, perplexity 3.490, 4 tokens',
    '',
  ])
})

test('the adapter that is named is the one that scores', async () => {
  const { calls } = await runCommand([...required, '--adapter', 'lora', '--json'])
  expect(given(calls, 'score')).toMatchObject([{ adapter }])
})
