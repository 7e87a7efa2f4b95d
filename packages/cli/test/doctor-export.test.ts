import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { adapter, fakeLibrary, report } from './support/fake-library'
import { given, runCommand } from './support/run-command'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('doctor --json gives all that is known, with the version of the command', async () => {
  const { code, stdout, stderr, calls } = await runCommand(['doctor', '--json'])
  expect({ code, stderr, calls }).toEqual({ code: 0, stderr: '', calls: [] })
  expect(stdout).toMatch(/^.*\n$/)
  expect(JSON.parse(stdout)).toEqual({ evolmm: '1.2.3', ...report })
})

test('doctor for people: the same in lines, with what helps', async () => {
  const { stdout } = await runCommand(['doctor'])
  expect(stdout.split('\n')).toEqual([
    'evolmm        1.2.3',
    'Node          22.1.0 on linux x64',
    'ONNX Runtime  1.30.0',
    'Threads       2',
    '',
    'Devices',
    '  cpu     usable',
    '  webgpu  not usable: no adapter; install a Vulkan driver',
    '',
    'Caches',
    '  hub      /cache/hub, 7.5 GB in 12 files',
    '  weights  /cache/weights, empty',
    '',
  ])
})

test('doctor says which cards there are, and how to get the libraries that are missing', async () => {
  const library = (name: string, file: string | null, elsewhere: string | null = null) => ({
    ...{ name, file, elsewhere },
    ...{ apt: 'a', pip: 'p' },
  })
  const card = { name: 'NVIDIA H200', uuid: 'GPU-1', free: 140e9, hidden: false }
  const cuda = {
    cards: [
      { ...card, device: 'cuda:1' },
      { ...card, device: null, hidden: true },
      { ...card, device: null, free: null },
    ],
    libraries: [
      library('liba.so', '/lib/liba.so'),
      library('libb.so', null),
      library('libc.so', null, '/opt'),
    ],
    advice: ['with apt: apt-get install b', 'export LD_LIBRARY_PATH=/opt'],
  }
  const inspected = { ...fakeLibrary(), inspectRuntime: () => Promise.resolve({ ...report, cuda }) }
  const { stdout } = await runCommand(['doctor'], { library: inspected })
  const lines = stdout.split('\n')
  expect(lines.slice(lines.indexOf('CUDA'), lines.indexOf('Caches'))).toEqual([
    'CUDA',
    '  cuda:1   NVIDIA H200, 140 GB free',
    '  hidden   NVIDIA H200, 140 GB free, left out by CUDA_VISIBLE_DEVICES',
    '  cuda:?   NVIDIA H200',
    '  libb.so  missing',
    '  libc.so  in /opt, where the loader does not look',
    '  CUDA numbers different cards by speed: set CUDA_DEVICE_ORDER=PCI_BUS_ID to have them in this order',
    '  with apt: apt-get install b',
    '  export LD_LIBRARY_PATH=/opt',
    '',
  ])
  const whole = { ...cuda, cards: [], libraries: cuda.libraries.slice(0, 1), advice: [] }
  const found = { ...fakeLibrary(), inspectRuntime: () => Promise.resolve({ ...report, cuda: whole }) }
  const { stdout: short } = await runCommand(['doctor'], { library: found })
  expect(short).toContain('\nCUDA\n  every library of CUDA 12 and cuDNN 9 is found\n\nCaches')
})

test('export writes the names of the files, and their number and size to standard error', async () => {
  writeFileSync(join(folder, 'encode.onnx'), Buffer.alloc(2000))
  writeFileSync(join(folder, 'sample.onnx'), Buffer.alloc(1000))
  const { code, stdout, stderr, calls } = await runCommand(['export', '--model', 'tiny', '--out', folder])
  expect(code).toBe(0)
  expect(stdout).toBe(`${join(folder, 'encode.onnx')}\n${join(folder, 'sample.onnx')}\n`)
  expect(stderr).toBe('2 files, 3.0 kB\n')
  expect(given(calls, 'exportPrograms')).toEqual([folder, undefined])
  expect(calls.at(-1)).toEqual(['dispose'])
})

test('export takes an adapter', async () => {
  const flags = ['--adapter', 'lora', '--adapter-subfolder', 'solver']
  const { calls } = await runCommand(['export', '--model', 'tiny', '--out', folder, ...flags])
  expect(given(calls, 'loadAdapter')).toMatchObject(['lora', { adapterName: 'solver' }])
  expect(given(calls, 'exportPrograms')).toEqual([folder, adapter])
})
