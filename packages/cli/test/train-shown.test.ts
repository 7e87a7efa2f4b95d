/** What is shown before a run begins and after it has ended. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { evolmmSettings } from '@evolmm/trainer'
import { expect, test } from 'vitest'
import { fakeLibrary } from './support/fake-library'
import { runCommand, type RunOptions } from './support/run-command'

const model = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const images = join(model, 'images')
const lora = ['--use_lora_solver', '--use_lora_proposer']
const train = (argv: readonly string[], options: RunOptions = {}) =>
  runCommand(['train', '--data_dir', images, '--solver_model', model, ...argv], options)

test('before a run only what was given and what matters is shown; --verbose shows every setting', async () => {
  const shown = (stderr: string) => [...stderr.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name)
  const brief = shown((await train([...lora, '--lr', '1e-5', '--top_k', '3'])).stderr)
  expect(brief).toEqual(expect.arrayContaining(['data_dir', 'solver_model', 'total_steps', 'lr', 'top_k']))
  expect(brief).not.toContain('kl_tau')
  expect(brief.length).toBeLessThan(16)
  const { stderr } = await train(lora)
  expect(stderr).toMatch(/\n\d+ other settings as by default; --verbose shows all\n/)
  expect(shown((await train([...lora, '--verbose'])).stderr)).toEqual(Object.keys(evolmmSettings.rows))
})

test('a run ends with the path of its page and a command that a shell takes as it is', async () => {
  const name = "it's $HOME; `ls`\u001b[2J"
  const at = join('/my runs', name)
  const onTrain = () =>
    ({ folder: at, step: 7, status: 'finished', report: join(at, 'report.html') }) as const
  const ended = async (argv: readonly string[]) => {
    const { stderr } = await train(argv, { library: fakeLibrary({ onTrain }) })
    expect(stderr).toContain(`\nreport: ${join(at, 'report.html')}\n`)
    // A line break in the command would end it, a control character would be obeyed.
    const command = /\nto ask it: (.*)\n$/.exec(stderr)?.[1] ?? ''
    expect(command).not.toMatch(/\p{Cc}/u)
    const print = 'evolmm() { printf "%s\\0" "$@"; }'
    return execFileSync('bash', ['-c', `${print}; ${command}`], { encoding: 'utf8' })
      .split('\0')
      .slice(0, -1)
  }
  const image = ['--image', '/my charts/1.png']
  const words = await ended([...lora, '--dtype', 'float16', '--device', 'cpu'])
  expect(words).toEqual([
    ...['infer', '--model', model, '--device', 'cpu', '--dtype', 'float16'],
    ...['--adapter', join(at, 'step_00007'), ...image, '--question', 'What does the picture show?'],
  ])
  expect(await ended(['--dtype', 'float32'])).toEqual([
    ...['generate', '--model', join(at, 'step_00007', 'solver'), ...image],
    ...['--prompt', 'What does the picture show?'],
  ])
  // The command that is run has the flags that it is told of.
  const real = words.map((word) => (word === image[1] ? join(images, 'img0.jpg') : word))
  expect((await runCommand(real)).code).toBe(0)
})
