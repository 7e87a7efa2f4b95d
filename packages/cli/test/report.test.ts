import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeRun } from './support/run-folder'
import { runCommand } from './support/run-command'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('report writes the page into the folder of the run and prints where it is', async () => {
  writeRun(folder)
  const { code, stdout, stderr } = await runCommand(['report', folder])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(`${join(folder, 'report.html')}\n`)
  expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<h1 dir="auto">charts</h1>')
})

test('--output names another file, in a folder that is made if need be', async () => {
  writeRun(folder)
  const output = join(folder, 'pages', 'charts.html')
  const { code, stdout } = await runCommand(['report', '--output', output, folder])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${output}\n` })
  expect(readFileSync(output, 'utf8')).toMatch(/^<!DOCTYPE html>/)
})

test.each([
  ['no folder', [], 'report: must be given the folder of a run, got nothing'],
  ['an empty name', [''], 'report: must be given the folder of a run, got nothing'],
  ['two folders', ['a', 'b'], 'too many arguments'],
  ['an empty output', ['a', '--output='], '--output: must be given a value, got an empty text'],
  ['a folder that is not there', ['nowhere'], 'nowhere: must be the folder of a run'],
])('%s is bad input, told in one line', async (_, args, message) => {
  const { code, stdout, stderr } = await runCommand(['report', ...args])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: .*\n$/)
  expect(stderr).toContain(message)
})

test('a damaged run is told in one line and leaves no page', async () => {
  writeFileSync(join(folder, 'run.json'), '{}')
  expect(await runCommand(['report', folder])).toMatchObject({ code: 2, stdout: '' })
  writeRun(folder)
  mkdirSync(join(folder, 'report.html'))
  const { code, stderr } = await runCommand(['report', folder])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^evolmm: .*report\.html: must be writable.*\n$/)
})
