import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeLibrary, report } from './support/fake-library'
import { given, runCommand } from './support/run-command'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function withCaches() {
  mkdirSync(join(folder, 'hub/blobs'), { recursive: true })
  writeFileSync(join(folder, 'hub/blobs/one'), Buffer.alloc(1500))
  symlinkSync('blobs/one', join(folder, 'hub/link'))
  const caches = [
    { name: 'hub', folder: join(folder, 'hub') },
    { name: 'weights', folder: join(folder, 'none') },
  ]
  return fakeLibrary({ report: { ...report, caches } })
}

test('doctor --json says what is installed, what is usable and where the caches are', async () => {
  const { code, stdout, stderr, calls } = await runCommand(['doctor', '--json'], { library: withCaches() })
  expect({ code, stderr, calls }).toEqual({ code: 0, stderr: '', calls: [] })
  expect(JSON.parse(stdout)).toEqual({
    evolmm: '1.2.3',
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    onnxruntime: '1.30.0',
    threads: 2,
    cores: availableParallelism(),
    providers: report.providers,
    caches: [
      { name: 'hub', folder: join(folder, 'hub'), bytes: 1500 },
      { name: 'weights', folder: join(folder, 'none'), bytes: null },
    ],
  })
})

test('doctor for people: the same in lines, with what helps', async () => {
  const { stdout } = await runCommand(['doctor'], { library: withCaches() })
  expect(stdout).toBe(
    [
      'evolmm        1.2.3',
      `Node          ${process.versions.node} on ${process.platform}-${process.arch}`,
      'ONNX Runtime  1.30.0',
      `Threads       2 of ${availableParallelism()}`,
      '',
      'Devices',
      '  cpu     usable',
      '  webgpu  present, not usable: no adapter was found; install a Vulkan driver',
      '  cuda    not installed',
      '',
      'Caches',
      `  hub      ${join(folder, 'hub')}, 1.5 kB`,
      `  weights  ${join(folder, 'none')}, not there yet`,
      '',
    ].join('\n'),
  )
})

test('export writes the names of the files, and their number and size to standard error', async () => {
  writeFileSync(join(folder, 'encode.onnx'), Buffer.alloc(2000))
  writeFileSync(join(folder, 'sample.onnx'), Buffer.alloc(1000))
  const { code, stdout, stderr, calls } = await runCommand(['export', '--model', 'tiny', '--out', folder])
  expect(code).toBe(0)
  expect(stdout).toBe(`${join(folder, 'encode.onnx')}\n${join(folder, 'sample.onnx')}\n`)
  expect(stderr).toBe('2 files, 3.0 kB\n')
  expect(given(calls, 'exportPrograms')).toEqual([folder])
  expect(calls.at(-1)).toEqual(['dispose'])
})
