import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { adapter, report } from './support/fake-library'
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
