/**
 * SIGKILL in every phase of `evolmm mstar`: while models open, while answers are generated and watched, at each temperature
 * that is tried, while it learns, saves and ends. The same command goes on each time, and what it leaves is what a command
 * leaves that nobody killed.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  bundleScript,
  sizedTest,
  startProcess,
  type BundledScript,
  type StartedProcess,
} from '@evolmm/internal/testing'
import { uniform } from '@evolmm/rl-core'
import { labelledPairs, writeLabelledPairs } from '@evolmm/tiny-world'
import { adapterArrays, loadVlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect } from 'vitest'
import { withoutTimes } from '../../report/test/support/without-times'

const model = fileURLToPath(new URL('../../tiny-world/checkpoint-reading', import.meta.url))
let home: string
let script: BundledScript
let given: readonly string[]
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evolmm-mstar-kill-'))
  script = await bundleScript(new URL('support/real-main.ts', import.meta.url))
  const pairs = (split: 'evolve' | 'tune', charts: number) =>
    writeLabelledPairs(join(home, split), labelledPairs({ split, charts }))
  const [data, validation] = [await pairs('evolve', 8), await pairs('tune', 2)]
  const vlm = await loadVlm(model, { threads: 1 })
  const reward = vlm.addValueHead(vlm.createAdapter({ rank: 1, seed: 1 }))
  const head = adapterArrays(reward).get('score.weight')?.data as Float32Array
  for (const i of head.keys()) head[i] = Math.sin(i) / 20
  await vlm.saveAdapter(join(home, 'reward'), reward)
  await vlm.dispose()
  given = [
    ...['mstar', '--model', model, '--data', data, '--validation', validation, '--output_dir', 'run'],
    ...[
      '--device',
      'cpu',
      '--threads',
      '1',
      '--use_lora',
      '--lora_r',
      '2',
      '--lr',
      '1e-3',
      '--no-tensorboard',
    ],
    ...['--question_prompt', '{question}', '--max_new_tokens', '40', '--questions_per_run', '2'],
    ...['--interval', '4', '--num_generations', '2', '--batch_size', '2', '--save_every', '1'],
    ...['--reward_model', join(home, 'reward'), '--selection', 'top-k', '--steps_by', 'sentences'],
    ...['--adaptive_temperature', '--temperature_every', '1', '--sweep_questions', '2'],
  ]
})
afterAll(() => {
  script.remove()
  rmSync(home, { recursive: true })
})

/** The places in the folder of a run at which a phase shows. That it begins shows nowhere. */
const phases = {
  generating: /^rollouts\//,
  watching: /^monitor\//,
  choosing: /^sweep\//,
  learning: /^mstar_log/,
  saving: /^\.?step_/,
} as const

/** Bytes of all files that belong to a phase. */
function sizeOf(folder: string, pattern: RegExp): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    pattern.test(name),
  )
  return names
    .map((name) => `${name} ${statSync(join(folder, name), { throwIfNoEntry: false })?.size}`)
    .sort()
    .join()
}

/** Waits until files of a phase appear or grow, or the process has ended. */
async function sight(folder: string, pattern: RegExp, { ended }: StartedProcess): Promise<boolean> {
  const before = sizeOf(folder, pattern)
  let isOver = false
  void ended.then(() => (isOver = true))
  const over = () => isOver
  while (!over() && sizeOf(folder, pattern) === before) await wait(2)
  return !over()
}

/** What is in a folder, by path, without the times in it. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(
    files.map((name) => {
      const bytes = readFileSync(join(folder, name))
      if (name === 'report.html') return [name, withoutTimes(bytes.toString())]
      const text = bytes.toString('latin1')
      const timeless = text.replaceAll(
        /"seconds":[\d.e-]+|"phases":\{[^}]*\}|"(saved|started|time)": ?"[^"]*"/g,
        'TIME',
      )
      return [name, createHash('sha256').update(timeless, 'latin1').digest('hex')]
    }),
  )
}

sizedTest(
  'a command that was killed in any phase ends with the bytes of one that was not',
  { kills: [0, 6, 72] },
  async ({ count, seed }) => {
    const steps = Math.max(8, Math.ceil(count / 3))
    const start = (cwd: string) => {
      mkdirSync(join(cwd, 'run'), { recursive: true })
      return startProcess(script.file, [...given, '--total_steps', `${steps}`], { cwd })
    }
    const [whole, killed] = [join(home, 'whole'), join(home, 'killed')]
    expect(await start(whole).ended).toMatch(/^0 /)
    const kinds = ['beginning', ...(Object.keys(phases) as (keyof typeof phases)[])] as const
    const hit = new Map<string, number>()
    for (let n = 0; n < count; n++) {
      const kind = kinds[n % kinds.length]
      const process = start(killed)
      const moment = uniform([seed, 0], [n, 0, 0, 0])
      const seen = kind === 'beginning' || (await sight(join(killed, 'run'), phases[kind], process))
      await wait(moment * (kind === 'beginning' ? 2000 : 20))
      process.kill()
      const end = await process.ended
      // Towards its end a run may have nothing left to choose or to watch.
      if (!seen && end.startsWith('0 ')) break
      expect(end).toBe('killed')
      hit.set(kind, (hit.get(kind) ?? 0) + 1)
    }
    for (const kind of kinds) expect(hit.get(kind) ?? 0, kind).toBeGreaterThanOrEqual(Math.floor(count / 12))
    expect(await start(killed).ended).toMatch(/^0 /)
    const [expected, got] = [whole, killed].map((cwd) => contents(join(cwd, 'run')))
    expect([...got.keys()]).toEqual([...expected.keys()])
    for (const [name, content] of expected) expect(got.get(name), name).toBe(content)
    const page = expected.get('report.html')
    expect(page).toMatch(/<\/html>\s*$/)
    for (const part of ['Greedy and pass@k', 'Temperatures that were tried', 'The latest cycles'])
      expect(page).toContain(part)
  },
)
