import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { installer } from '../src/installer'
import { runCommand } from './support/run-command'

type Run = typeof installer.run

function noted(result: Awaited<ReturnType<Run>>) {
  const runs: Parameters<Run>[] = []
  const run: Run = (...given) => {
    runs.push(given)
    return Promise.resolve(result)
  }
  return { runs, run }
}

test('setup cuda runs the installer of onnxruntime-node once, told to fetch', async () => {
  const { runs, run } = noted({ code: 0, errors: '' })
  const { code, stdout, stderr } = await runCommand(['setup', 'cuda'], { installer: { run } })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe('CUDA libraries are under /ort/bin; evolmm doctor says whether they start\n')
  expect(runs).toEqual([['/ort/script/install.js', { ONNXRUNTIME_NODE_INSTALL: '1' }]])
})

test('--dry_run writes what would be run, and runs nothing', async () => {
  const { runs, run } = noted({ code: 1, errors: '' })
  const { code, stdout } = await runCommand(['setup', 'cuda', '--dry-run'], { installer: { run } })
  expect(code).toBe(0)
  expect(stdout).toBe(`ONNXRUNTIME_NODE_INSTALL=1 ${process.execPath} /ort/script/install.js\n`)
  expect(runs).toEqual([])
})

test.each([
  [
    'without a network',
    {
      code: 1,
      errors:
        'node:internal/process/promises:394\n      triggerUncaughtException(err, true);\n      ^\n\n' +
        'Error: getaddrinfo ENOTFOUND feed.example\n    at errorWithCode {\n  errno: -3008\n}\n\nNode.js v20.20.0\n',
    },
    'got "Error: getaddrinfo ENOTFOUND feed.example"; run it where there is a network',
  ],
  ['when it ends in silence', { code: 3, errors: '' }, 'got exit code 3;'],
])('setup cuda %s is one line that says what to do, and exit code 2', async (_, result, message) => {
  const { code, stdout, stderr } = await runCommand(['setup', 'cuda'], {
    installer: { run: noted(result).run },
  })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: setup cuda: .*\n$/)
  expect(stderr).toContain(message)
})

test.each([
  ['darwin', 'arm64'],
  ['win32', 'x64'],
  ['linux', 'arm64'],
])('setup cuda on %s %s is refused', async (platform, arch) => {
  const { runs, run } = noted({ code: 0, errors: '' })
  const { code, stderr } = await runCommand(['setup', 'cuda'], { installer: { platform, arch, run } })
  expect(code).toBe(2)
  expect(stderr).toBe(
    `evolmm: setup cuda: must run on Linux x64, got ${platform} ${arch}; choose device webgpu or cpu\n`,
  )
  expect(runs).toEqual([])
})

test.each([
  [['setup'], "missing required argument 'device'"],
  [['setup', 'rocm'], 'Allowed choices are cuda'],
])('%j is refused', async (argv, message) => {
  const { code, stderr } = await runCommand(argv)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})

test('the installer is that of the runtime which @evolmm/vlm loads', () => {
  const library = createRequire(import.meta.url).resolve('@evolmm/vlm/package.json')
  const runtime = createRequire(library).resolve('onnxruntime-node/package.json')
  expect(installer.script()).toBe(join(dirname(runtime), 'script/install.js'))
})
