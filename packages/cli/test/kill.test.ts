/**
 * SIGKILL at many moments of `evolmm train`, from the opening of models to the page at the end. The same command goes on
 * each time, and what it leaves is what a command leaves that nobody killed.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  bundleScript,
  killOften,
  paceOf,
  sizedTest,
  startProcess,
  type BundledScript,
} from '@evolmm/internal/testing'
import sharp from 'sharp'
import { afterAll, beforeAll, expect } from 'vitest'

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
/** The model writes noise, on which nothing agrees: what is paid is a function of the text. */
const reward = `export const bySound = (batch) =>
  batch.map(({ text }) => (Array.from(text).reduce((sum, c) => sum + c.codePointAt(0), 0) % 7) / 7)
`
const flags = [
  ...['--solver_model', model, '--device', 'cpu', '--seed', '3', '--lr', '1e-3', '--no-tensorboard'],
  ...['--output_dir', 'runs', '--run_name', 'tiny', '--save_every', '1', '--proposer_update_freq', '2'],
  ...['--max_new_tokens_solver', '6', '--max_new_tokens_proposer', '8', '--no-skip_malformed'],
  ...['--proposer_prompt', 'Ask.', '--solver_prompt', '{question}', '--untagged_answers', 'last-line'],
]
const lora = ['--use_lora_solver', '--use_lora_proposer', '--lora_r', '4', '--lora_targets', 'q_proj,v_proj']

let home: string
let script: BundledScript
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-command-'))
  script = await bundleScript(new URL('support/real-main.ts', import.meta.url))
  writeFileSync(join(home, 'reward.mjs'), reward)
  mkdirSync(join(home, 'images'))
  for (let i = 0; i < 4; i++)
    await sharp({
      create: { width: 56, height: 56, channels: 3, background: { r: 40 * i, g: 255 - 30 * i, b: 90 } },
    }).toFile(join(home, 'images', `${i}.png`))
})
afterAll(() => {
  script.remove()
  rmSync(home, { recursive: true })
})

/** What is in a folder, by path: digests of weights, and texts without the times in them. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(
    files.map((name) => {
      const bytes = readFileSync(join(folder, name))
      if (name.endsWith('.safetensors')) return [name, createHash('sha256').update(bytes).digest('hex')]
      // The page shows times in many ways; that it is whole is all that can be said.
      if (name === 'report.html') return [name, bytes.subarray(-20).toString()]
      return [
        name,
        bytes.toString().replaceAll(/"seconds":\{[^}]*\}|"(saved|started|time)": "[^"]*"/g, 'TIME'),
      ]
    }),
  )
}

for (const [what, own] of [
  ['adapters', [...lora, '--threads', '1']],
  ['all weights', ['--threads', '1']],
  // How the runtime divides work between two threads depends on their number alone, not on which is faster: 14
  // undisturbed runs on two busy cores (8 of adapters, 6 of all weights, 12 steps) had the same bytes, not those of one thread.
  ['all weights and two threads', ['--threads', '2']],
] as const)
  sizedTest(
    `a killed command that trains ${what} ends with the bytes of one that was not`,
    { kills: [0, 4, 40] },
    async (sized) => {
      const { count } = sized
      const steps = Math.max(10, 2 * count)
      const [whole, killed] = ['whole', 'killed'].map((name) => join(home, what, name))
      const start = (cwd: string) => {
        mkdirSync(cwd, { recursive: true })
        const given = ['--data_dir', join(home, 'images'), '--reward', `${join(home, 'reward.mjs')}#bySound`]
        const all = ['train', ...given, ...flags, ...own, '--total_steps', `${steps}`]
        return startProcess(script.file, all, { cwd })
      }
      const folderOf = (cwd: string) => join(cwd, 'runs', 'tiny')

      const first = start(whole)
      const pace = await paceOf(folderOf(whole), first, steps)
      expect(await first.ended).toMatch(/^0 /)
      const last = `step_${String(steps).padStart(5, '0')}`
      const done = await killOften({
        folder: folderOf(killed),
        ...{ pace, ...sized, start: () => start(killed) },
        ending: new RegExp(`^\\.?(${last}|report)`),
      })
      expect(done.killed).toBeGreaterThanOrEqual(count - Math.ceil(count / 4))
      // At the sight of an iteration or a checkpoint the run has its lock, which the next one takes over.
      expect(done.locked).toBeGreaterThanOrEqual(Math.floor(count / 2))
      // Of many, some found a checkpoint half written.
      if (count >= 40) expect(done.halfWritten).toBeGreaterThan(0)
      expect(await start(killed).ended).toMatch(/^0 /)

      const [expected, got] = [whole, killed].map((cwd) => contents(folderOf(cwd)))
      expect([...got.keys()]).toEqual([...expected.keys()])
      for (const [name, content] of expected) expect(got.get(name), name).toEqual(content)
      expect(expected.get('report.html')).toMatch(/<\/html>\s*$/)
      const previous = `step_${String(steps - 1).padStart(5, '0')}`
      expect(readdirSync(folderOf(whole)).sort()).toEqual([
        ...['iter_log.jsonl', 'report.html', 'run.json', previous, last],
      ])
    },
  )
