/** A word for a shell, read back by one. */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shellWord } from '../src'

/** The words that bash makes of each line. */
function read(lines: readonly string[]): string[][] {
  const print = 'print() { printf "%s\\0" $# "$@"; }'
  const calls = [print, ...lines.map((line) => `print ${line}`)]
  const parts = execFileSync('bash', ['-c', calls.join('\n')], { encoding: 'utf8' }).split('\0')
  return lines.map(() => parts.splice(0, 1 + Number(parts[0])).slice(1))
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
  const all = fc.sample(fc.array(texts, { minLength: 1, maxLength: 20 }), { seed: 17, numRuns: 200 })
  const lines = all.map((words) => words.map(shellWord).join(' '))
  for (const line of lines) expect(line).not.toMatch(/\p{Cc}/u)
  expect(read(lines)).toEqual(all)
})

test('what means nothing else in a shell stays as it is', () => {
  expect(['runs/charts/step_00100', 'Qwen/Qwen2.5-VL-7B@main', '--device'].map(shellWord)).toEqual([
    ...['runs/charts/step_00100', 'Qwen/Qwen2.5-VL-7B@main', '--device'],
  ])
})
