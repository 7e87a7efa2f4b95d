/**
 * The command with the real library on the tiny checkpoint. Expected values are those of transformers, see
 * `packages/vlm/test/fixtures/qwen2_5_vl-tiny`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { library } from '../src/installed-library'
import { runCommand } from './support/run-command'
import { sharePrograms } from '../../vlm/test/support/share-programs'

sharePrograms()

interface Reference {
  cases: {
    name: string
    images: string[]
    system: string | null
    prompt: string
    completion: string
    prompt_ids: number[]
    completion_ids: number[]
    position_ids: number[][]
    completion_logprobs: number[]
    greedy_ids: number[]
    greedy_text: string
  }[]
  images: { file: string; grid_thw: number[] }[]
}

const folder = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const { cases, images } = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as Reference

async function command(name: string, one: Reference['cases'][number], ...flags: string[]): Promise<string> {
  const argv = [
    ...[name, '--model', folder, '--prompt', one.prompt],
    ...(one.images.length > 0
      ? ['--image', ...one.images.map((image) => join(folder, 'images', image))]
      : []),
    ...(one.system === null ? [] : ['--system', one.system]),
    ...flags,
  ]
  const { code, stdout, stderr } = await runCommand(argv, { library })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

test.each(cases)(
  'score of $name: ids, positions and grids of transformers, log-probabilities to 2e-5',
  async (one) => {
    const { logprobs, ...rest } = JSON.parse(
      await command('score', one, '--completion', one.completion, '--json'),
    ) as { logprobs: number[] }
    expect(rest).toEqual({
      prompt_ids: one.prompt_ids,
      position_ids: one.position_ids,
      image_grid_thw: one.images.map((file) => images.find((image) => image.file === file)?.grid_thw),
      completion_ids: one.completion_ids,
    })
    expect(logprobs).toHaveLength(one.completion_logprobs.length)
    for (const [i, logprob] of logprobs.entries())
      expect(Math.abs(logprob - one.completion_logprobs[i])).toBeLessThan(2e-5)
  },
)

test.each(cases)(
  'generate of $name at temperature 0: the greedy tokens and text of transformers',
  async (one) => {
    const flags = ['--temperature', '0', '--max_new_tokens', '24']
    const { samples } = JSON.parse(await command('generate', one, ...flags, '--json')) as {
      samples: { ids: number[]; text: string }[]
    }
    expect(samples).toMatchObject([{ ids: one.greedy_ids, text: one.greedy_text }])
    expect(await command('generate', one, ...flags)).toBe(`${one.greedy_text}\n`)
  },
)

test('score for people: every byte of a character that is cut into tokens is shown', async () => {
  const text = '日🦔é'
  const [one] = cases
  const table = await command('score', one, '--completion', text)
  const shown = [...table.matchAll(/^ +-[\d.]+ {2}"(.*)"$/gm)].map(([, token]) => token).join('')
  const bytes = shown
    .split(/(<0x[0-9A-F]{2}>)/)
    .map((part) => (part.startsWith('<0x') ? Buffer.from(part.slice(3, 5), 'hex') : Buffer.from(part)))
  expect(shown).toContain('<0x')
  expect(Buffer.concat(bytes).toString('utf8')).toBe(text)
})

test('samples at temperature 0.5: the log-probabilities are those that score gives them', async () => {
  const [one] = cases
  const flags = ['--temperature', '0.5', '--top_k', '50', '--seed', '3', '--max_new_tokens', '6', '--json']
  const { samples } = JSON.parse(await command('generate', one, ...flags)) as {
    samples: { ids: number[]; text: string; logprobs: number[] }[]
  }
  const [{ ids, text, logprobs }] = samples
  const scored = JSON.parse(await command('score', one, '--completion', text, '--json')) as {
    completion_ids: number[]
    logprobs: number[]
  }
  // Otherwise its text is tokenized in another way, and this test says nothing.
  expect(scored.completion_ids).toEqual(ids)
  for (const [i, logprob] of scored.logprobs.entries())
    expect(Math.abs(logprob - logprobs[i])).toBeLessThan(1e-4)
})

test('export writes programs once, and refuses to write over them', async () => {
  const out = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  try {
    const argv = ['export', '--model', folder, '--out', out]
    const first = await runCommand(argv, { library })
    expect(first.code).toBe(0)
    const files = readdirSync(out).map((file) => join(out, file))
    expect(first.stdout.trim().split('\n').toSorted()).toEqual(files.toSorted())
    expect(files).toContain(join(out, 'sample.onnx'))
    const second = await runCommand(argv, { library })
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(second.stderr).toMatch(/^evolmm: .* must not exist yet, .*\n$/)
  } finally {
    rmSync(out, { recursive: true })
  }
})
