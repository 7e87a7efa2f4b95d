import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EvolmmError } from '@evolmm/internal'
import { inspectQuietly } from '../src/inspect-quietly'
import { report } from './support/fake-library'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** A library whose `inspectRuntime` is this. */
function library(body: string): string {
  const file = join(folder, 'library.cjs')
  writeFileSync(file, `exports.inspectRuntime = async () => {${body}}`)
  return file
}

test('the report arrives whole, whatever a driver writes to the streams', async () => {
  const chatter = "for (const stream of [1, 2]) require('node:fs').writeSync(stream, 'error: XDG_RUNTIME_DIR')"
  const file = library(`${chatter}; return ${JSON.stringify(report)}`)
  expect(await inspectQuietly(file)).toEqual(report)
})

test('an error of the library stays what it is', async () => {
  const file = library("throw Object.assign(new Error('HF_HOME: must be'), { code: 'INVALID_OPTION' })")
  const error = await inspectQuietly(file).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(EvolmmError)
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: 'HF_HOME: must be' })
})

test('a driver that crashes is one typed error', async () => {
  await expect(inspectQuietly(library("process.kill(process.pid, 'SIGKILL')"))).rejects.toMatchObject({
    code: 'PROBE_FAILED',
    message: expect.stringContaining('got signal SIGKILL; update the driver') as string,
  })
  await expect(inspectQuietly(library('process.exit(7)'))).rejects.toMatchObject({ code: 'PROBE_FAILED' })
})
