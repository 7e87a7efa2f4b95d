/** Files over 4 GiB, where bytes have numbers of more than 32 bits: written and read without memory of that size. */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { bundleScript, sizedTest, temporaryFolder } from '@evolmm/internal/testing'
import { afterAll, beforeAll, expect } from 'vitest'

let script: Awaited<ReturnType<typeof bundleScript>>
beforeAll(async () => {
  script = await bundleScript(new URL('support/large-file.ts', import.meta.url))
})
afterAll(() => {
  script.remove()
})

interface Report {
  length: number
  bytes: number
  offset: number
  found: [place: number, value: number][]
  expected: [place: number, value: number][]
  behind: number[]
  growth: number
}

function run(how: 'read' | 'write', megabytes: number): Report {
  const file = join(temporaryFolder(), 'a.safetensors')
  const output = execFileSync(process.execPath, [script.file, how, file, String(megabytes)])
  expect(statSync(file).size).toBeGreaterThan(megabytes * 1e6)
  return JSON.parse(output.toString()) as Report
}

function expectWhole(report: Report, megabytes: number): void {
  const { length, bytes, offset, found, expected, behind, growth } = report
  expect({ length, bytes, offset }).toEqual({
    length: megabytes * 250_000,
    bytes: megabytes * 1e6,
    offset: megabytes * 1e6,
  })
  expect(found).toEqual(expected)
  expect(behind).toEqual([0.5, -2, 3])
  expect(growth).toBeLessThan(150e6)
}

sizedTest(
  'a file with holes is read exactly, in bounded memory',
  { megabytes: [300, 4500, 20_000] },
  (sized) => {
    expectWhole(run('read', sized.count), sized.count)
  },
)

sizedTest('a vector is written exactly, in bounded memory', { megabytes: [300, 300, 4500] }, (sized) => {
  expectWhole(run('write', sized.count), sized.count)
})
