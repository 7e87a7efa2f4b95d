/** The command as a process: what only shows there. */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bundleScript } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

const argv = ['generate', '--model', 'tiny', '--prompt', 'Which?']
let file: string
let remove: () => void

beforeAll(async () => {
  ;({ file, remove } = await bundleScript(new URL('support/fake-main.ts', import.meta.url)))
})
afterAll(() => {
  remove()
})

function environment(variables: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, EVOLMM_DEBUG: '', ...variables }
}

function command(args: readonly string[], variables: Record<string, string> = {}) {
  const options = { encoding: 'utf8', env: environment(variables), maxBuffer: 1e8 } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], options)
  return { status, stdout, stderr }
}

test('a long answer reaches a pipe as a whole, warnings stay apart and take one line', () => {
  const { status, stdout, stderr } = command(argv, { FAKE_PIECES: '200000' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: 'warning: something is odd\n' })
  expect(stdout).toHaveLength(
    Array.from({ length: 200000 }, (_, i) => `word${i} `.length).reduce((a, b) => a + b) + 1,
  )
  expect(stdout.endsWith('word199999 \n')).toBe(true)
})

test('the young part of the heap stays small while a model is trained', () => {
  const images = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny/images', import.meta.url))
  const { status, stdout } = command(['train', '--data_dir', images], { FAKE_HEAP: '1' })
  expect(status).toBe(0)
  // It stays where it stood when training began; Node lets it grow to 32 MB.
  expect(Number(stdout)).toBeGreaterThan(0)
  expect(Number(stdout)).toBeLessThanOrEqual(16 * 2 ** 20)
})

test('exit codes: 0, 2 for bad input, 1 for the unexpected', () => {
  expect(command(['--version'])).toEqual({ status: 0, stdout: '1.2.3\n', stderr: '' })
  expect(command([...argv, '--seed', 'x']).status).toBe(2)
  const broken = command(['generate', '--model', 'broken', '--prompt', 'x'])
  expect(broken.status).toBe(1)
  expect(broken.stderr).toMatch(/^evolmm: unexpected error: .*\nwarning: .*\n$/)
})

test('Ctrl-C while text is streamed ends the line and exits with 130', async () => {
  const child = spawn(process.execPath, [file, ...argv], {
    env: environment({ FAKE_PIECES: '100000', FAKE_WAIT: '5' }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data: Buffer) => {
    if (stdout === '') child.kill('SIGINT')
    stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  expect({ status, stderr }).toEqual({ status: 130, stderr: 'warning: something is odd\n' })
  expect(stdout).toMatch(/^word0 .*\n$/)
})

test('a reader that goes away, as head does, is no error', async () => {
  const child = spawn(process.execPath, [file, ...argv], {
    env: environment({ FAKE_PIECES: '100000', FAKE_WAIT: '1' }),
  })
  let stderr = ''
  child.stdout.once('data', () => child.stdout.destroy())
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  expect({ status, stderr }).toEqual({ status: 0, stderr: 'warning: something is odd\n' })
})

test.each([
  ['SIGINT', undefined, 10, { status: 130, signal: null, stdout: '/runs/tiny\n' }],
  ['SIGTERM', undefined, 10, { status: 130, signal: null, stdout: '/runs/tiny\n' }],
  ['SIGINT', 'SIGINT', 60_000, { status: null, signal: 'SIGINT', stdout: '' }],
  ['SIGTERM', 'SIGINT', 60_000, { status: null, signal: 'SIGINT', stdout: '' }],
] as const)(
  'a run that gets %s saves itself; one that then gets %s ends at once',
  async (first, second, wait, end) => {
    const images = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny/images', import.meta.url))
    const child = spawn(process.execPath, [file, 'train', '--data_dir', images], {
      env: environment({ FAKE_WAIT: `${wait}` }),
    })
    let [stdout, stderr, sent] = ['', '', 0]
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
    })
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString()
      if (sent === 0 && stderr.includes('training\n')) {
        sent++
        child.kill(first)
      }
      if (sent === 1 && stderr.includes('stopping after saving') && second !== undefined) {
        sent++
        child.kill(second)
      }
    })
    const [status, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on('close', (...how) => {
        resolve(how)
      }),
    )
    expect({ status, signal, stdout }).toEqual(end)
  },
)
