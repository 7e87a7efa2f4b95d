import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EvolmmError } from '../../packages/internal/src'
import { faultOf } from '../fuzz/fault-of'
import { knownCodes } from '../fuzz/known-codes'
import { mutated } from '../fuzz/mutate'
import { readers } from '../fuzz/readers'

test.each(readers.map((reader) => [reader.name, reader] as const))(
  'the inputs that changes begin with are good, and are changed the same each time: %s',
  async (_, reader) => {
    const folder = mkdtempSync(join(tmpdir(), 'evolmm-fuzz-test-'))
    onTestFinished(() => {
      rmSync(folder, { recursive: true })
    })
    const corpus = await reader.corpus(folder)
    const input = () => Buffer.from(mutated(corpus, reader, 3, 5)).toString('hex')
    expect(input()).toBe(input())
    const others = Array.from({ length: 20 }, (__, i) =>
      Buffer.from(mutated(corpus, reader, 3, i)).toString('hex'),
    )
    expect(new Set(others).size).toBeGreaterThan(15)
    for (const good of corpus) await reader.read(good, join(folder, 'read'))
  },
)

test('an error passes with the type, a code of ours and a message that can be read', () => {
  const codes = knownCodes()
  for (const code of ['INVALID_OPTION', 'INVALID_CONFIG', 'WANDB_REFUSED', 'NOTHING_TO_COMPARE']) {
    expect(codes).toContain(code)
    expect(faultOf(new EvolmmError(code, 'x: must hold'), codes)).toBeUndefined()
  }
  expect(faultOf(new TypeError('x'), codes)).toMatch(/^an error without a type: TypeError: x\n/)
  expect(faultOf('x', codes)).toBe('an error without a type: x')
  expect(faultOf(new EvolmmError('INVALID_CONFIGS', 'x'), codes)).toMatch(/^a code that no package names/)
  expect(faultOf(new EvolmmError('INVALID_CONFIG', ' '), codes)).toMatch(/^an error without a message/)
  const endless = new EvolmmError('INVALID_CONFIG', '')
  endless.message = 'x'.repeat(2001)
  expect(faultOf(endless, codes)).toMatch(/^a message of 2001 letters/)
})
