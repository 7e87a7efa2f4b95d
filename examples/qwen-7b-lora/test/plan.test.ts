import { expect, test } from 'vitest'
import { report } from '../plan.mjs'

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
  [['--memory', '48GB'], 'there are 48.0 GB', 'checkpointed: true'],
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

test.each([
  [['--size', '8B'], '--size'],
  [['--memory', 'much'], '--memory'],
  [['--rank', 'x'], 'rank'],
  [['--speed', '1'], '--speed'],
])('wrong options are refused by name: %j', (args, name) => {
  expect(() => report(args)).toThrow(name)
})
