import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commands } from './support/schemas'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const files = [
  'README.md',
  'CONTRIBUTING.md',
  ...['docs', 'examples', 'packages'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !/node_modules|CHANGELOG/.test(name))
      .map((name) => join(folder, name)),
  ),
]

/** Flags of other programs that the documents name. */
const others: Readonly<Record<string, readonly string[]>> = {
  'npm and pnpm': ['ignore_scripts', 'filter', 'global', 'recursive', 'pack_destination'],
  tensorboard: ['logdir'],
  esbuild: ['bundle', 'format', 'outfile'],
  TRL: ['learning_rate'],
  V8: ['semi_space_growth_factor', 'max_semi_space_size'],
  'the quickstart': ['updates', 'charts', 'held_out', 'recipe', 'experiment', 'rounds', 'seeds'],
  'the example of M-STaR': ['steps', 'reward_steps', 'watched'],
  'the fuzzer': ['minutes', 'inputs', 'seed', 'reader', 'input'],
  benches: [
    'baseline',
    'before',
    'checkpointed',
    'count',
    'images',
    'iterations',
    'latex2sympy',
    'lmms_eval',
    'part',
    'blocks',
    'patches',
    'per_folder',
    'processor',
    'reference',
    'shapes',
    'tables',
    'whole',
  ],
}
const flagsOf = new Map(commands.map(([command, { names }]) => [command, new Set(names.keys())]))
const common = ['help', 'version']
const all = new Set([
  ...[...flagsOf.values()].flatMap((names) => [...names]),
  ...common,
  ...Object.values(others).flat(),
])

/** The flags of a text, as rows are named. */
function flagsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--([a-z][\w-]*)/gi)].map(([, flag]) =>
    flag.replaceAll('-', '_').replace(/^no_/, ''),
  )
}

/** Lines of shell, those that end in a backslash put together, of one command each. */
function callsIn(text: string): string[] {
  const whole = text.replace(/\s*\\\n\s*/g, ' ')
  return [...whole.matchAll(/(?<=^|`|\| |\$ |&& )(?:npx )?evolmm [a-z]+ [^\n`|]*/gm)].map(([call]) => call)
}

test.each(files)('every flag in %s exists', (file) => {
  const unknown = flagsIn(readFileSync(join(root, file), 'utf8')).filter((flag) => !all.has(flag))
  expect(unknown).toEqual([])
})

test.each(files)('what %s calls takes the flags that it is given', (file) => {
  for (const call of callsIn(readFileSync(join(root, file), 'utf8'))) {
    const [, command, below] = /evolmm ([a-z]+)(?: ([a-z]+))?/.exec(call) ?? []
    const names = flagsOf.get(`${command} ${below}`) ?? flagsOf.get(command)
    if (names === undefined) continue
    expect(
      flagsIn(call).filter((flag) => !names.has(flag) && !common.includes(flag)),
      call,
    ).toEqual([])
  }
})

test('calls are found, so that something is compared', () => {
  const calls = files.flatMap((file) => callsIn(readFileSync(join(root, file), 'utf8')))
  expect(calls.filter((call) => call.includes('--')).length).toBeGreaterThan(10)
  expect(callsIn('`evolmm train --lr 3`\n$ evolmm eval \\\n  --tasks a')).toEqual([
    'evolmm train --lr 3',
    'evolmm eval --tasks a',
  ])
})
