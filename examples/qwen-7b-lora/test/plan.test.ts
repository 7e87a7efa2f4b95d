import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { report as make } from '../plan.mjs'

// Each takes seconds to build.
const reports = new Map<string, string>()
function report(args: string[] = []): string {
  const text = reports.get(args.join(' ')) ?? make(args)
  reports.set(args.join(' '), text)
  return text
}

const gigabytes = (line = '') => [...line.matchAll(/([\d.]+) GB/g)].map(([, value]) => Number(value))

test('all programs of 7B are built, and the parts of the estimate add up', () => {
  const lines = report().split('\n')
  expect(lines[0]).toContain('Qwen2.5-VL-7B')
  expect(lines[0]).toContain('40.4 million parameters')
  for (const name of ['encode', 'sample', 'stream', 'score', 'gradient'])
    expect(lines.some((line) => line.startsWith(`  ${name} `) && line.includes('nodes'))).toBe(true)
  const first = lines.findIndex((line) => line.includes('as it is')) + 1
  const total = lines.findIndex((line) => line.startsWith('  total'))
  const parts = lines.slice(first, total).map((line) => gigabytes(line))
  for (const column of [0, 1]) {
    const sum = parts.reduce((all, bytes) => all + bytes[column], 0)
    // Each is rounded to two digits.
    expect(Math.abs(sum - gigabytes(lines[total])[column])).toBeLessThan(0.005 * (parts.length + 1))
  }
})

test('7B with blocks computed anew fits 80 GB', () => {
  const text = report(['--checkpointed'])
  expect(text).toContain('each block computed anew')
  expect(text).toMatch(/\nIt fits: about [\d.]+ GB of 80\.0 GB\.$/)
})

test.each([
  [['--memory', '48GB'], 'there are 48.0 GB', '--checkpointed ('],
  [['--size', '72B'], 'there are 80.0 GB', 'smaller model or more memory'],
])('what does not fit is said, with what helps: %j', (args, room, help) => {
  const sentence = report(args).split('\n').at(-1)
  expect(sentence).toMatch(/^It does not fit: about [\d.]+ GB are needed/)
  expect(sentence).toContain(room)
  expect(sentence).toContain(help)
})

test('a higher rank trains more', () => {
  expect(report(['--size', '3B', '--rank', '64'])).toContain('119.7 million parameters')
})

test('the README shows what is printed: its lines are there in this order, times excepted', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, block = ''] = /^```\n(Qwen.*?)^```/ms.exec(readme) ?? []
  const timeless = (text: string) => text.replace(/built in [\d.]+ s/, 'built in a moment').split('\n')
  const printed = timeless(report())
  const shown = timeless(block.trimEnd())
  let at = -1
  for (const [i, line] of shown.entries()) {
    if (line.trim() === '…') continue
    // What follows no ellipsis follows at once.
    const next = i === 0 || shown[i - 1].trim() === '…' ? printed.indexOf(line, at + 1) : at + 1
    expect(printed[next], `line ${i + 1} of the block`).toBe(line)
    at = next
  }
  expect(shown.length).toBeGreaterThan(5)
})

test('sizes in small letters, and memory with and without a unit, mean the same', () => {
  const verdict = (...args: string[]) => report(args).split('\n').at(-1)
  expect(verdict('--size', '7b', '--memory', '80')).toBe(verdict())
  // 80 x 1.073741824
  expect(verdict('--memory', '80GiB')).toContain('of 85.9 GB')
})

test('with less than 5 % left it barely fits', () => {
  const verdict = (...args: string[]) => report(args).split('\n').at(-1)
  const total = Number(/^It fits: about ([\d.]+) GB/.exec(verdict() ?? '')?.[1])
  expect(verdict('--memory', `${1.04 * total}`)).toMatch(/^It barely fits/)
  expect(total / 80).toBeLessThan(0.95)
})

test('--help names every option', () => {
  for (const name of ['--size', '--memory', '--rank', '--checkpointed', '--help'])
    expect(report(['--help'])).toContain(name)
  expect(report(['-h'])).toBe(report(['--help']))
})

test('the rank is at most the smallest side: 2 heads of 128 at 3B, 4 at 7B, 8 at 72B', () => {
  expect(() => report(['--size', '3B', '--rank', '257'])).toThrow('from 1 to 256')
  expect(() => report(['--rank', '513'])).toThrow('from 1 to 512')
  expect(() => report(['--size', '72B', '--rank', '1025'])).toThrow('from 1 to 1024')
  expect(report(['--size', '3B', '--rank', '256'])).toContain('rank 256')
})

test.each([
  [['--size', '8B'], '--size: must be one of 3B, 7B, 32B, 72B, got "8B"'],
  [['--memory', 'much'], '--memory: must be an amount such as 80, 80GB or 80GiB, got "much"'],
  [['--memory', '0GB'], 'got "0GB"'],
  [['--memory', '80MB'], 'got "80MB"'],
  [['--rank', '0x10'], '--rank: must be an integer from 1 to 512'],
  [['--rank', '1e400'], 'got "1e400"'],
  [['--rank', ''], 'got ""'],
  [['--speed', '1'], '--speed'],
])('wrong options are refused by name, as they were typed: %j', (args, message) => {
  expect(() => report(args)).toThrow(message)
})
