/** Flags of `evolmm eval` that are refused. */
import { expect, test } from 'vitest'
import { lmmsEvalKinds } from '@evolmm/vlm'
import { runCommand } from './support/run-command'

const asked = ['--model', 'm/n', '--tasks', 'chartqa']

test.each([
  ['no tasks', ['--model', 'm/n'], '--tasks: must be given, got nothing; see evolmm eval --help'],
  ['no model', ['--tasks', 'chartqa'], '--model: must be given, got nothing; see evolmm eval --help'],
  [
    'an unknown task',
    ['--model', 'm/n', '--tasks', 'chartqq'],
    '--tasks: must name tasks, groups, .jsonl or .parquet files, got "chartqq"; did you mean chartqa?',
  ],
  ['only commas', ['--model', 'm/n', '--tasks', ','], '--tasks: must name at least one task, got none'],
  [
    'a task twice',
    ['--model', 'm/n', '--tasks', 'a/x.jsonl,b/x.jsonl'],
    '--tasks: must have different names, got "x" twice',
  ],
  ['a file that is not there', ['--model', 'm/n', '--tasks', 'no-such.jsonl'], 'no-such.jsonl'],
  [
    'a kind of model alone',
    ['--model', 'qwen2_5_vl', '--tasks', 'chartqa'],
    '--model qwen2_5_vl: must go with --model_args pretrained=<dir_or_id>, got none',
  ],
  [
    'two models',
    ['--model', 'llava', '--model_args', 'pretrained=m/n', '--tasks', 'chartqa'],
    `--model: must be one of ${[...lmmsEvalKinds(), 'evolmm'].join(', ')} beside pretrained=, got "llava"`,
  ],
  [
    'an unknown argument',
    ['--model_args', 'pretrained=m/n,frames=2', '--tasks', 'chartqa'],
    'got "frames=2"; correct it',
  ],
  ['an argument without a value', ['--model_args', 'pretrained'], 'got "pretrained"'],
  ['an argument twice', ['--model_args', 'pretrained=a,pretrained=b'], 'must name pretrained once'],
  [
    'an argument against a flag',
    ['--model', 'm/n', '--max_pixels', '784', '--model_args', 'max_pixels=800', '--tasks', 'chartqa'],
    '--model_args max_pixels: must agree with --max_pixels, got "800"',
  ],
  [
    'a bad argument',
    ['--model_args', 'pretrained=m/n,threads=x'],
    '--threads: must be an integer at least 1',
  ],
  ['an unknown setting', [...asked, '--gen_kwargs', 'top_k=4'], '--gen_kwargs: must be key=value pairs'],
  [
    'a bad setting',
    [...asked, '--gen_kwargs', 'top_p=2'],
    '--gen_kwargs top_p: must be a finite number above 0',
  ],
  ['beams', [...asked, '--gen_kwargs', 'num_beams=4'], '--gen_kwargs num_beams: must be one of 1, got "4"'],
  [
    'cold samples',
    [...asked, '--gen_kwargs', 'do_sample=true,temperature=0'],
    'must sample at a temperature above 0',
  ],
  ['no rows', ['--limit', '0'], '--limit: must be a finite number above 0, got 0'],
  ['a limit between', ['--limit', '1.5'], '--limit: must be an integer at least 1, got 1.5'],
  ['an unknown mode', ['--mode', 'exact'], '--mode: must be one of compat, fixed, rule-based, got "exact"'],
  ['a seed that is none', ['--seed', '1,x'], '--seed: must be an integer at least 0, got "x"'],
  ['a suffix that is a path', ['--log_samples_suffix', 'a/b'], '--log_samples_suffix: must be letters'],
  [
    'a judge in a mode without one',
    ['--model', 'm/n', '--tasks', 'chartqa', '--mode', 'rule-based', '--judge_model', 'x'],
    'must not be given in mode rule-based',
  ],
  [
    'a judge at no address',
    ['--model', 'm/n', '--tasks', 'chartqa', '--judge_url', 'localhost:1'],
    '--judge_url: must be an http or https address, got "localhost:1"',
  ],
  [
    'answers that go nowhere',
    ['--model', 'm/n', '--tasks', 'chartqa', '--predict_only'],
    '--predict_only: must go with --output_path',
  ],
  ['examples in the prompt', ['--num_fewshot', '5'], '--num_fewshot: must be one of 0, got "5"'],
  ...[['--output_path', 'a'], ['--predict_only'], ['--breakdown'], ['--gen_kwargs', 'until=a']].map(
    (flags): [string, string[], string] => [
      `a diagnosis with ${flags.join(' ')}`,
      ['--model', 'm/n', '--tasks', 'chartqa', '--diagnose', '2', ...flags],
      `--diagnose: must go without ${flags[0] ?? ''}`,
    ],
  ),
  ...[
    ['--adapter', 'x'],
    ['--output_path', 'y'],
    ['--adapter', 'x', '--output_path', 'y', '--no-log_samples'],
  ].map((flags): [string, string[], string] => [
    `a base with ${flags.join(' ')} alone`,
    ['--model', 'm/n', '--tasks', 'chartqa', '--with_base', ...flags],
    '--with_base: must go with --adapter, --output_path and logged samples',
  ]),
  ['one run to compare', ['--compare', 'a'], '--compare: must be given two runs, got 1'],
  ['three runs to compare', ['--compare', 'a', 'b', 'c'], '--compare: must be given two runs, got 3'],
  [
    'a comparison of tasks',
    ['--compare', 'a', 'b', '--tasks', 'chartqa'],
    '--compare: must go without --tasks',
  ],
  ['no such run', ['--compare', 'no/such', 'b'], '--compare "no/such": must be a …_results.json or a folder'],
])('bad input ends in one line and exit code 2, before a model is loaded: %s', async (_, flags, message) => {
  const { code, stdout, stderr, calls } = await runCommand(['eval', ...flags])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
  expect(calls).toEqual([])
})
