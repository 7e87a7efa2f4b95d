/** A word for a shell, read back by one. */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shellWord } from '../src'

/** The words that bash makes of a line. */
function read(line: string): string[] {
  const print = 'print() { printf "%s\\0" "$@"; }'
  return execFileSync('bash', ['-c', `${print}; print ${line}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)
}

test('any texts are the words that a shell reads, on one line without control characters', () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    "'",
    '"',
    '$HOME',
    '`ls`',
    '\\',
    '\n',
    '\u001b[2J',
    '\u0085',
    '*',
    'é',
    '=',
    '-',
  )
  const texts = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1, maxLength: 20 }), (words) => {
      const line = words.map(shellWord).join(' ')
      expect(line).not.toMatch(/\p{Cc}/u)
      expect(read(line)).toEqual(words)
    }),
    { seed: 17, numRuns: 40 },
  )
})

test('what means nothing else in a shell stays as it is', () => {
  expect(['runs/charts/step_00100', 'Qwen/Qwen2.5-VL-7B@main', '--device'].map(shellWord)).toEqual([
    ...['runs/charts/step_00100', 'Qwen/Qwen2.5-VL-7B@main', '--device'],
  ])
})
