import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { fakeLibrary } from './support/fake-library'
import { given, runCommand } from './support/run-command'

const required = ['--model', 'tiny', '--prompt', 'Which?']

test('a flag may be written with _ or -, also in part, and with = or a space', async () => {
  const spellings = [
    ['--max_new_tokens', '7'],
    ['--max-new-tokens', '7'],
    ['--max_new-tokens', '7'],
    ['--max-new_tokens=7'],
  ]
  for (const spelling of spellings) {
    const { code, calls } = await runCommand(['generate', ...required, ...spelling])
    expect(code).toBe(0)
    expect(given(calls, 'stream')).toMatchObject([{ maxNewTokens: 7 }])
  }
})

sizedTest(
  'values are left as they are, whatever they look like',
  { values: [100, 200, 5000] },
  async ({ count, seed }) => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('--x', '-x', '--', '--a-b_c=d_e', '-1', '', 'generate', '--top-pp', '=', '_-_'),
    )
    await fc.assert(
      fc.asyncProperty(value, value, fc.boolean(), async (prompt, system, joined) => {
        const flags = joined
          ? [`--prompt=${prompt}`, `--system=${system}`]
          : ['--prompt', prompt, '--system', system]
        const { code, calls } = await runCommand(['generate', '--model', 'tiny', ...flags])
        expect(code).toBe(0)
        expect(given(calls, 'prompt')).toEqual([{ images: [], prompt, system }])
      }),
      { seed, numRuns: count },
    )
  },
)

test('a flag in place of a value is taken for a forgotten value, unless = says otherwise', async () => {
  const forgotten = await runCommand(['generate', '--prompt', '--top-p', '--model', 'tiny'])
  expect(forgotten).toMatchObject({ code: 2, stdout: '' })
  expect(forgotten.stderr).toBe(
    'evolmm: --prompt <text>: must be given a value, got the flag --top-p; write --prompt=--top-p if it is the value\n',
  )
  const meant = await runCommand(['generate', '--model', 'tiny', '--prompt=--top-p'])
  expect(given(meant.calls, 'prompt')).toMatchObject([{ prompt: '--top-p' }])
})

test('the help of a command below another is shown in each of the ways', async () => {
  const [flag, word] = [
    await runCommand(['mstar', 'select', '--help']),
    await runCommand(['help', 'mstar', 'select']),
  ]
  expect(flag).toMatchObject({ code: 0, stderr: '' })
  expect(flag.stdout).toMatch(/^Usage: evolmm mstar select --output_dir <dir>/)
  expect(word.stdout).toBe(flag.stdout)
  const { stdout } = await runCommand(['mstar', '--help'])
  for (const name of ['rollout', 'select', 'status']) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
})

