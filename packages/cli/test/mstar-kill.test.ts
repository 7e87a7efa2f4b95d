/**
 * SIGKILL in every phase of `evolmm mstar`: while models open, while answers are generated and watched, at each temperature
 * that is tried, while it learns, saves and ends; and in every phase of `evolmm mstar prm`: while answers are generated and their
 * steps labelled, while it learns and saves, and while it scores what was held out and ends. The same command goes on each time, and what it leaves is what a command
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
import { askCharts, labelledPairs, writeAskedCharts, writeLabelledPairs } from '@evolmm/tiny-world'
import { adapterArrays, loadVlm } from '@evolmm/vlm'
import { afterAll, beforeAll, expect } from 'vitest'
import { withoutTimes } from '../../report/test/support/without-times'

const checkpointAt = (name: string) => fileURLToPath(new URL(`../../tiny-world/${name}`, import.meta.url))
const [model, rationales] = ['checkpoint-reading', 'checkpoint-rationales'].map(checkpointAt)
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

/** Bytes of all files that belong to a phase; folders may go while they are read. */
function sizeOf(folder: string, pattern: RegExp): string {
  return namesIn(folder)
    .filter((name) => pattern.test(name))
    .map((name) => `${name} ${statSync(join(folder, name), { throwIfNoEntry: false })?.size}`)
    .sort()
    .join()
}

function namesIn(folder: string): string[] {
  for (;;)
    try {
      return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
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

interface Killing {
  count: number
  seed: number
  argv: readonly string[]
  /** The places in the folder of the run at which phases show, by their names. */
  phases: Readonly<Record<string, RegExp>>
  /** True for phases that come once each, so that all kills of one come before those of the next. */
  once?: boolean
}

/** The contents of the folder of a run that was killed `count` times, and of that of one that nobody killed. */
async function killing({
  count,
  seed,
  argv,
  phases: shown,
  once = false,
}: Killing): Promise<Map<string, string>[]> {
  const start = (cwd: string) => {
    mkdirSync(join(cwd, 'run'), { recursive: true })
    return startProcess(script.file, [...argv], { cwd })
  }
  const [whole, killed] = ['whole', 'killed'].map((name) => mkdtempSync(join(home, `${name}-`)))
  expect(await start(whole).ended).toMatch(/^0 /)
  const kinds = ['beginning', ...Object.keys(shown)]
  const hit = new Map<string, number>()
  for (let n = 0; n < count; n++) {
    const kind = kinds[once ? Math.floor((n * kinds.length) / count) : n % kinds.length]
    const process = start(killed)
    const moment = uniform([seed, 0], [n, 0, 0, 0])
    const seen = kind === 'beginning' || (await sight(join(killed, 'run'), shown[kind], process))
    await wait(moment * (kind === 'beginning' ? 2000 : 20))
    process.kill()
    const end = await process.ended
    // Towards its end a run may have nothing left to choose, to watch or to label.
    if (!seen && end.startsWith('0 ')) break
    expect(end).toBe('killed')
    hit.set(kind, (hit.get(kind) ?? 0) + 1)
  }
  for (const kind of kinds) expect(hit.get(kind) ?? 0, kind).toBeGreaterThanOrEqual(Math.floor(count / 12))
  expect(await start(killed).ended).toMatch(/^0 /)
  return [whole, killed].map((cwd) => contents(join(cwd, 'run')))
}

function expectSame([expected, got]: Map<string, string>[]): void {
  expect([...got.keys()]).toEqual([...expected.keys()])
  for (const [name, content] of expected) expect(got.get(name), name).toBe(content)
}

sizedTest(
  'a command that was killed in any phase ends with the bytes of one that was not',
  { kills: [0, 6, 72] },
  async ({ count, seed }) => {
    const steps = Math.max(8, Math.ceil(count / 3))
    const argv = [...given, '--total_steps', `${steps}`]
    const [expected, got] = await killing({ count, seed, argv, phases })
    expectSame([expected, got])
    expect(expected.get('report.html')).toMatch(/<\/html>\s*$/)
  },
)

sizedTest(
  'a reward model that was killed in any phase of its making is that of a command that was not',
  { kills: [0, 6, 60] },
  async ({ count, seed }) => {
    const folder = mkdtempSync(join(home, 'asked-'))
    // Every kill has something left to hit.
    const charts = Math.max(8, count)
    const data = await writeAskedCharts(folder, 'asked', askCharts({ split: 'evolve', charts }))
    const argv = [
      ...['mstar', 'prm', '--model', rationales, '--data', data, '--output_dir', 'run', '--scorer', 'exact'],
      ...['--device', 'cpu', '--threads', '1', '--lora_r', '2', '--lora_targets', 'v_proj', '--lr', '1e-3'],
      ...['--question_prompt', '{question}\nExplain why it is 7.', '--max_new_tokens', '60'],
      ...[
        '--num_generations',
        '6',
        '--num_completions',
        '2',
        '--questions_per_run',
        '2',
        '--held_out',
        '0.4',
      ],
      ...['--batch_size', '2', '--warmup_steps', '0', '--save_every', '1'],
      ...['--total_steps', `${Math.max(6, Math.ceil(count / 2))}`],
    ]
    const shown = {
      generating: /^prm.answers/,
      labelling: /^prm.steps/,
      learning: /^prm.prm_log/,
      saving: /^prm.\.?step_/,
      reporting: /^prm.(held_out|\.?model|report)/,
    }
    const both = await killing({ count, seed, argv, phases: shown, once: true })
    expectSame(both)
    expect([...both[0].keys()]).toEqual(expect.arrayContaining([join('prm', 'report.json')]))
  },
)