test('--no- takes back a boolean flag', async () => {
  expect((await runCommand(['doctor', '--json', '--no-json'])).stdout).toContain('ONNX Runtime')
  expect((await runCommand(['doctor', '--no_json', '--json'])).stdout).toMatch(/^\{/)
})

test.each([
  [
    'a mistyped flag',
    ['generate', ...required, '--max_new_token', '3'],
    "'--max_new_token'; did you mean --max_new_tokens?",
  ],
  [
    'a mistyped flag with dashes',
    ['generate', ...required, '--max-new-tokns=3'],
    'did you mean --max_new_tokens?',
  ],
  [
    'a mistyped flag with a value',
    ['generate', '--promt=a long text with spaces'],
    "'--promt'; did you mean --prompt?",
  ],
  ['a mistyped command', ['genrate'], "unknown command 'genrate'; did you mean generate?"],
  ['help of a mistyped command', ['help', 'genrate'], "unknown command 'genrate'; did you mean generate?"],
  ['help of an unknown command', ['help', 'zzzzzzzz'], "unknown command 'zzzzzzzz'; see evolmm --help"],
  [
    'a mistyped command below another',
    ['mstar', 'selekt'],
    "unknown command 'evolmm mstar selekt'; did you mean select?",
  ],
  [
    'an unknown command below another',
    ['help', 'mstar', 'zzzzzzzz'],
    "unknown command 'evolmm mstar zzzzzzzz'; see evolmm mstar --help",
  ],
  [
    'a flag in front of a command below',
    ['mstar', '--data', 'x', 'select'],
    '--data: must come behind the command select, got it in front; write evolmm mstar select --data',
  ],
  [
    'a missing flag of a command below',
    ['mstar', 'select', '--data=x'],
    '--output_dir: must be given, got nothing; see evolmm mstar select --help',
  ],
  [
    'a mistyped flag of a command below',
    ['mstar', 'select', '--output-dirr', 'x'],
    "'--output_dirr'; did you mean --output_dir?",
  ],
  [
    'what another library calls a flag of a command below',
    ['mstar', 'rollout', '--num_return_sequences', '3'],
    '--num_generations',
  ],
  ['an unknown flag', ['doctor', '--zzzzzzzz'], "unknown option '--zzzzzzzz'; see evolmm doctor --help"],
  ['an unknown command', ['zzzzzzzz'], "unknown command 'zzzzzzzz'; see evolmm --help"],
  [
    'a missing flag',
    ['generate', '--prompt', 'x'],
    '--model: must be given, got nothing; see evolmm generate --help',
  ],
  ['a missing value', ['generate', ...required, '--seed'], "option '--seed <n>' argument missing"],
  [
    'a value for a boolean flag',
    ['doctor', '--json=yes'],
    '--json: must stand alone, got --json=yes; write --json or leave it out',
  ],
  ['a stray argument', ['generate', ...required, '--json', 'stray'], 'too many arguments'],
  [
    'text for a number',
    ['generate', ...required, '--seed', '1e'],
    '--seed: must be an integer at least 0, got "1e"',
  ],
  [
    'a number that is too large',
    ['generate', ...required, '--seed', '99999999999999999999'],
    '--seed: must be an integer at least 0 and at most 9007199254740991, got 99999999999999999999;',
  ],
  ['a number in other words', ['generate', ...required, '--top_p', '1.50'], 'got 1.50;'],
  ['infinity', ['generate', ...required, '--temperature', '1e999'], 'got 1e999;'],
  ['hexadecimal for a number', ['generate', ...required, '--seed', '0x10'], 'got "0x10"'],
  [
    'nothing for a number',
    ['generate', ...required, '--samples='],
    '--samples: must be an integer at least 1, got ""',
  ],
  [
    'a fraction for an integer',
    ['generate', ...required, '--top_k', '1.5'],
    '--top_k: must be an integer at least 0, got 1.5',
  ],
  [
    'a negative temperature',
    ['generate', ...required, '--temperature', '-1'],
    '--temperature: must be a finite number at least 0, got -1',
  ],
  [
    'a share above one',
    ['generate', ...required, '--top_p', '1.1'],
    '--top_p: must be a finite number above 0 and at most 1, got 1.1',
  ],
  [
    'no threads',
    ['generate', ...required, '--threads', '0'],
    '--threads: must be an integer at least 1, got 0',
  ],
  [
    'an unknown device',
    ['generate', ...required, '--device', 'tpu'],
    '--device: must be one of auto, cpu, cuda, webgpu, cuda:N, got "tpu"',
  ],
  [
    'an unknown dtype',
    ['generate', ...required, '--dtype', 'int8'],
    '--dtype: must be one of float32, float16, bfloat16, got "int8"',
  ],
  [
    'an empty model',
    ['generate', '--model', '', '--prompt', 'x'],
    '--model: must be given a value, got an empty text',
  ],
  [
    'an image that is not there',
    ['generate', ...required, '--image', 'no/such.png'],
    '--image "no/such.png": must be a file that can be read, got no such file',
  ],
  ['a folder as an image', ['generate', ...required, '--image', '.'], 'got a folder'],
  [
    'bounds that cross',
    ['generate', ...required, '--min_pixels', '9', '--max_pixels', '8'],
    '--min_pixels: must be at most --max_pixels, got 9 and 8',
  ],
  [
    'a folder of no adapter',
    ['generate', ...required, '--adapter_subfolder', 'solver'],
    '--adapter_subfolder: must go with --adapter',
  ],
  [
    'a model that is not there',
    ['generate', '--model', 'missing', '--prompt', 'x'],
    'model "missing": must be an existing folder; correct the path',
  ],
  [
    'nothing to score',
    ['score', ...required, '--completion', ''],
    '--completion: must hold at least one token',
  ],
  [
    'nowhere to export to',
    ['export', '--model', 'tiny'],
    '--out: must be given, got nothing; see evolmm export --help',
  ],
  [
    'a file to export to',
    ['export', '--model', 'tiny', '--out', 'package.json'],
    '--out: must name a folder, got the file "package.json"',
  ],
])('bad input ends in one line and exit code 2: %s', async (_, argv, message) => {
  const { code, stdout, stderr } = await runCommand(argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})

sizedTest(
  'no arguments whatever give anything but an answer, or one line and exit code 2',
  { lines: [200, 500, 10_000] },
  async ({ count, seed }) => {
    const names = [
      'generate',
      'score',
      'eval',
      'export',
      'doctor',
      'setup',
      'help',
      '--',
      '-h',
      '-V',
      '-',
      '--no-',
      '--=',
      '--__proto__',
    ]
    const flags = [
      'model',
      'prompt',
      'image',
      'completion',
      'tasks',
      'limit',
      'gen-kwargs',
      'compare',
      'model_args=',
      'out',
      'json',
      'no-json',
      'no_debug',
      'top_p',
      'seed=',
      'x',
    ]
    const word = fc.oneof(
      fc.constantFrom(...names, ...flags.map((flag) => `--${flag}`), 'tiny', '7', '\u001b[31m', 'a\nb'),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.array(word, { maxLength: 9 }), async (first, rest) => {
        const { code, stderr } = await runCommand([first, ...rest])
        expect([0, 2]).toContain(code)
        if (code === 2) expect(stderr).toMatch(/^evolmm: \P{Cc}+\n$/u)
      }),
      { seed, numRuns: count },
    )
  },
)

test('errors of the library about its options name flags', async () => {
  const library = fakeLibrary({
    onLoad: () => {
      throw new EvolmmError(
        'INVALID_OPTION',
        'maxPixels: must be large; see /a/maxPixels and maxPixels.json',
        {
          details: { option: 'maxPixels' },
        },
      )
    },
  })
  const { code, stderr } = await runCommand(['generate', '--model', 'x', '--prompt', 'x'], { library })
  expect(code).toBe(2)
  expect(stderr).toBe('evolmm: --max_pixels: must be large; see /a/maxPixels and maxPixels.json\n')
})

test.each([
  [['train', '--learning_rate', '1e-5'], "unknown option '--learning_rate'; it is --lr here"],
  [['train', '--learning-rate=1e-5'], "unknown option '--learning-rate'; it is --lr here"],
  [['train', '--num_processes', '8'], "unknown option '--num_processes'; a run is one process here"],
  [['plan', 'worker.rollout.n=5'], "unknown argument 'worker.rollout.n'; it is --num_solver_samples here"],
  [['sft', '--max_steps=7'], "unknown option '--max_steps'; it is --total_steps here"],
  [['train', '--gradient_accumulation_steps', '4'], 'see solver_update for the answers of an optimizer step'],
  [['warmup', '--num_processes', '8'], "unknown option '--num_processes'; a run is one process here"],
  [['sft', '--gradient_accumulation_steps=2'], 'each optimizer step is on all batch_size images'],
  [['warmup', '--save_strategy', 'epoch'], "unknown option '--save_strategy'; see save_every"],
  [['eval', '--num_processes=8'], "unknown option '--num_processes'; a run is one process here"],
  [['eval', '--deepspeed', 'zero3.json'], "unknown option '--deepspeed'; a run is one process here"],
  [['generate', '--max_completion_length', '7'], 'it is --max_new_tokens here'],
])('a name of another library is answered with ours: %j', async (argv, message) => {
  const { code, stdout, stderr } = await runCommand(argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})

test('a setting may come from the environment or a file too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-flags-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'my.json')
  writeFileSync(file, '{"top_k": 3, "seed": 5, "temperature": 0.5}')
  const environment = { EVOLMM_MODEL: 'tiny', EVOLMM_SEED: '6' }
  const argv = ['generate', '--prompt', 'x', '--config', file, '--temperature', '0.25']
  const { calls } = await runCommand(argv, { environment })
  expect(given(calls, 'loadVlm')).toMatchObject(['tiny', {}])
  expect(given(calls, 'stream')).toMatchObject([{ topK: 3, seed: 6, temperature: 0.25 }])
  const { stderr } = await runCommand(['generate', '--prompt', 'x'], {
    environment: { ...environment, EVOLMM_TOP_P: '2' },
  })
  expect(stderr).toMatch(/^evolmm: EVOLMM_TOP_P: must be a finite number above 0 and at most 1, got 2;/)
})

test('an unexpected error ends in one line, exit code 1 and a hint; --debug shows the stack', async () => {
  const argv = ['generate', '--model', 'broken', '--prompt', 'x']
  const { code, stdout, stderr } = await runCommand(argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(
    'evolmm: unexpected error: cannot read properties of undefined; run it again with --debug or EVOLMM_DEBUG=1 for the stack\n',
  )
  const runs = [
    await runCommand([...argv, '--debug']),
    await runCommand(['--debug', ...argv]),
    await runCommand(argv, { environment: { EVOLMM_DEBUG: '1' } }),
  ]
  for (const run of runs) {
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/\n *at .*fake-library/)
  }
  const off = await runCommand([...argv, '--no-debug'], { environment: { EVOLMM_DEBUG: '1' } })
  expect(off.stderr.trim().split('\n')).toHaveLength(1)
})
